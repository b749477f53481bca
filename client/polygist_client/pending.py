"""Calls of the blocking client on their way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from polygist_client.calls import Call
from polygist_client.connection import Connection, new_request_id
from polygist_client.error_mapping import translate_error
from polygist_client.errors import Cancelled

ReplyT = TypeVar("ReplyT", bound=Message)
AnswerT = TypeVar("AnswerT")


class Pending(Generic[ReplyT, AnswerT]):
    """A call on its way."""

    def __init__(self, call: Call[ReplyT, AnswerT], start: Callable[[str], Any], connection: Connection) -> None:
        self.call = call
        self._start = start
        self._connection = connection
        self._request_id = call.options.get("request_id") or new_request_id()
        with explaining(self.call, self._connection, self._request_id):
            self._future = start(self._request_id)

    def result(self) -> ReplyT:
        """Wait for the reply; raises CallFailed."""
        try:
            return self._wait()
        except Cancelled:
            # Nobody here cancels and waits: the connection was lost under the call, and gRPC does not try that again.
            self._future = self._start(self._request_id)
            return self._wait()

    def cancel(self) -> None:
        """Give the call up."""
        self._future.cancel()

    def _wait(self) -> ReplyT:
        with explaining(self.call, self._connection, self._request_id):
            reply: ReplyT = self._future.result()
        return reply


@contextmanager
def explaining(call: Call[Any, Any], connection: Connection, request_id: str) -> Iterator[None]:
    """gRPC's errors leave the block as ours."""
    try:
        yield
    except grpc.RpcError as error:
        raise translate_error(
            error,  # type: ignore[arg-type]
            target=connection.address,
            timeout=connection.seconds(call),
            request_id=request_id,
            items=call.items,
        ) from error
