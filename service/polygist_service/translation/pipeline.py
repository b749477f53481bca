"""The texts of one request on their way through the models of a route, segment by segment."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import TypeVar

from polygist_service.concurrency import (
    FEW,
    Pauses,
    TextPool,
    cancel_all,
    in_groups,
    in_order,
    let_go,
    merge,
    run_in_turns,
)
from polygist_service.context import CallContext
from polygist_service.engine.interface import Decoding, Engine, HeldModel, Result
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents.base import PLAIN, Document, Layout, Segment, Splitting
from polygist_service.text.documents.plain import PlainLayout
from polygist_service.text.segmentation import Span
from polygist_service.translation.assembly import Assembly, Outcome, join_parts
from polygist_service.translation.detection import DetectedLanguage
from polygist_service.translation.drafts import Draft, Reading, draft_notices, hold_back, keep
from polygist_service.translation.guards import Guard
from polygist_service.translation.protection import Protected
from polygist_service.translation.routing import Hop, Route
from polygist_service.translation.terms.carrying import CarriedTerms
from polygist_service.translation.terms.finding import WordFinder
from polygist_service.translation.terms.messages import open_choices
from polygist_service.translation.terms.types import PlaceholderSyntax, TermFinder, TermTable
from polygist_service.translation.types import (
    Delta,
    Event,
    Progress,
    TranslationRequest,
)

T = TypeVar("T")

# What splits a text into sentences.
Split = Callable[[], Document]
# So many characters are parsed and read within one turn of a thread of the pool.
ONE_TURN = 4000
# So many segments are put together at once: more of them take the event loop too long.
FEW_SEGMENTS = 256
# Segments of longer ones that a model begins with before the others are read: a batch for each of two slots.
START_SEGMENTS = 8
# Further attempts for a segment in which something is prescribed: as many as there are methods for it.
TERM_ATTEMPTS = 3
DIGIT = re.compile(r"\d")
# A number of four digits takes as long as half a sentence, sixteen of them longer than the event loop may.
DIGIT_WEIGHT = 16


@dataclass(frozen=True, slots=True)
class Content:
    """One text of a request, at its index there, and the language that it is in."""

    index: int
    layout: Layout
    language: DetectedLanguage


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment of a document as one model reads it; it fits the window, unless a single character does not."""

    document: Document
    segment: Segment
    reading: Reading


