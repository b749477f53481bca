"""Tokens of HTML, as the standard's tokeniser finds them, and where each stands in the source, to the letter."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from turbohtml import TokenType, tokenize

from polygist_service.errors import InvalidDocument

# Pages have a few thousand tags; so many are read in a second, and a page of that size has a tag every six characters.
MOST_TAGS = 150_000
# Frameworks write some dozens; a tag with more was made by nobody.
MOST_ATTRIBUTES = 1000

# What tokens of HTML call white space.
WHITE = " \t\n\f\r"
ATTRIBUTE = re.compile(
    rf"[{WHITE}/]*+(?P<name>[^{WHITE}/>][^{WHITE}/>=]*+)"
    rf"(?:[{WHITE}]*+=[{WHITE}]*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^{WHITE}>]*+)))?"
)
# Where the tokeniser would go another way in drawings and formulas, for it does not know that it is in one.
FOREIGN = re.compile(
    r"<!--(?:(?!-->).)*+|<(?:\?|/(?![A-Za-z]))[^>]*+|<!(?!\[CDATA\[)[^>]*+"
    r"|<(?P<begin>svg|math)(?=[\s/>])|</(?P<end>svg|math|script)(?=[\s/>])|(?P<hidden><!\[CDATA\[(?:(?!\]\]>).)*+(?:\]\]>)?"
    r"|<(?:script|style|title|textarea|xmp|iframe|noembed|noframes|noscript|plaintext)(?=[\s/])[^<>]*+(?<=/)>)"
    r"|</?[A-Za-z](?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+",
    re.IGNORECASE | re.DOTALL,
)


class TokenKind(Enum):
    """What a token is; OTHER are comments, declarations, and what browsers drop."""

    TEXT = 0
    START = 1
    END = 2
    OTHER = 3


KINDS = {TokenType.START_TAG: TokenKind.START, TokenType.END_TAG: TokenKind.END}
TEXTS = (TokenType.TEXT, TokenType.CHARACTER_REFERENCE)


class Token(NamedTuple):
    """A token, and where it stands.

    Attributes:
        start, end: its half-open span in the source, in code points.
        name: of the element, in small letters, where it is a tag.
        is_closed: whether a start tag ends in a slash, which counts in drawings and formulas.
    """

    kind: TokenKind
    start: int
    end: int
    name: str = ""
    is_closed: bool = False


class Attribute(NamedTuple):
    """An attribute of a start tag.

    Attributes:
        value: as it stands there, its character references unread.
        start, end: half-open span of the value in the source, without quotes; empty behind the name where it has none.
        quote: the mark around it; empty where there is none.
        has_value: whether there is an equals sign.
    """

    value: str
    start: int
    end: int
    quote: str
    has_value: bool


def read_tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a document, in order: joined, they are the document.

    Raises:
        InvalidDocument: it has too many of them.
    """
    yield from read_masked(mask(text), MOST_TAGS)


def read_masked(source: str, most: int) -> Iterator[Token]:
    """Yield the tokens of a text that the tokeniser changes nothing of; see `read_tokens`."""
    at = count = 0
    begun = -1  # where the text begins whose pieces are still coming
    is_markup = False  # in text that the tokeniser leaves, as browsers that run scripts do
    for token in tokenize(source, resolve_references=False, capture_source=True, capture_attributes=False):
        length = len(token.source or token.data or "")
        if token.type in TEXTS:
            begun = at if begun < 0 else begun
            at += length
            continue
        if begun >= 0 and is_markup:
            for inner in read_masked(source[begun:at], most - count):
                count += inner.kind is not TokenKind.TEXT
                yield inner._replace(start=inner.start + begun, end=inner.end + begun)
        elif begun >= 0:
            yield Token(TokenKind.TEXT, begun, at)
        begun = -1
        is_markup = token.type is TokenType.START_TAG and token.tag == "noscript"
        count += 1
        if count > most:
            raise InvalidDocument(f"has more than {MOST_TAGS:,} tags and comments; send it in parts")
        yield Token(KINDS.get(token.type, TokenKind.OTHER), at, at + length, token.tag or "", bool(token.self_closing))
        at += length
    if begun >= 0:
        yield Token(TokenKind.TEXT, begun, at)
    if at < len(source):
        yield Token(TokenKind.OTHER, at, len(source))


def mask(text: str) -> str:
    """Return a text of the same length, token by token, that the tokeniser reads letter for letter.

    It would change line breaks and NUL, and say nothing of an end tag without a name, which browsers drop; in drawings
    and formulas it takes what is in CDATA sections for tags, and an empty `<style/>` for the begin of one.
    """
    text = text.replace("\r\n", " \n").replace("\r", "\n").replace("\0", "\ufffd").replace("</>", "<?>")
    depth = 0

    def hide(found: re.Match[str]) -> str:
        nonlocal depth
        if found["begin"]:
            depth += 1
        elif found["end"]:
            depth = 0 if found["end"].lower() == "script" else max(0, depth - 1)
        elif depth and found["hidden"]:
            return "<g" + " " * (len(found[0]) - 3) + ">" if found[0].endswith("/>") else "x" * len(found[0])
        return found[0]

    return FOREIGN.sub(hide, text) if "<svg" in text or "<math" in text else text


def read_attributes(text: str, token: Token) -> dict[str, Attribute]:
    """Return the attributes of a start tag by their names in small letters; of those of one name the first counts.

    Raises:
        InvalidDocument: it has too many of them.
    """
    found: dict[str, Attribute] = {}
    at, end = token.start + 1 + len(token.name), token.end - 1
    for count, match in enumerate(ATTRIBUTE.finditer(text, at, end)):
        if count >= MOST_ATTRIBUTES:
            raise InvalidDocument(f"has a tag with more than {MOST_ATTRIBUTES:,} attributes at {token.start:,}")
        group = match.lastgroup or "name"
        start, stop = match.span(group) if group != "name" else (match.end(), match.end())
        quote = {"double": '"', "single": "'"}.get(group, "")
        found.setdefault(match["name"].lower(), Attribute(text[start:stop], start, stop, quote, group != "name"))
    return found
