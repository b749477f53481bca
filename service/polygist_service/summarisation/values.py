"""What goes into the `Summariser` and what comes out."""

from dataclasses import dataclass, field
from enum import Enum

from polygist_service.engine.api import Span
from polygist_service.notices import Notice
from polygist_service.translation.presets import DecodingWish
from polygist_service.translation.routes import PivotPolicy


class Method(Enum):
    """How a summary comes about; AUTO writes where a fit model is installed, else picks."""

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
    """One article and the summary wanted of it.

    Attributes:
        source: the article's language, a canonical tag; ``und`` for a text without letters.
        target: the summary's language; None is the article's.
        length: counts where neither `max_sentences` nor `max_words` is given (0: not given).
        query: what the reader wants to know.
        markdown: write Markdown, else plain text.
        model: a model's name; None is chosen by method and language.
        decoding: for the models that write: abstractive ones, and translation into `target`.
        pivot_policy: for translation into `target`.
    """

    text: str
    source: str
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
    decoding: DecodingWish = field(default_factory=DecodingWish)
    pivot_policy: PivotPolicy = PivotPolicy.ALLOWED


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage of the article that a sentence rests on; `support` (0..1) is the share of its wording there."""

    source_span: Span
    support: float


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence on its way into a summary; `rank_score` (0..1) is None for a sentence that a model wrote."""

    text: str
    citations: tuple[Citation, ...]
    rank_score: float | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The sentences of a summary, before translation and layout; `chunk_count` is in how many parts it was read."""

    passages: tuple[Passage, ...]
    notices: tuple[Notice, ...] = ()
    chunk_count: int = 1
    input_token_count: int = 0
    output_token_count: int = 0


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
        method: the one that ran, never AUTO.
        model: what picked or wrote the sentences; None where nothing had to be.
        chunk_count: in how many parts the article was read.
    """

    text: str
    source: str
    target: str
    method: Method
    model: str | None = None
    sentences: tuple[SummarySentence, ...] = ()
    notices: tuple[Notice, ...] = ()
    chunk_count: int = 1
    input_token_count: int = 0
    output_token_count: int = 0
