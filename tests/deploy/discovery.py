"""How a client finds a replica that is added to a name. Run as a script, in a mount namespace of its own: FOLDER HOME.

A headless Service is a name with the addresses of all pods; here the file of hosts is, in place of which this process
alone has another.
"""

import subprocess
import sys
import time
from pathlib import Path

from polygist_client import Client

from tests.end_to_end.server import ServerProcess, find_free_port

NAME = "replicas.test"
FIRST, SECOND = "127.41.0.2", "127.41.0.3"
LOCALHOST = "127.0.0.1 localhost\n"


def main(folder: Path, home: Path) -> None:
    """Print how long it took until the second replica was called, and how many calls were made, all answered."""
    hosts, port = folder / "hosts", find_free_port()
    hosts.write_text(f"{LOCALHOST}{FIRST} {NAME}\n")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    flags = ("--insecure", "--connection-age", "5")
    with (
        ServerProcess(home, folder / "first", *flags, address=f"{FIRST}:{port}") as first,
        ServerProcess(home, folder / "second", *flags, address=f"{SECOND}:{port}") as second,
        Client(f"{NAME}:{port}") as client,
    ):
        first.wait_until_serving()
        second.wait_until_serving()
        client.translate("Der alte Markt.", to="en", source="de")
        with hosts.open("w") as file:
            file.write(f"{LOCALHOST}{FIRST} {NAME}\n{SECOND} {NAME}\n")
        calls, began = 0, time.monotonic()
        while not second.events("call"):
            client.translate("Der alte Markt.", to="en", source="de")
            calls += 1
            time.sleep(0.1)
        print(f"{time.monotonic() - began:.1f} {calls}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
