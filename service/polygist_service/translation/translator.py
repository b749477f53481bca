"""The `Translator`: texts in, translations out, nothing cut or lost on the way."""

from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from itertools import chain, zip_longest
from typing import NamedTuple

from polygist_service.concurrency import Pauses, TextPool, let_go, merge, run_in_turns
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine
from polygist_service.errors import UnsupportedLanguagePair
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents import read_content
from polygist_service.text.documents.base import PLAIN, Layout, Readable
from polygist_service.text.documents.plain import PlainLayout
from polygist_service.text.languages import is_same_language
from polygist_service.text.segmentation import has_letters
from polygist_service.translation.detection import DetectedLanguage, LanguageResolver
from polygist_service.translation.neighbours import Turn
from polygist_service.translation.parts import Part, cut_parts, join_translations
from polygist_service.translation.pipeline import Content, Pipeline
from polygist_service.translation.routing import Route, Routes
from polygist_service.translation.terms.finding import WordFinder
from polygist_service.translation.terms.glossaries import Glossaries, Glossary
from polygist_service.translation.terms.types import TermFinder, TermMatch
from polygist_service.translation.types import Delta, Event, Progress, Translation, TranslationRequest

# A segment of a part takes as long to be moved into the whole as so many code points to be read.
MOVED = 4


