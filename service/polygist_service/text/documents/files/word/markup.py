"""XML of documents: parsed without entities or network, named shortly, and written as it was."""

import codecs
import re
from functools import lru_cache

from lxml import etree

from polygist_service.errors import InvalidDocument

Element = etree._Element

# Of each vocabulary the prefix by which it is named here, for what Word writes and for the strict standard.
PREFIXES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a",
    "http://purl.oclc.org/ooxml/drawingml/main": "a",
    "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing": "wp",
    "http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing": "wp",
    "http://schemas.openxmlformats.org/drawingml/2006/picture": "pic",
    "http://purl.oclc.org/ooxml/drawingml/picture": "pic",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingShape": "wps",
    "http://schemas.microsoft.com/office/word/2010/wordml": "w14",
    "http://schemas.openxmlformats.org/drawingml/2006/diagram": "dgm",
    "http://purl.oclc.org/ooxml/drawingml/diagram": "dgm",
    "http://schemas.microsoft.com/office/drawing/2008/diagram": "dsp",
    "urn:schemas-microsoft-com:vml": "v",
    "http://purl.org/dc/elements/1.1/": "dc",
}
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
DECLARATION = re.compile(rb"\s*<\?xml[^>]*\?>\s*")


def parse_part(source: bytes, name: str) -> Element:
    """Return the root of a part.

    Raises:
        InvalidDocument: it is no XML, nested too deep, or has a document type, in which entities are declared.
    """
    if b"<!DOCTYPE" in source.replace(b"\0", b""):
        raise InvalidDocument(f"has a document type in {name}, which no document of Word has; save it again as .docx")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(source, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidDocument(f"is damaged: {name} is no XML, or nested too deep ({error})") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise InvalidDocument(f"has a document type in {name}, which no document of Word has; save it again as .docx")
    return root


def write_part(root: Element, source: bytes) -> bytes:
    """Return the bytes of a part that was parsed from `source`, with the same declaration and encoding."""
    tree = root.getroottree()
    encoding = tree.docinfo.encoding or "UTF-8"
    is_usual = encoding.upper() == "UTF-8"
    written = etree.tostring(tree, encoding=encoding, xml_declaration=not is_usual)
    assert isinstance(written, bytes)
    declaration = DECLARATION.match(source.removeprefix(codecs.BOM_UTF8)) if is_usual else None
    return (declaration[0] if declaration else b"") + written


@lru_cache(maxsize=4096)
def shorten(tag: str) -> str:
    """Return a name with the prefix of its vocabulary, as ``w:p``; of an unknown one without."""
    namespace, _, local = tag[1:].partition("}")
    prefix = PREFIXES.get(namespace) if tag[:1] == "{" else None
    return f"{prefix}:{local}" if prefix else local or tag


def tags_of(name: str) -> list[str]:
    """Return the full names that a short one stands for."""
    prefix, _, local = name.partition(":")
    return [f"{{{namespace}}}{local}" for namespace, short in PREFIXES.items() if short == prefix]


def name_of(element: Element) -> str:
    """Return the short name of an element; empty for a comment or an instruction."""
    return shorten(element.tag) if isinstance(element.tag, str) else ""


def named(like: Element, local: str) -> str:
    """Return the full name for something in the vocabulary of an element."""
    return f"{str(like.tag).partition('}')[0]}}}{local}"


def value_of(element: Element | None, local: str = "val") -> str | None:
    """Return an attribute that is in the vocabulary of its element; None where there is none."""
    return None if element is None else element.get(named(element, local))


def find_child(element: Element | None, name: str) -> Element | None:
    """Return the first child with a short name."""
    return None if element is None else next((each for each in element if name_of(each) == name), None)


def last_child(element: Element) -> Element | None:
    """Return the last child; lxml counts all of them where it is asked for one by its number."""
    return next(element.iterchildren(reversed=True), None)


def is_on(element: Element | None) -> bool:
    """Whether a switch of a property is there and on."""
    return element is not None and value_of(element) not in ("0", "false", "off", "none")
