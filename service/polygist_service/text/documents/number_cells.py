"""Lines and cells that are nothing but numbers, which languages write in different ways."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from polygist_service.text.numbers.conventions import CURRENCIES
from polygist_service.text.numbers.writing import CELL, LONGEST_CELL
from polygist_service.text.segmentation import Span, strip

# Words, which no number has: nothing else is looked at.
WORDS = re.compile(r"[^\W\d_]{4}|[a-zà-ÿ]{2}")
# Digits with a sign that parts them, which is another in other languages.
PARTED = re.compile(r"\d{1,3}(?:[.,'’ \xa0\u202f\u2009]\d{3})+(?:[.,]\d+)?|\d+[.,]\d+")
WHOLE = re.compile(r"\d+")
DASH = r"[-–—]"
# What stands between numbers, and before the first of a list of them. Without white space it is part of codes as well.
BETWEEN = re.compile(
    r"^(?:[•◦▪·*]|\d{1,3}[.)](?=[ \t])|[a-zA-Z]\)|\[[ xX]?\])[ \t]+|(?<![ \t])[ \t]*[|;][ \t]*|[,:][ \t]+"
    rf"|(?<![ \t])[ \t]+(?:{DASH}|[/+=x×÷~→])[ \t]+|[.,;:]$"
)
TIGHT = re.compile(rf"(?<=\d){DASH}|(?<=[%€)]){DASH}(?=[\d$£€])|(?<=\d)/(?=\d)|(?<=[\d%)])[ \t]+(?=[\d$£€(+−-])")
SECTION = re.compile(r"\d{1,2}\.\d{1,2}")
PRICE = re.compile(r"\d{1,2}\.\d\d")


def find_cell_numbers(text: str, start: int, end: int) -> list[Span]:
    """Return the spans of the numbers of a cell that has no words; none where any of it is a code, a date or else.

    Numbers of one group of digits are left out: they are the same in all languages.

    Args:
        text: of the document.
        start, end: span of the cell.
    """
    if WORDS.search(text, start, end):
        return []
    found: list[Span] = []
    for low, high in pieces(text, start, end, BETWEEN):
        if read_number(text[low:high]):
            found.append((low, high))
        elif any(map(str.isalnum, text[low:high])) and not is_whole(text[low:high]):
            parts = list(pieces(text, low, high, TIGHT))
            if len(parts) < 2 or not all(read_number(text[at:to]) for at, to in parts):
                return []
            found += parts
    return found


def pieces(text: str, start: int, end: int, between: re.Pattern[str]) -> Iterator[Span]:
    """Yield what `between` parts in text[start:end], without white space at its ends."""
    shown = text[start:end]
    borders = [(0, 0), *(found.span() for found in between.finditer(shown)), (len(shown), len(shown))]
    for (_, low), (high, _) in pairwise(borders):
        if low < high:
            yield strip(text, start + low, start + high)


def read_number(shown: str) -> bool:
    """Whether something is one number whose digits languages part in different ways."""
    match = CELL.fullmatch(shown) if len(shown) <= LONGEST_CELL else None
    return match is not None and bool(PARTED.fullmatch(match["digits"])) and has_currency(match)


def is_whole(shown: str) -> bool:
    """Whether something is a number that all languages write in the same way."""
    match = CELL.fullmatch(shown) if len(shown) <= LONGEST_CELL else None
    return match is not None and bool(WHOLE.fullmatch(match["digits"])) and has_currency(match)


def has_currency(match: re.Match[str]) -> bool:
    """Whether the letters around a number, if there are any, name a currency: "EUR 1.50", but not "USB 3.1"."""
    names = (re.sub(r"[^\w$£€¥₹₽₩.]|\d", "", match[side]) for side in ("before", "after"))
    return all(not any(map(str.isalpha, name)) or name == "C" or name.lower() in CURRENCIES for name in names)


def find_sections(text: str, rows: Sequence[Sequence[Span]]) -> frozenset[Span]:
    """Return the first cells of lines that stand together which number sections or versions: "1.1", "2.3".

    They are numbers of things where all of their row is, and where those above and below are none of sections.

    Args:
        text: of the document.
        rows: the cells of each line.
    """
    found: list[Span] = []
    run: list[Sequence[Span]] = []
    for cells in (*rows, ()):
        if cells and (find_cell_numbers(text, *cells[0]) or is_whole(text[slice(*cells[0])])):
            run.append(cells)
            continue
        numbered = [row for row in run if not is_whole(text[slice(*row[0])])]
        if are_sections([text[slice(*row[0])] for row in numbered]):
            found += (row[0] for row in numbered if len(row) < 2 or not is_numeric(text, row))
        run = []
    return frozenset(found)


def is_numeric(text: str, cells: Sequence[Span]) -> bool:
    """Whether all cells of a line have digits and no words."""
    shown = [text[start:end] for start, end in cells]
    return all(any(map(str.isdigit, each)) and not WORDS.search(each) for each in shown)


def are_sections(shown: Collection[str]) -> bool:
    """Whether numbers are those of sections, such as "1.1": prices have two decimals, and do not count up by one."""
    if not all(map(SECTION.fullmatch, shown)):
        return False
    if len(shown) < 2 or not all(map(PRICE.fullmatch, shown)):
        return True
    values = [int(each.replace(".", "")) for each in shown]
    return all(after - before == 1 for before, after in pairwise(values))
