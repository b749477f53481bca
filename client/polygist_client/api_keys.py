"""Who sees the API key of a client: whether the server looks at it, which says so behind its answers, and who else."""

import sys
import warnings
from collections.abc import Iterable
from typing import Any

from polygist_client.connection import Connection
from polygist_client.errors import ApiKeyExposed, ApiKeyIgnored

API_KEY = "x-api-key"
IGNORED = "ignored"
PACKAGE = __name__.partition(".")[0]


class ApiKeyCheck:
    """Warns, once each, where others may read the API key of a client, and where the server does not look at it.

    Args:
        connection: of the client, which has not sent anything yet.

    Attributes:
        is_open: whether there is anything left to find out.
    """

    def __init__(self, connection: Connection) -> None:
        self.is_open = connection.has_api_key
        self._address = connection.address.text
        if connection.exposes_api_key:
            warnings.warn(
                f"the API key goes to {self._address} without TLS, and whoever reads along can use it; give tls or ca,"
                " or say that you trust the network in between: trust_network",
                ApiKeyExposed,
                stacklevel=depth_of_caller(),
            )

    def read(self, trailer: Iterable[Any] | None) -> None:
        """Take what stood behind an answer."""
        if not self.is_open or (API_KEY, IGNORED) not in [tuple(each) for each in trailer or ()]:
            return
        self.is_open = False
        warnings.warn(
            f"the server at {self._address} asks for no API key and did not look at the one given; leave it out, unless"
            " something before that server checks it",
            ApiKeyIgnored,
            stacklevel=depth_of_caller(),
        )


def depth_of_caller() -> int:
    """Return how many calls above the caller of this function the first line of somebody else's code is."""
    depth, frame = 0, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == PACKAGE:
        depth, frame = depth + 1, frame.f_back
    return depth + 1
