"""Summaries as the server's own parts make them, and what a model wrote before the guard read it."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from polygist_service.engine.interface import Engine, ModelInfo
from polygist_service.notices import NoticeKind
from polygist_service.summarisation.abstractive import Abstractive
from polygist_service.summarisation.extractive import Extractive
from polygist_service.summarisation.grounding.checker import Checker, GroundingChecker, SentenceCheck
from polygist_service.summarisation.types import Article, Draft, SummaryRequest

CALLER = "bench"


@dataclass(frozen=True, slots=True)
class Summary:
    """One summary of one article.

    Attributes:
        replaced_count: sentences of the model that the guard replaced, of `judged_count`.
        is_warned: whether the caller is told that the length is missed.
        seconds: that it took.
    """

    sentences: tuple[str, ...]
    replaced_count: int = 0
    judged_count: int = 0
    is_warned: bool = False
    seconds: float | None = None


class Watch:
    """A judge that remembers what it was asked last, and what another one said to it."""

    def __init__(self, judge: Checker) -> None:
        self._judge = judge
        self.written: tuple[str, ...] = ()
        self.replaced_count = 0

    async def judge(
        self,
        sentences: Sequence[str],
        article: Article,
        *,
        language: str,
        caller: str,
        deadline: float | None = None,
    ) -> list[SentenceCheck]:
        """See `judging.Checker`."""
        verdicts = await self._judge.judge(sentences, article, language=language, caller=caller, deadline=deadline)
        self.written = tuple(sentences)
        self.replaced_count = sum(verdict.is_replaced for verdict in verdicts)
        return verdicts


async def pick(
    engine: Engine, executor: Executor, encoder: ModelInfo, requests: Sequence[SummaryRequest]
) -> list[Summary]:
    """Extractive summaries."""
    extractive = Extractive(engine, executor)
    summaries = []
    for request in requests:
        start = time.monotonic()
        draft = await extractive.draft(request, encoder, caller=CALLER)
        summaries.append(_summary(draft, seconds=time.monotonic() - start))
    return summaries


async def write(
    engine: Engine, executor: Executor, model: ModelInfo, requests: Sequence[SummaryRequest], *, seconds: float
) -> list[tuple[Summary, Summary]]:
    """Of each article what `model` wrote, and what the guard made of it; none is begun after so many seconds."""
    watch = Watch(GroundingChecker(engine, executor))
    abstractive = Abstractive(engine, judge=watch, executor=executor)
    pairs: list[tuple[Summary, Summary]] = []
    end = time.monotonic() + seconds
    for request in requests:
        start = time.monotonic()
        if pairs and start > end:
            break
        draft = Draft(())
        async for event in abstractive.draft(request, model, language=request.source, caller=CALLER):
            if isinstance(event, Draft):
                draft = event
        shown = _summary(draft, watch=watch, seconds=time.monotonic() - start)
        pairs.append((Summary(watch.written), shown))
    return pairs


def _summary(draft: Draft, *, seconds: float, watch: Watch | None = None) -> Summary:
    return Summary(
        tuple(passage.text for passage in draft.passages),
        replaced_count=watch.replaced_count if watch else 0,
        judged_count=len(watch.written) if watch else 0,
        is_warned=any(notice.kind is NoticeKind.LENGTH_TARGET_MISSED for notice in draft.notices),
        seconds=seconds,
    )