class Translator:
    """Translates texts with the models of an engine.

    Args:
        engine: runs the models.
        routes: which models serve which pair.
        languages: tells the language of texts.
        pool: where texts are split and tokenised.
        noticed: is told of each notice about a translation.
        glossaries: those that the operator has mounted.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        routes: Routes,
        languages: LanguageResolver,
        pool: TextPool,
        noticed: Callable[[NoticeKind], None] = lambda kind: None,
        glossaries: Glossaries | None = None,
    ) -> None:
        self._engine = engine
        self._routes = routes
        self._languages = languages
        self._pool = pool
        self._noticed = noticed
        self._glossaries = glossaries or Glossaries()

    async def translate(
        self, request: TranslationRequest, context: CallContext, *, turn: Turn | None = None
    ) -> list[Translation]:
        """Translate each content of `request`; the answers have its order and length. Raises what `events` does."""
        async with aclosing(self.events(request, context, turn=turn)) as events:
            return [event async for _, event in events if isinstance(event, Translation)]

    async def events(
        self, request: TranslationRequest, context: CallContext, *, turn: Turn | None = None
    ) -> AsyncGenerator[tuple[int, Event], None]:
        """Yield what happens while `request` is translated, each event with the index of its content.

        The contents come one after the other, in order: of each the text, piece by piece as segments finish, then the
        translation, whose text is those pieces joined. Progress is that of the whole request, told at once. Texts
        without letters, and texts that are in the target language already, come back as they are; so do such parts of
        a text in several languages, and those that no model translates.

        Args:
            request: what is wanted.
            context: who wants it.
            turn: of the content, where it is one item of a stream.

        Raises:
            InvalidRequest: a content is not what `mime_type` says, or in a language that the glossary has no terms in.
            UnknownGlossary: no such glossary is mounted.
            NotFound, UnsupportedLanguagePair, UndeterminedLanguage: see `Routes.find` and `LanguageResolver.resolve`.
            UnsupportedCapability: words are to be aligned, and a model on the way does not align them.
            ModelLoading: a model is not ready before the deadline.
            InferenceFailed: a model failed on a segment.
        """
        glossary = self.find_glossary(request)
        layouts = await read_contents(self._pool, context, request.contents, request.mime_type)
        languages = await self.tell_languages(layouts, request, context, turn)
        check_languages(glossary, languages, request.target)
        cases = list(zip(range(len(layouts)), layouts, languages, strict=True))
        length = sum(len(layout.text) for _, layout, language in cases if language.foreign)
        contents = await self._pool.run(context, lambda case: cut_parts(*case), cases, characters=length)
        parts = [part for each in contents for part in each]
        turns, pauses = Turns(parts, languages), Pauses()
        groups: dict[Route, list[Content]] = defaultdict(list)
        for place, (part, way) in enumerate(zip(parts, self._find_ways(request, contents), strict=True)):
            await pauses.pause()
            if isinstance(way, Route):
                groups[way].append(Content(place, part.layout, part.language))
            else:
                turns.add(place, Delta(part.text))
                turns.add(place, way)
        pipeline = Pipeline(self._engine, self._pool, request, context, glossary=glossary)
        streams = [pipeline.run(route, members) for route, members in groups.items()]
        for index, due in turns.due():
            await pauses.pause()
            yield index, await self._join(due, request, context)
        try:
            async with aclosing(merge(streams)) as events:
                async for place, event in events:
                    if isinstance(event, Progress):
                        yield parts[place].index, event
                        continue
                    if isinstance(event, Translation):
                        await run_in_turns(lambda notice: self._noticed(notice.kind), event.notices)
                    turns.add(place, event)
                    for index, due in turns.due():
                        await pauses.pause()
                        yield index, await self._join(due, request, context)
        finally:
            turns.let_go()
            let_go(layouts, languages, cases, contents, parts, *groups.values())

    async def _join(self, event: "Event | Joining", request: TranslationRequest, context: CallContext) -> Event:
        """Return an event as it is, but for the translation of a content of several parts, which is joined."""
        if not isinstance(event, Joining):
            return event
        length = MOVED * sum(len(each.segments) for each in event.translations)
        return await self._pool.call(
            context, partial(join_translations, *event), characters=None if request.decoding.alignment else length
        )

    def check_route(self, request: TranslationRequest) -> None:
        """Raise what `translate` would for want of a model, before there is anything to translate.

        `request` may have no contents yet. Where it names no source language, its model has to be there at least.
        """
        self.find_glossary(request)
        if request.source is None:
            if request.model:
                model = self._routes.find_model(request.model)
                if request.decoding.alignment:
                    self._routes.expect_alignment([model])
        elif not is_same_language(request.source, request.target):
            self._find_route(request.source, request)

    async def find_terms(self, request: TranslationRequest, context: CallContext) -> list[Sequence[TermMatch]]:
        """Return what `request` prescribes in each of its contents, all in its language; raises `find_glossary`'s."""
        assert request.source
        glossary = self.find_glossary(request)
        finder = WordFinder(request.terms, source=request.source, target=request.target, glossary=glossary)
        return await self._pool.run(context, finder.find, request.contents)

    def find_glossary(self, request: TranslationRequest) -> Glossary | None:
        """Return the glossary that a request names, if it does.

        Raises:
            UnknownGlossary: it is not mounted.
            InvalidRequest: it has no terms for the languages that the request names.
        """
        if not request.terms.glossary:
            return None
        glossary = self._glossaries.find(request.terms.glossary)
        if request.source:
            check_glossary(glossary, request.source, request.target)
        return glossary

    async def tell_languages(
        self, layouts: Sequence[Readable], request: TranslationRequest, context: CallContext, turn: Turn | None = None
    ) -> list[DetectedLanguage]:
        """Return the language of each content; where no model reads it, the refusal says which one could."""
        sources = self._find_sources(request)
        terms = None if request.source else replace(request.terms, entries=(), glossary=None)
        if terms and not terms.is_empty:
            finder = WordFinder(terms, source="und", target=request.target)
            layouts = await self._pool.run(context, partial(silence, finder), layouts)
        try:
            return await self._languages.resolve(
                layouts,
                given=request.source,
                readable=None if request.source else self._routes.readable(),
                candidates=request.candidates,
                context=context,
                likely=sources or None,
                target=request.target if sources else None,
                turn=turn,
            )
        except UnsupportedLanguagePair as refusal:
            raise self._routes.explain_unread(
                refusal, request.target, model=request.model, pivot_policy=request.pivot_policy
            ) from None

    def _find_sources(self, request: TranslationRequest) -> tuple[str, ...]:
        """Return the languages from which the target can be reached, where the language has to be detected.

        Without any, the detection does not go by the target: the refusal had better be about a language that is read.
        """
        if request.source:
            return ()
        return self._routes.sources(request.target, model=request.model, pivot_policy=request.pivot_policy)

    def _find_ways(
        self, request: TranslationRequest, contents: Sequence[Sequence[Part]]
    ) -> Iterator[Route | Translation]:
        """Yield for each part of each content its route, or its translation where it comes back as it is.

        Raises:
            UnsupportedLanguagePair: no model translates what a content is in, or in most of, nor any part of it.
        """
        found: dict[str, Route | UnsupportedLanguagePair] = {}
        for parts in contents:
            ways: list[Route | Translation | UnsupportedLanguagePair] = []
            for part in parts:
                code = part.language.language
                untouched = leave_untouched(part.text, part.language, request)
                if not untouched and code not in found:
                    try:
                        found[code] = self._find_route(code, request)
                    except UnsupportedLanguagePair as refusal:
                        found[code] = refusal
                ways.append(untouched or found[code])
            is_translated = any(isinstance(way, Route) for way in ways)
            for part, way in zip(parts, ways, strict=True):
                if not isinstance(way, UnsupportedLanguagePair):
                    yield way
                elif is_translated or part.is_foreign:
                    yield keep_source(part, way, request)
                else:
                    raise way

    def _find_route(self, language: str, request: TranslationRequest) -> Route:
        route = self._routes.find(
            language,
            request.target,
            model=request.model,
            preference=request.decoding.preference,
            pivot_policy=request.pivot_policy,
        )
        if request.decoding.alignment:
            self._routes.expect_alignment([hop.model for hop in route.hops])
        return route


