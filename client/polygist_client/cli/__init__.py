"""``polygist``: the command line of the client."""

import sys

from polygist_client.cli.app import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))
