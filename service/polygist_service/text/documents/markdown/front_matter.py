"""Front matter: what stands before a text of Markdown for programs, of which the values of a few keys are words.

It is YAML between lines of "---", TOML between lines of "+++" or an object of JSON. Keys, dates, tags and all other
values are kept.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from polygist_service.text.documents.base import BlockKind
from polygist_service.text.documents.markdown.content import VALUE_ESCAPES
from polygist_service.text.documents.markdown.parsing import LINE_BREAK, Letters, ParsedBlock, Shape
from polygist_service.text.languages import BadTag, parse_tag
from polygist_service.text.segmentation import Span, has_letters

FENCE = re.compile(r"(?:---|\+\+\+)[ \t]*\Z")
KEY = re.compile(r"[ \t]*(?:-[ \t]+)?(?:[\w.-]+|\"[^\"]*\"|'[^']*')[ \t]*(?::(?=[ \t]|\Z)|=)")
ENTRY = re.compile(
    r"(?P<indentation>[ \t]*(?:-[ \t]+)?)[\"']?(?P<key>[\w.-]+)[\"']?"
    r"(?:[ \t]*:[ \t]+|[ \t]*=[ \t]*)(?P<value>\S.*?)[ \t]*\Z"
)
# The keys whose values are words that readers see, in programs that make sites, and what further ones end in.
WORDS = frozenset(
    (
        *("title", "subtitle", "linktitle", "description", "summary", "abstract", "excerpt", "tagline", "headline"),
        *("lead", "lede", "intro", "introduction", "teaser", "caption", "alt", "subject", "sidebar_label"),
    )
)
ENDINGS = ("_title", "_description", "_summary", "_caption", "_alt")
LANGUAGES = ("lang", "language", "locale")
DOUBLE_QUOTED = re.compile(r"\"(?P<words>(?:[^\"\\]|\\.)*)\"[ \t]*(?:#.*)?\Z")
SINGLE_QUOTED = re.compile(r"'(?P<words>(?:[^']|'')*)'[ \t]*(?:#.*)?\Z")
PLAIN = re.compile(r"(?![-?:,\[\]{}#&*!|>'\"%@`])(?P<words>(?:[^:#]|:(?!\s|\Z)|(?<!\s)#)*[^\s:])(?:[ \t]+#.*)?\Z")
FOLDED = re.compile(r"(?P<kind>[|>])[-+\d]{0,2}[ \t]*(?:#.*)?\Z")
JSON_ENTRY = re.compile(r"\"(?P<key>[\w.-]+)\"\s*:\s*\"(?P<words>(?:[^\"\\]|\\.)*)\"")
END = re.compile(r"[ \t]*(?:\r\n|\r|\n|\Z)")
# No words although they have letters.
CONSTANT = re.compile(r"(?:true|false|yes|no|on|off|null|~|\w+://\S*|[/.]\S*)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The front matter of a text.

    Attributes:
        end: where it ends in the text.
        blocks: the values that are words.
        language: canonical tag that it says the text is in.
        declared: where that stands.
    """

    end: int
    blocks: tuple[ParsedBlock, ...] = ()
    language: str | None = None
    declared: Span | None = None


def read_front_matter(text: str, start: int) -> FrontMatter:
    """Read what stands for programs at `start` of a text; where nothing does, it ends there."""
    if text.startswith("{", start):
        return read_json(text, start)
    lines = list(find_lines(text, start))
    return FrontMatter(start) if not lines else read_values(text, lines)


def read_json(text: str, start: int) -> FrontMatter:
    """Read an object of JSON as front matter, if one begins at `start` and nothing else stands on its last line."""
    try:
        found, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return FrontMatter(start)
    behind = END.match(text, end)
    if not isinstance(found, dict) or not behind:
        return FrontMatter(start)
    blocks, language, declared = [], None, None
    for entry in JSON_ENTRY.finditer(text, start, end):
        key = entry["key"].lower().replace("-", "_")
        if key in LANGUAGES and (tag := read_tag(entry["words"])):
            language, declared = tag, entry.span("words")
        elif is_prose(key) and is_readable(entry["words"]):
            letters = Letters(entry["words"], (0,), (entry.start("words"),))
            level = 1 if key == "title" and found.get(entry["key"]) is not None else 0
            kind = BlockKind.HEADING if level else BlockKind.OTHER
            first = text.rfind("\n", 0, entry.start()) + 1
            blocks.append(ParsedBlock(kind, Shape.VALUE, letters, max(first, start), (), level, '"'))
    return FrontMatter(behind.end(), tuple(blocks), language, declared)


def is_prose(key: str) -> bool:
    """Whether the value of a key is words."""
    return key in WORDS or key.endswith(ENDINGS)


def is_readable(words: str) -> bool:
    """Whether what stands between double quotes is words, all of whose escapes are known."""
    return has_letters(words) and not CONSTANT.match(words) and "\\" not in VALUE_ESCAPES['"'].sub("", words)


