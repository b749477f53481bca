"""The `Summariser`: articles in, summaries with their sources out, in the articles' language or in another."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from polygist_service.concurrency import TextPool, gather_all, merge_in_order
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine
from polygist_service.errors import UnsupportedMimeType
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.abstractive import Abstractive, Checker
from polygist_service.summarisation.cross_lingual import CrossLingual, SentenceTranslator
from polygist_service.summarisation.extractive import Extractive
from polygist_service.summarisation.lengths import word_limit
from polygist_service.summarisation.main_content import MainContent
from polygist_service.summarisation.planning import Plan, covered_languages, make_plan
from polygist_service.summarisation.rendering import Rendering
from polygist_service.summarisation.types import (
    Citation,
    Draft,
    DraftEvent,
    Event,
    Method,
    Passage,
    SummaryRequest,
    SummaryResult,
    SummarySentence,
)
from polygist_service.text.documents.base import Layout
from polygist_service.text.documents.files.input_file import InputFile
from polygist_service.text.documents.files.kinds import GETTEXT
from polygist_service.text.documents.plain import PlainLayout
from polygist_service.text.documents.plain_view import PlainView
from polygist_service.text.segmentation import Span
from polygist_service.text.words import count_words
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.documents import naming
from polygist_service.translation.translator import length_to_read, read_contents
from polygist_service.translation.types import Delta, Progress


class Summariser:
    """Summarises articles with the models of an engine.

    Args:
        engine: runs sentence encoders and models that write.
        translator: for summaries in another language.
        checker: decides which written sentences are shown.
        languages: tells the language of articles.
        pool: where splitting, selection and rendering happen.
        counted: is told what each file was read as, and its size in bytes.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        translator: SentenceTranslator,
        checker: Checker,
        languages: LanguageResolver,
        pool: TextPool,
        counted: Callable[[str, int], None] = lambda mime_type, size: None,
    ) -> None:
        self._engine = engine
        self._cross_lingual = CrossLingual(translator)
        self._languages = languages
        self._pool = pool
        self._counted = counted
        self._extractive = Extractive(engine, pool)
        self._abstractive = Abstractive(engine, checker=checker, pool=pool)

    async def summarise(self, request: SummaryRequest, context: CallContext) -> list[SummaryResult]:
        """Summarise each article of `request`, all at the same time; the answers have their order and number.

        Raises:
            PolygistError: what `plan` and `events` raise.
        """
        # Not `events`, which tells of a failure at its turn: here nobody waits for the articles before it.
        return await gather_all(self._result(plan, context) for plan in await self.plan(request, context))

    async def plan(self, request: SummaryRequest, context: CallContext) -> list[Plan]:
        """Plan the summary of each article, in order, before any of their models has to work.

        Raises:
            InvalidRequest: a content is not what `mime_type` says, or the file cannot be read; see `InputFile.open`.
            UndeterminedLanguage, UnsupportedLanguagePair: see `LanguageResolver.resolve`.
            NotFound, InvalidRequest, UnsupportedCapability: see `planning.make_plan`.
            UnsupportedLanguagePair, UnknownGlossary: see `CrossLingual.settle`.
        """
        if request.file is None:
            layouts = await read_contents(self._pool, context, request.contents, request.mime_type)
            return await self._plan(request, layouts, context)
        view, mime_type = await self._pool.call(context, partial(read_article, request.file))
        self._counted(mime_type, len(request.file.document))
        with naming(request.file.document_field):
            plans = await self._plan(replace(request, mime_type=mime_type), view.layouts, context)
        return [replace(plan, view=view) for plan in plans]

    async def _plan(self, request: SummaryRequest, layouts: Sequence[Layout], context: CallContext) -> list[Plan]:
        """Plan the summary of each article, in order."""
        length = length_to_read(request.mime_type)  # all of a plain text is its article, too
        find = partial(MainContent.find, mime_type=request.mime_type)
        found = await self._pool.run(context, find, layouts, characters=length)
        languages = await self._languages.resolve(
            found,
            given=request.source,
            readable=None,
            likely=covered_languages(self._engine),
            candidates=request.candidates,
            context=context,
        )
        pairs = list(zip(found, languages, strict=True))
        articles = await self._pool.run(context, lambda pair: pair[0].read(pair[1].foreign), pairs, characters=length)
        plans = []
        for article, language in zip(articles, languages, strict=True):
            plan = make_plan(self._engine, request, article, language)
            plans.append(plan if plan.language == "und" else self._cross_lingual.settle(plan))
        return plans

    def events(self, plans: Sequence[Plan], context: CallContext) -> AsyncGenerator[tuple[int, Event], None]:
        """Yield what happens while articles are summarised, each event with the index of its plan.

        The articles are worked on at the same time and told of one after the other, in order: of each the progress,
        the text sentence by sentence as they are certain, at last the result, whose text is those pieces joined. A
        text without letters is its own summary, a blank one has an empty summary.

        Raises:
            ModelLoading: a model is not ready before the deadline.
            InferenceFailed: a model failed.
        """
        return merge_in_order([self._summarise(plan, context) for plan in plans])

    async def _result(self, plan: Plan, context: CallContext) -> SummaryResult:
        """Return the last event of one article."""
        async with aclosing(self._summarise(plan, context)) as events:
            async for event in events:
                if isinstance(event, SummaryResult):
                    return event
        raise AssertionError("the events of an article end with its result")

    async def _summarise(self, plan: Plan, context: CallContext) -> AsyncGenerator[Event, None]:
        """Yield what happens while one article is summarised."""
        draft: Draft
        rendering = Rendering(form=plan.request.form, markdown=plan.request.markdown)
        async with aclosing(self._draft(plan, context)) as stream:
            async for event in stream:
                match event:
                    case Progress():
                        yield event
                    case Passage(text, is_line=is_line):
                        add = partial(rendering.add, text, is_line=is_line)
                        yield Delta(await self._pool.call(context, add, characters=len(text)))
                    case Draft():
                        draft = event
        result = await self._pool.call(context, lambda: make_result(plan, draft, rendering))
        yield move_result(result, plan.view) if plan.view else result

    def _draft(self, plan: Plan, context: CallContext) -> AsyncGenerator[DraftEvent, None]:
        """Return what happens while the draft of one summary is made."""
        if plan.language == "und":
            return quote_whole(plan)
        method = self._abstractive if plan.method is Method.ABSTRACTIVE else self._extractive
        return self._cross_lingual.follow(method.draft(plan, context), plan, context)


