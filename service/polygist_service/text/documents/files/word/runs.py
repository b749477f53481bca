"""Runs of a paragraph that is written again."""

import re
from copy import deepcopy

from lxml import etree

from polygist_service.text.documents.files.word.formats import Looks, properties_of, set_language, turn_run
from polygist_service.text.documents.files.word.markup import SPACE, Element, find_child, last_child, name_of, named
from polygist_service.text.documents.files.word.pieces import (
    BREAKS,
    CHARACTERS,
    PROPERTIES,
    TEXTS,
    Piece,
    PieceKind,
)

# What XML has no place for.
NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
ELEMENTS = {character: name.partition(":")[2] for name, character in CHARACTERS.items()}
# What is put at the end of a text is put there by writing all of it again.
LONG_TEXT = 10_000
# Of the mark of a paragraph: who put it in or took it out.
TRACKED = frozenset(("w:ins", "w:del", "w:moveFrom", "w:moveTo", "w:rPrChange"))
SPECIAL = re.compile(f"([{''.join(ELEMENTS)}])")


class RunWriter:
    """Writes a paragraph.

    Args:
        paragraph: the element; what it holds is taken out of it.
        base: a run that looks as words do of which nothing else is said.
        off: switches of runs that say nothing where they are off.
        language: that its words are in, a canonical tag.
        turns: whether they go in another direction than before.
    """

    def __init__(
        self, paragraph: Element, base: Element | None, off: frozenset[str], language: str, *, turns: bool
    ) -> None:
        self._paragraph = paragraph
        self._alike = Looks(off)
        self._language = language
        self._turns = turns
        self._slots = [paragraph]
        self._base = base
        self._looks = [make_base(paragraph) if base is None else base]
        self._around: list[Piece | Element] = []
        self._written: dict[Element, int] = {}  # runs that more may be put into, and what they look like
        self._origins: dict[Element, Element] = {}  # of runs, those that they were before
        self._seen: list[set[int]] = [set()]  # in each element that is around, what runs look like
        empty(paragraph)

    def begin(self, around: Piece | Element) -> None:
        """Begin what is around words: a piece, or a run that they look like."""
        self._around.append(around)
        if not isinstance(around, Piece):
            self._looks.append(around)
            return
        for each in around.group:
            self.replay(each)
        self._open(around)
        self._looks.append(self._looks[-1] if around.base is None else around.base)

    def _open(self, around: Piece) -> None:
        """Let what follows stand in an element, where it is one."""
        if around.node is None or around.slot is None:
            return
        if around.run is not None:
            run = self._add_run(around.run)
            del self._written[run]
            run.append(around.node)
        else:
            self._slots[-1].append(around.node)
        empty(around.slot)
        self._slots.append(around.slot)
        self._seen.append(set())

    def _close(self, around: Piece) -> None:
        """End what `_open` has begun."""
        if around.slot is not None:
            self._slots.pop()
            self._seen.pop()

    def end(self) -> None:
        """End what was begun last."""
        around = self._around.pop()
        self._looks.pop()
        self._keep_look(around.base if isinstance(around, Piece) else around)
        if isinstance(around, Piece):
            for each in around.closing:
                self.replay(each)
            self._close(around)

    def finish(self) -> None:
        """Put what stands last behind all that was written."""
        assert not self._around, "a tag of a paragraph was not closed"
        self._keep_look(self._base)
        self._paragraph.extend([each for each in self._paragraph if name_of(each) == "a:endParaRPr"])

    def _keep_look(self, run: Element | None) -> None:
        """Put a run without words where none of them looks any more as some did: the document still has it."""
        if run is not None and self._alike.find(run) not in self._seen[-1]:
            self._add_run(run)

    def put_words(self, text: str) -> None:
        """Write words."""
        text = NO_CHARACTER.sub("", text)
        if text:
            run = self._find_run(self._looks[-1])
            set_language(run, self._language)
            if self._turns and name_of(run) == "w:r":
                turn_run(run, self._language)
            put_text(run, text)

    def replay(self, piece: Piece) -> None:
        """Write a piece, and what is kept in it, as it was."""
        waiting, around = [piece], list[Piece]()
        while waiting:
            each = waiting.pop()
            if each.kind is PieceKind.BEGIN:
                around.append(each)
                self._open(each)
                waiting += reversed(each.group)
            elif each.kind is PieceKind.END:
                waiting += reversed(around[-1].closing)
                self._close(around.pop())
            elif each.kind is PieceKind.WORDS and each.run is not None:
                put_text(self._find_run(each.run), each.text)
            elif each.node is not None:
                self._put_node(each.node, each.run)
            else:
                waiting += reversed(each.group)

    def _put_node(self, node: Element, run: Element | None) -> None:
        """Put what has no words; what parts words may stand with them, the rest stands with what it stood with."""
        slot = self._slots[-1]
        if run is None:
            slot.append(node)
        elif name_of(node) in BREAKS:
            self._find_run(run).append(node)
        else:
            last = last_child(slot)
            if last is None or self._origins.get(last) is not run:
                last = self._add_run(run)
                if not any(name_of(each) in TEXTS for each in run):
                    del self._written[last]
            last.append(node)

    def _find_run(self, like: Element) -> Element:
        """Return the last run if it looks like another one and its last text is short, else a new one."""
        last = last_child(self._slots[-1])
        if last is None or self._written.get(last) != self._alike.find(like):
            return self._add_run(like)
        text = last_child(last)
        return last if text is None or len(text.text or "") < LONG_TEXT else self._add_run(like)

    def _add_run(self, like: Element) -> Element:
        attributes = {str(name): str(value) for name, value in like.attrib.items()}
        run = etree.SubElement(self._slots[-1], like.tag, attributes)
        properties = properties_of(like)
        if properties is not None:
            run.append(deepcopy(properties))
        self._origins[run] = like
        self._written[run] = self._alike.find(like)
        self._seen[-1].add(self._written[run])
        return run


def empty(slot: Element) -> None:
    """Take out of an element what is not its properties."""
    for each in list(slot):
        if name_of(each) not in PROPERTIES:
            slot.remove(each)


def make_base(paragraph: Element) -> Element:
    """Return a run that looks as what is typed at the end of a paragraph."""
    run = etree.Element(named(paragraph, "r"))
    properties = find_child(find_child(paragraph, "w:pPr"), "w:rPr")
    if properties is not None:
        run.append(deepcopy(properties))
        for each in list(run[0]):
            if name_of(each) in TRACKED:
                run[0].remove(each)
    return run


def put_text(run: Element, text: str) -> None:
    """Put text at the end of a run."""
    for part in SPECIAL.split(text) if name_of(run) == "w:r" else [text]:
        if part in ELEMENTS:
            etree.SubElement(run, named(run, ELEMENTS[part]))
        elif part:
            last = last_child(run)
            is_text = last is not None and name_of(last) in TEXTS
            shown = last if is_text and last is not None else etree.SubElement(run, named(run, "t"))
            shown.text = (shown.text or "") + part
            if name_of(run) == "w:r" and (shown.text != shown.text.strip() or "  " in shown.text):
                shown.set(SPACE, "preserve")
