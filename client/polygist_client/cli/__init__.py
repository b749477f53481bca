"""``polygist``: the command line of the client."""

import signal
import sys
from types import FrameType

from polygist_client.cli.app import run


def main() -> None:
    """Run the command line and leave with its exit code; SIGTERM ends it as tidily as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:]))


def _terminate(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
