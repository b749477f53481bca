"""How many requests are received and decoded at the same time: what bounds the memory that they take.

gRPC reads a message once it is asked for, and 16 kB of gzip become 15 MB, of as many calls as ask at once. So a call
asks when it is its turn. Who sends slowly, or stops halfway, does not keep others from theirs: where somebody
waits, its turn is passed on after a while, and it goes on receiving as one of the slow, of whom there may be some.

A call that is given up ends at once, its message does not: gRPC writes it to where it was asked for, whatever became of
who asked. So each is received by a task of its own, which nothing cancels, and until that ends it has its turn.

A message that has come, and is only to be decoded off the event loop, is not refused: it waits for the server. Its turn
is passed on too, as long as there is room.

The messages of streams have turns of their own: see `stream_receiving`. Lives on the event loop.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

from google.protobuf.message import DecodeError

from polygist_service.errors import InvalidRequest, PolygistError, ServerOverloaded
from polygist_service.limits import Limits
from polygist_service.wire.bounds import check_bounds

MessageT = TypeVar("MessageT")

# A turn is passed on after so long. A message of 64 kB is there before it is asked for, a longer one comes in parts.
PATIENCE = 0.25
# So many calls may be slow for each that has its turn.
SLOW_PER_TURN = 3
RETRY_SECONDS = 1.0


def never() -> bool:
    """Tell that a message has not come, where that cannot be known before it is decoded."""
    return False


class Refused(NamedTuple):
    """Stands in for a message that is not decoded, or not received."""

    error: PolygistError


@dataclass(slots=True, eq=False)
class Reception:
    """A message that is to be received.

    Attributes:
        caller: who sends it.
        read: receives it.
        message: what the call waits for: the message, or why it gets none.
        has_come: whether all of it is there, and only to be decoded.
        began: since when it has its turn, or when it was last looked at.
    """

    caller: str
    read: Callable[[], Awaitable[Any]]
    message: asyncio.Future[Any]
    has_come: Callable[[], bool]
    began: float = 0.0


class Receiving:
    """Turns at receiving, of callers one after the other.

    Args:
        most: how many calls have their turn at the same time.
        patience: seconds after which a turn is passed on where somebody waits for one; None where none is.
        has_room: whether a caller may have a turn now; where that changes, `give_turns` is to be called.
    """

    def __init__(
        self, most: int, *, patience: float | None = PATIENCE, has_room: Callable[[str], bool] = lambda caller: True
    ) -> None:
        self._most = most
        self._patience = patience
        self._has_room = has_room
        self._waiting: OrderedDict[str, deque[Reception]] = OrderedDict()
        # Both in the order in which they began.
        self._in_turn: dict[Reception, None] = {}
        self._slow: dict[Reception, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def receive(
        self, caller: str, read: Callable[[], Awaitable[MessageT]], *, has_come: Callable[[], bool] = never
    ) -> MessageT:
        """Return what `read` does, which is called when it is the turn of a caller's call.

        Args:
            caller: whose call it is.
            read: receives the message, and decodes it.
            has_come: whether `read` has received all of it.

        Raises:
            ServerOverloaded: too many are slow; that which is for longest, of the caller who has most.
        """
        reception = Reception(caller, read, asyncio.get_running_loop().create_future(), has_come)
        self._waiting.setdefault(caller, deque()).append(reception)
        self.give_turns()
        return cast(MessageT, await reception.message)

    def give_turns(self) -> None:
        """Begin what may begin now, the callers one after the other, and look again when a turn is to be passed on."""
        while len(self._in_turn) < self._most:
            caller = next((each for each in self._waiting if self._has_room(each)), None)
            if caller is None:
                break
            receptions = self._waiting[caller]
            reception = receptions.popleft()
            self._waiting.move_to_end(caller)
            if not receptions:
                del self._waiting[caller]
            if not reception.message.done():  # else the call was given up while it waited
                self._begin(reception)
        if self._patience is not None and self._waiting and self._timer is None:
            oldest = next(iter(self._in_turn))
            at = oldest.began + self._patience
            self._timer = asyncio.get_running_loop().call_at(at, self._pass_on, oldest)

    def _begin(self, reception: Reception) -> None:
        reception.began = asyncio.get_running_loop().time()
        self._in_turn[reception] = None
        reading = asyncio.ensure_future(reception.read())
        reading.add_done_callback(lambda ended: self._end(reception, ended))

    def _end(self, reception: Reception, reading: asyncio.Future[Any]) -> None:
        """Give what was received to its call, if that still waits, and the turn to the next one."""
        self._in_turn.pop(reception, None)
        self._slow.pop(reception, None)
        error = None if reading.cancelled() else reading.exception()
        if not reception.message.done():
            if reading.cancelled():
                reception.message.cancel()
            elif error:
                reception.message.set_exception(error)
            else:
                reception.message.set_result(reading.result())
        self.give_turns()

    def _pass_on(self, reception: Reception) -> None:
        """Count a call among the slow and give its turn to another one, unless it has ended meanwhile."""
        self._timer = None
        if reception in self._in_turn:
            del self._in_turn[reception]
            if reception.has_come() and len(self._slow) >= SLOW_PER_TURN * self._most:
                reception.began = asyncio.get_running_loop().time()
                self._in_turn[reception] = None
            else:
                self._slow[reception] = None
            if len(self._slow) > SLOW_PER_TURN * self._most:
                self._refuse_slowest()
        self.give_turns()

    def _refuse_slowest(self) -> None:
        """Refuse the call that is slow for longest, of the caller who has most of them."""
        coming = [each for each in self._slow if not each.has_come()]
        ((caller, count),) = Counter(each.caller for each in coming).most_common(1)
        slowest = next(each for each in coming if each.caller == caller)
        del self._slow[slowest]  # its message is not awaited any more, and ends with the call
        if not slowest.message.done():
            message = f"the request did not come within {self._patience:g} s, nor did {count - 1} more of this caller"
            error = ServerOverloaded(f"{message}; send fewer at once", cause="memory", retry_after=RETRY_SECONDS)
            slowest.message.set_exception(error)


def as_it_came(message: Any) -> Any:
    """Return a message that is not to be decoded."""
    return message


def decoder(decode: Callable[[bytes], Any], limits: Limits) -> Callable[[Any], Any]:
    """Return what decodes a message where it can be, within limits; gRPC itself would answer INTERNAL to an error.

    What is no bytes it returns as it is: what stands for the end of a call's messages, and a message that was made
    within this process.
    """
    descriptor = decode.__self__.DESCRIPTOR  # type: ignore[attr-defined]  # a method of the message's class

    def decode_within_limits(message: Any) -> Any:
        if not isinstance(message, bytes):
            return message
        try:
            check_bounds(message, descriptor, limits)
            return decode(message)
        except InvalidRequest as error:
            return Refused(error.with_traceback(None))  # which would keep the message
        except (DecodeError, UnicodeDecodeError):
            return Refused(InvalidRequest("request", "is no valid message: strings must be UTF-8"))

    return decode_within_limits


def decoded(message: Any) -> Any:
    """Return a message; raises what it was refused with instead of being decoded."""
    if isinstance(message, Refused):
        raise message.error
    return message
