"""What a file is where it is no plain text, by its first bytes and its name, and how to get at its text.

A text is never refused for a word that it begins with: marks have to be whole ones, JSON has to be JSON.
"""

import csv
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from polygist_client.cli.binaries import describe_binary
from polygist_client.cli.csv_rows import DELIMITERS, NAMED_DELIMITER, detect_delimiter, split_cells
from polygist_client.cli.inputs import Input, find_encoding

# What an input is read as: prose; prose line by line; anything in which there are words; what its format says; or text,
# come what may.
Expected = Literal["prose", "lines", "words", "jsonl", "csv", "tsv", "text"]
FORMATS: Mapping[str, str] = {"jsonl": "JSON Lines", "csv": "CSV", "tsv": "TSV"}

HEAD_BYTES = 100_000
# Of longer inputs the end may not be there to see.
CUT_BYTES = 8192
# A table under another name: so many rows, whose first one has names of so many words and characters.
FEWEST_ROWS, NAME_WORDS, NAME_CHARACTERS = 3, 3, 30
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
MOST_NAMES = 12
TAKE_OUT = "take its text out: {tool} | polygist …"


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


HTML = Kind("an HTML page, whose tags would be taken for words", TAKE_OUT.format(tool="pandoc -f html -t plain {file}"))
XML = Kind("XML, whose tags would be taken for words", "take its text out first")
SUBTITLES = Kind(
    "a file of subtitles, whose times would be taken for words", "take the lines that are spoken out first"
)
GETTEXT = Kind(
    "a catalogue of gettext, whose keys would be taken for words", "make JSON Lines of its messages, for --format jsonl"
)
SETTINGS = Kind(
    "a file of keys and values, whose keys would be taken for words", "make JSON Lines of its texts, for --format jsonl"
)
LATEX = Kind("LaTeX, whose commands would be taken for words", TAKE_OUT.format(tool="pandoc -t plain {file}"))
PDF = Kind("a PDF", TAKE_OUT.format(tool="pdftotext {file} -"), has_words=False)
RTF = Kind("RTF", TAKE_OUT.format(tool="pandoc -f rtf -t plain {file}"), has_words=False)
POSTSCRIPT = Kind("PostScript", TAKE_OUT.format(tool="ps2ascii {file}"), has_words=False)
JSON_LINES, JSON, TABLE = Kind("JSON Lines", ""), Kind("JSON", ""), Kind("a table (CSV or TSV)", "")

