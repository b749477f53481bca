"""The judge that replaces what the article does not bear out."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from polygist_service.engine.interface import Engine, ModelInfo, Role, Vector
from polygist_service.summarisation.grounding.facts import Facts
from polygist_service.summarisation.grounding.support import Citer, Support, Wording
from polygist_service.summarisation.selection import find_candidates
from polygist_service.summarisation.types import Article, Citation
from polygist_service.text.languages import is_same_language, matches
from polygist_service.text.repetition import is_loop


@dataclass(frozen=True, slots=True)
class SentenceCheck:
    """What is shown of one written sentence.

    Attributes:
        text: the sentence itself, or the article's own that stands in for it.
        citations: what it rests on, the best first.
        support: how well the written sentence is supported, 0 to 1.
        is_replaced: whether `text` is the article's.
        reason: why it is; empty where it is not.
    """

    text: str
    citations: tuple[Citation, ...]
    support: float
    is_replaced: bool = False
    reason: str = ""


class Checker(Protocol):
    """Holds written sentences against the article."""

    async def judge(
        self,
        sentences: Sequence[str],
        article: Article,
        *,
        language: str,
        caller: str,
        deadline: float | None = None,
    ) -> list[SentenceCheck]:
        """One verdict for each of `sentences`, in order.

        Args:
            sentences: what a model wrote.
            article: what they are about.
            language: of the sentences; another one than the article's where the model writes it directly. What
                stands in for a sentence is in the article's language all the same.
            caller: whose work this is.
            deadline: when the answer is no longer wanted, on the event loop's clock.
        """
        ...


# Of a longer article so many sentences are encoded: those that share most words with what was written.
MOST_SENTENCES = 400
# No sentence of the length that an encoder reads has more.
MOST_CHARACTERS = 2000


class GroundingChecker:
    """Lets a sentence pass that the article bears out; the article's own that is nearest stands in for any other.

    The article bears out a copy of one of its sentences, and what has none but its numbers and names, does not turn in
    a circle, and is supported well enough. Support is by the installed sentence encoder and by wording; without an
    encoder by wording alone, which knows no paraphrase. A sentence in another language than the article's shares
    neither its wording nor the spelling of its names: its numbers and the encoder decide, and without an encoder that
    reads both languages it does not pass.

    Args:
        engine: runs the sentence encoder.
        executor: where texts are compared.
    """

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine = engine
        self._executor = executor

    async def judge(
        self,
        sentences: Sequence[str],
        article: Article,
        *,
        language: str,
        caller: str,
        deadline: float | None = None,
    ) -> list[SentenceCheck]:
        """One verdict for each of `sentences`, in order; see `judging.Checker`."""
        loop = asyncio.get_running_loop()
        case = await loop.run_in_executor(self._executor, Case, sentences, article, language)
        vectors = None
        if case.is_open and (encoder := self._find_encoder(article.language, language)):
            vectors = await self._engine.encode(encoder.name, case.texts, caller=caller, deadline=deadline)
        return await loop.run_in_executor(self._executor, case.decide, vectors)

    def _find_encoder(self, *languages: str) -> ModelInfo | None:
        for model in self._engine.models():
            if model.role is Role.ENCODER and all(_covers(model, language) for language in languages):
                return model
        return None


class Case:
    """The sentences of one summary and the article that they have to be true to.

    Args:
        sentences: what a model wrote.
        article: what they are about; it has at least one sentence.
        language: of the sentences.
    """

    def __init__(self, sentences: Sequence[str], article: Article, language: str) -> None:
        self._sentences = sentences
        self._own = [segment.text for segment in article.sentences]
        self._spans = [(segment.start, segment.end) for segment in article.sentences]
        self._citer = Citer(self._own, self._spans)
        self._copies = _find_copies(sentences, self._own)
        is_foreign = not is_same_language(language, article.language)
        self._wording = None if is_foreign else Wording(article.text)
        facts = Facts(article)
        self._missing = facts.find_missing(sentences, language=language, numbers_only=is_foreign)
        self._compared = _choose(sentences, self._own, self._citer)
        self._proper = find_candidates([self._own[at] for at in self._compared], count=1)

    @property
    def is_open(self) -> bool:
        """Whether there is a sentence that is no copy."""
        return None in self._copies

    @property
    def texts(self) -> list[str]:
        """What to encode: sentences of the article, then those written."""
        return [text[:MOST_CHARACTERS] for text in (*(self._own[at] for at in self._compared), *self._sentences)]

    def decide(self, vectors: Vector | None) -> list[SentenceCheck]:
        """The verdicts; `vectors` are those of `texts`, or None where nothing encodes."""
        similarities: list[NDArray[np.float64] | None] = [None] * len(self._sentences)
        if vectors is not None:
            count = len(self._compared)
            similarities = list((vectors[count:] @ vectors[:count].T).astype(float))
        # No sentence of the article is shown twice: what stands in is the nearest of the others.
        shown = {copy for copy in self._copies if copy is not None}
        return [self._decide(at, similarity, shown) for at, similarity in enumerate(similarities)]

    def _decide(self, at: int, similarities: NDArray[np.float64] | None, shown: set[int]) -> SentenceCheck:
        """The verdict on one sentence; the place of what stands in for it is added to `shown`."""
        sentence, copy = self._sentences[at], self._copies[at]
        if copy is not None:
            return SentenceCheck(sentence, (Citation(self._spans[copy], 1.0),), 1.0)
        support = Support(
            None if similarities is None else float(similarities.max()),
            None if self._wording is None else self._wording.found_share(sentence),
        )
        if reason := self._object(at, support):
            nearest = self._find_nearest(sentence, similarities, shown)
            shown.add(nearest)
            citation = Citation(self._spans[nearest], 1.0)
            return SentenceCheck(self._own[nearest], (citation,), support.score, is_replaced=True, reason=reason)
        return SentenceCheck(sentence, self._citer.cite(sentence, self._spread(similarities)), support.score)

    def _object(self, at: int, support: Support) -> str:
        """Why a sentence is not shown; empty where it is."""
        if missing := self._missing[at]:
            return f"not in the article: {', '.join(missing)}"
        if is_loop(self._sentences[at]):
            return "repeats itself"
        if not support.is_enough:
            return f"support {support.score:.2f} is below {support.threshold:.2f}"
        return ""

    def _find_nearest(self, sentence: str, similarities: NDArray[np.float64] | None, shown: set[int]) -> int:
        """The sentence of the article, fit to stand in a summary, that is nearest; the earlier of two as near."""
        if similarities is None:
            similarities = self._citer.overlap(sentence)[self._compared]
        fit = [place for place in self._proper if self._compared[place] not in shown] or self._proper
        return self._compared[max(fit, key=lambda place: similarities[place])]

    def _spread(self, similarities: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Similarities to all sentences of the article, 0 where they were not compared."""
        if similarities is None:
            return None
        spread = np.zeros(len(self._own))
        spread[self._compared] = similarities
        return spread


def _find_copies(sentences: Sequence[str], own: Sequence[str]) -> list[int | None]:
    """For each sentence the place of the article's that it is a copy of, white space aside."""
    places: dict[str, int] = {}
    for at, text in enumerate(own):
        places.setdefault(" ".join(text.split()), at)
    return [places.get(" ".join(sentence.split())) for sentence in sentences]


def _choose(sentences: Sequence[str], own: Sequence[str], citer: Citer) -> list[int]:
    """The places of the article's sentences to compare with, in order."""
    if len(own) <= MOST_SENTENCES:
        return list(range(len(own)))
    nearness = np.max([citer.overlap(sentence) for sentence in sentences], axis=0)
    return sorted(int(at) for at in np.argsort(-nearness, kind="stable")[:MOST_SENTENCES])


def _covers(model: ModelInfo, language: str) -> bool:
    return any(matches(language, served) for served in model.source_languages)