class Pipeline:
    """Takes the contents of one request along their routes.

    Args:
        engine: runs the models.
        pool: where texts are split and tokenised.
        request: how to split and to decode.
        context: whose request it is.
        glossary: the one that it names.
    """

    def __init__(
        self,
        engine: Engine,
        pool: TextPool,
        request: TranslationRequest,
        context: CallContext,
        *,
        glossary: TermTable | None = None,
    ) -> None:
        self._engine = engine
        self._pool = pool
        self._request = request
        self._context = context
        self._glossary = glossary
        self._completed = self._total = 0

    async def run(self, route: Route, contents: Sequence[Content]) -> AsyncGenerator[tuple[int, Event], None]:
        """Translate some contents; yield the events of each with its index, one content after the other.

        Of two models, one at a time is held, so both need not be in memory at once.
        """
        async with self._decode(route.hops, [content.layout for content in contents]) as (documents, outcomes):
            try:
                self._total += sum(len(document.segments) for document in documents)
                for content, document in zip(contents, documents, strict=True):
                    with closing(Assembly(document, route, content.language, self._request)) as assembly:
                        for _ in document.segments:
                            outcome = await anext(outcomes)
                            yield content.index, Delta(await self._write_back(partial(assembly.add, outcome)))
                            self._completed += 1
                            yield content.index, Progress(self._completed, self._total)
                        yield content.index, Delta(await self._write_back(assembly.finish))
                        count = len(document.segments)
                        yield content.index, await self._write_back(assembly.translation, segment_count=count)
            finally:
                let_go(documents)

    async def _write_back(self, step: Callable[[], T], *, segment_count: int = 1) -> T:
        """Return what a step of an assembly gives; off the event loop where marks have to find their places.

        Args:
            step: what is to be done.
            segment_count: how many segments it goes through.
        """
        is_plain = self._request.mime_type == PLAIN and not self._request.decoding.alignment
        if is_plain and segment_count <= FEW_SEGMENTS:
            return step()
        return await self._pool.call(self._context, step)

    @asynccontextmanager
    async def _decode(
        self, hops: Sequence[Hop], layouts: Sequence[Layout]
    ) -> AsyncIterator[tuple[list[Document], AsyncIterator[Outcome]]]:
        """Give the documents of `layouts`, and what becomes of all their segments, in order."""
        first, *onward = hops
        length = sum(len(layout.text) for layout in layouts)
        finder = self._find_terms(first.source)
        splits = [partial(self._split, layout, first.source, finder) for layout in layouts]
        if not onward:
            async with self._pass(first, splits, length, finder) as passed:
                yield passed
            return
        carried = CarriedTerms(layout.text for layout in layouts)
        # A text that goes on needs no alternatives and no score of its own.
        async with self._pass(first, splits, length, carried.outward(finder), is_last=False) as (documents, outcomes):
            halfway = [outcome async for outcome in outcomes]
        language = onward[0].source
        splits = await run_in_turns(lambda outcome: partial(split_halfway, outcome, language), halfway)
        length = sum(await run_in_turns(lambda outcome: len(outcome.ranked(0).text), halfway))
        homeward = carried.homeward(self._find_kept(language))
        async with self._pass(onward[0], splits, length, homeward) as (parts, outcomes):
            yield documents, join_parts(halfway, parts, outcomes, language=language, fill=carried.fill)

    def _split(self, layout: Layout, language: str, finder: WordFinder) -> Document:
        """Split a text into sentences; none ends inside of what is prescribed.

        In plain text lines end all the same: those with a part of a placeholder that goes over several of them stay. Of
        messages that choose between texts, these are sentences of their own.
        """
        document = layout.split(language, self._request.splitting, partial(find_spans, finder))
        if self._request.mime_type != PLAIN:
            return document
        spans = finder.find_placeholders_over_lines(document.text)
        if PlaceholderSyntax.BRACES not in self._request.terms.syntaxes and not spans:
            return document
        opened = open_choices(document.segments, document.text, language=language, over_lines=spans)
        return document.with_segments(list(opened))

    def _find_terms(self, source: str) -> WordFinder:
        """Return what finds all that is prescribed in texts of a language."""
        request = self._request
        return WordFinder(request.terms, source=source, target=request.target, glossary=self._glossary)

    def _find_kept(self, source: str) -> WordFinder:
        """Return what finds what is carried over as it is in texts of a language."""
        terms = replace(self._request.terms, entries=(), glossary=None)
        return WordFinder(terms, source=source, target=self._request.target)

    @asynccontextmanager
    async def _pass(
        self, hop: Hop, splits: Sequence[Split], length: int, finder: TermFinder, *, is_last: bool = True
    ) -> AsyncIterator[tuple[list[Document], AsyncIterator[Outcome]]]:
        """Put texts, of `length` characters in all, through one model, which is held while the block runs."""
        preset = self._request.decoding
        options = hop.decoding(preset if is_last else replace(preset, alternative_count=0, scores=False))
        async with self._engine.hold(hop.model.name, self._context) as held:
            guard = Guard(
                held,
                options,
                pool=self._pool,
                context=self._context,
                source=hop.source,
                # Not what the model is for: Portugal has other words for numbers than Brazil.
                target=self._request.target if is_last else hop.target,
                finder=finder,
            )
            async with aclosing(Start(held, options, self._context)) as start:
                documents, pieces = await self._read(splits, length, guard, start)
                async with aclosing(self._write(pieces, start, guard)) as outcomes:
                    yield documents, outcomes

    async def _read(
        self, splits: Sequence[Split], length: int, guard: Guard, start: "Start"
    ) -> tuple[list[Document], list[Piece]]:
        """Return the documents of texts, and all their segments as a model reads them.

        Of long texts it begins with the first segments while the others are still read.
        """
        found: list[list[Piece]]
        if length <= ONE_TURN:

            def read_text(split: Split) -> tuple[Document, list[list[Piece]]]:
                document = split()
                return document, [read_segment(guard, (document, segment)) for segment in document.segments]

            read_texts = await self._pool.run(self._context, read_text, splits, characters=self._measure(length))
            documents = [document for document, _ in read_texts]
            found = [pieces for _, each in read_texts for pieces in each]
        else:
            documents = await self._pool.run(self._context, lambda split: split(), splits)
            segments = [(document, segment) for document in documents for segment in document.segments]
            try:
                found = await self._read_segments(segments, guard, start)
            finally:
                let_go(segments)
        pieces: list[Piece] = []
        await run_in_turns(pieces.extend, found)
        if len(pieces) != len(found) or any(piece.segment.hard_split for piece in pieces):
            cut = iter(found)

            def take_segments(document: Document) -> tuple[Document, list[Segment]]:
                return document, [piece.segment for _ in document.segments for piece in next(cut)]

            both = await run_in_turns(take_segments, documents)
            documents = await self._pool.run(
                self._context, lambda pair: pair[0].with_segments(pair[1]), both, characters=self._measure(0)
            )
        return documents, pieces

    async def _read_segments(
        self, segments: Sequence[tuple[Document, Segment]], guard: Guard, start: "Start"
    ) -> list[list[Piece]]:
        """Return segments as a model reads them, which begins with the first ones."""
        read = partial(read_segment, guard)
        found = await self._pool.run(self._context, read, segments[:START_SEGMENTS])
        await start.begin([piece for each in found for piece in each])
        return found + await self._pool.run(self._context, read, segments[START_SEGMENTS:])

    def _measure(self, characters: int) -> int | None:
        """Return the length of texts for `TextPool.run`; None where marks or terms take a time of their own."""
        is_plain = self._request.mime_type == PLAIN and self._request.terms.is_empty
        return characters if is_plain else None

    async def _write(self, pieces: list[Piece], start: "Start", guard: Guard) -> AsyncGenerator[Outcome, None]:
        """Yield what becomes of each piece, in order; pieces that read alike are decoded once.

        What was written wrongly is written again while the results of the others come in; `pieces` is let go at last.
        """
        due = await find_due(pieces)
        drafts: dict[str, Draft | asyncio.Task[Draft]] = {}

        def keep_as_it_is(piece: Piece) -> bool:
            if piece.reading.is_kept:
                drafts[piece.reading.protected.source] = keep(piece.reading)
            return piece.reading.is_kept

        kept = sum(await run_in_turns(keep_as_it_is, pieces))
        self._context.usage.cached_segments += len(pieces) - kept - len(due)
        guard.allow(len(due) + TERM_ATTEMPTS * sum(bool(reading.protected.showings) for reading in due))
        stream = await start.go_on(due)
        results = in_groups(in_order(stream)) if len(due) > 1 else alone(stream)
        taken, pauses = 0, Pauses()
        readings: list[Reading] = []
        firsts: list[Draft] = []
        try:
            for piece in pieces:
                await pauses.pause()
                source = piece.reading.protected.source
                while source not in drafts:
                    group = await anext(results)
                    readings = due[taken : taken + len(group)]
                    taken += len(group)
                    firsts = await self._assess(readings, group, guard)
                    for reading, first in zip(readings, firsts, strict=True):
                        await pauses.pause()
                        again = asyncio.create_task(guard.mend(reading, first)) if first.faults else None
                        drafts[reading.protected.source] = again or first
                draft = drafts[source]
                if isinstance(draft, asyncio.Task):  # not kept: to let go of thousands at once takes long
                    drafts[source] = draft = await draft
                yield make_outcome(piece, draft)
        finally:
            ends = list(drafts.values())
            drafts.clear()
            let_go(ends, firsts, readings, due, pieces)
            try:
                await cancel_all(each for each in ends if isinstance(each, asyncio.Task))
            finally:  # who is too late is cancelled by the deadline and by the caller
                await results.aclose()

    async def _assess(self, readings: Sequence[Reading], results: list[Result], guard: Guard) -> list[Draft]:
        """Return the drafts of what a model wrote; `results` is let go."""
        written = list(zip(readings, results, strict=True))
        is_short = len(written) <= FEW  # else it is not done at once, whatever the length
        length = self._measure(sum(weigh(reading.protected.source) for reading in readings)) if is_short else None
        try:
            return await self._pool.run(self._context, lambda pair: guard.assess(*pair), written, characters=length)
        finally:
            let_go(written, results)


