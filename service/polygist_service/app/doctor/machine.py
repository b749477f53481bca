"""What the machine gives: cores, memory, and what the processor calculates with. Loads no native library."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from polygist_service.app.doctor.findings import Finding, State, write_size
from polygist_service.engine.hardware import (
    count_usable_cores,
    find_instruction_set,
    read_cpu_quota,
    read_free_memory,
    read_memory,
    read_processor_fields,
)
from polygist_service.settings import Settings

# What a server takes before it has loaded a model, and for the texts in work beside what its models take.
PROCESS_BYTES = 300_000_000
# The sets of CTranslate2's own kernels for x86 that translate several times slower than the others.
SLOW_KERNELS = ("GENERIC", "AVX")


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """How much the models of a server take, in bytes.

    Attributes:
        at_start: those that are loaded at start.
        at_most: all that may be in memory at the same time.
    """

    at_start: int = 0
    at_most: int = 0

    @classmethod
    def of(cls, sizes: Mapping[str, int], settings: Settings) -> "MemoryNeed":
        """Return it for models of some sizes, by name: those beyond the cap are never loaded."""
        cap = int(settings.memory_cap)
        fitting = {name: size for name, size in sizes.items() if not cap or size <= cap}
        names = fitting if settings.preloaded is None else settings.preloaded
        totals = sum(fitting.get(name, 0) for name in names), sum(fitting.values())
        return cls(*(min(total, cap) if cap else total for total in totals))


def examine_cores(settings: Settings, *, root: Path = Path("/")) -> Finding:
    """Tell how many cores there are for how many slots.

    Args:
        settings: of the server.
        root: where ``proc`` and ``sys`` are looked up.
    """
    usable, quota = count_usable_cores(root), read_cpu_quota(root)
    slots = settings.slots or usable
    figures = {"cores": os.cpu_count(), "usable": usable, "quota": quota, "slots": slots}
    bound = "" if quota is None else f", by a quota of {quota:g} CPUs"
    text = f"{usable} of {os.cpu_count()} usable{bound}; {slots} slots, {settings.text_threads} text threads"
    if quota is not None and quota < 1:
        text += "; less than one core makes every call wait for its next share: give a quota of 1 or more"
    elif slots > usable:
        text += f"; {slots} slots fight for {usable} cores: leave out --slots"
    elif quota is not None and quota != int(quota) and usable == int(quota):
        text += f"; what is above {usable} is left to texts: a whole number of CPUs serves best"
    else:
        return Finding(State.OK, "cores", text, figures)
    return Finding(State.WARNING, "cores", text, figures)


def examine_memory(settings: Settings, need: MemoryNeed, *, root: Path = Path("/")) -> Finding:
    """Hold the memory that there is against what a server needs.

    Args:
        settings: of the server.
        need: of its models.
        root: where ``proc`` and ``sys`` are looked up.
    """
    limit, free = read_memory(root), read_free_memory(root)
    beside = PROCESS_BYTES + int(settings.sentence_cache)
    at_start, at_most = need.at_start + beside, need.at_most + beside
    figures = {"limitBytes": limit, "freeBytes": free, "startBytes": at_start, "mostBytes": at_most}
    if limit is None or free is None:
        text = f"the system does not tell how much there is; the server needs about {write_size(at_start)}"
        return Finding(State.OK, "memory", text, figures)
    there = f"{write_size(limit)}, {write_size(free)} of it free"
    state, text = State.WARNING, f"{there}; the server needs about {write_size(at_start)}"
    if at_start > limit:
        state, text = State.FAULT, f"{text}: give more, or have less loaded: --preload NAMES, --memory-cap SIZE"
    elif int(settings.memory_cap) > limit:
        text += f", and --memory-cap {write_size(settings.memory_cap)} is more than there is: give less"
    elif at_most > limit:
        text += f", {write_size(at_most)} once all models are in use: give --memory-cap {write_cap(limit - beside)}"
    elif at_start > free:
        text += ": not now; stop what takes the rest, unless that is the server itself"
    else:
        state = State.OK
    return Finding(state, "memory", text, figures)


def write_cap(size: int) -> str:
    """A size as settings take it, such as 1500MB, a little less than what is given."""
    return f"{max(1, int(0.9 * size / 1e8))}00MB"


def examine_processor(libraries: Mapping[str, str], version: str, *, root: Path = Path("/")) -> Finding:
    """Tell what the processor calculates with.

    Args:
        libraries: what CTranslate2 has said, see `benchmark.environments.read_libraries`; empty where no model was run.
        version: of CTranslate2; empty where that is not known.
        root: where ``proc`` is looked up.
    """
    instructions = find_instruction_set(root=root)
    kernels = libraries.get("instructions") or instructions.partition(" ")[0]
    processor = read_processor_fields(root).get("model name") or platform.processor() or platform.machine()
    backends = {name: libraries[name] for name in ("int8", "float32") if name in libraries}
    told = ", ".join(f"{name} by {backend}" for name, backend in backends.items()) or "the backend is told with a model"
    text = f"{processor}: {kernels or 'unknown'} kernels, {told}" + (f"; CTranslate2 {version}" if version else "")
    figures = {
        "processor": processor,
        "instructionSet": instructions,
        "kernels": kernels,
        "backends": backends,
        "ctranslate2": version,
    }
    if kernels in SLOW_KERNELS:
        text += "; without AVX2 it is several times slower: take a processor that has it, or unset CT2_FORCE_CPU_ISA"
        return Finding(State.WARNING, "processor", text, figures)
    return Finding(State.OK, "processor", text, figures)
