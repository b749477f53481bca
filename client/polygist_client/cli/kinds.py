"""What a file is where it is no plain text, by its first bytes and its name, and how to get at its text.

A text is never refused for a word that it begins with: marks have to be whole ones, JSON has to be JSON.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from polygist_client.cli.binaries import describe_binary
from polygist_client.cli.csv_rows import detect_delimiter, split_cells
from polygist_client.cli.inputs import Input, find_encoding

# What an input is read as: prose; prose line by line; anything in which there are words; what its format says; or text,
# come what may.
Expected = Literal["prose", "lines", "words", "records", "text"]

HEAD_BYTES = 100_000
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
    (r"%PDF-\d", PDF),
    (r"\{\\rtf\d", RTF),
    (r"%!PS", POSTSCRIPT),
    (r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)(?:\s[^>]*)?>", HTML),
    (r"<(p|div|h[1-6]|table|ul|ol|article|section|main)(?:\s[^<>]*)?>.*?</\1\s*>", HTML),
    (r"<\?xml\s[^>]*\?>", XML),
    (r"<(?:svg|xliff|tmx|rss)\s[^>]*>", XML),
    (r"WEBVTT\s*(?:\n|$)", SUBTITLES),
    (r"\d+\s*\n\d\d:\d\d:\d\d,\d{3} --> ", SUBTITLES),
    (r"(?:#[^\n]*\n|\s)*msgid \"", GETTEXT),
    (r"\\documentclass\s*[\[{]", LATEX),
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
        (".tex", LATEX),
        (".rtf", RTF),
    )
    for suffix in suffixes.split()
}
MARKUP_SUFFIXES = frozenset({".md", ".markdown", ".rst", ".adoc"})


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
        return describe_binary(raw, source.path, file=file, is_of_records=expected in ("records", "lines"))
    if expected in ("text", "records"):
        return ""
    head = find_encoding(raw).decode_anyway(raw[:HEAD_BYTES], at_start=True)
    kind = find_kind(head, source.path.suffix.lower() if source.path else "")
    if kind is None or (kind.has_words and expected == "words"):
        return ""
    force = "; or say --format text" if expected in ("prose", "lines") else ""
    return f"is {kind.what}; {describe_cure(kind, head, raw, file)}{force}"


def find_kind(head: str, suffix: str) -> Kind | None:
    """Find what a text is by what it begins with, else by its suffix; None where it may be prose."""
    for pattern, kind in SIGNATURES:
        if re.match(rf"\s*(?:{pattern})", head, re.IGNORECASE | re.DOTALL):
            return kind
    if suffix not in BY_SUFFIX and (found := find_json(head)):
        return found
    return BY_SUFFIX.get(suffix) if head.strip() else None


def find_json(head: str) -> Kind | None:
    """Tell whether a text is JSON with something in it that has a name: "[1] As Smith has it" is none."""
    if not head.lstrip().startswith(("{", "[")):
        return None
    if is_named(load_json(head.strip().splitlines()[0])):
        return JSON_LINES if "\n" in head.strip() or head.lstrip().startswith("{") else JSON
    # The end of a long one is not there to see: it goes on as JSON does.
    return JSON if is_named(load_json(head)) or re.match(r'\s*[\[{]\s*(?:\{\s*)?"[^"\n]*"\s*:\s*\S', head) else None


def is_named(value: Any) -> bool:
    """Tell whether a value is an object that is not empty, or a list of such."""
    return isinstance(value, dict) and bool(value) if not isinstance(value, list) else any(map(is_named, value))


def load_json(text: str) -> Any:
    """Read JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def describe_cure(kind: Kind, head: str, raw: bytes, file: str) -> str:
    """Say how to get at the texts in a file of this kind, by the names that it has for them."""
    lines = head.strip().splitlines() or [""]
    if kind is JSON_LINES:
        return f"give --format jsonl --field NAME{list_names(load_json(lines[0]))}"
    if kind is JSON:
        found = load_json(head)
        names = list_names(found)
        if not isinstance(found, list):
            return f"{TAKE_OUT.format(tool=f'jq -r .NAME {file}')}{names}"
        return f"make JSON Lines of it: jq -c '.[]' {file} | polygist … --format jsonl --field NAME{names}"
    if kind is TABLE:
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
