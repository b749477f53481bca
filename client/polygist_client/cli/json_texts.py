"""Text that is JSON though nobody said so, as far as it can be read, and how to get at the texts in it."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython and PyPy, missing in typeshed
from typing import Any

DECODER = json.JSONDecoder()
SPACE = re.compile(r"\s*")
MOST_NAMES = 12
RECORDS = "--format jsonl --field NAME"


@dataclass(frozen=True, slots=True)
class Json:
    """What could be read of JSON.

    Attributes:
        value: the value, or the first of several; what is cut off is missing in it.
        is_lines: whether each line has one.
        is_sound: whether nothing in it is broken, as far as it goes.
    """

    value: Any
    is_lines: bool
    is_sound: bool = True

    @property
    def what(self) -> str:
        """What it is, in words."""
        if not self.is_lines:
            return "JSON"
        return "JSON Lines" if self.is_named else "JSON Lines without names"

    @property
    def is_named(self) -> bool:
        """Whether something in it has a name, as nothing in "[1]" has, which may begin a note."""
        return any(isinstance(each, dict) and each for each in flatten(self.value))

    @property
    def has_texts(self) -> bool:
        """Whether something in it has a name or is text."""
        return self.is_named or any(isinstance(each, str) for each in flatten(self.value))


def flatten(value: Any) -> Iterator[Any]:
    """Yield what is in lists, and in lists in these, however deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += reversed(each)
        else:
            yield each


def read_json(head: str) -> Json | None:
    """Read a text, which may be cut off, as JSON or JSON Lines; None where it goes on as neither.

    Prose may begin with an example of JSON; JSON may be broken somewhere.
    """
    text = head.strip()
    if not text.startswith(("{", "[", '"')):
        return None
    lines = [line for line in text.split("\n") if line.strip()]
    alike = sum(line.lstrip().startswith(text[0]) for line in lines)
    try:
        if 2 * alike > len(lines) and (first := load(lines[0])) is not None:
            return Json(first, is_lines=len(lines) > 1 or isinstance(first, dict))
        value, end, is_closed = read_part(text, 0)
        while is_closed and text.startswith(("{", "["), end):  # one value after another
            _, end, is_closed = read_part(text, end)
    except RecursionError:
        return None
    is_sound = end == len(text)
    goes_on = is_sound or (not is_closed and text.endswith(("}", "]")))
    return Json(value, is_lines=False, is_sound=is_sound) if goes_on else None


def load(text: str) -> Any:
    """Read JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read_part(text: str, place: int) -> tuple[Any, int, bool]:
    """Read the value at `place` as far as it goes; returns it, where that ends, and whether it is whole."""
    try:
        value, end = DECODER.raw_decode(text, place)
    except ValueError:
        pass
    else:
        return value, skip_space(text, end), True
    if text.startswith('"', place):
        return text[place + 1 :], len(text), False
    found: Any = {} if text.startswith("{", place) else []
    if not text.startswith(("{", "["), place):
        return None, place, False
    is_whole, separator = True, ","
    while is_whole and separator == ",":
        place, key = skip_space(text, place + 1), ""
        if isinstance(found, dict):
            try:
                key, end = scanstring(text, place + 1, True) if text.startswith('"', place) else ("", place)
            except ValueError:
                return found, len(text), False
            place = skip_space(text, end)
            if not text.startswith(":", place):
                break
            place = skip_space(text, place + 1)
        value, place, is_whole = read_part(text, place)
        if value is not None and isinstance(found, dict):
            found[key] = value
        elif value is not None:
            found.append(value)
        separator = text[place : place + 1]
    return found, place, False


def skip_space(text: str, place: int) -> int:
    """Return where what is no space begins."""
    return SPACE.match(text, place).end()  # type: ignore[union-attr]


def describe_way(found: Json, file: str, *, by_records: bool) -> str:
    """Say how to get at the texts, by the names that they have there.

    Args:
        found: the JSON.
        file: its name in a command line.
        by_records: whether records are wanted, not one text.
    """
    value = found.value
    items = value if isinstance(value, list) else [value]
    texts = [each for each in items if isinstance(each, str)]
    every = ".[]" if isinstance(value, list) else "."
    if names := next((list_names(each) for each in items if isinstance(each, dict)), None):
        listed = f", one of: {', '.join(names[:MOST_NAMES])}"
    else:
        listed = ""
    if any(isinstance(each, dict) for each in items):
        if isinstance(value, dict) and (inner := find_list(value)):
            return describe_way(Json(value[inner], is_lines=False), file, by_records=True).replace(
                shlex.quote(".[]"), shlex.quote(f".{inner if inner.isidentifier() else json.dumps(inner)}[]")
            )
        if found.is_lines and isinstance(value, dict):
            return f"give {RECORDS}{listed}"
        if isinstance(value, dict) and not by_records:
            return f"take its text out: jq -r .NAME {file} | polygist …{listed}"
        return f"make JSON Lines of it: jq -c {shlex.quote(every)} {file} | polygist … {RECORDS}{listed}"
    if any("\n" in each for each in texts):
        named = shlex.quote(f"{every} | {{text: .}}")
        return f"make JSON Lines of it: jq -c {named} {file} | polygist … --format jsonl --field text"
    if texts:
        return f"take its texts out: jq -r {shlex.quote(every)} {file} | polygist … --lines"
    return "take its texts out first, with jq for one"


def list_names(value: dict[str, Any]) -> list[str]:
    """List the fields that have text, and those in other fields, as ``--field`` and jq take them."""
    inner = [(name, each) for name, each in value.items() if isinstance(each, dict)]
    names = [name for name, each in value.items() if isinstance(each, str)]
    return names + [f"{name}.{key}" for name, each in inner for key, text in each.items() if isinstance(text, str)]


def find_list(value: dict[str, Any]) -> str:
    """Find the field that has the records, where no other has text; empty where there is none."""
    lists = [name for name, each in value.items() if isinstance(each, list) and any(isinstance(x, dict) for x in each)]
    return lists[0] if lists and not list_names(value) else ""
