"""What a file is where it is no plain text, by its first bytes and its name, and how to get at its text.

A text is never refused for a word that it begins with: marks have to be whole ones, JSON has to be JSON.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from polygist_client.cli.binaries import describe_binary
from polygist_client.cli.csv_rows import Row, split_rows
from polygist_client.cli.formats import (
    ANSWER,
    CATALOGUE,
    FORMATS,
    FRAGMENT,
    HEADERS,
    MESSAGE,
    PAGES,
    SUBRIP,
    WEBVTT,
    is_page,
)
from polygist_client.cli.inputs import Input, decode_anyway, find_encoding
from polygist_client.cli.json_texts import MOST_NAMES, Json, describe_way, load, read_json
from polygist_client.cli.tables import find_header, read_header

# What an input is read as: prose; prose line by line; anything in which there are words; text, come what may; or
# records.
Expected = Literal["prose", "lines", "words", "text", "jsonl", "csv", "tsv"]

HEAD_BYTES = 100_000
TITLES: Mapping[Expected, str] = {"jsonl": "JSON Lines", "csv": "CSV", "tsv": "TSV"}
TAKE_OUT = "take its text out: {tool} | polygist …"
FILE, FLAG = "{file}", "{flag}"
PARTLY_HTML = f"begins as HTML, and goes on as something else; say --format {', '.join(FORMATS)}, whichever it is"
UNKNOWN = {"": None}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of text that is no prose.

    Attributes:
        what: in words.
        cure: how to get at the prose in it; {file} stands for its name.
        has_words: whether the words stand there as they are.
    """

    what: str
    cure: str
    has_words: bool = True


READ_AS_SUCH = f"leave {FLAG} out, and it is read as such"
HTML = Kind("HTML", READ_AS_SUCH)
XML = Kind("XML, whose tags would be taken for words", "take its text out first")
SUBTITLES = Kind("a file of subtitles, whose times would be taken for words", READ_AS_SUCH)
OTHER_SUBTITLES = Kind(
    "a file of subtitles, whose times would be taken for words", "make SubRip of it: ffmpeg -i {file} film.srt"
)
GETTEXT = Kind("a catalogue of gettext, whose keys would be taken for words", READ_AS_SUCH)
SETTINGS = Kind(
    "a file of keys and values, whose keys would be taken for words", "make JSON Lines of its texts, for --format jsonl"
)
LATEX = Kind("LaTeX, whose commands would be taken for words", TAKE_OUT.format(tool="pandoc -t plain {file}"))
EMAIL = Kind("an e-mail, whose headers would be taken for words", "save its text alone, with an e-mail program for one")
HTTP = Kind("what a web server sent, HTML or other, with its headers", "leave those out: curl without -i, for one")
PDF = Kind("a PDF", TAKE_OUT.format(tool="pdftotext {file} -"), has_words=False)
RTF = Kind("RTF", TAKE_OUT.format(tool="pandoc -f rtf -t plain {file}"), has_words=False)
ARMOUR = Kind("a key, a certificate or a message in armour", "decrypt a message first: gpg -d {file} | polygist …")
ARCHIVE = Kind("an archive (ar)", "unpack it first: ar x {file}", has_words=False)
TORRENT = Kind("a torrent", "it has no text", has_words=False)
POSTSCRIPT = Kind("PostScript", TAKE_OUT.format(tool="ps2ascii {file}"), has_words=False)
JSON_LINES = Kind("JSON Lines", "give --format jsonl --field NAME")
JSON = Kind("JSON", "make JSON Lines of its texts, for --format jsonl")
TABLE = Kind("a table (CSV or TSV)", "give --format csv --field NAME")

