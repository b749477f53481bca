"""The threads behind the blocking client's calls with any number of items."""

import atexit
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import Any, Protocol

from polygist_client.batches import Batch, Batcher, pair, split_failed
from polygist_client.bulk import Bulk
from polygist_client.calls import Call, batch_item
from polygist_client.errors import CallFailed, Cancelled
from polygist_client.items import Answer, ItemReader

Answers = list[Answer]
# A stream whose items are all answered is left to end by itself, so that the server does not take it for one given up.
GOODBYE_SECONDS = 1.0


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
        ending: Exception | None = None
        try:
            while waiting or not is_read:
                candidates = waiting[:1] if ordered else waiting
                if done := min(filter(Future.done, candidates), key=has_failed, default=None):
                    waiting.remove(done)
                    yield from done.result()
                elif is_read or len(waiting) >= self._in_flight:
                    wait(candidates, return_when=FIRST_COMPLETED)
                else:
                    try:
                        batches = list(batcher.add(next(unread)))
                    except Exception as error:  # of the caller's own iterable: the answers to what was read come first
                        ending = None if isinstance(error, StopIteration) else error
                        is_read, batches = True, list(batcher.rest())
                    waiting += map(self._submit, batches)
            if ending is not None:
                raise ending
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
        # With what the caller's thread knows, such as which trace it is in.
        return self._threads.submit(copy_context().run, self._answer, batch)

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


def has_failed(done: Any) -> bool:
    """Whether a future or task that is done failed: what did not is taken first, since a failure ends all."""
    return done.cancelled() or done.exception() is not None


class BulkThread:
    """Answers items over one stream after the other, which live on a thread of their own.

    The caller's thread reads the items and takes the answers, so that a generator or a cursor stays where it was made.
    Sending and receiving wait for neither, but an answer waits for an item that is being read.

    Args:
        bulk: decides what is sent and yielded.
        config: the first message of each stream.
        open_stream: opens one that sends what an iterator yields; returns an iterator over replies that has `cancel`.
        own_errors: makes the exceptions of gRPC those of this client.
    """

    def __init__(
        self,
        bulk: Bulk,
        config: Any,
        open_stream: Callable[[Iterator[Any]], Any],
        own_errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._bulk = bulk
        self._config = config
        self._open_stream = open_stream
        self._own_errors = own_errors
        lock = threading.Lock()
        # For the caller's thread, which waits for answers, and for those that send and open streams.
        self._answered = threading.Condition(lock)
        self._sendable = threading.Condition(lock)
        self._stream: Any = None
        self._is_closed = False

    def run(self, items: Iterable[Any], reader: ItemReader) -> Generator[Answer, None, None]:
        """Yield the answers to `items`; of these no more is read while there are answers that wait to be taken."""
        unread = iter(items)
        thread = threading.Thread(target=self._work, name="polygist-bulk", daemon=True)
        thread.start()
        # What nobody closed is closed before daemons stand still: one of them may have a lock that closing takes.
        atexit.register(self.close)
        try:
            while True:
                answers, wants_item = self._wait()
                yield from answers
                if wants_item:
                    self._read(unread, reader)
                elif not answers:
                    return thread.join(GOODBYE_SECONDS)
        finally:
            atexit.unregister(self.close)
            self.close()

    def close(self) -> None:
        """Give up what is under way."""
        if sys.is_finalizing():
            return
        with self._answered:
            self._is_closed = True
            self._sendable.notify_all()
            if self._stream is not None:
                self._stream.cancel()

    def _wait(self) -> tuple[list[Answer], bool]:
        """Wait for answers, or until another item is to be read; neither is the end."""
        with self._answered:
            while True:
                if answers := self._bulk.take():
                    if self._bulk.is_done:
                        self._sendable.notify_all()
                    return answers, False
                now = time.monotonic()
                self._bulk.check(now)
                if self._bulk.wants_item or self._bulk.is_done:
                    return [], self._bulk.wants_item
                self._answered.wait(self._bulk.seconds_to_wait(now))

    def _read(self, unread: Iterator[Any], reader: ItemReader) -> None:
        try:
            given = next(unread)
        except Exception as error:  # of the caller's own iterable: the answers to what was read come first
            with self._answered:
                self._bulk.end_items(None if isinstance(error, StopIteration) else error)
                self._sendable.notify_all()
            return
        item = reader.read(given)
        with self._answered:
            if isinstance(item, Answer):
                self._bulk.add_failed(item)
            else:
                self._bulk.add(item, time.monotonic())
                self._sendable.notify_all()

    def _work(self) -> None:
        """Open one stream after the other for as long as there is something to send."""
        try:
            while self._wait_until_due():
                self._run_stream()
        except BaseException as error:  # of the caller's own, such as a client that was closed
            with self._answered:
                self._bulk.fail(error)
                self._answered.notify_all()
                self._sendable.notify_all()

    def _wait_until_due(self) -> bool:
        """Wait until a stream is to be opened; False where none will be."""
        with self._answered:
            while not self._is_closed and not self._bulk.is_done:
                now = time.monotonic()
                if self._bulk.should_open(now):
                    return True
                self._sendable.wait(self._bulk.seconds_to_wait(now))
        return False

    def _run_stream(self) -> None:
        is_over = threading.Event()
        failure: CallFailed | None = None
        try:
            with self._own_errors():
                with self._answered:
                    self._bulk.begin_stream(time.monotonic())
                    self._answered.notify()  # from now on, waiting has an end
                    self._stream = self._open_stream(self._send(is_over))
                    if self._is_closed:
                        self._stream.cancel()
                for reply in self._stream:
                    with self._answered:
                        self._bulk.receive(reply, time.monotonic())
                        self._answered.notify()
                        if self._bulk.may_send:
                            self._sendable.notify_all()
        except CallFailed as error:
            failure = error
        finally:
            with self._answered:
                is_over.set()
                self._stream = None
        with self._answered:
            self._bulk.end_stream(failure, time.monotonic())
            self._answered.notify()
            self._sendable.notify_all()

    def _send(self, is_over: threading.Event) -> Iterator[Any]:
        """Yield the messages of one stream, as gRPC has room for them; on a thread of gRPC's."""
        yield self._config
        while True:
            with self._answered:
                while True:
                    # An item that is taken after the end of its stream would be in flight on the next one, unsent.
                    if is_over.is_set() or self._is_closed:
                        return
                    now = time.monotonic()
                    if item := self._bulk.next_to_send(now):
                        break
                    if self._bulk.is_stream_complete(now):
                        return
                    self._sendable.wait(self._bulk.seconds_to_wait(now))
            yield batch_item(item)
