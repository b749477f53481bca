"""``polygist-server``: serve, and the models that it serves."""

import os
import sys

from polygist_service.cli.app import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # gRPC's own threads can hang a normal exit; everything of ours has ended by now.
    os._exit(code)
