"""An examination of this machine: each part of it tells what it finds, whatever became of the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from polygist_service.app.doctor.findings import Finding, State, write_seconds, write_size
from polygist_service.app.doctor.machine import (
    PROCESS_BYTES,
    MemoryNeed,
    examine_cores,
    examine_memory,
    examine_processor,
)
from polygist_service.app.doctor.ports import examine_address
from polygist_service.app.doctor.trial import Answer, Survey, Trial, find_extras, load, survey, try_services
from polygist_service.engine.hardware import read_free_memory, read_memory
from polygist_service.errors import ModelCrash, PolygistError
from polygist_service.settings import PORTS, Settings, find_unknown, name_home
from polygist_service.store.description import InstalledModel
from polygist_service.store.isolation import BASE_BYTES, BASE_SECONDS, SECONDS_PER_BYTE, Bounds, Isolated

ResultT = TypeVar("ResultT")

PULL = "run: polygist-server models pull"
# What a driver of GPUs takes of this machine's own memory.
GPU_BYTES = 16 << 30
# Longer than that for a sentence, or for an article of 24, is more than people wait for.
SLOW_SENTENCE, SLOW_ARTICLE = 2.0, 10.0
# More models are told by their number.
MOST_NAMED = 6


class Doctor:
    """Finds out whether a server would do its work, as its settings are; changes nothing.

    Args:
        settings: of the server.
        root: where ``proc`` and ``sys`` are looked up.
    """

    def __init__(self, settings: Settings, *, root: Path = Path("/")) -> None:
        self._settings = settings
        self._root = root
        self._values: Mapping[str, Any] = settings.model_dump()
        self._sound: Sequence[InstalledModel] = ()
        self._survey: Survey | None = None
        self._trial: Trial | None = None
        self._said = ""

    def examine(self) -> Iterator[Finding]:
        """Yield what is found, part by part; what keeps a part from being looked at is a finding, too."""
        parts: Mapping[str, Callable[[], Iterator[Finding]]] = {
            "cores": self._examine_cores,
            "settings": self._examine_settings,
            "libraries": self._examine_libraries,
            "models": self._examine_models,
            "memory": self._examine_memory,
            "ports": self._examine_ports,
            "loading": self._examine_loading,
            "processor": self._examine_processor,
            "translation": lambda: self._examine_call("translation", SLOW_SENTENCE),
            "summary": lambda: self._examine_call("summary", SLOW_ARTICLE),
        }
        for name, part in parts.items():
            try:
                yield from map(self._name_home, part())
            except PolygistError as error:
                yield self._name_home(Finding(State.FAULT, name, error.message))
            except Exception as error:
                yield Finding(State.FAULT, name, f"cannot be looked at: {type(error).__name__}: {error}")

    def _name_home(self, finding: Finding) -> Finding:
        return replace(finding, text=name_home(finding.text, self._settings.home))

    def _examine_cores(self) -> Iterator[Finding]:
        yield examine_cores(self._settings, root=self._root)

    def _examine_settings(self) -> Iterator[Finding]:
        for name in find_unknown(os.environ):
            text = f"{name} is the name of no setting; see polygist-server serve --help"
            yield Finding(State.WARNING, "settings", text)
        if (name := self._settings.open_address) and not self._settings.tls_cert:
            text = f"what is sent to {name}={getattr(self._settings, name)} travels unencrypted"
            yield Finding(State.WARNING, "settings", f"{text}; give --tls-cert and --tls-key")

    def _examine_libraries(self) -> Iterator[Finding]:
        """Look whether all that a server imports loads, and whether it can read the files that are named."""
        extras = ",".join(find_extras(self._settings))
        cure = f"install it anew: pip install --force-reinstall 'polygist[{extras}]'"
        try:
            self._survey = found = self._run("the libraries do not load", cure, survey, self._values)
        except ImportError as error:
            yield Finding(State.FAULT, "libraries", f"{error.name or 'a library'} does not load: {error}; {cure}")
            return
        told = ", ".join(f"{name} {version}" for name, version in found.versions.items())
        yield Finding(State.OK, "libraries", told, {"versions": dict(found.versions)})
        yield from (Finding(State.FAULT, "files", reason) for reason in found.refusals)
        yield from (Finding(State.WARNING, "files", warning) for warning in found.warnings)
        yield from (Finding(State.FAULT, "device", f"{name}: {why}") for name, why in found.unable.items())

    def _examine_models(self) -> Iterator[Finding]:
        """Check every file of every model against its manifest."""
        # Imported here, as it takes numpy.
        from polygist_service.store.store import Store

        store, sound = Store(self._settings.home), list[InstalledModel]()
        inventory = store.look()
        yield from (Finding(State.FAULT, "models", f"{name}: {why}") for name, why in inventory.damaged.items())
        for name, what in inventory.strays.items():
            place = store.home / "models" / name
            yield Finding(State.WARNING, "models", f"{place} is no model but {what}; it is left out")
        for model in inventory.models:
            try:
                store.verify(model.name)
                sound.append(model)
            except PolygistError as error:
                yield Finding(State.FAULT, "models", error.message)
        yield from doubt_models(sound, self._settings.compute_type)
        self._sound = sound
        states = {name: "damaged" for name in (*inventory.damaged, *(each.name for each in inventory.models))}
        states |= {model.name: "verified" for model in sound}
        for name in set(self._settings.preloaded or ()) - states.keys():
            yield Finding(State.FAULT, "models", f"preload names {name!r}, which is not installed; {PULL} {name}")
        if not states:
            yield Finding(State.FAULT, "models", f"none is installed in {store.home}; {PULL} starter", {"models": {}})
            return
        size = sum(model.size_bytes for model in sound)
        text = f"{name_models([each.name for each in sound])} verified, {write_size(size)} in {store.home}"
        yield Finding(State.OK, "models", text, {"home": str(store.home), "models": states, "sizeBytes": size})

    def _examine_memory(self) -> Iterator[Finding]:
        yield examine_memory(self._settings, self._need, root=self._root)

    def _examine_ports(self) -> Iterator[Finding]:
        for name in PORTS:
            if address := self._settings.address(name):
                yield examine_address(address, name, root=self._root)

    def _examine_loading(self) -> Iterator[Finding]:
        """Load the models that are loaded at start, and make a call of each kind."""
        if self._survey is None or not self._sound:
            return
        free, needed = read_free_memory(self._root), self._need.at_start + PROCESS_BYTES
        if free is not None and free < needed:
            text = f"no model was tried: they take {write_size(needed)}, {write_size(free)} are free"
            yield Finding(State.WARNING, "loading", text)
            return
        wanted = self._settings.preloaded
        names = [model.name for model in self._sound if wanted is None or model.name in wanted]
        try:
            trial = self._try(names)
        except ModelCrash:
            fatal = yield from self._find_fatal(names)
            trial = self._try([name for name in names if name not in fatal], fatal)
        self._trial = trial
        yield from (Finding(State.FAULT, "loading", f"{name}: {why}") for name, why in trial.failed.items())
        times = ", ".join(f"{name} in {write_seconds(seconds)}" for name, seconds in trial.loaded.items())
        if times:
            figures = {"seconds": {name: round(seconds, 3) for name, seconds in trial.loaded.items()}}
            yield Finding(State.OK, "loading", times, figures)

    def _try(self, names: Sequence[str], fatal: Sequence[str] = ()) -> Trial:
        """Return what `try_services` does; raises ModelCrash where a model ends its process."""
        cure = "load one after the other: --preload NAME, and remove it: polygist-server models rm NAME"
        sound = [model.name for model in self._sound if model.name not in fatal]
        return self._run("a model ends what loads it", cure, try_services, self._values, names, sound)

    def _find_fatal(self, names: Sequence[str]) -> Generator[Finding, None, list[str]]:
        """Load each model in a process of its own; returns those that do not load, or end it."""
        found = list[str]()
        for name in names:
            cure = f"run: polygist-server models rm {name}, and install one that you trust"
            try:
                self._run(f"model {name} is damaged, or made to do harm", cure, load, self._values, name)
            except PolygistError as error:
                yield Finding(State.FAULT, "loading", error.message)
                found.append(name)
        return found

    def _examine_processor(self) -> Iterator[Finding]:
        libraries: Mapping[str, str] = {}
        if self._trial:
            # Imported here, as it takes CTranslate2, which is known to load by now.
            from polygist_service.app.benchmark.environments import read_libraries

            libraries = read_libraries(self._said)
        version = self._survey.versions["ctranslate2"] if self._survey else ""
        yield examine_processor(libraries, version, root=self._root)

    def _examine_call(self, name: str, slow: float) -> Iterator[Finding]:
        """Tell how long a call took, of the name of an attribute of `Trial`."""
        answer: Answer | None = getattr(self._trial, name, None)
        if self._trial is None:
            yield Finding(State.WARNING, name, "not tried, for what is said above")
        elif answer is None:
            yield Finding(State.WARNING, name, f"no model that translates is installed, or loads; {PULL} starter")
        elif answer.reason:
            yield Finding(State.FAULT, name, f"failed: {answer.reason}")
        else:
            text = f"{write_seconds(answer.seconds)} ({answer.what})"
            figures = {"seconds": round(answer.seconds, 4)}
            if answer.seconds > slow:
                text += "; that is slow: stop what else runs here, and see polygist-server bench"
            yield Finding(State.WARNING if answer.seconds > slow else State.OK, name, text, figures)

    @property
    def _need(self) -> MemoryNeed:
        return MemoryNeed.of(self._survey.sizes if self._survey else {}, self._settings)

    def _run(self, task: str, cure: str, function: Callable[..., ResultT], *arguments: object) -> ResultT:
        """Run a function in a process of its own, with as much memory as there is; raises what it does."""
        total = sum(model.size_bytes for model in self._sound)
        memory_bytes = max(read_memory(self._root) or BASE_BYTES, GPU_BYTES)
        isolated = Isolated(task, cure=cure, bounds=Bounds(BASE_SECONDS + total * SECONDS_PER_BYTE, memory_bytes))
        result = isolated.run(function, *arguments)
        self._said = isolated.said
        return result


def doubt_models(models: Sequence[InstalledModel], compute_type: str) -> Iterator[Finding]:
    """Yield why the answers of sound models may be wrong, or worse than they could be.

    Args:
        models: whose files are as they were installed.
        compute_type: that the settings ask for; empty is each its own.
    """
    from polygist_service.store.saturation import describe_saturation, find_int8_limit

    limit = find_int8_limit()
    for model in models:
        if reason := describe_saturation(model, limit, runs_as=compute_type):
            yield Finding(State.WARNING, "models", reason)
    if bare := [model.name for model in models if model.golden is None]:
        cure = "nothing tells whether they are damaged; run: polygist-server models record"
        yield Finding(State.WARNING, "models", f"no golden answers of {name_models(bare)}: {cure}")


def name_models(names: Sequence[str]) -> str:
    """Name models, many of them by their number."""
    return ", ".join(names) if 0 < len(names) <= MOST_NAMED else f"{len(names)} models"
