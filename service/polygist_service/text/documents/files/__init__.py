"""Files: what is translated of them, and how they are written again.

Each kind has a module here that nobody outside names: `read_file` chooses it. What reads one is imported as one is
read: its parser is a package of the extra ``documents``, and costs a server nothing that is sent none.
"""

from collections.abc import Callable, Mapping
from functools import partial

from polygist_service.errors import UnsupportedCapability
from polygist_service.text.documents import LAYOUTS
from polygist_service.text.documents.files.base import DocumentFile, ReadOptions
from polygist_service.text.documents.files.kinds import GETTEXT, SUBRIP, WEBVTT, WORD
from polygist_service.text.documents.files.text_file import TextFile

Read = Callable[[bytes, ReadOptions], DocumentFile]


def read_word(document: bytes, options: ReadOptions) -> DocumentFile:
    """Read a document of Word."""
    from polygist_service.text.documents.files.word.document import WordFile

    return WordFile.read(document, options)


def read_catalogue(document: bytes, options: ReadOptions) -> DocumentFile:
    """Read a catalogue of messages."""
    from polygist_service.text.documents.files.catalogue.document import CatalogueFile

    return CatalogueFile.read(document, options)


def read_subtitles(document: bytes, options: ReadOptions, *, mime_type: str) -> DocumentFile:
    """Read SubRip or WebVTT, whichever it is."""
    from polygist_service.text.documents.files.subtitles.document import SubtitleFile

    return SubtitleFile.read(document, options, mime_type=mime_type)


FILES: Mapping[str, Read] = {
    **{mime_type: partial(TextFile.read, mime_type=mime_type) for mime_type in LAYOUTS},
    WORD: read_word,
    GETTEXT: read_catalogue,
    SUBRIP: partial(read_subtitles, mime_type=SUBRIP),
    WEBVTT: partial(read_subtitles, mime_type=WEBVTT),
}


def read_file(document: bytes, mime_type: str, options: ReadOptions) -> DocumentFile:
    """Read a file.

    Args:
        document: its bytes.
        mime_type: one of `FILES`.
        options: how it is read.

    Raises:
        InvalidDocument: it is damaged, encrypted or hostile, or not what it says.
        UnsupportedCapability: what reads such files is not installed.
    """
    try:
        return FILES[mime_type](document, options)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == __name__.partition(".")[0]:
            raise  # a module of our own
        raise UnsupportedCapability(
            f"this server cannot read {mime_type}, as it lacks the package {missing};"
            " where it runs: pip install 'polygist[service,documents]'",
            metadata={"mime_type": mime_type, "package": missing},
        ) from None
