"""Which sentences of a model are shown: those that the article bears out, and its own in place of the others."""

from collections.abc import AsyncGenerator, AsyncIterable, Collection, Mapping, Sequence
from functools import partial

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

# A longer article is not encoded as a whole, but for each sentence so many of its own: those that share most words with
# it. A summary has about four.
MOST_SENTENCES, MOST_NEAR = 400, 100


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
        self, sentences: AsyncIterable[str], article: Article, *, language: str, context: CallContext
    ) -> AsyncGenerator[SentenceCheck, None]:
        """See `Checker.check`."""
        comparison = await self._pool.call(context, lambda: Comparison(article, language))
        encoder = find_encoder(self._engine, article.language, language)
        if encoder and len(comparison.own) <= MOST_SENTENCES:
            # While the model writes, for there is hardly a summary of nothing but copies.
            vectors = await embed(self._engine, encoder, comparison.own, context)
            comparison.encode(dict(enumerate(vectors)))
        async for sentence in sentences:
            vector = None
            if encoder and comparison.needs_encoder(sentence):
                places = await self._pool.call(context, partial(comparison.choose_places, sentence))
                texts = [*(comparison.own[place] for place in places), sentence]
                *vectors, vector = await embed(self._engine, encoder, texts, context)
                comparison.encode(dict(zip(places, vectors, strict=True)))
            yield await self._pool.call(context, partial(comparison.check, sentence, vector))


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
    """The article that the sentences of one summary have to be true to.

    Args:
        article: it has at least one sentence.
        language: of the sentences.

    Attributes:
        own: the sentences of the article, those left out that tell a model what to write.
    """

    def __init__(self, article: Article, language: str) -> None:
        # Whatever a model was told to write has its words for a source there.
        instructions = find_instructions(article.sentences, article.text)
        if len(instructions) < len(article.sentences):
            article = article.without(instructions)
        self.own = [segment.text for segment in article.sentences]
        self._spans = [segment.span for segment in article.sentences]
        self._citer = Citer(self.own, self._spans)
        self._copied = find_places(self.own)
        self._language = language
        self._is_foreign = not is_same_language(language, article.language)
        self._wording = None if self._is_foreign else Wording(article.text)
        self._facts = Facts(article)
        boilerplate = find_boilerplate(article.sentences, article.text)
        fit = [place for place in range(len(self.own)) if place not in boilerplate] or range(len(self.own))
        eligible = find_eligible([self.own[place] for place in fit], language=article.language, count=1)
        self._eligible = [fit[at] for at in eligible]
        self._vectors: dict[int, Vector] = {}
        self._checked: list[str] = []
        # No sentence of the article is shown twice: what stands in is the nearest of the others.
        self._shown: set[int] = set()

    def needs_encoder(self, sentence: str) -> bool:
        """Whether a sentence is no copy."""
        return fold(sentence) not in self._copied

    def choose_places(self, sentence: str) -> list[int]:
        """Return the places of the sentences of the article that are still to be encoded to check `sentence`."""
        if len(self.own) <= MOST_SENTENCES:
            return []
        nearest = np.argsort(-self._citer.overlap(sentence), kind="stable")[:MOST_NEAR]
        return sorted({int(place) for place in nearest} - self._vectors.keys())

    def encode(self, vectors: Mapping[int, Vector]) -> None:
        """Take embeddings of sentences of the article, by their places."""
        self._vectors |= vectors

    def check(self, sentence: str, vector: Vector | None) -> SentenceCheck:
        """Check the next sentence; `vector` is its embedding, None where nothing encodes it."""
        before, self._checked = self._checked, [*self._checked, sentence]
        copy = self._copied.get(fold(sentence))
        if copy is not None:
            self._shown.add(copy)
            return SentenceCheck(sentence, (Citation(self._spans[copy], 1.0),), 1.0)
        spread: NDArray[np.float64] | None = None
        places: Sequence[int] = range(len(self.own))
        if vector is not None:
            # To all sentences of the article: 0 where they were not compared.
            spread = np.zeros(len(self.own))
            places = sorted(self._vectors)
            spread[places] = np.stack([self._vectors[place] for place in places]) @ vector
        support = Support(
            None if spread is None else float(spread[places].max()),
            None if self._wording is None else self._wording.found_share(sentence),
        )
        if reason := self._find_objection(sentence, before, support):
            nearest = self._find_nearest(self._citer.overlap(sentence) if spread is None else spread, places)
            self._shown.add(nearest)
            citation = Citation(self._spans[nearest], 1.0)
            return SentenceCheck(self.own[nearest], (citation,), support.score, is_replaced=True, reason=reason)
        return SentenceCheck(sentence, self._citer.cite(sentence, spread), support.score)

    def _find_objection(self, sentence: str, before: Sequence[str], support: Support) -> str:
        """Return why a sentence is not shown that stands behind those `before`; empty where it is."""
        (missing,) = self._facts.find_missing(
            [sentence], language=self._language, numbers_only=self._is_foreign, before=before
        )
        if missing:
            return f"not in the article: {', '.join(missing)}"
        if is_loop(sentence):
            return "repeats itself"
        if not support.is_enough:
            return f"support {support.score:.2f} is below {support.threshold:.2f}"
        return ""

    def _find_nearest(self, nearness: NDArray[np.float64], compared: Collection[int]) -> int:
        """Return the place of the nearest sentence of the article that may stand in; of two as near the earlier."""
        # Of a long article only some are compared, none of which may be fit: any other is no nearer.
        among = [place for place in self._eligible if place in compared] or self._eligible
        fit = [place for place in among if place not in self._shown] or among
        return max(fit, key=lambda place: nearness[place])


def find_places(own: Sequence[str]) -> dict[str, int]:
    """Return the place of each of the article's sentences by its text, white space aside; of two alike the earlier."""
    places: dict[str, int] = {}
    for at, text in enumerate(own):
        places.setdefault(fold(text), at)
    return places


def fold(sentence: str) -> str:
    """Return a sentence with one space for any white space."""
    return " ".join(sentence.split())
