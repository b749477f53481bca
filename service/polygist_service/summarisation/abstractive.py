"""Summaries that a model writes."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable
from concurrent.futures import Executor
from contextlib import aclosing

from polygist_service.engine.interface import Engine, ModelInfo
from polygist_service.errors import InferenceFailed
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.grounding.checker import Checker, SentenceCheck
from polygist_service.summarisation.lengths import LengthTarget, keep_within, sentence_limit, word_limit
from polygist_service.summarisation.map_reduce import MapReduce, Task, Written
from polygist_service.summarisation.selection import count_words
from polygist_service.summarisation.types import (
    Article,
    Draft,
    Form,
    Method,
    Passage,
    Progress,
    SummaryRequest,
    split_article,
)

# How models mark the items of a list, and what they put around a title.
MARK = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
QUOTES = "\"'“”‘’«»*# "
# What ends a headline is no full stop.
FULL_STOPS = ".。।۔"


class Abstractive:
    """Has a model write, and a judge read what it wrote.

    Args:
        engine: runs the model.
        judge: decides what is shown of it.
        executor: where texts are split and counted.
    """

    def __init__(self, engine: Engine, *, judge: Checker, executor: Executor) -> None:
        self._engine = engine
        self._judge = judge
        self._executor = executor
        self._hierarchy = MapReduce(engine, executor)

    async def draft(
        self, request: SummaryRequest, model: ModelInfo, *, language: str, caller: str, deadline: float | None = None
    ) -> AsyncGenerator[Progress | Draft, None]:
        """Yield progress, and at last the sentences of a summary of a text with letters.

        Args:
            request: what is wanted.
            model: what writes.
            language: the one that it writes in.
            caller: whose work this is.
            deadline: when the answer is no longer wanted, on the event loop's clock.

        Raises:
            InferenceFailed: it writes nothing.
        """
        loop = asyncio.get_running_loop()
        article, aim = await loop.run_in_executor(self._executor, _take_aim, request)
        written = Written()
        async with self._engine.hold(model.name, deadline=deadline) as held:
            task = Task(request, article, held, language, aim, caller, deadline)
            async with aclosing(self._hierarchy.condense(task)) as stream:
                async for event in stream:
                    if isinstance(event, Progress):
                        yield event
                    else:
                        written = event
        sentences = await loop.run_in_executor(self._executor, compose, written.texts, request, language)
        if not sentences:
            raise InferenceFailed(f"model {model.name} wrote nothing about this article")
        # The judge has a model of its own: it is asked once the writer is held no more.
        verdicts = await self._judge.judge(sentences, article, language=language, caller=caller, deadline=deadline)
        yield _make_draft(request, aim, model, language, written, verdicts)


def compose(texts: Iterable[str], request: SummaryRequest, language: str) -> list[str]:
    """The sentences of what a model wrote that make up the summary: each once, as many as are asked for."""
    found = (segment.text for text in texts for segment in split_article(_unmark(text), language))
    sentences = list(dict.fromkeys(filter(None, found)))
    # "Here is a summary:" is none.
    if len(sentences) > 1 and sentences[0].endswith(":"):
        del sentences[0]
    return _fit(request, sentences)


def entitle(sentence: str) -> str:
    """A sentence as a headline: one line, without quotes around it, with no full stop at its end."""
    return " ".join(sentence.split()).strip(QUOTES).rstrip(FULL_STOPS) or sentence


def _take_aim(request: SummaryRequest) -> tuple[Article, LengthTarget]:
    article = Article.read(request.text, request.source)
    return article, LengthTarget.at(request, words=count_words(request.text), sentences=len(article.sentences))


def _unmark(text: str) -> str:
    """`text` without the marks of its lists."""
    return "\n".join(MARK.sub("", line) for line in text.splitlines())


def _fit(request: SummaryRequest, sentences: Iterable[str]) -> list[str]:
    if request.form is Form.HEADLINE:
        sentences = map(entitle, sentences)
    return keep_within(sentences, count=sentence_limit(request, Method.ABSTRACTIVE), max_words=word_limit(request))


def _make_draft(
    request: SummaryRequest,
    aim: LengthTarget,
    model: ModelInfo,
    language: str,
    written: Written,
    verdicts: list[SentenceCheck],
) -> Draft:
    """The sentences that are shown, each once, and what there is to know about them."""
    shown: dict[str, SentenceCheck] = {}
    for verdict in verdicts:
        shown.setdefault(entitle(verdict.text) if request.form is Form.HEADLINE else verdict.text, verdict)
    texts = _fit(request, shown)
    shortfall = aim.shortfall(texts)
    return Draft(
        tuple(Passage(text, shown[text].citations, is_quoted=shown[text].is_replaced) for text in texts),
        language=language,
        notices=(*_notices(model, written, verdicts), *([shortfall] if shortfall else [])),
        chunk_count=written.chunk_count,
        input_token_count=written.input_token_count,
        output_token_count=written.output_token_count,
    )


def _notices(model: ModelInfo, written: Written, verdicts: list[SentenceCheck]) -> list[Notice]:
    hard = "a sentence longer than the model's window was split here"
    notices = [Notice(NoticeKind.SEGMENT_HARD_SPLIT, hard, span) for span in written.hard_splits]
    if model.is_experimental:
        message = f"model {model.name} is experimental: it is known to make mistakes, so check what it writes"
        notices.append(Notice(NoticeKind.EXPERIMENTAL_MODEL, message))
    if written.had_loop:
        message = "the model repeated itself and was made to write again without repetitions"
        notices.append(Notice(NoticeKind.REPETITION_SUPPRESSED, message))
    if written.is_stopped:
        message = "the model was stopped at its output limit; raise decoding_config.max_output_tokens"
        notices.append(Notice(NoticeKind.OUTPUT_LIMIT_REACHED, message))
    if reasons := [verdict.reason for verdict in verdicts if verdict.is_replaced]:
        which = "all" if len(reasons) == len(verdicts) else f"{len(reasons)} of {len(verdicts)}"
        why = "; ".join(dict.fromkeys(filter(None, reasons)))
        message = f"{which} sentences of the model were replaced by the article's own, as it does not bear them out"
        notices.append(Notice(NoticeKind.METHOD_FALLBACK, f"{message}: {why}" if why else message))
    return notices
