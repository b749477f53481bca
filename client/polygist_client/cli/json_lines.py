"""Records of JSON Lines, of which only what is added differs: all else stays byte for byte.

What is read and written again by a JSON library has other numbers (``1E400``), escapes, spaces and double keys than
before. None keeps where a value stands, so the places are found here, with the scanner of the standard library.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython and PyPy, missing in typeshed
from typing import Any

from polygist_client.cli.inputs import Input, InputError, Line
from polygist_client.cli.journal import Status
from polygist_client.cli.records import (
    ERROR,
    WARNINGS,
    Answer,
    Fields,
    Record,
    Text,
    describe_warnings,
    find_failure,
    free_name,
    make_record,
    recognise_same,
)
from polygist_client.options import JsonReply

# Numbers stay as they are written: some are too large or too long for Python.
DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
SPACE = re.compile(r"[ \t\r\n]*")
KINDS = {"{": "an object", "[": "a list", "t": "true", "f": "false", "n": "null", "N": "NaN", "I": "Infinity"}

Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Member:
    """A key and its value in an object, and where both stand in the line."""

    key: str
    key_start: int
    key_end: int
    start: int
    end: int

    def raw_in(self, line: str) -> str:
        """Return the value as it stands in its line."""
        return line[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a record: the members of its object, and which of them it is."""

    members: tuple[Member, ...]
    member: Member


@dataclass(frozen=True, slots=True)
class Layout:
    """An object, and where its texts are.

    Attributes:
        line: where it stands.
        fields: the fields that were asked for.
        members: its own.
        places: those of the texts.
        texts: the texts.
    """

    line: Line
    fields: Fields
    members: tuple[Member, ...]
    places: tuple[Place, ...]
    texts: tuple[Text, ...]

    @property
    def said(self) -> tuple[str, str]:
        """Where warnings and the error go."""
        into = self.fields.into_of(self.places[0].member.key if self.places else self.fields.names[0])
        taken = {each.key for each in self.members} | {self.fields.into_of(name) for name in self.fields.names}
        return free_name(WARNINGS, into, taken), free_name(ERROR, into, taken)


def read_json_lines(source: Input, fields: Fields) -> Iterator[Record]:
    """Read fields of every JSON object as texts; a record that has none has an error instead."""
    for line in source.lines():
        if not line.text.strip() and not line.error:
            yield make_record(source, line, partial(keep_line, line), recognise=partial(recognise_same, line))
            continue
        try:
            members = scan_object(line)
        except InputError as error:
            finish = partial(finish_broken, line, fields, error)
            yield make_record(source, line, finish, error=error, recognise=partial(recognise_broken, line))
        else:
            yield read_object(source, line, fields, members)


def keep_line(line: Line, answers: Sequence[Answer]) -> str:
    """Return a line as it is."""
    return line.text + line.end


