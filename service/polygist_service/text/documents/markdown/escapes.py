"""Text that is written into Markdown so that it means itself."""

import re
from collections.abc import Iterator

from polygist_service.text.documents.markdown.dialects import WORDS

# What always means something but between white space or inside a word, and what may where more of it follows.
BACKSLASH = re.compile(r"\\(?=[!-/:-@\[-`{-~]|\Z)")
TICK = re.compile(r"`")
STAR = re.compile(r"(?<!\s)\*|\*(?!\s|\Z)")
UNDERSCORE = re.compile(r"(?<![\w\s])_|_(?![\w\s])|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)")
TILDE = re.compile(r"(?<!\s)~|~(?!\s|\Z)")
ANGLE = re.compile(r"<(?=[A-Za-z/!?])")
AMPERSAND = re.compile(r"&(?=#?\w+;)")
BRACKET = re.compile(r"\[(?=\^|!|[ xX]\]|[^\[\]]*\][(\[:])|\]")
DOLLAR = re.compile(r"\$(?=[^$]*\$)")
BRACKETED = re.compile(r"\[[^\[\]]*\]")
BRACES = re.compile(r"\{(?=[{%:#.])")
SPECIAL = re.compile(r"[\\`*_\[\]<>&$~{}|^]")
# What begins something else than words where it begins a line.
LINE_START = re.compile(
    r"#{1,6}(?=[ \t]|\Z)|>|[-+*](?=[ \t]|\Z)|(?:=+|-+)(?=[ \t]*\Z)|(?P<number>\d{1,9})[.)](?=[ \t]|\Z)|:(?=[ \t]|::)"
    r"|~(?=[ \t]|~~)|[-_*](?=[ \t]*[-_*][ \t]*[-_*])|\||\+(?=\+\+)|`|\\\[|\$\$"
)
CLOSING_HASHES = re.compile(r"(?<=\s)#+\Z")
# Behind white space that becomes a line break none of this may stand.
UNBREAKABLE = re.compile(
    r"[-+*=_](?:[\s=_*-]|\Z)|[#>|<$\\]|\d{1,9}[.)]|`{3}|~|:(?:\s|:)|\[\^|\[[^\]]*\]:|\+\+\+|--|\*\*\*|___|==|\Z"
)

# What makes a plain value of YAML something else.
UNSAFE_VALUE = re.compile(
    r":(?:\s|\Z)|\s#|\A[-?:,\[\]{}#&*!|>'\"%@`~]|\A[\d.+-]+\Z|\A(?:true|false|yes|no|on|off|null)\Z", re.IGNORECASE
)


def find_escapes(text: str, *, is_full: bool, is_line_start: bool) -> dict[int, str]:
    """Return what is written for characters of `text` that would not mean themselves, by their offsets.

    Args:
        text: words of a block between its marks, all of one sentence.
        is_full: whether to escape whatever may mean something; else, what nearly always does.
        is_line_start: whether nothing stands before the text on its line.
    """
    places = [found.start() for found in SPECIAL.finditer(text)] if is_full else list(find_likely(text))
    if is_line_start and (found := LINE_START.match(text)):
        places.append(found.end("number") if found["number"] else 0)
    if found := CLOSING_HASHES.search(text):
        places.append(found.start())
    escapes = {at: f"\\{text[at]}" for at in places}
    if "[" in text:
        # Both with a backslash, brackets are a formula, unless there are words between them.
        phrases = {found.end() - 1 for found in BRACKETED.finditer(text) if WORDS.search(found[0])}
        escapes |= {at: "&#93;" for at in escapes if text[at] == "]" and at not in phrases}
    return escapes


def find_likely(text: str) -> Iterator[int]:
    """Yield the offsets of what nearly always means something."""
    patterns = [BACKSLASH, TICK, STAR, UNDERSCORE, ANGLE, AMPERSAND, BRACES, DOLLAR]
    patterns += [TILDE] if text.count("~") > 1 else []
    for pattern in patterns:
        yield from (found.start() for found in pattern.finditer(text))
    if text.count("[") != text.count("]"):
        yield from (at for at, character in enumerate(text) if character in "[]")
    else:
        yield from (found.start() for found in BRACKET.finditer(text) if found[0] == "[")


def find_title_escapes(text: str, quote: str) -> dict[int, str]:
    """Return the same for a title in quotes.

    Args:
        quote: that begins it.
    """
    own = "()" if quote == "(" else quote
    places = [at for at, character in enumerate(text) if character in own]
    places += [found.start() for pattern in (BACKSLASH, AMPERSAND) for found in pattern.finditer(text)]
    return {at: f"\\{text[at]}" for at in places}


def find_value_escapes(text: str, quote: str) -> dict[int, str]:
    """Return the same for a value of front matter; see `ParsedBlock.quote`."""
    own = {'"': {'"': '\\"', "\\": "\\\\"}, "'": {"'": "''"}}.get(quote, {})
    return {at: own[character] for at, character in enumerate(text) if character in own}


def quote_value(words: str) -> str:
    """Return the quotes that a plain value of front matter has to be put in; none where it may stand as it is."""
    if not UNSAFE_VALUE.search(words):
        return ""
    return "'" if '"' in words or "\\" in words else '"'
