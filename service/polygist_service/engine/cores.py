"""How many cores this process may really use: the affinity mask and the cgroup's CPU quota."""

import os
from pathlib import Path


def count_usable_cores(root: Path = Path("/")) -> int:
    """Return the usable cores, at least 1; a quota of 2.5 CPUs counts as 2.

    Args:
        root: where ``proc`` and ``sys`` are looked up.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for folder in _cgroup_folders(root) if (quota := _read_quota(folder)) is not None]
    return max(1, min(affinity, *(int(quota) for quota in quotas)) if quotas else affinity)


def _cgroup_folders(root: Path) -> list[Path]:
    """The folders whose quota binds this process: its cgroup and every one above it (version 2, then 1)."""
    base = root / "sys/fs/cgroup"
    folders = [base, base / "cpu"]
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return folders
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = base / "cpu" if controllers else base
        parts = [part for part in path.split("/") if part not in ("", "..")]
        folders += [mount.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    return folders


def _read_quota(folder: Path) -> float | None:
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
