"""What was written wrongly is found, and decoded again another way.

Nothing here touches a segment that was fine: a fault is looked for in what a model wrote, and only a segment that has
one is decoded again, in ways that are worth their cost only there. Of several attempts the one with the least fault
stands; what no attempt mends is told, and where a model writes only nonsense, the source is kept.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from polygist_service.concurrency import TextPool, gather_all
from polygist_service.context import CallContext
from polygist_service.engine.interface import Decoding, HeldModel, Hypothesis, Result
from polygist_service.text.alignment import Alignment, follow, strongest
from polygist_service.text.languages import letters_outside, script_of
from polygist_service.text.numbers.comparison import NumberChange, compare_numbers, mend_numbers
from polygist_service.text.numbers.writing import localise_number
from polygist_service.text.repetition import has_loop
from polygist_service.text.segmentation import MOST_CHARACTERS, Span, has_letters, middle_cut
from polygist_service.translation.drafts import Draft, Reading, change_text, join_hypotheses, keep
from polygist_service.translation.faults import (
    EVEN_SCRIPTS,
    Fault,
    adds_parenthesis,
    find_all,
    is_copied,
    is_inside,
    is_one_word,
    is_swallowed,
    is_too_long,
    localise_numbers,
)
from polygist_service.translation.protection import Protected, protect
from polygist_service.translation.restoration import Restored, append_lost, restore, splice
from polygist_service.translation.terms.agreement import fit_article
from polygist_service.translation.terms.application import (
    Method,
    Showing,
    advance,
    choose_methods,
    find_applied,
    find_missing,
    find_translated,
    fit_place,
    is_kept,
    join_glued,
    leave_out,
    lower_capital,
    overlaps,
    widen_placeholders,
    write_as_prescribed,
)
from polygist_service.translation.terms.types import TermFinder, TermMatch
from polygist_service.translation.vocabulary import RememberedVocabulary

# How a model is kept from repeating itself, where it does.
PENALTY, LOOP_NGRAM = 1.2, 4
# Of another beam than the one that failed.
BEAM = 4
# A segment is halved so often; shorter ones are not.
MOST_HALVINGS, SHORTEST_HALVED = 3, 24
# Attempts beyond the first, for all segments of a pass together: so many, and one for each segment.
FREE_ATTEMPTS = 64
# So many attempts are under way at a time, as many as batches are filled from: of thousands at once each would be a
# task that the event loop has to go on with before it is anybody else's turn.
ATTEMPTS_AT_A_TIME = 128


class Guard:
    """Reads the segments of one pass through a model, and has those written again that were written wrongly.

    `read` and `assess` block: they are for the threads of a pool.

    Args:
        held: the model.
        options: how it decodes.
        pool: where texts are looked at.
        context: whose work it is.
        source, target: canonical tags of the languages.
        finder: finds what is prescribed of words.
    """

    def __init__(
        self,
        held: HeldModel,
        options: Decoding,
        *,
        pool: TextPool,
        context: CallContext,
        source: str,
        target: str,
        finder: TermFinder,
    ) -> None:
        self._held = held
        self._vocabulary = RememberedVocabulary(held)
        self._options = options
        self._pool = pool
        self._context = context
        self._source = source
        self._target = target
        self._finder = finder
        self._attempts = FREE_ATTEMPTS
        self._room = asyncio.Semaphore(ATTEMPTS_AT_A_TIME)

    def allow(self, segment_count: int) -> None:
        """Allow as many more attempts as there are segments: that bounds how often something is decoded again."""
        self._attempts += segment_count

    def read(
        self,
        text: str,
        *,
        showings: Sequence[Showing] | None = None,
        with_placeholders: bool = True,
        with_names: bool = True,
        is_aligned: bool = False,
    ) -> Reading | None:
        """Return how the model reads a text; None where that does not fit its window.

        Args:
            text: a segment, or a part of one.
            showings: how it reads what is prescribed in it; by default in the way that is tried first.
            with_placeholders, with_names: see `protect`.
            is_aligned: whether it has to be known where its words go.
        """
        if len(text) > MOST_CHARACTERS and not is_one_word(text):
            return None
        if showings is None:
            matches = self._finder.find(text)
            showings = choose_methods(text, matches, self._vocabulary) if matches else ()
        if showings and not has_letters(leave_out([each.span for each in showings], text)):
            return self._fill(text, showings)
        protected = protect(
            text, self._vocabulary, showings, with_placeholders=with_placeholders, with_names=with_names
        )
        if protected.is_empty:
            return self._fill(text, showings) if showings else Reading(protected, "", kept=text)
        tokens = self._held.tokenise(protected.text, self._options)
        return None if tokens is None else Reading(protected, tokens, is_aligned=is_aligned or self._options.alignment)

    def _fill(self, text: str, showings: Sequence[Showing]) -> Reading:
        """Return the reading of a text in which nothing is left to the model but what is prescribed."""
        protected = protect(text, self._vocabulary, [each.as_marker() for each in showings])
        return Reading(protected, "", kept=splice(text, [(*each.span, each.own) for each in showings]))

    def find_kept(self, text: str) -> Sequence[Span]:
        """Return the spans of what is prescribed in a text: no window should cut it there."""
        return [(match.start, match.end) for match in join_glued(text, self._finder.find(text))]

    def read_number(self, text: str) -> Reading:
        """Return the reading of the bare number of a cell, which stands there as the target language writes it."""
        if self._finder.find(text) and (reading := self.read(text)):
            return reading
        return Reading(Protected(text, text), "", kept=localise_number(text, self._source, self._target))

    def assess(self, reading: Reading, result: Result, *, source: str = "") -> Draft:
        """Return what the model wrote with what it did not read put back, and what is wrong with it.

        Args:
            reading: what it read.
            result: what it wrote.
            source: what the numbers are compared with, where the model read them in another form.
        """
        restored = [
            restore(reading.protected, each.text, strongest(each.alignment), self._target) for each in result.hypotheses
        ]
        best = result.hypotheses[0]
        is_cut = best.limited and bool(self._options.max_output_tokens)
        compared = source or reading.protected.source
        changes = () if is_cut else self._find_changes(compared, restored[0].text, reading.protected)
        showings = reading.protected.showings
        hypotheses = [
            replace(hypothesis, text=each.text, alignment=self._align(reading, hypothesis, each.text, source))
            for hypothesis, each in zip(result.hypotheses, restored, strict=True)
        ]
        if reading.protected.has_terms:
            fit = partial(lower_capital, showings, reading.protected.source)
            hypotheses = [change_text(each, fit(each.text, self._target)) for each in hypotheses]
            hypotheses = [self._fit_terms(reading.protected, each) for each in hypotheses]
        failed = (*restored[0].unkept, *self._find_unapplied(showings, hypotheses[0]))
        faults = [*self._find_faults(reading.protected, best, restored[0]), *([Fault.NUMBER] if changes else [])]
        if not is_cut:
            faults += {fault_of(match) for match in failed}
        # An alternative in which something is missing is none.
        whole = [hypothesis for hypothesis, each in zip(hypotheses, restored, strict=True) if not each.unkept]
        others = [each for each in whole if each is not hypotheses[0] and not self._find_unapplied(showings, each)]
        return Draft(
            (hypotheses[0], *self._mend_alternatives(compared, [hypotheses[0], *others], reading.protected)),
            tuple(faults),
            restored[0].unsure,
            changes,
            protected=reading.protected,
            failed=failed,
            guessed=restored[0].guessed,
        )

    def _align(self, reading: Reading, written: Hypothesis, text: str, source: str) -> Alignment:
        """Return the alignment of the segment and `text`, which was made of what the model wrote; see `assess`."""
        if not reading.is_aligned and not reading.protected.showings:
            return ()
        protected = reading.protected
        of_source = source or protected.source
        alignment = follow(written.alignment, read=(protected.text, of_source), written=(written.text, text))
        return widen_placeholders(alignment, protected.showings, text)

    def _fit_terms(self, protected: Protected, written: Hypothesis) -> Hypothesis:
        """Return a hypothesis with the terms that the model wrote itself as they are prescribed."""
        showings, source = protected.showings, protected.source
        return change_text(
            written, write_as_prescribed(showings, source, written.text, written.alignment, self._target)
        )

    def _find_unapplied(self, showings: Sequence[Showing], written: Hypothesis) -> Sequence[TermMatch]:
        """Return the terms that the model had to write itself and did not."""
        if not any(each.is_term for each in showings):
            return ()
        applied = find_applied(showings, written.text, written.alignment, self._target)
        return [showing.match for showing, place in applied if place is None]

    def _mend_alternatives(
        self, source: str, hypotheses: Sequence[Hypothesis], protected: Protected
    ) -> Iterator[Hypothesis]:
        """Yield the hypotheses after the first that differ from those before them and keep the numbers, put right."""
        seen = {hypotheses[0].text}
        for each in hypotheses[1:]:
            text = mend_numbers(each.text, self._find_changes(source, each.text, protected))
            if text not in seen and not self._find_changes(source, text, protected):
                seen.add(text)
                yield change_text(each, text)

    def _find_faults(self, protected: Protected, written: Hypothesis, restored: Restored) -> Iterator[Fault]:
        read, text = protected.text, written.text
        if not text.strip():
            yield Fault.EMPTY
            return
        if is_too_long(text, read) or has_loop(text, read):
            yield Fault.LOOP
        if written.limited and self._options.max_output_tokens:
            # What a limit of the request's own cut off is no fault of the model's.
            return
        if written.limited:
            yield Fault.LIMITED
        if restored.lost:
            yield Fault.LOST
        elif restored.missing:
            yield Fault.MISSING
        source, target = script_of(self._source), script_of(self._target)
        if is_copied(text, read, is_other_script=source != target):
            yield Fault.COPIED
        elif len(set(letters_outside(text, target)).difference(read)) > 1:
            yield Fault.SCRIPT
        if {source, target} <= EVEN_SCRIPTS:
            if is_swallowed(text, read):
                yield Fault.SWALLOWED
            if adds_parenthesis(text, read):
                yield Fault.PARENTHESIS

    def _find_changes(self, source: str, written: str, protected: Protected) -> tuple[NumberChange, ...]:
        """Return the numbers that are others in `written`, but for those of what came back letter for letter."""
        back_again = [each.own for each in protected.placeholders] + [each.own for each in protected.signs]
        back_again += [each.own for each in protected.showings]
        back_again += [protected.source[each.match.start : each.match.end] for each in protected.showings]
        own = [each for each in back_again if any(map(str.isdigit, each))]
        # No number is put right of which a part is prescribed, as "2.4 million" where "million people" is kept.
        prescribed = [each.span for each in protected.showings] if source == protected.source else []
        changes = [
            change
            for change in compare_numbers(source, self._source, written, self._target)
            if change.source_span is None or not overlaps(change.source_span, prescribed)
        ]
        if not own:
            return tuple(changes)
        kept, back = find_all(own, source), find_all(own, written)
        return tuple(
            change
            for change in changes
            if not is_inside(change.source_span, kept)
            and not is_inside(change.target_span, back)
            and not (change.source_span is None and any(change.source_text in each for each in own))
        )

    async def mend(self, reading: Reading, draft: Draft) -> Draft:
        """Return a better draft of a segment that has faults, with its numbers put right where that is certain."""
        source = reading.protected.source
        # What is certain to stand in place of which number needs no other attempt.
        if draft.faults != (Fault.NUMBER,) or any(each.replacement is None for each in draft.changes):
            draft = await self._try_again(source, draft)
        draft = self._tell_missing(self._put_back(draft))
        if not draft.changes:
            return draft
        return await self._pool.call(self._context, lambda: self._mend_numbers(reading.protected, draft))

    def _tell_missing(self, draft: Draft) -> Draft:
        """Return a draft that has failed where a term does not stand in what was written in the end."""
        best = draft.hypotheses[0]
        if not draft.showings or not best.text:
            return draft
        missing = find_missing(draft.showings, draft.failed, best.text, best.alignment, self._target)
        return replace(draft, failed=(*draft.failed, *missing))

    def _mend_numbers(self, protected: Protected, draft: Draft) -> Draft:
        """Return a draft with the numbers put right of which the place is certain."""
        source = protected.source
        hypotheses = tuple(
            change_text(each, mend_numbers(each.text, self._find_changes(source, each.text, protected)))
            for each in draft.hypotheses
        )
        return replace(draft, hypotheses=hypotheses, changes=self._find_changes(source, hypotheses[0].text, protected))

    async def _try_again(self, text: str, draft: Draft, *, halvings: int = 0) -> Draft:
        """Return the draft of the best of some more attempts on a segment; the same one where none is better."""
        options = self._options
        if draft.failed:
            draft = await self._carry_over(text, draft)
        write = partial(
            self._write, text, showings=draft.showings or None, with_placeholders=Fault.LOST not in draft.faults
        )
        if Fault.PARENTHESIS in draft.faults:
            options = replace(options, no_parentheses=True)
            draft = draft.or_better(await write(options)).without(Fault.PARENTHESIS)
        if Fault.LOST in draft.faults:
            draft = draft.or_better(await write(options))
        if Fault.LOOP in draft.faults or Fault.LIMITED in draft.faults:
            penalised = replace(options, no_repeat_ngram_size=LOOP_NGRAM, repetition_penalty=PENALTY)
            draft = draft.or_better(await write(penalised))
        if Fault.MISSING in draft.faults:
            draft = draft.or_better(await write(options, with_placeholders=True, with_names=False))
            # A name that has a form of its own in the language is written in that: nothing else has to be tried.
            draft = draft.without(Fault.MISSING)
        if Fault.NUMBER in draft.faults:
            # What stands there as it is to be written is copied.
            # Where something is prescribed, its places would be others.
            localise = partial(localise_numbers, text, self._source, self._target)
            read = text if draft.showings else await self._pool.call(self._context, localise)
            beam = options.beam_size if read != text else options.beam_size + 1
            retry = replace(options, beam_size=beam)
            again = await self._write(read, retry, showings=draft.showings or None, source=text)
            # Further attempts would cost more than they mend.
            draft = draft.or_better(again).without(Fault.NUMBER)
        if draft.faults:
            wider = replace(options, beam_size=max(BEAM, 2 * options.beam_size))
            draft = draft.or_better(await write(wider))
        cut = middle_cut(text) if draft.faults and halvings < MOST_HALVINGS and len(text) >= SHORTEST_HALVED else 0
        if cut and not any(start < cut < end for start, end in (each.span for each in draft.showings)):
            halves = (text[:cut], text[cut:])
            parts = await gather_all(self._write_part(half, halvings + 1) for half in halves)
            draft = draft.or_better(await self._pool.call(self._context, lambda: self._join(halves, parts)))
        return draft

    async def _carry_over(self, text: str, draft: Draft) -> Draft:
        """Return the best draft of a segment in which something prescribed is missing, by one method after the other.

        What is missing is read in another way, and what is not in the same. A term that the model wrote in other words
        even where it read the right ones is replaced; so is what came of a code, but that is a guess.
        """
        best = latest = draft
        drafts = [draft]
        while latest.failed and (showings := advance(latest.showings, latest.failed, self._vocabulary)):
            latest = await self._write(text, self._options, showings=showings)
            best = best.or_better(latest)
            drafts.append(latest)
            codes = any(each.method is Method.MARKER and each.match in latest.failed for each in latest.showings)
            for each in drafts if best.failed else ():
                put_in = partial(self._put_in, each, with_kept=codes)
                best = best.or_better(await self._pool.call(self._context, put_in))
            if not best.failed:
                break
        return best.without(Fault.TERM)

    def _put_in(self, draft: Draft, *, with_kept: bool) -> Draft:
        """Return a draft with what is prescribed in place of what was written for it, where the alignment tells that.

        Args:
            draft: in which something is missing.
            with_kept: whether what is kept is put in too.
        """
        if not draft.protected:
            return draft
        written, showings = draft.hypotheses[0], draft.showings
        applied = find_applied(showings, written.text, written.alignment, self._target)
        taken = [place for _, place in applied if place]
        taken += find_all((each.own for each in showings if not each.is_term), written.text)
        changes: dict[TermMatch, tuple[int, int, str]] = {}
        for showing in showings:
            if showing.match in draft.failed and (with_kept or not is_kept(showing.match)):
                place = find_translated(showing.match, written.text, written.alignment, taken)
                if place:
                    taken.append(place)
                    own = fit_place(showing, written.text, place)
                    start, article = fit_article(written.text, place[0], own, self._target)
                    changes[showing.match] = (start, place[1], article + own)
        failed = tuple(match for match in draft.failed if match not in changes)
        resolved = {Fault.TERM, Fault.UNKEPT}.difference(fault_of(match) for match in failed)
        hypothesis = change_text(written, splice(written.text, list(changes.values())))
        return replace(
            draft,
            hypotheses=(hypothesis, *draft.hypotheses[1:]),
            faults=tuple(fault for fault in draft.faults if fault not in resolved),
            changes=self._find_changes(draft.protected.source, hypothesis.text, draft.protected),
            failed=failed,
            guessed=(*draft.guessed, *(match for match in changes if is_kept(match))),
        )

    def _put_back(self, draft: Draft) -> Draft:
        """Return a draft that has all that is kept, wherever it may stand, and nothing that stood for it."""
        lost = [match for match in draft.failed if is_kept(match)]
        if not lost or not draft.protected or not draft.hypotheses[0].text:
            return draft
        best = draft.hypotheses[0]
        due = [each for each in draft.protected.placeholders if each.match in lost]
        hypothesis = change_text(best, append_lost(best.text, due))
        failed = tuple(match for match in draft.failed if match not in lost)
        hypotheses = (hypothesis, *draft.hypotheses[1:])
        return replace(draft, hypotheses=hypotheses, failed=failed, guessed=(*draft.guessed, *lost))

    async def _write_part(self, text: str, halvings: int) -> Draft:
        """Return the best draft of a part of a segment."""
        draft = await self._write(text, self._options)
        return await self._try_again(text.strip(), draft, halvings=halvings) if draft.faults else draft

    async def _write(
        self,
        text: str,
        options: Decoding,
        *,
        showings: Sequence[Showing] | None = None,
        with_placeholders: bool = True,
        with_names: bool = True,
        source: str = "",
    ) -> Draft:
        """Return what one attempt makes of a text; an empty draft where none is left, or it does not fit."""
        nothing = Draft((Hypothesis("", 0),), (Fault.EMPTY,))
        self._attempts -= 1
        if self._attempts < 0:
            return nothing
        read = partial(self.read, text.strip(), showings=showings, is_aligned=True)
        marks = {"with_placeholders": with_placeholders, "with_names": with_names}
        async with self._room:
            reading = await self._pool.call(self._context, partial(read, **marks))
            if not reading:
                return nothing
            if reading.is_kept:
                return keep(reading)
            options = replace(options, alignment=reading.needs_alignment)
            async with aclosing(self._held.submit([reading.tokens], options=options, context=self._context)) as results:
                _, result = await anext(results)
            return await self._pool.call(self._context, lambda: self.assess(reading, result, source=source))

    def _join(self, halves: tuple[str, str], parts: Sequence[Draft]) -> Draft:
        """Return the drafts of both halves of a segment as one."""
        text = "".join(halves)
        starts = [len(half) - len(half.lstrip()) + at for half, at in zip(halves, (0, len(halves[0])), strict=True)]
        ranks = zip_longest(*(part.hypotheses for part in parts))
        firsts = [part.hypotheses[0] for part in parts]
        joined = tuple(
            join_hypotheses([each or first for each, first in zip(rank, firsts, strict=True)], starts) for rank in ranks
        )
        faults = {fault for part in parts for fault in part.faults}.difference((Fault.NUMBER,))
        protected = protect(text, self._vocabulary, choose_methods(text, self._finder.find(text), self._vocabulary))
        changes = self._find_changes(text, joined[0].text, protected)
        if changes:
            faults.add(Fault.NUMBER)
        if is_too_long(joined[0].text, text):
            faults.add(Fault.LOOP)
        return Draft(
            joined,
            tuple(sorted(faults)),
            tuple(each for part in parts for each in part.unsure),
            changes,
            protected=protected,
            failed=tuple(move(match, at) for part, at in zip(parts, starts, strict=True) for match in part.failed),
            guessed=tuple(move(match, at) for part, at in zip(parts, starts, strict=True) for match in part.guessed),
        )


def fault_of(match: TermMatch) -> Fault:
    """Return what is at fault where a match was not carried over."""
    return Fault.UNKEPT if is_kept(match) else Fault.TERM


def move(match: TermMatch, by: int) -> TermMatch:
    """Return a match in a part of a text for the text, in which that begins at `by`."""
    return replace(match, start=match.start + by, end=match.end + by)
