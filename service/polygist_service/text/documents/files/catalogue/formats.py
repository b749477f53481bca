"""Placeholders in messages: found by what the flags of a message say, numbered, and compared."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from polygist_service.text.segmentation import Span

FLAG = re.compile(r"(?P<no>no-|impossible-)?(?P<syntax>[a-z+#]+(?:-[a-z]+)*)-format")
WIDTH = r"(?:\*(?:\d+\$)?|\d{1,9})?"
BRACES = r"\{\{|\}\}|\{(?P<name>[^\s{}:!]*+)(?:[^{}]|\{[^{}]*+\})*+\}"
# What says in a singular what a placeholder says in its plural, in English, Portuguese, Spanish, French and German.
ONE = re.compile(r"(?<![\w.,-])(?:one|a single|1|uma?|una?|une|eine?)(?![\w.,-])", re.IGNORECASE)
COUNTER = re.compile(r"%(?:\(\w+\)|\d\$)?l{0,2}[diun]")
DIGIT_ONE = re.compile(r"(?<![\w.,-])1(?![\w-]|[.,]\d)")
# Signs beside a placeholder that are of it: "%dMB", "file%s", "%d%%", "%s:%d" are carried over whole.
MOST_GLUED = 40
GLUED = re.compile(rf"[A-Za-z0-9_]{{0,{MOST_GLUED}}}")
GLUE = re.compile(r"(?:[^\s\w<>&;]|[A-Za-z0-9_]){0,10}")


@dataclass(frozen=True, slots=True)
class Format:
    """A syntax of placeholders.

    Attributes:
        pattern: finds them; the group "number" is that of one that has one, "name" the name of one with a name or a
            number of its own.
        numbering: how one that takes its turn is numbered; empty where that cannot be done.
        signs: what stands in a message as a placeholder or part of one only.
        quote: what has to be doubled to mean itself.
        base: the number of the first one.
        keeps_numbers: whether what runs the program understands the numbers.
    """

    pattern: re.Pattern[str]
    numbering: str = ""
    signs: str = ""
    quote: str = ""
    base: int = 1
    keeps_numbers: bool = True

    def find(self, text: str) -> list[re.Match[str]]:
        """Return the placeholders of a text in order, and the signs that mean themselves, such as ``%%``."""
        return list(self.pattern.finditer(text))


def printf(directive: str, *, flags: str = "-+ #0'I", numbers: bool = True, signs: bool = True) -> Format:
    """Return the format of a language that has the directives of C."""
    return Format(
        re.compile(rf"%(?:(?P<number>\d{{1,9}})\$)?[{re.escape(flags)}]*+{WIDTH}(?:\.{WIDTH})?(?:{directive})|%%"),
        "%{}$",
        "%" if signs else "",
        keeps_numbers=numbers,
    )


C = printf(r"(?:hh|h|ll|l|q|j|z|t|L)?(?:[diouxXeEfFgGaAcCsSpnm]|<PRI[A-Za-z0-9]{1,20}>)")
PYTHON = Format(
    re.compile(
        rf"%(?:(?P<number>\d{{1,9}})\$|\((?P<name>[^()]*)\))?[-+ #0]*+{WIDTH}(?:\.{WIDTH})?[hlL]?[diouxXeEfFgGcrsa]|%%"
    ),
    "%{}$",
    "%",
    keeps_numbers=False,
)  # fmt: skip
OF_BRACES = Format(re.compile(BRACES), "{{{}", "{}", base=0)
PERCENT_NUMBERS = Format(re.compile(r"%L?(?P<name>\d{1,2})|%L?(?P<n>n)"))
SHELL = Format(re.compile(r"\$(?P<name>[A-Za-z_]\w*)|\$\{(?P<brace>[A-Za-z_]\w*)\}"))
# What the flags of gettext are called, without "-format".
FORMATS: Mapping[str, Format] = {
    "c": C,
    "objc": printf(r"(?:hh|h|ll|l|q|j|z|t|L)?(?:[diouxXeEfFgGaAcCsSpn@])"),
    "c++": OF_BRACES,
    "gcc-internal": printf(r"[A-Za-z<>'.]|q?[+#]*[A-Za-z]", flags="-+#q", signs=False),
    "gfc-internal": printf(r"[A-Za-z<>']", flags="-+", signs=False),
    "python": PYTHON,
    "python-brace": OF_BRACES,
    "java": Format(re.compile(BRACES), signs="{}", quote="'"),
    "java-printf": printf(r"[tT]?[A-Za-z]", flags="-#+ 0,("),
    "csharp": Format(re.compile(BRACES), signs="{}"),
    "rust": OF_BRACES,
    "javascript": printf(r"[%diouxXeEfFgGcsj]", numbers=False),
    "scheme": Format(re.compile(r"~[^\s~]{0,20}?[A-Za-z%~]")),
    "lisp": Format(re.compile(r"~[^\s~]{0,20}?[A-Za-z%~]")),
    "elisp": printf(r"[diouxXeEfFgGcsS]"),
    "librep": printf(r"[doxXcsS]"),
    "sh": SHELL,
    "perl": printf(r"[hlqLV]{0,2}[diouxXeEfFgGcspvb]"),
    "perl-brace": Format(re.compile(r"\{(?P<name>\w+)\}")),
    "php": printf(r"[bcdeEfFgGosuxX]", flags="-+ 0'."),
    "lua": printf(r"[diouxXeEfFgGaAcsq]", numbers=False),
    "awk": printf(r"[diouxXeEfFgGcs]"),
    "tcl": printf(r"[hl]?[diuoxXfeEgGcs]"),
    "ruby": Format(
        re.compile(
            rf"%(?:(?P<number>\d{{1,9}})\$)?[-+ #0*]*+(?:<(?P<name>\w+)>)?[-+ #0*]*+{WIDTH}(?:\.\d{{1,9}})?"
            r"[bBdiouxXeEfgGaAcps]|%\{(?P<brace>\w+)\}|%%"
        ),
        "%{}$",
        "%",
    ),
    "object-pascal": Format(re.compile(r"%(?:(?P<name>\d{1,9}):)?-?\d{0,9}(?:\.\d{1,9})?[deufgnmpsxDEUFGNMPSX]|%%")),
    "qt": PERCENT_NUMBERS,
    "qt-plural": PERCENT_NUMBERS,
    "kde": PERCENT_NUMBERS,
    "kde-kuit": PERCENT_NUMBERS,
    "smalltalk": PERCENT_NUMBERS,
    "ycp": PERCENT_NUMBERS,
    "boost": Format(
        re.compile(rf"%(?P<name>\d{{1,9}})%|%\|[^|\s]*\||%[-+ #0]*+{WIDTH}(?:\.{WIDTH})?[diouxXeEfFgGcspn]|%%")
    ),
    "go": printf(r"(?:\[\d+\])?[A-Za-z]", numbers=False),
}  # fmt: skip
NAMED = (
    r"%\((?P<name>\w{1,60})\)[-+#0]?\d{0,3}[diouxXeEfFgGcrs]|(?P<named>%\{\w{1,60}\}|%<\w{1,60}>[a-z]|\$\{\w{1,60}\}"
    r"|\{\{[^{}\n]{1,60}\}\}|\{(?:\d{1,2}|[A-Za-z_][\w.]{0,60})(?:[:!][^{}\s]{0,20})?\}"
    r"|(?<!\w)[BCFILRSXZ]<[^<>\s]{1,60}>|E<(?:lt|gt|sol|verbar|\d{1,6})>)|\{(?:[:!][^{}\s]{0,20})?\}"
)
# What is surely a placeholder in a message of which nothing is said, and in one that is said to have no directives.
ANY = Format(
    re.compile(
        r"(?<![\w%])%(?:(?P<number>\d{1,2})\$)?[-+#0]?\d{0,3}(?:\.\d{1,3})?(?:ll?|z)?[dioufgxXcs@](?![^\W\d_])"
        rf"|(?<![\w%])%L?(?P<place>\d{{1,2}})(?!\d|\s*%)|{NAMED}"
    )
)
ANY_NAMED = Format(re.compile(NAMED))


def find_formats(flags: Iterable[str]) -> list[Format]:
    """Return the formats that the flags of a message say it is in; what is surely a placeholder where they say none."""
    said = [found for flag in sorted(flags) if (found := FLAG.fullmatch(flag))]
    formats = [FORMATS[found["syntax"]] for found in said if not found["no"] and found["syntax"] in FORMATS]
    return list(dict.fromkeys(formats)) or [ANY_NAMED if said else ANY]


def find_placeholders(text: str, formats: Sequence[Format]) -> list[Span]:
    """Return where placeholders of any of some formats stand, in order, without overlaps."""
    spans: list[Span] = []
    for span in sorted(found.span() for each in formats for found in each.find(text)):
        if not spans or span[0] >= spans[-1][1]:
            spans.append(span)
    return spans


def find_kept(text: str, formats: Sequence[Format]) -> list[str]:
    """Return what of a message is carried over as it is: its placeholders, with the signs that are glued to them."""
    runs: list[Span] = []
    for start, end in find_placeholders(text, formats):
        if runs and GLUE.fullmatch(text, runs[-1][1], start):
            runs[-1] = runs[-1][0], end
        else:
            runs.append((start, end))
    kept, at = [], 0
    for start, end in runs:
        before = GLUED.match(text[max(at, start - MOST_GLUED) : start][::-1])
        after = GLUED.match(text, end)
        at = after.end() if after else end
        kept.append(text[start - (before.end() if before else 0) : at])
    return kept


def find_counter(text: str, formats: Sequence[Format]) -> str:
    """Return the one placeholder of a message, if it stands for a whole number; empty where not, or beside others."""
    found = [text[start:end] for start, end in find_placeholders(text, formats)]
    if len(found) != 1 or not COUNTER.fullmatch(found[0]) or any(map(str.isdigit, text.replace(found[0], "", 1))):
        return ""
    return found[0] if DIGIT_ONE.search(text.replace(found[0], "1")) else ""


def place_counter(text: str, counter: str) -> str:
    """Return a text with a placeholder where it says one, in a digit or else in a word; as it is where it does not."""
    for pattern in (DIGIT_ONE, ONE):
        found = list(pattern.finditer(text))
        if len(found) == 1:
            return f"{text[: found[0].start()]}{counter}{text[found[0].end() :]}"
    return text


def number_placeholders(text: str, formats: Sequence[Format]) -> str:
    """Return a message with the placeholders that take their turn numbered, so that their order is known afterwards."""
    for each in formats:
        turns = find_turns(text, each)
        if len(turns) > 1:
            pieces, at = [], 0
            for number, found in enumerate(turns, each.base):
                pieces += [text[at : found.start()], each.numbering.format(number)]
                at = found.start() + 1
            text = "".join([*pieces, text[at:]])
    return text


def find_turns(text: str, syntax: Format) -> list[re.Match[str]]:
    """Return the placeholders that take their turn: none where there are others, or widths that take one as well."""
    found = [each for each in syntax.find(text) if not is_literal(each)]
    turns = [each for each in found if takes_turn(each)]
    has_others = any(any(each.groupdict().values()) or "*" in each[0] for each in found)
    return [] if has_others or not syntax.numbering else turns


def takes_turn(found: re.Match[str]) -> bool:
    """Whether a placeholder has neither number nor name; ``%m`` of C takes no turn."""
    return not is_literal(found) and not any(found.groupdict().values()) and found[0] != "%m"


def is_literal(found: re.Match[str]) -> bool:
    """Whether something that is written as a placeholder stands for a sign."""
    return found[0] in ("%%", "{{", "}}", "~~")


def compare_placeholders(source: str, target: str, formats: Sequence[Format]) -> list[str]:
    """Return the placeholders that a translation has too few or too many of, those of `source` first.

    Those that take their turn have to be in order, too.
    """
    wrong: list[str] = []
    for each in formats:
        before, after = each.find(source), each.find(target)
        wanted, found = (Counter(one[0] for one in some) for some in (before, after))
        wrong += [*(wanted - found).elements(), *(found - wanted).elements()]
        turns, written = ([one[0] for one in some if takes_turn(one)] for some in (before, after))
        if wanted == found and turns != written:
            wrong += turns
        rests = [each.pattern.sub("", text) for text in (source, target)]
        wrong += [sign for sign in each.signs if rests[1].count(sign) > rests[0].count(sign)]
    return wrong


def double_quotes(source: str, target: str, formats: Sequence[Format]) -> str:
    """Return a translation in which signs that mean themselves only twice are so, if they are in the message."""
    for quote in {each.quote for each in formats if each.quote}:
        if quote not in source.replace(quote * 2, ""):
            target = target.replace(quote * 2, quote).replace(quote, quote * 2)
    return target


def place_number(singular: str, plural: str, formats: Sequence[Format]) -> str:
    """Return the singular of a message with the placeholder for the number that its plural has and it says in words.

    "One file" of "%d files" is "%d file". Empty where that is not plain.
    """
    wanted = [plural[start:end] for start, end in find_placeholders(plural, formats)]
    found = [singular[start:end] for start, end in find_placeholders(singular, formats)]
    if Counter(wanted) == Counter(found):
        return singular
    lacking = [*(Counter(wanted) - Counter(found)).elements()]
    words = list(ONE.finditer(singular))
    if len(lacking) != 1 or len(words) != 1:
        return ""
    placed = f"{singular[: words[0].start()]}{lacking[0]}{singular[words[0].end() :]}"
    return placed if [placed[start:end] for start, end in find_placeholders(placed, formats)] == wanted else ""


def part_placeholders(source: str, target: str, formats: Sequence[Format]) -> str:
    """Return a translation with spaces between placeholders and words that they have come to stand right beside."""
    spans = find_placeholders(source, formats)
    glued = {source[start:end] for start, end in spans if is_cased(source, start - 1) or is_cased(source, end)}
    pieces, at = [], 0
    for start, end in find_placeholders(target, formats):
        if target[start:end] in glued:
            continue
        pieces += [target[at:start], " " * is_cased(target, start - 1), target[start:end], " " * is_cased(target, end)]
        at = end
    return "".join([*pieces, target[at:]])


def is_cased(text: str, at: int) -> bool:
    """Whether a letter of a script with small and capital ones stands at a place: such scripts part words by spaces."""
    return 0 <= at < len(text) and text[at].lower() != text[at].upper()


def restore_turns(source: str, numbered: str, target: str, formats: Sequence[Format]) -> tuple[str, list[str]]:
    """Take back the numbers of placeholders, where they stand in their order or nothing understands them.

    Args:
        source: the message.
        numbered: the same with numbers.
        target: its translation, with the numbers of `numbered`.
        formats: of the message.

    Returns:
        The translation, and the placeholders that stand in another order there though they must not.
    """
    if source == numbered:
        return target, []
    moved: list[str] = []
    for each in formats:
        if not each.numbering:
            continue
        own = [found[0] for found in find_turns(source, each)]
        given = [found[0] for found in each.find(numbered) if not is_literal(found) and found[0] != "%m"]
        if len(own) < 2 or len(own) != len(given):
            continue
        written = [found[0] for found in each.find(target) if found[0] in set(given)]
        if written == given or not each.keeps_numbers:
            taken = dict(zip(given, own, strict=True))
            target = replace_placeholders(target, each, taken)
            moved += given if written != given else []
    return target, moved


def replace_placeholders(text: str, syntax: Format, others: Mapping[str, str]) -> str:
    """Return a text with other placeholders in the place of some of a format."""
    return syntax.pattern.sub(lambda found: others.get(found[0], found[0]), text)
