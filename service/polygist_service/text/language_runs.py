"""Texts in more than one language: the blocks whose languages are asked for, and the runs that they form."""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from polygist_service.text.languages import is_kin
from polygist_service.text.segmentation import strip

# Fewer letters are a name, a heading or a quotation: they go with what stands around them.
MIN_LETTERS = 40
# A text is looked at in about so many blocks at most, however short its lines are.
MOST_BLOCKS = 2000
# Of more lines some are looked at together, wherever they end.
MOST_LINES = 20_000
# So many languages of a text are told apart, those with the most letters.
MOST_LANGUAGES = 8
# From here on a block is in a language, and not only likelier to be in it than in another.
MIN_CONFIDENCE = 0.5
# Natural logarithms of odds against the language of the whole: what of them a block does not count, and what it costs
# to begin a run. Of the lines over 80 letters of news in en, es, fr, de and ru, 19 in 20 have 10 and more for their
# language against each other one, 6 where that is es or pt. Of 9,000 lines of news in one language the line nearest to
# another one has 3.6: "Substitution, Bologna. …".
MARGIN = 2.0
RUN_COST = 4.0
# Odds are no better known than that.
LEAST_PROBABILITY = 1e-12

# How a line ends that ends a sentence.
SENTENCE_END = re.compile(r"[.!?…:;。！？।؟][\s\"'”’»)\]}*_]{0,4}\Z")
LONGEST_END = 5


@dataclass(frozen=True, slots=True)
class LanguageRun:
    """Consecutive blocks in one language.

    Attributes:
        start, end: their half-open span in the text, in code points, without white space around it.
        language: canonical tag.
    """

    start: int
    end: int
    language: str


@dataclass(frozen=True, slots=True)
class Mixture:
    """The languages of a text that has several.

    Attributes:
        language: that of most of its letters.
        confidence: mean probability of `language` over the blocks in it, by their letters.
        foreign: the runs in other ones, in order; at least one.
    """

    language: str
    confidence: float
    foreign: tuple[LanguageRun, ...]


class Block(NamedTuple):
    """A part of a text whose language is asked for by itself."""

    start: int
    end: int
    letters: int
    begins_paragraph: bool