def scan_object(line: Line) -> tuple[Member, ...]:
    """Scan the object in a line; raises InputError where it has none."""
    if line.error:
        raise line.error
    start = SPACE.match(line.text).end()  # type: ignore[union-attr]
    try:
        DECODER.decode(line.text)
    except json.JSONDecodeError as error:
        said = (error.msg[0].lower() + error.msg[1:]).removesuffix(" at")  # which some of Python's messages end with
        raise InputError(f"is no JSON: {said} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"is no JSON: {error}") from None
    if line.text[start] != "{":
        raise InputError(f"is no JSON object but {name_kind(line.text, start)}")
    return scan_members(line.text, start)


def name_kind(text: str, start: int) -> str:
    """Name the kind of the value that begins at `start`."""
    return "text" if text[start] == '"' else KINDS.get(text[start], "a number")


def scan_members(text: str, start: int) -> tuple[Member, ...]:
    """Scan the object that begins at `start` of valid JSON."""

    def skip(place: int) -> int:
        return SPACE.match(text, place).end()  # type: ignore[union-attr]

    members = []
    place = skip(start + 1)
    while text[place] != "}":
        key, key_end = scanstring(text, place + 1, True)
        value = skip(skip(key_end) + 1)
        end = DECODER.raw_decode(text, value)[1]
        members.append(Member(key, place, key_end, value, end))
        place = skip(end)
        if text[place] == ",":
            place = skip(place + 1)
    return tuple(members)


def find_place(text: str, members: tuple[Member, ...], name: str) -> Place | None:
    """Find a field by its name, ``a.b`` within ``a``; a key that has the dot itself is found first.

    Of a key that stands twice the last one counts, as for every JSON library.
    """
    heads = [name] + [name[:place] for place in range(len(name) - 1, 0, -1) if name[place] == "."]
    for head in heads:
        member = find_member(members, head)
        if member is None:
            continue
        if head == name:
            return Place(members, member)
        if text[member.start] == "{":
            inner = scan_members(text, member.start)
            found = find_place(text, inner, name[len(head) + 1 :])
            if found:
                return found
    return None


def find_member(members: tuple[Member, ...], key: str) -> Member | None:
    """Find the last member of this key."""
    return next((each for each in reversed(members) if each.key == key), None)


def read_object(source: Input, line: Line, fields: Fields, members: tuple[Member, ...]) -> Record:
    """Make the record of an object."""
    texts, places, errors = [], [], []
    for name in fields.names:
        try:
            place = parse_place(line.text, members, fields, name)
        except InputError as found:
            errors.append(found)
        else:
            places.append(place)
            text = DECODER.raw_decode(line.text, place.member.start)[0]
            texts.append(Text(text, field=name, format=fields.format_of(name)))
    error = InputError("; ".join(each.message for each in errors)) if errors else None
    layout = Layout(line, fields, members, tuple(places), tuple(texts))
    return make_record(
        source, line, partial(finish_object, layout, error), texts=layout.texts, id=read_id(line.text, members),
        error=error, recognise=partial(recognise_object, layout),
    )  # fmt: skip


def parse_place(text: str, members: tuple[Member, ...], fields: Fields, name: str) -> Place:
    """Find the text of a field; raises InputError where it has none, or no room for the result beside it."""
    place = find_place(text, members, name)
    if place is None:
        raise InputError(f"has no field {name!r}; fields with text: {list_texts(text, members)}")
    if text[place.member.start] != '"':
        kind = name_kind(text, place.member.start)
        raise InputError(f"field {name!r} is {kind}, not text; fields with text: {list_texts(text, members)}")
    into = fields.into_of(place.member.key)
    if find_member(place.members, into) and not fields.may_replace:
        raise InputError(f"has a field {into!r} already; name another with --into, or this one to replace it")
    return place


def list_texts(text: str, members: tuple[Member, ...]) -> str:
    """List the fields that have a text, for a message."""
    return ", ".join(each.key for each in members if text[each.start] == '"') or "none"


def read_id(text: str, members: tuple[Member, ...]) -> str:
    """Return what a record calls itself: its field ``id``, where that is a text or a number."""
    member = find_member(members, "id")
    if member is None or text[member.start] in "{[n":
        return ""
    return str(DECODER.raw_decode(text, member.start)[0])


def finish_broken(line: Line, fields: Fields, error: InputError, answers: Sequence[Answer]) -> str:
    """Make an object of a line that is none."""
    intos = [fields.into_of(name) for name in fields.names]
    key = free_name(ERROR, intos[0], intos)
    failure = find_failure(Fields(), (), (), error)
    return to_line({**name_broken(line), key: failure}) + line.end


def name_broken(line: Line) -> JsonReply:
    """Return what an object says of a line that is none."""
    raw = line.text.encode("utf-8", "surrogateescape")
    return {"line": line.number, "input": raw.decode("utf-8", "backslashreplace")}


def recognise_broken(line: Line, shown: str) -> Status | None:
    """Recognise the object of a line that is none."""
    try:
        found = json.loads(shown)
        return "failed" if found.items() >= name_broken(line).items() else None
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None


def finish_object(layout: Layout, error: InputError | None, answers: Sequence[Answer]) -> str:
    """Write a record with its results beside the texts that they are of, and what there is to say of them behind."""
    results = [answer.text for answer in answers]
    warnings = describe_warnings(layout.fields, layout.texts, answers)
    return lay_out(layout, results, (warnings, find_failure(layout.fields, layout.texts, answers, error)))


def recognise_object(layout: Layout, shown: str) -> Status | None:
    """Recognise the output of a record: it is what comes of the results that it has."""
    try:
        found = json.loads(shown)
        members = scan_members(shown, shown.index("{"))
        there = [find_result(layout, shown, members, number) for number in range(len(layout.texts))]
        results = [None if each is None else read_result(layout, shown, each, at) for at, each in enumerate(there)]
        warnings, failure = (found.get(name) for name in layout.said)
        if lay_out(layout, results, (warnings, failure)) != shown:
            return None
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None
    if failure:
        return "failed"
    if None in there or len(there) < len(layout.fields.names):
        return None
    return "blank" if all(text.is_blank for text in layout.texts) else "done"


def find_result(layout: Layout, shown: str, members: tuple[Member, ...], number: int) -> Member | None:
    """Find the result of a text in what may be the output of its record; None where there is none."""
    place = find_place(shown, members, layout.texts[number].field)
    return find_member(place.members, layout.fields.into_of(place.member.key)) if place else None


def read_result(layout: Layout, shown: str, member: Member, number: int) -> str | None:
    """Read a result; None where what was there before still is. Raises ValueError where it is no text."""
    origin = layout.places[number]
    before = find_member(origin.members, layout.fields.into_of(origin.member.key))
    if before and before.raw_in(layout.line.text) == member.raw_in(shown):
        return None
    result = json.loads(member.raw_in(shown))
    if not isinstance(result, str):
        raise ValueError(f"{member.key} is no result")
    return result


def lay_out(layout: Layout, results: Sequence[str | None], said: Sequence[Any]) -> str:
    """Write a record with its results, and behind them what is said of them, where there is something."""
    text = layout.line.text
    edits = [
        edit_member(text, place.members, layout.fields.into_of(place.member.key), result)
        for place, result in zip(layout.places, results, strict=True)
        if result is not None
    ]
    edits += [
        edit_member(text, layout.members, name, value) for name, value in zip(layout.said, said, strict=True) if value
    ]
    return apply_edits(text, edits) + layout.line.end


def edit_member(text: str, members: tuple[Member, ...], key: str, value: Any) -> Edit:
    """Make the edit that gives an object this member: in place of one of this key, else behind all, spaced alike."""
    if (member := find_member(members, key)) is not None:
        return member.start, member.end, to_line(value)
    comma, colon = ", ", ": "
    if members:
        colon = text[members[0].key_end : members[0].start]
    if len(members) > 1:
        comma = text[members[0].end : members[1].key_start]
    end = members[-1].end if members else text.index("{") + 1
    return end, end, f"{comma if members else ''}{to_line(key)}{colon}{to_line(value)}"


def apply_edits(text: str, edits: list[Edit]) -> str:
    """Apply edits that do not overlap; those at the same place in the order given."""
    parts, done = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[0]):
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def to_line(value: JsonReply | str | list[JsonReply]) -> str:
    """Write `value` as JSON in one line, readable where it is Unicode text."""
    line = json.dumps(value, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # a lone surrogate that a message quotes
        return json.dumps(value)
    return line
