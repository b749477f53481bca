"""A share of the cores for a process, as Kubernetes sets it: a quota of its control group (CFS)."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds, of Kubernetes and of the kernel


class NoQuota(Exception):
    """This process may not set quotas; says what to do about it."""


@contextmanager
def on_share(pid: int, cores: float) -> Iterator[None]:
    """Let a process and all its threads have so many cores while the block runs; raises NoQuota where that cannot be.

    Args:
        pid: the process.
        cores: such as 0.4.
    """
    root = GROUPS / "cpu" if (GROUPS / "cpu").is_dir() else GROUPS
    quota = round(cores * PERIOD)
    group = root / f"polygist-{secrets.token_hex(4)}"
    try:
        group.mkdir()
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD}")
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        raise NoQuota(
            f"no quota can be set in {root}: {error}; run it as root, with control groups to write"
        ) from error
    try:
        yield
    finally:
        (root / "cgroup.procs").write_text(str(pid))
        group.rmdir()
