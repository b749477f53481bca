"""Words that stand in attributes, such as those for people who do not see a picture, and the title of a document."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape, unescape

from polygist_service.text.documents.files.word.markup import Element, name_of, named
from polygist_service.text.documents.files.word.runs import NO_CHARACTER
from polygist_service.text.documents.html.tokens import Token, TokenKind, read_attributes
from polygist_service.text.segmentation import has_letters

# What a picture was called where it came from.
FILE_NAME = re.compile(r"\S*\.\w{2,4}|https?:\S*")
PICTURES = ("docPr", "cNvPr")
TABLES = ("w:tblCaption", "w:tblDescription")


@dataclass(frozen=True, slots=True)
class Label:
    """Words of attributes.

    Attributes:
        value: the words.
        places: elements, and the names of those of their attributes that have them.
    """

    value: str
    places: list[tuple[Element, str]] = field(default_factory=list)

    @property
    def html(self) -> str:
        """See `document.Text.html`."""
        return f'<img alt="{escape(self.value)}">'

    def write(self, text: str, tokens: Sequence[Token], language: str) -> None:
        """See `document.Text.write`."""
        (image,) = (token for token in tokens if token.kind is TokenKind.START)
        value = NO_CHARACTER.sub("", unescape(read_attributes(text, image)["alt"].value))
        for element, name in self.places:
            element.set(name, value)


@dataclass(frozen=True, slots=True)
class Title:
    """The title of a document."""

    element: Element

    @property
    def html(self) -> str:
        """See `document.Text.html`."""
        return escape(self.element.text or "", quote=False)

    def write(self, text: str, tokens: Sequence[Token], language: str) -> None:
        """See `document.Text.write`."""
        shown = "".join(text[token.start : token.end] for token in tokens)
        self.element.text = NO_CHARACTER.sub("", unescape(shown))


def read_labels(root: Element) -> Iterator[Label]:
    """Yield the words of attributes of a part; those that stand there several times are one."""
    labels: dict[str, Label] = {}
    for element in root.iter():
        for name in find_attributes(element):
            value = str(element.get(name, ""))
            if has_letters(value) and not FILE_NAME.fullmatch(value):
                labels.setdefault(value, Label(value)).places.append((element, name))
    yield from labels.values()


def find_attributes(element: Element) -> Sequence[str]:
    """Return the names of the attributes of an element that are read by people."""
    name = name_of(element)
    if name.rpartition(":")[2] in PICTURES:
        return "descr", "title"
    if name in TABLES:
        return (named(element, "val"),)
    if name == "w:hyperlink":
        return (named(element, "tooltip"),)
    return ("alt",) if name.startswith("v:") else ()


def read_title(root: Element) -> Iterator[Title]:
    """Yield the title that is among the properties of a document."""
    return (Title(each) for each in root if name_of(each) == "dc:title" and has_letters(each.text or ""))