class Start:
    """The first segments of long texts, which a model works on while the others are still read.

    Args:
        held: the model.
        options: how it decodes.
        context: whose request it is.
    """

    def __init__(self, held: HeldModel, options: Decoding, context: CallContext) -> None:
        self._submit = partial(submit, held, options=options, context=context)
        self._count = 0
        self._results: AsyncGenerator[tuple[int, Result], None] | None = None
        self._first: asyncio.Future[tuple[int, Result]] | None = None

    async def begin(self, pieces: Sequence[Piece]) -> None:
        """Hand in some pieces, the first of all."""
        due = await find_due(pieces)
        if due:
            self._count = len(due)
            self._results = await self._submit(due)
            self._first = asyncio.ensure_future(anext(self._results))

    async def go_on(self, due: Sequence[Reading]) -> AsyncGenerator[tuple[int, Result], None]:
        """Hand in the rest of all readings that are due; return what yields index and result of each as it comes."""
        if not self._count:
            return await self._submit(due)
        streams = [self._begun()]
        streams += [self._rest(due)] if len(due) > self._count else []
        return merge(streams)

    async def aclose(self) -> None:
        """Cancel what was begun."""
        if self._first and self._results:
            self._first.cancel()
            await asyncio.gather(self._first, return_exceptions=True)
            await self._results.aclose()

    async def _begun(self) -> AsyncGenerator[tuple[int, Result], None]:
        assert self._first
        assert self._results
        yield await self._first
        async for item in self._results:
            yield item

    async def _rest(self, due: Sequence[Reading]) -> AsyncGenerator[tuple[int, Result], None]:
        async with aclosing(await self._submit(due[self._count :])) as results:
            async for at, result in results:
                yield self._count + at, result