def find_lines(text: str, start: int) -> Iterator[Span]:
    """Yield the lines of front matter, the first and the last of which are around it; none where there is no such."""
    first = next(read_lines(text, start), (start, start))
    fence = text[slice(*first)].rstrip()
    if not FENCE.match(text[slice(*first)]):
        return
    found = [first]
    is_told = False
    for low, high in islice(read_lines(text, start), 1, None):
        line = text[low:high]
        found.append((low, high))
        if line.rstrip() == fence or (fence == "---" and line.rstrip() == "..."):
            yield from found
            return
        if not is_told and line.strip() and not line.lstrip().startswith("#"):
            if not KEY.match(line):
                return  # a rule, and text behind it
            is_told = True


def read_lines(text: str, start: int) -> Iterator[Span]:
    """Yield the spans of the lines of a text from `start` on, without their breaks."""
    for found in LINE_BREAK.finditer(text, start):
        yield start, found.start()
        start = found.end()
    yield start, len(text)


def read_values(text: str, lines: Sequence[Span]) -> FrontMatter:
    """Return the front matter of which the lines are known."""
    blocks: list[ParsedBlock] = []
    language: str | None = None
    declared: Span | None = None
    for at, (low, high) in enumerate(lines[1:-1], 1):
        found = ENTRY.match(text[low:high])
        if not found:
            continue
        key, value = found["key"].lower().replace("-", "_"), found["value"]
        start = low + found.start("value")
        if key in LANGUAGES and not found["indentation"] and (tag := read_tag(value.strip("\"'"))):
            at_quote = value[0] in "\"'"
            language, declared = tag, (start + at_quote, start + len(value) - at_quote)
        elif is_prose(key):
            level = 1 if key == "title" and not found["indentation"] else 0
            blocks += read_value(text, lines[at:-1], start, level)
    last = lines[-1][1]
    behind = LINE_BREAK.match(text, last)
    return FrontMatter(behind.end() if behind else last, tuple(blocks), language, declared)


def read_tag(value: str) -> str | None:
    """Return the canonical tag of a language; None where a value is none."""
    try:
        return parse_tag(value)
    except BadTag:
        return None


def read_value(text: str, lines: Sequence[Span], start: int, level: int) -> Iterator[ParsedBlock]:
    """Yield the blocks of a value that is words.

    Args:
        lines: the one that the value begins on at `start`, and all that follow.
        level: of the heading that it is, if it is one.
    """
    (first, end), *further = lines
    value = text[start:end].rstrip()
    indentation = width_of(text[first:end])
    inner = list(indented(text, further, indentation))
    if folded := FOLDED.match(value):
        for paragraph in parted(text, inner):
            words = [text[low:high] for low, high in paragraph]
            letters = join(words, [low for low, _ in paragraph])
            yield ParsedBlock(BlockKind.OTHER, Shape.VALUE, letters, paragraph[0][0], quote=folded["kind"])
        return
    found = DOUBLE_QUOTED.match(value) or SINGLE_QUOTED.match(value) or PLAIN.match(value)
    if not found or any(low < high for low, high in inner) or CONSTANT.match(found["words"]):
        return
    if value[0] == '"' and not is_readable(found["words"]):
        return
    if has_letters(found["words"]):
        letters = Letters(found["words"], (0,), (start + found.start("words"),))
        quote = value[0] if value[0] in "\"'" else ""
        kind = BlockKind.HEADING if level else BlockKind.OTHER
        yield ParsedBlock(kind, Shape.VALUE, letters, first, (), level, quote)


def width_of(line: str) -> int:
    """Return how far a line is indented, the mark of a list's item included."""
    found = re.match(r"[ \t]*(?:-[ \t]+)?", line)
    return found.end() if found else 0


def indented(text: str, lines: Sequence[Span], indentation: int) -> Iterator[Span]:
    """Yield lines up to the first one that is not indented further; without their indentation."""
    for low, high in lines:
        line = text[low:high]
        inner = len(line) - len(line.lstrip(" "))
        if line.strip() and inner <= indentation:
            return
        yield low + inner, low + len(line.rstrip())


def parted(text: str, lines: Sequence[Span]) -> Iterator[list[Span]]:
    """Yield what empty lines part."""
    paragraph: list[Span] = []
    for low, high in (*lines, (0, 0)):
        if low < high:
            paragraph.append((low, high))
        elif paragraph:
            yield paragraph
            paragraph = []


def join(words: Sequence[str], sources: Sequence[int]) -> Letters:
    """Return the letters of some lines that begin at `sources`."""
    starts = [0]
    for each in words[:-1]:
        starts.append(starts[-1] + len(each) + 1)
    return Letters("\n".join(words), tuple(starts), tuple(sources))
