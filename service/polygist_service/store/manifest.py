"""The manifest of an installed model: what it was made of, by what, and the checksum of every file."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from polygist.files import read_plain
from pydantic import ConfigDict, Field

from polygist_service.errors import StoreError
from polygist_service.store.validation import read_as, show

FILE = "manifest.json"
# What is to be done where a model cannot be imported: one that is installed by its name is none the worse.
GET_ANEW = "export it anew where it is installed, or get the archive again"
FORMAT = 2
# More than any disk holds, and a number that JSON has everywhere.
MOST_BYTES = 2**53
STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class FileRecord:
    """Size and SHA-256 of a file."""

    __pydantic_config__ = STRICT

    size: Annotated[int, Field(ge=0, le=MOST_BYTES)]
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What ``manifest.json`` says.

    Attributes:
        description: what the model is, as `Description.to_json` has it.
        recipe: digest of the source files and settings that the catalogue named.
        source: identity of the place that the files came from.
        source_files: their SHA-256 by the names that the source has for them.
        revision: digest over the names and SHA-256 of `files`.
        files: all files of the folder, but the manifest.
        golden: what the model answered when it was installed, as `GoldenAnswers.to_json` has it; None where nobody
            asked it. No part of the revision, since it depends on the machine.
    """

    name: str
    description: Mapping[str, Any]
    recipe: str
    converter: str
    converter_version: int
    source: Mapping[str, str]
    source_files: Mapping[str, str]
    polygist_version: str
    revision: str
    files: Mapping[str, FileRecord]
    golden: Mapping[str, Any] | None = None

    __pydantic_config__ = STRICT

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(record.size for record in self.files.values())


def compute_sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def expect_sha256(path: Path, expected: str, *, name: str, cure: str) -> None:
    """Raise StoreError, calling the file `name` and offering `cure`, unless its SHA-256 is `expected`."""
    if (found := compute_sha256(path)) != expected:
        raise StoreError(f"{name} has sha256 {found}, the catalogue says {expected}; {cure}")


def record_files(folder: Path) -> dict[str, FileRecord]:
    """Size and SHA-256 of the files in `folder`, by name."""
    return {path.name: FileRecord(path.stat().st_size, compute_sha256(path)) for path in sorted(folder.iterdir())}


def compute_revision(files: Mapping[str, FileRecord]) -> str:
    """Digest over the names and SHA-256 of `files`."""
    parts = [(name, files[name].sha256) for name in sorted(files)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def render_manifest(manifest: Manifest) -> bytes:
    """Return what stands in ``manifest.json``."""
    return f"{json.dumps({'format': FORMAT, **asdict(manifest)}, indent=2, ensure_ascii=False)}\n".encode()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` into `folder`."""
    (folder / FILE).write_bytes(render_manifest(manifest))


def has_manifest(folder: Path) -> bool:
    """Whether there is a manifest in `folder`, whatever it holds."""
    return (folder / FILE).is_file()


def read_manifest(folder: Path, *, came_from: Path | None = None) -> Manifest:
    """Read ``manifest.json`` of a folder.

    Args:
        folder: of an installed model, or of one to be imported.
        came_from: what it is imported from; None where it is installed.

    Raises:
        StoreError: it is missing, damaged or of a newer format.
    """
    place, cure = came_from or folder, GET_ANEW if came_from else remove_and(folder.name)
    try:
        values: Any = json.loads(read_plain(folder / FILE))
        form = values.pop("format", None) if isinstance(values, dict) else None
        if type(form) is int and form != FORMAT:
            reason = f"has a manifest of format {form}, this version reads {FORMAT}"
            raise StoreError(f"{place} {reason}; {cure}")
        if form is None:
            raise ValueError("it has no 'format'")
        if type(form) is not int:
            raise ValueError(f"format is {show(form)}, it must be a whole number")
        return read_as(Manifest, values)
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{place} has no readable {FILE} ({error}); {cure}") from error


def has_all_files(folder: Path, manifest: Manifest) -> bool:
    """Whether all files are there in their sizes: a look, where `verify_files` reads everything."""
    try:
        return all((folder / name).stat().st_size == record.size for name, record in manifest.files.items())
    except OSError:
        return False


def verify_files(folder: Path, manifest: Manifest, *, came_from: Path | None = None) -> None:
    """Check every file of `folder`.

    Args:
        folder, came_from: see `read_manifest`.
        manifest: of the folder.

    Raises:
        StoreError: files are missing, extra, changed or no plain files; names them all.
    """
    if problems := list(find_problems(folder, manifest)):
        # An installed model goes by its folder, whatever its manifest says.
        where = f"{manifest.name} in {came_from}" if came_from else folder.name
        cure = GET_ANEW if came_from else remove_and(folder.name)
        raise StoreError(f"model {where} is damaged: {', '.join(problems)}; {cure}")


def find_problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Say what is wrong with the files of `folder`, a problem at a time."""
    present = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(folder) if entry.name != FILE}
    if compute_revision(manifest.files) != manifest.revision:
        yield f"{FILE} contradicts itself"
    for name in sorted(manifest.files.keys() - present.keys()):
        yield f"{name} is missing"
    for name in sorted(present.keys() - manifest.files.keys()):
        yield f"{name} does not belong to it"
    for name, record in manifest.files.items():
        if name not in present:
            continue
        if not stat.S_ISREG(present[name].st_mode):
            yield f"{name} is no plain file"
        elif present[name].st_size != record.size or compute_sha256(folder / name) != record.sha256:
            yield f"{name} has changed"


def remove_and(name: str) -> str:
    """What is to be done where an installed model is damaged."""
    return f"run: polygist-server models rm {name}{again(name)}"


def again(name: str) -> str:
    """How to install a model anew that is removed before, where it has the name by which it is pulled."""
    return f" && polygist-server models pull {name}"
