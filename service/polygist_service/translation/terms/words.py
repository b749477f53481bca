"""A text as the words and marks that terms are looked up by, each with its place."""

import re
import string
import unicodedata
from functools import cached_property
from itertools import accumulate

from polygist_service.text.abbreviations import words

# Of scripts that part no words with spaces: each character stands by itself, with the marks on it.
UNSPACED = (
    r"\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u2e80-\u2fff\u3005-\u3007\u3021-\u30ff\u3100-\u312f"
    r"\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f"
    r"\U00020000-\U0003ffff"
)
RUN = re.compile(rf"[{UNSPACED}]")
# Of languages that are written in them.
UNSPACED_LANGUAGES = words("zh yue wuu nan lzh ja th lo km my shn bo dz ii nod")
SOFT_HYPHEN, JOINERS = "\u00ad", r"\u200c\u200d"
# They are written one way and another: apostrophes and hyphens. None of the invisible ones parts or joins words.
WRITTEN_ALIKE = {"’": "'", "\u2010": "-", "\u2011": "-"}
INVISIBLE = frozenset("\u034f\u061c\u180e\u200b\u200e\u200f\u2060\ufeff")
# Around a listed phrase it says nothing.
EDGES = f"{''.join(INVISIBLE)}{string.whitespace}\xa0\u3000"


def class_of_marks() -> str:
    """Return all combining marks, for a class of a pattern: `\\w` has none of them."""
    planes = (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0))
    marks = [point for point in planes if unicodedata.category(chr(point))[0] == "M"]
    firsts = [point for point, before in zip(marks, [0, *marks], strict=False) if point != before + 1]
    lasts = [point for point, behind in zip(marks, [*marks[1:], 0], strict=True) if point + 1 != behind]
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in zip(firsts, lasts, strict=True))


MARKS = class_of_marks()
# They tile any text: a word, white space, or one character with its marks.
WORDS = re.compile(
    rf"[^\W{UNSPACED}](?:[^\W{UNSPACED}]|[{MARKS}{SOFT_HYPHEN}{JOINERS}])*+|\s++|[^\s][{MARKS}]*+", re.DOTALL
)


class Words:
    """The words of a text, and the marks and white space between them.

    A key is how a word is looked up: in Unicode's composed form, without invisible characters, with straight
    apostrophes and common hyphens; any white space is one space.

    Args:
        text: any.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._words: list[str] = WORDS.findall(text)

    @cached_property
    def starts(self) -> list[int]:
        """Where each word begins in the text, and the end of the last one."""
        return [0, *accumulate(map(len, self._words))]

    @cached_property
    def first(self) -> int:
        """The index of the first word with letters or figures; that of the last one behind it where there is none."""
        return next((at for at, word in enumerate(self._words) if word[0].isalnum()), len(self._words))

    def begin_small(self) -> "Words | None":
        """Return the words with the capital that the text begins with in small, where it does and that is as long."""
        at = self.starts[self.first]
        small = self.text[at : at + 1].lower()
        is_same = len(small) != 1 or small == self.text[at]
        return None if is_same else Words(f"{self.text[:at]}{small}{self.text[at + 1 :]}")

    @cached_property
    def exact(self) -> "Keys":
        """The keys, by which capitals are told from small letters."""
        if self.text.isascii():
            return Keys([" " if word.isspace() else word for word in self._words])
        return Keys([compose(word) for word in self._words])

    @cached_property
    def folded(self) -> "Keys":
        """The keys, whatever their case."""
        return Keys([fold(key) for key in self.exact.keys])


class Keys:
    """The keys of a text.

    Attributes:
        keys: of each word.
        joined: all of them.
        starts: where each begins in `joined`, and the end of the last one.
    """

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys
        self.joined = "".join(keys)
        self.starts = [0, *accumulate(map(len, keys))]

    @cached_property
    def ends(self) -> dict[int, int]:
        """The index of the word that ends at a place of `joined`; the first one where invisible ones follow."""
        return {self.starts[index + 1]: index for index in reversed(range(len(self.keys)))}


def compose(word: str) -> str:
    """Return the key of a word."""
    if word.isascii():
        return " " if word.isspace() else word
    if word.isspace():
        return " "
    if word in INVISIBLE:
        return ""
    return WRITTEN_ALIKE.get(word) or unicodedata.normalize("NFC", word.replace(SOFT_HYPHEN, ""))


def fold(key: str) -> str:
    """Return a key without its case."""
    folded = key.casefold()
    return folded if folded.isascii() else unicodedata.normalize("NFC", folded)


def find_no_kept(phrase: str) -> str:
    """Return why a phrase cannot be carried over, with the cure; nothing where it can."""
    return find_control(phrase, allowed=" \n\r\t") if phrase.strip() else "has no characters to be found; leave it out"


def find_no_phrase(phrase: str) -> str:
    """Return why a phrase cannot be looked up, with the cure; nothing where it can."""
    if any(map(str.isalnum, phrase)):
        return find_control(phrase, allowed=" \n\r\t")
    return "has no letter or figure; leave it out, signs are kept as they are"


def find_no_target(phrase: str) -> str:
    """Return why a phrase cannot stand in a translation, with the cure; nothing where it can."""
    if all(character.isspace() or unicodedata.category(character)[0] == "C" for character in phrase):
        return "has no visible character; leave the term out, or say what it becomes"
    return find_control(phrase, allowed=" ")


def find_control(phrase: str, *, allowed: str) -> str:
    """Return what to say of a phrase with control characters or line breaks, but for those that are allowed."""
    if phrase.isprintable():
        return ""
    bad = next((each for each in phrase if is_control(each) and each not in allowed), None)
    return "" if bad is None else f"has the control character U+{ord(bad):04X}; take it out"


def is_control(character: str) -> bool:
    """Whether a character is a control character, ends a line or a paragraph, or is half of a pair."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def find_first(phrase: str) -> str:
    """Return the key of the first word of a phrase."""
    first = phrase.partition(" ")[0]
    if first.isalnum() and first.isascii():
        return first
    found = WORDS.match(phrase.lstrip(EDGES))
    return compose(found[0]) if found else ""


def is_inside_run(text: str, start: int, end: int) -> bool:
    """Whether a stretch is a part of a longer run in a script that parts no words: in other languages, of a name."""
    is_begun = start > 0 and RUN.match(text[start]) and RUN.match(text[start - 1])
    return bool(is_begun or (RUN.match(text[end - 1]) and RUN.match(text, end)))