# The whole of what such a text begins with, after spaces, in letters of either case; a dot is a line end too. As a
# sentence about it goes on with words, what follows has to be there as well.
SIGNATURES: tuple[tuple[str, Kind], ...] = (
    (r"%PDF-\d\.\d[ \t]*(?:[\r\n]|\Z)", PDF),
    (r"\{\\rtf\d?\s*[\\{]", RTF),
    (r"-----BEGIN [A-Z0-9 ]+-----[ \t]*\r?\n", ARMOUR),
    (r"!<arch>\n", ARCHIVE),
    (r"d\d+:announce\d+:", TORRENT),
    (r"%!PS(?:-Adobe-\d|[ \t]*[\r\n])", POSTSCRIPT),
    (ANSWER, HTTP),
    (MESSAGE, EMAIL),
    (rf"{HEADERS}\s*<[a-z!]", EMAIL),
    (rf"(?={HEADERS}){PAGES[-1]}", EMAIL),
    *((pattern, HTML) for pattern in (*PAGES, FRAGMENT)),
    (r"<\?xml\s[^>]*\?>\s*(?:<|\Z)", XML),
    (r"<(?:svg|xliff|tmx|rss)\s[^>]*>\s*(?:<|\Z)", XML),
    (WEBVTT, SUBTITLES),
    (SUBRIP, SUBTITLES),
    (CATALOGUE, GETTEXT),
    (r"\[Script Info\]\s*\n", OTHER_SUBTITLES),
    (r"\\documentclass\s*(?:\[[^\]]*\])?\s*\{[^}]*\}[ \t]*(?:[\\%\r\n]|\Z)", LATEX),
)
BY_SUFFIX: Mapping[str, Kind] = {
    suffix: kind
    for suffixes, kind in (
        (".jsonl .ndjson .jsonlines", JSON_LINES),
        (".json .geojson .arb .ipynb", JSON),
        (".csv .tsv .tab", TABLE),
        (".html .htm .xhtml", HTML),
        (".xml .xliff .xlf .tmx .resx .svg .rss", XML),
        (".srt .vtt", SUBTITLES),
        (".ass .ssa", OTHER_SUBTITLES),
        (".po .pot", GETTEXT),
        (".yaml .yml .toml .ini .properties .strings", SETTINGS),
        (".tex .latex", LATEX),
        (".rtf", RTF),
    )
    for suffix in suffixes.split()
}
# What is taken for text, with a warning: what its marks or its other words are.
MARKS = "marks such as # and *"
DOUBTFUL: Mapping[str, str] = {
    suffix: marks
    for suffixes, marks in (
        (".rst .adoc .org .textile .wiki", MARKS),
        (".eml .mbox .ics .vcf", "headers"),
        (
            ".py .pyi .js .mjs .ts .jsx .tsx .java .kt .c .h .cc .cpp .hpp .cs .go .rs .rb .pl .php .swift .scala",
            "code",
        ),
        (".jsp .bib .lua .r .sh .bash .ps1 .bat .sql .css .scss .less .vue .svelte .cmake .diff .patch", "code"),
    )
    for suffix in suffixes.split()
}


def look_at(source: Input, raw: bytes, *, is_decodable: bool, expected: Expected) -> str:
    """Say why an input is not to be read so, and what to do; empty where nothing speaks against it.

    Args:
        source: the input.
        raw: its bytes, or where it is read by lines, those of the first one or of some.
        is_decodable: whether they are Unicode.
        expected: what it is read as.
    """
    file = shlex.quote(str(source.path)) if source.path else "FILE"
    if not is_decodable:
        kind = find_by_signature(raw[:HEAD_BYTES].decode("latin-1"))
        if kind and not kind.has_words:
            return f"is {kind.what}; {kind.cure.replace(FILE, file)}"
        if find_encoding(raw).mark:
            return ""  # it says itself what it is, and is not quite that
        # What goes through a pipe has no name to be known by.
        flag = f" --format {source.format}" if source.format and expected not in ("lines", *TITLES) else ""
        return describe_binary(
            raw, source.path, file=file, flag=flag, is_read_by_lines=expected in ("jsonl", "lines"),
            left_out=None if expected == "words" else name_flag(source, expected),
        )  # fmt: skip
    if expected == "text":
        return ""
    head = decode_anyway(raw[:HEAD_BYTES])
    is_cut = len(raw) > HEAD_BYTES or (expected not in ("prose", "words") and len(raw) != source.size())
    suffix = source.path.suffix.lower() if source.path else ""
    if expected in TITLES:
        return look_at_records(head, suffix, expected, is_cut=is_cut).replace(FILE, file)
    if source.format and expected != "lines":
        kind = find_by_signature(head)
        kind = None if kind in (HTML, XML) else kind
    else:
        kind = find_kind(head, suffix, is_cut=is_cut)
        if kind is HTML and expected == "prose":
            return "" if is_page(decode_anyway(raw)) else PARTLY_HTML
    if kind is None or (kind.has_words and expected == "words"):
        return ""
    said = "text" if expected == "lines" else source.format or "text"
    force = f"; or say --format {said}" if expected in ("prose", "lines") else ""
    return f"is {kind.what}; {kind.cure.replace(FILE, file).replace(FLAG, name_flag(source, expected))}{force}"


