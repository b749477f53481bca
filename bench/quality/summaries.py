"""Summaries as the server's own parts make them, and what a model wrote before it was checked."""

import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine, ModelInfo
from polygist_service.notices import NoticeKind
from polygist_service.summarisation.abstractive import Abstractive, Checker
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.extractive import Extractive
from polygist_service.summarisation.grounding.checker import GroundingChecker
from polygist_service.summarisation.main_content import ArticleText
from polygist_service.summarisation.planning import Plan
from polygist_service.summarisation.types import Draft, Method, SentenceCheck, SummaryRequest
from polygist_service.translation.detection import DetectedLanguage

CONTEXT = CallContext("bench")


@dataclass(frozen=True, slots=True)
class Summary:
    """One summary of one article.

    Attributes:
        replaced_count: sentences of the model that the checker replaced, of `checked_count`.
        is_warned: whether the caller is told that the length is missed.
        seconds: that it took.
    """

    sentences: tuple[str, ...]
    replaced_count: int = 0
    checked_count: int = 0
    is_warned: bool = False
    seconds: float | None = None


class RecordingChecker:
    """A checker that remembers what it was asked last, and what another one made of it."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self.written: tuple[str, ...] = ()
        self.replaced_count = 0

    async def check(
        self, sentences: AsyncIterable[str], article: Article, *, language: str, context: CallContext
    ) -> AsyncGenerator[SentenceCheck, None]:
        """See `grounding.checker.Checker`."""
        self.written, self.replaced_count = (), 0
        async with aclosing(
            self._checker.check(self._note(sentences), article, language=language, context=context)
        ) as checks:
            async for check in checks:
                self.replaced_count += check.is_replaced
                yield check

    async def _note(self, sentences: AsyncIterable[str]) -> AsyncIterator[str]:
        async for sentence in sentences:
            self.written += (sentence,)
            yield sentence


async def pick(engine: Engine, pool: TextPool, encoder: ModelInfo, request: SummaryRequest) -> list[Summary]:
    """Extractive summaries of all articles."""
    extractive = Extractive(engine, pool)
    summaries = []
    for plan in make_plans(request, Method.EXTRACTIVE, encoder):
        start = time.monotonic()
        async for event in extractive.draft(plan, CONTEXT):
            if isinstance(event, Draft):
                summaries.append(_summary(event, seconds=time.monotonic() - start))
    return summaries


async def write(
    engine: Engine, pool: TextPool, model: ModelInfo, request: SummaryRequest, *, seconds: float
) -> list[tuple[Summary, Summary]]:
    """Of each article what `model` wrote, and what is shown of it; none is begun after so many seconds."""
    recorded = RecordingChecker(GroundingChecker(engine, pool))
    abstractive = Abstractive(engine, checker=recorded, pool=pool)
    pairs: list[tuple[Summary, Summary]] = []
    end = time.monotonic() + seconds
    for plan in make_plans(request, Method.ABSTRACTIVE, model):
        start = time.monotonic()
        if pairs and start > end:
            break
        async for event in abstractive.draft(plan, CONTEXT):
            if isinstance(event, Draft):
                shown = _summary(event, recorded=recorded, seconds=time.monotonic() - start)
                pairs.append((Summary(recorded.written), shown))
    return pairs


def make_plans(request: SummaryRequest, method: Method, model: ModelInfo) -> list[Plan]:
    """A summary of each article by a model that a caller might not get, in the article's language."""
    assert request.source is not None
    language = DetectedLanguage(request.source)
    articles = map(ArticleText.plain, request.contents)
    return [Plan(request, article, language, method, model.name, request.source) for article in articles]


def _summary(draft: Draft, *, seconds: float, recorded: RecordingChecker | None = None) -> Summary:
    return Summary(
        tuple(passage.text for passage in draft.passages),
        replaced_count=recorded.replaced_count if recorded else 0,
        checked_count=len(recorded.written) if recorded else 0,
        is_warned=any(notice.kind is NoticeKind.LENGTH_TARGET_MISSED for notice in draft.notices),
        seconds=seconds,
    )