# The whole of what such a text begins with, after spaces, in letters of either case; a dot is a line end too.
SIGNATURES: tuple[tuple[str, Kind], ...] = (
    (r"%PDF-\d\.\d\s*?[\r\n%]", PDF),
    (r"\{\\rtf\d\s*[\\{]", RTF),
    (r"%!PS(?:-Adobe.*?)?\s*?[\r\n]", POSTSCRIPT),
    (r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:html|head|body)(?:\s[^>]*)?>", HTML),
    (r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<!doctype\s+html(?:\s[^>]*)?>\s*(?:<|$)", HTML),
    (r"<(p|div|h[1-6]|table|ul|ol|article|section|main)(?:\s[^<>]*)?>.*?</\1\s*>", HTML),
    (r"<\?xml\s[^>]*\?>", XML),
    (r"<(?:svg|xliff|tmx|rss)\s[^>]*>", XML),
    (r"WEBVTT\s*(?:\n|$)", SUBTITLES),
    (r"\d+\s*\n\d\d:\d\d:\d\d,\d{3} --> ", SUBTITLES),
    (r"(?:#[^\n]*\n|\s)*msgid \"", GETTEXT),
    (r"\\documentclass\s*(?:\[[^\]]*\]\s*)?\{[^}]*\}\s*?(?:[\n%\\]|$)", LATEX),
)
# A page behind what it was saved with: a line, or the headers of HTTP.
LATE_HTML = re.compile(
    r"(?:[^\n]*\n){1,40}?\s*(?:<!doctype\s+html[^>]*>\s*)?<html(?:\s[^>]*)?>\s*<(?:head|body)\b", re.IGNORECASE
)
BY_SUFFIX: Mapping[str, Kind] = {
    suffix: kind
    for suffixes, kind in (
        (".jsonl .ndjson .jsonlines", JSON_LINES),
        (".json .geojson .arb .ipynb", JSON),
        (".csv .tsv .tab", TABLE),
        (".html .htm .xhtml", HTML),
        (".xml .xliff .xlf .tmx .resx .svg .rss", XML),
        (".srt .vtt .ass .ssa", SUBTITLES),
        (".po .pot", GETTEXT),
        (".yaml .yml .toml .ini .properties .strings", SETTINGS),
        (".tex .latex", LATEX),
        (".rtf", RTF),
    )
    for suffix in suffixes.split()
}
# What is taken for text, with a warning: what its marks or its other words are.
DOUBTFUL: Mapping[str, str] = {
    suffix: marks
    for suffixes, marks in (
        (".md .markdown .rst .adoc .org .textile .wiki", "marks such as # and *"),
        (".eml .mbox .ics .vcf", "headers"),
        (
            ".py .pyi .js .mjs .ts .jsx .tsx .java .kt .c .h .cc .cpp .hpp .cs .go .rs .rb .pl .php .swift .scala",
            "code",
        ),
        (".lua .r .sh .bash .ps1 .bat .sql .css .scss .less .vue .svelte .cmake .diff .patch", "code"),
    )
    for suffix in suffixes.split()
}


def look_at(source: Input, raw: bytes, *, is_decodable: bool, expected: Expected) -> str:
    """Say why an input is not to be read so, and what to do; empty where nothing speaks against it.

    Args:
        source: the input.
        raw: its bytes, or those of its first line.
        is_decodable: whether they are Unicode.
        expected: what it is read as.
    """
    file = shlex.quote(str(source.path)) if source.path else "FILE"
    if not is_decodable:
        kind = find_kind(raw[:HEAD_BYTES].decode("latin-1"), "")
        if kind and not kind.has_words:
            return f"is {kind.what}; {kind.cure.format(file=file)}"
        if find_encoding(raw).mark:
            return ""  # it says itself what it is, and is not quite that
        # The header of a table is no record: without it there are none.
        return describe_binary(raw, source.path, file=file, is_of_records=expected in ("jsonl", "lines"))
    if expected == "text":
        return ""
    head = find_encoding(raw).decode_anyway(raw[:HEAD_BYTES], at_start=True)
    is_cut = len(raw) >= CUT_BYTES
    if expected in FORMATS:
        return look_at_records(head, raw, file=file, is_cut=is_cut, expected=expected)
    kind = find_kind(head, source.path.suffix.lower() if source.path else "", is_cut=is_cut)
    if kind is None or (kind.has_words and expected == "words"):
        return ""
    force = "; or say --format text" if expected in ("prose", "lines") else ""
    return f"is {kind.what}; {describe_cure(kind, head, raw, file)}{force}"


def look_at_records(head: str, raw: bytes, *, file: str, is_cut: bool, expected: Expected) -> str:
    """Say why an input has no records of the format that was named, and which; empty where it may have."""
    lines = [line for line in head.splitlines() if line.strip()]
    if expected == "jsonl":
        whole = load_json(head)
        is_list = lines[:1] == ["["] or (isinstance(whole, list) and is_named(whole))
        if not is_list and any(isinstance(load_json(line), dict) for line in lines):
            return ""  # what is wrong with the others is told of each
        kind = find_kind(head, "", is_cut=is_cut) or find_json_texts(lines)
        kind = kind or (JSON if is_list or lines == ["{"] else None)
    else:
        kind = find_kind(head, "", is_cut=is_cut)
        if kind in (None, TABLE):
            is_other = expected == "tsv" and lines and "\t" not in lines[0] and detect_delimiter(lines[0]) in lines[0]
            kind = TABLE if is_other else None
    if kind is None:
        return ""
    what = "CSV" if expected == "tsv" and kind is TABLE else kind.what.partition(",")[0]
    what += " of texts" if expected == "jsonl" and kind is JSON_LINES else ""
    return f"is no {FORMATS[expected]} but {what}; {describe_cure(kind, head, raw, file)}"


def find_json_texts(lines: Sequence[str]) -> Kind | None:
    """Tell whether every line is a text as JSON has it, or all are a list of such."""
    values = [load_json(line) for line in lines] or [None]
    if len(values) > 1 and all(isinstance(value, str) for value in values):
        return JSON_LINES
    found = load_json("\n".join(lines))
    return JSON if isinstance(found, list) and all(isinstance(each, str) for each in found) else None


def find_kind(head: str, suffix: str, *, is_cut: bool = False) -> Kind | None:
    """Find what a text is by what it begins with, else by its suffix; None where it may be prose."""
    for pattern, kind in SIGNATURES:
        if re.match(rf"\s*(?:{pattern})", head, re.IGNORECASE | re.DOTALL):
            return kind
    if LATE_HTML.match(head) and (is_cut or head.rstrip().lower().endswith("</html>")):
        return HTML
    if suffix not in BY_SUFFIX and (found := find_json(head, is_cut=is_cut) or find_table(head, is_cut=is_cut)):
        return found
    return BY_SUFFIX.get(suffix) if head.strip() else None


def find_json(head: str, *, is_cut: bool) -> Kind | None:
    """Tell whether a text is JSON with something in it that has a name: "[1] As Smith has it" is none."""
    text = head.strip()
    if not text.startswith(("{", "[")):
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    if is_named(load_json(lines[0])):
        others = lines[1 : -1 if is_cut else None]
        if len(lines) > 1 and 2 * sum(load_json(line) is not None for line in others) < len(others):
            return None  # an example, and what is said of it
        return JSON_LINES if len(lines) > 1 or text.startswith("{") else JSON
    if is_named(load_json(text)):
        return JSON
    try:
        json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        is_begun = re.match(r'[\[{]\s*(?:\{\s*)?"[^"\n]*"\s*:\s*\S', text)
        return JSON if is_begun and (is_cut or text.endswith(("}", "]"))) else None
    return None  # what stands behind it is none


def find_table(head: str, *, is_cut: bool) -> Kind | None:
    """Tell whether a text is a table: a row of names, and under it rows of as many cells; verses and lists are none."""
    lines = [line for line in head.splitlines()[: -1 if is_cut else None] if line.strip()]
    for delimiter in DELIMITERS if len(lines) >= FEWEST_ROWS else ():
        try:
            rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        names = rows[0]
        is_even = len(rows) >= FEWEST_ROWS and len(names) > 1 and {len(row) for row in rows} == {len(names)}
        # Whoever writes sentences puts a space behind a comma.
        cells = [cell for row in rows for cell in row[1:]]
        if not is_even or 2 * sum(cell.startswith(" ") for cell in cells) > len(cells) or not all(map(is_name, names)):
            continue
        is_quoted = any(f'{delimiter}"' in line or line.startswith('"') for line in lines)
        if len(set(names)) == len(names) and (len(names) > 2 or is_quoted or all(map(IDENTIFIER.fullmatch, names))):
            return TABLE
    return None


def is_name(cell: str) -> bool:
    """Tell whether a cell may be the name of a column."""
    is_short = len(cell.split()) <= NAME_WORDS and len(cell) <= NAME_CHARACTERS
    return is_short and any(map(str.isalpha, cell)) and not cell.rstrip().endswith((".", "!", "?", ":"))


def is_named(value: Any) -> bool:
    """Tell whether a value is an object that is not empty, or a list of such."""
    return isinstance(value, dict) and bool(value) if not isinstance(value, list) else any(map(is_named, value))


def load_json(text: str) -> Any:
    """Read JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def load_first(text: str) -> Any:
    """Read the first value of JSON that goes on; None where there is none."""
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def describe_cure(kind: Kind, head: str, raw: bytes, file: str) -> str:
    """Say how to get at the texts in a file of this kind, by the names that it has for them."""
    lines = head.strip().splitlines() or [""]
    if kind is JSON_LINES:
        first = load_json(lines[0])
        if isinstance(first, str):
            return f"take its texts out: jq -r . {file} | polygist … --lines"
        return f"give --format jsonl --field NAME{list_names(first)}"
    if kind is JSON:
        found = load_json(head)
        if found is None and head.lstrip().startswith("["):  # too long to be there as a whole
            found = [load_first(head.lstrip()[1:].lstrip())]
        if not isinstance(found, list):
            return f"{TAKE_OUT.format(tool=f'jq -r .NAME {file}')}{list_names(found)}"
        if found and isinstance(found[0], str):
            return f"take its texts out: jq -r '.[]' {file} | polygist … --lines"
        return f"make JSON Lines of it: jq -c '.[]' {file} | polygist … --format jsonl --field NAME{list_names(found)}"
    if kind is TABLE:
        lines = [line for line in lines if not NAMED_DELIMITER.fullmatch(line)] or lines
        delimiter = detect_delimiter(lines[0])
        columns = [cell.value for cell in split_cells(lines[0], delimiter)]
        name = "tsv" if delimiter == "\t" else "csv"
        return f"give --format {name} --field NAME, one of: {', '.join(columns[:MOST_NAMES])}"
    return kind.cure.format(file=file)


def list_names(value: Any) -> str:
    """List the fields that have text."""
    if isinstance(value, list):
        value = next((each for each in value if isinstance(each, dict)), None)
    names = [name for name, each in value.items() if isinstance(each, str)] if isinstance(value, dict) else []
    return f", one of: {', '.join(names[:MOST_NAMES])}" if names else ""
