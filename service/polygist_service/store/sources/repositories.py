"""Published models: a repository of the Hub, or a folder that looks like one."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from polygist_service.errors import StoreError
from polygist_service.store.sources import hub
from polygist_service.store.sources.wheels import Progress


class Repository(Protocol):
    """The files of a published model."""

    @property
    def files(self) -> Collection[str]:
        """The paths of all its files."""
        ...

    @property
    def license(self) -> str:
        """The licence that its card names, or nothing."""
        ...

    def fetch(self, paths: Sequence[str], report: Progress) -> dict[str, Path]:
        """Get hold of files, checked against what the repository says of them; returns their places by path."""
        ...

    def identity(self) -> dict[str, str]:
        """What a manifest says of it."""
        ...


class HubRepository:
    """One commit of a repository on the Hub.

    Args:
        name: ``OWNER/NAME``.
        revision: a branch, tag, commit or ``refs/pr/N``; what it stands for now is what is fetched.
        downloads: where files are kept until the model is installed, so that a broken download goes on.
    """

    def __init__(self, name: str, revision: str, downloads: Path) -> None:
        self._snapshot = hub.resolve(name, revision)
        self._folder = downloads / name.replace("/", "--") / self._snapshot.revision
        self.files: Collection[str] = self._snapshot.files
        self.license = self._snapshot.license

    def fetch(self, paths: Sequence[str], report: Progress) -> dict[str, Path]:
        return hub.download(self._snapshot, paths, self._folder, report=report)

    def identity(self) -> dict[str, str]:
        return {"kind": "hub", "repository": self._snapshot.repository, "revision": self._snapshot.revision}

    def forget(self) -> None:
        """Remove what was downloaded."""
        shutil.rmtree(self._folder, ignore_errors=True)


@dataclass(frozen=True)
class FolderRepository:
    """A folder on this machine."""

    folder: Path

    @property
    def files(self) -> Collection[str]:
        if not self.folder.is_dir():
            raise StoreError(f"{self.folder} is no folder; give one that holds a published model")
        paths = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return {path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)}

    @property
    def license(self) -> str:
        return ""

    def fetch(self, paths: Sequence[str], report: Progress) -> dict[str, Path]:
        return {path: self.folder / path for path in paths}

    def identity(self) -> dict[str, str]:
        return {"kind": "path", "folder": str(self.folder)}

    def forget(self) -> None:
        """Nothing: the folder is somebody else's."""
