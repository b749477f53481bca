"""What every kind of document can do: say what a model should read, and be put together again from what it wrote."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from polygist_service.text.alignment import Alignment
from polygist_service.text.segmentation import FindSpans, Fits, Span, break_anywhere


class Splitting(Enum):
    """Where a new segment begins; a blank line begins one in every mode.

    AUTOMATIC: behind each sentence and each line, but for the lines of paragraphs that were wrapped at a column.
    PUNCTUATION_AND_NEWLINES: behind each sentence and each line. PUNCTUATION: behind each sentence, for text that
    was wrapped by hand. NONE: nowhere else.
    """

    AUTOMATIC = 0
    PUNCTUATION_AND_NEWLINES = 1
    PUNCTUATION = 2
    NONE = 3


class BlockKind(Enum):
    """What a block is in its document."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    ROW = "row"
    CAPTION = "caption"
    CODE = "code"
    OTHER = "other"


PLAIN, HTML, MARKDOWN = "text/plain", "text/html", "text/markdown"

# The blocks that are made of sentences: what summaries are about.
PROSE = frozenset((BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.OTHER))


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document that is rebuilt at once: no output of one block changes another.

    Attributes:
        kind: what it is.
        start, end: its half-open span in the source, in code points.
    """

    kind: BlockKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """What a model gets at once: a sentence, or a piece of one.

    Attributes:
        start, end: its half-open span in the source, in code points, without the white space around it.
        text: what the model reads; in plain text the source there, lines joined and white space with a line break
            in it folded to one space.
        block: index of its block.
        hard_split: whether it is a piece of a sentence that was longer than the model's window.
        is_number: whether it is a bare number of a line or a table's cell, for which no model is needed.
        is_kept: whether it comes back as it is, though it has words.
        needs_alignment: whether an alignment tells where what stands inside it comes back.
    """

    start: int
    end: int
    text: str
    block: int = 0
    hard_split: bool = False
    is_number: bool = False
    needs_alignment: bool = False
    is_kept: bool = False

    @property
    def span(self) -> Span:
        """Where it stands in the source."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Output:
    """What became of a segment.

    Attributes:
        text: what stands in its place.
        alignment: of the segment's text and `text`; empty where the model tells none.
    """

    text: str
    alignment: Alignment = ()


class Rebuilder(Protocol):
    """Puts a document together again while the outputs of its segments come in, in their order."""

    @property
    def spans(self) -> Sequence[Span]:
        """Where the output of each segment that is placed stands in the rebuilt document, in code points."""
        ...

    @property
    def doubts(self) -> Sequence[Span]:
        """Where in the source something stands that may have come back at the wrong place."""
        ...

    @property
    def refused(self) -> Sequence[Span]:
        """Where in the source a segment stays as it was, as no way to write its output would be read as that."""
        ...

    def target_span(self, index: int, span: Span) -> Span:
        """Return where a span of the output of the segment at `index`, which is placed, stands in the whole."""
        ...

    def add(self, output: Output) -> str:
        """Take the output of the next segment; return what follows of the document as far as it is settled.

        Text is settled when the block that it belongs to is finished, or before where the kind of document allows.
        """
        ...

    def finish(self) -> str:
        """Return the rest; all that was returned, joined, is the document.

        Raises:
            ValueError: a segment has no output yet.
        """
        ...


