"""Lines in capitals and in title case, beside the same lines in sentence case."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from polygist_client import Client
from sacrebleu.metrics.chrf import CHRF

from bench.fidelity.expectations import CASES, OTHER_LANGUAGE
from bench.fidelity.kinds import Case, Kind, Requirement
from bench.quality.sets import DataFolder

# A line is as good as its twin where it is at most this much further from the reference, or this near to the twin's.
FURTHER = 15.0
NEAR = 70.0
TARGET = 0.9
# How far the mean of all lines of a style may be below that of their twins, in chrF.
ALLOWED = 3.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A line, the same in sentence case, and a translation by hand.

    Attributes:
        group: "all caps" or "title case".
        language: "en", which is translated to Portuguese, or "pt", which is translated to English.
        source: the line in capitals.
        twin: the line in sentence case.
        reference: the translation, in sentence case.
    """

    group: str
    language: str
    source: str
    twin: str
    reference: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The translations of a pair, and their chrF."""

    pair: Pair
    text: str
    twin: str
    is_warned: bool

    @property
    def score(self) -> float:
        """ChrF of the line's translation against the reference, without regard to case."""
        return chrf(self.text.lower(), self.pair.reference.lower())

    @property
    def twin_score(self) -> float:
        """ChrF of the twin's translation against the reference, without regard to case."""
        return chrf(self.twin.lower(), self.pair.reference.lower())

    @property
    def likeness(self) -> float:
        """ChrF of the line's translation against the twin's, without regard to case."""
        return chrf(self.text.lower(), self.twin.lower())

    @property
    def likeness_in_capitals(self) -> float:
        """ChrF of the line's translation against the twin's in capitals, with regard to case."""
        return chrf(self.text, self.twin.upper())

    def to_case(self) -> Case:
        """Judge the line by its twin."""
        is_as_good = self.likeness >= NEAR or self.score >= self.twin_score - FURTHER
        is_in_capitals = self.pair.group != "all caps" or self.text == self.text.upper()
        faults = ([] if is_as_good else [f"its twin: {self.twin!r}"]) + ([] if is_in_capitals else ["not in capitals"])
        fault = f"{self.text!r}: {', '.join(faults)}" if faults else ""
        return Case(f"{self.pair.group}, {self.pair.language}", self.pair.source, fault, self.is_warned)


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate all lines and their twins, and compare both with the reference and with each other."""
    lines = (CASES / "capitals.jsonl").read_text(encoding="utf-8").splitlines()
    outcomes = translate_pairs(client, [Pair(**json.loads(line)) for line in lines])
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(f"{outcome.pair.group}, {outcome.pair.language}", []).append(outcome)
    return Kind(
        "Capitals",
        [outcome.to_case() for outcome in outcomes],
        TARGET,
        notes=tuple(describe_likeness(group, of_group) for group, of_group in groups.items()),
        further=tuple(require_means(group, of_group) for group, of_group in groups.items()),
    )


def translate_pairs(client: Client, pairs: Sequence[Pair]) -> list[Outcome]:
    """Translate lines and twins, all of a language in one request."""
    outcomes = []
    for language, target in OTHER_LANGUAGE.items():
        of_language = [pair for pair in pairs if pair.language == language]
        texts = [text for pair in of_language for text in (pair.source, pair.twin)]
        translations = client.translate(texts, to=target, source=language)
        both = zip(translations[::2], translations[1::2], strict=True)
        outcomes += [
            Outcome(pair, line.text, twin.text, bool(line.warnings))
            for pair, (line, twin) in zip(of_language, both, strict=True)
        ]
    return outcomes


def require_means(group: str, outcomes: Sequence[Outcome]) -> Requirement:
    """Ask that lines are on average nearly as near to the references as their twins."""
    mean = statistics.mean(outcome.score for outcome in outcomes)
    twins = statistics.mean(outcome.twin_score for outcome in outcomes)
    statement = f"{group}: chrF against the references {mean:.1f}, twins {twins:.1f}, at most {ALLOWED:g} less"
    return Requirement(statement, mean >= twins - ALLOWED)


def describe_likeness(group: str, outcomes: Sequence[Outcome]) -> str:
    """Say how near the lines are to their twins."""
    likeness = statistics.mean(outcome.likeness for outcome in outcomes)
    described = f"{group}: chrF against the twins' translations {likeness:.1f} without regard to case"
    if outcomes[0].pair.group != "all caps":
        return f"{described}."
    return f"{described}, {statistics.mean(outcome.likeness_in_capitals for outcome in outcomes):.1f} in capitals."


def chrf(text: str, reference: str) -> float:
    """Compare two texts."""
    return float(CHRF().sentence_score(text, [reference]).score)
