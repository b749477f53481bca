"""Lines of plain text: the quote marks, indentation and list marker that stand before their words."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

# Quote marks of mail, nested or not, and the white space behind them.
PREFIX = re.compile(r"(?P<quote>(?:[ \t]{0,3}>)*)[^\S\r\n]*")

SPACE = r"[ \t\xa0]"
BULLET = r"[•◦▪▫●○■□‣⁃∙·◆◇★☆✓✔✗✘➤►▶→⇒–—*+\-]"
CHECKBOX = r"\[[ xX]?\]|\( {1,3}\)|[☐☑☒]"
ORDINAL = r"\d{1,3}(?:\.\d{1,3})*|[ivxlcdm]{2,7}|[IVXLCDM]{2,7}|[^\W\d_]"
# Of laws: paragraphs and articles, where a sentence begins behind them, and items: "§ 1.º", "Art. 5.º", "XIV –".
PARAGRAPH = r"§{1,2}[ \xa0]?\d{1,4}(?:\.?[º°ª]|[oa](?=[\s.]))?(?:-[A-Z])?\.?"
ARTICLE = (
    r"(?:Art|ART|Arts)\.[ \xa0]?\d{1,4}(?:(?:\.?[º°ª]|[oa](?=[\s.]))(?:-[A-Z])?\.?|(?:-[A-Z])?(?:\.|(?=[ \xa0][-–—])))"
)
MARKER = re.compile(
    rf"(?:(?P<bullet>{BULLET}|#{{1,6}})|{CHECKBOX}|\[\d{{1,3}}\]|(?P<speaker>[QAPR]:)"
    rf"|\((?P<enclosed>{ORDINAL})\)|(?P<closed>{ORDINAL})\)|(?P<dotted>{ORDINAL})\.|(?P<section>\d{{1,2}}(?:\.\d{{1,2}})+)"
    rf"|(?P<law>(?:{PARAGRAPH}|{ARTICLE})(?:{SPACE}[-–—](?={SPACE}))?)"
    rf"|(?P<dashed>[IVXLC]{{1,7}}){SPACE}?[-–—](?={SPACE})"
    rf"){SPACE}+(?=\S)"
)
# What begins each line of a comment.
COMMENT = re.compile(r"(?P<leader>#|//+|;+|%+|--|\*)(?:[ \t]+|$)")
LEAST_COMMENTS = 3
# Bullet, number and letter, such as "- [ ] a) ".
MOST_MARKERS = 3
ROMAN = re.compile(r"(?=.)(?:x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE)
# Laws have more items than other lists.
LONG_ROMAN = re.compile(r"(?=.)c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE)
ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
SENTENCE_END = re.compile(r"[.!?…:;。！？][\"'”’»)\]*_]*$")
# From this width on a line that ends inside a sentence may go on in the next one.
LEAST_WIDTH = 40
# What a sentence may begin with.
OPENERS = frozenset("\"“„«'‘([")
TAB = 8
# A title has no more words.
TITLE_WORDS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank.

    Attributes:
        start, stop: its half-open span, with its line break.
        quote: its quote marks, without white space.
        text_start: behind quote marks and indentation.
        body: where its words begin, behind list markers too.
        end: behind its words, before trailing white space.
    """

    start: int
    stop: int
    quote: str
    text_start: int
    body: int
    end: int

    @property
    def has_marker(self) -> bool:
        """Whether a list marker stands before its words."""
        return self.body > self.text_start


def read_lines(text: str) -> list[Line | None]:
    """Return the lines of `text`, None for those that are blank or have quote marks alone."""
    found: list[Line | None] = []
    start = 0
    for line in text.splitlines(keepends=True):
        prefix = PREFIX.match(line)
        at = prefix.end() if prefix else 0
        end = start + len(line.rstrip())
        if prefix is None or start + at >= end:
            found.append(None)
        else:
            quote = "".join(prefix["quote"].split())
            found.append(Line(start, start + len(line), quote, start + at, start + at, end))
        start += len(line)
    return find_markers(text, find_comments(text, found))


def find_comments(text: str, lines: list[Line | None]) -> list[Line | None]:
    """Return `lines` with the signs of comments among their quote marks, where several lines have the same."""
    leaders = [COMMENT.match(text, line.body, line.end) if line else None for line in lines]
    at = 0
    while at < len(lines):
        end = at + 1
        first = leaders[at]
        while first and end < len(lines) and (other := leaders[end]) and other["leader"] == first["leader"]:
            end += 1
        if first and end - at >= LEAST_COMMENTS and (first["leader"] != "*" or opens_comment(text, lines[at - 1 : at])):
            for index in range(at, end):
                line, leader = lines[index], leaders[index]
                if line and leader:
                    body, quote = leader.end(), line.quote + leader["leader"]
                    is_blank = body >= line.end
                    lines[index] = None if is_blank else replace(line, quote=quote, text_start=body, body=body)
        at = end
    return lines


def opens_comment(text: str, lines: Sequence[Line | None]) -> bool:
    """Whether the only one of `lines` opens a comment whose further lines begin with asterisks."""
    return any(line and text.startswith("/*", line.text_start) for line in lines)


