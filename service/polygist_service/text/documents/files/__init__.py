"""Files: what is translated of them, and how they are written again.

Each kind has a module here that nobody outside names: `read_file` chooses it. What reads one is imported as one is
read: its parser is a package of the extra ``documents``, and costs a server nothing that is sent none.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePath

from polygist_service.errors import UnsupportedCapability
from polygist_service.text.documents import LAYOUTS
from polygist_service.text.documents.base import HTML, MARKDOWN, PLAIN
from polygist_service.text.documents.files.base import DocumentFile, ReadOptions
from polygist_service.text.documents.files.text_file import TextFile

Read = Callable[[bytes, ReadOptions], DocumentFile]


def read_text(document: bytes, options: ReadOptions, *, mime_type: str) -> DocumentFile:
    """Read a file that is one text."""
    return TextFile.read(document, mime_type)


def read_word(document: bytes, options: ReadOptions) -> DocumentFile:
    """Read a document of Word."""
    from polygist_service.text.documents.files.word.document import WordFile

    return WordFile.read(document, options)


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DOTX = "application/vnd.openxmlformats-officedocument.wordprocessingml.template"
DOCM = "application/vnd.ms-word.document.macroenabled.12"
DOTM = "application/vnd.ms-word.template.macroenabled.12"
FILES: Mapping[str, Read] = {
    **{mime_type: partial(read_text, mime_type=mime_type) for mime_type in LAYOUTS},
    **dict.fromkeys((DOCX, DOTX, DOCM, DOTM), read_word),
}
ENDINGS: Mapping[str, str] = {
    ending: mime_type
    for endings, mime_type in (
        (".txt .text", PLAIN),
        (".html .htm .xhtml", HTML),
        (".md .markdown", MARKDOWN),
        (".docx", DOCX),
        (".dotx", DOTX),
        (".docm", DOCM),
        (".dotm", DOTM),
    )
    for ending in endings.split()
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


def tell_mime_type(document: bytes, name: str) -> str:
    """Tell what a file is by its name; empty where that is none of `FILES`."""
    return ENDINGS.get(PurePath(name).suffix.lower(), "")
