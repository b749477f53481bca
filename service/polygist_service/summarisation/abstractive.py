"""Summaries that a model writes."""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine, ModelInfo
from polygist_service.errors import InferenceFailed
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.boilerplate import ends_sentence
from polygist_service.summarisation.lengths import LengthTarget, keep_within, sentence_limit, word_limit
from polygist_service.summarisation.map_reduce import MapReduce, Written
from polygist_service.summarisation.passages import cut_endless
from polygist_service.summarisation.planning import Plan
from polygist_service.summarisation.selection import count_words, keep_proper
from polygist_service.summarisation.types import Draft, Form, Method, Passage, SentenceCheck, SummaryRequest
from polygist_service.translation.types import Progress

# How models mark the items of a list, and what they put around a title.
MARK = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
QUOTES = "\"'“”‘’«»*# "
# What ends a headline is no full stop.
FULL_STOPS = ".。।۔"


class Checker(Protocol):
    """Holds written sentences against the article."""

    async def check(
        self, sentences: Sequence[str], article: Article, *, language: str, context: CallContext
    ) -> list[SentenceCheck]:
        """Check each of `sentences`; the answers have their order.

        Args:
            sentences: what a model wrote.
            article: what they are about; it has at least one sentence.
            language: of the sentences; another one than the article's where the model writes it directly. What
                stands in for a sentence is in the article's language all the same.
            context: whose work this is.
        """
        ...


class Abstractive:
    """Has a model write, and a checker hold what it wrote against the article.

    Args:
        engine: runs the model.
        checker: decides what is shown of it.
        pool: where texts are split and counted.
    """

    def __init__(self, engine: Engine, *, checker: Checker, pool: TextPool) -> None:
        self._engine = engine
        self._checker = checker
        self._pool = pool

    async def draft(self, plan: Plan, context: CallContext) -> AsyncGenerator[Progress | Draft, None]:
        """Yield progress, and at last the sentences of a summary of a text with letters.

        Raises:
            InferenceFailed: the model writes nothing.
        """
        article, prose, target = await self._pool.call(context, lambda: read_article(plan))
        written = Written()
        async with self._engine.hold(plan.model, context) as held:
            model = held.info
            reading = MapReduce(plan, prose, target, held=held, pool=self._pool, context=context)
            async with aclosing(reading.run()) as stream:
                async for event in stream:
                    if isinstance(event, Progress):
                        yield event
                    else:
                        written = event
        sentences = await self._pool.call(context, lambda: compose(written.texts, plan.request, plan.written))
        if not sentences:
            raise InferenceFailed(f"model {plan.model} wrote nothing about this article")
        # The checker has a model of its own: it is asked once the one that writes is held no more.
        checks = await self._checker.check(sentences, article, language=plan.written, context=context)
        yield make_draft(plan, target, model, written, checks)


def read_article(plan: Plan) -> tuple[Article, Article, LengthTarget]:
    """Parse the article; return it for the checker, for the model, and how long its summary should be.

    The model does not read what is no part of the article. The checker, which shows sentences of it, has passages in
    place of what never ends.
    """
    request = plan.request
    article = Article.parse(
        plan.text,
        plan.language,
        mime_type=request.mime_type,
        splitting=request.splitting,
        foreign=plan.source.foreign,
    )
    prose = replace(article, sentences=tuple(keep_proper(article.sentences, article.text)))
    passages = cut_endless(prose.sentences, article.text, language=article.language)
    words = sum(count_words(sentence.text) for sentence in prose.sentences)
    target = LengthTarget.at(plan.request, words=words, sentences=len(passages))
    every = cut_endless(article.sentences, article.text, language=article.language)
    return replace(article, sentences=tuple(every)), prose, target


def compose(texts: Iterable[str], request: SummaryRequest, language: str) -> list[str]:
    """Return the sentences of what a model wrote that make up the summary: each once, as many as are asked for."""
    unmarked = ("\n".join(MARK.sub("", line) for line in text.splitlines()) for text in texts)
    found = (segment.text for text in unmarked for segment in Article.parse(text, language).sentences)
    sentences = list(dict.fromkeys(filter(None, found)))
    # "Here is a summary:" is none.
    if len(sentences) > 1 and sentences[0].endswith(":"):
        del sentences[0]
    return fit_length(sentences, request)


def fit_length(sentences: Iterable[str], request: SummaryRequest) -> list[str]:
    """Return the first sentences, in the form and as many as are asked for."""
    if request.form is Form.HEADLINE:
        sentences = map(entitle, sentences)
    return keep_within(sentences, count=sentence_limit(request, Method.ABSTRACTIVE), max_words=word_limit(request))


def entitle(sentence: str) -> str:
    """Return a sentence as a headline: one line, without quotes around it, with no full stop at its end."""
    return " ".join(sentence.split()).strip(QUOTES).rstrip(FULL_STOPS) or sentence


def make_draft(
    plan: Plan, target: LengthTarget, model: ModelInfo, written: Written, checks: Sequence[SentenceCheck]
) -> Draft:
    """Return the sentences that are shown, each once, and what there is to know about them."""
    is_headline = plan.request.form is Form.HEADLINE
    shown: dict[str, SentenceCheck] = {}
    for check in checks:
        shown.setdefault(entitle(check.text) if is_headline else check.text, check)
    texts = fit_length(shown, plan.request)
    shortfall = target.shortfall(texts)
    return Draft(
        tuple(make_passage(text, shown[text]) for text in texts),
        notices=(*make_notices(model, written, checks), *([shortfall] if shortfall else [])),
        chunk_count=written.chunk_count,
        input_token_count=written.input_token_count,
        output_token_count=written.output_token_count,
    )


def make_passage(text: str, check: SentenceCheck) -> Passage:
    """Return one sentence of the summary; what a model wrote is a sentence even where it forgot the full stop."""
    is_line = check.is_replaced and not ends_sentence(text)
    return Passage(text, check.citations, is_quoted=check.is_replaced, is_line=is_line)


def make_notices(model: ModelInfo, written: Written, checks: Sequence[SentenceCheck]) -> list[Notice]:
    """Return what a caller should know of how a model came to what it wrote, and of what is not shown."""
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
    if reasons := [check.reason for check in checks if check.is_replaced]:
        which = "all" if len(reasons) == len(checks) else f"{len(reasons)} of {len(checks)}"
        why = "; ".join(dict.fromkeys(filter(None, reasons)))
        message = f"{which} sentences of the model were replaced by the article's own, as it does not bear them out"
        notices.append(Notice(NoticeKind.METHOD_FALLBACK, f"{message}: {why}" if why else message))
    return notices
