"""The pieces of a block of Markdown: words, marks in pairs or alone, what is kept, and where lines end."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise, takewhile

from polygist_service.text.addresses import find_addresses

TAG_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)")
UNTRANSLATED = re.compile(r"translate\s*=\s*[\"']?no\b|class\s*=\s*[\"']?[^\"'>]*\bnotranslate\b", re.IGNORECASE)
# Elements of HTML whose words are no language's, and those that have no end tag.
KEPT = frozenset(("code", "kbd", "samp", "tt", "pre", "var", "script", "style", "svg", "math", "textarea"))
VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
# Emoji by name, and numbers of issues.
EMOJI = re.compile(r"(?<![\w:]):(?=[a-z0-9_+-]*[a-z+-])[a-z0-9_+-]+:(?![\w:])")
PICTURE = re.compile(r"[\u2600-\u27bf\u2b05-\u2bff\U0001f300-\U0001faff]")
NUMBERS = re.compile(r"(?<![\w#&/])(?:[\w.-]+/[\w.-]+)?#\d+(?!\w)")


class AtomKind(Enum):
    """What a piece of a block's letters is."""

    TEXT = auto()
    OBJECT = auto()  # never translated, but read as a word
    SPACE = auto()  # where a wrapped line goes on
    LINE = auto()
    OPENING = auto()
    CLOSING = auto()
    ALONE = auto()  # without words: an image, a comment


MARKS = frozenset((AtomKind.OPENING, AtomKind.CLOSING, AtomKind.ALONE))
BREAKS = frozenset((AtomKind.SPACE, AtomKind.LINE))
# References to notes that this text does not have: they may stand in another part of it.
NOTES = re.compile(r"\[\^[^\s\[\]]+\]")

# What a parser says of a piece: the kind of a token and what tells it from others; of text the text.
Sign = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Atom:
    """A piece of a block's letters.

    Attributes:
        start, end: its half-open span in the letters.
        text: what is read of it; of an object, what it shows.
        signs: what the parser says of it.
        partner: index of the mark that it makes a pair with.
        contents: indices of the contents in it that are read for themselves: alternative texts, titles, notes.
        is_plain: whether it is text that is read letter by letter.
    """

    kind: AtomKind
    start: int
    end: int
    text: str = ""
    signs: tuple[Sign, ...] = ()
    partner: int | None = None
    contents: tuple[int, ...] = ()
    is_plain: bool = False


def pair_elements(atoms: Sequence[Atom]) -> list[Atom]:
    """Return the atoms with each start tag of HTML and its end tag as marks, if in the same mark of Markdown."""
    paired = list(atoms)
    open_tags: list[list[tuple[str, int]]] = [[]]
    counts: list[Counter[str]] = [Counter()]
    for index, atom in enumerate(atoms):
        if atom.kind is AtomKind.OPENING:
            open_tags.append([])
            counts.append(Counter())
        elif atom.kind is AtomKind.CLOSING:
            open_tags.pop()
            counts.pop()
        elif atom.signs and atom.signs[0][0] == "html_inline" and (found := TAG_NAME.match(atom.signs[0][1])):
            name = found[1].lower()
            if found[0][1] != "/":
                if name not in VOID and not atom.signs[0][1].endswith("/>"):
                    open_tags[-1].append((name, index))
                    counts[-1][name] += 1
            elif counts[-1][name]:
                other = ""
                while other != name:
                    other, opening = open_tags[-1].pop()
                    counts[-1][other] -= 1
                paired[opening] = replace(atoms[opening], kind=AtomKind.OPENING)
                paired[index] = replace(atom, kind=AtomKind.CLOSING)
    return paired


def find_partners(atoms: Sequence[Atom]) -> list[Atom]:
    """Return the atoms, those that begin or end something with the index of what ends or begins it."""
    found = list(atoms)
    waiting: list[int] = []
    for index, atom in enumerate(atoms):
        if atom.kind is AtomKind.OPENING:
            waiting.append(index)
        elif atom.kind is AtomKind.CLOSING:
            opening = waiting.pop()
            found[opening] = replace(atoms[opening], partner=index)
            found[index] = replace(atom, partner=opening)
    return found


