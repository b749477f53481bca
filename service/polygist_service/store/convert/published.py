"""From the repository of a published model to a folder that the engine loads."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.catalogue import CatalogueEntry, Files
from polygist_service.store.catalogue.families import Family, recognise
from polygist_service.store.catalogue.licences import expect_accepted
from polygist_service.store.checksums import compute_sha256
from polygist_service.store.convert.contents import CONVERTED, FACTS, Contents, read_contents, read_vocabulary
from polygist_service.store.convert.converters import CONVERTERS
from polygist_service.store.convert.inspect import describe
from polygist_service.store.convert.transformers_conversion import convert_published, expect_converter
from polygist_service.store.description import Description
from polygist_service.store.sources.repositories import Repository
from polygist_service.store.sources.wheels import Progress, Source, fetch_files

# Grows when the same repository would be installed otherwise.
REPOSITORY_VERSION = 1
USUAL_COMPUTE_TYPE = "int8"
# What a converted model was made with is its own affair.
AS_STORED = "default"

Installed = tuple[Description, dict[str, str]]
"""The description, and the SHA-256 of the source files by their names."""


def convert_files(entry: CatalogueEntry, source: Source, build: Path, workspace: Path, report: Progress) -> Installed:
    """Fetch the pinned files of a model and convert them to `build`, which is empty.

    Raises:
        StoreError: a file cannot be had, has another checksum, or is not what the converter reads.
    """
    origin, family = entry.origin, entry.family
    assert isinstance(origin, Files)
    assert family is not None
    files = fetch_files(source, origin.files, workspace, report)
    report(f"convert {entry.name}", 0, None)
    try:
        CONVERTERS[origin.converter].convert(files, build, compute_type=entry.compute_type)
    except (StoreError, OSError):
        raise
    except Exception as error:  # of numpy, safetensors, sentencepiece: whatever a strange file brings about
        message = f"{entry.name}: its files are not what converter {origin.converter} reads ({error!r}); get others"
        raise StoreError(message) from error
    settings = {**entry.settings, "compute_type": entry.compute_type}
    description = describe(entry.name, family, settings, Contents(frozenset(), {}), build)
    return description, {file.key: file.sha256 for file in origin.files}


def install_repository(
    entry: CatalogueEntry,
    repository: Repository,
    families: Mapping[str, Family],
    accepted: Collection[str],
    build: Path,
    workspace: Path,
    report: Progress,
) -> Installed:
    """Fetch what a published model is made of, convert it unless it is converted already, and describe it.

    Licence and converter are looked at before the weights are fetched.

    Args:
        accepted: licences that were accepted by name.
        build: an empty folder, which becomes the model's.
        workspace: a folder for what is in between.

    Raises:
        StoreError: the family cannot be told, the licence is not accepted, the converter is missing or fails, or a
            file cannot be had.
    """
    fetched = repository.fetch([name for name in FACTS if name in repository.files], report)
    contents = read_contents(repository.files, fetched)
    license = str(entry.settings.get("license") or repository.license or "unknown")
    for each in (license, repository.license):
        expect_accepted(entry.name, each, accepted)
    make = Making(entry, repository, contents, families, build, workspace, report)
    contents.expect_model(entry.name)
    if contents.is_converted:
        family, compute_type = make.copy(), entry.compute_type or AS_STORED
    else:
        expect_converter(entry.name)
        compute_type = entry.compute_type or USUAL_COMPUTE_TYPE
        family = make.convert(compute_type)
    settings = {**entry.settings, "license": license, "compute_type": compute_type}
    return describe(entry.name, family, settings, contents, build), make.source_files


@dataclass(frozen=True)
class Making:
    """One installation from a repository under way; `source_files` has the SHA-256 of what was fetched so far."""

    entry: CatalogueEntry
    repository: Repository
    contents: Contents
    families: Mapping[str, Family]
    build: Path
    workspace: Path
    report: Progress
    source_files: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Family:
        """Copy a converted model; the vocabulary comes first, as the family may depend on it."""
        self._copy(self.contents.vocabularies)
        family = self._recognise(read_vocabulary(self.build))
        self._expect_tokenizer(family, self.contents.files)
        self._copy([*family.tokenizer_files, "config.json", CONVERTED])
        self._copy([name for name in family.optional_files if name in self.contents.files])
        return family

    def convert(self, compute_type: str) -> Family:
        """Convert published weights in a process of its own."""
        contents, family = self.contents, self._recognise(())
        index = contents.weights_index()
        listed = self._fetch([index] if index else [])
        weights = contents.weights(listed.get(index) if index else None)
        facts = [name for name in FACTS if name in contents.files]
        work = self.workspace / self.entry.name
        staged, converted = work / self.entry.name, work / "converted"
        for path, place in {**listed, **self._fetch([*weights, *contents.tokenizer_files, *facts])}.items():
            (staged / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).symlink_to(place.resolve())
        self.report(f"convert {self.entry.name}", 0, None)
        convert_published(staged, converted, compute_type=compute_type, family=family)
        for each in converted.iterdir():
            shutil.move(each, self.build / each.name)
        for name in (*family.tokenizer_files, *family.optional_files):
            if (staged / name).exists() and not (self.build / name).exists():
                shutil.copyfile(staged / name, self.build / name)
        family = self._recognise(read_vocabulary(self.build))
        self._expect_tokenizer(family, {path.name for path in self.build.iterdir()})
        return family

    def _recognise(self, vocabulary: Collection[str]) -> Family:
        contents = self.contents
        return self.entry.family or recognise(
            self.families, contents.config, contents.tokenizer_class, vocabulary, contents.files
        )

    def _fetch(self, paths: Sequence[str]) -> dict[str, Path]:
        fetched = self.repository.fetch(paths, self.report) if paths else {}
        self.source_files.update({path: compute_sha256(place) for path, place in fetched.items()})
        return fetched

    def _copy(self, paths: Sequence[str]) -> None:
        for path, place in self._fetch(paths).items():
            shutil.copyfile(place, self.build / Path(path).name)

    def _expect_tokenizer(self, family: Family, present: Collection[str]) -> None:
        if missing := [name for name in family.tokenizer_files if name not in present]:
            raise StoreError(
                f"{self.entry.name} has no {', '.join(missing)}, which the family {family.name} reads; take a "
                "repository that has, or give another --family"
            )
