"""Files that an earlier run may have written: whether they are what comes of these inputs, and what in them failed."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from polygist_client.cli.errors import FAILURES
from polygist_client.cli.inputs import Input, Line
from polygist_client.cli.journal import Status
from polygist_client.cli.records import Record


def count_results(records: Iterable[Record], found: Iterable[Line]) -> Mapping[Status, int] | None:
    """Count how the records went whose output was found; None where what was found is not the output of just these."""
    counts = Counter[Status]()
    try:
        for record, line in zip_longest(records, found):
            status = recognise(record, line) if record and line else None
            if status is None:
                return None
            counts[status] += 1
    except FAILURES:
        return None
    return counts


def pair_results(records: Iterable[Record], found: Iterable[Line]) -> Iterator[tuple[Record, str, Status]]:
    """Yield the records whose output was found, with it and how they went."""
    for record, line in zip(records, found, strict=False):
        if status := recognise(record, line):
            yield record, line.text + line.end, status


def recognise(record: Record, line: Line) -> Status | None:
    """Tell how a record went whose output this is; None where it is not."""
    return record.recognise(line.text + line.end) if record.recognise else None


def has_all_objects(path: Path, wanted: Iterable[tuple[str, str | None]]) -> bool:
    """Tell whether a file has just these objects of results, in this order.

    Args:
        path: of the file.
        wanted: the id of each, and its language where that is known.
    """
    try:
        for name_and_language, line in zip_longest(wanted, Input(str(path), path=path).lines()):
            if name_and_language is None or line is None or not is_result(line.text, *name_and_language):
                return False
    except FAILURES:
        return False
    return True


def is_result(text: str, name: str, language: str | None) -> bool:
    """Tell whether an object is a result of this name, and no error."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, dict) or "error" in found or found.get("id") != name:
        return False
    return language is None or primary(found.get("targetLanguageCode", language)) == primary(language)


def primary(code: Any) -> str:
    """Return the language of a code, without script and region: a server may write these in its own way."""
    return re.split("[-_]", str(code), maxsplit=1)[0].lower()
