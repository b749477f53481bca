"""The `Summariser`: an article in, a summary with its sources out, in the article's language or in another."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass

from polygist_service.engine.interface import Engine, ModelInfo
from polygist_service.errors import InvalidRequest
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.abstractive import Abstractive
from polygist_service.summarisation.cross_lingual import CrossLingual, SentenceTranslator
from polygist_service.summarisation.extractive import Extractive
from polygist_service.summarisation.grounding.checker import Checker
from polygist_service.summarisation.lengths import word_limit
from polygist_service.summarisation.planning import choose_model, written_language
from polygist_service.summarisation.rendering import render_summary
from polygist_service.summarisation.selection import count_words
from polygist_service.summarisation.types import (
    Citation,
    Draft,
    Event,
    Method,
    Passage,
    Progress,
    SummaryRequest,
    SummaryResult,
    SummarySentence,
)
from polygist_service.text.documents.plain import has_letters
from polygist_service.translation.types import DecodingPreset, Preference


@dataclass(frozen=True, slots=True)
class Plan:
    """How a summary comes about: which model makes it, and in which language before any translation."""

    method: Method
    model: ModelInfo
    language: str


class Summariser:
    """Summarises articles with the models of an engine.

    Args:
        engine: runs sentence encoders and models that write.
        translator: for summaries in another language.
        judge: decides which written sentences are shown.
        executor: where splitting, selection and layout happen.
    """

    def __init__(self, engine: Engine, *, translator: SentenceTranslator, judge: Checker, executor: Executor) -> None:
        self._engine = engine
        self._crossing = CrossLingual(translator)
        self._executor = executor
        self._extractive = Extractive(engine, executor)
        self._abstractive = Abstractive(engine, judge=judge, executor=executor)

    async def summarise(self, request: SummaryRequest, *, caller: str, deadline: float | None = None) -> SummaryResult:
        """Summarise one article; raises what `check` does, and InferenceFailed where a model fails."""
        async with aclosing(self.events(request, caller=caller, deadline=deadline)) as stream:
            async for event in stream:
                if isinstance(event, SummaryResult):
                    return event
        raise AssertionError("a stream of events ends with the result")

    async def events(
        self, request: SummaryRequest, *, caller: str, deadline: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """What happens while one article is summarised: progress, the text piece by piece, and at last the result.

        A text without letters is its own summary, a blank one has an empty summary.

        Raises:
            PolygistError: what `check` raises; InferenceFailed where a model fails.
        """
        plan = self.check(request)
        result = None
        if plan is None:
            result = _result(request, None, _whole(request.text), request.target or request.source)
        else:
            async with aclosing(self._draft(plan, request, caller, deadline)) as stream:
                async for event in stream:
                    if isinstance(event, Progress):
                        yield event
                    else:
                        draft, language = await self._crossing.finish(
                            event, request, written=plan.language, caller=caller, deadline=deadline
                        )
                        result = await asyncio.get_running_loop().run_in_executor(
                            self._executor, _result, request, plan, draft, language
                        )
        assert result is not None
        for delta in result.deltas():
            yield delta
        yield result

    def check(self, request: SummaryRequest) -> Plan | None:
        """How a summary comes about, before any work is done; None where there is nothing to choose from.

        Raises:
            NotFound: the model named is not installed.
            InvalidRequest: it is not for summaries, or nothing is decoded where decoding options are given.
            UnsupportedCapability: no installed model does what is asked for in this language.
            UnsupportedLanguagePair: no model translates the summary into the target language.
        """
        if not has_letters(request.text):
            return None
        method, model = choose_model(self._engine, request)
        _check_decoding(request, method)
        language = written_language(model, request) if method is Method.ABSTRACTIVE else request.source
        self._crossing.check(request, written=language)
        return Plan(method, model, language)

    async def _draft(
        self, plan: Plan, request: SummaryRequest, caller: str, deadline: float | None
    ) -> AsyncGenerator[Progress | Draft, None]:
        if plan.method is Method.ABSTRACTIVE:
            stream = self._abstractive.draft(
                request, plan.model, language=plan.language, caller=caller, deadline=deadline
            )
            async with aclosing(stream):
                async for event in stream:
                    yield event
        else:
            draft = await self._extractive.draft(request, plan.model, caller=caller, deadline=deadline)
            yield Progress(1, 1)
            yield draft


def _check_decoding(request: SummaryRequest, method: Method) -> None:
    """Refuse decoding options where no model writes anything: they would be ignored silently."""
    if request.decoding == DecodingPreset() or request.target or method is Method.ABSTRACTIVE:
        return
    is_preference = request.decoding.preference is not Preference.DEFAULT
    raise InvalidRequest(
        "performance_preference" if is_preference else "decoding_config",
        "has no meaning here: an extractive summary in the article's language decodes nothing; leave it unset, or "
        "give target_language_code",
    )


def _whole(text: str) -> Draft:
    """A text without letters as its own summary: there is nothing to choose from."""
    shown = text.strip()
    if not shown:
        return Draft(())
    start = text.index(shown)
    return Draft((Passage(shown, (Citation((start, start + len(shown)), 1.0),)),))


def _result(request: SummaryRequest, plan: Plan | None, draft: Draft, target: str) -> SummaryResult:
    texts = [passage.text for passage in draft.passages]
    text, spans = render_summary(texts, form=request.form, markdown=request.markdown)
    return SummaryResult(
        text=text,
        source=request.source,
        target=target,
        method=plan.method if plan else Method.EXTRACTIVE,
        model=plan.model.name if plan else None,
        sentences=tuple(
            SummarySentence(passage.text, span, passage.citations, passage.rank_score)
            for passage, span in zip(draft.passages, spans, strict=True)
        ),
        notices=(*draft.notices, *_length_notices(texts, word_limit(request))),
        chunk_count=draft.chunk_count,
        input_token_count=draft.input_token_count,
        output_token_count=draft.output_token_count,
    )


def _length_notices(sentences: Sequence[str], limit: int) -> list[Notice]:
    words = sum(map(count_words, sentences))
    if not limit or words <= limit:
        return []
    message = f"the summary has {words} words, {limit} were asked for; sentences are not cut"
    return [Notice(NoticeKind.LENGTH_TARGET_MISSED, message)]
