"""From the language that a summary is drafted in to the one that it is wanted in."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from polygist_service.concurrency import in_groups
from polygist_service.context import CallContext
from polygist_service.errors import InferenceFailed, UnsupportedLanguagePair
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.planning import Plan
from polygist_service.summarisation.types import Draft, DraftEvent, Passage
from polygist_service.text.documents.base import Splitting
from polygist_service.text.languages import is_same_language
from polygist_service.translation.terms.types import TermMatch
from polygist_service.translation.types import Delta, Progress, Translation, TranslationRequest


class SentenceTranslator(Protocol):
    """Translates the sentences of a summary; see `translation.translator.Translator`."""

    def check_route(self, request: TranslationRequest) -> None:
        """Raise what `translate` would for want of a model or a glossary."""
        ...

    def find_glossary(self, request: TranslationRequest) -> object:
        """Raise what `translate` would for want of a glossary."""
        ...

    async def find_terms(self, request: TranslationRequest, context: CallContext) -> list[Sequence[TermMatch]]:
        """Return what is prescribed of words in each content."""
        ...

    def events(
        self, request: TranslationRequest, context: CallContext
    ) -> AsyncGenerator[tuple[int, Progress | Delta | Translation], None]:
        """Yield what happens while `request` is translated; the translation of each content in order."""
        ...


class CrossLingual:
    """Puts the sentences of a draft into the language of the summary.

    Args:
        translator: translates those that are not in it.
    """

    def __init__(self, translator: SentenceTranslator) -> None:
        self._translator = translator

    def settle(self, plan: Plan) -> Plan:
        """Return the plan of a summary; words are prescribed to translators, so its model does not write past one then.

        Raises:
            UnsupportedLanguagePair: a draft could not be translated, but would have to be.
            UnknownGlossary, InvalidRequest: see `Translator.find_glossary`.
        """
        if not plan.request.target:
            return plan
        request = sentence_request(plan, ())
        if request.terms.glossary:
            self._translator.find_glossary(request)
        if is_same_language(plan.language, plan.request.target):
            return plan
        if plan.written == plan.language:
            self._translator.check_route(request)
        elif plan.writes_source and not request.terms.is_empty and self._is_served(plan):
            return replace(plan, written=plan.language)
        return plan

    async def follow(
        self, draft: AsyncGenerator[DraftEvent, None], plan: Plan, context: CallContext
    ) -> AsyncGenerator[DraftEvent, None]:
        """Yield what happens while a draft is made, its sentences in the language of the summary.

        Each sentence is translated once it is there, with those that are there by then. Sentences in the article's
        language that stand among those of a model that writes another one are translated too, or left out where no
        model does that.

        Raises:
            InferenceFailed: they are all that there is, and no model translates them.
        """
        target = plan.request.target
        is_wanted = target is not None and not is_same_language(plan.language, target)
        is_direct = plan.written != plan.language
        translated = Translated(is_left_out=is_direct and is_wanted and not self._is_served(plan))
        async with aclosing(in_groups(draft)) as groups:
            async for group in groups:
                passages = [event for event in group if isinstance(event, Passage)]
                foreign = [passage for passage in passages if is_wanted and (passage.is_quoted or not is_direct)]
                texts = self._translate([] if translated.is_left_out else foreign, plan, context)
                async with aclosing(texts) as translations:
                    for event in group:
                        match event:
                            case Progress():
                                yield event
                            case Passage() if event not in foreign:
                                yield translated.keep(event)
                            case Passage() if not translated.is_left_out:
                                yield translated.add(event, await anext(translations))
                            case Passage():
                                translated.leave_out()
                            case Draft():
                                told = await self._find_unapplied(plan, translated, context) if is_direct else []
                                yield translated.finish(event, told)

    def _is_served(self, plan: Plan) -> bool:
        try:
            self._translator.check_route(sentence_request(plan, ()))
        except UnsupportedLanguagePair:
            return False
        return True

    async def _find_unapplied(self, plan: Plan, translated: "Translated", context: CallContext) -> list[Notice]:
        """Return what to tell of words in the sources of a summary that its model wrote past a translator."""
        if plan.request.terms.is_empty:
            return []
        spans = list(dict.fromkeys(each.source_span for passage in translated.written for each in passage.citations))
        request = sentence_request(plan, [plan.article.text[slice(*span)] for span in spans])
        found = await self._translator.find_terms(request, context)
        summary = " ".join(passage.text for passage in translated.written).casefold()
        notices: dict[str, Notice] = {}
        for (start, _), text, matches in zip(spans, request.contents, found, strict=True):
            for match in matches:
                own = text[match.start : match.end]
                forms = filter(None, (match.target or own, match.inflected_target))
                if not any(form.casefold() in summary for form in forms):
                    notices.setdefault(match.listed or own, tell_unapplied(match, own, start))
        return list(notices.values())

    async def _translate(
        self, passages: Sequence[Passage], plan: Plan, context: CallContext
    ) -> AsyncGenerator[Translation, None]:
        """Yield the translations of `passages`, in order."""
        if not passages:
            return
        request = sentence_request(plan, [passage.text for passage in passages])
        async with aclosing(self._translator.events(request, context)) as events:
            async for _, event in events:
                if isinstance(event, Translation):
                    yield event


class Translated:
    """The sentences of a draft as they are in the summary, and what there is to say of them.

    Args:
        is_left_out: whether sentences in the article's language have no place there.
    """

    def __init__(self, *, is_left_out: bool) -> None:
        self.is_left_out = is_left_out
        self._passages: list[Passage] = []
        self._translations: list[tuple[Passage, Translation]] = []
        self._left_out = 0

    def keep(self, passage: Passage) -> Passage:
        """Take a sentence as it is."""
        self._passages.append(passage)
        return passage

    def add(self, passage: Passage, translation: Translation) -> Passage:
        """Take the translation of a sentence."""
        self._translations.append((passage, translation))
        return self.keep(replace(passage, text=translation.text))

    def leave_out(self) -> None:
        """Take no sentence."""
        self._left_out += 1

    @property
    def written(self) -> list[Passage]:
        """The sentences that the model wrote."""
        return [passage for passage in self._passages if not passage.is_quoted]

    def finish(self, draft: Draft, told: Sequence[Notice]) -> Draft:
        """Return the draft of these sentences, and what else is told; raises InferenceFailed where none is left."""
        notices = [*move_notices(self._translations), *told]
        if self._left_out:
            if not self._passages:
                raise InferenceFailed(
                    "no sentence of the model holds against the article; ask for a summary in its language"
                )
            message = f"{self._left_out} of the article's own sentences were left out: no model here translates them"
            notices.append(Notice(NoticeKind.METHOD_FALLBACK, message))
        translations = [translation for _, translation in self._translations]
        return replace(
            draft,
            passages=tuple(self._passages),
            language=translations[0].target if translations else draft.language,
            notices=(*draft.notices, *notices),
        )


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
        terms=request.terms,
    )


def tell_unapplied(match: TermMatch, own: str, offset: int) -> Notice:
    """Return what to tell of a word that a model was to write; `offset` is where the text begins that it stands in."""
    span = (match.start + offset, match.end + offset)
    where = "in the language of the summary: the model wrote that itself, and no translator was asked"
    if match.target is None:
        return Notice(NoticeKind.PLACEHOLDER_LOST, f"{own!r} is in a source, but not {where}", span)
    return Notice(
        NoticeKind.GLOSSARY_TERM_NOT_APPLIED, f"{own!r} is in a source, but {match.target!r} not {where}", span
    )


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
