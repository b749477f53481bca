"""The `Summariser`: an article in, a summary with its sources out, in the article's language or in another."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Protocol

from polygist_service.engine.api import Engine, ModelInfo
from polygist_service.errors import InvalidRequest
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.abstractive import Abstractive
from polygist_service.summarisation.candidates import count_words
from polygist_service.summarisation.extractive import Extractive
from polygist_service.summarisation.layout import lay_out
from polygist_service.summarisation.lengths import word_limit
from polygist_service.summarisation.method import choose_model
from polygist_service.summarisation.values import (
    Citation,
    Draft,
    Method,
    Passage,
    SummaryRequest,
    SummaryResult,
    SummarySentence,
)
from polygist_service.text.document import Splitting, has_letters
from polygist_service.translation.coverage import is_same_language
from polygist_service.translation.presets import DecodingWish, Preference
from polygist_service.translation.values import Translation, TranslationRequest


class SentenceTranslator(Protocol):
    """Translates the sentences of a summary; see `translation.translator.Translator`."""

    async def translate(
        self, request: TranslationRequest, *, caller: str, deadline: float | None = None
    ) -> list[Translation]:
        """One translation for each content, in order."""
        ...


class Summariser:
    """Summarises articles with the models of an engine.

    Args:
        engine: runs sentence encoders and models that write.
        translator: for summaries in another language.
        executor: where splitting, selection and citing happen.
    """

    def __init__(self, engine: Engine, *, translator: SentenceTranslator, executor: Executor) -> None:
        self._engine = engine
        self._translator = translator
        self._executor = executor
        self._extractive = Extractive(engine, executor)
        self._abstractive = Abstractive(engine, executor)

    async def summarise(self, request: SummaryRequest, *, caller: str, deadline: float | None = None) -> SummaryResult:
        """Summarise one article; a text without letters is its own summary, a blank one has an empty summary.

        Raises:
            NotFound: the model named is not installed.
            InvalidRequest: it is not for summaries.
            UnsupportedCapability: no installed model does what is asked for in this language.
            UnsupportedLanguagePair: no model translates the summary into the target language.
            InferenceFailed: a model failed.
        """
        if not has_letters(request.text):
            return _result(request, Method.EXTRACTIVE, None, _whole(request.text), request.target or request.source)
        method, model = choose_model(self._engine, request)
        _check_decoding(request, method)
        maker = self._abstractive if method is Method.ABSTRACTIVE else self._extractive
        draft = await maker.draft(request, model, caller=caller, deadline=deadline)
        target = request.source
        if request.target and not is_same_language(request.source, request.target):
            draft, target = await self._translate(draft, request, request.target, method, caller, deadline)
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, _result, request, method, model, draft, target
        )

    async def _translate(
        self,
        draft: Draft,
        request: SummaryRequest,
        target: str,
        method: Method,
        caller: str,
        deadline: float | None,
    ) -> tuple[Draft, str]:
        """The draft with its sentences in `target`, and the language that they are in now."""
        wanted = TranslationRequest(
            contents=[passage.text for passage in draft.passages],
            source=request.source,
            target=target,
            splitting=Splitting.NONE,
            decoding=request.decoding,
            pivot_policy=request.pivot_policy,
        )
        translations = await self._translator.translate(wanted, caller=caller, deadline=deadline)
        pairs = list(zip(draft.passages, translations, strict=True))
        translated = replace(
            draft,
            passages=tuple(replace(passage, text=translation.text) for passage, translation in pairs),
            notices=(*draft.notices, *_moved_notices(pairs, is_picked=method is Method.EXTRACTIVE)),
            input_token_count=draft.input_token_count + sum(each.input_token_count for each in translations),
            output_token_count=draft.output_token_count + sum(each.output_token_count for each in translations),
        )
        return translated, translations[0].target


def _check_decoding(request: SummaryRequest, method: Method) -> None:
    """Refuse decoding options where no model writes anything: they would be ignored silently."""
    if request.decoding == DecodingWish() or request.target or method is Method.ABSTRACTIVE:
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


def _moved_notices(pairs: Sequence[tuple[Passage, Translation]], *, is_picked: bool) -> list[Notice]:
    """What the translator noticed; its spans are moved to where a picked sentence stands in the article.

    A written sentence does not stand there: its notices keep no span. What is told of every sentence is told once.
    """
    notices: dict[Notice, None] = {}
    for passage, translation in pairs:
        offset = passage.citations[0].source_span[0] if is_picked else None
        for notice in translation.notices:
            span = notice.span
            moved = (span[0] + offset, span[1] + offset) if span and offset is not None else None
            notices[replace(notice, span=moved)] = None
    return list(notices)


def _result(
    request: SummaryRequest, method: Method, model: ModelInfo | None, draft: Draft, target: str
) -> SummaryResult:
    texts = [passage.text for passage in draft.passages]
    text, spans = lay_out(texts, form=request.form, markdown=request.markdown)
    return SummaryResult(
        text=text,
        source=request.source,
        target=target,
        method=method,
        model=model.name if model else None,
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
