"""Summaries that a model writes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Protocol

from polygist_service.concurrency import TextPool, in_groups, merge
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine, Partial
from polygist_service.errors import InferenceFailed
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.boilerplate import ends_sentence
from polygist_service.summarisation.composition import Composition, entitle
from polygist_service.summarisation.lengths import LengthTarget, Room
from polygist_service.summarisation.map_reduce import MapReduce, Written
from polygist_service.summarisation.passages import cut_endless
from polygist_service.summarisation.planning import Plan
from polygist_service.summarisation.selection import keep_proper
from polygist_service.summarisation.types import Draft, DraftEvent, Form, Method, Passage, SentenceCheck
from polygist_service.text.words import count_words
from polygist_service.translation.types import Progress


class Checker(Protocol):
    """Holds written sentences against the article."""

    def check(
        self, sentences: AsyncIterable[str], article: Article, *, language: str, context: CallContext
    ) -> AsyncGenerator[SentenceCheck, None]:
        """Check each of `sentences` as it comes; yield the answers in their order.

        A check depends on the sentences before it, never on those behind it. Nobody who waits for one may hold a model
        that the checker needs room for: whoever gives the sentences waits for nothing.

        Args:
            sentences: what a model writes.
            article: what they are about; it has at least one sentence.
            language: of the sentences; another one than the article's where the model writes it directly. What
                stands in for a sentence is in the article's language all the same.
            context: whose work this is.
        """
        ...


class Abstractive:
    """Has a model write, and a checker hold what it writes against the article.

    Args:
        engine: runs the model.
        checker: decides what is shown of it.
        pool: where texts are split and counted.
    """

    def __init__(self, engine: Engine, *, checker: Checker, pool: TextPool) -> None:
        self._engine = engine
        self._checker = checker
        self._pool = pool

    async def draft(self, plan: Plan, context: CallContext) -> AsyncGenerator[DraftEvent, None]:
        """Yield progress, the sentences of a summary of a text with letters as they pass, and at last the draft.

        Raises:
            InferenceFailed: the model writes nothing.
        """
        article, prose, target = await self._pool.call(context, lambda: read_article(plan))
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        # At the same time, and the model never waits for the checker: one that finds no room in memory for its own
        # model beside this one gets it when the model has written.
        writing = self._write(plan, prose, target, sentences, context)
        received = receive(sentences)
        checking = self._checker.check(received, article, language=plan.written, context=context)
        showing, written = Showing(plan), Written()
        async with aclosing(received), aclosing(merge([writing, checking])) as events:
            async for event in events:
                match event:
                    case Progress():
                        yield event
                    case Written():
                        written = event
                    case SentenceCheck():
                        if passage := await self._pool.call(context, partial(showing.take, event)):
                            yield passage
        yield await self._pool.call(context, lambda: showing.finish(target, written))

    async def _write(
        self,
        plan: Plan,
        prose: Article,
        target: LengthTarget,
        sentences: asyncio.Queue[str | None],
        context: CallContext,
    ) -> AsyncGenerator[Progress | Written | SentenceCheck, None]:
        """Yield progress and what was written in the end; put each sentence into `sentences` once it is certain."""
        composition, written, count = Composition(plan.request, plan.written), Written(), 0
        async with self._engine.hold(plan.model, context) as held:
            reading = MapReduce(plan, prose, target, held=held, pool=self._pool, context=context)
            async with aclosing(in_groups(reading.run())) as groups:
                async for group in groups:
                    for event in group:
                        if isinstance(event, Progress):
                            yield event
                        elif isinstance(event, Written):
                            written = event
                    # Each start of a text has those before it in it.
                    if starts := [event.text for event in group if isinstance(event, Partial)]:
                        for sentence in await self._pool.call(context, partial(composition.add, starts[-1])):
                            sentences.put_nowait(sentence)
                            count += 1
        for sentence in await self._pool.call(context, lambda: composition.finish(written.texts)):
            sentences.put_nowait(sentence)
            count += 1
        if not count:
            raise InferenceFailed(f"model {plan.model} wrote nothing about this article")
        sentences.put_nowait(None)
        yield written


async def receive(sentences: asyncio.Queue[str | None]) -> AsyncGenerator[str, None]:
    """Yield what is put into a queue, up to None."""
    while (sentence := await sentences.get()) is not None:
        yield sentence


def read_article(plan: Plan) -> tuple[Article, Article, LengthTarget]:
    """Parse the article; return it for the checker, for the model, and how long its summary should be.

    The model does not read what is no part of the article. The checker, which shows sentences of it, has passages in
    place of what never ends.
    """
    request = plan.request
    article = Article.parse(
        plan.article.text,
        plan.language,
        splitting=request.splitting,
        foreign=plan.article.foreign,
    )
    prose = replace(article, sentences=tuple(keep_proper(article.sentences, article.text)))
    passages = cut_endless(prose.sentences, article.text, language=article.language)
    words = sum(count_words(sentence.text) for sentence in prose.sentences)
    target = LengthTarget.at(plan.request, words=words, sentences=len(passages))
    every = cut_endless(article.sentences, article.text, language=article.language)
    return replace(article, sentences=tuple(every)), prose, target


class Showing:
    """The sentences of one summary that are shown, each once, and what there is to know about them.

    Args:
        plan: what is wanted.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._is_headline = plan.request.form is Form.HEADLINE
        # What stands in for a sentence may be longer than it.
        self._room = Room.of(plan.request, Method.ABSTRACTIVE)
        self._checks: list[SentenceCheck] = []
        self._shown: dict[str, Passage] = {}

    def take(self, check: SentenceCheck) -> Passage | None:
        """Take the check of the next sentence; return what is shown of it, None where nothing is."""
        self._checks.append(check)
        text = entitle(check.text) if self._is_headline else check.text
        if text in self._shown or not self._room.takes(text):
            return None
        self._shown[text] = make_passage(text, check)
        return self._shown[text]

    def finish(self, target: LengthTarget, written: Written) -> Draft:
        """Return the whole of it."""
        shortfall = target.shortfall(list(self._shown))
        return Draft(
            tuple(self._shown.values()),
            self._plan.written,
            notices=(*make_notices(self._plan.model, written, self._checks), *([shortfall] if shortfall else [])),
            chunk_count=written.chunk_count,
        )