def name_flag(source: Input, expected: Expected) -> str:
    """Name the flag by which an input is read so, and not as what it is."""
    if expected in TITLES:
        return f"--format {expected} --field"
    return "--lines" if expected == "lines" else f"--format {source.format or 'text'}"


def find_kind(head: str, suffix: str, *, is_cut: bool = False) -> Kind | None:
    """Find what a text is, by itself rather than by its suffix; None where it may be prose."""
    if kind := find_by_signature(head):
        return kind
    named = BY_SUFFIX.get(suffix) if head.strip() else None
    if (found := read_json(head)) and (found.is_named or named in (JSON, JSON_LINES)):
        what = named.what if named is JSON else found.what
        return Kind(what, describe_way(found, FILE, by_records=False))
    if header := find_table(head, suffix, is_cut=is_cut):
        return Kind(TABLE.what, describe_columns(header))
    return named


def find_by_signature(head: str) -> Kind | None:
    """Find what a text is by what it begins with."""
    text = head.lstrip()
    return next((kind for pattern, kind in SIGNATURES if re.match(pattern, text, re.IGNORECASE | re.DOTALL)), None)


def look_at_records(head: str, suffix: str, expected: Expected, *, is_cut: bool) -> str:
    """Say why a text has no records of such a kind at all; that one of them is broken is no reason.

    Args:
        head: the text, or the beginning of it.
        suffix: of its name.
        expected: what it should be.
        is_cut: whether there is more.
    """
    if kind := find_by_signature(head):
        return f"is {kind.what}; {kind.cure.replace(FLAG, name_flag(Input('head'), expected))}"
    found, title = find_wrong_json(head, expected), TITLES[expected]
    # In a table, what is in quotes or brackets may be a cell.
    is_json = expected == "jsonl" or BY_SUFFIX.get(suffix) in (JSON, JSON_LINES)
    if found and (found.is_named or is_json):
        what = f"is {found.what}" if found.is_lines and expected == "jsonl" else f"is {found.what}, not {title}"
        return f"{what}; {describe_way(found, FILE, by_records=True)}"
    header = find_table(head, suffix, is_cut=is_cut) if expected == "jsonl" and not has_objects(head) else None
    return f"is {TITLES[name_format(header)]}, not {title}; {describe_columns(header)}" if header else ""


def find_wrong_json(head: str, expected: Expected) -> Json | None:
    """Read JSON that has no objects in lines, or any that should be a table.

    None where it is none, has such lines, or is one record that may be broken.
    """
    text = head.strip()
    if text in ("[", "{"):  # all that can be seen of what comes through a pipe; what it has is not known
        return Json([UNKNOWN] if text == "[" else UNKNOWN, is_lines=False)
    found = read_json(text)
    if expected != "jsonl":
        return found
    if found is None or not found.has_texts or ("\n" not in text and not (text.startswith("[") and found.is_named)):
        return None
    is_array = found.is_sound and not found.is_lines and load(text.partition("\n")[0]) is None
    return found if is_array or not has_objects(head) else None


def has_objects(head: str) -> bool:
    """Tell whether a line is an object."""
    return any(isinstance(load(line), dict) for line in head.split("\n"))


def find_table(head: str, suffix: str, *, is_cut: bool) -> Row | None:
    """Return the header of a table that its name or all of it shows; None where there is none."""
    if BY_SUFFIX.get(suffix) is TABLE:
        return read_header(split_rows(Input("head", text=head)))
    return find_header(head, is_cut=is_cut)


def name_format(header: Row) -> Expected:
    """Name the format of a table."""
    return "tsv" if header.delimiter == "\t" else "csv"


def describe_columns(header: Row) -> str:
    """Say how to get at the texts in a table, by its columns."""
    columns = ", ".join(cell.value for cell in header.cells[:MOST_NAMES])
    return f"give --format {name_format(header)} --field NAME, one of: {columns}"
