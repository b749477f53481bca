"""Outputs in which a model repeats itself."""

import re
import zlib
from collections import Counter

# The same run of so many words, so often, is a loop.
NGRAM, TIMES = 8, 3
# Text that deflates to less than its 2.4th part repeats itself: faster-whisper's `compression_ratio_threshold`.
MOST_COMPRESSION = 2.4
# Short texts hold too little to tell, long ones deflate well whatever they say: pieces of a length are looked at.
FEWEST_CHARACTERS, PIECE = 200, 1000

WORD = re.compile(r"\w+")
# Up to eight words, and the same again at once; one character, and the same again; up to four characters.
WORDS_AGAIN = re.compile(r"\b(\w+(?:\W{1,3}\w+){0,7}?)(?:\W{1,3}\1\b){2,}", re.IGNORECASE)
CHARACTERS_AGAIN = re.compile(r"(\S{1,4}?)\1{5,}")
# An output may repeat so much more than its source does: "very, very, very" has more words in one language than in
# another.
MOST_TIMES, MORE_TIMES, MORE_CHARACTERS = 3, 1, 12
LONGER, LEAST_LONGER, LONG_WORD = 1.2, 8, 24


def is_loop(text: str) -> bool:
    """Whether a model that wrote `text` turned in a circle."""
    words = WORD.findall(text.lower())
    runs = Counter(zip(*(words[at:] for at in range(NGRAM)), strict=False))
    return max(runs.values(), default=0) >= TIMES or any(
        compression(text[start : start + PIECE]) > MOST_COMPRESSION for start in range(0, len(text), PIECE)
    )


def has_loop(written: str, source: str) -> bool:
    """Whether a model that wrote `written` of `source` turned in a circle; what `source` repeats may be repeated.

    A circle makes a text longer, or a word: what is hardly longer than its source is not looked at.
    """
    if max(map(len, written.split()), default=0) > LONG_WORD:
        run = longest_run(written)
        if run > MORE_CHARACTERS and run > longest_run(source) + MORE_CHARACTERS:
            return True
    if len(written) < LONGER * len(source) + LEAST_LONGER:
        return False
    times = most_times(written)
    if times > MOST_TIMES and times > most_times(source) + MORE_TIMES:
        return True
    return is_loop(written) and not is_loop(source)


def most_times(text: str) -> int:
    """How often, at most, the same one to eight words follow themselves in `text`."""
    return max((len(found[0]) // len(found[1]) for found in WORDS_AGAIN.finditer(text)), default=1)


def longest_run(text: str) -> int:
    """How many characters the longest run of the same one to four characters has."""
    return max((len(found[0]) for found in CHARACTERS_AGAIN.finditer(text)), default=0)


def compression(piece: str) -> float:
    """Characters for each deflated byte: bytes for each would call all text beyond ASCII repetitive."""
    if len(piece) <= FEWEST_CHARACTERS:
        return 0.0
    return len(piece) / len(zlib.compress(piece.encode("utf-8", "surrogatepass")))
