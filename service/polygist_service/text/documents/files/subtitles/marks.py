"""Marks in the text of cues: tags of SRT and WebVTT, overrides of ASS, timestamps of karaoke, signs of music.

Where an alphabet has no notes, # and * stand around the words of songs, with a space between or without.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from polygist_service.text.segmentation import Span

# Players of SRT know these; what else is in angle brackets is shown.
SRT_TAG = (
    r"< ?/? ?(?:i|b|u|s|em|strong|font|span|c|v|lang|ruby|rt)(?![^\W_])[^<>\r\n]*>|<br ?/?>"
    r"|<\d\d?:\d\d[\d:.,]*>"
    # Of ASS: the end of a line; behind a colon it is a path.
    r"|(?<![:\\])\\n"
)
VTT_TAG = r"</?[A-Za-z][^<>]*>|</?>|<\d[\d:.]*>|&[lr]lm;"
OTHER = (
    r"|\{\\[^{}\r\n]*\}|\{[yY]:[ibusIBUS,]+\}|\{[cC]:\$[0-9a-fA-F]+\}"
    r"|[\u266a-\u266c]+|[\u200e\u200f\u202a-\u202e\u2066-\u2069]+"
    # What may be signs of a song: at the end of a line, or at its begin.
    r"|(?P<closing>[#*]+)(?=[ \t]*(?:[\r\n]|</|\{\\|\Z))|(?P<opening>(?:(?<=[\r\n>}])|(?<=[\r\n>}:-] ))[#*]+)"
)
SRT_MARK = re.compile(SRT_TAG + OTHER, re.IGNORECASE)
VTT_MARK = re.compile(VTT_TAG + OTHER)
LINE_END = re.compile(r"\\n", re.IGNORECASE)
# A space of ASS at which no line ends.
HARD_SPACE, HARD_SPACES = "\\h", re.compile(r"(?<![:\\])\\h")
NAME = re.compile(r"< ?(/?) ?([A-Za-z]+)")
VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t\r\n]+([^>]*)>")
LANGUAGE = re.compile(r"<lang(?:\.[^\s>]*)?[ \t]+([A-Za-z0-9-]+)[ \t]*>")
MUSIC = frozenset("♪♫♬#*")
SPACED_WORDS = re.compile(r"[ \t]+[\"'“‘¿¡]?[^\W\d_]")
# What stands right behind a word.
STOPS = frozenset(".,)…")


class MarkKind(Enum):
    """What a mark is: the begin or the end of a stretch, or neither."""

    OPENING = 0
    CLOSING = 1
    ALONE = 2


@dataclass(slots=True)
class Mark:
    """A mark in the text of a cue.

    Attributes:
        start, end: its half-open span in the file.
        source: as it stands there.
        kind: what it is.
        name: of a tag, in small letters.
        partner: index of the mark that ends what it begins, or begins what it ends; None where there is none.
        is_before_stop: whether a full stop or its like follows.
    """

    start: int
    end: int
    source: str
    kind: MarkKind = MarkKind.ALONE
    name: str = ""
    partner: int | None = None
    is_before_stop: bool = False

    @property
    def width(self) -> int:
        """How many characters of it are shown."""
        return len(self.source) if self.source[0] in MUSIC else 0

    @property
    def voice(self) -> str | None:
        """Who speaks from here on; None where it says nothing of that."""
        found = VOICE.match(self.source)
        return found[1].strip() if found else None


def find_marks(text: str, span: Span, pattern: re.Pattern[str], first: int) -> Sequence[Mark]:
    """Return the marks of one cue, with those of a kind that nest in pairs.

    Args:
        text: of the file.
        span: of the text of the cue.
        pattern: what finds them.
        first: index of the first one among all marks of the file.
    """
    found_marks = list(pattern.finditer(text, *span))
    signs = find_signs(text, [each for each in found_marks if each.lastgroup], span[1])
    marks = [Mark(*found.span(), found[0]) for found in found_marks if not found.lastgroup or found.start() in signs]
    open_tags: list[int] = []
    counts: Counter[str] = Counter()
    for index, mark in enumerate(marks):
        mark.is_before_stop = text[mark.end : mark.end + 1] in STOPS
        if LINE_END.match(mark.source):
            mark.name = "br"
        found = NAME.match(mark.source)
        if not found:
            continue
        mark.name = found[2].lower()
        if mark.name == "br":
            continue
        if not found[1]:
            open_tags.append(index)
            counts[mark.name] += 1
            continue
        while counts[mark.name]:
            begun = open_tags.pop()
            counts[marks[begun].name] -= 1
            if marks[begun].name == mark.name:
                marks[begun].kind, marks[begun].partner = MarkKind.OPENING, first + index
                mark.kind, mark.partner = MarkKind.CLOSING, first + begun
                break
    return marks


def find_signs(text: str, candidates: Iterable[re.Match[str]], end: int) -> set[int]:
    """Return where those signs of a cue begin that stand around a song, and are no part of its words.

    Args:
        text: of the file.
        candidates: what may be signs, in order.
        end: of the cue.
    """
    signs: set[int] = set()
    begun: defaultdict[str, list[int]] = defaultdict(list)
    for each in candidates:
        start, stop = each.span()
        if each.lastgroup == "opening":
            begun[each[0]].append(start)
            if SPACED_WORDS.match(text, stop, end):
                signs.add(start)
        elif begun[each[0]] or (stop == end and text[start - 1] in " \t"):
            signs.update([*begun.pop(each[0], []), start])
    return signs


def count_shown(text: str, marks: Sequence[Mark], start: int, end: int) -> int:
    """Return how many characters are shown of a stretch of a file, but for line breaks; each reference is one.

    Args:
        marks: in the stretch, in order.
    """
    shown, at = 0, start
    for mark in marks:
        shown += count_plain(text[at : mark.start]) + mark.width
        at = mark.end
    return shown + count_plain(text[at:end])


REFERENCE = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{0,30}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")


def count_plain(text: str) -> int:
    """Return how many characters are shown of a text without marks."""
    return len(HARD_SPACES.sub("x", REFERENCE.sub("x", text)).replace("\r", "").replace("\n", ""))
