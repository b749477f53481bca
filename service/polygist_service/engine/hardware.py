"""The hardware: usable cores, devices, and the numbers that they calculate with."""

import os
import platform
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polygist_service.errors import UnsupportedCapability


def count_usable_cores(root: Path = Path("/")) -> int:
    """Return the usable cores, at least 1; a quota of 2.5 CPUs counts as 2.

    Args:
        root: where ``proc`` and ``sys`` are looked up.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = read_cpu_quota(root)
    return max(1, affinity if quota is None else min(affinity, int(quota)))


def read_cpu_quota(root: Path = Path("/")) -> float | None:
    """Return how many CPUs this process may keep busy by its cgroups, None where they do not bound it.

    Args:
        root: where ``proc`` and ``sys`` are looked up.
    """
    quotas = [quota for folder in cgroup_folders(root, "cpu") if (quota := read_quota(folder)) is not None]
    return min(quotas, default=None)


def read_memory(root: Path = Path("/")) -> int | None:
    """Return how many bytes of memory this process can have at most, None where the system does not tell.

    Args:
        root: where ``proc`` and ``sys`` are looked up.
    """
    limits = [read_memory_limit(folder) for folder in cgroup_folders(root, "memory")]
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        limits += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")]
    except (OSError, ValueError):
        pass
    return min((limit for limit in limits if limit is not None), default=None)


def read_free_memory(root: Path = Path("/")) -> int | None:
    """Return how many bytes of memory this process can still have, None where the system does not tell.

    Args:
        root: where ``proc`` and ``sys`` are looked up.
    """
    left = [read_memory_left(folder) for folder in cgroup_folders(root, "memory")]
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        left += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        pass
    return min((each for each in left if each is not None), default=None)


def cgroup_folders(root: Path, controller: str) -> list[Path]:
    """The folders whose limit binds this process: its cgroup and every one above it (version 2, then 1).

    Args:
        root: where ``proc`` and ``sys`` are looked up.
        controller: what is limited, such as ``cpu``.
    """
    base = root / "sys/fs/cgroup"
    folders = [base, base / controller]
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return folders
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = base / controller if controllers else base
        parts = [part for part in path.split("/") if part not in ("", "..")]
        folders += [mount.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    return folders


def read_quota(folder: Path) -> float | None:
    """CPUs granted by one cgroup folder, None where there is no limit."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
    except (OSError, ValueError):
        return None
    return None if quota in ("max", "-1") else float(quota) / float(period)


def read_memory_limit(folder: Path) -> int | None:
    """Bytes granted by one cgroup folder, None where there is no limit."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        try:
            return int((folder / name).read_text())
        except (OSError, ValueError):  # not there, or "max"
            continue
    return None


def read_memory_left(folder: Path) -> int | None:
    """Bytes that one cgroup folder has left of its limit, None where there is no limit.

    Pages of files that nobody has used for a while are given back before anything is refused, and count as left.
    """
    if (limit := read_memory_limit(folder)) is None:
        return None
    name = "memory.current" if (folder / "memory.current").exists() else "memory.usage_in_bytes"
    try:
        used = int((folder / name).read_text())
        facts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        idle = int(facts.get("total_inactive_file", facts.get("inactive_file", 0)))
    except (OSError, ValueError):
        return limit
    return max(0, limit - max(0, used - idle))


# The extensions of a processor by which CTranslate2 and the libraries under it choose kernels, as Linux names them.
X86_EXTENSIONS = (
    "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx_vnni", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_int8", "amx_bf16",
)  # fmt: skip
ARM_EXTENSIONS = ("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2")
# What their users choose kernels by.
KERNEL_VARIABLES = (
    "CT2_USE_MKL", "CT2_USE_EXPERIMENTAL_PACKED_GEMM", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR",
)  # fmt: skip


def find_instruction_set(
    environment: Mapping[str, str] = os.environ, *, machine: str = "", root: Path = Path("/")
) -> str:
    """Return what tells the kernels that calculate on this processor; empty where the system does not say.

    Begins with the set of CTranslate2's own kernels, as its ``cpu_isa.cc`` chooses it. The matrices are multiplied by
    oneDNN, MKL or Ruy, which go by the maker and the extensions of the processor, whatever CTranslate2 is told.

    Args:
        environment: of the process.
        machine: the architecture, as `platform.machine` names it; empty for this one.
        root: where ``proc`` is looked up.
    """
    machine = (machine or platform.machine()).lower()
    is_arm = machine in ("aarch64", "arm64")
    fields = read_processor_fields(root)
    maker = fields.get("CPU implementer" if is_arm else "vendor_id", "")
    flags = set(fields.get("Features" if is_arm else "flags", "").split())
    if not flags:
        return ""
    known = [each for each in (ARM_EXTENSIONS if is_arm else X86_EXTENSIONS) if each in flags]
    own = "NEON" if is_arm else next((each.upper() for each in ("avx2", "avx") if each in known), "GENERIC")
    chosen = [f"{name}={value}" for name in KERNEL_VARIABLES if (value := environment.get(name))]
    kernels = environment.get("CT2_FORCE_CPU_ISA") or own
    return " ".join([kernels, f"({', '.join(filter(None, [maker, ' '.join(known), *chosen]))})"])


def read_processor(root: Path = Path("/")) -> str:
    """Return the model of this machine's processor; empty where the system does not say.

    Args:
        root: where ``proc`` is looked up.
    """
    fields = read_processor_fields(root)
    names = ("model name", "cpu family", "model", "stepping", "CPU part", "CPU variant", "cache size")
    return ", ".join(f"{name} {fields[name]}" for name in names if name in fields)


def read_processor_fields(root: Path) -> Mapping[str, str]:
    """Return what Linux says of the first processor, by its names for that."""
    try:
        lines = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in reversed(lines))}


# What a model runs as where nobody says: the first of these that the device has. Elsewhere it runs as it is stored.
PREFERRED: Mapping[tuple[str, str], Sequence[str]] = {
    ("cuda", "int8"): ("int8_float16", "int8_float32", "int8"),
    ("cuda", "float16"): ("float16", "float32"),
    ("cpu", "float16"): ("float32",),
    ("cpu", "bfloat16"): ("float32",),
}
# CTranslate2's words for a choice of its own; such a model is taken to stay as it is stored.
CHOSEN_BY_CTRANSLATE2 = ("default", "auto")
WEIGHT_BYTES = {"int8": 1, "int16": 2, "float16": 2, "bfloat16": 2, "float32": 4}


@dataclass(frozen=True, slots=True)
class Placement:
    """What CTranslate2 is told of the hardware.

    Attributes:
        device: ``cpu``, ``cuda`` or ``auto``.
        device_index: the devices of that kind; each gets a copy of the model.
        compute_type: as CTranslate2 names it.
    """

    device: str = "cpu"
    device_index: tuple[int, ...] = (0,)
    compute_type: str = "int8"

    def arguments(self) -> Mapping[str, Any]:
        """The keyword arguments of ``ctranslate2.Translator``, ``Encoder`` and ``Generator``."""
        return {"device": self.device, "device_index": list(self.device_index), "compute_type": self.compute_type}

    def __str__(self) -> str:
        return "cpu" if self.device == "cpu" else ",".join(f"{self.device}:{index}" for index in self.device_index)


# CTranslate2 is imported where it is asked, so that cores and memory are told where it does not load.


def count_gpus() -> int:
    """Return how many CUDA devices CTranslate2 finds."""
    import ctranslate2

    return ctranslate2.get_cuda_device_count()


def find_compute_types(device: str, index: int) -> Collection[str]:
    """Return what a device of a kind calculates with, by CTranslate2."""
    import ctranslate2

    return ctranslate2.get_supported_compute_types(device, index)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What CTranslate2 says of this machine.

    Attributes:
        count_gpus: how many CUDA devices there are.
        compute_types: what a device, given by kind and index, calculates with.
    """

    count_gpus: Callable[[], int] = count_gpus
    compute_types: Callable[[str, int], Collection[str]] = find_compute_types


