"""What a file is: by what its sender says, by its content where that is certain, and by its name.

Kinds that are not read are known as well: their refusal says how to get at their text.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from polygist_service.errors import InvalidDocument, UnsupportedDocument
from polygist_service.text.documents.base import HTML, MARKDOWN, PLAIN
from polygist_service.text.documents.files.encodings import tell_encoding
from polygist_service.text.documents.files.subtitles.cues import is_srt, is_vtt

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SUBRIP, WEBVTT = "application/x-subrip", "text/vtt"
GETTEXT = "text/x-gettext-translation"
NAMES: Mapping[str, str] = {
    PLAIN: "plain text", HTML: "HTML", MARKDOWN: "Markdown", WORD: "a Word document (docx)",
    SUBRIP: "subtitles (SubRip)", WEBVTT: "subtitles (WebVTT)", GETTEXT: "a catalogue of messages (PO)",
}  # fmt: skip
TEXTS = (PLAIN, HTML, MARKDOWN, GETTEXT)
# Other names of these types, and those that say nothing or too little; all in lower case.
ALIASES: Mapping[str, str] = {
    alias: mime_type
    for mime_type, aliases in (
        (HTML, "application/xhtml+xml application/html"),
        (MARKDOWN, "text/x-markdown application/markdown"),
        (SUBRIP, "text/srt text/x-srt text/x-subrip text/subrip application/srt application/x-srt application/subrip"),
        (WEBVTT, "text/webvtt text/x-vtt application/x-vtt application/webvtt"),
        (
            GETTEXT,
            "application/x-po text/x-po application/x-gettext text/x-gettext application/x-gettext-translation"
            " text/x-gettext-translation-template application/gettext text/x-pot application/x-pot",
        ),
        (
            WORD,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.template"
            " application/vnd.ms-word.document.macroenabled.12 application/vnd.ms-word.template.macroenabled.12",
        ),
        (
            "",
            "application/octet-stream binary/octet-stream application/x-download application/force-download"
            " application/zip application/x-zip-compressed application/xml text/xml application/msword */*",
        ),
    )
    for alias in aliases.split()
}
ENDINGS: Mapping[str, str] = {
    ending: mime_type
    for endings, mime_type in (
        (".txt .text", PLAIN),
        (".html .htm .xhtml", HTML),
        (".md .markdown", MARKDOWN),
        (".docx .docm .dotx .dotm", WORD),
        (".srt", SUBRIP),
        (".vtt", WEBVTT),
        (".po .pot", GETTEXT),
    )
    for ending in endings.split()
}
HEAD_BYTES = 100_000
MOST_NAME_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Refused:
    """A kind that is not read, and how to get at the text in it."""

    name: str
    cure: str


TO_WORD = "make docx of it: soffice --headless --convert-to docx FILE"
TO_PDF = "take its text out: soffice --headless --convert-to pdf FILE, then pdftotext"
TO_CSV = "make CSV of it, and send its texts to Translate: soffice --headless --convert-to csv FILE"
TO_SUBRIP = "make SubRip of it: ffmpeg -i FILE FILE.srt"
UNPACK = "unpack it, and send what is in it"
OCR = "read its text by OCR first: tesseract FILE -"
TRANSCRIBE = "transcribe it first, with whisper for one"
TO_TEXTS = "send the texts in it to Translate"
PDF = Refused("a PDF", "take its text out: pdftotext FILE -, or save it as docx where it was written")
OLD_OFFICE = Refused("a document of an older Office (.doc, .xls, .ppt)", TO_WORD)
OLD_WORD = Refused("a document of an older Word (.doc)", TO_WORD)
OPEN_TEXT = Refused("an OpenDocument text", TO_WORD)
RICH_TEXT = Refused("RTF", TO_WORD)
PAGES = Refused("a document of Pages", "export it from Pages as Word")
SHEET = Refused("a spreadsheet", TO_CSV)
SLIDES = Refused("a presentation", TO_PDF)
BOOK = Refused("an e-book", "make docx or HTML of it: pandoc -t html FILE")
POSTSCRIPT = Refused("PostScript", "take its text out: ps2ascii FILE")
LATEX = Refused("LaTeX", "make Markdown or docx of it: pandoc -t markdown FILE")
EMAIL = Refused("an e-mail", "save its text alone, with an e-mail program for one")
OTHER_SUBTITLES = Refused("subtitles that are neither SubRip nor WebVTT", TO_SUBRIP)
COMPILED = Refused("a compiled catalogue of messages", "make PO of it: msgunfmt FILE -o FILE.po")
XLIFF = Refused("a catalogue of messages that is not PO", "make PO of it, with translate-toolkit's xliff2po for one")
XML = Refused("XML", TO_TEXTS)
DATA = Refused("data, whose keys would be taken for words", TO_TEXTS)
IMAGE = Refused("an image", OCR)
RECORDING = Refused("a recording", TRANSCRIBE)
PACKED = Refused("an archive, or compressed", UNPACK)
DATABASE = Refused("a database or table that only programs read", TO_TEXTS)
BINARY = Refused("no text, but data that only programs read", "make one of the kinds of files of it that are read")

# What a binary file begins with.
SIGNATURES: tuple[tuple[bytes, Refused], ...] = (
    (rb"%PDF-\d\.\d[ \t]*[\r\n%]", PDF),
    (rb"\{\\rtf\d?\s*[\\{]", RICH_TEXT),
    (rb"%!PS(?:-Adobe-\d|[ \t]*[\r\n])", POSTSCRIPT),
    (rb"\x1f\x8b|BZh[1-9]1AY|\xfd7zXZ\0|\x28\xb5\x2f\xfd|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", PACKED),
    (rb".{257}ustar[\0 ][\0 0]", PACKED),
    (rb"\xde\x12\x04\x95|\x95\x04\x12\xde", COMPILED),
    (rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|BM.{4}\0\0\0\0|RIFF.{4}WEBP", IMAGE),
    (rb"\0\0\0.ftyp(?:heic|avif|mif1)", IMAGE),
    (rb"ID3[\2-\4]|OggS\0|fLaC\0|RIFF.{4}(?:WAVE|AVI )|\0\0\0.ftyp|\x1a\x45\xdf\xa3|\xff[\xfb\xf3\xf2]", RECORDING),
    (rb"SQLite format 3\0|PAR1\x15", DATABASE),
)
# What a packed file holds, by the names in its directory; and what its first member says that it is.
MEMBERS: tuple[tuple[bytes, str | Refused], ...] = (
    (rb"word/document\d*\.xml", WORD),
    (rb"xl/workbook\.", SHEET),
    (rb"ppt/presentation\.", SLIDES),
    (rb"Index/Document\.iwa", PAGES),
)
PACKED_TYPES: tuple[tuple[bytes, Refused], ...] = (
    (rb"application/vnd\.oasis\.opendocument\.text", OPEN_TEXT),
    (rb"application/vnd\.oasis\.opendocument\.spreadsheet", SHEET),
    (rb"application/vnd\.oasis\.opendocument\.presentation", SLIDES),
    (rb"application/epub\+zip", BOOK),
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
BEFORE_MARKUP = r"(?:\s|<!--.*?-->|<\?xml\s[^>]*>)*+"
# What a text begins with that is surely of a kind.
BEGINNINGS: tuple[tuple[str, str | Refused], ...] = (
    (rf"{BEFORE_MARKUP}<!doctype\s+html\b|{BEFORE_MARKUP}<html[\s>]", HTML),
    (r'(?:[ \t]*+(?:#[^\n]*+)?\r?\n)*+[ \t]*+(?:msgctxt|msgid)[ \t]*+".*?\nmsgstr', GETTEXT),
    (r"\s*\[script info\]|\{\d+\}\{\d+\}|\s*<sami[\s>]", OTHER_SUBTITLES),
    (rf"{BEFORE_MARKUP}<(?:\w+:)?tt[\s>].*?ttml", OTHER_SUBTITLES),
    (rf"{BEFORE_MARKUP}<(?:xliff|tmx|ts)[\s>]", XLIFF),
    (r"<\?xml\s", XML),
)
REFUSED_ENDINGS: Mapping[str, Refused] = {
    ending: kind
    for endings, kind in (
        (".pdf", PDF), (".doc .dot", OLD_WORD), (".odt .ott .fodt .sxw", OPEN_TEXT), (".rtf", RICH_TEXT),
        (".pages", PAGES), (".xls .xlsx .xlsm .ods .numbers", SHEET), (".ppt .pptx .pptm .odp .key", SLIDES),
        (".epub .mobi .azw3 .fb2", BOOK), (".ps .eps", POSTSCRIPT), (".tex .latex", LATEX), (".eml .msg .mbox", EMAIL),
        (".ass .ssa .sub .sbv .smi .sami .ttml .dfxp .stl", OTHER_SUBTITLES), (".mo .gmo", COMPILED),
        (".xliff .xlf .tmx .ts .resx .strings .arb", XLIFF), (".xml .svg .rss .dita .dbk", XML),
        (".json .jsonl .ndjson .csv .tsv .yaml .yml .toml .ini .properties", DATA),
        (".png .jpg .jpeg .gif .webp .tif .tiff .bmp .heic .avif", IMAGE),
        (".mp3 .mp4 .m4a .wav .ogg .opus .flac .mkv .avi .mov .webm", RECORDING),
        (".zip .gz .bz2 .xz .zst .7z .rar .tar .tgz", PACKED), (".db .sqlite .parquet", DATABASE),
    )
    for ending in endings.split()
}  # fmt: skip


def tell_mime_type(document: bytes, name: str = "", said: str = "", charset: str = "") -> str:
    """Tell what a file is.

    The sender's word decides between kinds of text, which can be read as each other; else what the content surely is,
    and the name only where that tells nothing. Without a name, or with one that has no ending, clean text is plain.

    Args:
        document: its bytes.
        name: of the file; may be empty.
        said: the media type that its sender gives, in lower case; may be empty.
        charset: of a text, where the sender says.

    Returns:
        One of `NAMES`.

    Raises:
        UnsupportedDocument: it is of none of them, or nothing tells of which.
        InvalidDocument: it is encrypted, or no such file as the sender says.
    """
    ending = PurePath(name).suffix.lower()
    told = ALIASES.get(said, said), ENDINGS.get(ending, "")
    found = look_inside(document)
    if found is PACKED and WORD in told and document.startswith(ZIP):
        return WORD  # its reader knows better what is wrong with it
    if not found:
        if told[0] in TEXTS:
            return told[0]
        found = look_at_text(document, charset)
    if isinstance(found, Refused):
        raise UnsupportedDocument(f"{describe_name(name)} is {found.name}; {found.cure}")
    if said and told[0] and told[0] not in NAMES:
        raise UnsupportedDocument(f"{said[:MOST_NAME_CHARACTERS]!r} is not supported")
    if (told[0] or told[1]) == WORD != found:
        raise InvalidDocument(f"is no Word document, but {describe_content(document, found)}; send it as that")
    if found and not (told[1] == MARKDOWN and found == HTML):
        return found
    return told[0] or told[1] or guess_plain(document, name)


def guess_plain(document: bytes, name: str) -> str:
    """Return that a file is plain text where nothing speaks against it; raises UnsupportedDocument."""
    ending = PurePath(name).suffix.lower()
    if kind := REFUSED_ENDINGS.get(ending):
        raise UnsupportedDocument(f"{describe_name(name)} is {kind.name}; {kind.cure}")
    if ending or not is_clean(document):
        raise UnsupportedDocument(f"nothing tells what {describe_name(name)} is; say what")
    return PLAIN


def look_inside(document: bytes) -> str | Refused | None:
    """Return what a binary file is by its content; None for a text, or what nobody knows.

    Raises:
        InvalidDocument: it is an encrypted document of Office.
    """
    if document.startswith(OLE):
        if ENCRYPTED_PACKAGE in document:
            raise InvalidDocument("is encrypted; open it with its password, and save it without one")
        return OLD_OFFICE
    if document.startswith(ZIP):
        if document[30:38] == b"mimetype":
            return next((kind for pattern, kind in PACKED_TYPES if re.match(pattern, document[38:138])), PACKED)
        names = find_directory(document)
        return next((kind for pattern, kind in MEMBERS if re.search(pattern, names)), PACKED)
    return next((kind for pattern, kind in SIGNATURES if re.match(pattern, document, re.DOTALL)), None)


def find_directory(document: bytes) -> bytes:
    """Return the central directory of a ZIP archive, all of the archive where that is damaged (APPNOTE 4.3.16)."""
    end = document.rfind(b"PK\x05\x06")
    if end < 0 or len(document) < end + 20:
        return document
    size, start = struct.unpack_from("<II", document, end + 12)
    return document[start : start + size]


def look_at_text(document: bytes, charset: str = "") -> str | Refused | None:
    """Return what a text surely is by how it begins; None where it may be plain."""
    encoding = tell_encoding(document, mime_type=PLAIN, charset=charset)
    head = document[len(encoding.mark) : HEAD_BYTES].decode(encoding.codec, "replace")
    if "-->" in head:
        if is_vtt(head):
            return WEBVTT
        if is_srt(head):
            return SUBRIP
    return next((kind for each, kind in BEGINNINGS if re.match(each, head, re.IGNORECASE | re.DOTALL)), None)


def is_clean(document: bytes) -> bool:
    """Whether bytes are a text in an encoding of Unicode, without control characters."""
    encoding = tell_encoding(document, mime_type=PLAIN)
    try:
        text = encoding.decode(document)
    except InvalidDocument:
        return False
    return not re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", text)


def describe_name(name: str) -> str:
    """Return what a file is called in a message."""
    return repr(name[:MOST_NAME_CHARACTERS]) if name else "the file"


def describe_content(document: bytes, found: str | Refused | None) -> str:
    """Return what a file is instead of what it should be."""
    if isinstance(found, Refused):
        return found.name
    return NAMES[found] if found else NAMES[PLAIN] if is_clean(document) else BINARY.name
