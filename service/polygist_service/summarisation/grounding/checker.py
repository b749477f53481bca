"""Which sentences of a model are shown: those that the article bears out, and its own in place of the others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine, Role, Vector
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.boilerplate import find_boilerplate
from polygist_service.summarisation.embedding import embed
from polygist_service.summarisation.grounding.facts import Facts
from polygist_service.summarisation.grounding.support import Citer, Support, Wording
from polygist_service.summarisation.prompt_injection import find_instructions
from polygist_service.summarisation.selection import find_eligible
from polygist_service.summarisation.types import Citation, SentenceCheck
from polygist_service.text.languages import is_same_language, serving
from polygist_service.text.repetition import is_loop

# Of a longer article so many sentences are encoded: those that share most words with what was written.
MOST_SENTENCES = 400


class GroundingChecker:
    """Lets a sentence pass that the article bears out; the article's own that is nearest stands in for any other.

    The article bears out a copy of one of its sentences, and what has none but its numbers and names, does not turn in
    a circle, and is supported well enough. Support is by the installed sentence encoder and by wording; without an
    encoder by wording alone, which knows no paraphrase. A sentence in another language than the article's shares
    neither its wording nor the spelling of its names: its numbers and the encoder decide, and without an encoder that
    reads both languages it does not pass.

    Args:
        engine: runs the sentence encoder.
        pool: where texts are compared.
    """

    def __init__(self, engine: Engine, pool: TextPool) -> None:
        self._engine = engine
        self._pool = pool

    async def check(
        self, sentences: Sequence[str], article: Article, *, language: str, context: CallContext
    ) -> list[SentenceCheck]:
        """See `Checker.check`."""
        comparison = await self._pool.call(context, lambda: Comparison(sentences, article, language))
        embeddings: Sequence[Vector] = ()
        encoder = find_encoder(self._engine, article.language, language)
        if encoder and comparison.needs_encoder:
            embeddings, _ = await embed(self._engine, encoder, comparison.texts, context)
        return await self._pool.call(context, lambda: comparison.check(embeddings))


def find_encoder(engine: Engine, *languages: str) -> str | None:
    """Return the name of the first sentence encoder that reads all of `languages`, if there is one."""
    return next(
        (
            model.name
            for model in engine.models()
            if model.role is Role.ENCODER and all(serving(language, model.source_languages) for language in languages)
        ),
        None,
    )


class Comparison:
    """The sentences of one summary beside the article that they have to be true to.

    Args:
        sentences: what a model wrote.
        article: what they are about; it has at least one sentence.
        language: of the sentences.
    """

    def __init__(self, sentences: Sequence[str], article: Article, language: str) -> None:
        self._sentences = sentences
        # Whatever a model was told to write has its words for a source there.
        instructions = find_instructions(article.sentences)
        if len(instructions) < len(article.sentences):
            article = article.without(instructions)
        self._own = [segment.text for segment in article.sentences]
        self._spans = [segment.span for segment in article.sentences]
        self._citer = Citer(self._own, self._spans)
        self._copies = find_copies(sentences, self._own)
        is_foreign = not is_same_language(language, article.language)
        self._wording = None if is_foreign else Wording(article.text)
        facts = Facts(article)
        self._missing = facts.find_missing(sentences, language=language, numbers_only=is_foreign)
        self._compared = list(range(len(self._own)))
        if len(self._own) > MOST_SENTENCES:
            nearness = np.max([self._citer.overlap(sentence) for sentence in sentences], axis=0)
            self._compared = sorted(int(at) for at in np.argsort(-nearness, kind="stable")[:MOST_SENTENCES])
        boilerplate = find_boilerplate(article.sentences)
        fit = [place for place, at in enumerate(self._compared) if at not in boilerplate] or range(len(self._compared))
        texts = [self._own[self._compared[place]] for place in fit]
        self._eligible = [fit[at] for at in find_eligible(texts, count=1)]

    @property
    def needs_encoder(self) -> bool:
        """Whether there is a sentence that is no copy."""
        return None in self._copies

    @property
    def texts(self) -> list[str]:
        """What to encode: sentences of the article, then those written."""
        return [*(self._own[at] for at in self._compared), *self._sentences]

    def check(self, embeddings: Sequence[Vector]) -> list[SentenceCheck]:
        """Check all sentences; `embeddings` are those of `texts`, or none where nothing encodes."""
        similarities: list[NDArray[np.float64] | None] = [None] * len(self._sentences)
        if embeddings:
            count, vectors = len(self._compared), np.stack(embeddings)
            similarities = list((vectors[count:] @ vectors[:count].T).astype(float))
        # No sentence of the article is shown twice: what stands in is the nearest of the others.
        shown = {copy for copy in self._copies if copy is not None}
        return [self._check_one(at, similarity, shown) for at, similarity in enumerate(similarities)]

    def _check_one(self, at: int, similarities: NDArray[np.float64] | None, shown: set[int]) -> SentenceCheck:
        """Check one sentence; the place of what stands in for it is added to `shown`.

        Args:
            at: index of the sentence.
            similarities: to the sentences of the article that are compared.
            shown: places of the article's sentences that the summary has already.
        """
        sentence, copy = self._sentences[at], self._copies[at]
        if copy is not None:
            return SentenceCheck(sentence, (Citation(self._spans[copy], 1.0),), 1.0)
        support = Support(
            None if similarities is None else float(similarities.max()),
            None if self._wording is None else self._wording.found_share(sentence),
        )
        if reason := self._find_objection(at, support):
            if similarities is None:
                similarities = self._citer.overlap(sentence)[self._compared]
            nearest = self._find_nearest(similarities, shown)
            shown.add(nearest)
            citation = Citation(self._spans[nearest], 1.0)
            return SentenceCheck(self._own[nearest], (citation,), support.score, is_replaced=True, reason=reason)
        spread = None
        if similarities is not None:
            # To all sentences of the article: 0 where they were not compared.
            spread = np.zeros(len(self._own))
            spread[self._compared] = similarities
        return SentenceCheck(sentence, self._citer.cite(sentence, spread), support.score)

    def _find_objection(self, at: int, support: Support) -> str:
        """Return why a sentence is not shown; empty where it is."""
        if missing := self._missing[at]:
            return f"not in the article: {', '.join(missing)}"
        if is_loop(self._sentences[at]):
            return "repeats itself"
        if not support.is_enough:
            return f"support {support.score:.2f} is below {support.threshold:.2f}"
        return ""

    def _find_nearest(self, similarities: NDArray[np.float64], shown: set[int]) -> int:
        """Return the place of the nearest sentence of the article that may stand in; of two as near the earlier."""
        fit = [place for place in self._eligible if self._compared[place] not in shown] or self._eligible
        return self._compared[max(fit, key=lambda place: similarities[place])]


def find_copies(sentences: Sequence[str], own: Sequence[str]) -> list[int | None]:
    """Return for each sentence the place of the article's that it is a copy of, white space aside."""
    places: dict[str, int] = {}
    for at, text in enumerate(own):
        places.setdefault(" ".join(text.split()), at)
    return [places.get(" ".join(sentence.split())) for sentence in sentences]
