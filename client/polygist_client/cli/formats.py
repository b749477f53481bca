"""What an input is, a text, a document with marks, or a file: as it is said, else by its name, else by its content."""

import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from polygist_client.options import DocumentType, MimeType

Format = Literal["text", "html", "markdown"]
# What is sent as the file that it is, and comes back as such.
FileFormat = Literal["docx", "srt", "vtt", "po"]

AUTO = "auto"
HEAD_CHARACTERS = 100_000
FORMATS: tuple[Format, ...] = get_args(Format)
DOCUMENTS: tuple[Format, ...] = ("html", "markdown")
MIME_TYPES: Mapping[Format, MimeType] = {"text": "text/plain", "html": "text/html", "markdown": "text/markdown"}
BY_SUFFIX: Mapping[str, Format] = {
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd"), "markdown"),
}
FILE_FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)
FILE_TYPES: Mapping[FileFormat, DocumentType] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "po": "text/x-gettext-translation",
}
FILE_TITLES: Mapping[FileFormat, str] = {
    "docx": "a Word document", "srt": "a file of subtitles", "vtt": "a file of subtitles",
    "po": "a catalogue of gettext",
}  # fmt: skip
FILES_BY_SUFFIX: Mapping[str, FileFormat] = {
    **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), "docx"),
    ".srt": "srt",
    ".vtt": "vtt",
    **dict.fromkeys((".po", ".pot"), "po"),
}
WORD_MEMBER = re.compile(r"word/document\d*\.xml")
ZIP = b"PK\x03\x04"
# The whole of what such a file begins with, after spaces.
SUBRIP = r"\d+\s*\n\d{1,2}:\d\d:\d\d[,.]\d{1,3}[ \t]*-->"
WEBVTT = r"WEBVTT(?:[ \t][^\n]*)?\r?\n.*?\d\d:\d\d\.\d{3}[ \t]+-->"
CATALOGUE = r"(?:#[^\n]*\n|\s)*(?:msgctxt \"[^\n]*\n\s*)?msgid \""
# The whole of what a page begins with, after spaces. As a sentence about it goes on with words, what follows has to be
# there as well; a page may also stand below some lines, such as the address that it was saved from.
PAGES = (
    r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*+<(?:!doctype\s+html|html|head)(?:\s[^>]*)?>\s*(?:<|\Z)",
    r"(?:[^\n<]*\n){1,20}?[ \t]*<(?:!doctype\s+html|html)(?:\s[^>]*)?>\s*<.*</html\s*>\s*\Z",
)
# The whole lines that stand above the text of an e-mail or of what a web server sent.
HEADER = r"(?:[\w-]+:[^\n]*\n(?:[ \t]+\S[^\n]*\n)*)"
KNOWN_HEADERS = r"(?:bcc|cc|content-[a-z-]+|date|delivered-to|from|reply-to|return-path|sender|server|subject|to)"
HEADERS = rf"(?={HEADER}*?{KNOWN_HEADERS}:){HEADER}++\r?\n"
ANSWER = r"HTTP/\d(?:\.\d)?[ ]\d{3}[^\n]*\n(?:[\w-]+:[^\n]*\n|\s*<)"
MESSAGE = (
    rf"(?:From \S+ [^\n]*\n)?{HEADER}*?(?:(?:MIME-Version|Message-ID|Received):|Content-Type:[ \t]*[\w-]+/[\w.+-]+)"
)
# The same of a part of one, as which Markdown may begin too.
FRAGMENT = (
    r"(?:<!--.*?-->\s*)*+<(body|title|header|nav|main|article|section|aside|footer|h[1-6]|p|div|blockquote|figure|table|"
    r"ul|ol|dl)(?:\s[^<>]*)?>.*?</\1\s*>\s*(?:<|\Z)"
)


def named_format(path: Path | None) -> Format | None:
    """Return the format that a file says by its name; None where it says none."""
    return BY_SUFFIX.get(path.suffix.lower()) if path else None


def named_file_format(path: Path | None) -> FileFormat | None:
    """Return what a file is by its name, where it is one that is sent as it is; None where it is not."""
    return FILES_BY_SUFFIX.get(path.suffix.lower()) if path else None


def find_file_format(stream: BinaryIO) -> FileFormat | None:
    """Find what a file is by what is in it, where it is one that is sent as it is; None where it is not."""
    raw = stream.read(HEAD_CHARACTERS)
    if raw.startswith(ZIP):
        with suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(stream) as packed:
            return "docx" if any(map(WORD_MEMBER.fullmatch, packed.namelist())) else None
        return None
    head = raw.decode(errors="replace").removeprefix("\ufeff")
    patterns: Mapping[FileFormat, str] = {"srt": SUBRIP, "vtt": WEBVTT, "po": CATALOGUE}
    return next((format for format, pattern in patterns.items() if begins_as(head, pattern)), None)


def is_page(text: str) -> bool:
    """Tell whether a text is HTML by what it begins with, and where that is a part of a page, ends with.

    Markdown looks too much like text to be told from it, and what has headers is no page, whatever is below them.
    """
    if begins_as(text, ANSWER, MESSAGE, HEADERS):
        return False
    return begins_as(text, *PAGES) or (begins_as(text, FRAGMENT) and text.rstrip().endswith(">"))


def begins_as(text: str, *patterns: str) -> bool:
    """Tell whether a text begins, after spaces, as one of the patterns does."""
    head = text[:HEAD_CHARACTERS].lstrip()
    return any(re.match(pattern, head, re.IGNORECASE | re.DOTALL) for pattern in patterns)
