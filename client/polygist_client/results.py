"""What calls return: frozen values, offsets in code points, so that ``text[span.start:span.end]`` is the passage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Generic, Literal, TypeVar

from polygist_client.atomic_files import replace_in_place

Health = Literal["serving", "not-serving", "service-unknown", "unknown"]
ResultT = TypeVar("ResultT", bound="Translation | Summary")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Return the passage of `text`."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Notice:
    """What to know about an answer that is not an error; `span` is where in the source.

    Attributes:
        code: such as "same-language" or "unknown-characters"; a newer server may send words not listed anywhere here.
        message: one sentence.
    """

    code: str
    message: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another translation of the same text."""

    text: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """A word of the translation and the word of the source that it comes from; `probability` (0 to 1): how surely."""

    source_span: Span
    target_span: Span
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """Which passage of the source became which passage of the translation; `alignment` is empty unless asked for."""

    source_span: Span
    target_span: Span
    score: float | None = None
    alignment: tuple[AlignedPair, ...] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """One translated text; ``str()`` of it is the text.

    Attributes:
        source: language of the source, given or detected.
        target: language that the model writes: "pt" where "pt-BR" was asked for.
        model: such as "models/en-pt".
        detection_confidence: 0 to 1; None where the source language was given.
        pivots: languages between source and target.
        score: mean log-probability per token (<= 0), to compare within one model; None unless asked for.
        segments: empty unless asked for.
        index: which item of `translate_many` it answers, counted from 0; None elsewhere. Two results are equal whatever
            theirs is.
        id: that item's own id, where it has one.
    """

    text: str
    source: str
    target: str
    model: str
    detection_confidence: float | None = None
    pivots: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    score: float | None = None
    segments: tuple[Segment, ...] = ()
    warnings: tuple[Notice, ...] = ()
    index: int | None = field(default=None, compare=False)
    id: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def alignment(self) -> tuple[AlignedPair, ...]:
        """The words of all segments, in the order of the translation; empty unless asked for."""
        return tuple(pair for segment in self.segments for pair in segment.alignment)


@dataclass(frozen=True, slots=True)
class TranslatedDocument:
    """A translated file: of the same kind, in which only words have changed, and what goes with them.

    Attributes:
        document: its bytes.
        mime_type: what the file was read as.
        source: as `Translation.source`, and so the others; spans point into `source_text` and `translated_text`.
        source_text: what was read of it, without its marks, block by block, one a line; empty unless asked for.
        translated_text: the same of the translated file.
    """

    document: bytes = field(repr=False)
    mime_type: str
    source: str
    target: str
    model: str
    detection_confidence: float | None = None
    pivots: tuple[str, ...] = ()
    score: float | None = None
    segments: tuple[Segment, ...] = ()
    warnings: tuple[Notice, ...] = ()
    source_text: str = field(default="", repr=False)
    translated_text: str = field(default="", repr=False)

    @property
    def alignment(self) -> tuple[AlignedPair, ...]:
        """The words of all segments, in the order of the translation; empty unless asked for."""
        return tuple(pair for segment in self.segments for pair in segment.alignment)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the file; one that is there is replaced when all is written. Raises OSError."""
        with replace_in_place(Path(path).resolve()) as stream:
            stream.write(self.document)


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage of the source that supports a sentence; a low `support_score` (0 to 1) is a reason to check."""

    span: Span
    support_score: float


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """One sentence of a summary, where it stands in it, and what it rests on.

    Attributes:
        rank_score: 0 to 1, the most important sentence has 1; None where sentences are not picked from the source.
        citations: empty unless asked for.
    """

    text: str
    span: Span
    rank_score: float | None = None
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of one article; ``str()`` of it is the text.

    Attributes:
        source: language of the article, given or detected.
        target: language of the summary.
        method: "extractive" or "abstractive", whichever ran.
        sentences: empty unless asked for.
        chunk_count: above 1 where the article was summarised in parts first.
        detection_confidence: 0 to 1; None where the source language was given.
        source_text: of `summarise_document`: what was read of the file, which spans point into; empty unless asked for.
        index: which item of `summarise_many` it answers; as `Translation.index`.
        id: that item's own id, where it has one.
    """

    text: str
    source: str
    target: str
    model: str
    method: str
    sentences: tuple[SummarySentence, ...] = ()
    chunk_count: int = 0
    warnings: tuple[Notice, ...] = ()
    detection_confidence: float | None = None
    source_text: str = field(default="", repr=False)
    index: int | None = field(default=None, compare=False)
    id: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream has come: parts that are done, of those known so far.

    Of `stream_summarise` they are the parts of the article at `index`, of `stream_translate` the segments of all texts.
    """

    index: int
    completed: int
    total: int


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of what comes of the text at `index`: all of them joined are the result's text."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished(Generic[ResultT]):
    """The whole result of the text at `index`, a `Translation` or a `Summary`."""

    index: int
    result: ResultT


@dataclass(frozen=True, slots=True)
class DetectedLanguage:
    """One guess; `supported` says whether a model of the server reads the language."""

    code: str
    confidence: float
    supported: bool


@dataclass(frozen=True, slots=True)
class Detection:
    """The languages that a text may be in, by falling confidence, then "und" with what is left."""

    languages: tuple[DetectedLanguage, ...]

    @property
    def best(self) -> DetectedLanguage:
        """The first guess."""
        return self.languages[0]


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the server.

    Attributes:
        name: such as "models/en-pt".
        tasks: "translate", "summarise", "detect-language".
        state: "unloaded", "loading", "ready" or "failed".
        max_input_tokens: window of one segment; longer texts are split, never cut.
        revision: digest of the weights.
        memory_bytes: what it takes while it is loaded, estimated; 0 while it is not.
        last_used: when a call last used it; None where none has since the server started.
        word_alignment: whether it tells which words became which.
    """

    name: str
    display_name: str
    tasks: tuple[str, ...]
    state: str
    max_input_tokens: int
    compute_type: str
    device: str
    revision: str
    license: str
    size_bytes: int
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    memory_bytes: int = 0
    last_used: datetime | None = None
    word_alignment: bool = False

    @property
    def short_name(self) -> str:
        """The name without "models/", as it may be given wherever a model is named."""
        return self.name.removeprefix("models/")


@dataclass(frozen=True, slots=True)
class Language:
    """A language that the server reads or writes; `targets` are reached directly, `pivot_targets` by way of another."""

    code: str
    display_name: str
    native_name: str
    right_to_left: bool
    targets: tuple[str, ...]
    pivot_targets: tuple[str, ...]
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glossary:
    """A glossary that the operator has mounted.

    Attributes:
        name: such as "glossaries/press".
        languages: those that have a column; it serves every pair of them.
        entry_count: how many rows it has.
        revision: digest of the file.
    """

    name: str
    languages: tuple[str, ...]
    entry_count: int
    revision: str

    @property
    def short_name(self) -> str:
        """The name without "glossaries/", as it may be given wherever a glossary is named."""
        return self.name.removeprefix("glossaries/")


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens a text is for a model, and how many of them one segment may have."""

    count: int
    max_input_tokens: int


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the server is and does now; `limits` are by name, such as "translate.contents"."""

    version: str
    limits: Mapping[str, int]
    queued_requests: int
    active_requests: int
    glossaries: tuple[str, ...]
