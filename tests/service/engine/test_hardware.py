"""Usable cores, devices, and the numbers that they calculate with."""

import os

import ctranslate2
import pytest
from polygist_service.engine.hardware import (
    Hardware,
    Placement,
    count_usable_cores,
    estimate_memory,
    read_memory,
    resolve,
)
from polygist_service.errors import UnsupportedCapability

CPU = {"int8", "int8_float32", "float32"}
AMPERE = {"int8", "int8_float16", "int8_float32", "int8_bfloat16", "float16", "bfloat16", "float32"}
OLD = {"int8", "int8_float32", "float32"}


def machine(*gpus: set[str]) -> Hardware:
    """A machine whose GPUs calculate with these types."""
    return Hardware(
        count_gpus=lambda: len(gpus), compute_types=lambda device, index: gpus[index] if device == "cuda" else CPU
    )


@pytest.mark.parametrize(
    ("wanted", "stored", "gpus", "arguments"),
    [
        (("auto", (0,), ""), "int8", [], ("cpu", [0], "int8")),
        (("auto", (0,), ""), "float32", [], ("cpu", [0], "float32")),
        (("auto", (0,), ""), "int8", [AMPERE], ("cuda", [0], "int8_float16")),
        (("cpu", (0,), ""), "int8", [AMPERE], ("cpu", [0], "int8")),
        (("cuda", (0,), ""), "int8", [OLD], ("cuda", [0], "int8_float32")),
        (("cuda", (1,), ""), "float32", [AMPERE, AMPERE], ("cuda", [1], "float32")),
        (("cuda", (0, 1), ""), "int8", [AMPERE, OLD], ("cuda", [0, 1], "int8_float32")),
        (("cuda", (0, 1), "float16"), "int8", [AMPERE, AMPERE], ("cuda", [0, 1], "float16")),
        (("cpu", (0,), ""), "float16", [], ("cpu", [0], "float32")),
        (("cuda", (0,), ""), "float16", [AMPERE], ("cuda", [0], "float16")),
        (("cpu", (0,), "auto"), "int8", [], ("cpu", [0], "auto")),
    ],
)
def test_what_ctranslate2_is_told(wanted, stored, gpus, arguments):
    placement = resolve(*wanted, stored, hardware=machine(*gpus))
    assert placement.arguments() == dict(zip(("device", "device_index", "compute_type"), arguments, strict=True))


def test_what_the_operator_asks_for_goes_over_the_models():
    assert resolve("cpu", (0,), "", "int8", runs_as="float32", hardware=machine()).compute_type == "float32"
    assert resolve("cpu", (0,), "int8", "int8", runs_as="float32", hardware=machine()).compute_type == "int8"


@pytest.mark.parametrize(
    ("wanted", "gpus", "message"),
    [
        (("cuda", (0,), ""), [], "finds no GPU"),
        (("cuda", (2,), ""), [AMPERE, AMPERE], "2 is none of cuda's; there is: 0, 1"),
        (("cpu", (1,), ""), [], "1 is none of cpu's; there is: 0"),
        (("cpu", (0,), "float16"), [], "float16 is not supported by cpu; supported: float32, int8, int8_float32"),
        (("cuda", (0, 1), "float16"), [AMPERE, OLD], "not supported by cuda:0,cuda:1"),
    ],
)
def test_what_this_machine_has_not_is_refused(wanted, gpus, message):
    with pytest.raises(UnsupportedCapability, match=message):
        resolve(*wanted, "int8", hardware=machine(*gpus))


def test_this_machine_runs_int8():
    assert "int8" in ctranslate2.get_supported_compute_types("cpu")
    assert resolve("cpu", (0,), "", "int8") == Placement("cpu", (0,), "int8")


@pytest.mark.parametrize(
    ("stored", "compute_type", "devices", "factor"),
    [
        ("int8", "int8", (0,), 1),
        ("int8", "int8_float16", (0,), 1),
        ("int8", "float16", (0,), 2),
        ("int8", "float32", (0,), 4),
        ("float16", "float32", (0,), 2),
        ("float32", "int8", (0,), 1),  # narrower is not trusted: both are there while it loads
        ("int8", "auto", (0,), 1),
        ("int8", "int8", (0, 1), 2),
    ],
)
def test_memory_grows_with_the_width_of_the_numbers(stored, compute_type, devices, factor):
    placement = Placement("cuda", devices, compute_type)
    assert estimate_memory(1000, stored_type=stored, placement=placement) == factor * 1000


@pytest.fixture
def affinity(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.usefixtures("affinity")
@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)],
)
def test_the_quota_of_cgroup_2_counts(tmp_path, quota, cores):
    write(tmp_path, "proc/self/cgroup", "0::/\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", quota)
    assert count_usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("affinity")
def test_the_tightest_group_above_counts(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/pods/mine\n")
    write(tmp_path, "sys/fs/cgroup/pods/cpu.max", "300000 100000")
    write(tmp_path, "sys/fs/cgroup/pods/mine/cpu.max", "max 100000")
    assert count_usable_cores(tmp_path) == 3


@pytest.mark.usefixtures("affinity")
def test_the_quota_of_cgroup_1_counts(tmp_path):
    write(tmp_path, "proc/self/cgroup", "4:cpu,cpuacct:/job\n3:memory:/\n")
    write(tmp_path, "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "400000")
    write(tmp_path, "sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000")
    assert count_usable_cores(tmp_path) == 4


@pytest.mark.usefixtures("affinity")
def test_without_cgroups_the_affinity_counts(tmp_path):
    assert count_usable_cores(tmp_path) == 8


def test_the_least_limit_of_memory_counts(tmp_path):
    assert read_memory(tmp_path) is None
    write(tmp_path, "proc/meminfo", "MemTotal:        8000 kB\nMemFree:  1 kB\n")
    assert read_memory(tmp_path) == 8_192_000
    write(tmp_path, "proc/self/cgroup", "0::/pods/mine\n")
    write(tmp_path, "sys/fs/cgroup/pods/mine/memory.max", "max\n")
    assert read_memory(tmp_path) == 8_192_000
    write(tmp_path, "sys/fs/cgroup/pods/memory.max", "5000000\n")
    assert read_memory(tmp_path) == 5_000_000


def test_the_memory_of_cgroup_1_counts(tmp_path):
    write(tmp_path, "proc/meminfo", "MemTotal:        8000 kB\n")
    write(tmp_path, "proc/self/cgroup", "4:cpu,cpuacct:/\n3:memory:/job\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{1 << 63}\n")
    write(tmp_path, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "4000000\n")
    assert read_memory(tmp_path) == 4_000_000
