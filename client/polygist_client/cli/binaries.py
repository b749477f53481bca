"""What a file is that is no Unicode: text in another encoding, a document, an archive, an image, a recording."""

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

SAMPLE_BYTES = 8192
STRONG_BYTES = 3  # no text that is no Unicode begins with as many, that some other kind of file begins with
WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# Where a document is a ZIP archive: what is in it, or its type in the member "mimetype".
WORD = "a Word document"
MEMBERS = (("word/", WORD), ("xl/", "an Excel workbook"), ("ppt/", "a PowerPoint presentation"))
PACKED_TYPES = (
    ("opendocument.text", "an OpenDocument text"),
    ("opendocument.spreadsheet", "an OpenDocument spreadsheet"),
    ("opendocument.presentation", "an OpenDocument presentation"),
    ("epub", "an e-book (EPUB)"),
)
PANDOC = "take its text out: pandoc -t plain {file} | polygist …"
OFFICE = "take its text out: soffice --headless --convert-to txt:Text {file}"
TO_WORD = "make a Word document of it: soffice --headless --convert-to docx {file}"
SLIDES = "take its text out: soffice --headless --convert-to pdf {file}, then pdftotext"
SHEET = "make CSV of it: soffice --headless --convert-to csv {file}, then --format csv --field NAME"
CURES = {
    WORD: PANDOC, "an OpenDocument text": PANDOC, "an e-book (EPUB)": PANDOC,
    "an Excel workbook": SHEET, "an OpenDocument spreadsheet": SHEET,
    "a PowerPoint presentation": SLIDES, "an OpenDocument presentation": SLIDES,
    "a ZIP archive": "unpack it: unzip {file}, or unzip -p {file} NAME | polygist …",
}  # fmt: skip
# Where the command takes Word documents.
FILE_CURES = {"an OpenDocument text": TO_WORD}
COMPILED_CATALOGUES = (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde")
# Older ones have one type; the suffix tells them apart.
OLDER_OFFICE = {".xls": SHEET, ".ppt": SLIDES}
# What puremagic finds where it is a text all the same, in whatever encoding.
WRITTEN = re.compile(r"(text|message)/.*|.*[/+](json|xml)")
# By the type that puremagic finds.
BY_TYPE: tuple[tuple[str, str, str], ...] = (
    ("application/pdf", "a PDF", "take its text out: pdftotext {file} - | polygist …"),
    ("application/rtf", "RTF", "take its text out: pandoc -f rtf -t plain {file} | polygist …"),
    ("application/postscript", "PostScript", "take its text out: ps2ascii {file} | polygist …"),
    ("application/msword", "a document of an older Office (.doc, .xls, .ppt)", OFFICE),
    (".*gzip", "compressed (gzip)", "unpack it: zcat {file} | polygist …"),
    (".*bzip2?", "compressed (bzip2)", "unpack it: bzcat {file} | polygist …"),
    (".*(xz|lzma)", "compressed (xz)", "unpack it: xzcat {file} | polygist …"),
    (".*zst.*", "compressed (zstd)", "unpack it: zstdcat {file} | polygist …"),
    (".*tar", "a tar archive", "unpack it: tar -xf {file}"),
    (".*(7z|rar|compress|archive|cab).*", "an archive", "unpack it first"),
    ("image/.*", "an image", "read its text by OCR: tesseract {file} - | polygist …"),
    ("(audio|video)/.*|application/ogg", "a recording", "transcribe it first, with whisper for one"),
    (".*sqlite.*", "a database (SQLite)", "make CSV of a table: sqlite3 -csv -header {file} 'SELECT …'"),
    (".*parquet.*", "a table (Parquet)", "make JSON Lines or CSV of it first"),
)


def describe_binary(
    raw: bytes, path: Path | None, *, file: str, flag: str, is_read_by_lines: bool, left_out: str | None = None
) -> str:
    """Say what bytes are that are no Unicode, and what to do; empty where nobody can tell.

    Args:
        raw: the bytes, or the first of them.
        path: of the file, where there is one.
        file: its name in a command line.
        flag: that says there what its text is; empty where nothing has to.
        is_read_by_lines: whether each line is decoded by itself, so that one in another encoding does not stop others.
        left_out: the flag without which a Word document is read as such; None where the command takes none.
    """
    if raw.startswith(COMPILED_CATALOGUES):
        return f"is a compiled catalogue of gettext; make PO of it: msgunfmt {file} -o FILE.po"
    matches = find_matches(raw)
    types = [media_type for length, media_type in matches if length >= STRONG_BYTES]
    if types and WRITTEN.match(types[0]):
        types = []
    if not types and (wide := find_wide(raw[:SAMPLE_BYTES])):
        name = wide.upper().replace("UTF-16-", "UTF-16").replace("UTF-32-", "UTF-32")
        return f"is {name} without a byte order mark; convert it: iconv -f {name} -t UTF-8 {file} | polygist …{flag}"
    if not types and (is_read_by_lines or is_narrow(raw)):
        return "" if is_read_by_lines else describe_narrow(raw, file, flag, can_say=left_out is not None)
    if raw.startswith(b"PK\x03\x04"):
        what = name_packed(path, raw)
        if left_out is not None and what == WORD:
            return f"is {what}; leave {left_out} out, and it is read as such"
        cure = CURES[what] if left_out is None else FILE_CURES.get(what, CURES[what])
        return f"is {what}; {cure.format(file=file)}"
    types = types or [media_type for _, media_type in matches]
    for pattern, what, cure in BY_TYPE:
        if any(re.fullmatch(pattern, each) for each in types[:1]):
            if cure is OFFICE:
                cure = OFFICE if left_out is None else TO_WORD
                cure = OLDER_OFFICE.get(path.suffix.lower(), cure) if path else cure
            return f"is {what}, no text; {cure.format(file=file)}"
    return "is no text, but data that only programs read" if b"\0" in raw[:SAMPLE_BYTES] else ""


def find_wide(raw: bytes) -> str:
    """Find in which encoding of two or four bytes a character the bytes are a text; empty where in none."""
    for codec in WIDE:
        size = 2 if "16" in codec else 4
        text = raw[: len(raw) // size * size].decode(codec, "replace")
        # Other data makes characters of no use or no name; a text has words, with spaces or line ends between.
        wrong = sum(
            unicodedata.category(each) in ("Cn", "Co", "Cs", "Cc", "So") and each not in "\t\r\n" for each in text
        )
        plain = sum(each in " \n" or (each.isascii() and each.isalnum()) for each in text)
        if len(text) > 1 and wrong * 50 < len(text) and plain * 12 > len(text):
            return codec
    return ""


def is_narrow(raw: bytes) -> bool:
    """Tell whether bytes may be a text of a byte a character, or of a few: they have no control characters."""
    return not re.search(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]", raw[:SAMPLE_BYTES])


def describe_narrow(raw: bytes, file: str, flag: str, *, can_say: bool) -> str:
    """Say how to convert a text that is not quite UTF-8, or not at all, or how to say what it is in."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        place = error.start
    else:
        return ""
    found = f"byte {place} (0x{raw[place]:02x}) is no UTF-8"
    broken = raw.decode(errors="replace").count("\ufffd")
    if sum(not each.isascii() for each in raw.decode(errors="ignore").lstrip("\ufeff")) > broken:
        return f"{found}, but most is; drop what is broken: iconv -c -f UTF-8 -t UTF-8 {file} | polygist …{flag}"
    return (
        f"{found}; convert it first: iconv -f WINDOWS-1252 -t UTF-8 {file} | polygist …{flag}, or from WINDOWS-1251,"
        f" SHIFT-JIS, GB18030, whichever it is in{'; or give --charset NAME' if can_say else ''}"
    )


def name_packed(path: Path | None, raw: bytes) -> str:
    """Name what is in a ZIP archive."""
    names: Iterable[str] = ()
    with suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(path or io.BytesIO(raw)) as packed:
        names = packed.namelist()
        kind = packed.read("mimetype").decode(errors="replace") if "mimetype" in names else ""
        if found := next((what for part, what in PACKED_TYPES if part in kind), ""):
            return found
    return next((what for begin, what in MEMBERS if any(name.startswith(begin) for name in names)), "a ZIP archive")


def find_matches(raw: bytes) -> list[tuple[int, str]]:
    """Return by how many bytes of its own a media type is recognised, and the type, the likeliest first."""
    import puremagic  # only here: its tables take as long to read as half a run

    found: list[Any] = []
    with suppress(puremagic.PureError, ValueError):
        found = puremagic.magic_string(raw)
    return [(len(each.byte_match), each.mime_type) for each in found if each.mime_type]
