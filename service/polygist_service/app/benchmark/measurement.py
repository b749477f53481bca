"""One model, measured: kinds of work in turn, round after round, so that what disturbs one disturbs all."""

import os
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from polygist_service.app.benchmark.figures import (
    Layout,
    ModelFigures,
    Numbers,
    Rate,
    summarise,
    summarise_latency,
)
from polygist_service.engine.hardware import Hardware, Placement, estimate_memory, read_free_memory
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.base import Model
from polygist_service.engine.speed import (
    Window,
    Work,
    answer_alone,
    make_work,
    measure_latency,
    measure_rate,
    with_one_token,
)
from polygist_service.errors import UnsupportedCapability
from polygist_service.store.description import InstalledModel

KeyT = TypeVar("KeyT", bound=Hashable)

BATCHES = (1, 4, 8, 16, 32, 64)
BATCHES_OF_A_GPU = (*BATCHES, 128, 256, 512)
# The median of so many windows; of fewer where there is little time, or a single batch takes long.
ROUNDS, SHORTEST_WINDOW = 5, 0.25
# What a phase gets of the time of its model.
SHARES = {"alone": 0.13, "batches": 0.35, "slots": 0.17, "layouts": 0.12, "numbers": 0.15, "shortlist": 0.08}
# Numbers worth a try, by device; what the device has not is left out, and int8_float32 is int8 on a CPU.
WORTH_A_TRY: Mapping[str, Sequence[str]] = {
    "cpu": ("int8", "int16", "int8_bfloat16", "bfloat16", "float32"),
    "cuda": ("int8_float16", "int8_float32", "int8_bfloat16", "float16", "bfloat16", "float32"),
}
SAME_ON_A_CPU = {"int8_float32": "int8"}

# Told of the phase that begins.
Report = Callable[[str], None]


