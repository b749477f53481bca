"""A program that pulls from the Hub: ``huggingface_hub`` reads the environment once, so each pull is a process.

Prints JSON lines: the snapshot, the progress, the places of the files, the error, and what was touched.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from polygist_service.errors import StoreError
from polygist_service.store.sources import hub


def say(kind: str, *values: object) -> None:
    print(json.dumps([kind, *values]), flush=True)


def note_connections(connections: set[str]) -> None:
    def hook(event: str, arguments: tuple) -> None:
        if event == "socket.connect":
            connections.add(str(arguments[1][0]))
        elif event == "socket.getaddrinfo":
            connections.add(str(arguments[0]))

    sys.addaudithook(hook)


def main(repository: str, revision: str, folder: str, *paths: str) -> None:
    say("imported", any(name in sys.modules for name in ("huggingface_hub", "httpx2")))
    connections: set[str] = set()
    note_connections(connections)
    try:
        snapshot = hub.resolve(repository, revision)
        say("snapshot", asdict(snapshot))
        sys.stdin.readline()
        places = hub.download(snapshot, paths, Path(folder), report=lambda *report: say("report", *report))
        say("places", {path: str(place) for path, place in places.items()})
    except StoreError as error:
        say("error", str(error))
    say("connections", sorted(connections))


main(*sys.argv[1:])
