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


def is_loop(text: str) -> bool:
    """Whether a model that wrote `text` turned in a circle."""
    words = WORD.findall(text.lower())
    runs = Counter(zip(*(words[at:] for at in range(NGRAM)), strict=False))
    return max(runs.values(), default=0) >= TIMES or any(
        compression(text[start : start + PIECE]) > MOST_COMPRESSION for start in range(0, len(text), PIECE)
    )


def compression(piece: str) -> float:
    """Characters for each deflated byte: bytes for each would call all text beyond ASCII repetitive."""
    if len(piece) <= FEWEST_CHARACTERS:
        return 0.0
    return len(piece) / len(zlib.compress(piece.encode("utf-8", "surrogatepass")))