async def quote_whole(plan: Plan) -> AsyncGenerator[DraftEvent, None]:
    """Yield a text without letters as its own summary, as there is nothing to choose from, and the draft."""
    passages: list[Passage] = []
    text = plan.article.text
    if shown := text.strip():
        start = text.index(shown)
        passages.append(Passage(shown, (Citation((start, start + len(shown)), 1.0),)))
        yield passages[0]
    yield Draft(tuple(passages), plan.request.target or plan.language)


def read_article(file: InputFile) -> tuple[PlainView, str]:
    """Return what there is to summarise in a file: the view of one text, and what the file is.

    Raises:
        InvalidRequest, UnsupportedCapability: see `InputFile.open`.
    """
    opened = file.open()
    if opened.mime_type == GETTEXT:
        raise UnsupportedMimeType(
            file.type_field,
            "is a catalogue of messages, which are no article; translate it",
        )
    view = opened.view
    return (view if len(view.layouts) == 1 else PlainView([PlainLayout(view.text)])), opened.mime_type


def move_result(result: SummaryResult, view: PlainView) -> SummaryResult:
    """Return the summary of a file with its spans in what was read of that, which comes with it."""

    def move(span: Span) -> Span:
        return view.span(0, span)

    return replace(
        result,
        source_text=view.text,
        sentences=tuple(
            replace(
                sentence,
                citations=tuple(replace(each, source_span=move(each.source_span)) for each in sentence.citations),
            )
            for sentence in result.sentences
        ),
        notices=tuple(replace(each, span=move(each.span) if each.span else None) for each in result.notices),
    )


def make_result(plan: Plan, draft: Draft, rendering: Rendering) -> SummaryResult:
    """Return all there is to say of a summary; the sentences of `draft` are those that were rendered."""
    texts = [passage.text for passage in draft.passages]
    place = plan.article.source_span
    notices = [
        *plan.source.notices(),
        *(replace(notice, span=place(notice.span) if notice.span else None) for notice in draft.notices),
    ]
    if plan.article.is_missing:
        message = "nothing here reads like an article; send its text as text/plain to have that summarised as it is"
        notices.append(Notice(NoticeKind.NO_ARTICLE, message))
    limit, words = word_limit(plan.request), sum(map(count_words, texts))
    if limit and words > limit:
        message = f"the summary has {words} words, {limit} were asked for; sentences are not cut"
        notices.append(Notice(NoticeKind.LENGTH_TARGET_MISSED, message))
    return SummaryResult(
        text="".join(rendering.pieces),
        source=plan.language,
        target=draft.language,
        method=plan.method,
        confidence=plan.source.confidence,
        model=plan.model or None,
        sentences=tuple(
            SummarySentence(
                passage.text,
                span,
                tuple(replace(each, source_span=place(each.source_span)) for each in passage.citations),
                passage.rank_score,
            )
            for passage, span in zip(draft.passages, rendering.spans, strict=True)
        ),
        notices=tuple(notices),
        chunk_count=draft.chunk_count,
    )
