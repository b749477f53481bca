"""The entries of a catalogue of messages, and the lines that they are written on.

A catalogue is read here, line by line, by the grammar in the manual of gettext, as no library keeps where lines stand:
polib takes a text that is also a path for that file and needs quadratic time for long strings, Babel takes much that is
no catalogue for one and keeps one of messages that are alike. Both forget how strings were broken into lines.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from polygist_service.errors import InvalidDocument

LINE = re.compile(r"[^\n]*\n|[^\n]+")
STRING = re.compile(r'\s*(?P<keyword>msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?)?\s*"(?P<text>(?:[^"\\]|\\.)*+)"\s*')
ENTRY = re.compile(r"(?:msgctxt )?msgid (?:msgstr |msgid_plural (?P<forms>(?:msgstr\[\d\] )+))")
COMMENT = re.compile(r"\s*(#[,=|~]?)(.*)", re.DOTALL)
FUZZY = "fuzzy"
ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"'?])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|.)")
MEANT: Mapping[str, str] = dict(zip("abfnrtv\\\"'?", "\a\b\f\n\r\t\v\\\"'?", strict=True))
WRITTEN = str.maketrans({meant: rf"\{letter}" for letter, meant in MEANT.items() if letter not in "'?"})
# Lines that gettext breaks have no more columns.
WIDTH = 79
MOST_SHOWN = 60
LAST_ASCII = 0x7F
WORD = re.compile(r"\S*\s+|\S+")


@dataclass(frozen=True, slots=True)
class Field:
    """A string of an entry, on the lines `start` to `end`, half-open."""

    keyword: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that is in use, with its translations.

    Attributes:
        start: the first of its lines that is no comment.
        context: tells it from others with the same words.
        message: what is translated.
        plural: the same for several things, where that is said otherwise.
        forms: its translation; of a message with a plural one for each form that the language has.
        flags: what is said of it, such as ``c-format``.
        flag_lines, previous_lines: where that is said, and what the message was when its fuzzy translation was written.
    """

    start: int
    context: str | None
    message: str
    plural: str | None
    forms: tuple[Field, ...]
    flags: frozenset[str]
    flag_lines: tuple[int, ...]
    previous_lines: tuple[int, ...]

    @property
    def is_header(self) -> bool:
        """Whether it holds what there is to know of the catalogue."""
        return not self.message and self.context is None

    @property
    def is_fuzzy(self) -> bool:
        """Whether its translation is a guess that is not used."""
        return FUZZY in self.flags

    @property
    def is_translated(self) -> bool:
        """Whether it has a translation, be it a guess."""
        return all(form.text for form in self.forms)


def cut_lines(text: str) -> list[str]:
    """Cut a text into its lines, each with what ends it."""
    return LINE.findall(text)


def read_entries(lines: Sequence[str]) -> list[Entry]:
    """Read the entries of a catalogue, without those that are out of use.

    Raises:
        InvalidDocument: it is no catalogue.
    """
    entries: list[Entry] = []
    fields: list[Field] = []
    comments: list[Field] = []
    for field in read_fields(lines):
        is_comment = field.keyword.startswith("#")
        goes_on = field.keyword.startswith("msgstr") or field.keyword == "msgid_plural"
        goes_on = goes_on or (field.keyword == "msgid" and [each.keyword for each in fields] == ["msgctxt"])
        if fields and not goes_on:
            entries.append(make_entry(lines, fields, comments))
            fields, comments = [], []
        if field.keyword == "#~":
            comments = []
        else:
            (comments if is_comment else fields).append(field)
    if fields:
        entries.append(make_entry(lines, fields, comments))
    return entries


def read_fields(lines: Sequence[str]) -> Iterator[Field]:
    """Yield the strings and the comments of a catalogue; raises InvalidDocument for lines that are neither."""
    keyword, start, texts = "", 0, list[str]()
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        comment, string = COMMENT.fullmatch(line), STRING.fullmatch(line)
        if keyword and (comment or (string and string["keyword"])):
            yield Field(keyword, "".join(texts), start, start + len(texts))
            keyword, texts = "", []
        if comment:
            yield Field(comment[1], comment[2], number, number + 1)
        elif string is None or not (keyword or string["keyword"]):
            raise refuse(lines, number)
        else:
            if string["keyword"]:
                keyword, start = string["keyword"], number
            elif start + len(texts) != number:
                raise refuse(lines, number)
            texts.append(read_string(string["text"], number))
    if keyword:
        yield Field(keyword, "".join(texts), start, start + len(texts))


