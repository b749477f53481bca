"""From the language that a summary is drafted in to the one that it is wanted in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from polygist_service.errors import InferenceFailed, UnsupportedLanguagePair
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.types import Draft, Passage, SummaryRequest
from polygist_service.text.documents.plain import Splitting
from polygist_service.text.languages import is_same_language
from polygist_service.translation.types import Translation, TranslationRequest


class SentenceTranslator(Protocol):
    """Translates the sentences of a summary; see `translation.translator.Translator`."""

    def check_route(self, request: TranslationRequest) -> None:
        """Raise what `translate` would for want of a model."""
        ...

    async def translate(
        self, request: TranslationRequest, *, caller: str, deadline: float | None = None
    ) -> list[Translation]:
        """One translation for each content, in order."""
        ...


class CrossLingual:
    """Puts the sentences of a draft into the language of the summary.

    Args:
        translator: translates those that are not in it.
    """

    def __init__(self, translator: SentenceTranslator) -> None:
        self._translator = translator

    def check(self, request: SummaryRequest, *, written: str) -> None:
        """Raise UnsupportedLanguagePair where a draft in the language `written` could not be translated."""
        if request.target and written == request.source and not is_same_language(written, request.target):
            self._translator.check_route(_translation_of([], request))

    async def finish(
        self, draft: Draft, request: SummaryRequest, *, written: str, caller: str, deadline: float | None
    ) -> tuple[Draft, str]:
        """The draft, and the language that it is in now.

        Sentences in the article's language that stand among those of a model that writes another one are translated
        too, or left out where no model does that.

        Raises:
            InferenceFailed: they are all that there is, and no model translates them.
        """
        source, target = request.source, request.target
        if not target or is_same_language(source, target):
            return draft, source
        is_direct = written != source
        foreign = [passage.is_quoted or not is_direct for passage in draft.passages]
        if not any(foreign):
            return draft, written
        if is_direct and not self._has_route(request):
            return _leave_out(draft, foreign), written
        return await self._translate(draft, foreign, request, caller, deadline)

    def _has_route(self, request: SummaryRequest) -> bool:
        try:
            self._translator.check_route(_translation_of([], request))
        except UnsupportedLanguagePair:
            return False
        return True

    async def _translate(
        self, draft: Draft, foreign: Sequence[bool], request: SummaryRequest, caller: str, deadline: float | None
    ) -> tuple[Draft, str]:
        """The draft with its `foreign` sentences translated, and the language that these are in now."""
        passages = [passage for passage, is_foreign in zip(draft.passages, foreign, strict=True) if is_foreign]
        wanted = _translation_of([passage.text for passage in passages], request)
        translations = await self._translator.translate(wanted, caller=caller, deadline=deadline)
        pairs = list(zip(passages, translations, strict=True))
        texts = iter(translations)
        translated = replace(
            draft,
            passages=tuple(
                replace(passage, text=next(texts).text) if is_foreign else passage
                for passage, is_foreign in zip(draft.passages, foreign, strict=True)
            ),
            notices=(*draft.notices, *_moved_notices(pairs)),
            input_token_count=draft.input_token_count + sum(each.input_token_count for each in translations),
            output_token_count=draft.output_token_count + sum(each.output_token_count for each in translations),
        )
        return translated, translations[0].target


def _translation_of(sentences: Sequence[str], request: SummaryRequest) -> TranslationRequest:
    assert request.target is not None
    return TranslationRequest(
        contents=sentences,
        source=request.source,
        target=request.target,
        splitting=Splitting.NONE,
        decoding=request.decoding,
        pivot_policy=request.pivot_policy,
    )


def _leave_out(draft: Draft, foreign: Sequence[bool]) -> Draft:
    """The draft without the article's own sentences, which no model here translates; raises where none is left."""
    kept = tuple(passage for passage, is_foreign in zip(draft.passages, foreign, strict=True) if not is_foreign)
    if not kept:
        raise InferenceFailed("no sentence of the model holds against the article; ask for a summary in its language")
    message = f"{sum(foreign)} of the article's own sentences were left out: no model here translates them"
    return replace(draft, passages=kept, notices=(*draft.notices, Notice(NoticeKind.METHOD_FALLBACK, message)))


def _moved_notices(pairs: Sequence[tuple[Passage, Translation]]) -> list[Notice]:
    """What the translator noticed; its spans are moved to where a quoted sentence stands in the article.

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
