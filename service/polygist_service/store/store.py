"""The store: which models are installed, and how they get there."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum
from pathlib import Path

from polygist import __version__
from polygist.files import write_whole

from polygist_service.errors import StoreError
from polygist_service.store.archives import SUFFIX, read_archive, write_archive
from polygist_service.store.catalogue.catalogue import (
    NAME,
    Catalogue,
    CatalogueEntry,
    Files,
    Folder,
    Published,
    read_catalogue,
)
from polygist_service.store.catalogue.pull_options import NO_OPTIONS, PullOptions, expect_accepted
from polygist_service.store.convert import CONVERTERS
from polygist_service.store.convert.inspect import fit_to_files
from polygist_service.store.convert.published import convert_files, install_repository
from polygist_service.store.description import Description, InstalledModel, Inventory
from polygist_service.store.folders import Folders, clear_disk_errors
from polygist_service.store.golden_answers import GoldenAnswers
from polygist_service.store.manifest import (
    FILE,
    GET_ANEW,
    Manifest,
    again,
    compute_revision,
    has_all_files,
    has_manifest,
    read_manifest,
    record_files,
    remove_and,
    render_manifest,
    verify_files,
    write_manifest,
)
from polygist_service.store.saturation import LARGEST, LARGEST_WITHOUT_VNNI
from polygist_service.store.seams import FoundSeams, KeptSeams
from polygist_service.store.sources.repositories import FolderRepository, HubRepository, Repository
from polygist_service.store.sources.wheels import FolderSource, Progress, Source


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

    @property
    def is_new(self) -> bool:
        """Whether a server that runs has something to take up."""
        return self.outcome is not Outcome.CURRENT

    def __str__(self) -> str:
        model = self.model
        size = f"{model.size_bytes / 1e6:.1f} MB"
        license, revision = model.description.license, model.revision[:12]
        return f"{model.name}: {self.outcome.value}, {size}, revision {revision}, {license}"


def report_nothing(phase: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


# Tries a converted model that lies in a folder, and describes it with what came of that.
Measure = Callable[[Path, Description], Description]


@dataclass(frozen=True)
class Recorded:
    """What a model was found to do on this machine: its golden answers and its seams; None where it has none."""

    golden: GoldenAnswers | None = None
    seams: FoundSeams | None = None


# Has a model answer its golden texts, and finds its seams.
Record = Callable[[InstalledModel], Recorded]


def record_nothing(installed: InstalledModel) -> Recorded:
    """Ask a model nothing."""
    return Recorded()


# Tries whether a model loads; raises StoreError where it crashes what loads it.
Try = Callable[[InstalledModel], None]


def try_nothing(installed: InstalledModel) -> None:
    """Take a model as it comes."""


def measure_nothing(folder: Path, description: Description) -> Description:
    """Take a model as its files describe it."""
    return description


class Store:
    """The models installed below `home`.

    Args:
        home: the folder; it is made by the first pull.
        catalogue: what can be installed; by default polygist's own with ``home/catalogue.toml``, if any, over it.
        measure: tries models of which only their files are known, before they are installed.
        record: has models answer their golden texts and finds their seams, before they are installed.
        try_model: tries models that come converted, before they are installed.
        is_isolated: whether models are converted in a process of its own.
    """

    def __init__(
        self,
        home: Path,
        catalogue: Catalogue | None = None,
        *,
        measure: Measure = measure_nothing,
        record: Record = record_nothing,
        try_model: Try = try_nothing,
        is_isolated: bool = False,
    ) -> None:
        overlay = home / "catalogue.toml"
        self.home = home
        self.catalogue = catalogue or read_catalogue(*([overlay] if overlay.exists() else []))
        self.seams = KeptSeams(home)
        self._folders = Folders(home)
        self._measure = measure
        self._record = record
        self._try_model = try_model
        self._is_isolated = is_isolated

    def names(self) -> list[str]:
        """Names of the installed models, damaged or not, sorted; reads none of them."""
        with clear_disk_errors(self.home):
            return self._folders.names()

    def source(self, name: str) -> Mapping[str, str]:
        """Where an installed model came from, as the origin's own `identity` says it; raises StoreError."""
        self._expect_installed(name)
        return read_manifest(self._folders.model(name)).source

    def installed(self) -> tuple[InstalledModel, ...]:
        """All installed models that can be read, sorted by name; see `look` for the others."""
        return self.look().models

    def look(self) -> Inventory:
        """What is installed, and what is left out of that; reads manifests and the outline of weights.

        Raises:
            StoreError: the folder itself cannot be read.
        """
        with clear_disk_errors(self.home):
            names, strays = self._folders.names(), self._folders.strays()
        models, damaged = [], {}
        for name in names:
            try:
                with clear_disk_errors(self.home):
                    models.append(self.find(name))
            except StoreError as error:
                damaged[name] = error.message
        return Inventory(tuple(models), damaged, strays)

    def find(self, name: str) -> InstalledModel:
        """One installed model; raises StoreError where it is not installed or damaged.

        What the catalogue says of it goes over what was known when it was installed, and nothing over what its files
        allow.
        """
        self._expect_installed(name)
        folder = self._folders.model(name)
        with self._offering_what_there_is(name):
            return self._describe(folder, name, read_manifest(folder))

    def _describe(
        self, folder: Path, name: str, manifest: Manifest, *, came_from: Path | None = None
    ) -> InstalledModel:
        """What the catalogue and a manifest say of the model in a folder; raises StoreError where it describes none."""
        try:
            description = Description.from_json(manifest.description)
            golden = GoldenAnswers.from_json(manifest.golden) if manifest.golden is not None else None
        except ValueError as error:
            where, cure = (f" in {came_from}", GET_ANEW) if came_from else ("", remove_and(name))
            raise StoreError(f"the manifest of {name}{where} describes no model ({error}); {cure}") from error
        entry = self.catalogue.models.get(name)
        if entry and entry.recipe == manifest.recipe:  # not a model of somebody else's by the same name
            description = replace(description, **entry.settings)
        family = self.catalogue.families.get(description.family)
        if description.aligns is None and family:
            description = replace(description, aligns=family.aligns)
        if not description.int8_limit:  # polygist's own converters kept to the lower one when they did not write it
            is_ours = manifest.converter in CONVERTERS
            description = replace(description, int8_limit=LARGEST_WITHOUT_VNNI if is_ours else LARGEST)
        description = fit_to_files(description, folder)
        return InstalledModel(name, description, folder, manifest.revision, manifest.size_bytes, golden)

    def verify(self, name: str) -> None:
        """Check every file of an installed model against its manifest; raises StoreError, naming what is wrong."""
        self._expect_installed(name)
        with clear_disk_errors(self.home):
            folder = self._folders.model(name)
            with self._offering_what_there_is(name):
                verify_files(folder, read_manifest(folder))

    def record(self, name: str) -> GoldenAnswers | None:
        """Have an installed model answer its golden texts anew, and keep what it answers; None where it cannot.

        Its files are verified before.

        Raises:
            StoreError: it is not installed, or damaged.
        """
        self.verify(name)
        recorded = self._record(self.find(name))
        if golden := recorded.golden:
            with clear_disk_errors(self.home), self._folders.open_workspace(lambda: None) as workspace:
                folder = self._folders.model(name)
                manifest = replace(read_manifest(folder), golden=golden.to_json())
                write_whole(folder / FILE, render_manifest(manifest), workspace=workspace)
        if recorded.seams:
            self.seams.keep(name, recorded.seams)
        return golden

    def remove(self, name: str) -> None:
        """Remove an installed model, damaged or not; raises StoreError where there is none."""
        self._expect_installed(name)
        with clear_disk_errors(self.home), self._folders.open_workspace(lambda: None):
            self._folders.remove(name)
            self.seams.forget(name)

    def pull(
        self, names: Sequence[str], report: Progress = report_nothing, *, options: PullOptions = NO_OPTIONS
    ) -> tuple[Pulled, ...]:
        """Fetch, convert and install models; those that are up to date stay as they are.

        Args:
            names: as `Catalogue.select` takes them.
            report: told how far things are.
            options: what the operator says of the models.

        Raises:
            StoreError: an unknown name, a source out of reach, a wrong checksum, a licence that was not accepted, a
                full disk. Models that were finished before stay installed.
        """
        entries = options.apply(self.catalogue.select(names), self.catalogue)
        for entry in entries:
            expect_accepted(entry.name, entry.license, options.accepted)
        if not options.again and all(self._is_current(entry) for entry in entries):
            return tuple(Pulled(self.find(entry.name), Outcome.CURRENT) for entry in entries)
        pulled = []
        with clear_disk_errors(self.home), self._open_workspace(report) as workspace:
            for entry in entries:
                if not options.again and self._is_current(entry):
                    pulled.append(Pulled(self.find(entry.name), Outcome.CURRENT))
                else:
                    pulled.append(self._install(entry, self._open_origin(entry), options, workspace, report))
        return tuple(pulled)

    def convert(
        self, name: str, folder: Path, report: Progress = report_nothing, *, options: PullOptions = NO_OPTIONS
    ) -> Pulled:
        """Install a model of the catalogue from its files in `folder`, without any download.

        Raises:
            StoreError: an unknown name, a missing file, a wrong checksum, a full disk.
        """
        (entry,) = options.apply((self.catalogue.entry(name),), self.catalogue)
        source = FolderSource(folder) if isinstance(entry.origin, Files) else FolderRepository(folder)
        with clear_disk_errors(self.home), self._open_workspace(report) as workspace:
            return self._install(entry, source, options, workspace, report)

    def export(self, name: str, target: Path, report: Progress = report_nothing) -> Path:
        """Write an installed model to an archive that `import_` reads; returns its path.

        Args:
            target: of the archive, or a folder to put it in.

        Raises:
            StoreError: it is not installed, or damaged.
        """
        self._expect_installed(name)
        path = target / f"{name}{SUFFIX}" if target.is_dir() else target
        with clear_disk_errors(self.home):
            write_archive(self._folders.model(name), path, report)
        return path

    def import_(self, source: Path, report: Progress = report_nothing) -> Pulled:
        """Install a model that was exported, from its archive or from a copy of its folder.

        Raises:
            StoreError: it is no exported model, or one of its files is not what its manifest says.
        """
        with clear_disk_errors(self.home), self._open_workspace(report) as workspace:
            folder = source if source.is_dir() else read_archive(source, workspace, report)
            if not has_manifest(folder):
                raise StoreError(f"{source} is no exported model; give NAME{SUFFIX}, or a folder with manifest.json")
            manifest = read_manifest(folder, came_from=source)
            verify_files(folder, manifest, came_from=source)
            if not NAME.fullmatch(manifest.name):
                raise StoreError(f"{source} names its model {manifest.name!r}, which cannot be a folder's name")
            outcome = Outcome.RENEWED if manifest.name in self._folders.names() else Outcome.INSTALLED
            with self._folders.build(manifest.name) as build:
                for name in manifest.files:
                    put = shutil.copyfile if folder == source else os.replace  # what was unpacked is ours
                    put(folder / name, build / name)
                self._try_model(self._describe(build, manifest.name, manifest, came_from=source))
                write_manifest(build, manifest)
            return Pulled(self.find(manifest.name), outcome)

    def _open_origin(self, entry: CatalogueEntry) -> Source | Repository:
        match entry.origin:
            case Files(source=source):
                return source
            case Folder(folder=folder):
                return FolderRepository(folder)
            case Published(repository=name, revision=revision):
                return HubRepository.resolve(name, revision, self._folders.downloads)

    def _is_current(self, entry: CatalogueEntry) -> bool:
        """Whether a pull would install the same again."""
        if entry.name not in self._folders.names() or isinstance(entry.origin, Folder):
            return False
        folder = self._folders.model(entry.name)
        try:
            manifest = read_manifest(folder)
        except StoreError:  # a damaged one is replaced
            return False
        converter, version = entry.converter
        is_same = manifest.recipe == entry.recipe and manifest.converter_version >= version
        limit = manifest.description.get("int8_limit")
        if limit and converter in CONVERTERS and limit != CONVERTERS[converter].int8_limit:  # for another processor
            return False
        return is_same and has_all_files(folder, manifest)

    def _install(
        self,
        entry: CatalogueEntry,
        origin: Source | Repository,
        options: PullOptions,
        workspace: Path,
        report: Progress,
    ) -> Pulled:
        outcome = Outcome.RENEWED if entry.name in self._folders.names() else Outcome.INSTALLED
        converter, version = entry.converter
        with self._folders.build(entry.name) as build:
            if isinstance(origin, HubRepository | FolderRepository):
                description, source_files = install_repository(
                    entry, origin, families=self.catalogue.families, accepted=options.accepted,
                    build=build, workspace=workspace, report=report,
                )  # fmt: skip
                report(f"measure {entry.name}", 0, None)
                description = self._measure(build, description)
            else:
                description, source_files = convert_files(
                    entry, origin, build=build, workspace=workspace, report=report, is_isolated=self._is_isolated
                )
            files = record_files(build)
            manifest = Manifest(
                name=entry.name,
                description=description.to_json(),
                recipe=entry.recipe,
                converter=converter,
                converter_version=version,
                source=origin.identity(),
                source_files=source_files,
                polygist_version=__version__,
                revision=compute_revision(files),
                files=files,
            )
            report(f"golden answers {entry.name}", 0, None)
            recorded = self._record(self._describe(build, entry.name, manifest))
            golden = recorded.golden.to_json() if recorded.golden else None
            write_manifest(build, replace(manifest, golden=golden))
        if recorded.seams:
            self.seams.keep(entry.name, recorded.seams)
        if isinstance(origin, HubRepository):
            origin.remove_downloads()
        report(f"convert {entry.name}", manifest.size_bytes, manifest.size_bytes)
        return Pulled(self.find(entry.name), outcome)

    def _open_workspace(self, report: Progress) -> AbstractContextManager[Path]:
        return self._folders.open_workspace(lambda: report("waiting for another pull", 0, None))

    @contextmanager
    def _offering_what_there_is(self, name: str) -> Iterator[None]:
        """Leave out of a damaged model's cure that it be pulled, where no pull knows its name."""
        try:
            yield
        except StoreError as error:
            is_known = False
            with suppress(StoreError):  # of a name that may mean several things
                is_known = self.catalogue.knows(name)
            if not is_known:
                error = StoreError(error.message.replace(again(name), ", and install it again as it was"))
            raise error from error.__cause__

    def _expect_installed(self, name: str) -> None:
        if name in (names := self._folders.names()):
            return
        if what := self._folders.strays().get(name):
            raise StoreError(f"{self._folders.model(name)} is no model: {what}; it is left alone")
        near = get_close_matches(name.lower(), names, n=1)
        cure = f"did you mean {near[0]!r}?" if near else f"installed: {', '.join(names) or 'none'}"
        raise StoreError(f"no model {name!r} is installed in {self.home}; {cure}")