class Opening(Protocol):
    """Loads an installed model; as `loader.open_model` does, with the threads of each slot."""

    def __call__(self, installed: InstalledModel, *, slots: int, placement: Placement, threads: int = 1) -> Model: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is measured.

    Attributes:
        seconds: for all of it, loading left out.
        slots: that the server has.
        cores: that this process may use.
    """

    seconds: float
    slots: int
    cores: int


def in_turn(
    kinds: Mapping[KeyT, Callable[[float], Window]], *, seconds: float, clock: Callable[[], float] = time.monotonic
) -> tuple[dict[KeyT, Rate], list[KeyT]]:
    """Measure several kinds of work in turn, some rounds of all; returns the rates, and what there was no time for.

    Args:
        kinds: each runs for about so many seconds, the ones that matter most first.
        seconds: for all of it; where single batches take too long, later rounds and then kinds are left out.
        clock: seconds.
    """
    began = clock()
    rounds = max(1, min(ROUNDS, int(seconds / len(kinds) / SHORTEST_WINDOW)))
    window, found = seconds / len(kinds) / rounds, dict[KeyT, list[Window]]()
    for number in range(rounds):
        for key, run in kinds.items():
            # A window ends with its last batch: the first round may take half as long again, so that all have one.
            passed, granted = clock() - began, seconds - window / 2 if number else 1.5 * seconds
            if found and passed > granted:
                break
            found.setdefault(key, []).append(run(window))
    return {key: summarise(windows) for key, windows in found.items()}, [key for key in kinds if key not in found]


class ModelBenchmark:
    """Measures one model.

    Args:
        installed: the model.
        placement: as the server would load it.
        plan: how.
        open_model: loads models.
        hardware: what it could be loaded as.
        report: told of each phase.
        clock: seconds, by which phases end.
    """

    def __init__(
        self,
        installed: InstalledModel,
        placement: Placement,
        plan: Plan,
        *,
        open_model: Opening,
        hardware: Hardware | None = None,
        report: Report = lambda phase: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._installed = installed
        self._placement = placement
        self._plan = plan
        self._open = open_model
        self._hardware = hardware or Hardware()
        self._report = report
        self._clock = clock
        self._notes: list[str] = []

    def run(self) -> ModelFigures:
        """Measure all of it; raises what loading raises."""
        installed, plan, description = self._installed, self._plan, self._installed.description
        self._report("loading")
        began = time.monotonic()
        most = max(plan.slots, plan.cores)
        model = self._open(installed, slots=most, placement=self._placement)
        load_seconds = time.monotonic() - began
        work = make_work(model, description)
        if not work.is_own:
            self._notes.append("there are no sentences in a language that it reads: made of its golden text")
        size = model.batch_limits(work.options).segments
        self._report("one at a time")
        alone = summarise_latency(measure_latency(model, work, seconds=self._seconds("alone")))
        figures = ModelFigures(
            name=installed.name,
            role=description.role,
            device=str(self._placement),
            compute_type=self._placement.compute_type,
            memory_bytes=self._memory(self._placement),
            language=work.language,
            is_own=work.is_own,
            mean_words=work.mean_words,
            load_seconds=load_seconds,
            alone=alone,
            service_batch=size,
            batches=self._measure_batches(model, work, size),
            slots=self._measure_slots(model, work, size),
            layouts=self._measure_layouts(model, work, size),
            numbers=self._measure_numbers(model, work, size),
            shortlist=self._measure_shortlist(model, work) if description.shortlist else None,
        )
        if description.tokenizer == "chat":
            read, each = self._measure_writing(model, work)
            figures = replace(figures, prompt_seconds=read, token_seconds=each)
        return replace(figures, notes=tuple(self._notes))

    def _seconds(self, phase: str) -> float:
        return SHARES[phase] * self._plan.seconds

    def _memory(self, placement: Placement) -> int:
        stored = self._installed.description.compute_type
        return estimate_memory(self._installed.size_bytes, stored_type=stored, placement=placement)

    def _measure(self, phase: str, kinds: Mapping[KeyT, Callable[[float], Window]]) -> dict[KeyT, Rate]:
        """Measure kinds of work within the time of a phase; note what there was no time for."""
        self._report(phase)
        rates, left = in_turn(kinds, seconds=self._seconds(phase), clock=self._clock)
        if left:
            self._notes.append(f"{phase}: no time for {', '.join(map(str, left))}; give more --seconds")
        return rates

    def _measure_batches(self, model: Model, work: Work, usual: int) -> dict[int, Rate]:
        """Measure batches of all sizes; those of the server first, then the smallest, which take least."""
        if usual == 1:
            self._notes.append("batches: the server puts one text in a batch of this model, as more gain nothing")
        sizes = BATCHES_OF_A_GPU if self._placement.device == "cuda" else BATCHES
        chosen = [1, 2] if usual == 1 else sorted({*sizes, usual}, key=lambda size: (size != usual, size))
        chosen = [size for size in chosen if size <= len(work.texts)]
        slots = self._plan.slots
        kinds = {size: partial(self._rate, model, work, size, slots) for size in chosen}
        return dict(sorted(self._measure("batches", kinds).items()))

    def _measure_slots(self, model: Model, work: Work, size: int) -> dict[int, Rate]:
        cores, now = self._plan.cores, self._plan.slots
        steps = {1 << power for power in range(cores.bit_length()) if 1 << power <= cores}
        chosen = sorted({*steps, cores, now}, key=lambda slots: (slots != now, -slots))
        kinds = {slots: partial(self._rate, model, work, size, slots) for slots in chosen}
        return dict(sorted(self._measure("slots", kinds).items()))

    def _measure_layouts(self, model: Model, work: Work, size: int) -> dict[Layout, Rate]:
        """Measure fewer slots of more threads, against one thread each."""
        cores = self._plan.cores
        usual = Layout(cores, 1)
        kinds = {usual: partial(self._rate, model, work, size, cores)}
        others = [Layout(slots, cores // slots) for slots in sorted({1, cores // 2}) if 1 <= slots < cores]
        if self._placement.device != "cpu" or not others or not self._has_room(self._placement, "layouts"):
            return {}
        for layout in others:
            other = self._open(self._installed, slots=layout.slots, placement=self._placement, threads=layout.threads)
            kinds[layout] = partial(self._rate, other, work, size, layout.slots)
        return self._measure("layouts", kinds)

    def _measure_numbers(self, model: Model, work: Work, size: int) -> dict[str, Numbers]:
        """Measure other numbers than the model's own, one beside the model at a time."""
        own, device, slots = self._placement.compute_type, self._placement.device, self._plan.slots
        types = set.intersection(
            *(set(self._hardware.compute_types(device, index)) for index in self._placement.device_index)
        )
        same = SAME_ON_A_CPU.get(own, own) if device == "cpu" else own
        models = {own: (self._placement, model)}
        for kind in (kind for kind in WORTH_A_TRY[device] if kind in types and kind != same):
            placement = replace(self._placement, compute_type=kind)
            if not self._has_room(placement, f"as {kind}"):
                continue
            try:
                models[kind] = placement, self._open(self._installed, slots=slots, placement=placement)
            except (UnsupportedCapability, ValueError, RuntimeError) as error:
                self._notes.append(f"as {kind}: it does not load: {error}")
        if len(models) == 1:
            return {}
        kinds = {kind: partial(self._rate, each, work, size, slots) for kind, (_, each) in models.items()}
        rates, seconds = self._measure("numbers", kinds), 0.2 * self._seconds("numbers") / len(kinds)
        answers = answer_alone(model, work, seconds=seconds)
        return {
            kind: Numbers(
                rates[kind],
                compare(answers, answer_alone(each, work, seconds=seconds)),
                self._memory(placement),
            )
            for kind, (placement, each) in models.items()
            if kind in rates
        }

    def _measure_shortlist(self, model: Model, work: Work) -> Rate | None:
        assert isinstance(work.options, Decoding)
        short = replace(work, options=replace(work.options, shortlist=True))
        size = model.batch_limits(short.options).segments
        kind = partial(self._rate, model, short, size, self._plan.slots)
        return self._measure("shortlist", {"SPEED": kind}).get("SPEED")

    def _measure_writing(self, model: Model, work: Work) -> tuple[float, float]:
        """Return how long reading takes, and each token after that, of a text that comes alone."""
        self._report("reading")
        assert isinstance(work.options, Decoding)
        seconds, count = self._seconds("shortlist"), work.options.max_output_tokens
        read = summarise_latency(measure_latency(model, with_one_token(work), seconds=seconds / 2, least=2)).median
        whole = summarise_latency(measure_latency(model, work, seconds=seconds / 2, least=2)).median
        return read, max(0.0, whole - read) / (count - 1)

    def _has_room(self, placement: Placement, phase: str) -> bool:
        """Whether a second copy of the model fits; notes it where not."""
        free, needed = read_free_memory(), 2 * self._memory(placement)
        if placement.device == "cpu" and free is not None and free < needed:
            self._notes.append(f"{phase}: left out, as {needed >> 20} MiB are not free")
            return False
        return True

    @staticmethod
    def _rate(model: Model, work: Work, size: int, slots: int, seconds: float) -> Window:
        return measure_rate(model, work, size=size, slots=slots, seconds=seconds)


def compare(answers: Sequence[str], others: Sequence[str]) -> float | None:
    """Return the share of texts that two models answer alike, of those that both have answered; None of none."""
    pairs = list(zip(answers, others, strict=False))
    return sum(one == two for one, two in pairs) / len(pairs) if pairs else None


def read_busy_seconds(root: Path = Path("/")) -> tuple[float, float] | None:
    """Return how long all cores were at work, and this process with its ended children; None where it is not told.

    Args:
        root: where ``proc`` is looked up.
    """
    try:
        times = [int(each) for each in (root / "proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    user, nice, system, _, _, hard, soft, steal = times
    own = os.times()
    return (user + nice + system + hard + soft + steal) / os.sysconf("SC_CLK_TCK"), sum(own[:4])
