"""Placeholders of programs in running text, which a translation carries over as they are.

No pattern can be driven to more than linear time: what repeats is possessive, and what nests is matched by counting.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from polygist_service.text.addresses import find_addresses
from polygist_service.text.segmentation import Span
from polygist_service.translation.terms.types import PlaceholderSyntax

# {{name}}, {{{raw}}}, {{#if x}}, {{ call({a: 1}) }}, and the tags of the languages that grew out of it: {% if x %}.
MUSTACHE = re.compile(
    r"\{\{\{[^{}]*+\}\}\}|\{\{(?:[^{}]|\{[^{}]*+\}|\}(?!\}))*+\}\}|\{%(?:[^%{}]|%(?!\}))*+%\}|\{#(?:[^#{}]|#(?!\}))*+#\}"
)
# The name of an argument or its number, what is taken of it, how it is converted and written; with spaces around it.
NAME = r"[$@-]?(?:[^\W\d][\w-]*+|\d++)"
PARTS = r"(?:\.[\w-]++|\[[^\[\]{}\s]*+\]|->\w++)*+"
# In a text of a plural "#" is the number; {/link} ends what {link} begins.
BRACES = re.compile(
    r"(?<![\w&#])#(?![\w#-])|"
    rf"\{{\{{(?:[^{{}}]|\{{[^{{}}]*+\}})*+\}}\}}|[%#$]?\{{[^\S\n]*+(?:/?{NAME})?{PARTS}(?:![rsa])?"
    r"(?::(?!\s)(?:[^{}\n]|\{\w*+\})*+)?[^\S\n]*+\}"
    rf"|\{{\s*+{NAME}{PARTS}\s*+,\s*+(?:number|date|time|spellout|ordinal|duration|list)\s*+(?:,[^{{}}]*+)?\}}"
)
# An argument that chooses between texts.
CHOICE = re.compile(rf"\{{\s*+{NAME}{PARTS}\s*+,\s*+(?:plural|selectordinal|select|choice)\s*+,")
# Behind a number it is a percentage, unless nothing follows that a word could go on with: "100% sure", "5 %d".
LENGTHS = r"(?:hh?|ll?|[qjzt]|I64)?"
PRINTF = re.compile(
    r"%%|%\([\w. -]++\)[#0+-]*+\d*+(?:\.\d++)?[diouxXeEfFgGcrsa]|%\{[\w.-]++\}|%<[\w.-]++>[\d.]*+[a-z]"
    rf"|(?P<behind>(?<=\d)|(?<=\d\s))?%(?:\d++\$)?[#0+-]*+(?P<width>\d++|\*)?(?:\.(?:\d++|\*))?{LENGTHS}"
    r"(?:(?P<typed>[diufFeEgGxXosScCpn@])|[aAbBGhHIjklmMNpPQrRTuUVwWyYZ](?![^\W\d_]))(?P<more>[^\W\d_])?"
)
SHELL = re.compile(r"\$\{(?:[^{}\n]|\{[^{}\n]*+\})*+\}|(?<![\w$])\$[^\W\d]\w*+(?:\.[a-z_]\w*+)*+")


def find_placeholders(text: str, syntaxes: Collection[PlaceholderSyntax]) -> Iterator[Span]:
    """Yield the spans of all placeholders of some syntaxes; those of different ones may overlap."""
    for syntax in sorted(syntaxes, key=lambda each: each.value):
        yield from FINDERS[syntax](text)


def find_mustache(text: str) -> Iterator[Span]:
    """Yield the spans of ``{{name}}`` and its like."""
    if "{{" in text or "{%" in text or "{#" in text:
        yield from (found.span() for found in MUSTACHE.finditer(text))


def find_braces(text: str) -> Iterator[Span]:
    """Yield the spans of ``{name}`` and its like; those within a message that chooses are of that."""
    if "{" not in text:
        return
    end = 0
    choices = list(find_choices(text))
    for start, behind in choices:
        yield from (found.span() for found in BRACES.finditer(text, end, start))
        yield start, behind
        end = behind
    yield from (found.span() for found in BRACES.finditer(text, end))


def find_choices(text: str, *, offset: int = 0) -> Iterator[Span]:
    """Yield the spans of the outermost ICU arguments that choose between texts, as plurals do, moved by `offset`."""
    if "," not in text or not CHOICE.search(text):
        return
    closing = match_braces(text)
    end = 0
    for found in CHOICE.finditer(text):
        if found.start() >= end and (end_of_this := closing.get(found.start())):
            end = end_of_this
            yield found.start() + offset, end + offset


def match_braces(text: str) -> Mapping[int, int]:
    """Return behind which character the group ends that each opening brace begins; a quoted brace is none."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for found in re.finditer(r"'[{}][^']*+'|[{}]", text):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            closing[opened.pop()] = found.end()
    return closing


def find_printf(text: str) -> Iterator[Span]:
    """Yield the spans of ``%s`` and its like, but for percentages of prose."""
    if "%" not in text:
        return
    for found in PRINTF.finditer(text):
        goes_on = found["more"] or ""
        end = found.end() - len(goes_on)
        is_percentage = found["behind"] is not None and goes_on
        is_in_word = goes_on.islower() and found["width"]
        if not (is_percentage or is_in_word):
            yield found.start(), end


def find_shell(text: str) -> Iterator[Span]:
    """Yield the spans of ``$name`` and ``${name}``; a price is none."""
    if "$" in text:
        yield from (found.span() for found in SHELL.finditer(text))


FINDERS: Mapping[PlaceholderSyntax, Callable[[str], Iterator[Span]]] = {
    PlaceholderSyntax.MUSTACHE: find_mustache,
    PlaceholderSyntax.BRACES: find_braces,
    PlaceholderSyntax.PRINTF: find_printf,
    PlaceholderSyntax.SHELL: find_shell,
    PlaceholderSyntax.URL_EMAIL: lambda text: iter(find_addresses(text)),
}
