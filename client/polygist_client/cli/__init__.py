"""``polygist``: the command line of the client."""

import os
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    # gRPC's own log would stand between our lines; set the variable to see it.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from polygist_client.cli.app import run

    sys.exit(run(sys.argv[1:]))
