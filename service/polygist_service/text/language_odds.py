"""How likely each language is: what a text says, weighed with what is known before it is read.

A ranking of the detector takes every language to be as frequent as every other one, so that a word or two are in
Breton or Fula as often as in English. Here Bayes' rule puts in how frequent languages are, what the server can do, what
the caller named, and what the other texts of a request or stream are in.
"""

import math
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from polygist_service.text.language_runs import MIN_LETTERS
from polygist_service.text.languages import base_language, is_among, is_kin, serving, spread

# How many of some texts are in each language.
Shares = Mapping[str, float]
# Languages by falling probability.
Ranking = Sequence[tuple[str, float]]

# The detector flattens what it knows by the root of the length, which is too much for short texts: up to so many
# characters the odds are raised to 1 + SHARPNESS, beyond them to less and less. Confidences are then what they say on
# windows of 1, 2, 3 and 5 words: of those from 0.4 to 0.6 half to two thirds are right, of those over 0.95 99 in 100.
SHARPNESS, SHORT = 0.6, 40
# Odds are no better known than that.
LEAST_LIKELIHOOD = 1e-6
# A language is as frequent as a power of its spread over the world, and a floor under that. The root of the root tells
# more windows of English, Portuguese and their neighbours rightly than no frequencies do; the root itself costs
# Portuguese more than it gains.
FREQUENCY, FLOOR = 0.25, 0.3
# Of so few letters one of the languages that everybody uses in less than so many territories is no finding, however
# sure the detector is: it takes "Tchau" for Walloon, "hahaha" for Sotho.
BRIEF_LETTERS, RARE = 10, 1.1
# So many times as often as otherwise a text is in a language ...
EXPECTED = 40.0  # ... from which what is asked for can be done
IN_TARGET = 10.0  # ... that it is to be translated into
NAMED = 100.0  # ... that the caller named
READABLE = 4.0  # ... that some model reads, where only the language is asked for
# Up to so many characters; a longer text speaks for itself.
DOUBTFUL = 15
# As likely is a word a name, which may be in any language: one word says no more than that against one expected.
NAMES = 0.004
# What is known before counts as much as so many other texts.
OWN_WEIGHT = 2.0
# Other texts change nothing for one that is as sure as that by itself, or has so many characters.
SURE, LONG = 0.99, 100
# Of a stream, so many different texts are remembered, and of each the languages that it may well be in.
REMEMBERED, LEAST_SHARE = 100, 0.01


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a text says of its language.

    Attributes:
        likelihoods: of each language, the greatest is 1; empty for a text that says nothing.
        doubt: 1 for a short text, less and less for a longer one.
        least: where a language is expected, no other one counts more against it than by this.
        is_long: whether the text is long enough to be told by itself, however unsure.
    """

    likelihoods: Mapping[str, float]
    doubt: float
    least: float
    is_long: bool

    @classmethod
    def of(cls, text: str, ranking: Ranking) -> "Evidence":
        """Read a text and its ranking by the detector."""
        length = max(1, len(text))
        power = 1 + SHARPNESS * min(1.0, SHORT / length)
        best = max(ranking[0][1], LEAST_LIKELIHOOD) if ranking else 1.0
        ratios = ((language, p / best) for language, p in ranking)
        return cls(
            {language: ratio**power for language, ratio in ratios if ratio > LEAST_LIKELIHOOD},
            min(1.0, DOUBTFUL / length),
            NAMES ** len(text[:SHORT].split()),
            length >= LONG,
        )


class Expectation:
    """How much more often than others a text is in a language, known before it is read.

    Args:
        likely: languages from which what is asked for can be done.
        target: what is to be translated into.
        candidates: languages that the caller named; empty for none.
        factor: how many times as often as otherwise a text is in one of `likely`.
    """

    def __init__(
        self,
        likely: tuple[str, ...] = (),
        *,
        target: str | None = None,
        candidates: Collection[str] = (),
        factor: float = EXPECTED,
    ) -> None:
        self._likely = likely
        self._factor = factor
        self._targets = (target,) if target else ()
        self._candidates = frozenset(candidates)
        self._factors: dict[str, float] = {}

    def factor(self, language: str) -> float:
        """Return how many times as often a text is in a language as it usually is."""
        if language not in self._factors:
            is_target, is_likely = serving(language, self._targets), serving(language, self._likely)
            is_named = is_among(self._candidates, language)
            factor = IN_TARGET if is_target else self._factor if is_likely else 1.0
            self._factors[language] = factor * (NAMED if is_named else 1.0)
        return self._factors[language]


def weigh(
    evidence: Evidence,
    expectation: Expectation | None = None,
    *,
    others: Shares | None = None,
    own: Shares | None = None,
) -> list[tuple[str, float]]:
    """Return the languages of a text by falling probability.

    Args:
        evidence: what the text says.
        expectation: what is known before; None to go by what texts say only.
        others: what texts beside it are in.
        own: what of `others` is the text itself.
    """
    likelihoods = evidence.likelihoods
    weights = {language: frequency(language) for language in likelihoods}
    if others:
        whole, own = sum(weights.values()), own or {}
        weights = {
            language: OWN_WEIGHT * weight / whole + max(0.0, others.get(language, 0.0) - own.get(language, 0.0))
            for language, weight in weights.items()
        }
    if expectation:
        factors = {language: expectation.factor(language) for language in likelihoods}
        weights = {language: weights[language] * factor**evidence.doubt for language, factor in factors.items()}
        likelihoods = {language: max(each, evidence.least) for language, each in likelihoods.items()}
    scores = {language: likelihood * weights[language] for language, likelihood in likelihoods.items()}
    whole = sum(scores.values())
    return sorted(((language, score / whole) for language, score in scores.items()), key=lambda pair: -pair[1])


@lru_cache(maxsize=1024)
def frequency(language: str) -> float:
    """Return how often texts are in a language, beside others."""
    return math.pow(spread(base_language(language)) + FLOOR, FREQUENCY)


def is_unlikely(text: str, language: str) -> bool:
    """Whether a text has too few letters to be surely in a language of few people."""
    return spread(base_language(language)) < RARE and sum(map(str.isalpha, text)) <= BRIEF_LETTERS


class Reading(NamedTuple):
    """What one text says by itself: to the detector, and weighed by how frequent languages are."""

    ranking: Ranking
    evidence: Evidence
    alone: Ranking
    is_unlikely: bool = False
    letters: int = 0

    @classmethod
    def of(cls, text: str, ranking: Ranking) -> "Reading":
        """Read a text and its ranking by the detector."""
        evidence = Evidence.of(text, ranking)
        alone = weigh(evidence)
        letters = sum(map(str.isalpha, text))
        return cls(ranking, evidence, alone, bool(alone) and is_unlikely(text, alone[0][0]), letters)

    @property
    def is_sure(self) -> bool:
        """Whether no other text changes what it is in."""
        return self.evidence.is_long or not self.alone or (self.alone[0][1] >= SURE and not self.is_unlikely)

    def refutes(self, language: str, *, whole: str = "") -> bool:
        """Whether the text is surely not in a language that is said of it, which has to be one that can be told.

        It has some letters, or is surely in the language of the whole. Of 16,000 sentences of so many letters that the
        detector was sure of 0.5 % were in another language that it knows, nearly all of them in Northern Sotho.
        """
        if not self.alone:
            return False
        best, probability = self.alone[0]
        is_sure = probability >= SURE and not self.is_unlikely and not is_kin(best, language)
        return is_sure and (self.letters >= MIN_LETTERS or is_kin(best, whole))


def read_shares(ranking: Ranking) -> dict[str, float]:
    """Return what of a text is remembered for other texts: the languages that it may well be in."""
    return {language: p for language, p in ranking if p >= LEAST_SHARE}


def add_shares(texts: Iterable[Shares]) -> dict[str, float]:
    """Return what some texts are in, all together."""
    total: dict[str, float] = {}
    for shares in texts:
        for language, share in shares.items():
            total[language] = total.get(language, 0.0) + share
    return total


class Company:
    """What the last different texts of a stream are in; one that comes again and again counts once."""

    def __init__(self) -> None:
        self._texts: OrderedDict[int, Shares] = OrderedDict()

    def add(self, text: str, shares: Shares) -> None:
        """Remember a text."""
        self._texts[hash(text)] = shares
        self._texts.move_to_end(hash(text))
        if len(self._texts) > REMEMBERED:
            self._texts.popitem(last=False)

    def copy(self) -> "Company":
        """Return a company of the same texts."""
        other = Company()
        other._texts = self._texts.copy()
        return other

    def shares(self, *, but: str) -> dict[str, float]:
        """Return what the texts are in, all together but one."""
        return add_shares(shares for text, shares in self._texts.items() if text != hash(but))
