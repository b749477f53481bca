import os

import pytest
from polygist_service.engine.hardware import count_usable_cores


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
