"""Words: how many a text has, where they stand, and by which terms texts are compared, in any script.

White space parts the words of most scripts. Of Chinese, Japanese, Thai, Lao, Khmer, Burmese and Tibetan they are those
that ICU finds: by dictionaries, or between Tibetan's own dots.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from icu4py.breakers import WordBreaker

from polygist_service.text.segmentation import Span

# Scripts that part no words with white space.
UNPARTED = (
    r"\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007\u3031-\u3035\u3041-\u30ff"
    r"\u31f0-\u31ff\u3400-\u9fff\ua9e0-\ua9ff\uaa60-\uaadf\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f"
    r"\U00020000-\U0003ffff"
)
UNPARTED_RUN = re.compile(rf"[{UNPARTED}]+")
UNIT = re.compile(rf"(?P<run>[{UNPARTED}]+)|[^\s{UNPARTED}]+")
# Python's \w ends a word at a mark above or below a letter, of which Indic scripts, for example, have many. No mark
# stands before the first of these, nor among the letters that are left out: Latin, Greek and Hangul.
MARKED = re.compile(
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u10ff\u1200-\u1dff\u2d30-\u2dff\u3005-\u3007\u3031-\u3035\u3041-\ua4cf"
    r"\ua500-\ua71f\ua800-\uabff\uf900-\ufdff\ufe70-\ufefc\uff66-\uff9f\U00010000-\U0001efff\U00020000-\U0003ffff]"
)
WORD = re.compile(r"\w+")
# How many letters of an alphabet say what one of these says: in FLORES-200 sentences have about 110 letters and vowel
# signs in Latin, Cyrillic and Indic scripts, 90 in Arabic and Hebrew ones, 67 in Ethiopic, 50 in Korean and Japanese,
# 37 in Chinese.
DENSE = (
    (3.0, re.compile(r"[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),
    (2.2, re.compile(r"[\uac00-\ud7a3]")),
    (1.6, re.compile(r"[\u1200-\u139f\u2d80-\u2ddf\uab00-\uab2f]")),
    (1.4, re.compile(r"[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d]")),
    (1.25, re.compile(r"[\u05d0-\u06ff\u0710-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")),
)
# Longer words are cut into pieces of so many characters; of 3, 4 and 5 these tell best, here as across the languages of
# Europe in P. McNamee and J. Mayfield, "Character N-Gram Tokenization for European Language Text Retrieval" (2004).
PIECE = 4

# Two words are forms of one, or parts of one, where so many of the pieces of either are pieces of the other.
FORM_SHARE, FEWEST_PIECES = 0.5, 2
# Where no spaces part words, the same ones may be parted in another place; and words of two or three syllables, as
# Korean and Amharic ones, have no pieces below their particles. In these scripts one form stands in the other.
COMPACT = re.compile(rf"[{UNPARTED}\u1200-\u139f\uac00-\ud7a3]")


def count_words(text: str) -> int:
    """Count the words of `text`: what white space parts, and of scripts that do not part them what ICU finds."""
    if text.isascii() or not UNPARTED_RUN.search(text):
        return len(text.split())
    others = UNPARTED_RUN.sub(" ", text).split()
    found = sum(is_word(word) for run in UNPARTED_RUN.findall(text) for word in WordBreaker(run, "root"))
    return found + sum(map(is_word, others))


def count_letters(text: str) -> float:
    """Count the letters, vowel signs and digits of `text`, each as so many letters of an alphabet as say the same."""
    count = float(sum(character.isalnum() or unicodedata.category(character)[0] == "M" for character in text))
    if text.isascii():
        return count
    return count + sum((worth - 1) * len(letters.findall(text)) for worth, letters in DENSE)


def split_units(text: str) -> list[Span]:
    """Return the spans of the words of `text` as `count_words` counts them, with the punctuation that touches them.

    In scripts that part no words, punctuation stands alone.
    """
    spans: list[Span] = []
    for unit in UNIT.finditer(text):
        start, end = unit.span()
        if not unit["run"]:
            spans.append((start, end))
            continue
        for piece in WordBreaker(unit["run"], "root"):
            spans.append((start, start + len(piece)))
            start += len(piece)
    return spans


def split_terms(text: str) -> list[str]:
    """Return the words of `text` without their case, as one form where Unicode has several for the same letters."""
    if text.isascii():
        return WORD.findall(text.lower())
    # Turkish has a capital i with a dot, which keeps it when it is made small.
    folded = unicodedata.normalize("NFC", text.casefold()).replace("i\u0307", "i")
    return list(find_marked(folded)) if MARKED.search(folded) else WORD.findall(folded)


def split_pieces(text: str) -> list[str]:
    """Return the terms of `text` cut into pieces, so that forms of one word share some."""
    return [piece for term in split_terms(text) for piece in cut_pieces(term)]


def cut_pieces(term: str) -> list[str]:
    """Return all pieces of so many characters of a term; a short one stays whole.

    A mark at either end tells pieces that begin or end a word from others.
    """
    marked = f"_{term}_"
    return [marked[at : at + PIECE] for at in range(max(1, len(marked) - PIECE + 1))]


def find_marked(text: str) -> Iterator[str]:
    """Yield the words of a text with letters that have marks, or of a script that parts no words."""
    for piece in WordBreaker(text, "root"):
        if not MARKED.search(piece):
            yield from WORD.findall(piece)
        elif is_word(piece):
            yield piece


def is_word(text: str) -> bool:
    """Whether `text` has a letter or a digit."""
    return any(map(str.isalnum, text))


class WordForms:
    """The words of a text, to be found in any of their forms.

    Args:
        text: whose words they are.
    """

    def __init__(self, text: str) -> None:
        self._places = {term: at for at, term in enumerate(dict.fromkeys(split_terms(text)))}
        self._pieces = [frozenset(cut_pieces(term)) for term in self._places]
        self._owners: dict[str, list[int]] = {}
        for at, pieces in enumerate(self._pieces):
            for piece in pieces:
                self._owners.setdefault(piece, []).append(at)
        self._compact = [(term, at) for term, at in self._places.items() if COMPACT.search(term)]
        self._found: dict[str, dict[int, float]] = {}

    @property
    def count(self) -> int:
        """How many there are, each counted once."""
        return len(self._places)

    def find(self, term: str) -> dict[int, float]:
        """Return how like a term of another text is to the words that it may be a form of, by their places."""
        if term not in self._found:
            self._found[term] = self._compare(term)
        return self._found[term]

    def _compare(self, term: str) -> dict[int, float]:
        if COMPACT.search(term):
            return {
                at: min(len(word), len(term)) / max(len(word), len(term))
                for word, at in self._compact
                if word in term or (term in word and len(term) > 1)
            }
        pieces = frozenset(cut_pieces(term))
        shared = Counter(at for piece in pieces for at in self._owners.get(piece, ()))
        return {
            at: count / max(len(pieces), len(self._pieces[at]))
            for at, count in shared.items()
            if at == self._places.get(term)
            or (count >= FEWEST_PIECES and count >= FORM_SHARE * min(len(pieces), len(self._pieces[at])))
        }
