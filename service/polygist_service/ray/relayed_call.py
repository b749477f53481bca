"""What Ray's proxy is given in place of gRPC's context."""

from collections.abc import Sequence
from typing import Any

import grpc


class RelayedCall:
    """Stands in for gRPC's context where Ray asks for one, and keeps the status that Ray ends the call with.

    Args:
        metadata: what goes to the replica.
        peer: who calls.
        request_id: what the caller and the logs know the call by.
    """

    def __init__(self, metadata: Sequence[tuple[str, str | bytes]] = (), peer: str = "", request_id: str = "") -> None:
        self.request_id = request_id
        self._metadata = metadata
        self._peer = peer
        self._code: grpc.StatusCode | None = None
        self._details = ""

    def invocation_metadata(self) -> Sequence[tuple[str, str | bytes]]:
        """What goes to the replica."""
        return self._metadata

    def peer(self) -> str:
        """Who calls."""
        return self._peer

    def peer_identities(self) -> None:
        """Nothing: calls come without certificates."""

    def peer_identity_key(self) -> None:
        """Nothing, as above."""

    def auth_context(self) -> dict[str, Any]:
        """Nothing, as above."""
        return {}

    def code(self) -> grpc.StatusCode | None:
        """The status; None until there is one."""
        return self._code

    def details(self) -> str:
        """What Ray tells of an error."""
        return self._details

    def trailing_metadata(self) -> Sequence[tuple[str, str]]:
        """Nothing: it stands in the ending."""
        return ()

    def set_code(self, code: grpc.StatusCode) -> None:
        """Keep the status."""
        self._code = code

    def set_details(self, details: str) -> None:
        """Keep what Ray tells of an error."""
        self._details = details

    def set_trailing_metadata(self, trailer: Sequence[tuple[str, str]]) -> None:
        """Leave out Ray's: it is the request id, which the replica's has too."""