class Document(Protocol):
    """A text, its blocks and their segments; neither overlap, and both stand in order."""

    @property
    def text(self) -> str:
        """The source."""
        ...

    @property
    def blocks(self) -> Sequence[Block]:
        """Its blocks."""
        ...

    @property
    def segments(self) -> Sequence[Segment]:
        """What there is to be read of it: sentences that have letters, what they were cut into, and number cells."""
        ...

    def source_span(self, segment: Segment, span: Span) -> Span:
        """Return where a span of the text of one of `segments`, or of a piece of one, stands in the source."""
        ...

    def cut(self, segment: Segment, fits: Fits, kept: Sequence[Span] = ()) -> Sequence[Segment]:
        """Cut a segment into pieces that fit a model's window, at the best places; one that fits is its only piece.

        Args:
            segment: one of `segments`.
            fits: whether a text fits; asked a few times for each piece, at last about the text of each.
            kept: spans of its text that are cut only where one fits no window, in order.
        """
        ...

    def with_segments(self, segments: Sequence[Segment]) -> "Document":
        """Return the document with other segments, each of them one of its own or a piece of one."""
        ...

    def prose(self, kinds: Collection[BlockKind] = PROSE) -> Sequence[Segment]:
        """Return the segments of blocks of some kinds, bare numbers left out."""
        ...

    def rebuild(self, language: str = "") -> Rebuilder:
        """Begin to put the document together from what its segments become.

        Args:
            language: that they are in afterwards, a canonical tag, for documents that say what they are in; empty
                leaves what is said.
        """
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a text that is read as one, before it is known where its sentences end.

    Attributes:
        start, end: its half-open span in the source, in code points; a text may be parted between passages.
        text: what is read of it, with inline content that is never translated, such as a word of code, written out.
        language: canonical tag of what the document says it is in; None where it says nothing, or only of the whole.
        kind: what it is.
        level: of a heading, 1 to 6; 0 is the document's title, which stands on no page.
        is_hidden: whether nobody sees it who reads the document: text that is not shown, and that of attributes.
        is_aside: whether it stands in a part that is about the site rather than the matter: navigation, a form.
        is_main: whether it stands in the part that the document calls its main one, or an article.
        link_share: what share of its letters belong to links.
        is_kept: whether none of it is translated, so that it says nothing of the language that a translation is from.
    """

    start: int
    end: int
    text: str
    language: str | None = None
    kind: BlockKind = BlockKind.PARAGRAPH
    level: int = 0
    is_hidden: bool = False
    is_aside: bool = False
    is_main: bool = False
    link_share: float = 0.0
    is_kept: bool = False


class Readable(Protocol):
    """A text, or a part of one, that is read passage by passage."""

    @property
    def text(self) -> str:
        """The source."""
        ...

    @property
    def language(self) -> str | None:
        """Canonical tag of what the document says that it is in as a whole; None where it says nothing."""
        ...

    @property
    def passages(self) -> Sequence[Passage]:
        """What there is to be read of it, in order."""
        ...

    def source_span(self, passage: Passage, span: Span) -> Span:
        """Return where a span of the text of one of `passages` stands in the source, marks inside it included."""
        ...


def span_of_passages(text: Readable, passages: Sequence[Passage]) -> Span:
    """Return where what is read of some passages, at least one, stands in the source: from first to last character."""
    first, last = passages[0], passages[-1]
    return text.source_span(first, (0, 1))[0], text.source_span(last, (len(last.text) - 1, len(last.text)))[1]


def is_read_whole(text: Readable) -> bool:
    """Whether a text is one passage, letter for letter."""
    passages = text.passages
    return len(passages) == 1 and passages[0].text == text.text


class Layout(Readable, Protocol):
    """A text of one MIME type whose structure is known; its sentences are not, as where they end takes its language."""

    def starts(self, passage: Passage) -> Sequence[int]:
        """Return where in the source each character of the text of one of `passages` begins, in time linear in it."""
        ...

    def part(self, start: int, end: int) -> "Layout":
        """Return the layout of a stretch of the text, which begins and ends where passages begin or the text does."""
        ...

    def split(self, language: str, splitting: Splitting, unbroken: FindSpans = break_anywhere) -> Document:
        """Split its passages into the sentences of a language.

        Args:
            language: canonical tag of the language that it is in, for the abbreviations.
            splitting: where segments begin.
            unbroken: see `split_sentences`.
        """
        ...
