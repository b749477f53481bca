"""A plain-text document: segments for a model out, their translations in, everything else kept to the letter."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from polygist_service.text.segmentation import LINE_BREAKS, MOST_CHARACTERS, Fits, Span, split_long, split_sentences

WHITE_SPACE = re.compile(r"\s+")
# Two line breaks with nothing but white space between, and what Unicode calls a paragraph separator. Atomic, or
# "\r\n" would count as two.
BLANK_LINES = re.compile(r"(?>\r\n|[\r\n\x85\u2028])[^\S\r\n]*(?>\r\n|[\r\n])\s*|\u2029\s*")


class Splitting(Enum):
    """Where a new segment begins; a blank line begins one in every mode.

    PUNCTUATION_AND_NEWLINES: behind each sentence and each line. PUNCTUATION: behind each sentence, for text that
    was wrapped by hand. NONE: nowhere else.
    """

    PUNCTUATION_AND_NEWLINES = 1
    PUNCTUATION = 2
    NONE = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """What a model gets at once.

    Attributes:
        start, end: its half-open span in the document, without the white space around it.
        text: the document's text there; line breaks inside it are folded to one space.
        hard_split: it is a piece of a sentence that was longer than the model's window.
    """

    start: int
    end: int
    text: str
    hard_split: bool = False


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A document in another language; `spans[i]` is where the output of segment i stands."""

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class PlainDocument:
    """A text and its segments, which do not overlap and stand in order."""

    text: str
    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, text: str, *, language: str, splitting: Splitting, fits: Fits) -> "PlainDocument":
        """Split `text`; what has no letter (white space, rules, bare numbers, emoji) is in no segment and stays.

        Args:
            text: any text.
            language: BCP-47 code, for the abbreviations.
            splitting: where segments begin.
            fits: whether a text fits the model's window.

        Raises:
            UnicodeEncodeError: `text` holds a lone surrogate, so it is no text.
        """
        segments = (
            segment
            for start, end in _spans(text, language, splitting)
            if has_letters(text[start:end])
            for segment in _segments(text, start, end, fits)
        )
        return cls(text, tuple(segments))

    def deltas(self, outputs: Iterable[str]) -> Iterator[str]:
        """Yield the pieces of the rebuilt document in order, as `outputs` (one a segment, in order) come in."""
        for is_output, piece in self._pieces(outputs):
            if piece or is_output:
                yield piece

    def rebuild(self, outputs: Sequence[str]) -> Rebuilt:
        """Put `outputs`, one for each segment, in the segments' places."""
        pieces, spans, length = [], [], 0
        for is_output, piece in self._pieces(outputs):
            if is_output:
                spans.append((length, length + len(piece)))
            pieces.append(piece)
            length += len(piece)
        return Rebuilt("".join(pieces), tuple(spans))

    def _pieces(self, outputs: Iterable[str]) -> Iterator[tuple[bool, str]]:
        """What stands between the segments, and the outputs, each with whether it is an output."""
        at = 0
        for segment, output in zip(self.segments, outputs, strict=True):
            yield False, self.text[at : segment.start]
            yield True, _fold(output)
            at = segment.end
        yield False, self.text[at:]


def has_letters(text: str) -> bool:
    """Whether there is anything in `text` that a language could be told by."""
    return any(map(str.isalpha, text))


def _spans(text: str, language: str, splitting: Splitting) -> Iterator[Span]:
    if splitting is Splitting.PUNCTUATION_AND_NEWLINES:
        start = 0
        for line in text.splitlines(keepends=True):
            if has_letters(line):
                yield from ((start + low, start + high) for low, high in split_sentences(line, language))
            start += len(line)
        return
    for start, end in _paragraphs(text):
        if splitting is Splitting.NONE:
            yield start, end
        else:
            # Each break becomes one space, so that offsets stay: only punctuation may end a sentence here.
            flat = LINE_BREAKS.sub(" ", text[start:end])
            yield from ((start + low, start + high) for low, high in split_sentences(flat, language))


def _paragraphs(text: str) -> Iterator[Span]:
    start = 0
    for blank in BLANK_LINES.finditer(text):
        yield start, blank.start()
        start = blank.end()
    yield start, len(text)


def _segments(text: str, start: int, end: int, fits: Fits) -> Iterator[Segment]:
    """The segments of one sentence: itself, or the pieces that fit."""
    start, end = _strip(text, start, end)
    whole = _fold(text[start:end])
    if len(whole) <= MOST_CHARACTERS and fits(whole):
        yield Segment(start, end, whole)
        return
    for low, high in split_long(text[start:end], lambda piece: fits(_fold(piece))):
        low, high = _strip(text, start + low, start + high)
        if has_letters(text[low:high]):
            yield Segment(low, high, _fold(text[low:high]), hard_split=True)


def _strip(text: str, start: int, end: int) -> Span:
    core = text[start:end]
    return start + len(core) - len(core.lstrip()), start + len(core.rstrip())


def _fold(text: str) -> str:
    """`text` on one line: white space with a line break in it becomes one space."""
    if not LINE_BREAKS.search(text):
        return text
    return WHITE_SPACE.sub(lambda found: " " if LINE_BREAKS.search(found[0]) else found[0], text)
