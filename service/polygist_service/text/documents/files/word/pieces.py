"""What a paragraph is made of: words, what has no words, and what is around both; fields and ranges as one."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from polygist_service.text.documents.files.word.formats import is_symbolic
from polygist_service.text.documents.files.word.markup import Element, find_child, name_of, tags_of, value_of
from polygist_service.text.documents.html.elements import names

# Made by a program for itself, and made again by it.
NOISE = frozenset(("w:proofErr", "w:lastRenderedPageBreak"))
# Of what they are in; they stay in it.
PROPERTIES = names("w:pPr w:rPr w:smartTagPr w:customXmlPr w:fldData a:pPr a:rPr a:endParaRPr")
RUNS, TEXTS = ("w:r", "a:r"), ("w:t", "a:t")
CONTAINERS = names("w:hyperlink w:ins w:moveTo w:smartTag w:customXml w:dir w:bdo w:fldSimple")
# What is chosen or made by a program, so that another text would be none of its values.
KEPT_CONTROLS = names("w:dropDownList w:comboBox w:date w:picture w:equation w:citation w14:checkbox")

# Fields whose result is text that somebody wrote; those of the others are numbers, dates, names.
WRITTEN_FIELDS = names("HYPERLINK TOC INDEX QUOTE IF INCLUDETEXT FORMTEXT")
CHARACTERS = {"w:noBreakHyphen": "\u2011", "w:softHyphen": "\u00ad"}
BREAKS = frozenset(("w:tab", "w:br", "w:cr", "w:ptab", "a:br"))
RANGES = {
    "w:bookmarkStart": ("bookmark", True),
    "w:bookmarkEnd": ("bookmark", False),
    "w:commentRangeStart": ("comment", True),
    "w:commentRangeEnd": ("comment", False),
    "w:permStart": ("permission", True),
    "w:permEnd": ("permission", False),
    "w:moveToRangeStart": ("move", True),
    "w:moveToRangeEnd": ("move", False),
}
RANGE_TAGS = [tag for name in RANGES for tag in tags_of(name)]
# What is shown of something that is kept is a help for its neighbours only.
MOST_SHOWN = 80


class PieceKind(Enum):
    """What a piece is. MARK: what has no words to translate. BEGIN, END: of what is around others."""

    WORDS = 0
    MARK = 1
    BEGIN = 2
    END = 3


@dataclass(eq=False, slots=True)
class Piece:
    """A piece of a paragraph.

    Attributes:
        text: of words; of a mark, what is shown of it.
        node: of a mark, itself; of what is around others, the element, unless it is a range.
        slot: of what is around others, the element that the others are in, unless it is a range.
        run: that it stands in, if it does.
        group: pieces that are kept together as this one, a whole field, say; of a range, those that it begins with.
        closing: of what is around others, pieces that it ends with.
        base: of what is around others, a run that looks as most of them do.
        is_break: whether a mark parts what is before it from what is behind it.
    """

    kind: PieceKind
    text: str = ""
    node: Element | None = None
    slot: Element | None = None
    run: Element | None = None
    group: list["Piece"] = field(default_factory=list)
    closing: list["Piece"] = field(default_factory=list)
    base: Element | None = None
    is_break: bool = False


def children_of(slot: Element) -> list[Element]:
    """Return what stands in an element, without its properties and what is noise."""
    return [each for each in slot if name_of(each) not in PROPERTIES and name_of(each) not in NOISE]


def read_pieces(paragraph: Element) -> Iterator[Piece]:
    """Yield the pieces of a paragraph, in order."""
    waiting: list[Element | Piece] = [*children_of(paragraph)]
    waiting.reverse()
    while waiting:
        each = waiting.pop()
        if isinstance(each, Piece):
            yield each
            continue
        name = name_of(each)
        slot = find_slot(each)
        if name in RUNS and len(each):
            waiting += reversed(list(read_run(each)))
        elif slot is not None:
            begin = Piece(PieceKind.BEGIN, node=each, slot=slot)
            waiting += (Piece(PieceKind.END, node=each), *reversed(children_of(slot)), begin)
        else:
            yield Piece(PieceKind.MARK, show(each), each, is_break=name in BREAKS)


def find_slot(element: Element) -> Element | None:
    """Return what of an element of a paragraph holds words that are translated; None where nothing does."""
    name = name_of(element)
    if name == "w:fldSimple":
        return element if is_written(value_of(element, "instr") or "") else None
    if name == "w:sdt":
        properties = find_child(element, "w:sdtPr")
        is_kept = properties is not None and any(name_of(each) in KEPT_CONTROLS for each in properties)
        return None if is_kept else find_child(element, "w:sdtContent")
    return element if name in CONTAINERS else None


def is_written(code: str) -> bool:
    """Whether somebody wrote the result of a field, by its code."""
    return (code.split() or [""])[0].upper() in WRITTEN_FIELDS


def read_run(run: Element) -> Iterator[Piece | Element]:
    """Yield the pieces of a run; elements are still to be read."""
    for each in children_of(run):
        name = name_of(each)
        base = find_child(each, "w:rubyBase") if name == "w:ruby" else None
        if name in TEXTS:
            words = Piece(PieceKind.WORDS, each.text or "", run=run)
            yield Piece(PieceKind.MARK, group=[words]) if is_symbolic(run) else words
        elif name in CHARACTERS:
            yield Piece(PieceKind.WORDS, CHARACTERS[name], run=run)
        elif base is not None:
            yield Piece(PieceKind.BEGIN, node=each, slot=base, run=run)
            yield from children_of(base)
            yield Piece(PieceKind.END, node=each)
        else:
            yield Piece(PieceKind.MARK, node=each, run=run, is_break=name in BREAKS)


def show(element: Element) -> str:
    """Return what readers see of something that is kept; nothing for what is deleted."""
    if name_of(element) in ("w:del", "w:moveFrom"):
        return ""
    shown = "".join(each.text or "" for each in element.iter() if name_of(each) in ("w:t", "m:t", "a:t"))
    return " ".join(shown.split())[:MOST_SHOWN]


@dataclass(slots=True)
class OpenField:
    """A field that has begun.

    Attributes:
        start: index of its first piece.
        result: index of the first piece of its result; negative where that has not begun.
        code: what it says.
        begin: all before its result.
    """

    start: int
    result: int = -1
    code: list[str] = field(default_factory=list)
    begin: Piece | None = None


class FieldReader:
    """Joins the pieces of fields: their codes, and their results where these are kept.

    Attributes:
        pieces: those that are left.
    """

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self.pieces: list[Piece] = []
        self._open: list[list[OpenField]] = [[]]  # in each element that is around
        for piece in pieces:
            self._read(piece)
        self._end_element()

    def _read(self, piece: Piece) -> None:
        if piece.kind is PieceKind.END:
            self._end_element()
        name = name_of(piece.node) if piece.kind is PieceKind.MARK and piece.node is not None else ""
        kind = value_of(piece.node, "fldCharType") if name == "w:fldChar" else None
        fields = self._open[-1]
        if kind == "begin":
            fields.append(OpenField(len(self.pieces)))
        self.pieces.append(piece)
        if piece.kind is PieceKind.BEGIN:
            self._open.append([])
        elif not fields:
            return
        elif name == "w:instrText" and piece.node is not None and fields[-1].result < 0:
            fields[-1].code.append(piece.node.text or "")
        elif kind == "separate":
            self._begin_result(fields[-1])
        elif kind == "end":
            self._end_field(fields.pop())

    def _begin_result(self, begun: OpenField) -> None:
        begun.begin = self._join(begun.start, "")
        begun.result = len(self.pieces)

    def _end_field(self, ended: OpenField) -> None:
        """Join the pieces of a field that is there whole."""
        if ended.begin and is_written("".join(ended.code)):
            ended.begin.kind = PieceKind.BEGIN
            ended.begin.closing = [self.pieces.pop()]
            self.pieces.append(Piece(PieceKind.END))
            return
        shown = [each.text for each in self.pieces[ended.result :]] if ended.begin else []
        self._join(ended.start, " ".join("".join(shown).split())[:MOST_SHOWN])

    def _end_element(self) -> None:
        """Join what is there of the codes of fields that go on elsewhere: results that have begun are read."""
        for each in reversed(self._open.pop()):
            if not each.begin:
                self._join(each.start, "")

    def _join(self, start: int, shown: str) -> Piece:
        """Let all from a place on be one."""
        joined = Piece(PieceKind.MARK, shown, group=self.pieces[start:])
        self.pieces[start:] = [joined]
        return joined


# The kind of a range and its number.
RangeKey = tuple[str, str | None]


def read_range(mark: Element) -> tuple[RangeKey, bool]:
    """Return which range a mark is of, and whether that begins there."""
    kind, is_begin = RANGES[name_of(mark)]
    return (kind, value_of(mark, "id")), is_begin


def find_ends(paragraph: Element) -> dict[RangeKey, Element]:
    """Return the marks with which ranges end before they begin."""
    ends: dict[RangeKey, Element] = {}
    begun: set[RangeKey] = set()
    for mark in paragraph.iter(*RANGE_TAGS):
        key, is_begin = read_range(mark)
        if is_begin:
            begun.add(key)
        elif key not in begun:
            ends.setdefault(key, mark)
    return ends


def turn_ranges(paragraph: Element, ended: Collection[RangeKey]) -> None:
    """Let ranges whose marks went past each other be of nothing, where they end.

    Args:
        paragraph: the element.
        ended: those that end there before they begin, whatever is done.
    """
    ends = find_ends(paragraph)
    for mark in list(paragraph.iter(*RANGE_TAGS)):
        key, is_begin = read_range(mark)
        if is_begin and key in ends and key not in ended:
            ends[key].addprevious(mark)


def pair_ranges(pieces: Sequence[Piece]) -> list[Piece]:
    """Return pieces in which the marks of a range that is there whole are around what it is of.

    Of ranges that overlap, or reach beyond an element, the marks stay by themselves.
    """
    paired = list(pieces)
    frames: list[dict[RangeKey, int]] = [{}]  # where ranges began, of each element that is around
    for at, piece in enumerate(pieces):
        if piece.kind is PieceKind.BEGIN:
            frames.append({})
        elif piece.kind is PieceKind.END:
            frames.pop()
        elif piece.node is not None and name_of(piece.node) in RANGES:
            key, is_begin = read_range(piece.node)
            if is_begin:
                frames[-1][key] = at
            elif key in frames[-1]:
                while (last := frames[-1].popitem())[0] != key:
                    pass
                if last[1] + 1 < at:
                    paired[last[1]] = Piece(PieceKind.BEGIN, group=[pieces[last[1]]], closing=[piece])
                    paired[at] = Piece(PieceKind.END)
    return paired