def resolve(
    device: str,
    device_index: tuple[int, ...],
    compute_type: str,
    stored_type: str,
    *,
    runs_as: str = "",
    hardware: Hardware | None = None,
) -> Placement:
    """Decide where a model runs and in which numbers.

    No GPU was at hand when this was written: its tests check what would be passed to CTranslate2, on machines that
    they make up.

    Args:
        device: ``auto`` is ``cuda`` where there is a GPU, else ``cpu``.
        device_index: which devices of that kind.
        compute_type: what the operator asks for; empty leaves it to the model.
        stored_type: of the weights on disk. Where nobody asks for anything, int8 weights run as int8_float16 on a GPU
            that can, and on a CPU as they are.
        runs_as: what the model asks for itself; empty for none.
        hardware: this machine.

    Raises:
        UnsupportedCapability: this machine has no such device, or it does not calculate with such numbers.
    """
    hardware = hardware or Hardware()
    gpus = hardware.count_gpus() if device != "cpu" else 0
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    check_devices(device, device_index, gpus)
    supported = set.intersection(*(set(hardware.compute_types(device, index)) for index in device_index))
    wanted = compute_type or runs_as
    if wanted and wanted not in (*CHOSEN_BY_CTRANSLATE2, *supported):
        raise UnsupportedCapability(
            f"compute type {wanted} is not supported by {Placement(device, device_index)}; "
            f"supported: {', '.join(sorted(supported))}"
        )
    preferred = PREFERRED.get((device, stored_type), ())
    fitting = next((each for each in preferred if each in supported), stored_type)
    return Placement(device, device_index, wanted or fitting)


def estimate_memory(size_bytes: int, *, stored_type: str, placement: Placement) -> int:
    """Bytes that a model of `size_bytes` on disk takes once loaded: more where its numbers become wider."""
    width = WEIGHT_BYTES.get(placement.compute_type.partition("_")[0], 0)
    stored = WEIGHT_BYTES.get(stored_type.partition("_")[0], 4)
    return size_bytes * max(width, stored) // stored * len(placement.device_index)


def check_devices(device: str, device_index: tuple[int, ...], gpus: int) -> None:
    """Raise UnsupportedCapability for devices that this machine has not."""
    if device == "cuda" and not gpus:
        raise UnsupportedCapability("device cuda: CTranslate2 finds no GPU here; say cpu or auto")
    count = gpus if device == "cuda" else 1
    if missing := [index for index in device_index if index >= count]:
        have = ", ".join(map(str, range(count)))
        raise UnsupportedCapability(f"device index {missing[0]} is none of {device}'s; there is: {have}")