def make_passage(text: str, check: SentenceCheck) -> Passage:
    """Return one sentence of the summary; what a model wrote is a sentence even where it forgot the full stop."""
    is_line = check.is_replaced and not ends_sentence(text)
    return Passage(text, check.citations, is_quoted=check.is_replaced, is_line=is_line)


def make_notices(model: str, written: Written, checks: Sequence[SentenceCheck]) -> list[Notice]:
    """Return what a caller should know of how a model came to what it wrote, and of what is not shown."""
    hard = "a sentence longer than the model's window was split here"
    notices = [Notice(NoticeKind.SEGMENT_HARD_SPLIT, hard, span) for span in written.hard_splits]
    if written.is_experimental:
        message = f"model {model} is experimental: it is known to make mistakes, so check what it writes"
        notices.append(Notice(NoticeKind.EXPERIMENTAL_MODEL, message))
    if written.had_loop:
        message = "the model repeated itself and was made to write again without repetitions"
        notices.append(Notice(NoticeKind.REPETITION_SUPPRESSED, message))
    if written.is_stopped:
        message = "the model was stopped at its output limit; raise decoding_config.max_output_tokens"
        notices.append(Notice(NoticeKind.OUTPUT_LIMIT_REACHED, message))
    if reasons := [check.reason for check in checks if check.is_replaced]:
        which = "all" if len(reasons) == len(checks) else f"{len(reasons)} of {len(checks)}"
        why = "; ".join(dict.fromkeys(filter(None, reasons)))
        message = f"{which} sentences of the model were replaced by the article's own, as it does not bear them out"
        notices.append(Notice(NoticeKind.METHOD_FALLBACK, f"{message}: {why}" if why else message))
    return notices
