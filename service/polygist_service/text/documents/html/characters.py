"""Characters of HTML: what is read of a source with character references, and how what is written stands in one."""

import re
from array import array
from collections.abc import Iterator, Mapping
from html import unescape
from html.entities import html5
from itertools import pairwise

from polygist_service.text.segmentation import Span

# A run of these is one space where text is shown; the others besides those of HTML end a line elsewhere.
WHITE = " \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029"
WHITE_CHARACTERS = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
REFERENCE = re.compile(r"&(?:#(?:\d++|[xX][0-9a-fA-F]++);?|[A-Za-z][A-Za-z0-9]*+;?)")
PIECE = re.compile(rf"(?P<plain>(?:[^&{WHITE}]|&(?![A-Za-z#])| (?![{WHITE}]))++)|(?P<white>[{WHITE}]++)|&")
MOST_DIGITS = 10
# The longest name of a reference that may stand without a semicolon.
LONGEST_BARE_NAME = max(len(name) for name in html5 if not name.endswith(";"))
# What begins no tag, and what no reference.
NO_TAG, NO_REFERENCE = re.compile("<[^A-Za-z/!?]"), re.compile("&(?:[^A-Za-z0-9#]|[A-Za-z][A-Za-z0-9]*+[^A-Za-z0-9])")
LINE = "\n"


class PlacedText:
    """A text that is read, and where in the source each of its characters stands.

    Attributes:
        starts, ends: half-open spans of the characters in the source, in code points.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._last = ""
        self.length = 0
        self.starts = array("I")
        self.ends = array("I")

    @property
    def text(self) -> str:
        """What is read."""
        return "".join(self._pieces)

    @property
    def ends_in_space(self) -> bool:
        """Whether the last character is a space."""
        return self._last == " "

    @property
    def ends_in_bracket(self) -> bool:
        """Whether the last character opens a bracket."""
        return self._last == "["

    def text_from(self, at: int) -> str:
        """Return what is read from a place on at which something was added."""
        length, pieces = self.length, []
        for piece in reversed(self._pieces):
            if length <= at:
                break
            pieces.append(piece)
            length -= len(piece)
        return "".join(reversed(pieces))

    def span(self, low: int, high: int) -> Span:
        """Return where a span of the text, which is not empty, stands in the source."""
        return self.starts[low], self.ends[high - 1]

    def put(self, piece: str, start: int, end: int) -> None:
        """Add characters that are read for all of start:end, or for a character each where there are as many."""
        is_plain = len(piece) == end - start
        self.starts.extend(range(start, end) if is_plain else [start] * len(piece))
        self.ends.extend(range(start + 1, end + 1) if is_plain else [end] * len(piece))
        self._pieces.append(piece)
        self._last = piece[-1:]
        self.length += len(piece)

    def put_space(self, start: int, end: int) -> None:
        """Add white space; it is one space, and none at the begin of a line or behind another one."""
        if self._last not in ("", " ", LINE):
            self.put(" ", start, end)

    def read_raised(self, source: str, start: int, end: int, figures: Mapping[int, int]) -> None:
        """Add what is read of start:end of a source, in other figures."""
        begun = len(self._pieces)
        self.read(source, start, end)
        self._pieces[begun:] = [piece.translate(figures) for piece in self._pieces[begun:]]

    def read(self, source: str, start: int, end: int, *, in_attribute: bool = False) -> None:
        """Add what is read of start:end of a source."""
        at = start
        while at < end:
            found = PIECE.match(source, at, end)
            assert found
            at = found.end()
            if plain := found["plain"]:
                begun = found.start()
                if plain[0] == " " and self._last in ("", " ", LINE):
                    plain, begun = plain[1:], begun + 1
                if plain:
                    self.put(plain, begun, at)
            elif found["white"]:
                self.put_space(found.start(), at)
            else:
                value, at = read_reference(source, found.start(), end, in_attribute=in_attribute)
                if value.strip(WHITE_CHARACTERS):
                    self.put(value, found.start(), at)
                else:
                    self.put_space(found.start(), at)


def read_reference(source: str, start: int, end: int, *, in_attribute: bool) -> tuple[str, int]:
    """Return what the ampersand at `start` and what follows it stand for, and where that ends."""
    found = REFERENCE.match(source, start, end)
    if not found:
        return "&", start + 1
    if found[0][1] == "#":
        digits = found[0][2:].rstrip(";").lstrip("0xX") or "0"
        # Python reads no number of thousands of digits, and none is a character.
        known = unescape(f"&#{'x' * (found[0][2] in 'xX')}{digits};") if len(digits) <= MOST_DIGITS else ""
        return known or "\ufffd", found.end()
    name = found[0][1:]
    if name in html5 and name.endswith(";"):
        return html5[name], found.end()
    for length in range(min(LONGEST_BARE_NAME, len(name)), 1, -1):
        if name[:length] in html5:
            stop = start + 1 + length
            if in_attribute and stop < end and (source[stop] == "=" or source[stop].isalnum()):
                break
            return html5[name[:length]], stop
    return "&", start + 1


class Spelling:
    """How characters are written in a stretch of a document: as its author wrote them there, where that is possible.

    Args:
        source: the stretch as it stands in the document.
        quote: the mark around it, where it is of an attribute.
        figures: how characters are written that are read as others.
    """

    def __init__(self, source: str, *, quote: str | None = None, figures: Mapping[str, str] | None = None) -> None:
        own: dict[str, str] = {"&": "&amp;", "<": "&lt;", ">": "&gt;", **(figures or {})}
        if quote:
            own[quote] = "&quot;" if quote == '"' else "&#39;"
        if ">" in source:
            del own[">"]
        self._bare = {"<"} if "<" in source else set()
        for found in re.finditer("&", source):
            value, end = read_reference(source, found.start(), len(source), in_attribute=bool(quote))
            if value == "&" and end == found.end():
                self._bare.add("&")
            elif len(value) == 1 and source[end - 1] == ";" and value not in source and not is_plain(value):
                own[value] = source[found.start() : end]
        self._own: Mapping[str, str] = own
        self._special = re.compile("[" + "".join(map(re.escape, own)) + "]")

    def write(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield the stretches of a text, and how each is written."""
        marks = [0, *(place for found in self._special.finditer(text) for place in found.span()), len(text)]
        for at, (low, high) in enumerate(pairwise(marks)):
            if low < high:
                yield low, high, self._spell(text, low) if at % 2 else text[low:high]

    def _spell(self, text: str, at: int) -> str:
        return text[at] if text[at] in self._bare and means_itself(text, at) else self._own[text[at]]


def is_plain(character: str) -> bool:
    """Whether nobody means anything by a reference for it: a letter or figure of ASCII, white space."""
    return character in WHITE_CHARACTERS or (character.isascii() and character.isalnum())


def means_itself(text: str, at: int) -> bool:
    """Whether the mark at a place of a text begins neither a tag nor a reference, whatever follows the text."""
    if text[at] == "<":
        return bool(NO_TAG.match(text, at))
    return bool(NO_REFERENCE.match(text, at)) and read_reference(text, at, len(text), in_attribute=False)[0] == "&"
