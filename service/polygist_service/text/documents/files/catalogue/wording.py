"""What a message has that is no word: white space at its ends, accelerators, how it begins and ends."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from polygist_service.text.languages import base_language

# What may mark the letter that a menu's item is chosen by.
MARKERS = "&_~"
SEVERAL = 2
CAPITAL_ITEM = re.compile(r"_[^\W\d_]+(?![\w_])")
# Messages of more characters are no items of menus, and no names of buttons.
LONGEST_ITEM = 60
# Languages in which the letter is added to an item in brackets.
WITHOUT_LETTERS = frozenset(("zh", "ja", "ko"))
# Where nouns have capitals, a word that stands alone has one of its own.
CAPITAL_NOUNS = frozenset(("de", "lb", "nds", "bar", "gsw"))
# Whose capital of i has its dot.
DOTTED = frozenset(("tr", "az"))
ENDS = ("...", "…", ":", "：")
STOP = re.compile(r"(?<=[^\W\d_])[.。]\Z")
SENTENCE = re.compile(r"[.!?:;,](?=\s)")
STOPS = (".", "。", "!", "?", "！", "？", "…", ":", ";")
# Those of placeholders are none to choose by.
LETTERS = re.compile(r"[%${]\S*|([^\W_])")
TAG = re.compile(r"<[^<>]*>")
# Where a line is meant to end in a message with tags, in which other line breaks are spaces: there is an empty line, an
# indent or the mark of a list behind it, or before it a sentence ends, or an element before a capital.
MEANT_BREAK = re.compile(
    r"(?<![ \t])[ \t]*+\n(?:(?:[ \t]*+\n)++[ \t]*+|[ \t]++|(?=[*•–-] ))|(?<=[.:!?…])[ \t]*+\n|(?<=>)\n(?=[A-Z])"
)
MARKED_BREAK = re.compile(r"(?<! )[ ]*+<br id=line(\d+)>[ ]*+")
WORD_START = re.compile(r"[^\W\d_]")


def accelerator(marker: str) -> re.Pattern[str]:
    """Return what finds the letter that a marker stands before: at the start of a word, or within one."""
    sign = re.escape(marker)
    return re.compile(
        rf"(?<![\w{sign}])(?<!{sign}){sign}(?=[^\W_])(?!\w{{1,20}};)|(?<=[^\W\d_]){sign}(?=[^\W\d_A-Z])(?!\w{{1,20}};)"
    )


ACCELERATORS = {marker: accelerator(marker) for marker in MARKERS}


def find_markers(messages: Iterable[str], *, said: str = "") -> str:
    """Return what marks accelerators in a catalogue, the commonest first: what its header says, else what items have.

    An ampersand before a word is a marker, and a low line that a message begins with, before a capital; what else may
    be part of a name has to stand in several items.
    """
    if said in ACCELERATORS:
        return said
    counts: Counter[str] = Counter()
    sure = {MARKERS[0]}
    for message in messages:
        if len(message) > LONGEST_ITEM:
            continue
        for marker, pattern in ACCELERATORS.items():
            found = pattern.search(message) if message.count(marker) == 1 else None
            if found and is_at_start(message, found.start()):
                counts[marker] += 1
                if CAPITAL_ITEM.match(message) and message[1].isupper():
                    sure.add(marker)
    return "".join(marker for marker, count in counts.most_common() if marker in sure or count >= SEVERAL)


def is_at_start(message: str, at: int) -> bool:
    """Whether a marker stands before a word, not in one."""
    return at == 0 or message[at - 1].isspace()


@dataclass(frozen=True, slots=True)
class Wording:
    """A message, and what of it is translated.

    Attributes:
        text: that, without what follows.
        before, behind: white space at its ends.
        end: of an item of a menu, or the name of a field, the dots or the colon behind it, which stand for no words.
        marker: of its accelerator; empty where it has none.
        letter: that is chosen by.
    """

    text: str
    before: str = ""
    behind: str = ""
    end: str = ""
    marker: str = ""
    letter: str = ""

    @classmethod
    def of(cls, message: str, markers: str) -> "Wording":
        """Return what of a message is translated, given what may mark its accelerator."""
        before, text, behind = split_edges(message)
        end = ""
        if "\n" in text:
            # The lines of a table stand where they do.
            return cls(message, before, behind)
        if len(text) <= LONGEST_ITEM and not SENTENCE.search(text) and split_end(text)[0]:
            text, end = split_end(text)
        for marker in markers if len(text) <= LONGEST_ITEM else "":
            found = ACCELERATORS[marker].search(text) if text.count(marker) == 1 else None
            # "my_name" is a name, "E_xit" an item.
            word = text[: found.start()].split(" ")[-1] if found else ""
            if found and (not word or word[0].isupper() or marker != "_"):
                shown = text[: found.start()] + text[found.end() :]
                return cls(shown, before, behind, end, marker, text[found.end()])
        return cls(text, before, behind, end)

    def restore(self, translated: str, language: str) -> str:
        """Return the translation of the message, given that of its text, in a language."""
        own = self.text.strip()
        text = restore_end(own, restore_case(own, translated.strip(), language))
        if self.marker:
            text = mark_letter(text, self.marker, self.letter, language)
        return f"{self.before}{text}{self.end}{self.behind}"


def mark_breaks(text: str) -> str:
    """Return a message with tags as a piece of HTML, in which its lines end where it means them to."""
    tags = [each.span() for each in TAG.finditer(text)]
    parts, at = [], 0
    for number, found in enumerate(find_breaks(text, tags)):
        parts += [text[at : found.start()], f"<br id=line{number}>"]
        at = found.end()
    return "".join([*parts, text[at:]])


def restore_breaks(text: str, translated: str) -> str:
    """Return the translation of a message without the elements that `mark_breaks` has put into it."""
    breaks = [each[0] for each in find_breaks(text, [each.span() for each in TAG.finditer(text)])]
    return MARKED_BREAK.sub(
        lambda found: breaks[int(found[1])] if int(found[1]) < len(breaks) else found[0], translated
    )


def find_breaks(text: str, tags: Sequence[tuple[int, int]]) -> Iterator[re.Match[str]]:
    """Yield the ends of lines that are meant, outside of tags."""
    rest = iter(tags)
    tag = next(rest, None)
    for found in MEANT_BREAK.finditer(text):
        while tag and tag[1] <= found.start():
            tag = next(rest, None)
        if not tag or tag[0] >= found.end():
            yield found


def split_edges(text: str) -> tuple[str, str, str]:
    """Return the white space that a text begins with, what stands between, and that which it ends with."""
    start, words = len(text) - len(text.lstrip()), text.strip()
    return text[:start] if words else "", words, text[start + len(words) :] if words else text


def split_end(text: str) -> tuple[str, str]:
    """Return a text without the dots or the colon that it ends with, and these with the white space around them."""
    shown = text.rstrip()
    mark = next((each for each in ENDS if shown.endswith(each)), "")
    words = shown.removesuffix(mark).rstrip() if mark else text
    return words, text[len(words) :]


def restore_case(source: str, target: str, language: str) -> str:
    """Return a translation that begins with a capital if, and only if, the source does."""
    own, written = WORD_START.search(source), WORD_START.search(target)
    if not own or not written or own.start() or written.start() or "\n" in source:
        return target
    first, rest = target[0], target[1:]
    if source[0].isupper() and first.islower():
        return ("İ" if first == "i" and base_language(language) in DOTTED else first.upper()) + rest
    is_word = rest[:1].islower() and base_language(language) not in CAPITAL_NOUNS
    return first.lower() + rest if source[0].islower() and first.isupper() and is_word else target


def restore_end(source: str, target: str) -> str:
    """Return a translation that ends in a colon or dots if the source does, and in no stop if the source has none."""
    if end := split_end(source)[1]:
        words, own = split_end(target)
        return target if own.strip() == end.strip() else f"{STOP.sub('', words)}{end}"
    return target if source.endswith(STOPS) else STOP.sub("", target)


def mark_letter(text: str, marker: str, letter: str, language: str) -> str:
    """Return a text with a marker before a letter: that of the source if it has it, best at the start of a word."""
    if base_language(language) in WITHOUT_LETTERS:
        words, end = split_end(text)
        return f"{words}({marker}{letter.upper()}){end}"
    places = [found.start() for found in LETTERS.finditer(text) if found[1]]
    same = [at for at in places if text[at].lower() == letter.lower()]
    starts = [at for at in same if at == 0 or not text[at - 1].isalnum()]
    place = next(iter([*starts, *same, *places]), None)
    return text if place is None else f"{text[:place]}{marker}{text[place:]}"
