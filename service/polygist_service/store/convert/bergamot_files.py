"""Files of Bergamot's student models: Marian's binary weights and the lexical shortlist.

Both are little endian. Weights (Marian, ``src/common/binary.cpp``): version, count, headers, names, shapes, a gap,
blocks. Shortlist (Bergamot, ``src/data/shortlist.cpp``): six numbers, one offset a source id, one list of target ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polygist_service.errors import StoreError

Weights = dict[str, NDArray[np.float32]]

BINARY_VERSION = 1
SHORTLIST_MAGIC = 0xF11A48D5013417F5
TEXT, FLOAT32, INTGEMM8 = 0x101, 0x404, 0x4101
CONFIGURATION = "special:model.yml"
# The one matrix that intgemm does not transpose: its rows are looked up.
EMBEDDINGS = "Wemb"


@dataclass(frozen=True)
class Student:
    """What a weights file holds: float32 arrays by Marian's names, and the training options as they are written."""

    weights: Weights
    options: dict[str, str]


@dataclass(frozen=True)
class Shortlist:
    """Target ids that each source id may become, besides the most frequent ones (the lowest ids)."""

    offsets: NDArray[np.uint64]
    targets: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, source: int) -> NDArray[np.uint32]:
        return self.targets[int(self.offsets[source]) : int(self.offsets[source + 1])]


class Cursor:
    """Reads a file front to back; raises StoreError where it is too short."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = path.read_bytes()
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > len(self._bytes) - self._at:
            raise StoreError(
                f"{self._path.name} ends at byte {len(self._bytes)} where more is announced: fetch it again"
            )
        self._at += size
        return self._bytes[self._at - size : self._at]

    def numbers(self, count: int, kind: str = "<u8") -> NDArray[np.uint64]:
        """The next `count` numbers of numpy type `kind`."""
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), kind)

    def expect_end(self) -> None:
        """Raise StoreError if bytes are left."""
        if self._at != len(self._bytes):
            raise StoreError(f"{self._path.name} has {len(self._bytes) - self._at} bytes too many: fetch it again")


def read_student(path: Path) -> Student:
    """Read a ``model.*.bin``, 8-bit matrices turned into float32.

    Raises:
        StoreError: the file is not what Marian writes, or damaged.
    """
    cursor = Cursor(path)
    version, count = map(int, cursor.numbers(2))
    if version != BINARY_VERSION:
        raise StoreError(f"{path.name} is version {version} of Marian's binary format, {BINARY_VERSION} is supported")
    headers = [tuple(map(int, cursor.numbers(4))) for _ in range(count)]
    names = [cursor.take(name_length).rstrip(b"\0").decode() for name_length, *_ in headers]
    shapes = [tuple(map(int, cursor.numbers(rank, "<i4"))) for _, _, rank, _ in headers]
    cursor.take(int(cursor.numbers(1)[0]))
    weights, options = {}, {}
    for name, shape, (_, kind, _, size) in zip(names, shapes, headers, strict=True):
        block = cursor.take(size)
        if name == CONFIGURATION:
            options = dict(_parse_options(block.rstrip(b"\0").decode()))
        elif not name.endswith("_QuantMultA"):  # scales of intgemm's activations: CTranslate2 finds its own
            weights[name] = _read_array(name, kind, shape, block)
    cursor.expect_end()
    return Student(weights, options)


def _read_array(name: str, kind: int, shape: tuple[int, ...], block: bytes) -> NDArray[np.float32]:
    size = int(np.prod(shape))
    if kind == FLOAT32:
        return np.frombuffer(block, "<f4", size).reshape(shape).squeeze()
    if kind != INTGEMM8:
        raise StoreError(f"weight {name} has type {kind:#x}; float32 {FLOAT32:#x} and intgemm8 {INTGEMM8:#x} are read")
    values = np.frombuffer(block, np.int8, size).astype(np.float32)
    values /= np.frombuffer(block, "<f4", 1, offset=size)
    rows, columns = shape
    return values.reshape(rows, columns) if name == EMBEDDINGS else values.reshape(columns, rows).T


def _parse_options(text: str) -> Iterator[tuple[str, str]]:
    """The scalars of Marian's flat YAML; its lists are not needed."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and not line.startswith((" ", "-")):
            yield key, value.strip().strip('"')


def read_shortlist(path: Path) -> Shortlist:
    """Read a ``lex.*.bin``.

    Raises:
        StoreError: the file is something else, or damaged.
    """
    cursor = Cursor(path)
    magic, _checksum, _first, _best, offset_count, target_count = map(int, cursor.numbers(6))
    if magic != SHORTLIST_MAGIC:
        raise StoreError(f"{path.name} is no binary shortlist: it starts with {magic:#x}, not {SHORTLIST_MAGIC:#x}")
    offsets = cursor.numbers(offset_count)
    targets = cursor.numbers(target_count, "<u4").astype(np.uint32)
    cursor.expect_end()
    if offset_count < 1 or offsets[-1] != target_count or np.any(offsets[1:] < offsets[:-1]):
        raise StoreError(f"{path.name} has offsets that do not fit its {target_count} entries: fetch it again")
    return Shortlist(offsets, targets)
