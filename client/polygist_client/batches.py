"""Many items in requests of several: batches that a server takes, and what becomes of the items of one that failed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from polygist_client.errors import (
    CallFailed,
    Cancelled,
    InternalError,
    InvalidArgument,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PolygistError,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from polygist_client.items import Answer, ItemLimits, ItemReader, NumberedItem, concern

# Small enough that several requests in flight share the server's batches, large enough that a request costs nothing.
ARTICLES = 8  # they are long; a request takes 32 at most
CHARACTERS = 100_000
IN_FLIGHT = 4

Batch = tuple[NumberedItem, ...]


class Batcher:
    """Collects items; gives a batch as soon as the next item would make it too large, or has another language
    or MIME type.

    A text is never split: one above `CHARACTERS` is a batch of its own. What cannot be sent is an answer at once.

    Args:
        limits: what the server takes.
    """

    def __init__(self, limits: ItemLimits) -> None:
        self._reader = ItemReader(limits)
        self._most_items = min(ARTICLES, limits.articles)
        self._most_characters = min(CHARACTERS, limits.characters)
        self._items: list[NumberedItem] = []
        self._characters = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been collected since the last batch."""
        return not self._items

    def add(self, given: Any) -> Iterator[Batch | Answer]:
        """Take one more text or `Item`; yields the batch before it where that is full, and what cannot be sent."""
        item = self._reader.read(given)
        if isinstance(item, Answer):
            yield from self.rest()
            yield item
            return
        characters = self._characters + len(item.text)
        fits = characters <= self._most_characters and len(self._items) < self._most_items
        if self._items and not (fits and item.differs == self._items[0].differs):
            yield from self.rest()
        self._items.append(item)
        self._characters += len(item.text)
        if len(self._items) == self._most_items:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        """Yield what has been collected since the last batch, if anything."""
        if self._items:
            batch = tuple(self._items)
            self._items, self._characters = [], 0
            yield batch


def concerns_all(error: PolygistError) -> bool:
    """Whether an error of one request would be that of every other too."""
    if isinstance(error, InvalidArgument):
        fields = [each.field for each in error.field_violations]
        return bool(fields) and not any(field.startswith("contents") for field in fields)
    kinds = (
        *(Unavailable, Cancelled, Unauthenticated, PermissionDenied, Unimplemented, QuotaExceeded, NotFound),
        InvalidInput,
    )
    return isinstance(error, kinds)


def split_failed(batch: Batch, error: CallFailed) -> list[Batch] | Answer:
    """Decide what becomes of a batch whose request failed: its items are sent singly, or its one item has failed.

    Raises:
        CallFailed: `error`, where it concerns all.
    """
    if concerns_all(error):
        raise error
    if len(batch) > 1:
        return [(item,) for item in batch]
    return Answer(batch[0], error=concern(error, batch[0]))


def pair(batch: Batch, messages: Any) -> list[Answer]:
    """Give each item of a batch the server's answer; raises InternalError where there is not one for each."""
    if len(messages) != len(batch):
        raise InternalError(f"the server answered {len(messages)} results for {len(batch)} texts", code="INTERNAL")
    return [Answer(item, message) for item, message in zip(batch, messages, strict=True)]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the caller wants the answers.

    Attributes:
        convert: makes a result of a message, an index and an id.
        to_json: makes what `on_reply` is given of a message.
        on_reply: the caller's own; None where there is none.
        returns_errors: whether the error of one item is returned in its place.
    """

    convert: Callable[[Any, NumberedItem], Any]
    to_json: Callable[[Any], dict[str, Any]]
    on_reply: Callable[[dict[str, Any]], object] | None
    returns_errors: bool

    def read(self, answer: Answer) -> Any:
        """Call `on_reply` and return the result, or the error; raises it where errors are raised."""
        if self.on_reply is not None and answer.message is not None:
            self.on_reply(self.to_json(answer.message))
        if answer.error is None:
            return self.convert(answer.message, answer.item)
        if not self.returns_errors:
            raise answer.error
        return answer.error
