"""The store: which models are installed, and how they get there."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from polygist import __version__

from polygist_service.errors import StoreError
from polygist_service.store.catalogue import Catalogue, CatalogueEntry, read_catalogue
from polygist_service.store.converters import CONVERTERS
from polygist_service.store.folders import Folders, clear_disk_errors
from polygist_service.store.manifest import (
    Manifest,
    compute_revision,
    has_all_files,
    read_manifest,
    record_files,
    verify_files,
    write_manifest,
)
from polygist_service.store.sources import FolderSource, Progress, Source, fetch_files


@dataclass(frozen=True)
class InstalledModel:
    """A model on this machine; `revision` is the digest over the checksums of its files."""

    name: str
    entry: CatalogueEntry
    folder: Path
    revision: str
    size_bytes: int


class Outcome(Enum):
    """What a pull did for a model."""

    INSTALLED = "installed"
    RENEWED = "renewed"
    CURRENT = "already installed"


@dataclass(frozen=True)
class Pulled:
    """A model that is installed now, and what that took; `str` is a line about it."""

    model: InstalledModel
    outcome: Outcome

    def __str__(self) -> str:
        model = self.model
        size = f"{model.size_bytes / 1e6:.1f} MB"
        return f"{model.name}: {self.outcome.value}, {size}, revision {model.revision[:12]}, {model.entry.license}"


def report_nothing(phase: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


class Store:
    """The models installed below `home`.

    Args:
        home: the folder; it is made by the first pull.
        catalogue: what can be installed; by default polygist's own with ``home/catalogue.toml``, if any, over it.
    """

    def __init__(self, home: Path, catalogue: Catalogue | None = None) -> None:
        overlay = home / "catalogue.toml"
        self.home = home
        self.catalogue = catalogue or read_catalogue(*([overlay] if overlay.exists() else []))
        self._folders = Folders(home)

    def installed(self) -> tuple[InstalledModel, ...]:
        """All installed models, sorted by name; reads their manifests, not their files.

        Raises:
            StoreError: a manifest is damaged, or the catalogue does not know a model.
        """
        with clear_disk_errors(self.home):
            return tuple(self.find(name) for name in self._folders.names())

    def find(self, name: str) -> InstalledModel:
        """One installed model; raises StoreError where it is not installed, damaged or not in the catalogue."""
        manifest = self._read_manifest(name)
        if (entry := self.catalogue.models.get(name)) is None:
            raise StoreError(
                f"{name} is installed in {self.home}, but no catalogue describes it: add it to "
                f"{self.home / 'catalogue.toml'}, or run: polygist-server models rm {name}"
            )
        return InstalledModel(name, entry, self._folders.model(name), manifest.revision, manifest.size_bytes)

    def verify(self, name: str) -> None:
        """Check every file of an installed model against its manifest; raises StoreError, naming what is wrong."""
        with clear_disk_errors(self.home):
            verify_files(self._folders.model(name), self._read_manifest(name))

    def remove(self, name: str) -> None:
        """Remove an installed model, damaged or not; raises StoreError where there is none."""
        self._expect_installed(name)
        with clear_disk_errors(self.home), self._folders.open_workspace(lambda: None):
            self._folders.remove(name)

    def pull(self, names: Sequence[str], report: Progress = report_nothing) -> tuple[Pulled, ...]:
        """Fetch, convert and install models; those that are up to date stay as they are.

        Args:
            names: models and sets of models.
            report: told how far things are.

        Raises:
            StoreError: an unknown name, a source out of reach, a wrong checksum, a full disk. Models that were
                finished before stay installed.
        """
        entries = self.catalogue.select(names)
        if all(self._is_current(entry) for entry in entries):
            return tuple(Pulled(self.find(entry.name), Outcome.CURRENT) for entry in entries)
        with clear_disk_errors(self.home), self._open_workspace(report) as workspace:
            return tuple(self._pull_one(entry, workspace, report) for entry in entries)

    def convert(self, name: str, folder: Path, report: Progress = report_nothing) -> Pulled:
        """Install a model of the catalogue from its source files in `folder`, without any download.

        Raises:
            StoreError: an unknown name, a missing file, a wrong checksum, a full disk.
        """
        entry = self.catalogue.entry(name)
        with clear_disk_errors(self.home), self._open_workspace(report) as workspace:
            return self._install(entry, FolderSource(folder), workspace, report)

    def _open_workspace(self, report: Progress) -> AbstractContextManager[Path]:
        return self._folders.open_workspace(lambda: report("waiting for another pull", 0, None))

    def _pull_one(self, entry: CatalogueEntry, workspace: Path, report: Progress) -> Pulled:
        if self._is_current(entry):
            return Pulled(self.find(entry.name), Outcome.CURRENT)
        return self._install(entry, entry.source, workspace, report)

    def _is_current(self, entry: CatalogueEntry) -> bool:
        """Whether a pull would install the same again."""
        if entry.name not in self._folders.names():
            return False
        try:
            manifest = self._read_manifest(entry.name)
        except StoreError:  # a damaged one is replaced
            return False
        return (
            manifest.recipe == entry.recipe
            and manifest.converter_version >= CONVERTERS[entry.converter].version
            and has_all_files(self._folders.model(entry.name), manifest)
        )

    def _install(self, entry: CatalogueEntry, source: Source, workspace: Path, report: Progress) -> Pulled:
        files = fetch_files(source, entry.files, workspace, report)
        phase = f"convert {entry.name}"
        report(phase, 0, None)
        outcome = Outcome.RENEWED if entry.name in self._folders.names() else Outcome.INSTALLED
        with self._folders.build(entry.name) as build:
            _convert(entry, files, build)
            manifest = _describe(entry, source, build)
            write_manifest(build, manifest)
        report(phase, manifest.size_bytes, manifest.size_bytes)
        return Pulled(self.find(entry.name), outcome)

    def _expect_installed(self, name: str) -> None:
        if name not in (names := self._folders.names()):
            have = ", ".join(names) or "none"
            raise StoreError(f"no model {name!r} is installed in {self.home}; installed: {have}")

    def _read_manifest(self, name: str) -> Manifest:
        self._expect_installed(name)
        return read_manifest(self._folders.model(name))


def _convert(entry: CatalogueEntry, files: Mapping[str, Path], build: Path) -> None:
    try:
        CONVERTERS[entry.converter].convert(files, build, compute_type=entry.compute_type)
    except (StoreError, OSError):
        raise
    except Exception as error:  # of numpy, safetensors, sentencepiece: whatever a strange file brings about
        message = f"{entry.name}: its files are not what converter {entry.converter} reads ({error!r}); get others"
        raise StoreError(message) from error


def _describe(entry: CatalogueEntry, source: Source, build: Path) -> Manifest:
    files = record_files(build)
    return Manifest(
        name=entry.name,
        license=entry.license,
        recipe=entry.recipe,
        converter=entry.converter,
        converter_version=CONVERTERS[entry.converter].version,
        source=source.identity(),
        source_files={file.key: file.sha256 for file in entry.files},
        polygist_version=__version__,
        revision=compute_revision(files),
        files=files,
    )
