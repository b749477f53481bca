"""From the language that a summary is drafted in to the one that it is wanted in."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from polygist_service.context import CallContext
from polygist_service.errors import InferenceFailed, UnsupportedLanguagePair
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.planning import Plan
from polygist_service.summarisation.types import Draft, Passage
from polygist_service.text.documents.base import Splitting
from polygist_service.text.languages import is_same_language
from polygist_service.translation.types import Translation, TranslationRequest


class SentenceTranslator(Protocol):
    """Translates the sentences of a summary; see `translation.translator.Translator`."""

    def check_route(self, request: TranslationRequest) -> None:
        """Raise what `translate` would for want of a model."""
        ...

    async def translate(self, request: TranslationRequest, context: CallContext) -> list[Translation]:
        """Return one translation for each content, in order."""
        ...


class CrossLingual:
    """Puts the sentences of a draft into the language of the summary.

    Args:
        translator: translates those that are not in it.
    """

    def __init__(self, translator: SentenceTranslator) -> None:
        self._translator = translator

    def check(self, plan: Plan) -> None:
        """Raise UnsupportedLanguagePair where a draft could not be translated, but would have to be."""
        target = plan.request.target
        if target and plan.written == plan.language and not is_same_language(plan.written, target):
            self._translator.check_route(sentence_request(plan, ()))

    async def finish(self, draft: Draft, plan: Plan, context: CallContext) -> tuple[Draft, str]:
        """Return the draft in the language of the summary, and the code of that language.

        Sentences in the article's language that stand among those of a model that writes another one are translated
        too, or left out where no model does that.

        Raises:
            InferenceFailed: they are all that there is, and no model translates them.
        """
        target = plan.request.target
        if not target or is_same_language(plan.language, target):
            return draft, plan.language
        is_direct = plan.written != plan.language
        foreign = [passage.is_quoted or not is_direct for passage in draft.passages]
        if not any(foreign):
            return draft, plan.written
        if is_direct:
            try:
                self._translator.check_route(sentence_request(plan, ()))
            except UnsupportedLanguagePair:
                return leave_out(draft, foreign), plan.written
        quoted = [passage for passage, is_foreign in zip(draft.passages, foreign, strict=True) if is_foreign]
        translations = await self._translator.translate(
            sentence_request(plan, [passage.text for passage in quoted]), context
        )
        texts = iter(translations)
        translated = replace(
            draft,
            passages=tuple(
                replace(passage, text=next(texts).text) if is_foreign else passage
                for passage, is_foreign in zip(draft.passages, foreign, strict=True)
            ),
            notices=(*draft.notices, *move_notices(zip(quoted, translations, strict=True))),
            input_token_count=draft.input_token_count + sum(each.input_token_count for each in translations),
            output_token_count=draft.output_token_count + sum(each.output_token_count for each in translations),
        )
        return translated, translations[0].target


def sentence_request(plan: Plan, sentences: Sequence[str]) -> TranslationRequest:
    """Return the request to translate `sentences`, which are in the article's language, as the summary is wanted."""
    request = plan.request
    assert request.target is not None
    return TranslationRequest(
        contents=sentences,
        source=plan.language,
        target=request.target,
        splitting=Splitting.NONE,
        decoding=request.decoding,
        pivot_policy=request.pivot_policy,
    )


def leave_out(draft: Draft, foreign: Sequence[bool]) -> Draft:
    """Return the draft without the article's own sentences, which no model here translates.

    Raises:
        InferenceFailed: none is left.
    """
    kept = tuple(passage for passage, is_foreign in zip(draft.passages, foreign, strict=True) if not is_foreign)
    if not kept:
        raise InferenceFailed("no sentence of the model holds against the article; ask for a summary in its language")
    message = f"{sum(foreign)} of the article's own sentences were left out: no model here translates them"
    return replace(draft, passages=kept, notices=(*draft.notices, Notice(NoticeKind.METHOD_FALLBACK, message)))


def move_notices(pairs: Iterable[tuple[Passage, Translation]]) -> list[Notice]:
    """Return what the translator noticed, its spans moved to where a quoted sentence stands in the article.

    A written sentence does not stand there: its notices keep no span. What is told of every sentence is told once.
    """
    notices: dict[Notice, None] = {}
    for passage, translation in pairs:
        offset = passage.citations[0].source_span[0] if passage.is_quoted else None
        for notice in translation.notices:
            span = notice.span
            moved = (span[0] + offset, span[1] + offset) if span and offset is not None else None
            notices[replace(notice, span=moved)] = None
    return list(notices)
