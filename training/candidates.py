"""Which target pieces the SPEED preset chooses among, learnt from what a model itself writes.

`translate` has an installed model translate sentences over its full vocabulary; `learn` makes the candidates of that. A
target piece becomes a candidate of the source piece that explains it best (expected counts, as IBM model 1 has them).
It is always in where that would often come too late, which is counted by leaving each sentence out in turn.
"""

import random
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import click
import ctranslate2
import numpy as np
import sentencepiece
from numpy.typing import NDArray
from polygist_service.store.convert.bergamot import read_shortlist
from polygist_service.store.convert.vocabulary_map import Candidates, Shortlist, write_candidates

Pair = tuple[list[int], list[int]]
Array = NDArray[np.int64]

LONGEST = 95
# The most frequent pieces are always in: nothing has to explain them.
FREQUENT = 2_000
ROUNDS = 4
# A source piece that was seen in so many sentences has become what it can become.
KNOWN = 1_000
# Batches by which is told how often a piece would be a candidate anyway.
BATCHES, BATCH = 100, 16


@dataclass(frozen=True)
class Occurrences:
    """Rare target pieces, each with the source pieces of its sentence: one entry for each of those.

    Attributes:
        keys: the different pairs of a source and a target piece, as source * size of the vocabulary + target.
        entries: for each entry the index of its pair among `keys`.
        groups: for each entry the index of its occurrence, ascending.
        targets: the target piece of each occurrence.
    """

    keys: Array
    entries: Array
    groups: Array
    targets: Array

    @classmethod
    def find(cls, pairs: Sequence[Pair], is_rare: NDArray[np.bool_]) -> "Occurrences":
        """Find them in translated sentences."""
        size = len(is_rare)
        different = ((list(set(source)), set(target)) for source, target in pairs)
        found = [(source, piece) for source, target in different for piece in target if is_rare[piece]]
        targets = np.array([piece for _, piece in found], np.int64)
        lengths = np.array([len(source) for source, _ in found])
        groups = np.repeat(np.arange(len(found)), lengths)
        sources = np.fromiter(chain.from_iterable(source for source, _ in found), np.int64, lengths.sum())
        keys, entries = np.unique(sources * size + targets[groups], return_inverse=True)
        return cls(keys, entries, groups, targets)

    def find_reasons(self, seen: Array) -> Array:
        """The entry of each occurrence that explains it best; `seen` tells in how many sentences a piece is."""
        counts, chances = np.ones(len(self.keys)), 1 / seen[self.keys // len(seen)]
        for _ in range(ROUNDS):
            shares = (counts * chances)[self.entries]
            shares /= np.bincount(self.groups, shares)[self.groups]
            counts = np.bincount(self.entries, shares, len(self.keys))
        order = np.lexsort((-shares, self.groups))
        return order[np.diff(self.groups[order], prepend=-1) > 0]


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("sentences", type=click.File(encoding="utf-8"))
@click.argument("pairs", type=click.File("w", encoding="utf-8"))
@click.option("--batch", default=1536, show_default=True, help="Source tokens of a batch.")
def translate(model, sentences, pairs, batch):
    """Translate SENTENCES with the installed MODEL (its folder); PAIRS gets the pieces of both sides, as ids."""
    vocabulary = open_vocabulary(model)
    translator = ctranslate2.Translator(str(model), inter_threads=1, intra_threads=1)
    texts = [" ".join(line.split()) for line in sentences]
    with click.progressbar(range(0, len(texts), 4096), label="translating") as starts:
        for start in starts:
            rows = vocabulary.encode(texts[start : start + 4096], out_type=str)
            kept = [row for row in rows if 1 < len(row) <= LONGEST]
            outputs = translator.translate_batch(
                kept, beam_size=1, disable_unk=True, max_batch_size=batch, batch_type="tokens", max_decoding_length=128
            )
            for row, output in zip(kept, outputs, strict=True):
                sides = [vocabulary.piece_to_id(side) for side in (row, output.hypotheses[0])]
                pairs.write("\t".join(" ".join(map(str, side)) for side in sides) + "\n")


@main.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("shortlist", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("candidates", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--pairs", required=True, type=click.File(encoding="utf-8"), help="Of `translate`, by this model.")
@click.option(
    "--reversed-pairs", required=True, type=click.File(encoding="utf-8"), help="By the model of the other direction."
)
@click.option(
    "--reversed-model", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False), help="Its folder."
)
@click.option("--always", default=8_500, show_default=True, help="Pieces that are always in.")
def learn(model, shortlist, candidates, pairs, reversed_pairs, reversed_model, always):
    """Learn CANDIDATES of MODEL, which was published with SHORTLIST (``lex.*.bin``)."""
    vocabulary, lexicon = open_vocabulary(model), read_shortlist(shortlist)
    own = list(read_pairs(pairs))
    others = list(turn_around(read_pairs(reversed_pairs), open_vocabulary(reversed_model), vocabulary))
    pieces = [vocabulary.id_to_piece(index) for index in range(len(vocabulary))]
    learnt = choose(own, others, lexicon, pieces, always)
    write_candidates(learnt, candidates)
    click.echo(
        f"{len(own)} + {len(others)} sentences; {len(learnt.always)} always in, {len(learnt.learnt.targets)} learnt, "
        f"{len(learnt.known)} known; {candidates.stat().st_size} bytes"
    )


def choose(
    own: Sequence[Pair], others: Sequence[Pair], lexicon: Shortlist, pieces: Sequence[str], always: int
) -> Candidates:
    """Choose what is always in, and what each source piece adds."""
    size, pairs = len(pieces), [*own, *others]
    seen, written = (count_sentences(side, size) for side in zip(*pairs, strict=True))
    is_rare = np.ones(size, bool)
    is_rare[np.argsort(-written, kind="stable")[:FREQUENT]] = False
    occurrences = Occurrences.find(pairs, is_rare)
    reasons = occurrences.find_reasons(seen)
    times = np.bincount(occurrences.entries[reasons], minlength=len(occurrences.keys))
    is_known = seen >= KNOWN
    given = np.concatenate([source * size + lexicon[source].astype(np.int64) for source in np.flatnonzero(~is_known)])
    given = np.union1d(given, list(alike(pieces)))
    learnt = np.union1d(given, occurrences.keys[times > 0])
    # Without its own sentence, is an occurrence among the candidates?
    others_times = times[occurrences.entries]
    others_times[reasons] -= 1
    is_found = np.isin(occurrences.keys, given)[occurrences.entries] | (others_times > 0)
    missed = occurrences.targets[np.bincount(occurrences.groups, is_found) == 0]
    # Unseen pieces are missed, too: word-internal ones most, and the more frequent ones (lower ids) more often.
    chances = np.array([0.15 if "▁" not in piece and len(piece) <= 4 else 0.05 for piece in pieces])
    misses = np.bincount(missed, minlength=size) + chances / (1 + np.arange(size) / 8_000)
    worth = np.where(is_rare, misses / (1.02 - find_presence(own, split(learnt, size))), np.inf)
    chosen = np.argsort(-worth, kind="stable")[:always]
    single = [index for index, piece in enumerate(pieces) if len(piece.strip("▁")) <= 1]
    fixed = np.union1d(np.union1d(chosen, single), [0, 1])
    left = learnt[~np.isin(learnt % size, fixed)]
    published = np.concatenate([source * size + lexicon[source].astype(np.int64) for source in range(size)])
    is_published = np.isin(left, published) & ~is_known[left // size]
    return Candidates(fixed.astype(np.uint16), split(left[~is_published], size), np.flatnonzero(is_known).astype("u2"))


def find_presence(pairs: Sequence[Pair], learnt: Shortlist) -> NDArray[np.float64]:
    """In what share of batches each target piece is a candidate of some source piece; batches are of like length."""
    ordered, generator = sorted(pairs, key=lambda pair: len(pair[0])), random.Random(1)
    presence = np.zeros(len(learnt))
    for _ in range(BATCHES):
        start = generator.randrange(max(1, len(ordered) - BATCH))
        sources = {piece for source, _ in ordered[start : start + BATCH] for piece in source}
        presence[np.unique(np.concatenate([learnt[piece] for piece in sources]))] += 1 / BATCHES
    return presence


def alike(pieces: Sequence[str]) -> Iterator[int]:
    """Every piece with itself and with those that differ by capitals, accents or the mark of a word's beginning."""
    plain = defaultdict(list)
    for index, piece in enumerate(pieces):
        letters = unicodedata.normalize("NFD", piece.lower().strip("▁"))
        plain["".join(letter for letter in letters if not unicodedata.combining(letter))].append(index)
    for group in plain.values():
        yield from (source * len(pieces) + target for source in group for target in group)


def split(keys: Array, size: int) -> Shortlist:
    """Ascending pairs as lists, one for each source piece."""
    starts = np.searchsorted(keys, np.arange(size + 1) * size)
    return Shortlist(starts.astype(np.uint64), (keys % size).astype(np.uint32))


def count_sentences(side: Iterable[Sequence[int]], size: int) -> Array:
    """In how many sentences each piece is."""
    return np.bincount(np.fromiter(chain.from_iterable(map(set, side)), np.int64), minlength=size)


def read_pairs(lines: Iterable[str]) -> Iterator[Pair]:
    """Read what `translate` wrote."""
    for line in lines:
        source, target = line.split("\t")
        yield [int(piece) for piece in source.split()], [int(piece) for piece in target.split()]


def turn_around(pairs: Iterable[Pair], theirs, ours) -> Iterator[Pair]:
    """Pairs of the other direction in the pieces of this one."""
    for source, target in pairs:
        yield ours.encode(theirs.decode(target)), ours.encode(theirs.decode(source))


def open_vocabulary(model: Path) -> sentencepiece.SentencePieceProcessor:
    """The vocabulary of an installed model."""
    return sentencepiece.SentencePieceProcessor(model_file=str(model / "tokenizer.spm"))


if __name__ == "__main__":
    main()
