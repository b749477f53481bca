"""``polygist``: the command line of the client."""

from polygist_client.cli.app import main

__all__ = ["main"]