def keep_elements(atoms: Sequence[Atom]) -> Iterator[Atom]:
    """Yield the atoms, each element of HTML that is not translated as one."""
    at = 0
    while at < len(atoms):
        atom = atoms[at]
        at += 1
        if atom.kind is AtomKind.OPENING and atom.signs[0][0] == "html_inline" and atom.partner is not None:
            tag = atom.signs[0][1]
            found = TAG_NAME.match(tag)
            if (found and found[1].lower() in KEPT) or UNTRANSLATED.search(tag):
                inner = atoms[at - 1 : atom.partner + 1]
                shown = "".join(" " if each.kind in BREAKS else each.text for each in inner)
                signs = tuple(sign for each in inner for sign in each.signs)
                kind = AtomKind.OBJECT if shown.strip() else AtomKind.ALONE
                at = atom.partner + 1
                atom = Atom(kind, atom.start, inner[-1].end, shown, signs)
        yield atom


def find_objects(atom: Atom) -> Iterator[Atom]:
    """Yield the pieces of an atom of plain text: addresses, names of emoji and numbers of issues are kept."""
    if not atom.is_plain:
        yield atom
        return
    text, at = atom.text, 0
    found = [(*span, AtomKind.OBJECT) for span in find_addresses(text)]
    found += [(*each.span(), AtomKind.OBJECT) for each in NUMBERS.finditer(text)] if "#" in text else []
    found += [(*each.span(), AtomKind.ALONE) for each in EMOJI.finditer(text)] if ":" in text else []
    found += [(*each.span(), AtomKind.ALONE) for each in NOTES.finditer(text)] if "[^" in text else []
    for start, end, kind in sorted(found):
        if start >= at:
            if at < start:
                yield cut_text(atom, at, start)
            piece = cut_text(atom, start, end)
            yield replace(piece, kind=kind, is_plain=False)
            at = end
    if at < len(text):
        yield cut_text(atom, at, len(text))


def cut_text(atom: Atom, start: int, end: int) -> Atom:
    """Return the piece start:end of an atom of plain text."""
    text = atom.text[start:end]
    return replace(atom, start=atom.start + start, end=atom.start + end, text=text, signs=(("text", text),))


def part_lines(atoms: Sequence[Atom]) -> list[Atom]:
    """Return the atoms with hard breaks where lines are meant.

    That is around those that have no words but an image, a directive or a formula, and before those that begin with a
    label in bold, an image or an emoji.
    """
    parted = list(atoms)
    borders = [-1, *(index for index, atom in enumerate(atoms) if atom.kind in BREAKS), len(atoms)]
    for low, high in pairwise(borders):
        line = atoms[low + 1 : high]
        is_bare = any(map(stands_alone, line)) and all(stands_alone(each) or not each.text.strip() for each in line)
        if is_bare and high < len(atoms):
            parted[high] = replace(atoms[high], kind=AtomKind.LINE)
        if low >= 0 and (is_bare or begins_line(line)):
            parted[low] = replace(atoms[low], kind=AtomKind.LINE)
    return parted


def begins_line(line: Sequence[Atom]) -> bool:
    """Whether a line begins as those do that follow one another without an empty one between."""
    marks = list(takewhile(lambda atom: atom.kind in MARKS, line))
    if any(atom.signs[0][0] == "image" or atom.signs[0][1].startswith(":") for atom in marks):
        return True
    words = line[len(marks) :]
    if words and not marks:
        return bool(PICTURE.match(words[0].text))
    if not words or marks[0].signs[0][0] != "strong_open":
        return False
    label = list(takewhile(lambda atom: atom.kind is not AtomKind.CLOSING, words))
    behind = "".join(atom.text for atom in words[len(label) :][:2])
    return bool(label) and (label[-1].text.rstrip().endswith(":") or behind.startswith(":"))


def stands_alone(atom: Atom) -> bool:
    """Whether an atom may be a line of its own."""
    return atom.kind is AtomKind.ALONE or (atom.kind is AtomKind.OBJECT and atom.text.startswith(("$$", "\\[")))