def find_markers(text: str, lines: list[Line | None]) -> list[Line | None]:
    """Return `lines` with their list markers.

    "A." and "I." begin items and names, "12." an item or the end of a sentence that was wrapped there: what is not
    certain counts where the marker before or behind it is its neighbour in the same list.
    """
    marked = [
        (at, line, found)
        for at, line in enumerate(lines)
        if line and (found := MARKER.match(text, line.body, line.end))
    ]
    for place, (at, line, found) in enumerate(marked):
        beside = [marked[other][2] for other in (place - 1, place + 1) if 0 <= other < len(marked)]
        before = lines[at - 1] if at else None
        is_inside = before is not None and goes_on(text, before)
        if (is_certain(text, line, found) and not is_inside) or any(is_sibling(found, other) for other in beside):
            body = found.end()
            for _ in range(MOST_MARKERS - 1):
                following = MARKER.match(text, body, line.end)
                if not following or not (following["bullet"] or is_certain(text, line, following)):
                    break
                body = following.end()
            # What has letters in its marker alone is no item.
            lines[at] = replace(line, body=body) if any(map(str.isalpha, text[body : line.end])) else line
    return lines


def goes_on(text: str, line: Line) -> bool:
    """Whether a sentence seems to go on behind `line`."""
    return line.end - line.start >= LEAST_WIDTH and not SENTENCE_END.search(
        text, max(line.body, line.end - 8), line.end
    )


def is_certain(text: str, line: Line, marker: re.Match[str]) -> bool:
    """Whether a marker is one wherever it stands."""
    rest = text[marker.end() : line.end]
    if section := marker["section"]:
        return rest[:1].isupper() and not section.startswith("0")
    if marker["law"]:
        return rest[:1].isupper() or rest[:1] in OPENERS or marker["law"][-1] in "-–—"
    if marker["dashed"]:
        # "I - who was not asked - left."
        return (marker["dashed"] != "I" or rest[-1:] in ";:") and bool(ROMAN.fullmatch(marker["dashed"]))
    word = marker["dotted"] or marker["closed"] or marker["enclosed"]
    if word is None or word[0].isdigit():
        return True
    if len(word) > 1 and not ROMAN.fullmatch(word):
        return False
    if not marker["dotted"]:
        return True
    if len(word) > 1:
        return word.isupper()
    is_title = not SENTENCE_END.search(rest) and len(rest.split(maxsplit=TITLE_WORDS)) <= TITLE_WORDS
    return rest[:1].isupper() and is_title if word.isupper() else rest[:1].isalpha() and rest[1:2] != "."


def is_sibling(marker: re.Match[str], other: re.Match[str]) -> bool:
    """Whether two markers stand next to each other in one list: the same bullet, or numbers that follow each other."""
    if marker["bullet"] or other["bullet"]:
        return marker["bullet"] == other["bullet"]
    for style in ("dotted", "closed", "enclosed", "dashed"):
        one, two = marker[style], other[style]
        if one and two:
            return one.isupper() == two.isupper() and any(
                abs(a - b) == 1 for a, b in zip(ordinals(one), ordinals(two), strict=True) if a and b
            )
    return not (marker["section"] or marker["law"]) and marker[0] == other[0]


def ordinals(word: str) -> tuple[int, int, int]:
    """Return what a marker counts as a number, as a letter and as a Roman numeral; 0 where it is none."""
    if word[0].isdigit():
        return int(word.rpartition(".")[2]), 0, 0
    letter = ord(word.lower()) - ord("a") + 1 if len(word) == 1 and word.isascii() else 0
    if not LONG_ROMAN.fullmatch(word):
        return 0, letter, 0
    values = [ROMAN_DIGITS[character] for character in word.lower()]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return 0, letter, sum(-value if value < following else value for value, following in pairs)


def display_width(text: str) -> int:
    """Return how many columns `text` takes where characters have equal widths, those of East Asia two."""
    if text.isascii():
        return len(text)
    return sum(map(character_width, text))


def character_width(character: str) -> int:
    """Return the columns of one character: none for marks and controls, two for wide ones."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def column(text: str, line: Line, at: int) -> int:
    """Return the column of a place in a line; see `columns`."""
    return columns(text, line, (at,))[0]


def columns(text: str, line: Line, places: Iterable[int]) -> list[int]:
    """Return the columns of places in a line, which stand in order; a tab goes to the next multiple of eight."""
    found, used, start = [], 0, line.start
    for place in places:
        first, *tabbed = text[start:place].split("\t")
        used += display_width(first)
        for part in tabbed:
            used += TAB - used % TAB + display_width(part)
        found.append(used)
        start = place
    return found


def same_quote(lines: Sequence[Line | None]) -> list[list[Line]]:
    """Return the runs of lines between blank ones that have the same quote marks."""
    runs: list[list[Line]] = []
    before: Line | None = None
    for line in lines:
        if line:
            if before and before.quote == line.quote:
                runs[-1].append(line)
            else:
                runs.append([line])
        before = line
    return runs
