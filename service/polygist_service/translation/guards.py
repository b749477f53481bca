"""What was written wrongly is found, and decoded again another way.

Nothing here touches a segment that was fine: a fault is looked for in what a model wrote, and only a segment that has
one is decoded again, in ways that are worth their cost only there. Of several attempts the one with the least fault
stands; what no attempt mends is told, and where a model writes only nonsense, the source is kept.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import zip_longest

from polygist_service.concurrency import TextPool, gather_all
from polygist_service.context import CallContext
from polygist_service.engine.interface import Decoding, HeldModel, Hypothesis, Result, Tokens
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.alignment import Alignment, follow, offsets, shift, strongest
from polygist_service.text.languages import letters_outside, script_of
from polygist_service.text.numbers.comparison import NumberChange, compare_numbers, mend_numbers
from polygist_service.text.numbers.writing import localise_number
from polygist_service.text.repetition import has_loop
from polygist_service.text.segmentation import MOST_CHARACTERS, Span, middle_cut
from polygist_service.translation.faults import (
    EVEN_SCRIPTS,
    Fault,
    find_all,
    is_copied,
    is_inside,
    is_one_word,
    is_swallowed,
    is_too_long,
    localise_numbers,
)
from polygist_service.translation.protection import Protected, protect
from polygist_service.translation.restoration import Restored, restore
from polygist_service.translation.terms.types import TermFinder
from polygist_service.translation.vocabulary import RememberedVocabulary

# How a model is kept from repeating itself, where it does.
PENALTY, LOOP_NGRAM = 1.2, 4
# Of another beam than the one that failed.
BEAM = 4
# A segment is halved so often; shorter ones are not.
MOST_HALVINGS, SHORTEST_HALVED = 3, 24
# Attempts beyond the first, for all segments of a pass together: so many, and one for each segment.
FREE_ATTEMPTS = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """A segment as a model reads it.

    Attributes:
        tokens: the text where no tokens of it fit the window.
        kept: what stands in its place where there is nothing to translate; None where the model has to read it.
        is_aligned: whether whoever asks for it needs to know where its words went.
    """

    protected: Protected
    tokens: Tokens | str
    kept: str | None = None
    is_aligned: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether no model has to read it."""
        return self.kept is not None

    @property
    def needs_alignment(self) -> bool:
        """Whether the model has to tell which words come from which; see `Protected.needs_alignment`."""
        return self.is_aligned or self.protected.needs_alignment


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of a segment so far.

    Attributes:
        hypotheses: the best first, with all that was put back.
        faults: of the best one.
        unsure: what came back at a place that may be wrong.
        changes: numbers that are others in the best one.
        was_loop: whether an attempt before repeated itself.
        input_token_count, output_token_count: of all attempts.
    """

    hypotheses: tuple[Hypothesis, ...]
    faults: tuple[Fault, ...] = ()
    unsure: tuple[str, ...] = ()
    changes: tuple[NumberChange, ...] = ()
    was_loop: bool = False
    input_token_count: int = 0
    output_token_count: int = 0

    @property
    def badness(self) -> int:
        """The sum of its faults; each number that is another one is a fault."""
        return sum(self.faults) + max(0, len(self.changes) - 1)

    def without(self, done: Fault) -> "Draft":
        """Return it without a fault that is not worth another attempt."""
        return replace(self, faults=tuple(fault for fault in self.faults if fault is not done))

    def or_better(self, other: "Draft") -> "Draft":
        """Return the one with the lesser faults, this one where they are equal, with the tokens of both."""
        better = other if other.badness < self.badness else self
        return replace(
            better,
            was_loop=self.was_loop or Fault.LOOP in self.faults,
            input_token_count=self.input_token_count + other.input_token_count,
            output_token_count=self.output_token_count + other.output_token_count,
        )


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

    def allow(self, segment_count: int) -> None:
        """Allow as many more attempts as there are segments: that bounds how often something is decoded again."""
        self._attempts += segment_count

    def read(
        self, text: str, *, with_placeholders: bool = True, with_names: bool = True, is_aligned: bool = False
    ) -> Reading | None:
        """Return how the model reads a text; None where that does not fit its window."""
        if len(text) > MOST_CHARACTERS and not is_one_word(text):
            return None
        matches = self._finder.find(text)
        protected = protect(text, self._vocabulary, matches, with_placeholders=with_placeholders, with_names=with_names)
        if protected.is_empty:
            return Reading(protected, "", kept=text)
        tokens = self._held.tokenise(protected.text, self._options)
        return None if tokens is None else Reading(protected, tokens, is_aligned=is_aligned or self._options.alignment)

    def read_number(self, text: str) -> Reading:
        """Return the reading of the bare number of a cell, which stands there as the target language writes it."""
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
        hypotheses = [
            replace(hypothesis, text=each.text, alignment=self._align(reading, hypothesis, each.text, source))
            for hypothesis, each in zip(result.hypotheses, restored, strict=True)
        ]
        return Draft(
            (hypotheses[0], *self._mend_alternatives(compared, hypotheses, reading.protected)),
            (*self._find_faults(reading.protected, best, restored[0]), *([Fault.NUMBER] if changes else [])),
            restored[0].unsure,
            changes,
            input_token_count=result.input_token_count,
            output_token_count=best.token_count,
        )

    def _align(self, reading: Reading, written: Hypothesis, text: str, source: str) -> Alignment:
        """Return the alignment of the segment and `text`, which was made of what the model wrote; see `assess`."""
        if not reading.is_aligned:
            return ()
        protected = reading.protected
        of_source = source or protected.source
        return follow(written.alignment, read=(protected.text, of_source), written=(written.text, text))

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
        if {source, target} <= EVEN_SCRIPTS and is_swallowed(text, read):
            yield Fault.SWALLOWED

    def _find_changes(self, source: str, written: str, protected: Protected) -> tuple[NumberChange, ...]:
        """Return the numbers that are others in `written`, but for those of what came back letter for letter."""
        back_again = [each.own for each in protected.placeholders] + [each.own for each in protected.signs]
        own = [each for each in back_again if any(map(str.isdigit, each))]
        changes = compare_numbers(source, self._source, written, self._target)
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
        if not draft.changes:
            return draft
        return await self._pool.call(self._context, lambda: self._mend_numbers(reading.protected, draft))

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
        with_placeholders = Fault.LOST not in draft.faults
        if not with_placeholders:
            draft = draft.or_better(await self._write(text, options, with_placeholders=False))
        if Fault.LOOP in draft.faults or Fault.LIMITED in draft.faults:
            penalised = replace(options, no_repeat_ngram_size=LOOP_NGRAM, repetition_penalty=PENALTY)
            draft = draft.or_better(await self._write(text, penalised, with_placeholders=with_placeholders))
        if Fault.MISSING in draft.faults:
            draft = draft.or_better(await self._write(text, options, with_names=False))
            # A name that has a form of its own in the language is written in that: nothing else has to be tried.
            draft = draft.without(Fault.MISSING)
        if Fault.NUMBER in draft.faults:
            # What stands there as it is to be written is copied.
            read = await self._pool.call(self._context, lambda: localise_numbers(text, self._source, self._target))
            beam = options.beam_size if read != text else options.beam_size + 1
            again = await self._write(read, replace(options, beam_size=beam), source=text)
            # Further attempts would cost more than they mend.
            draft = draft.or_better(again).without(Fault.NUMBER)
        if draft.faults:
            wider = replace(options, beam_size=max(BEAM, 2 * options.beam_size))
            draft = draft.or_better(await self._write(text, wider, with_placeholders=with_placeholders))
        if draft.faults and halvings < MOST_HALVINGS and len(text) >= SHORTEST_HALVED and (cut := middle_cut(text)):
            halves = (text[:cut], text[cut:])
            parts = await gather_all(self._write_part(half, halvings + 1) for half in halves)
            draft = draft.or_better(await self._pool.call(self._context, lambda: self._join(halves, parts)))
        return draft

    async def _write_part(self, text: str, halvings: int) -> Draft:
        """Return the best draft of a part of a segment."""
        draft = await self._write(text, self._options)
        return await self._try_again(text.strip(), draft, halvings=halvings) if draft.faults else draft

    async def _write(
        self,
        text: str,
        options: Decoding,
        *,
        with_placeholders: bool = True,
        with_names: bool = True,
        source: str = "",
    ) -> Draft:
        """Return what one attempt makes of a text; an empty draft where none is left, or it does not fit."""
        nothing = Draft((Hypothesis("", 0),), (Fault.EMPTY,))
        self._attempts -= 1
        if self._attempts < 0:
            return nothing
        marks = {"with_placeholders": with_placeholders, "with_names": with_names}
        reading = await self._pool.call(self._context, lambda: self.read(text.strip(), is_aligned=True, **marks))
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
        changes = self._find_changes(text, joined[0].text, protect(text, self._vocabulary))
        if changes:
            faults.add(Fault.NUMBER)
        if is_too_long(joined[0].text, text):
            faults.add(Fault.LOOP)
        return Draft(
            joined,
            tuple(sorted(faults)),
            tuple(each for part in parts for each in part.unsure),
            changes,
            input_token_count=sum(part.input_token_count for part in parts),
            output_token_count=sum(part.output_token_count for part in parts),
        )


def keep(reading: Reading) -> Draft:
    """Return the draft of a segment in which there is nothing to translate."""
    return Draft((Hypothesis(reading.kept or "", 0),))


def join_hypotheses(parts: Sequence[Hypothesis], starts: Sequence[int]) -> Hypothesis:
    """Return what was written of the parts of a segment, which begin at `starts`, as one; nothing where one is not."""
    texts = [part.text.strip() for part in parts]
    is_whole = all(texts)
    places = offsets(f"{text} " for text in texts)
    aligned = (
        shift(follow(part.alignment, read=("", ""), written=(part.text, text)), start, place)
        for part, text, start, place in zip(parts, texts, starts, places, strict=False)
    )
    return Hypothesis(
        " ".join(texts) if is_whole else "",
        sum(part.token_count for part in parts),
        mean_score(parts),
        limited=any(part.limited for part in parts),
        alignment=tuple(pair for each in aligned for pair in each) if is_whole else (),
    )


def change_text(hypothesis: Hypothesis, text: str) -> Hypothesis:
    """Return a hypothesis with some words of its text changed."""
    alignment = follow(hypothesis.alignment, read=("", ""), written=(hypothesis.text, text))
    return replace(hypothesis, text=text, alignment=alignment)


def mean_score(hypotheses: Sequence[Hypothesis]) -> float | None:
    """Return the mean log-probability per target token over all of them; None where no scores were asked for."""
    scored = [(each.score, max(each.token_count, 1)) for each in hypotheses if each.score is not None]
    if not scored:
        return None
    return min(0.0, sum(score * count for score, count in scored) / sum(count for _, count in scored))


def hold_back(draft: Draft, source: str) -> Draft:
    """Return a draft without what nobody could use: an output far too long is none."""
    if not is_too_long(draft.hypotheses[0].text, source):
        return draft
    return replace(draft, hypotheses=tuple(replace(each, text="") for each in draft.hypotheses))


# What is told of a fault that is left; an empty output is told of where the source takes its place.
MESSAGES = {
    Fault.LOOP: (NoticeKind.REPETITION_SUPPRESSED, "the model repeats itself here, however it was asked"),
    Fault.COPIED: (NoticeKind.UNTRANSLATED, "the model left this as it was"),
    Fault.SCRIPT: (NoticeKind.UNTRANSLATED, "the model wrote letters here that are not of the target language"),
    Fault.SWALLOWED: (NoticeKind.UNTRANSLATED, "the translation of this segment may leave out a part of it"),
}


def draft_notices(draft: Draft, span: Span, source_span: Callable[[Span], Span]) -> Iterator[Notice]:
    """Yield what there is to know of how a segment was written.

    Args:
        draft: what became of it.
        span: where it stands in the source.
        source_span: from a span in its text to that in the source.
    """
    best = draft.hypotheses[0]
    if draft.was_loop and Fault.LOOP not in draft.faults:
        message = "the model repeated itself and was made to write again without repetitions"
        yield Notice(NoticeKind.REPETITION_SUPPRESSED, message, span)
    if best.limited and best.text:
        message = f"the translation of this segment ended at {best.token_count} tokens, its limit"
        yield Notice(NoticeKind.OUTPUT_LIMIT_REACHED, message, span)
    if best.text:
        yield from (Notice(*MESSAGES[fault], span) for fault in draft.faults if fault in MESSAGES)
    for change in draft.changes:
        where = f"the number {change.source_text!r}"
        if change.source_span is None:
            yield Notice(NoticeKind.NUMBER_CHANGED, f"{where} is in the translation, but not in the source", span)
        else:
            inner = source_span(change.source_span)
            yield Notice(NoticeKind.NUMBER_CHANGED, f"{where} may be another one in the translation", inner)
    for own in draft.unsure:
        message = f"the model has no piece for {own[:40]!r}, which may stand at the wrong place in the translation"
        yield Notice(NoticeKind.UNKNOWN_CHARACTERS, message, span)
