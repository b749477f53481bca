"""``polygist``: the command line of the client."""

import os
import signal
import sys
import threading
from types import FrameType

from polygist_client.cli.app import run

TIDYING_SECONDS = 1.0


def main() -> None:
    """Run the command line and leave with its exit code; SIGTERM ends it as tidily as Ctrl-C does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and a shell's & have it
            signal.signal(number, _end)
    sys.exit(run(sys.argv[1:]))


def _end(number: int, frame: FrameType | None) -> None:
    """Unwind, so that half-written files go, and leave all the same where that takes too long.

    A signal that comes while gRPC starts a call can make it wait for ever when the channel is closed.
    """
    ending = threading.Timer(TIDYING_SECONDS, os._exit, [128 + number])
    ending.daemon = True
    ending.start()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
