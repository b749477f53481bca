"""Work of native libraries on the files of others, in a process of its own: whatever they do to it, this one lives on.

That guards against crashes, endless loops and endless memory, and not against who takes the process over: it runs as
the same user, and what it returns is believed.
"""

import math
import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, ParamSpec, Self, TypeVar

from polygist_service.errors import ModelCrash

ParametersT = ParamSpec("ParametersT")
ResultT = TypeVar("ResultT")

# What the process takes before it has opened anything.
BASE_BYTES = 1 << 30
# Bounds on work that would never end. The longest, the attention of NLLB of 600 MB, takes 4 minutes: these leave it 22.
BASE_SECONDS, SECONDS_PER_BYTE = 120.0, 2e-6
# What the process has in its environment, and what it notes in front of the name of a file.
MARK, OPENING = "POLYGIST_ISOLATED", "opening "
# Of what the process has said, so many bytes at the end are read.
LAST_BYTES = 1 << 16
KILLED_FIRST = "1000"


@dataclass(frozen=True)
class Bounds:
    """How much a piece of work may take.

    Attributes:
        seconds: by the clock.
        memory_bytes: of data; the size of a file that it writes is bounded by the same number.
    """

    seconds: float
    memory_bytes: int


class Tail:
    """A pipe that a process may write to without end; what came last is kept. To be used in a ``with`` statement.

    Attributes:
        end: where is written.
    """

    def __init__(self) -> None:
        self._from, self.end = os.pipe()
        self._kept = b""
        self._thread = Thread(target=self._keep)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.read()

    def read(self) -> str:
        """Return what came last, when the process has ended."""
        if self._thread.is_alive():
            os.close(self.end)
            self._thread.join()
        return self._kept.decode(errors="replace")

    def _keep(self) -> None:
        with open(self._from, "rb", buffering=0) as said:
            while read := said.read(LAST_BYTES):
                self._kept = (self._kept + read)[-LAST_BYTES:]


class Isolated:
    """Runs functions in processes of their own.

    Args:
        task: the beginning of an error's message: what they are run for.
        cure: the end of it.
        bounds: of each.

    Attributes:
        said: what the last of them has written to its standard error, or the end of it.
    """

    def __init__(self, task: str, *, cure: str, bounds: Bounds) -> None:
        self.said = ""
        self._task = task
        self._cure = cure
        self._bounds = bounds

    def run(
        self, function: Callable[ParametersT, ResultT], *arguments: ParametersT.args, **options: ParametersT.kwargs
    ) -> ResultT:
        """Run a function of a module with arguments that can be pickled; returns and raises what it does.

        Raises:
            ModelCrash: the process has crashed, or was ended for having used up its bounds; names the file that it was
                opening, see `opening`.
        """
        alive, ours = os.pipe()
        with open(ours, "wb"), open(alive, "rb"), Tail() as said:
            order = pickle.dumps((alive, self._bounds, function, arguments, options))
            try:
                done = subprocess.run(
                    [sys.executable, "-P", "-m", "polygist_service.store.isolation"],
                    input=order, stdout=subprocess.PIPE, stderr=said.end, pass_fds=(alive,),
                    timeout=self._bounds.seconds, start_new_session=True, check=False,
                    env={**os.environ, MARK: "1"},
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise self._fail(f"was ended after {self._bounds.seconds:.0f} s", said.read()) from None
            if done.returncode or not done.stdout:
                raise self._fail(describe_end(done.returncode), said.read())
        self.said = said.read()
        is_result, value = pickle.loads(done.stdout)
        if not is_result:
            raise value
        result: ResultT = value
        return result

    def _fail(self, end: str, said: str) -> ModelCrash:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        opened = [line.removeprefix(OPENING) for line in lines if line.startswith(OPENING)]
        where = f", opening {opened[-1]}," if opened else ""
        words = [line for line in lines if not line.startswith(OPENING)]
        last = f" ({words[-1][:200]})" if words else ""
        return ModelCrash(f"{self._task}: the process that tries it{where} {end}{last}; {self._cure}")


def run_here(
    function: Callable[ParametersT, ResultT], *arguments: ParametersT.args, **options: ParametersT.kwargs
) -> ResultT:
    """Run a function in this process, as `Isolated.run` does in another."""
    return function(*arguments, **options)


def choose_bounds(
    size: int, *, copies: int, base_bytes: int = BASE_BYTES, base_seconds: float = BASE_SECONDS
) -> Bounds:
    """Return the bounds of work on files of `size` bytes, of which it has so many copies in memory at most.

    Args:
        size: of the files.
        copies: see above.
        base_bytes, base_seconds: what the process takes beside them.
    """
    return Bounds(base_seconds + size * SECONDS_PER_BYTE, base_bytes + copies * size)


def opening(path: Path) -> Path:
    """Return a path that is given to a native library next; the process of an `Isolated` notes it for its parent."""
    if MARK in os.environ:
        os.write(2, f"{OPENING}{path.name}\n".encode(errors="replace"))
    return path


def describe_end(code: int) -> str:
    """Return how a process has ended that has given no answer."""
    if code >= 0:
        return f"ended with code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def set_bounds(bounds: Bounds) -> None:
    """Hold this process to its bounds; where memory is short on the whole machine, it is the first to be ended."""
    processors = os.cpu_count() or 1
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(bounds.seconds) * processors,
        resource.RLIMIT_DATA: bounds.memory_bytes,
        resource.RLIMIT_FSIZE: bounds.memory_bytes,
    }
    for limit, most in limits.items():
        with suppress(ValueError, OSError):  # a lower one is set already
            resource.setrlimit(limit, (most, most))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(KILLED_FIRST)


def end_with_parent(alive: int) -> None:
    """End this process when its parent has ended, however that came about."""
    os.read(alive, 1)
    os._exit(1)


def answer(function: Callable[..., object], arguments: Sequence[Any], options: Mapping[str, Any]) -> bytes:
    """Run a function; returns, to be sent, whether it has returned, and what it has returned or raised."""
    try:
        return pickle.dumps((True, function(*arguments, **options)))
    except Exception as error:
        with suppress(Exception):  # of one that is not read as it is written
            written = pickle.dumps((False, error))
            pickle.loads(written)
            return written
        return pickle.dumps((False, RuntimeError(repr(error))))
    except BaseException as error:  # a panic of Rust's
        return pickle.dumps((False, RuntimeError(repr(error))))


def main() -> None:
    """Do the order on standard input; what libraries print goes where errors go."""
    answers = os.dup(1)
    os.dup2(2, 1)
    alive, bounds, function, arguments, options = pickle.load(sys.stdin.buffer)
    Thread(target=end_with_parent, args=(alive,), daemon=True).start()
    set_bounds(bounds)
    with open(answers, "wb", closefd=False) as opened:
        opened.write(answer(function, arguments, options))
    os._exit(0)  # what libraries do when they are unloaded does not matter any more


if __name__ == "__main__":
    main()
