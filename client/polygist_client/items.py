"""The items of a call with any number of them: what may stand for one, and what a server takes of it."""

from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from polygist_client.arguments import (
    DETECTED,
    describe_value,
    parse_integer,
    parse_language,
    parse_mime_type,
    parse_text,
    text_cure,
)
from polygist_client.errors import InvalidInput, MessageTooLarge, PolygistError, RequestTooLarge
from polygist_client.options import Item, MimeType

OnError = Literal["raise", "return"]
# What a server allows that does not say, as `GetServerInfo` names it.
DEFAULT_LIMITS: Mapping[str, int] = {
    "summarise.contents": 32, "request.characters": 1_000_000, "message.bytes": 16 << 20,
}  # fmt: skip
OWN_MESSAGE_BYTES = 64 << 20
# What stands around a text on the wire: its number, its language, the lengths of the three.
FRAME_BYTES = 128
BYTES_OF_A_CHARACTER = 4

ErrorT = TypeVar("ErrorT", bound=PolygistError)


@dataclass(frozen=True, slots=True)
class NumberedItem:
    """An item that can be sent, and its place among all of its call.

    Attributes:
        index: counted from 0.
        text: what it is about.
        id: the caller's own.
        source: its language, where it is not that of the call.
        mime_type: what it is, where that is not what the call says.
    """

    index: int
    text: str
    id: str | None = None
    source: str | None = None
    mime_type: MimeType | None = None

    @property
    def differs(self) -> tuple[str | None, MimeType | None]:
        """What it says in place of its call: items of one request have it in common."""
        return self.source, self.mime_type


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one item.

    Attributes:
        item: its place and id.
        message: what the server said of it; None where it failed.
        error: why it failed.
    """

    item: NumberedItem
    message: Any = None
    error: PolygistError | None = None


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """What a server takes at once.

    Attributes:
        articles: in one request.
        characters: code points in all texts of a request, and in one item.
        message_bytes: bytes of one message.
    """

    articles: int
    characters: int
    message_bytes: int

    def check(self, item: NumberedItem) -> None:
        """Raise RequestTooLarge or MessageTooLarge where no request takes the item."""
        if len(item.text) > self.characters:
            raise concern(
                RequestTooLarge(
                    f"content has {len(item.text)} characters, at most {self.characters} are allowed; split it",
                    code="INVALID_ARGUMENT",
                    reason="REQUEST_TOO_LARGE",
                    metadata={"limit": "request.characters", "value": str(len(item.text))},
                ),
                item,
            )
        room = self.message_bytes - FRAME_BYTES
        if len(item.text) * BYTES_OF_A_CHARACTER > room and (size := len(item.text.encode())) > room:
            raise concern(
                MessageTooLarge(
                    f"content has {size} bytes, at most {room} go into one message; split it",
                    code="RESOURCE_EXHAUSTED",
                ),
                item,
            )


def parse_limits(limits: Mapping[str, int]) -> ItemLimits:
    """Read the limits of a server by the names that `GetServerInfo` gives them."""
    known = {name: limits.get(name) or value for name, value in DEFAULT_LIMITS.items()}
    return ItemLimits(
        articles=known["summarise.contents"],
        characters=known["request.characters"],
        message_bytes=min(known["message.bytes"], OWN_MESSAGE_BYTES),
    )


def check_items(items: object, *, awaited: bool = False) -> None:
    """Raise TypeError where `items` is one text, or cannot be iterated at all; TypeError names the cure."""
    if isinstance(items, str | bytes | bytearray | Item):
        raise TypeError(f"items is one text ({type(items).__name__}); give a list of texts, such as [text]")
    if isinstance(items, Mapping):
        raise TypeError(
            f"items is {type(items).__name__}, with names; give a list of texts, such as list(items.values())"
        )
    kinds = (Iterable, AsyncIterable) if awaited else (Iterable,)
    if not isinstance(items, kinds):
        raise TypeError(f"items is {type(items).__name__}; give an iterable of texts, such as a list")


def parse_on_error(on_error: str) -> bool:
    """Return whether errors are returned; raises InvalidInput where `on_error` is no such word."""
    if on_error not in ("raise", "return"):
        raise InvalidInput(f"on_error: {on_error!r} is not one of raise, return", field="on_error")
    return on_error == "return"


def parse_in_flight(in_flight: int) -> int:
    """Return `in_flight` itself; raises InvalidInput where nothing would ever be sent."""
    if parse_integer("in_flight", in_flight) < 1:
        raise InvalidInput(f"in_flight is {in_flight}, it must be at least 1", field="in_flight")
    return in_flight


def parse_item(index: int, given: Any) -> NumberedItem:
    """Make the item at `index` out of a text or an `Item`; raises InvalidInput, which has both index and id."""
    is_item = isinstance(given, Item)
    item = NumberedItem(index, *(given.text, given.id, given.source, given.mime_type) if is_item else (given,))
    try:
        if not isinstance(item.text, str):
            what, cure = describe_value(item.text), text_cure(item.text)
            raise InvalidInput(
                f"content is {'an Item of ' * is_item}{what}, it must be a str or an Item of one{cure and f'; {cure}'}",
                field="content",
            )
        parse_text("content", item.text)
        if item.source is not None:
            check_source(item)
        if item.mime_type is not None:
            parse_mime_type("mime_type", item.mime_type)
    except InvalidInput as error:
        raise concern(error, item) from None
    return item


def check_source(item: NumberedItem) -> None:
    """Raise InvalidInput where the language of an item is no text."""
    try:
        parse_language("source", item.source, cure=DETECTED)
    except TypeError as error:  # one item's fault does not end the others
        raise InvalidInput(str(error), field="source") from None


class ItemReader:
    """Counts items, and tells those that can be sent from those that cannot.

    Args:
        limits: what the server takes.
    """

    def __init__(self, limits: ItemLimits) -> None:
        self._limits = limits
        self._count = 0

    def read(self, given: Any) -> "NumberedItem | Answer":
        """Return the next item; where it cannot be sent, that is its answer."""
        index, self._count = self._count, self._count + 1
        try:
            item = parse_item(index, given)
            self._limits.check(item)
        except PolygistError as error:
            return Answer(NumberedItem(index, "", error.id), error=error)
        return item


def concern(error: ErrorT, item: NumberedItem) -> ErrorT:
    """Say in `error` which item it is about, not which place it had in a request that the caller did not make.

    The place among all items stands beside the message, as the id does: a record of the same item has the same message,
    whatever else was sent. A traceback has both.
    """
    error.index, error.id = item.index, item.id
    error.add_note(f"about item {item.index}" + (f", id {item.id!r}" if item.id is not None else ""))
    error.message = error.message.replace("contents[0]", "content")
    error.args = (error.message,)
    return error
