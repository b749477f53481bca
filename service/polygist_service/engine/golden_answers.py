"""What a model is asked when it is installed, and whether it still answers that: damage that no checksum tells of."""

import base64
import importlib.metadata
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import structlog
from polygist import __version__

from polygist_service.engine.hardware import Placement, find_instruction_set
from polygist_service.engine.interface import Decoding, Encoding, Options, Result, Vector
from polygist_service.engine.models.base import Model
from polygist_service.errors import StoreError
from polygist_service.store.description import Description, InstalledModel
from polygist_service.store.golden_answers import Calculation, GoldenAnswer

log = structlog.get_logger(__name__)

# An answer ends after so many tokens, whatever the model would have written: twice what a golden text has.
MOST_TOKENS, MOST_TOKENS_WITH_INSTRUCTION = 32, 16
# The same kernels give the same tokens, scores and vectors, but for the digits and bits that these are kept in. Scores
# tell of damage that no token shows: of 174 damaged models, 28 wrote the same, and 26 of these scored otherwise.
MOST_SCORE_DIFFERENCE = 0.001
LEAST_COSINE_OF_THE_SAME = 0.99999
# What damage leaves of a model is told from what other kernels and numbers make of it, in the mean of all answers:
# chrF, 0 to 100, and cosines. Of the starter models, these leave 98.5 and 0.9976 at the least. A model that follows
# instructions says the same in other words: SmolLM2 of 135 M, as int8 for float32, leaves 68 at the least.
LEAST_CHRF, LEAST_CHRF_WITH_INSTRUCTION = 80.0, 50.0
LEAST_COSINE = 0.97
# chrF by Popović (2015), https://aclanthology.org/W15-3049: n-grams of characters, recall counting BETA times as much.
LONGEST_NGRAM, BETA = 6, 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the answers of a model agree with its golden ones.

    Attributes:
        equal: how many are the same to the token, with the same score.
        likeness: the mean of their chrF, or of the cosines of their vectors.
        difference: the first of them that is not the same; empty where there is none.
    """

    equal: int
    likeness: float
    difference: str = ""


def describe_calculation(placement: Placement) -> Calculation:
    """Return how a model that runs at a place is calculated; that of a GPU is not known, and never the same."""
    return Calculation(
        compute_type=placement.compute_type,
        instruction_set=find_instruction_set() if placement.device == "cpu" else "",
        software=f"polygist {__version__}, ctranslate2 {importlib.metadata.version('ctranslate2')}",
    )


def answer(model: Model, description: Description, questions: Sequence[GoldenAnswer]) -> list[GoldenAnswer]:
    """Have a model answer some texts, those in a row with or without a shortlist in one batch; returns them answered.

    Raises:
        StoreError: one does not fit its window.
    """
    answers: list[GoldenAnswer] = []
    for _, group in groupby(questions, key=lambda question: question.shortlist):
        asked = list(group)
        options = [choose_options(description, question) for question in asked]
        tokens = [model.tokenise(each.text, option) for each, option in zip(asked, options, strict=True)]
        read = [each for each in tokens if each is not None]
        if len(read) < len(asked):
            raise StoreError(f"model {description.name} has no room for one of its golden texts in its window")
        results = model.run(read, options[0])
        answers += [keep(question, result) for question, result in zip(asked, results, strict=True)]
    return answers


def follows_instructions(description: Description) -> bool:
    """Whether a model is told what to do with a text, and answers at more length than one that translates."""
    return description.tokenizer == "chat"


def choose_options(description: Description, question: GoldenAnswer) -> Options:
    """Return how a golden text is put through a model."""
    if description.role == "encoder":
        return Encoding()
    return Decoding(
        source=question.source,
        target=question.target,
        shortlist=question.shortlist,
        scores=True,
        max_output_tokens=MOST_TOKENS_WITH_INSTRUCTION if follows_instructions(description) else MOST_TOKENS,
        min_output_tokens=1,
    )


def keep(question: GoldenAnswer, result: Result) -> GoldenAnswer:
    """Return a question with what a model has answered."""
    if result.vector is not None:
        kept = base64.b64encode(result.vector.astype("<f2").tobytes()).decode()
        return replace(question, vector=kept)
    best = result.hypotheses[0]
    return replace(question, written=best.text, token_count=best.token_count, score=round(best.score or 0.0, 5))


def check_golden_answers(installed: InstalledModel, model: Model, placement: Placement) -> None:
    """Have a loaded model answer its golden texts; one that has none is not asked.

    In the numbers and on the processor that they were recorded with, by the same software, they have to be the same to
    the token, elsewhere alike in the mean.

    Raises:
        StoreError: it answers something else; names both.
    """
    golden = installed.golden
    if golden is None:
        return
    began = time.monotonic()
    here = describe_calculation(placement)
    is_encoder, is_same = installed.description.role == "encoder", golden.calculation.is_same(here)
    found = compare(golden.answers, answer(model, installed.description, golden.answers))
    if is_encoder:
        least = LEAST_COSINE_OF_THE_SAME if is_same else LEAST_COSINE
        is_right, measure = found.likeness >= least, f"cosine {found.likeness:.5f}, at least {least}"
    elif is_same:
        is_right, measure = found.equal == len(golden.answers), "all have to be"
    else:
        least = LEAST_CHRF_WITH_INSTRUCTION if follows_instructions(installed.description) else LEAST_CHRF
        is_right, measure = found.likeness >= least, f"chrF {found.likeness:.1f}, at least {least:g}"
    if not is_right:
        other_cure = "" if is_same else f"; if it is whole, polygist-server models record {installed.name}"
        raise StoreError(
            f"model {installed.name} does not answer what it did when it was installed: of {len(golden.answers)} "
            f"golden answers {found.equal} are equal ({measure}); recorded with {golden.calculation}; here with "
            f"{here}{found.difference}; run: polygist-server models pull --again {installed.name}{other_cure}"
        )
    seconds = round(time.monotonic() - began, 3)
    log.info(
        "golden_answers_given",
        model=installed.name,
        equal=found.equal,
        likeness=round(found.likeness, 5),
        seconds=seconds,
    )


def compare(golden: Sequence[GoldenAnswer], answers: Sequence[GoldenAnswer]) -> Comparison:
    """Compare the answers of a model with its golden ones, text by text."""
    pairs = list(zip(golden, answers, strict=True))
    different = [(one, other) for one, other in pairs if not is_equal(one, other)]
    likeness = [
        compute_cosine(one.vector, other.vector) if one.vector else compute_chrf(other.written, one.written)
        for one, other in pairs
    ]
    difference = ""
    if different:
        one, other = different[0]
        difference = describe_difference(one, other)
    return Comparison(len(pairs) - len(different), sum(likeness) / len(likeness), difference)


def describe_difference(one: GoldenAnswer, other: GoldenAnswer) -> str:
    """Return what two answers to the same text are; empty for vectors, which nobody reads."""
    if one.vector or other.vector:
        return ""
    if one.written == other.written:
        return f"; it wrote {one.written!r} with score {one.score}, here with {other.score}"
    return f"; it wrote {one.written!r}, here {other.written!r}"


def is_equal(one: GoldenAnswer, other: GoldenAnswer) -> bool:
    """Whether two answers are the same to the token, with the same score."""
    is_close = abs(one.score - other.score) <= MOST_SCORE_DIFFERENCE  # not so of what is no number
    return is_close and replace(one, score=0.0) == replace(other, score=0.0)


def compute_cosine(one: str, other: str) -> float:
    """Return the cosine of two vectors, as golden answers keep them; 0 where there is none."""
    left, right = read_vector(one), read_vector(other)
    lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
    if left.shape != right.shape or not lengths > 0:  # zeros, or what is no number
        return 0.0
    return float(left @ right) / lengths


def read_vector(kept: str) -> Vector:
    """Return a vector as golden answers keep it; raises ValueError where it is none."""
    return np.frombuffer(base64.b64decode(kept), "<f2").astype(np.float32)


def compute_chrf(hypothesis: str, reference: str) -> float:
    """Return chrF of a text, 0 to 100: how much of its n-grams of characters, without white space, are the reference's.

    The mean is over the lengths of n-grams that both texts have, as in sacrebleu with its effective order.
    """
    hypothesis, reference = "".join(hypothesis.split()), "".join(reference.split())
    if hypothesis == reference:
        return 100.0
    precisions, recalls = [], []
    for length in range(1, LONGEST_NGRAM + 1):
        mine, theirs = count_ngrams(hypothesis, length), count_ngrams(reference, length)
        if mine and theirs:
            common = (mine & theirs).total()
            precisions.append(common / mine.total())
            recalls.append(common / theirs.total())
    if not sum(precisions):
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 100 * (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def count_ngrams(text: str, length: int) -> Counter[str]:
    """Return the n-grams of characters of a text, with how often each stands there."""
    return Counter(text[at : at + length] for at in range(len(text) - length + 1))
