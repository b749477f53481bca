"""All of a benchmark: each model in turn, then environments and the server with one of them."""

import asyncio
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grpc.aio import AioRpcError

from polygist_service.app.benchmark.advice import advise
from polygist_service.app.benchmark.environments import measure_environments
from polygist_service.app.benchmark.figures import Environment, Machine, ModelFigures, Report
from polygist_service.app.benchmark.measurement import ModelBenchmark, Plan, read_busy_seconds
from polygist_service.app.benchmark.service import measure_service
from polygist_service.app.services import place_model
from polygist_service.engine.hardware import count_usable_cores
from polygist_service.engine.residency.loader import open_model
from polygist_service.errors import PolygistError, StoreError
from polygist_service.settings import Settings
from polygist_service.store.description import InstalledModel
from polygist_service.store.store import Store

# What the environments and the server get of the time of all; the models share the rest.
ENVIRONMENTS, SERVICE = 0.12, 0.14
# A size that all translation models take, for environments.
BATCH = 16
# A model counts as so many of its role: a sentence takes an encoder less, and there is less to try.
WEIGHTS = {"translation": 1.0, "summarisation": 1.0, "encoder": 0.5}

# Told what is measured now, and which share of all is done.
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Measures installed models as a server with the same settings would run them.

    Attributes:
        settings: of the server.
        seconds: for all of it; loading and starting come on top.
        progress: told of what is measured.
    """

    settings: Settings
    seconds: float
    progress: Progress

    def run(self, names: Sequence[str] = ()) -> Report:
        """Measure the models of some names, or all.

        Raises:
            StoreError: no model is installed, or none of such a name. UnsupportedCapability: see `hardware.resolve`.
        """
        began, busy = time.monotonic(), read_busy_seconds()
        machine = self._describe_machine()
        chosen, notes = self._choose(names)
        translators = [each for each in chosen if each.description.role == "translation"]
        share = 1.0 - (ENVIRONMENTS + SERVICE if translators else 0.0)
        weights = [WEIGHTS[each.description.role] for each in chosen]
        models = list[ModelFigures]()
        for at, installed in enumerate(chosen):
            seconds = self.seconds * share * weights[at] / sum(weights)
            try:
                models.append(self._measure(installed, seconds, machine, share * sum(weights[:at]) / sum(weights)))
            except (PolygistError, RuntimeError, ValueError) as error:
                notes.append(f"{installed.name}: left out: {error}")
        report = Report(machine, models, notes=notes)
        if translators:
            report = self._measure_around(translators[0], report, share)
        self.progress("", 1.0)
        report = replace(
            report,
            machine=replace(machine, others=find_others_share(busy, time.monotonic() - began)),
            seconds=time.monotonic() - began,
        )
        return replace(report, advice=advise(report))

    def _choose(self, names: Sequence[str]) -> tuple[list[InstalledModel], list[str]]:
        """Return the models to be measured, and what is said of others."""
        store = Store(self.settings.home)
        if names:
            return [store.find(name) for name in dict.fromkeys(names)], []
        inventory = store.look()
        notes = [f"{name}: left out: {why}" for name, why in inventory.damaged.items()]
        if not inventory.models:
            reason = "; ".join(notes) or f"no model is installed in {store.home}"
            raise StoreError(f"{reason}; run: polygist-server models pull starter")
        return list(inventory.models), notes

    def _describe_machine(self) -> Machine:
        cores = count_usable_cores()
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        return Machine(read_processor(), cores, self.settings.slots or cores, load)

    def _measure(self, installed: InstalledModel, seconds: float, machine: Machine, done: float) -> ModelFigures:
        benchmark = ModelBenchmark(
            installed,
            place_model(self.settings, installed),
            Plan(seconds, machine.slots, machine.cores),
            open_model=open_model,
            report=lambda phase: self.progress(f"{installed.name}: {phase}", done),
        )
        return benchmark.run()

    def _measure_around(self, installed: InstalledModel, report: Report, done: float) -> Report:
        """Measure what is around a model: the environment of the process, and the server."""
        placement, notes = place_model(self.settings, installed), [*report.notes]
        model = open_model(installed, slots=report.machine.slots, placement=placement)
        environments, service = list[Environment](), None
        if placement.device == "cpu":
            self.progress(f"{installed.name}: environments", done)
            try:
                environments, failed = measure_environments(
                    self.settings.home,
                    installed.name,
                    placement,
                    slots=report.machine.slots,
                    size=BATCH,
                    seconds=ENVIRONMENTS * self.seconds,
                )
                notes += failed
            except OSError as error:
                notes.append(f"environments: left out: {error}")
        self.progress(f"{installed.name}: through a server", done + ENVIRONMENTS)
        try:
            service = asyncio.run(
                measure_service(
                    installed,
                    model,
                    self._make_flags(installed.name, report.machine.slots),
                    slots=report.machine.slots,
                    seconds=SERVICE * self.seconds,
                )
            )
        except (OSError, AioRpcError) as error:
            notes.append(f"through a server: left out: {error}")
        return replace(
            report, environments=environments, environment_model=installed.name, service=service, notes=notes
        )

    def _make_flags(self, name: str, slots: int) -> list[str]:
        """Return the flags of a server with the same settings, as far as they matter here."""
        settings = self.settings
        flags = {
            "home": settings.home,
            "preload": name,
            "slots": slots,
            "text-threads": settings.text_threads,
            "device": settings.device,
            "device-index": settings.device_index,
            "compute-type": settings.compute_type,
        }
        return [part for flag, value in flags.items() if str(value) for part in (f"--{flag}", str(value))]


def find_others_share(before: tuple[float, float] | None, seconds: float) -> float | None:
    """Return the share of all cores that other processes took.

    Args:
        before: what `read_busy_seconds` said so many seconds ago.
        seconds: since then.
    """
    after, cores = read_busy_seconds(), os.cpu_count()
    if before is None or after is None or not cores:
        return None
    busy, own = (late - early for late, early in zip(after, before, strict=True))
    return max(0.0, busy - own) / seconds / cores


def read_processor(root: Path = Path("/")) -> str:
    """Return what the processor is called.

    Args:
        root: where ``proc`` is looked up.
    """
    try:
        lines = (root / "proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
