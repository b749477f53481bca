"""Pairs of sentences: read, varied, and put into batches of like length.

A pair is a source and a plausible target. The original runs under teacher forcing: the target is context that it
answers to, so a translation by any model serves, and a pair of the other direction serves turned round.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from training.reference import END

TextPair = tuple[str, str]

LONGEST = 96  # tokens of a side: the window of the models that are served
# Lengths and sizes of batches are multiples of this: fewer shapes, of which each is compiled once.
MULTIPLE = 4
MULTIPLE_ON_GPU = 8  # rows of bfloat16 begin at multiples of 16 bytes, which its fastest products need
# How often a pair is changed into something else that is met: two neighbours in one, a heading, a clause.
JOINED, WITHOUT_STOP, CAPITALS, TITLE, CLAUSE = 0.12, 0.05, 0.02, 0.02, 0.05


@dataclass(frozen=True)
class Corpus:
    """Tokens of all pairs end to end; pair i has its source at `bounds[2 i : 2 i + 1]`, its target behind that."""

    tokens: NDArray[np.int32]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return (len(self.bounds) - 1) // 2

    def read(self, indices: Sequence[int]) -> tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]]:
        """Sources and targets of some pairs."""
        starts = [(self.bounds[2 * at], self.bounds[2 * at + 1], self.bounds[2 * at + 2]) for at in indices]
        sources = [self.tokens[start:middle] for start, middle, _ in starts]
        return sources, [self.tokens[middle:end] for _, middle, end in starts]

    def measure(self) -> NDArray[np.int64]:
        """Lengths of shape (pairs, 2): source, target."""
        return np.diff(self.bounds).reshape(-1, 2)


def read_pairs(path: Path, *, turned: bool = False) -> list[TextPair]:
    """Read lines of a source, a tab and a target; turned round if they belong to the other direction.

    Raises:
        click.ClickException: a line has no tab, or more than one.
    """
    pairs = []
    for number, line in enumerate(read_lines(path), start=1):
        sides = line.split("\t")
        if len(sides) != 2:
            raise click.ClickException(
                f"{path}, line {number} has {len(sides) - 1} tabs; a pair is a source, a tab and a target: "
                "python -m training.translate makes pairs of sentences"
            )
        source, target = reversed(sides) if turned else sides
        pairs.append((source, target))
    return pairs


def read_lines(path: Path) -> list[str]:
    """The lines of a text, without their ends and without a byte order mark.

    Raises:
        click.ClickException: it is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig") as lines:
            return [line.rstrip("\n") for line in lines]
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{path} is not UTF-8 ({error}): convert it, with iconv say") from error


def vary(pairs: Sequence[TextPair], seed: int) -> Iterator[TextPair]:
    """The pairs in their order, some of them changed on both sides alike."""
    chance = random.Random(seed)
    for at, pair in enumerate(pairs):
        drawn = chance.random()
        if (drawn := drawn - JOINED) < 0:
            neighbour = pairs[(at + 1) % len(pairs)]
            yield f"{pair[0]} {neighbour[0]}", f"{pair[1]} {neighbour[1]}"
        elif (drawn := drawn - WITHOUT_STOP) < 0:
            yield pair[0].rstrip("."), pair[1].rstrip(".")
        elif (drawn := drawn - CAPITALS) < 0:
            yield pair[0].upper(), pair[1].upper()
        elif (drawn := drawn - TITLE) < 0:
            yield pair[0].rstrip(".").title(), pair[1].rstrip(".").title()
        elif drawn < CLAUSE and all(", " in side for side in pair):
            yield pair[0].partition(", ")[0], pair[1].partition(", ")[0]
        else:
            yield pair


def encode_pairs(vocabulary: SentencePieceProcessor, pairs: Sequence[TextPair], longest: int = LONGEST) -> Corpus:
    """Tokenise pairs; those that are empty or too long on a side are left out."""
    sides = [vocabulary.encode([pair[side] for pair in pairs]) for side in (0, 1)]
    kept = [
        [*tokens, END]
        for pair in zip(*sides, strict=True)
        if min(map(len, pair)) > 0 and max(map(len, pair)) < longest
        for tokens in pair
    ]
    lengths = [len(tokens) for tokens in kept]
    tokens = np.fromiter(chain.from_iterable(kept), np.int32, sum(lengths))
    return Corpus(tokens, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def draw_batches(lengths: NDArray[np.int64], most_tokens: int, seed: int) -> list[list[int]]:
    """All pairs once, in batches of like lengths and at most `most_tokens` target tokens, in an order drawn anew."""
    drawn = np.random.default_rng(seed)
    rounded = -(-lengths // MULTIPLE) * MULTIPLE
    order = np.lexsort((lengths[:, 0] + drawn.integers(0, MULTIPLE, len(lengths)), rounded[:, 1]))
    batches, batch = [], list[int]()
    for at in order.tolist():
        if batch and (len(batch) + 1) * rounded[at, 1] > most_tokens:
            batches.append(batch)
            batch = []
        batch.append(at)
    batches += [batch] if batch else []
    return [batches[at] for at in drawn.permutation(len(batches))]