def cut_blocks(text: str) -> list[Block]:
    """Cut `text` into blocks that may be in different languages; return none where it cannot have two.

    Short blocks of a paragraph stand together. Between blocks there is nothing but white space.
    """
    if len(text) < 2 * MIN_LETTERS:
        return []
    found = list(divide(text))
    is_long = len(found) > MOST_BLOCKS
    least = max(MIN_LETTERS, len(text) // MOST_BLOCKS) if is_long else MIN_LETTERS
    blocks: list[Block] = []
    for block in found:
        is_short = block.letters < least and (is_long or not block.begins_paragraph)
        if blocks and is_short and blocks[-1].letters < least:
            before = blocks.pop()
            block = Block(before.start, block.end, before.letters + block.letters, before.begins_paragraph)
        blocks.append(block)
    letters = sorted(block.letters for block in blocks)
    # One is enough where the others have as many letters together: three short paragraphs beside a long one.
    return blocks if letters and letters[-1] >= MIN_LETTERS <= sum(letters[:-1]) else []


def divide(text: str) -> Iterator[Block]:
    """Yield the smallest blocks of `text`: the lines of paragraphs whose lines end sentences, else what ends one.

    Half the lines are enough: a headline stands above its text, while of lines that were wrapped few end a sentence.
    """
    at, every = 0, text.splitlines(keepends=True)
    if (step := len(every) // MOST_LINES + 1) > 1:
        every = ["".join(every[start : start + step]) for start in range(0, len(every), step)]
    for is_blank, group in groupby(every, key=str.isspace):
        lines = list(group)
        if is_blank:
            at += sum(map(len, lines))
            continue
        ends = [bool(SENTENCE_END.search(line.rstrip()[-LONGEST_END:])) for line in lines]
        by_line = 2 * sum(ends) >= len(ends)
        ends[-1] = begins = True
        start, letters = at, 0
        for line, is_end in zip(lines, ends, strict=True):
            letters += sum(map(str.isalpha, line))
            at += len(line)
            if is_end or by_line:
                yield Block(start, at, letters, begins)
                start, letters, begins = at, 0, False


def find_mixture(
    text: str, blocks: Sequence[Block], rankings: Sequence[Sequence[tuple[str, float]]], whole: str
) -> Mixture | None:
    """Return the languages of a text and where they stand; None where it has only one.

    Args:
        text: any text.
        blocks: of `cut_blocks`.
        rankings: languages of each block by falling probability, not renormalised.
        whole: the likeliest language of the whole text.
    """
    probabilities = [dict(ranking) for ranking in rankings]
    labels = label_blocks(blocks, probabilities, whole)
    main = dominant_language(blocks, labels)
    if main != whole:
        labels = label_blocks(blocks, probabilities, main)
        main = dominant_language(blocks, labels)
    if set(labels) <= {main}:
        return None
    shares = [
        (block.letters, probability.get(main, 0.0))
        for block, probability, label in zip(blocks, probabilities, labels, strict=True)
        if label == main
    ]
    confidence = sum(letters * p for letters, p in shares) / max(1, sum(letters for letters, _ in shares))
    runs = []
    for label, group in groupby(zip(blocks, labels, strict=True), key=lambda pair: pair[1]):
        members = [block for block, _ in group]
        if label != main:
            start, end = strip(text, members[0].start, members[-1].end)
            runs.append(LanguageRun(start, end, label))
    return Mixture(main, min(1.0, confidence), tuple(runs))


def is_within(at: int, runs: Sequence[LanguageRun]) -> bool:
    """Whether the character at `at` is in one of `runs`, which stand in order."""
    before = bisect_right(runs, at, key=lambda run: run.start)
    return before > 0 and at < runs[before - 1].end


def dominant_language(blocks: Sequence[Block], labels: Sequence[str]) -> str:
    """Return the language of most letters."""
    letters: Counter[str] = Counter()
    for block, label in zip(blocks, labels, strict=True):
        letters[label] += block.letters
    return max(letters, key=lambda language: letters[language])


def label_blocks(blocks: Sequence[Block], probabilities: Sequence[Mapping[str, float]], whole: str) -> list[str]:
    """Return the language of each block: the likeliest sequence, by Viterbi, in which leaving `whole` has its cost."""
    pairs = list(zip(blocks, probabilities, strict=True))
    languages = [whole, *sure_languages(pairs, whole)]
    if len(languages) == 1:
        return [whole] * len(blocks)
    scores = dict.fromkeys(languages, -math.inf) | {whole: 0.0}
    origins: list[dict[str, str]] = []
    for block, probability in pairs:
        # Of equals the foreign one: what speaks for neither goes with the run before it.
        best = max(languages, key=lambda language: (scores[language], language != whole))
        origin, following = {whole: best}, {whole: scores[best]}
        for language in languages[1:]:
            stays = scores[language] >= scores[best] - RUN_COST
            origin[language] = language if stays else best
            score = scores[language] if stays else scores[best] - RUN_COST
            following[language] = score + weigh(block, probability, language, whole)
        origins.append(origin)
        scores = following
    label = max(languages, key=lambda language: (scores[language], language != whole))
    labels = []
    for origin in reversed(origins):
        labels.append(label)
        label = origin[label]
    return labels[::-1]


def sure_languages(pairs: Iterable[tuple[Block, Mapping[str, float]]], whole: str) -> list[str]:
    """Return the languages other than `whole` that some block is surely in, those of most letters first."""
    letters: Counter[str] = Counter()
    for block, probability in pairs:
        language = max(probability, key=lambda code: probability[code], default=whole)
        if not is_kin(language, whole) and weigh(block, probability, language, whole) >= RUN_COST:
            letters[language] += block.letters
    return [language for language, _ in letters.most_common(MOST_LANGUAGES)]


def weigh(block: Block, probability: Mapping[str, float], language: str, whole: str) -> float:
    """Return what a block says for a language rather than `whole`; nothing where it is not surely in it."""
    if not probability:
        return 0.0
    here, there = (max(probability.get(code, 0.0), LEAST_PROBABILITY) for code in (language, whole))
    value = math.log(here / there) - MARGIN
    is_sure = block.letters >= MIN_LETTERS and here >= MIN_CONFIDENCE
    return value if is_sure else min(0.0, value)
