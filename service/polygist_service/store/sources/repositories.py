"""Published models: a repository of the Hub, or a folder that looks like one."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from polygist_service.errors import StoreError
from polygist_service.store.sources import hub
from polygist_service.store.sources.wheels import Progress


@dataclass(frozen=True)
class HubRepository:
    """One commit of a repository on the Hub.

    Attributes:
        downloads: where files are kept until the model is installed, so that a broken download goes on.
    """

    snapshot: hub.Snapshot
    downloads: Path

    @classmethod
    def resolve(cls, name: str, revision: str, downloads: Path) -> Self:
        """Ask the Hub for a repository, at the commit that a branch, tag, commit or ``refs/pr/N`` stands for now.

        Args:
            name: ``OWNER/NAME``.
            downloads: the folder of all downloads.

        Raises:
            StoreError: no such repository or revision, no access, or no Hub in reach.
        """
        snapshot = hub.resolve(name, revision)
        return cls(snapshot, downloads / name.replace("/", "--") / snapshot.revision)

    @property
    def files(self) -> Collection[str]:
        """The paths of all its files."""
        return self.snapshot.files

    @property
    def license(self) -> str:
        """The licence that its card names, or nothing."""
        return self.snapshot.license

    def fetch(self, paths: Sequence[str], report: Progress) -> dict[str, Path]:
        """Download files, each checked against what the Hub says of it; returns their places by path."""
        return hub.download(self.snapshot, paths, self.downloads, report=report)

    def identity(self) -> dict[str, str]:
        """What a manifest says of it."""
        return {"kind": "hub", "repository": self.snapshot.repository, "revision": self.snapshot.revision}

    def remove_downloads(self) -> None:
        """Remove what was downloaded."""
        shutil.rmtree(self.downloads, ignore_errors=True)


@dataclass(frozen=True)
class FolderRepository:
    """A folder on this machine; its members are as those of `HubRepository`."""

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


Repository = HubRepository | FolderRepository
