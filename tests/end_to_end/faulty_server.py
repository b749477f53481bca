"""``polygist-server`` with faults, which files in a folder switch on. Run as a script: FOLDER, then the command line.

    hang       every batch runs until the file is gone
    hang-one   the first batch that sees it takes the file away, and runs for ever
    die        every batch ends the thread that runs it
    block      the event loop stands still until the file is gone

A batch that hangs leaves a file ``hangs-THREAD``.
"""

import asyncio
import sys
import threading
import time
from pathlib import Path

import polygist_service
from polygist_service.app import lifecycle, services
from polygist_service.app.server import Server
from polygist_service.engine.residency.loader import open_model


class Faults:
    """The folder.

    Args:
        folder: is made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder

    def switch(self, name: str, *, on: bool = True) -> None:
        """Switch a fault on or off."""
        file = self._folder / name
        file.touch() if on else file.unlink()

    def has(self, name: str) -> bool:
        """Whether a fault is on."""
        return (self._folder / name).exists()

    def take(self, name: str) -> bool:
        """Switch a fault off; returns whether it was on, to one caller only."""
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def hanging(self) -> int:
        """How many slots have hung."""
        return len(list(self._folder.glob("hangs-*")))

    def hang(self, fault: str = "") -> None:
        """Stand still while a fault is on, or for ever."""
        self.switch(f"hangs-{threading.current_thread().name}")
        while not fault or self.has(fault):
            time.sleep(0.02)


class FaultyModel:
    """A model whose batches hang or kill."""

    def __init__(self, model, faults: Faults) -> None:
        self._model = model
        self._faults = faults

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, batch, options, listener=None):
        if self._faults.has("die"):
            raise SystemExit
        if self._faults.take("hang-one"):
            self._faults.hang()
        if self._faults.has("hang"):
            self._faults.hang("hang")
        return self._model.run(batch, options, listener)


def main(faults: Faults) -> None:
    """Run the server."""

    class FaultyServer(Server):
        async def start(self) -> str:
            self.blocking = asyncio.create_task(self.block())
            return await super().start()

        async def block(self) -> None:
            while True:
                await asyncio.sleep(0.02)
                if faults.has("block"):
                    faults.hang("block")

    lifecycle.Server = FaultyServer
    services.open_model = lambda *args, **kwargs: FaultyModel(open_model(*args, **kwargs), faults)
    polygist_service.main()


if __name__ == "__main__":
    main(Faults(Path(sys.argv.pop(1))))
