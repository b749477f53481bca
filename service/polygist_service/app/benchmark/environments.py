"""A model under other variables of the environment, which CTranslate2 reads once: each in a process of its own.

As a program this is such a process: it loads the model that its order names, then measures as often as it is asked.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from polygist_service.app.benchmark.figures import Environment
from polygist_service.app.benchmark.measurement import in_turn
from polygist_service.engine.hardware import Placement
from polygist_service.engine.residency.loader import open_model
from polygist_service.engine.speed import Window, make_work, measure_rate
from polygist_service.store.store import Store

# What CTranslate2 says of itself, and what that is called here.
SAID = {
    "Selected ISA": "instructions",
    "SGEMM backend": "float32",
    "GEMM_S8 backend": "int8",
}
LAST_SECONDS = 5.0


def read_libraries(log: str) -> dict[str, str]:
    """Return what CTranslate2 calculates with, by what it has logged while it loaded a model."""
    found = re.findall(r"\[info\]\s+(?:- )?([^:\n]+): ([^\n(]+)(?:\(([^)\n]*)\))?", log)
    known = {SAID[name.strip()]: value.strip() for name, value, _ in found if name.strip() in SAID}
    able = next((more for name, _, more in found if name.strip() == "CPU"), "")
    return {**known, "able": ",".join(part.split("=")[0] for part in able.split(", ") if part.endswith("=true"))}


def find_others(libraries: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """Yield variables that let CTranslate2 calculate with something else than now, on the processors that have it.

    Args:
        libraries: those of now, see `read_libraries`.
        environment: what is set already, which is left as it is.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return
    backend = libraries.get("int8", "")
    if "CT2_USE_MKL" not in environment and backend in ("MKL", "DNNL"):
        yield {"CT2_USE_MKL": "0" if backend == "MKL" else "1"}
    is_wider = "AVX512" in libraries.get("able", "") and libraries.get("instructions") != "AVX512"
    if "CT2_FORCE_CPU_ISA" not in environment and is_wider:
        yield {"CT2_FORCE_CPU_ISA": "AVX512"}


class MeasuringProcess:
    """The process of one environment; use it in a ``with`` block of `measuring`."""

    def __init__(self, variables: Mapping[str, str], process: "subprocess.Popen[str]", log: Path) -> None:
        self.variables = variables
        self._process = process
        self._log = log

    @property
    def libraries(self) -> dict[str, str]:
        """What it calculates with, once it has measured something."""
        return read_libraries(self._log.read_text(errors="replace"))

    def measure(self, seconds: float) -> Window:
        """Let it work for about so many seconds; raises OSError where it has ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            last = self._log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise OSError(f"the process has ended: {last}")
        return Window(**json.loads(line))


@contextmanager
def measuring(order: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[MeasuringProcess]:
    """Start a process for an order, with some variables in its environment, and end it with the block."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as opened:
            process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, json.dumps(order)],
                env={**os.environ, "CT2_VERBOSE": "1", **variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=opened,
                text=True,
            )
        try:
            yield MeasuringProcess(variables, process, log)
        finally:
            with suppress(OSError):
                process.communicate(timeout=LAST_SECONDS)
            process.kill()
            process.wait()


def measure_environments(
    home: Path,
    name: str,
    placement: Placement,
    *,
    slots: int,
    size: int,
    seconds: float,
    variables: Sequence[dict[str, str]] = (),
) -> tuple[list[Environment], list[str]]:
    """Measure a model as it is and under other variables, in turn; returns what was found, and what failed.

    Args:
        home: folder of the installed models.
        name: of the model.
        placement: how it is loaded.
        slots, size: how many batches at a time, of how many texts.
        seconds: for all of it.
        variables: that are tried; by default what `find_others` finds.
    """
    order = {"home": str(home), "name": name, "placement": asdict(placement), "slots": slots, "size": size}
    notes = list[str]()
    with ExitStack() as stack:
        now = stack.enter_context(measuring(order, {}))
        now.measure(0.0)
        processes = [now]
        # All are started before the first is waited for.
        others = [stack.enter_context(measuring(order, each)) for each in variables or find_others(now.libraries)]
        for process in others:
            try:
                process.measure(0.0)
            except OSError as error:
                notes.append(f"with {write_variables(process.variables)}: {error}")
            else:
                processes.append(process)
        if len(processes) == 1:
            return [], notes
        kinds = {at: partial(process.measure) for at, process in enumerate(processes)}
        rates, left = in_turn(kinds, seconds=seconds)
        notes += [f"with {write_variables(processes[at].variables)}: no time; give more --seconds" for at in left]
        return [
            Environment(processes[at].variables, processes[at].libraries, rate) for at, rate in rates.items()
        ], notes


def write_variables(variables: Mapping[str, str]) -> str:
    """Write variables as a shell takes them before a command."""
    return " ".join(f"{name}={value}" for name, value in variables.items())


def serve(order: Mapping[str, Any]) -> None:
    """Load the model of an order; then measure for as many seconds as each line of standard input says."""
    installed = Store(Path(order["home"])).find(order["name"])
    placement = Placement(**{**order["placement"], "device_index": tuple(order["placement"]["device_index"])})
    model = open_model(installed, slots=order["slots"], placement=placement)
    work = make_work(model, installed.description)
    for line in sys.stdin:
        window = measure_rate(model, work, size=order["size"], slots=order["slots"], seconds=float(line))
        print(json.dumps(asdict(window)), flush=True)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
