"""How a call ended that failed, as callers are told of it."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2, status_pb2


class CallFailed(Exception):
    """A call has ended with another status than OK.

    Args:
        code: the name of the status, such as ``INVALID_ARGUMENT``.
        status: the status with its details.
        trailer: what gRPC would send with it, the encoded status included.
    """

    def __init__(self, code: str, status: status_pb2.Status, trailer: Sequence[tuple[str, str | bytes]] = ()) -> None:
        super().__init__(f"{code}: {status.message}")
        self.code = code
        self.status = status
        self.trailer = tuple(trailer)

    @property
    def message(self) -> str:
        """What happened, and what to do about it."""
        message: str = self.status.message
        return message

    @property
    def reason(self) -> str:
        """What ``ErrorInfo`` calls this kind of error; empty where it has none."""
        info = error_details_pb2.ErrorInfo()
        return next((str(info.reason) for detail in self.status.details if detail.Unpack(info)), "")

    @property
    def retry_after(self) -> float | None:
        """In how many seconds another call makes sense; None where nobody knows."""
        retry = error_details_pb2.RetryInfo()
        return next(
            (retry.retry_delay.ToMilliseconds() / 1000 for each in self.status.details if each.Unpack(retry)), None
        )

    def details(self) -> list[dict[str, Any]]:
        """Return the details in the JSON mapping, each with its type."""
        return [MessageToDict(detail) for detail in self.status.details]
