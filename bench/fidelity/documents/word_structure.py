"""What two documents of Word have in common: all but words, as another parser than the server's reads them."""

import io
import posixpath
import zipfile
from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
PARAGRAPHS, RUNS, TEXTS = (W + "p", A + "p"), (W + "r", A + "r"), (W + "t", A + "t")
PROPERTIES = (W + "rPr", A + "rPr")
# Made by programs for themselves; characters that are letters of words; and what words are in.
DROPPED = frozenset(W + name for name in ("proofErr", "lastRenderedPageBreak", "softHyphen", "noBreakHyphen", "lang"))
# What switches are off by.
OFF = ("0", "false", "off", "none")
SWITCHES = frozenset(
    W + name
    for name in ("b", "bCs", "i", "iCs", "caps", "smallCaps", "strike", "dstrike", "vanish", "outline", "shadow", "u")
)
# Attributes that are read, what says what language words are in, and what runs were saved with.
READ = frozenset(("descr", "title", "alt", "lang", W + "tooltip"))
SAVED = W + "rsid"
MOST_SHOWN = 100
TITLE = "{http://purl.org/dc/elements/1.1/}title"


def find_structure_fault(before: bytes, after: bytes) -> str:
    """Say where two documents differ in more than words; empty where they do not."""
    one, other = read_members(before), read_members(after)
    if [*one] != [*other]:
        return f"members {[*one]} became {[*other]}"
    for name, content in one.items():
        if content == other[name]:
            continue
        if not name.endswith(".xml"):
            return f"{name} has changed"
        shown = [Counter(describe_part(ElementTree.fromstring(each))) for each in (content, other[name])]
        if shown[0] != shown[1]:
            lost, added = (next(iter(each), "nothing") for each in (shown[0] - shown[1], shown[1] - shown[0]))
            at = max(0, len(posixpath.commonprefix((lost, added))) - MOST_SHOWN)
            return f"{name}: …{lost[at : at + 3 * MOST_SHOWN]}… became …{added[at : at + 3 * MOST_SHOWN]}…"
    return ""


def read_members(document: bytes) -> dict[str, bytes]:
    """Return what is packed in a document, by name, in order."""
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def describe_part(root: Element) -> Iterator[str]:
    """Yield each paragraph, and what is around them, without words.

    A paragraph is its properties, how its words look, and all that is no word, in whatever order.
    """
    yield describe(root)
    for paragraph in root.iter():
        if paragraph.tag in PARAGRAPHS:
            facts = Counter(describe_inner(paragraph))
            # That words which look alike stand in one run or in several says nothing.
            yield repr(sorted((fact, 1 if fact.startswith("looks") else count) for fact, count in facts.items()))


def describe_inner(around: Element) -> Iterator[str]:
    """Yield what stands in a paragraph: what is around words by itself, what has none whole."""
    waiting = [*around]
    while waiting:
        each = waiting.pop()
        if each.tag in RUNS:
            looks = "".join(describe(child) for child in each if child.tag in PROPERTIES)
            words = [child.text or "" for child in each if child.tag in TEXTS]
            if "".join(words).strip() or not any(child.tag not in PROPERTIES for child in each):
                yield f"looks {looks}"
            for child in each:
                if child.tag not in (*TEXTS, *PROPERTIES, *DROPPED):
                    yield describe(child)
        elif is_around_words(each):
            yield describe(each, deep=False)
            waiting += each
        elif each.tag not in DROPPED:
            yield describe(each)


def is_around_words(element: Element) -> bool:
    """Whether an element of a paragraph is around words, rather than something without."""
    names = ("hyperlink", "ins", "sdt", "sdtContent", "smartTag", "fldSimple", "moveTo", "customXml")
    return element.tag in {W + name for name in names}


def describe(element: Element, *, deep: bool = True) -> str:
    """Return an element as text, without words; what is in paragraphs inside of it is described by itself."""
    if element.tag in DROPPED or (element.tag in SWITCHES and element.get(W + "val") in OFF):
        return ""
    kept = sorted((k, v) for k, v in element.attrib.items() if k not in READ and not k.startswith(SAVED))
    shown = " ".join((shorten(element.tag), *(f"{shorten(name)}={value!r}" for name, value in kept)))
    if element.tag in PARAGRAPHS:
        return f"<{shown}{''.join(describe(each) for each in element if each.tag in (W + 'pPr', A + 'pPr'))}>"
    text = "" if element.tag in (*TEXTS, TITLE) else (element.text or "").strip()
    inner = "".join(describe(each) for each in element) if deep else ""
    if element.tag in PROPERTIES and not inner and not kept:
        return ""
    return f"<{shown}>{text}{inner}</>"


def shorten(name: str) -> str:
    """Return a name with no more than the end of the name of its vocabulary."""
    return name.rpartition("/")[2].replace("}", ":")


def find_lost_paragraph(before: bytes, after: bytes) -> str:
    """Say which paragraph has no words any more, or some where it had none; empty where that is none."""
    one, other = ([*read_paragraphs(each)] for each in (before, after))
    if len(one) != len(other):
        return f"{len(one)} paragraphs became {len(other)}"
    pairs = zip(sorted(one), sorted(other), strict=True)
    return next((f"{first!r} became {second!r}" for first, second in pairs if bool(first) != bool(second)), "")


def read_paragraphs(document: bytes) -> Iterator[str]:
    """Yield the words of the paragraphs of the body, of notes, headers and footers."""
    for name, content in read_members(document).items():
        if posixpath.dirname(name) == "word" and b"wordprocessingml" in content and name != "word/comments.xml":
            for paragraph in ElementTree.fromstring(content).iter(W + "p"):
                yield " ".join("".join(each.text or "" for each in own_texts(paragraph)).split())


def own_texts(paragraph: Element) -> Iterator[Element]:
    """Yield what of a paragraph is text, but for that of paragraphs inside of it."""
    waiting = [paragraph]
    while waiting:
        each = waiting.pop()
        if each.tag == W + "t":
            yield each
        waiting += [child for child in reversed(each) if child.tag != W + "p"]
