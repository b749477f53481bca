"""What must be the same of a Markdown document in another language: its blocks, its marks, its letters outside text.

Read by markdown-it-py with the extensions that documents on code sites use; white space and markers at the beginning of
lines are compared as they stand.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from bench.fidelity.documents.html_structure import NUMBER, find_difference

PARSER = (
    MarkdownIt("gfm-like", {"linkify": False})
    .use(front_matter_plugin)
    .use(footnote_plugin)
    .use(deflist_plugin)
    .use(tasklists_plugin)
    .use(dollarmath_plugin)
)
# Blocks whose contents stay as they are.
LITERAL = frozenset(("code_block", "fence", "html_block", "math_block", "math_block_label"))
# What is left out of the comparison of inline tokens: text, and the ends of lines that are none when shown.
SOFT = frozenset(("text", "softbreak", "text_special"))
TITLED = frozenset(("title", "alt"))
LINE_END = re.compile(r"\r\n|\r|\n")
BLANK = " >\t"
HARD_BREAK = re.compile(r"( {2,}|\\)\n")
KEY = re.compile(r"^\s*(?:- )?[\w.-]+:", re.MULTILINE)
SPACED = r"(?:[-+*:]|\d{1,9}[.)]|#{1,6})(?=[ \t]|$)"
MARKER = re.compile(rf"[ \t]*(?:(?:>|{SPACED}|\[\^[^\]]+\]:|\[[ xX]\])[ \t]*)*")
# A letter alone may have no word of its own in another language, such as "a".
WORD = re.compile(r"[^\W\d_]{2}")
DEFINITION = re.compile(r"^[ >\t]*\[((?!\^)(?:[^\]\\]|\\.)+)\]:[ \t]*\n?[ \t]*(<[^>\n]*>|\S+)", re.MULTILINE)


def find_tree_fault(source: str, target: str) -> str:
    """Say where the blocks and marks of two documents differ or text is lost, or nothing where it is not so."""
    before, after = PARSER.parse(source), PARSER.parse(target)
    if fault := find_difference(list(outline(before)), list(outline(after))):
        return fault
    lost = [text for text, other in zip(texts(before), texts(after), strict=True) if WORD.search(text) and not other]
    return f"nothing came of {lost[0]!r}" if lost else ""


def find_letter_fault(source: str, target: str) -> str:
    """Say which letters outside the text of two documents differ, or nothing where none do."""
    return find_difference(list(skeleton(source)), list(skeleton(target)))


def texts(tokens: Sequence[Token]) -> list[str]:
    """Return the letters and digits of each text of a document."""
    children = (token.children or [] for token in tokens if token.type == "inline")
    return ["".join(filter(str.isalnum, "".join(c.content for c in each if c.type in SOFT))) for each in children]


def outline(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the tokens of a document without their text; marks between two hard breaks in any order."""
    for token in tokens:
        if token.type == "inline":
            yield "text"
            yield from inline_outline(token.children or [])
        else:
            yield describe(token)


def inline_outline(children: Sequence[Token]) -> Iterator[str]:
    """Yield the inline tokens without text, in any order where they stand side by side."""
    run: list[str] = []
    place = 0
    while place < len(children):
        token = children[place]
        end = place + 1
        if token.type == "hardbreak":
            yield from sorted(run)
            run.clear()
            yield "hardbreak"
        elif token.nesting == 1:
            end = find_end(children, place)
            inner = "".join(f"({line})" for line in inline_outline(children[place + 1 : end - 1]))
            run.append(describe(token) + inner)
        elif token.type not in SOFT:
            run.append(describe(token))
        place = end
    yield from sorted(run)


def find_end(tokens: Sequence[Token], place: int) -> int:
    """Return the place behind the token that closes the one at `place`."""
    depth = 0
    for end in range(place, len(tokens)):
        depth += tokens[end].nesting
        if not depth:
            return end + 1
    return len(tokens)


def describe(token: Token) -> str:
    """Return a token without what may be translated."""
    attributes = {name: "…" if name in TITLED else value for name, value in token.attrs.items()}
    label = token.meta.get("label", "") if token.type.startswith("footnote") else ""
    parts = [token.type, token.markup, token.info, label, str(attributes or ""), "hidden" if token.hidden else ""]
    if token.type in LITERAL or token.type in ("code_inline", "html_inline", "math_inline"):
        parts.append(token.content)
    elif token.type == "front_matter":
        parts += KEY.findall(token.content)
    return " ".join(filter(None, parts))


def skeleton(text: str) -> Iterator[str]:
    """Yield what stands before, between and behind the texts of a document."""
    yield f"line ends {sorted(set(LINE_END.findall(text)))}"
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    yield text[len(text.rstrip("\n")) :]
    yield from (f"[{label}]: {address}" for label, address in definitions(text))
    last = 0
    for token in PARSER.parse(text):
        if token.map is None or token.nesting == -1 or (token.nesting == 1 and token.type != "table_open"):
            continue
        start, end = token.map
        if start >= last:
            yield f"blank lines {[line for line in lines[last:start] if not line.strip(BLANK)]}"
        last = max(last, end)
        yield from block_skeleton(token, lines[start:end])


def block_skeleton(token: Token, lines: Sequence[str]) -> Iterator[str]:
    """Yield what stands around the text of a block: all of it where its contents stay."""
    if token.type == "table_open":
        yield "\n".join(lines[1:2])
        yield from (f"row {line.strip()[:1] == '|'} {line.strip()[-1:] == '|'}" for line in lines)
    elif token.type == "inline":
        yield from (marker(line) for line in lines[:1] if "|" not in line)
        yield from sorted(HARD_BREAK.findall(token.content))
    elif token.type in LITERAL or token.type == "hr":
        yield "\n".join(lines).rstrip()


def marker(line: str) -> str:
    """Return the indentation and the markers that a line begins with."""
    found = MARKER.match(line)
    return found.group() if found else ""


def definitions(text: str) -> list[tuple[str, str]]:
    """Return labels and addresses of the reference definitions of a text, as they stand in it."""
    environment: dict[str, dict[str, object]] = {}
    PARSER.parse(text, environment)
    known = environment.get("references", {})
    return DEFINITION.findall(text) if known else []


def numbers(text: str, *, bold_only: bool = False) -> Counter[str]:
    """Count the numbers of a document's text, or those in bold, by their digits."""
    found: list[str] = []
    for token in PARSER.parse(text):
        depth = 0
        shown = ""
        for child in token.children or ():
            depth += child.nesting if child.type.startswith("strong") else 0
            is_shown = child.type in SOFT and (depth or not bold_only)
            shown += (child.content or " ") if is_shown else "" if depth or not bold_only else "\n"
        found += NUMBER.findall(shown)
    return Counter(re.sub(r"\D", "", number) for number in found)
