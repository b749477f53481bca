"""Paragraphs that were wrapped at a column: told by their shape, and wrapped again when they are written."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from polygist_service.text.documents.base import Block, Segment
from polygist_service.text.documents.joining import UNSPACED, Joined
from polygist_service.text.documents.lines import LEAST_WIDTH, SENTENCE_END, Line, column, display_width
from polygist_service.text.segmentation import Span

# Fewer lines are a wrapped paragraph only beside longer ones of the same width.
LEAST_LINES = 3
# So many need not end with the end of a sentence.
ENOUGH_LINES = 5
# Narrower columns, of newspapers, are told by so many lines, nearly all full, of which more go on in small letters.
LEAST_NARROW_WIDTH, NARROW_CONTINUED = 28, 0.5
# Whatever is longer, such as an address, may stand out of its column.
LONGEST_WORD = 30
# Characters of East Asia say more in as many columns.
LEAST_DENSE_WIDTH = 30
# A line that could have taken the next word in so much of the width ends a paragraph, or is no wrapped line.
RAGGED = 0.20
# Whoever breaks lines by hand or by sight, not by counting columns, leaves so much.
SLACK = 0.12
# Shares of the lines of a paragraph: that are full, that go on in a small letter, that end inside a sentence.
FULL, NEARLY_FULL, CONTINUED, INSIDE = 0.9, 0.8, 0.4, 0.5
# Lines that are not quite full are a poem's where so many end in a mark.
MOST_MARKS = 0.4
LEAST_LETTERS = 0.6
END_MARK = re.compile(r"[^\w\s\-‐\xad][\"'”’)\]]?$")
INNER_END = re.compile(r"[a-zà-ÿ]{2}[.?!][\"'”’)\]]* [\"“‘(]?[A-ZÀ-Þ]")
# Words that nobody stops behind, in English and Portuguese, and cut words.
BINDING_END = re.compile(
    r"(?:(?<![^\W_])(?:the|an?|of|to|in|at|for|with|from|by|and|or|is|was|that|its|os?|as|uma?|d[aeo]s?|em|n[ao]s?|com"
    r"|por|para|pel[ao]s?|que|e|se|ao)|[a-zà-ÿ]{2}[-‐\xad])$"
)
CODE_START = re.compile(r"[$%] |//|/\*|#include|import |from \S+ import|def |class |return\b|</?\w")
CODE_END = frozenset("{}")
# Items of laws end in a semicolon as well.
STATEMENT = re.compile(r"[=\[\]<>{}$_]|\w\(|[)\"'];$")
CODE_SIGNS = ("()", "==", "!=", "=>", "::")
LONG_WORD = re.compile(rf"[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\uffef]{{{LONGEST_WORD}}}")
FIRST_WORD = re.compile(r"\S+")
CUTS = frozenset("-\u2010\xad")
# More columns than any text has.
CERTAIN = 1_000_000
BREAKS = frozenset(("\n", "\r\n", "\r"))

# A break is made in the white space before a word, but not where the next line would begin like an item of a list.
PLACE = re.compile(r"[ \t\u2000-\u2006\u2008-\u200a\u3000]+(?=\S)(?!(?:[-*+>#|•–—]+|(?:\d{1,3}|[^\W\d_])[.)])\s)")
WIDE = re.compile(r"[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
# What may not begin a line, and what may not end one.
CLOSING = frozenset("、。，．・：；？！）」』】〕〉》”’…ー々!),.:;?]}")
OPENING = frozenset("（「『【〔〈《“‘([{")


@dataclass(frozen=True, slots=True)
class WrappedBlock(Block):
    """A paragraph that was wrapped at a column.

    Attributes:
        joined: its words on one line.
        width: the most columns of its lines.
        column: the one at which its first line begins.
        prefix: what stands before each further line: quote marks and indentation.
        line_break: what ends its lines, white space in front of it included.
    """

    joined: Joined
    width: int
    column: int
    prefix: str
    line_break: str

    def write(self, _: str, segments: Sequence[Segment], outputs: Sequence[str]) -> tuple[str, list[Span]]:
        """Put outputs in the places of segments and wrap the whole.

        Args:
            segments: those of the block.
            outputs: what each became.

        Returns:
            What stands in the place of the block, and where each output stands in that.
        """
        parts: list[str] = []
        spans: list[Span] = []
        at = length = 0
        for segment, output in zip(segments, outputs, strict=True):
            start, end = self.joined.position(segment.start), self.joined.position(segment.end - 1) + 1
            between = self.joined.text[at:start]
            parts += (between, output)
            length += len(between)
            spans.append((length, length + len(output)))
            length += len(output)
            at = end
        text = "".join((*parts, self.joined.text[at:]))
        breaks = list(find_breaks(text, self.width, column=self.column, indentation=display_width(self.prefix)))
        return put_breaks(text, breaks, self.line_break + self.prefix, spans)


def find_breaks(text: str, width: int, *, column: int, indentation: int) -> Iterator[Span]:
    """Yield the white space of one line that is to become line breaks; empty spans between characters of East Asia.

    Args:
        text: without line breaks.
        width: the most columns of a line, but for a single word that is longer.
        column: at which the text begins.
        indentation: columns in front of each further line.
    """
    used, place = column, (0, 0)
    is_first = True
    for following in (*places(text), (len(text), len(text))):
        word = display_width(text[place[1] : following[0]])
        gap = display_width(text[place[0] : place[1]])
        if not is_first and used + gap + word > width:
            yield place
            used = indentation + word
        else:
            used += gap + word
        is_first, place = False, following


def places(text: str) -> list[Span]:
    """Return where `text` may be broken, in order."""
    found = [match.span() for match in PLACE.finditer(text)]
    if not WIDE.search(text):
        return found
    for match in WIDE.finditer(text):
        at = match.end()
        if at < len(text) and not text[at].isspace() and text[at] not in CLOSING and match[0] not in OPENING:
            found.append((at, at))
    return sorted(found)


def put_breaks(text: str, breaks: Sequence[Span], line_break: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
    """Replace white space by line breaks; return the text and where `spans` have moved."""
    starts, ends = [0, *(end for _, end in breaks)], [*(start for start, _ in breaks), len(text)]
    moved_starts, length = [], 0
    for start, end in zip(starts, ends, strict=True):
        moved_starts.append(length)
        length += end - start + len(line_break)

    def move(at: int) -> int:
        line = bisect_right(starts, at) - 1
        return moved_starts[line] + min(at, ends[line]) - starts[line]

    # An output that begins with a break is shown to begin behind it; one that ends with a break, before it.
    shown = line_break.join(text[start:end] for start, end in zip(starts, ends, strict=True))
    return shown, [(move(start), max(move(start), move(end))) for start, end in spans]


@dataclass(frozen=True, slots=True)
class Shape:
    """The lines of what may be a wrapped paragraph.

    Attributes:
        text: of the document.
        lines: two at least.
        column: at which the words of the first one begin.
    """

    text: str
    lines: Sequence[Line]
    column: int

    def widths(self) -> list[int]:
        """Return the columns of each line."""
        return [column(self.text, line, line.end) for line in self.lines]

    def is_wrapped(self, known_widths: Collection[int] = ()) -> bool:
        """Whether the lines have a wrapped text's shape.

        Args:
            known_widths: of paragraphs of the document that are wrapped; beside them two lines are enough, and capitals
                may begin each.
        """
        if any(self.text[line.end : line.stop].strip(" \t") not in BREAKS for line in self.lines[:-1]):
            return False
        if not self._is_prose() or not self._ends_inside():
            return False
        if any(map(self.fills, known_widths)):
            return True
        width, last = self.width(), self.lines[-1]
        is_ended = SENTENCE_END.search(self.text, max(last.body, last.end - 8), last.end)
        if len(self.lines) < (LEAST_LINES if is_ended else ENOUGH_LINES) or not self._goes_on():
            return False
        is_dense = UNSPACED.search(self.text, self.lines[0].body, self.lines[0].end)
        is_full = self._full_share(width) >= FULL
        if width < (LEAST_DENSE_WIDTH if is_dense else LEAST_WIDTH):
            is_narrow = width >= LEAST_NARROW_WIDTH and len(self.lines) >= ENOUGH_LINES and not is_dense
            is_column = is_narrow and is_full and bool(is_ended) and self._is_cut_anywhere()
            return is_column and self._goes_on(NARROW_CONTINUED) and self._has_few_marks()
        return is_full or (self._full_share(width, slack=SLACK) >= NEARLY_FULL and self._has_few_marks())

    def is_item(self) -> bool:
        """Whether the lines are an item of a list: the further ones hang, or go on with what the first one leaves."""
        first, second = self.lines[:2]
        used = column(self.text, first, first.end)
        if not first.has_marker or used < LEAST_NARROW_WIDTH or not self._is_prose():
            return False
        if SENTENCE_END.search(self.text, max(first.body, first.end - 8), first.end):
            return False
        is_filled = all(needed_width(self.text, *pair) > used * (1 - SLACK) for pair in pairwise(self.lines))
        is_hanging = column(self.text, second, second.body) == column(self.text, first, first.body)
        is_continued = self.text[second.body].islower()
        return is_filled and (is_continued if used < LEAST_WIDTH else is_continued or is_hanging)

    def _is_cut_anywhere(self) -> bool:
        """Whether lines end where no verse or entry of a list does: behind an article, or soon behind a sentence."""
        lines = [self.text[line.body : line.end] for line in self.lines]
        return any(BINDING_END.search(line) for line in lines[:-1]) or any(map(INNER_END.search, lines))

    def _has_few_marks(self) -> bool:
        """Whether most lines end without a mark, as those of a poem do not."""
        marked = sum(bool(END_MARK.search(self.text, line.body, line.end)) for line in self.lines[:-1])
        return marked <= MOST_MARKS * (len(self.lines) - 1)

    def fills(self, width: int) -> bool:
        """Whether the lines are nearly as full as they can be in `width` columns, and none is longer."""
        return self.width() <= width and self._full_share(width, slack=SLACK / 2) == 1

    def width(self) -> int:
        """Return the columns of the widest line that has more than one word, and no word that is too long for any."""
        several = [
            (width, line)
            for line, width in zip(self.lines, self.widths(), strict=True)
            if any(map(str.isspace, self.text[line.body : line.end])) or UNSPACED.match(self.text, line.end - 1)
        ]
        usual = [width for width, line in several if not LONG_WORD.search(self.text, line.body, line.end)]
        most = max(usual) * (1 + SLACK) if len(usual) > 1 else CERTAIN
        return max((width for width, _ in several if width <= most), default=0)

    def _full_share(self, width: int, *, slack: float = 0.0) -> float:
        """Return the share of lines that the first word of the next one did not fit, or nearly so."""
        needs = [needed_width(self.text, line, following) for line, following in pairwise(self.lines)]
        return sum(needed > width * (1 - slack) for needed in needs) / len(needs)

    def _inner(self) -> list[Line]:
        """Return the lines that follow one that ends inside a sentence."""
        return [
            following
            for line, following in pairwise(self.lines)
            if not SENTENCE_END.search(self.text, max(line.body, line.end - 8), line.end)
        ]

    def _ends_inside(self) -> bool:
        """Whether most lines end inside a sentence."""
        return len(self._inner()) >= INSIDE * (len(self.lines) - 1)

    def _goes_on(self, share: float = CONTINUED) -> bool:
        """Whether sentences go on in the next line with a small letter, in so many of the lines."""
        words = self.text[self.lines[0].body : self.lines[-1].end]
        if not any(map(str.islower, words)):
            return True  # capitals throughout, or a script that has none
        inner = self._inner()
        return sum(self.text[line.body].islower() for line in inner) >= share * len(inner)

    def _is_prose(self) -> bool:
        """Whether the lines are made of words rather than of code or figures."""
        words = self.text[self.lines[0].body : self.lines[-1].end]
        letters = sum(map(str.isalpha, words))
        blanks = sum(map(str.isspace, words))
        code = sum(is_code(self.text, line) for line in self.lines)
        return letters >= LEAST_LETTERS * (len(words) - blanks) and code < len(self.lines) / 3


def is_code(text: str, line: Line) -> bool:
    """Whether a line looks like a programme's."""
    words = text[line.text_start : line.end]
    if words[-1] in CODE_END or (words[-1] == ";" and STATEMENT.search(words)):
        return True
    return bool(CODE_START.match(words)) or any(sign in words for sign in CODE_SIGNS)


def needed_width(text: str, line: Line, following: Line) -> int:
    """Return the columns that `line` would take with the first word of the next line; many where that was cut."""
    if text[line.end - 1] in CUTS and text[following.body].islower():
        return CERTAIN
    used = column(text, line, line.end)
    if UNSPACED.match(text, line.end - 1) and UNSPACED.match(text, following.body):
        return used + 2
    first = FIRST_WORD.match(text, following.body, following.end)
    return used + 1 + display_width(first[0] if first else "")


def is_full(text: str, line: Line, following: Line, width: int) -> bool:
    """Whether there is little room behind `line` for the first word of the next one in text of `width` columns."""
    return needed_width(text, line, following) > width * (1 - RAGGED)


def is_border(text: str, line: Line, following: Line, width: int) -> bool:
    """Whether a paragraph ends behind `line`: there was room for the next word, and a sentence may begin with that."""
    if is_full(text, line, following, width):
        return False
    is_end = SENTENCE_END.search(text, max(line.body, line.end - 8), line.end)
    return bool(is_end) or not text[following.body].islower()
