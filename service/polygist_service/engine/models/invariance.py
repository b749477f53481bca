"""Which lengths may share a batch without a change to any answer: found out on this machine, for one model.

A library of kernels sums in another order where a matrix is larger. A batch is padded to its longest segment, so that
the attention of a short one is calculated as if it were as long: its last bits change where the two lengths have
different kernels, an int8 rounding falls the other way, and now and then another word is written. The kernels change at
few lengths; where one does is a seam. (oneDNN with AVX-512: at 16 tokens and above 100.)
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, pairwise

from polygist_service.engine.interface import Result
from polygist_service.engine.models.base import SHORTEST_PROBED
from polygist_service.engine.models.prompt_format import Prompt

Run = Callable[[Sequence[Prompt]], Sequence[Result]]
Answers = Callable[[Sequence[Prompt]], Sequence[tuple[str, float | None]]]

# Neighbours are compared; kernels are made for multiples of 8 and 16, and few segments are longer than the last.
LENGTHS = (SHORTEST_PROBED, 9, 13, 18, 24, 40, 64, 96, 127)
# So many texts of a length, and more where they are short: not every one shows a difference, and short ones seldom.
LEAST_VARIANTS, MOST_VARIANTS, VARIANT_TOKENS = 4, 16, 288
# More lengths at which something changes are no stretches to mix in.
MOST_SEAMS = 6
# So many different lengths of a stretch are put together to see whether it is one.
CHECKED_TOGETHER = 12
# An answer shows another kernel in its first tokens.
PROBED_TOKENS = 4
# At most so long, by the time that the processor gives: how busy the machine is does not decide. A model that takes
# longer is left to batches of equal lengths.
MOST_SECONDS = 2.0
# So many tokens at the ends of a golden text may be those of the prompt format.
FIRST, LAST = 1, 2


class MixedAnswersError(Exception):
    """Texts of a stretch answer together otherwise than alone."""


class OutOfTimeError(Exception):
    """There was no time to find them all."""


def find_seams(
    run: Run, golden: Prompt, *, window: int, clock: Callable[[], float] = time.process_time
) -> tuple[int, ...] | None:
    """Return the seams of a model, as `BatchLimits` has them; none where batches of unequal lengths change answers.

    None in their place is no answer: there was no time for one, as where the processor has other work of this process.

    Every answer is compared by its score, which shows every bit of it.

    Args:
        run: runs a batch of the model, with scores.
        golden: a text as the model takes it; what is run is made of its tokens.
        window: the most tokens of a segment.
        clock: seconds of the processor's time.
    """
    if len(golden) < LENGTHS[0] or window <= LENGTHS[0]:
        return ()
    end = clock() + MOST_SECONDS

    def answer(prompts: Sequence[Prompt]) -> list[tuple[str, float | None]]:
        if clock() > end:
            raise OutOfTimeError
        best = (result.hypotheses[0] for result in run(prompts))
        return [(hypothesis.text, hypothesis.score) for hypothesis in best]

    try:
        longest = min(LENGTHS[-1], window - 1)
        lengths = [*(length for length in LENGTHS if length < longest), longest]
        seams: list[int] = []
        for low, high in pairwise(lengths):
            seams += search(answer, golden, low, high)
            if len(seams) > MOST_SEAMS:
                return ()
        for low, high in pairwise([lengths[0], *seams, lengths[-1] + 1]):
            check(answer, golden, low, high)
    except MixedAnswersError:
        return ()
    except OutOfTimeError:
        return None
    return (*seams, lengths[-1] + 1)


def search(answer: Answers, golden: Prompt, low: int, high: int) -> list[int]:
    """Return the seams above `low`, up to `high`."""
    seams: list[int] = []
    variants = max(LEAST_VARIANTS, min(MOST_VARIANTS, VARIANT_TOKENS // high))
    while low < high and len(seams) <= MOST_SEAMS:
        texts = [cut(golden, low, variant) for variant in range(variants)]
        expected = answer(texts)
        alike, seam = low, high + 1
        length = high
        while seam - alike > 1:
            if answer([*texts, cut(golden, length)])[:variants] == expected:
                alike = length
            else:
                seam = length
            length = (alike + seam) // 2
        if seam > high:
            break
        seams.append(seam)
        low = seam
    return seams


def check(answer: Answers, golden: Prompt, low: int, high: int) -> None:
    """Raise MixedAnswersError where texts from `low` to below `high` tokens answer together otherwise than alone."""
    step = max(1, (high - low) // CHECKED_TOGETHER)
    texts = [cut(golden, length, length) for length in islice(range(low, high, step), CHECKED_TOGETHER)]
    texts.append(cut(golden, high - 1))
    if list(answer(texts)) != [alone for text in texts for alone in answer([text])]:
        raise MixedAnswersError


def cut(golden: Prompt, length: int, variant: int = 0) -> Prompt:
    """Return a text of so many tokens, out of those of the golden text; each variant begins elsewhere in it."""
    middle = golden.tokens[FIRST:-LAST]
    count = length - FIRST - LAST
    turned = [middle[(variant + at) % len(middle)] for at in range(count)]
    return replace(golden, tokens=[*golden.tokens[:FIRST], *turned, *golden.tokens[-LAST:]])
