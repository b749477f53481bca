"""Text that was on several lines made one line again, with the way back to where it stood."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from polygist_service.text.abbreviations import words
from polygist_service.text.documents.lines import Line
from polygist_service.text.segmentation import LINE_BREAKS, WHITE_SPACE, Span

# Scripts without spaces between words.
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]"
)
HYPHENS = "-\u2010"
SOFT_HYPHEN = "\xad"
LAST_WORD = re.compile(r"[^\W_][\w\-‐'’]*[-‐\xad]$")
FIRST_WORD = re.compile(r"[^\W_][\w'’]*")
WORD = re.compile(r"[^\W_][\w\-‐'’]*")
# Longer words are cut nowhere.
MOST_WORD = 60
JUSTIFYING = re.compile(r"(?<=[^\s.!?:]) {2,3}(?=\S)")

# First parts of compounds, which keep their hyphen unless an ending follows: "long-term", but "longer".
COMPOUND_STARTS = {
    "en": words("""
            all cross eighty ever fifty first five forty four full half hard high ill long low much new nine ninety non
            old one open quarter second self seven seventy short single six sixty so third thirty three twenty two well
        """),
    "pt": words("""
            além aquém arco bem couve curto grã grão guarda luso meia norte pré pró pós primeira primeiro recém sul vice
        """),
}
ENDINGS = re.compile(
    r"(?:ly|ness|less|ful|e[drn]|ers|est|ing|ty|teen|th|ware|ways?|ships?|land|side|light|dom|fold|dor[ae]?s?|nho|ria)$"
)
# Last parts of compounds.
COMPOUND_ENDS = {
    "en": words("""
            aged aware based born bound built conscious dependent driven eyed faced fashioned friendly grained haired
            known like looking made minded oriented paid quality range related rich scale shaped sized speaking specific
            speed style term wide winning
        """),
    "pt": words("feira feiras chuva voz geral ministro ministra"),
}
# Pronouns that follow a verb; "par-te" and "qua-se" are cut words, "reuniu-se" and "fazê-lo" are none.
PRONOUN = re.compile(
    r"(?:(?:\w(?:ou|eu|iu|am|ava|avam|ram|mos|ndo)|\w[áêô]|\w{3}[aei]r)-(?:se|me|te|lhes?|nos|vos|l?[ao]s?|n[ao]s?)|\w{4}a-se)$"
)
# "pre- and post-war": the hyphen stands for what both share.
CONJUNCTIONS = frozenset(("and", "or", "to", "e", "ou", "y", "o", "und", "oder", "bis", "et", "en", "of"))


@dataclass(frozen=True)
class Joined:
    """One line made of several.

    Attributes:
        text: the line.
        starts: where the runs of characters begin in it that stand together in the source too.
        sources: where they begin in the source.
    """

    text: str
    starts: tuple[int, ...]
    sources: tuple[int, ...]

    def source(self, at: int) -> int:
        """Return where the character at `at` stands in the source."""
        run = max(0, bisect_right(self.starts, at) - 1)
        return self.sources[run] + at - self.starts[run]

    def source_span(self, start: int, end: int) -> Span:
        """Return the span in the source of what stands at start:end of the text, which is not empty."""
        return self.source(start), self.source(end - 1) + 1

    def position(self, source: int) -> int:
        """Return where a character of the source that was kept stands in the text."""
        run = max(0, bisect_right(self.sources, source) - 1)
        return self.starts[run] + source - self.sources[run]


def join_runs(text: str, runs: Iterable[tuple[str, Span]]) -> Joined:
    """Join spans of `text`, each with what is put before it; empty ones are left out."""
    parts: list[str] = []
    starts: list[int] = []
    sources: list[int] = []
    length = 0
    for before, (start, end) in runs:
        if start < end:
            starts.append(length + len(before))
            sources.append(start)
            parts += (before, text[start:end])
            length += len(before) + end - start
    return Joined("".join(parts), tuple(starts), tuple(sources))


def fold_lines(text: str, start: int, end: int) -> Joined:
    """Join text[start:end] as `segmentation.fold` does."""
    runs: list[tuple[str, Span]] = []
    at, before = start, ""
    for found in WHITE_SPACE.finditer(text, start, end):
        if LINE_BREAKS.search(found[0]):
            runs.append((before, (at, found.start())))
            at, before = found.end(), " "
    runs.append((before, (at, end)))
    return join_runs(text, runs)


@dataclass(frozen=True)
class LineJoiner:
    """Joins the lines of wrapped paragraphs.

    Attributes:
        text: of the document.
        language: canonical tag, for compounds.
    """

    text: str
    language: str

    @cached_property
    def _words(self) -> Mapping[str, int]:
        """How often each word stands in the document, but at line ends where it may be cut."""
        counts: dict[str, int] = {}
        for found in WORD.finditer(self.text):
            if len(word := found[0]) <= MOST_WORD:
                word = word.lower().replace("‐", "-")
                counts[word] = counts.get(word, 0) + 1
        return counts

    def join(self, lines: Collection[Line], *, is_justified: bool) -> Joined:
        """Join the words of `lines`; hyphens that only cut a word at a line's end go.

        Args:
            lines: of one paragraph.
            is_justified: whether runs of spaces between words only fill the lines.
        """
        runs: list[tuple[str, Span]] = []
        before = ""
        remaining = iter([*list(lines)[1:], None])
        for line in lines:
            following = next(remaining)
            end, after = (line.end, "") if following is None else self._joint(line, following)
            at = line.body
            if is_justified:
                for gap in JUSTIFYING.finditer(self.text, line.body, end):
                    runs.append((before, (at, gap.start() + 1)))
                    at, before = gap.end(), ""
            runs.append((before, (at, end)))
            before = after
        return join_runs(self.text, runs)

    def _joint(self, line: Line, following: Line) -> tuple[int, str]:
        """Return where the words of `line` end without a cutting hyphen, and what stands before those that follow."""
        last, first = self.text[line.end - 1], self.text[following.body]
        before = last if last.isalnum() else self.text[line.end - 2]
        if UNSPACED.match(first) and (UNSPACED.match(last) or UNSPACED.match(before)):
            return line.end, ""
        if last == SOFT_HYPHEN:
            return line.end - 1, ""
        if last == "—" and not self.text[line.end - 2].isspace():
            return line.end, ""
        if last in HYPHENS and first in HYPHENS:
            return line.end - 1, ""  # Portuguese repeats the hyphen of a compound in the new line
        left = LAST_WORD.search(self.text, max(line.body, line.end - MOST_WORD), line.end)
        right = FIRST_WORD.match(self.text, following.body, following.end)
        if last not in HYPHENS or not left or not right:
            return line.end, " "
        start, end = left[0][:-1].replace("‐", "-"), right[0]
        if end.lower() in CONJUNCTIONS:
            return line.end, " "
        return (line.end, "") if self._is_compound(start, end) else (line.end - 1, "")

    def _is_compound(self, start: str, end: str) -> bool:
        """Whether the hyphen between two parts of a word belongs to it."""
        if not start[-1].isalpha() or not end[0].isalpha() or (end[0].isupper() and not start.isupper()):
            return True
        base, low, high = self.language.partition("-")[0], start.lower(), end.lower()
        as_one, as_compound = self._words.get(f"{low}{high}", 0), self._words.get(f"{low}-{high}", 0)
        if as_one != as_compound:
            return as_compound > as_one
        if base == "pt" and PRONOUN.search(f"{low}-{high}"):
            return True
        if low in COMPOUND_STARTS.get(base, ()) and not ENDINGS.match(high):
            return True
        return "-" in start or high in COMPOUND_ENDS.get(base, ())