def make_entry(lines: Sequence[str], fields: Sequence[Field], comments: Sequence[Field]) -> Entry:
    """Return the entry that fields make; raises InvalidDocument where they make none."""
    forms = tuple(each for each in fields if each.keyword.startswith("msgstr"))
    order = "".join(f"{each.keyword} " for each in fields)
    numbers = [each.keyword for each in forms]
    if not ENTRY.fullmatch(order) or numbers not in (["msgstr"], [f"msgstr[{at}]" for at in range(len(numbers))]):
        raise refuse(lines, fields[-1].start)
    texts = {each.keyword: each.text for each in fields}
    flags = [each for each in comments if each.keyword in ("#,", "#=")]
    return Entry(
        start=fields[0].start,
        context=texts.get("msgctxt"),
        message=texts["msgid"],
        plural=texts.get("msgid_plural"),
        forms=forms,
        flags=frozenset(flag for each in flags for flag in read_flags(each.text)),
        flag_lines=tuple(each.start for each in flags),
        previous_lines=tuple(each.start for each in comments if each.keyword == "#|"),
    )


def refuse(lines: Sequence[str], number: int) -> InvalidDocument:
    """Return the error that a line is not what has to stand there."""
    line = lines[number].strip()
    shown = line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}…"
    return InvalidDocument(
        f"is no catalogue of messages: line {number + 1} is {shown!r}, where no such line can stand; "
        "msgfmt -c tells more"
    )


def read_flags(text: str) -> list[str]:
    """Return the flags of a comment."""
    return [flag for each in text.split(",") if (flag := each.strip())]


def read_string(text: str, number: int) -> str:
    """Return what is meant by a string, given what stands between its quotes on a line.

    Raises:
        InvalidDocument: it has a character written as a byte of an encoding.
    """

    def read(found: re.Match[str]) -> str:
        letter, octal, digits = found.groups()
        if letter:
            return MEANT[letter]
        code = int(octal, 8) if octal else int(digits, 16) if digits else LAST_ASCII + 1
        if code > LAST_ASCII:
            raise InvalidDocument(f"line {number + 1} has the escape {found[0]!r}; rewrite it: msgcat --no-escape")
        return chr(code)

    return ESCAPE.sub(read, text) if "\\" in text else text


def write_string(keyword: str, text: str, *, ending: str, wraps: bool) -> str:
    """Return the lines of a string.

    Args:
        keyword: what they begin with.
        text: what is meant.
        ending: what ends each line.
        wraps: whether lines end at a width, and not only where the text has line breaks.
    """
    written = [each.translate(WRITTEN) for each in cut_lines(text)]
    room = WIDTH - len('""')
    if len(written) <= 1 and (not wraps or len(keyword) + 1 + len(text.translate(WRITTEN)) <= room):
        return f'{keyword} "{"".join(written)}"{ending}'
    pieces = [piece for line in written for piece in (wrap(line, room) if wraps else [line])]
    return "".join(f"{line}{ending}" for line in (f'{keyword} ""', *(f'"{piece}"' for piece in pieces)))


def wrap(line: str, room: int) -> Iterator[str]:
    """Yield a line in pieces of so many characters at most, each of which ends behind spaces where it has any."""
    piece = ""
    for word in WORD.findall(line):
        if piece and len(piece) + len(word) > room:
            yield piece
            piece = ""
        piece += word
    yield piece


def breaks_lines(lines: Sequence[str]) -> bool:
    """Whether strings of a catalogue go on on another line where they have no line break."""
    return any(
        after.lstrip().startswith('"') and not before.rstrip().endswith(('\\n"', '""', "#"))
        for before, after in pairwise(lines)
    )
