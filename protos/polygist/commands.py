"""How the commands begin: whoever presses Ctrl-C while their modules are still loaded sees no traceback either.

Nothing is imported here that takes its time itself.
"""

import os
import signal

INTERRUPTED = 130


class LeavingQuietly:
    """Ends the process at SIGINT while the block runs, with the code that it has later on too; nothing is begun yet."""

    def __enter__(self) -> None:
        self._before = signal.getsignal(signal.SIGINT)
        if self._before is signal.default_int_handler:  # nohup and a shell's & have it ignored
            signal.signal(signal.SIGINT, lambda number, frame: os._exit(INTERRUPTED))

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)


def run_client() -> None:
    """Run ``polygist``; its package loads gRPC, whatever of it is imported."""
    with LeavingQuietly():
        from importlib import import_module

        command = import_module("polygist_client.cli")
    command.main()
