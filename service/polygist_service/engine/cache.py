"""The sentence cache: results of segments that a model has read before, the least recently used left out first."""

import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b

from polygist_service.engine.interface import CacheState, Decoding, ModelInfo, Options, Result, Tokens
from polygist_service.engine.models.prompt_format import Prompt

DIGEST_BYTES = 32
# What an entry takes beside its result, by `tracemalloc`: its key, its places in the table and in the order of use.
ENTRY_BYTES = 288
# Python hands out memory in multiples of that.
ALIGNMENT = 16


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the cache has of some segments.

    Attributes:
        found: indices of segments and their results.
        missing: indices of the others and their tokens.
    """

    cache: "SentenceCache"
    found: Sequence[tuple[int, Result]]
    missing: Sequence[tuple[int, Tokens]]
    keys: Sequence[bytes] = field(default=(), repr=False)

    def keep(self, index: int, result: Result) -> None:
        """Keep what became of a segment; only what a model has finished and nobody has cancelled."""
        if self.keys:
            self.cache.keep(self.keys[index], result)


class SentenceCache:
    """Results of any model, for any thread. It keeps what models wrote, and of what they read only a digest.

    A key is the digest of all that an answer depends on: the model's weights, description and place, every option, and
    the tokens. So a model that is replaced by another revision is never answered for.

    Args:
        capacity: in bytes, what is kept counted with all that Python adds; 0 keeps nothing.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, tuple[Result, int]] = OrderedDict()
        self._bytes = self._hits = self._misses = 0

    @property
    def is_kept(self) -> bool:
        """Whether anything is kept: else nobody need make keys."""
        return self._capacity > 0

    def look_up(self, keys: Sequence[bytes], segments: Sequence[Tokens]) -> Lookup:
        """Find the results of segments.

        Args:
            keys: of each, by `key_maker`; none where nothing is kept.
            segments: their tokens.
        """
        if not self.is_kept:
            return Lookup(self, (), list(enumerate(segments)))
        found, missing = [], []
        with self._lock:
            for index, (key, tokens) in enumerate(zip(keys, segments, strict=True)):
                if entry := self._entries.get(key):
                    self._entries.move_to_end(key)
                    found.append((index, entry[0]))
                else:
                    missing.append((index, tokens))
            self._hits += len(found)
            self._misses += len(missing)
        return Lookup(self, found, missing, keys)

    def keep(self, key: bytes, result: Result) -> None:
        """Keep a result under a key, unless it alone is larger than the cache."""
        if result.vector is not None:  # a row of a batch's array: a view of it would keep the whole alive
            vector = result.vector.copy()
            vector.flags.writeable = False  # from now on it is everybody's
            result = replace(result, vector=vector)
        size = measure(result)
        if size > self._capacity:
            return
        with self._lock:
            _, before = self._entries.pop(key, (None, 0))
            self._entries[key] = result, size
            self._bytes += size - before
            while self._bytes > self._capacity:
                _, (_, freed) = self._entries.popitem(last=False)
                self._bytes -= freed

    def state(self) -> CacheState:
        """Return what it holds, and how often it was of use."""
        with self._lock:
            return CacheState(
                hits=self._hits,
                misses=self._misses,
                entries=len(self._entries),
                bytes=self._bytes,
                capacity=self._capacity,
            )


def key_maker(model: ModelInfo, options: Options) -> Callable[[Tokens], bytes]:
    """Return what makes the key of a segment of its tokens.

    Each part goes into the digest as JSON, which says where it ends: two different segments cannot read alike.

    Args:
        model: what reads the segment.
        options: all that it is decoded or encoded with; languages may be left out, as tokens have them.
    """
    identity = [model.name, model.revision, model.fingerprint, type(options).__name__, asdict(options)]
    start = blake2b(json.dumps(identity).encode(), digest_size=DIGEST_BYTES)
    is_aligned = isinstance(options, Decoding) and options.alignment

    def make_key(tokens: Tokens) -> bytes:
        read: object = tokens
        if isinstance(tokens, Prompt):  # an alignment has places in the text, and white space is no token
            read = [tokens.tokens, tokens.prefix, tokens.text if is_aligned else ""]
        key = start.copy()
        key.update(json.dumps(read).encode())
        return key.digest()

    return make_key


def measure(result: Result) -> int:
    """Return the bytes that an entry with a result takes, at most: what its parts share counts for each of them."""
    parts: list[object] = [result, result.hypotheses]
    if result.vector is not None:
        parts.append(result.vector)
    for hypothesis in result.hypotheses:
        parts += [hypothesis, hypothesis.text, hypothesis.score, hypothesis.alignment]
        for pair in hypothesis.alignment:
            parts += [pair, *pair, *pair.source, *pair.target]
    return ENTRY_BYTES + sum(-(-sys.getsizeof(part) // ALIGNMENT) * ALIGNMENT for part in parts)
