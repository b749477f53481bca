"""The threads behind the blocking client's calls with any number of items."""

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from polygist_client.batches import Answer, Batch, Batcher, pair, split_failed
from polygist_client.calls import Call
from polygist_client.errors import CallFailed, Cancelled

Answers = list[Answer]


class Pending(Protocol):
    """A call on its way."""

    def result(self) -> Any: ...
    def cancel(self) -> None: ...


class BatchPool:
    """Answers batches, a few at the same time.

    Args:
        start: begins a call.
        make_call: makes the call for a batch; its answer is a message for each item.
        in_flight: how many batches are under way at the same time.
    """

    def __init__(
        self, start: Callable[[Call[Any, Any]], Pending], make_call: Callable[[Batch], Call[Any, Any]], in_flight: int
    ) -> None:
        self._start = start
        self._make_call = make_call
        self._in_flight = in_flight
        self._threads = ThreadPoolExecutor(in_flight, thread_name_prefix="polygist-many")
        self._lock = threading.Lock()
        self._under_way: set[Pending] = set()
        self._is_closed = False

    def run(self, items: Iterable[Any], batcher: Batcher, *, ordered: bool) -> Generator[Answer, None, None]:
        """Yield the answers to `items`; of these no more is read while there are answers that wait to be taken."""
        waiting: list[Future[Answers]] = []
        unread, is_read = iter(items), False
        try:
            while waiting or not is_read:
                candidates = waiting[:1] if ordered else waiting
                if done := next((each for each in candidates if each.done()), None):
                    waiting.remove(done)
                    yield from done.result()
                elif is_read or len(waiting) >= self._in_flight:
                    wait(candidates, return_when=FIRST_COMPLETED)
                else:
                    try:
                        batches = list(batcher.add(next(unread)))
                    except StopIteration:
                        is_read, batches = True, list(batcher.rest())
                    waiting += map(self._submit, batches)
        finally:
            self.close()

    def close(self) -> None:
        """Give up what is under way."""
        with self._lock:
            self._is_closed = True
            for call in self._under_way:
                call.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _submit(self, batch: Batch | Answer) -> "Future[Answers]":
        if isinstance(batch, Answer):
            answered: Future[Answers] = Future()
            answered.set_result([batch])
            return answered
        return self._threads.submit(self._answer, batch)

    def _answer(self, batch: Batch) -> Answers:
        try:
            return pair(batch, self._make(self._make_call(batch)))
        except CallFailed as error:
            left = split_failed(batch, error)
        if isinstance(left, Answer):
            return [left]
        return [answer for each in left for answer in self._answer(each)]

    def _make(self, call: Call[Any, Any]) -> Any:
        with self._lock:
            if self._is_closed:
                raise Cancelled("the caller took no more answers", code="CANCELLED")
            pending = self._start(call)
            self._under_way.add(pending)
        try:
            return call.convert(pending.result())
        finally:
            with self._lock:
                self._under_way.discard(pending)