def weigh(text: str) -> int:
    """Return how many code points without numbers take as long to assess as a text: numbers are compared one by one."""
    return len(text) + DIGIT_WEIGHT * len(DIGIT.findall(text))


def find_spans(finder: TermFinder, text: str) -> Sequence[Span]:
    """Return where something is prescribed in a text: no sentence ends inside of it."""
    return [(match.start, match.end) for match in finder.find(text)]


def split_halfway(outcome: Outcome, language: str) -> Document:
    """Return what a model wrote of a segment, in a language, as a document for the next one."""
    document = PlainLayout(outcome.ranked(0).text).split(language, Splitting.NONE)
    needs_alignment = outcome.segment.needs_alignment
    return document.with_segments([replace(each, needs_alignment=needs_alignment) for each in document.segments])


async def find_due(pieces: Sequence[Piece]) -> list[Reading]:
    """Return the readings that a model has to see, each different one once, in the order of the pieces."""
    readings: dict[str, Reading] = {}

    def take(piece: Piece) -> None:
        source = piece.reading.protected.source
        if source not in readings or piece.reading.needs_alignment:
            readings[source] = piece.reading

    await run_in_turns(take, pieces)
    return [reading for reading in readings.values() if not reading.is_kept]


def read_segment(guard: Guard, place: tuple[Document, Segment]) -> list[Piece]:
    """Read a segment of a document, cut into pieces where it does not fit the model's window."""
    document, segment = place
    if segment.is_kept:
        return [Piece(document, segment, Reading(Protected(segment.text, segment.text), "", kept=segment.text))]
    if segment.is_number:
        return [Piece(document, segment, guard.read_number(segment.text))]
    readings: dict[str, Reading | None] = {}

    def fits(text: str) -> bool:
        if text not in readings:
            readings[text] = guard.read(text, is_aligned=segment.needs_alignment)
        return readings[text] is not None

    kept = () if fits(segment.text) else guard.find_kept(segment.text)
    return [
        Piece(document, piece, readings.get(piece.text) or Reading(Protected(piece.text, piece.text), piece.text))
        for piece in document.cut(segment, fits, kept)
    ]


async def alone(stream: AsyncGenerator[tuple[int, Result], None]) -> AsyncGenerator[list[Result], None]:
    """Yield the one result of `stream`, as `in_groups` does in its order, without a task."""
    async with aclosing(stream):
        async for _, result in stream:
            yield [result]


async def submit(
    held: HeldModel, readings: Sequence[Reading], *, options: Decoding, context: CallContext
) -> AsyncGenerator[tuple[int, Result], None]:
    """Return what yields the index and the result of each reading as it comes; only those that need it are aligned."""

    async def run(indices: Sequence[int], options: Decoding) -> AsyncGenerator[tuple[int, Result], None]:
        tokens = [readings[index].tokens for index in indices]
        async with aclosing(held.submit(tokens, options=options, context=context)) as results:
            async for at, result in results:
                yield indices[at], result

    needs_alignment = await run_in_turns(attrgetter("needs_alignment"), readings)
    if not any(needs_alignment):
        return held.submit([reading.tokens for reading in readings], options=options, context=context)
    aligned = [at for at, is_needed in enumerate(needs_alignment) if is_needed]
    plain = [at for at, is_needed in enumerate(needs_alignment) if not is_needed]
    streams = [run(plain, options)] if plain else []
    return merge([*streams, run(aligned, replace(options, alignment=True))])


def make_outcome(piece: Piece, draft: Draft) -> Outcome:
    """Return what became of a piece, with what there is to know about it."""
    draft = hold_back(draft, piece.segment.text)
    notices = tuple(piece_notices(piece, draft))
    return Outcome(piece.segment, draft.hypotheses, notices)


def piece_notices(piece: Piece, draft: Draft) -> Iterator[Notice]:
    """Yield what there is to know about how a model read and wrote a segment."""
    span, reading = piece.segment.span, piece.reading
    if piece.segment.hard_split and not reading.is_kept:
        yield Notice(NoticeKind.SEGMENT_HARD_SPLIT, "a sentence longer than the model's window was split here", span)
    if piece.segment.is_kept:
        message = "this is part of a placeholder that goes over lines or is nested too deep, and was left as it is"
        yield Notice(NoticeKind.UNTRANSLATED, message, span)
    if reading.is_kept and reading.protected.has_foreign_script:
        message = "the model does not know the letters of this segment, it comes back as it is"
        yield Notice(NoticeKind.UNTRANSLATED, message, span)
    for match in (each.match for each in reading.protected.showings if each.match.has_words):
        inner = piece.document.source_span(piece.segment, (match.start, match.end))
        yield Notice(NoticeKind.UNTRANSLATED, "the words inside this placeholder were left as they are", inner)
    yield from draft_notices(draft, span, partial(piece.document.source_span, piece.segment))
