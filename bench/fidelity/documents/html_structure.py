"""What must be the same of an HTML page in another language: its tree, its letters outside the text, its bold numbers.

Two readers that are not the server's: a browser's parser for the tree, and regular expressions for the letters.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from selectolax.lexbor import LexborHTMLParser, LexborNode


def names(text: str) -> frozenset[str]:
    """Return the names in a text."""
    return frozenset(text.split())


# Elements that stand among words, and move with them; all others stay in their order.
INLINE = names(
    """a abbr acronym audio b bdi bdo big cite code data del dfn em font i iframe img input ins kbd mark math meter nobr
    noscript object output picture progress q ruby rp rt s samp script small span strike strong sub sup svg template
    time tt u var video wbr -comment"""
)
VOID = names("area base br col embed hr img input link meta param source track wbr")
# Elements whose contents stay as they are.
PROTECTED = names("code iframe kbd math pre script style svg template textarea")
# Those in which a "<" begins no tag.
RAW = names("iframe script style textarea title xmp")
TRANSLATED = names("alt aria-label placeholder title")
LANGUAGE = names("lang xml:lang")
BOLD = names("b strong")

TAG_NAME = re.compile(r"</?([a-zA-Z][^\s/>]*)")
ATTRIBUTE = re.compile(r"""(\s|/|"|')([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>][^\s>]*)""")
MARKUP = re.compile(
    r"""<!--(?:>|->|.*?(?:-->|--!>|\Z))  # a comment
    | <[!?][^>]*>                      # a doctype, a processing instruction
    | </?[a-zA-Z](?:[^>"'=]|=\s*"[^"]*"|=\s*'[^']*'|["'=])*?>  # a tag
    """,
    re.DOTALL | re.VERBOSE,
)
UNTOUCHED = re.compile(
    r"""\stranslate\s*=\s*["']?no\b|\sclass\s*=\s*(?:"[^"]*|'[^']*|)\bnotranslate\b""", re.IGNORECASE
)
DESCRIPTION = re.compile(r"""\sname\s*=\s*["']?description\b""", re.IGNORECASE)
ESCAPED_TWICE = re.compile(r"&amp;(#?\w+;)")
NUMBER = re.compile(r"\d+(?:[.,\u00a0]\d+)*")
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, a comment, an element that stays as it is, or the text between two of them.

    Attributes:
        name: of the element, such as "p"; empty for text.
        letters: as they stand in the page; values that are translated are left out.
    """

    name: str
    letters: str

    @property
    def is_inline(self) -> bool:
        """Whether it may move among the words around it."""
        return not self.name or is_inline(self.name)

    @property
    def shown(self) -> str:
        """What a reader sees of it: a sign for an element that stays as it is, and nothing of a tag."""
        if not self.name:
            return self.letters
        return "" if MARKUP.fullmatch(self.letters) and self.name not in VOID else "¤"


def is_inline(name: str) -> bool:
    """Tell whether an element stands among words, as do those that HTML does not know, such as "x-price" and "o:p"."""
    return name in INLINE or bool(set("-:") & set(name.strip("-")))


def find_tree_fault(source: str, target: str) -> str:
    """Say where the trees of two pages differ, or nothing where they do not.

    Inline elements between two blocks are compared in any order, and so are their attributes; text is not compared.
    """
    before, after = (list(outline(LexborHTMLParser(page).root)) for page in (source, target))
    return find_difference(before, after)


def find_byte_fault(source: str, target: str) -> str:
    """Say which letters outside the text of two pages differ, or nothing where none do."""
    fault = find_difference(list(skeleton(source)), list(skeleton(target)))
    return fault or find_double_escape(source, target)


def find_double_escape(source: str, target: str) -> str:
    """Say which character reference of a page was escaped once more in its translation."""
    before, after = (Counter(ESCAPED_TWICE.findall(page)) for page in (source, target))
    # What is no reference is text, and has to be escaped.
    twice = [found for found in after - before if html.unescape(f"&{found}") != f"&{found}"]
    return f"&amp;{twice[0]} came of &{twice[0]}" if twice else ""


def find_difference(before: Sequence[str], after: Sequence[str]) -> str:
    """Say what the first difference of two sequences is."""
    for place, (one, other) in enumerate(zip_longest(before, after, fillvalue="")):
        if one != other:
            start = next(at for at, (a, b) in enumerate(zip_longest(one, other)) if a != b)
            start = max(0, start - SHOWN // 2)
            previous = before[place - 1][-SHOWN:] if place else ""
            return f"after {previous!r} came {other[start : start + SHOWN]!r}, right is {one[start : start + SHOWN]!r}"
    return ""


def outline(root: LexborNode | None) -> Iterator[str]:
    """Yield the tags of a tree in their order, and where inline elements stand together these in any order."""
    run: list[str] = []
    node = root
    while node is not None and node.prev is not None:
        node = node.prev
    while node is not None:
        if is_inline(node.tag or ""):
            run.append(describe(node) + "".join(f"({line})" for line in outline(node.child)))
        elif node.tag != "-text":
            yield from sorted(run)
            run.clear()
            yield describe(node)
            yield from (f"{node.tag} {line}" for line in outline(node.child))
        node = node.next
    yield from sorted(run)


def describe(node: LexborNode) -> str:
    """Return the tag and the attributes of an element, without values that may be translated."""
    if node.is_comment_node:
        return f"<!--{node.comment_content}-->"
    values = dict(node.attributes)
    if node.tag == "html":
        values = {name: value for name, value in values.items() if name not in LANGUAGE}
    is_description = (values.get("name") or "").lower() == "description"
    untold = TRANSLATED | LANGUAGE | ({"content"} if is_description else set())
    told = (name if name in untold or value is None else f"{name}={value!r}" for name, value in sorted(values.items()))
    return f"<{' '.join((node.tag or '', *told))}>"


def skeleton(page: str) -> Iterator[str]:
    """Yield what stands outside the text of a page: the letters of blocks, and of what stands between two of them."""
    run: list[Token] = []
    for token in tokenize(page):
        if token.is_inline:
            run.append(token)
            continue
        yield from outside_text(run)
        run.clear()
        yield token.letters
    yield from outside_text(run)


def outside_text(run: Sequence[Token]) -> Iterator[str]:
    """Yield the letters of inline tokens, in any order where there is a word, and the spaces at both ends."""
    text = "".join(token.letters for token in run if not token.name)
    if not any(map(str.isalnum, text)):
        yield "".join(token.letters for token in run)
        return
    shown = "".join(token.shown for token in run)
    yield shown[: len(shown) - len(shown.lstrip())]
    yield from sorted(token.letters for token in run if token.name)
    yield shown[len(shown.rstrip()) :]


def tokenize(page: str) -> Iterator[Token]:
    """Yield the tokens of a page; an element that stays as it is is one token."""
    place = 0
    while found := MARKUP.search(page, place):
        if found.start() > place:
            yield Token("", page[place : found.start()])
        place = found.end()
        letters, name = found.group(), tag_name(found.group())
        is_start = letters[1] != "/" and name != "-comment"
        is_untouched = is_start and UNTOUCHED.search(letters)
        if is_start and (name in PROTECTED or is_untouched) and name not in VOID:
            place = find_end(page, name, place)
            yield Token(name, (letters if is_untouched else mask(letters, name)) + page[found.end() : place])
        elif is_start and not is_untouched:
            yield Token(name, mask(letters, name))
        else:
            yield Token(name, letters)
        if is_start and name == "title":
            end = find_end(page, name, place)
            yield Token("", page[place : page.rindex("<", 0, end)])
            place = page.rindex("<", 0, end)
    if place < len(page):
        yield Token("", page[place:])


def tag_name(letters: str) -> str:
    """Return the name of a tag in small letters, and "-comment" or "-doctype" for what is none."""
    if found := TAG_NAME.match(letters):
        return found.group(1).lower()
    return "-comment" if letters.startswith("<!--") else "-doctype"


def find_end(page: str, name: str, place: int) -> int:
    """Return where an element ends whose start tag ends at `place`."""
    if name in RAW:
        found = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(page, place)
        return found.end() if found else len(page)
    depth = 1
    while depth and (found := MARKUP.search(page, place)):
        place = found.end()
        if tag_name(found.group()) == name:
            depth += -1 if found.group()[1] == "/" else 1
    return place


def mask(letters: str, name: str) -> str:
    """Return a start tag without the values that may be translated, and without the language of the page."""
    is_description = name == "meta" and DESCRIPTION.search(letters)
    untold = TRANSLATED | LANGUAGE | ({"content"} if is_description else set())

    def leave_out(found: re.Match[str]) -> str:
        before, attribute, equals, _ = found.groups()
        if name == "html" and attribute.lower() in LANGUAGE:
            return ""
        return f"{before}{attribute}{equals}…" if attribute.lower() in untold else found.group()

    return ATTRIBUTE.sub(leave_out, letters)


def numbers(tree: LexborHTMLParser, *, bold_only: bool = False) -> Counter[str]:
    """Count the numbers of a page's text, or those in bold, by their digits."""
    selected = tree.css("b, strong") if bold_only else tree.css("body")
    outermost = (element for element in selected if not any(parent.tag in BOLD for parent in ancestors(element)))
    found = NUMBER.findall("\n".join(element.text(separator="\n") for element in outermost))
    return Counter(re.sub(r"\D", "", number) for number in found)


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """Yield the elements around a node."""
    while (parent := node.parent) is not None:
        yield parent
        node = parent
