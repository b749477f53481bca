"""What a model wrote of a sentence, made fit to stand in the sentence's place: one line, each object in it once."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from polygist_service.text.documents.inline import OBJECT
from polygist_service.text.segmentation import LINE_BREAKS

PART = re.compile(f"\\s+|{OBJECT.pattern}")
WORD_END = re.compile(r"\w(?!\w)")


@dataclass(frozen=True, slots=True)
class Line:
    """An output on one line, without the white space at its ends.

    Attributes:
        text: the line.
        starts: where the runs of characters begin in the output that stand together in the line too.
        places: where they begin in the line.
        is_complete: whether all objects were in the output.
    """

    text: str
    starts: tuple[int, ...]
    places: tuple[int, ...]
    is_complete: bool = True

    def place(self, at: int) -> int:
        """Return where a border between characters of the output is in the line."""
        run = max(0, bisect_right(self.starts, at) - 1)
        following = self.places[run + 1] if run + 1 < len(self.places) else len(self.text)
        return min(self.places[run] + at - self.starts[run], following) if self.places else 0

    def without(self, objects: Sequence[int]) -> "Line":
        """Return the line without the objects that stand at some offsets in it, in order."""
        out = set(objects)
        text = "".join(each for at, each in enumerate(self.text) if at not in out)
        places = tuple(place - bisect_left(objects, place) for place in self.places)
        return Line(text, self.starts, places, is_complete=False)


def read_line(output: str, source: str) -> Line:
    """Return an output on one line, with each object of the sentence once.

    Args:
        output: what was written.
        source: the text of the sentence.
    """
    objects = OBJECT.findall(source)
    waiting = set(objects)
    runs: list[tuple[int, int]] = []
    parts: list[str] = []
    length = at = 0
    end = len(output.rstrip())
    for found in (*PART.finditer(output, 0, end), None):
        start = found.start() if found else end
        shown = [(at, output[at:start])]
        if found:
            at = found.end()
            part = found[0]
            if part.isspace():
                part = "" if not length + len(shown[0][1]) else " " if LINE_BREAKS.search(part) else part
            elif part in waiting:
                waiting.remove(part)
            elif part in objects:
                part = ""  # it came twice
            shown.append((start, part))
        for place, part in shown:
            runs.append((place, length))
            parts.append(part)
            length += len(part)
    line = Line("".join(parts), tuple(start for start, _ in runs), tuple(place for _, place in runs))
    for each in objects:
        if each in waiting:
            line = insert(line, each, source.index(each) / len(source))
    return line


def insert(line: Line, own: str, share: float) -> Line:
    """Return a line with an object behind the word that ends next to a share of its length."""
    ends = [found.end() for found in WORD_END.finditer(line.text)]
    at = min(ends, key=lambda end: abs(end - share * len(line.text)), default=len(line.text))
    added = f" {own}" if at else own
    run = bisect_right(line.places, at) - 1
    starts = (*line.starts[: run + 1], line.starts[run] + at - line.places[run], *line.starts[run + 1 :])
    moved = tuple(place + len(added) for place in (at, *line.places[run + 1 :]))
    text = line.text[:at] + added + line.text[at:]
    return Line(text, starts, (*line.places[: run + 1], *moved), is_complete=False)
