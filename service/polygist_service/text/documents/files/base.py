"""What every kind of file can do: say what of it is translated, and be written again with other words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from polygist_service.notices import Notice
from polygist_service.text.segmentation import Span


def no_spans(text: str) -> Iterable[Span]:
    """Find nothing in a text that is carried over as it is."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a file is read; each kind obeys what concerns it.

    Attributes:
        unpacked_bytes, members: how much of a packed file is unpacked: bytes, and members, at most.
        charset: what a text is encoded in, where the caller says; empty where nobody does.
        mark_fuzzy: whether messages of a catalogue that are translated are marked as fuzzy.
        retranslate: whether messages of a catalogue that have a translation are translated again.
        target: canonical tag of the language that it is translated into; empty where it is only read.
        find_kept: finds the spans of what is carried over as it is, and had better stay in one piece.
    """

    unpacked_bytes: int
    members: int
    charset: str = ""
    mark_fuzzy: bool = False
    retranslate: bool = False
    target: str = ""
    find_kept: Callable[[str], Iterable[Span]] = no_spans


@dataclass(frozen=True, slots=True)
class FileText:
    """A text of a file that is translated as a whole.

    Marks of the file that go with words are marks of the text: a run of Word in bold is an element of HTML in it.

    Attributes:
        text: what is translated.
        mime_type: of `text`, one of `LAYOUTS`.
        kept: what is carried over as it is, in all texts of the file.
        language: canonical tag of what the file says that all its texts are in, which is believed as `lang` of a page
            is; None where it says nothing, or where the text says it itself.
    """

    text: str
    mime_type: str
    kept: frozenset[str] = frozenset()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class FileNotice:
    """A notice about a text of a file.

    Attributes:
        index: of the text.
        notice: its span is in that text.
    """

    index: int
    notice: Notice


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file with other words.

    Attributes:
        document: its bytes.
        notices: what there is to know about it.
    """

    document: bytes
    notices: Sequence[FileNotice] = ()


@dataclass(frozen=True, slots=True)
class TranslatedText:
    """What became of a text of a file.

    Attributes:
        text: the same marks with other words.
        is_changed: whether it was translated at all: it was not where it was in the language already.
        segments: spans of the source and of `text` that belong together, in order.
        is_doubtful: whether something that is kept in it was lost, or stands where it is only supposed to.
    """

    text: str
    is_changed: bool = True
    segments: Sequence[tuple[Span, Span]] = ()
    is_doubtful: bool = False


class DocumentFile(Protocol):
    """A file that was read."""

    @property
    def texts(self) -> Sequence[FileText]:
        """What is translated of it, in the order in which it is read."""
        ...

    def write(self, translated: Sequence[TranslatedText], language: str) -> WrittenFile:
        """Return the file with its texts in another language.

        Args:
            translated: what became of each of `texts`.
            language: that they are in, a canonical tag.
        """
        ...
