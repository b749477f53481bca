"""Any number of texts in batches, each small enough for one request."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from polygist_client.conversion import parse_text

# Small enough that several requests in flight share the server's batches, large enough that a request costs nothing.
TEXTS = 128
ARTICLES = 8  # they are long; a request takes 32 at most
CHARACTERS = 100_000
IN_FLIGHT = 4

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that travel together, and their positions among all."""

    items: range
    texts: tuple[str, ...]


class Batcher:
    """Collects texts; gives a batch as soon as the next text would make it too large.

    A text is never split: one above `most_characters` is a batch of its own.

    Args:
        most_items: texts in a batch.
        most_characters: code points in a batch of more than one text.
    """

    def __init__(self, *, most_items: int = TEXTS, most_characters: int = CHARACTERS) -> None:
        self._most_items = most_items
        self._most_characters = most_characters
        self._texts: list[str] = []
        self._characters = 0
        self._start = 0

    def add(self, text: str) -> Iterator[Batch]:
        """Take one more text; yields the batch before it where that is full."""
        parse_text(f"texts[{self._start + len(self._texts)}]", text)
        fits = self._characters + len(text) <= self._most_characters and len(self._texts) < self._most_items
        if not fits:
            yield from self.rest()
        self._texts.append(text)
        self._characters += len(text)

    def rest(self) -> Iterator[Batch]:
        """Yield what has been collected since the last batch, if anything."""
        if self._texts:
            items = range(self._start, self._start + len(self._texts))
            yield Batch(items, tuple(self._texts))
            self._start, self._texts, self._characters = items.stop, [], 0


def cut(texts: Iterable[str], *, most_items: int = TEXTS, most_characters: int = CHARACTERS) -> Iterator[Batch]:
    """Cut `texts` into batches, read as the batches are taken."""
    batcher = Batcher(most_items=most_items, most_characters=most_characters)
    for text in texts:
        yield from batcher.add(text)
    yield from batcher.rest()


async def cut_as_they_come(
    texts: Iterable[str] | AsyncIterable[str], *, most_items: int = TEXTS
) -> AsyncIterator[Batch]:
    """Cut texts that may have to be waited for into batches."""
    batcher = Batcher(most_items=most_items)
    async for text in iterate(texts):
        for batch in batcher.add(text):
            yield batch
    for batch in batcher.rest():
        yield batch


async def iterate(values: Iterable[ValueT] | AsyncIterable[ValueT]) -> AsyncIterator[ValueT]:
    """Yield all of `values`, waited for or not."""
    if isinstance(values, AsyncIterable):
        async for value in values:
            yield value
    else:
        for value in values:
            yield value
