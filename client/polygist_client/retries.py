"""Whether a call that failed is made again, and when: decisions on a clock that is given, the same for both clients.

gRPC's own retries stay: they move a call to another replica within milliseconds, as any client's do. They cannot ride
out a restart, since gRPC stops trying again where many calls fail at the same time.
"""

import random
from collections.abc import Callable
from typing import Any

from polygist_client.calls import Call
from polygist_client.connection import Connection
from polygist_client.errors import CallFailed, Cancelled, Unavailable
from polygist_client.tracing import begin_span

FIRST_DELAY = 0.1
LONGEST_DELAY = 1.0
# A server that is there says why it is unavailable; this is the one reason for which it will be there no longer.
DRAINING = "SERVER_DRAINING"
# What a server says that is there and will take the call in a moment.
OVERLOADED = "SERVER_OVERLOADED"
BUSY = ("MODEL_LOADING", OVERLOADED)
# Callers that were refused together do not come back together: up to so much later than they were told.
SPREAD = 0.5


class Retries:
    """What the calls of one client share: which of its channels have had an answer.

    An address where nothing has answered yet may be a wrong one, and fails at once.

    Args:
        connection: says how long a call may take, and how long it may wait for a server.
        jitter: gives numbers from 0 to 1.
    """

    def __init__(self, connection: Connection, *, jitter: Callable[[], float] = random.random) -> None:
        self.connection = connection
        self.jitter = jitter
        self.answered: set[bool] = set()

    def begin(self, call: Call[Any, Any], now: float, *, is_patient: bool = False) -> "Attempts":
        """Start the attempts at `call`, and with them its deadline.

        Args:
            call: what is attempted.
            now: the time.
            is_patient: whether a server that is busy is asked again until then; one of many calls is, while a single
                one fails so that its caller may do something else, after the few attempts that gRPC makes when the
                server has said.
        """
        return Attempts(call, self, now, is_patient=is_patient)


class Attempts:
    """The attempts at one call.

    Attributes:
        connection: of the client.
        request_id: the same for all of them.
        span: of all of them together, to be ended; None where the program is not traced.
    """

    def __init__(self, call: Call[Any, Any], retries: Retries, now: float, *, is_patient: bool = False) -> None:
        self.connection = retries.connection
        self.request_id = call.request_id()
        self.span = begin_span(call, self.request_id)
        self._call = call
        self._retries = retries
        self._deadline = now + retries.connection.seconds(call)
        self._give_up: float | None = None
        self._backoff = FIRST_DELAY
        self._was_cancelled = False
        self._is_patient = is_patient

    def keywords(self, now: float) -> dict[str, Any]:
        """Return what gRPC is given with the next attempt, which has the time that is left."""
        headers = self.span.headers if self.span else ()
        return self.connection.keywords(self._call, self.request_id, timeout=self._deadline - now, headers=headers)

    def succeed(self) -> None:
        """Note that an answer came."""
        self._retries.answered.add(self._call.needs_healthy_server)

    def progress(self) -> None:
        """Note that a part of the answer came: what goes wrong after it is another outage."""
        self.succeed()
        self._give_up, self._backoff, self._was_cancelled = None, FIRST_DELAY, False

    def delay_after(self, error: CallFailed, now: float) -> float:
        """Return how many seconds to wait before the next attempt; raises `error` where there is none."""
        if self._give_up is None:
            self._give_up = now + self.connection.reconnect_timeout
        left = self._seconds_left(error, now)
        delay = min(self._backoff * (1 + self._retries.jitter()) / 2, left)
        if error.reason == OVERLOADED and error.retry_after is not None:
            delay = max(delay, error.retry_after * (1 + SPREAD * self._retries.jitter()))
        self._backoff = min(2 * self._backoff, LONGEST_DELAY)
        if left <= 0 or now + delay >= self._deadline:
            raise error
        if self.span:
            self.span.repeat(error, delay)
        return delay

    def _seconds_left(self, error: CallFailed, now: float) -> float:
        """Return how long there may be another attempt after `error`; 0 is not at all."""
        if not self._call.is_repeatable or self._give_up is None:
            return 0.0
        if isinstance(error, Cancelled):
            # Not by the caller, who would not get here: the way to the server did, as a stopping server does to calls
            # that it has not looked at. gRPC does not try that again.
            again, self._was_cancelled = not self._was_cancelled, True
            return self._deadline - now if again else 0.0
        if error.reason == OVERLOADED and error.retry_after is None:
            return 0.0  # it would take longer than there is time, however little else there is to do
        if self._is_patient and error.reason in BUSY:
            return self._deadline - now
        is_gone = isinstance(error, Unavailable) and error.reason in ("", DRAINING)
        was_there = self._call.needs_healthy_server in self._retries.answered
        return self._give_up - now if is_gone and was_there else 0.0