class Joining(NamedTuple):
    """What the translation of a content is joined from; see `join_translations`."""

    parts: Sequence[Part]
    translations: Sequence[Translation]
    language: DetectedLanguage


def check_languages(glossary: Glossary | None, languages: Sequence[DetectedLanguage], target: str) -> None:
    """Raise InvalidRequest where a glossary that is asked for has no terms in one of the languages."""
    for code in dict.fromkeys(language.language for language in languages):
        if glossary:
            check_glossary(glossary, code, target)


class Turns:
    """Holds back the events of a part until those of all parts before it are out, and puts parts together.

    Args:
        parts: of all contents, in order.
        languages: of the contents.
    """

    def __init__(self, parts: Sequence[Part], languages: Sequence[DetectedLanguage]) -> None:
        self._parts = parts
        self._languages = languages
        self._waiting: list[deque[Event]] = [deque() for _ in parts]
        self._turn = 0
        self._translations: list[Translation] = []

    def add(self, place: int, event: Event) -> None:
        """Take an event of the part at `place`; a translation is the last one of its part."""
        self._waiting[place].append(event)

    def let_go(self) -> None:
        """Forget all that waits, in turns with others: nothing is due any more."""
        let_go(self._waiting, self._translations)

    def due(self) -> Iterator[tuple[int, Event | Joining]]:
        """Yield what need not wait any longer, each event with the index of its content."""
        while self._turn < len(self._waiting) and (events := self._waiting[self._turn]):
            part = self._parts[self._turn]
            event: Event | Joining = events.popleft()
            if isinstance(event, Translation):
                self._turn += 1
                self._translations.append(event)
                if not part.is_last:
                    continue
                if len(self._translations) > 1:
                    parts = self._parts[self._turn - len(self._translations) : self._turn]
                    event = Joining(parts, self._translations, self._languages[part.index])
                self._translations = []
            if event != Delta(""):
                yield part.index, event


async def read_contents(pool: TextPool, context: CallContext, contents: Sequence[str], mime_type: str) -> list[Layout]:
    """Return the structures of the contents of a request; raises InvalidRequest, see `read_content`."""
    read = partial(read_content, mime_type=mime_type)
    return await pool.run(context, read, list(enumerate(contents)), characters=length_to_read(mime_type))


def length_to_read(mime_type: str) -> int | None:
    """Return the `characters` that `TextPool.run` goes through for a structure: plain text has none to look for."""
    return 0 if mime_type == PLAIN else None


def silence(finder: TermFinder, text: Readable) -> Readable:
    """Return a text without what is never translated, which says nothing of its language.

    Of a document with marks that is all or nothing.
    """
    blanked = [blank_out(passage.text, finder.find(passage.text)) for passage in text.passages]
    if isinstance(text, PlainLayout):
        return PlainLayout("".join(blanked))
    return text if any(map(has_letters, blanked)) else PlainLayout("")


def blank_out(text: str, matches: Sequence[TermMatch]) -> str:
    """Return a text with spaces in place of all that was matched."""
    ends = [0, *(match.end for match in matches)]
    starts = [*(match.start for match in matches), len(text)]
    gaps = [" " * (match.end - match.start) for match in matches]
    pieces = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    return "".join(chain.from_iterable(zip_longest(pieces, gaps, fillvalue="")))


def check_glossary(glossary: Glossary, source: str, target: str) -> None:
    """Raise InvalidRequest where a text in `source` would be translated without any term of a glossary."""
    if source != "und" and not is_same_language(source, target):
        glossary.check_pair(source, target)


def leave_untouched(text: str, language: DetectedLanguage, request: TranslationRequest) -> Translation | None:
    """Return the translation of a text that there is nothing to do for; None where a model has to see it."""
    code, target = language.language, request.target
    if code == "und":
        return Translation(text, request.source or "und", target)
    if not is_same_language(code, target):
        return None
    same = Notice(NoticeKind.SAME_LANGUAGE, f"the text is in {code} already, it comes back as it is")
    return Translation(text, code, target, confidence=language.confidence, notices=(same, *language.notices()))


def keep_source(part: Part, refusal: UnsupportedLanguagePair, request: TranslationRequest) -> Translation:
    """Return the translation of a part that no model translates."""
    notice = Notice(NoticeKind.UNTRANSLATED, f"this part was left as it is: {refusal}", part.words)
    return Translation(part.text, part.language.language, request.target, notices=(notice,))
