"""What goes into the `Summariser` and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from polygist_service.notices import Notice
from polygist_service.text.documents.base import PLAIN, Splitting
from polygist_service.text.documents.files.input_file import InputFile
from polygist_service.text.segmentation import Span
from polygist_service.translation.terms.types import Terms
from polygist_service.translation.types import DecodingPreset, Delta, PivotPolicy, Progress


class Method(Enum):
    """How a summary comes about; AUTO writes where a fit model is installed, else picks sentences."""

    AUTO = 0
    ABSTRACTIVE = 1
    EXTRACTIVE = 2


class Form(Enum):
    """What a summary looks like."""

    PARAGRAPH = 1
    TLDR = 2
    KEY_POINTS = 3
    HEADLINE = 4


class Length(Enum):
    """How long a summary is, in words rather than figures."""

    SHORT = 1
    MEDIUM = 2
    LONG = 3


class Order(Enum):
    """Picked sentences as in the article, or the most telling first."""

    OFFSET = 1
    RANK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequest:
    """Articles, and the summary wanted of each.

    Attributes:
        contents: the articles; empty where there is a file.
        file: has the only article.
        source: the articles' language, a canonical tag; None is detected for each.
        candidates: languages that the detection is limited to; empty for no limit.
        target: the summaries' language; None is the article's.
        length: counts where neither `max_sentences` nor `max_words` is given (0: not given).
        query: what the reader wants to know.
        markdown: write Markdown, else plain text.
        model: a model's name; None is chosen by method and language.
        decoding: for the models that write: abstractive ones, and translation into `target`.
        pivot_policy: for translation into `target`.
        mime_type: what kind of documents the articles are.
        splitting: where their sentences end.
        terms: what is prescribed of words where a summary is in another language than its article.
    """

    contents: Sequence[str]
    file: InputFile | None = None
    source: str | None = None
    candidates: frozenset[str] = frozenset()
    target: str | None = None
    method: Method = Method.AUTO
    form: Form = Form.PARAGRAPH
    length: Length = Length.MEDIUM
    max_sentences: int = 0
    max_words: int = 0
    query: str = ""
    order: Order = Order.OFFSET
    markdown: bool = False
    model: str | None = None
    decoding: DecodingPreset = field(default_factory=DecodingPreset)
    pivot_policy: PivotPolicy = PivotPolicy.ALLOWED
    mime_type: str = PLAIN
    splitting: Splitting = Splitting.AUTOMATIC
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage of the article that a sentence rests on; `support` (0..1) is the share of its wording there."""

    source_span: Span
    support: float


@dataclass(frozen=True, slots=True)
class SentenceCheck:
    """What is shown of one written sentence.

    Attributes:
        text: the sentence itself, or the article's own that stands in for it.
        citations: what it rests on, the best first.
        support: how well the written sentence is supported, 0 to 1.
        is_replaced: whether `text` is the article's.
        reason: why it is; empty where it is not.
    """

    text: str
    citations: tuple[Citation, ...]
    support: float
    is_replaced: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence on its way into a summary.

    Attributes:
        rank_score: 0 to 1; None for one that was not picked by rank.
        is_quoted: whether it stands in the article, where its first citation says.
        is_line: whether it is no sentence but a heading, the item of a list, or a piece of text without stops.
    """

    text: str
    citations: tuple[Citation, ...]
    rank_score: float | None = None
    is_quoted: bool = False
    is_line: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A summary before it is rendered.

    Attributes:
        passages: its sentences, each of which was told of before.
        language: that they are in.
        chunk_count: in how many parts the article was read.
    """

    passages: tuple[Passage, ...]
    language: str
    notices: tuple[Notice, ...] = ()
    chunk_count: int = 1


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence without markup, and where it stands in the summary."""

    text: str
    summary_span: Span
    citations: tuple[Citation, ...]
    rank_score: float | None = None


@dataclass(frozen=True, slots=True)
class SummaryResult:
    """The summary of one article.

    Attributes:
        source, target: languages; ``und`` is that of a text without letters.
        confidence: of the detection, None where the source language was given.
        method: the one that ran, never AUTO.
        model: what picked or wrote the sentences; None where nothing had to be.
        chunk_count: in how many parts the article was read.
        source_text: what was read of a file, which spans of the source are in; empty where it was no file.
    """

    text: str
    source: str
    target: str
    method: Method
    confidence: float | None = None
    model: str | None = None
    sentences: tuple[SummarySentence, ...] = ()
    notices: tuple[Notice, ...] = ()
    chunk_count: int = 1
    source_text: str = ""


# What happens while a draft is made: parts are read, and what was written about them may be read in parts in its turn,
# so that the total grows; the sentences come as soon as they are certain; at last comes the whole of it.
DraftEvent = Progress | Passage | Draft
# The same of a summary; its text comes sentence by sentence, each with what stands before it.
Event = Progress | Delta | SummaryResult
