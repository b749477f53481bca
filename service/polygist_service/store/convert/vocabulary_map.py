"""Which pieces a decoder chooses among with the SPEED preset: CTranslate2's vocabulary map, ``vmap.txt``.

The candidates of a batch are the pieces that are always in, and those of every source piece in the batch. So what else
is in the batch can change an output, unless what the full vocabulary would choose is among the candidates of the
segment alone. Learnt candidates are chosen for that: see ``training/candidates.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from polygist_service.errors import StoreError

FORMAT = "polygist-candidates"
# Where nothing was learnt, so many of the lowest ids, which are the most frequent pieces, are always in.
ALWAYS_IN = 8_000

Ids = NDArray[np.uint16]


@dataclass(frozen=True)
class Shortlist:
    """Target ids that each source id may become: those of `source` are from ``offsets[source]`` on."""

    offsets: NDArray[np.uint64]
    targets: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, source: int) -> NDArray[np.uint32]:
        return self.targets[int(self.offsets[source]) : int(self.offsets[source + 1])]


@dataclass(frozen=True)
class Candidates:
    """What was learnt from a model's own translations, beside the shortlist that it was published with.

    Attributes:
        always: target ids that are candidates of every segment, ascending.
        learnt: the target ids that each source id became.
        known: source ids seen so often that the shortlist has nothing to add for them, ascending.
    """

    always: Ids
    learnt: Shortlist
    known: Ids


def read_candidates(path: Path) -> Candidates:
    """Read what `write_candidates` wrote; raises StoreError for other safetensors."""
    with safetensors.safe_open(path, "numpy") as opened:
        form = (opened.metadata() or {}).get("format")
    if form != FORMAT:
        raise StoreError(f"{path.name} has format {form!r} in its metadata, not {FORMAT!r}: it holds no candidates")
    stored = load_file(path)
    offsets = np.concatenate([[0], np.cumsum(stored["counts"], dtype=np.uint64)]).astype(np.uint64)
    return Candidates(stored["always"], Shortlist(offsets, stored["targets"].astype(np.uint32)), stored["known"])


def write_candidates(candidates: Candidates, path: Path) -> None:
    """Write candidates of a vocabulary of at most 65,536 pieces."""
    learnt = candidates.learnt
    stored = {
        "always": candidates.always,
        "counts": np.diff(learnt.offsets).astype(np.uint16),
        "targets": learnt.targets.astype(np.uint16),
        "known": candidates.known,
    }
    # Of several entries the order would be chance. As bytes: safetensors keeps files that it writes to their owner.
    path.write_bytes(save(stored, metadata={"format": FORMAT}))


def write_vocabulary_map(
    shortlist: Shortlist, candidates: Candidates | None, pieces: Sequence[str], path: Path
) -> None:
    """Write ``vmap.txt``: a source piece, a tab, its target pieces; the first line is for all.

    Args:
        shortlist: what was published with the model.
        candidates: what was learnt, if anything.
        pieces: of both languages, by id.

    Raises:
        StoreError: one of the two is for another vocabulary.
    """
    lengths = {len(shortlist), len(candidates.learnt) if candidates else len(shortlist)}
    if lengths != {len(pieces)}:
        found = " and ".join(map(str, sorted(lengths)))
        raise StoreError(f"the shortlist is for {found} pieces, the vocabulary has {len(pieces)}")
    always = candidates.always if candidates else np.arange(min(ALWAYS_IN, len(pieces)), dtype=np.uint16)
    is_always, is_known = np.zeros((2, len(pieces)), bool)
    is_always[always] = True
    if candidates:
        is_known[candidates.known] = True
    with path.open("w", encoding="utf-8") as output:
        output.write("\t" + " ".join(pieces[target] for target in always) + "\n")
        for source, piece in enumerate(pieces):
            targets = shortlist[source][:0] if is_known[source] else shortlist[source]
            if candidates:
                targets = np.union1d(targets, candidates.learnt[source])
            if len(targets := targets[~is_always[targets]]):
                output.write(f"{piece}\t{' '.join(pieces[target] for target in targets)}\n")
