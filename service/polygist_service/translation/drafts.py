"""What came of a segment so far, what is wrong with it, and what there is to tell of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.engine.interface import Hypothesis, Tokens
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.alignment import follow, offsets, shift
from polygist_service.text.numbers.comparison import NumberChange
from polygist_service.text.segmentation import Span
from polygist_service.translation.faults import Fault, is_too_long
from polygist_service.translation.protection import Protected
from polygist_service.translation.terms.application import Showing
from polygist_service.translation.terms.types import TermMatch


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
        return self.is_aligned or self.protected.needs_alignment or self.protected.has_terms


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of a segment so far.

    Attributes:
        hypotheses: the best first, with all that was put back.
        faults: of the best one.
        unsure: what came back at a place that may be wrong.
        changes: numbers that are others in the best one.
        was_loop: whether an attempt before repeated itself.
        protected: what the model read; None where it read nothing, or that in parts.
        failed: what of that does not stand in the best one.
        guessed: what stands at a place that may be wrong.
    """

    hypotheses: tuple[Hypothesis, ...]
    faults: tuple[Fault, ...] = ()
    unsure: tuple[str, ...] = ()
    changes: tuple[NumberChange, ...] = ()
    was_loop: bool = False
    protected: Protected | None = None
    failed: tuple[TermMatch, ...] = ()
    guessed: tuple[TermMatch, ...] = ()

    @property
    def badness(self) -> int:
        """The sum of its faults; each number that is another one is a fault, and each term that is not there."""
        return sum(self.faults) + max(0, len(self.changes) - 1) + max(0, len(self.failed) - 1) * Fault.NUMBER

    @property
    def showings(self) -> tuple[Showing, ...]:
        """How the model read what is prescribed."""
        return self.protected.showings if self.protected else ()

    def without(self, done: Fault) -> "Draft":
        """Return it without a fault that is not worth another attempt."""
        return replace(self, faults=tuple(fault for fault in self.faults if fault is not done))

    def or_better(self, other: "Draft") -> "Draft":
        """Return the one with the lesser faults, this one where they are equal."""
        better = other if other.badness < self.badness else self
        return replace(better, was_loop=self.was_loop or Fault.LOOP in self.faults)


def keep(reading: Reading) -> Draft:
    """Return the draft of a segment in which there is nothing to translate."""
    return Draft((Hypothesis(reading.kept or "", 0),), protected=reading.protected)


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
    # What is prescribed may be as long as it likes.
    prescribed = (each.own for each in draft.showings)
    if not is_too_long(draft.hypotheses[0].text, "".join((source, *prescribed))):
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
    for match in draft.failed:
        if match.target is not None:
            message = "this term is not translated as the glossary says"
            yield Notice(NoticeKind.GLOSSARY_TERM_NOT_APPLIED, message, source_span((match.start, match.end)))
        elif best.text:
            message = "what was to be kept here is missing, or stands there more than once"
            yield Notice(NoticeKind.PLACEHOLDER_LOST, message, source_span((match.start, match.end)))
    for match in draft.guessed:
        message = "the model lost what was to be kept here, which was put back where it fits best"
        yield Notice(NoticeKind.PLACEHOLDER_LOST, message, source_span((match.start, match.end)))
    for own in draft.unsure:
        message = f"the model has no piece for {own[:40]!r}, which may stand at the wrong place in the translation"
        yield Notice(NoticeKind.UNKNOWN_CHARACTERS, message, span)
