"""Named places in the service where a test lets something go wrong. Run as a script: FOLDER, then a command line.

A place is a comment ``# failpoint: NAME`` in the source, and nothing else: the server as it is installed has no code
there, nor a way to reach any. This script imports the service with a call in place of each comment. A file of that name
in the folder says what happens there, each time or with ``N*`` in front for the first N times:

    error            an OSError
    sleep SECONDS    the thread stands still
    hang             so it does for as long as this is switched on
    die              the thread ends
    kill             the process ends as by SIGKILL
"""

import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

PACKAGE = "polygist_service"
COMMENT = re.compile(r"^( *)# failpoint: (\S+)$", re.MULTILINE)
ENTRY = "_reach_failpoint"
# What runs the server so, before the folder and the command line.
RUN = (sys.executable, "-m", "tests.failpoints")


def find_names(root: Path) -> list[str]:
    """Return the names of all places in the source below a folder."""
    return [name for path in sorted(root.rglob("*.py")) for _, name in COMMENT.findall(path.read_text())]


class Failpoints:
    """The folder in which a test switches them.

    Args:
        folder: is made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder

    def switch(self, name: str, action: str = "") -> None:
        """Let something happen at a place from now on; by default nothing any more."""
        file = self._folder / name
        if action:
            draft = file.with_suffix(".draft")
            draft.write_text(action)
            draft.replace(file)
        else:
            file.unlink(missing_ok=True)

    def count(self, name: str) -> int:
        """How often something has happened at a place."""
        file = self._folder / f"{name}.reached"
        return file.stat().st_size if file.exists() else 0

    def reach(self, name: str) -> None:
        """Do what is switched on at a place."""
        try:
            times, _, action = (self._folder / name).read_text().rpartition("*")
        except FileNotFoundError:
            return
        if times and self.count(name) >= int(times):
            return
        with (self._folder / f"{name}.reached").open("a") as reached:
            reached.write(".")
        match action.split():
            case ["error"]:
                raise OSError(f"failpoint {name}")
            case ["sleep", seconds]:
                time.sleep(float(seconds))
            case ["hang"]:
                while (self._folder / name).exists():
                    time.sleep(0.02)
            case ["die"]:
                raise SystemExit(f"failpoint {name}")
            case ["kill"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case _:
                raise ValueError(f"failpoint {name}: {action!r} is no action")


class Weaver(SourceFileLoader):
    """Compiles a module with a call in place of each comment, on the same line; what is cached has none."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        source, count = COMMENT.subn(rf"\1__import__('builtins').{ENTRY}('\2')", self.get_data(path).decode())
        return compile(source, path, "exec", dont_inherit=True) if count else super().get_code(fullname)


class WeavingFinder(PathFinder):
    """Finds the modules of the service, for the weaver."""

    @classmethod
    def find_spec(cls, fullname: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Weaver(spec.loader.name, spec.loader.path)
        return spec


def main(folder: Path) -> None:
    """Run ``polygist-server`` with what is left of the command line."""
    import builtins

    setattr(builtins, ENTRY, Failpoints(folder).reach)
    sys.meta_path.insert(0, WeavingFinder)
    import polygist_service

    polygist_service.main()


if __name__ == "__main__":
    main(Path(sys.argv.pop(1)))
