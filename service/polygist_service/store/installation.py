"""From the repository of a published model to a folder that the engine loads."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from polygist_service.errors import StoreError
from polygist_service.store.catalogue import CatalogueEntry, Files
from polygist_service.store.checksums import compute_sha256
from polygist_service.store.contents import (
    CONVERTED,
    FACTS,
    Contents,
    read_contents,
    read_vocabulary,
)
from polygist_service.store.converters import CONVERTERS
from polygist_service.store.description import Description
from polygist_service.store.families import Family, recognise
from polygist_service.store.licences import expect_accepted
from polygist_service.store.portrait import describe
from polygist_service.store.repositories import Repository
from polygist_service.store.sources import Progress, Source, fetch_files
from polygist_service.store.transformers_conversion import convert_published, expect_converter

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
    return describe(entry.name, family, settings, contents, build), dict(make.source_files)


class Making:
    """One installation from a repository under way."""

    def __init__(
        self,
        entry: CatalogueEntry,
        repository: Repository,
        contents: Contents,
        families: Mapping[str, Family],
        build: Path,
        workspace: Path,
        report: Progress,
    ) -> None:
        self._entry = entry
        self._repository = repository
        self._contents = contents
        self._families = families
        self._build = build
        self._workspace = workspace
        self._report = report
        self.source_files: dict[str, str] = {}

    def copy(self) -> Family:
        """Copy a converted model; the vocabulary comes first, as the family may depend on it."""
        self._copy(self._contents.vocabularies)
        family = self._recognise(read_vocabulary(self._build))
        self._expect_tokenizer(family, self._contents.files)
        self._copy([*family.tokenizer_files, "config.json", CONVERTED])
        self._copy([name for name in family.optional_files if name in self._contents.files])
        return family

    def convert(self, compute_type: str) -> Family:
        """Convert published weights in a process of its own."""
        contents, family = self._contents, self._recognise(())
        index = contents.weights_index()
        listed = self._fetch([index] if index else [])
        weights = contents.weights(listed.get(index) if index else None)
        facts = [name for name in FACTS if name in contents.files]
        work = self._workspace / self._entry.name
        staged, converted = work / self._entry.name, work / "converted"
        for path, place in {**listed, **self._fetch([*weights, *contents.tokenizer_files, *facts])}.items():
            (staged / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).symlink_to(place.resolve())
        self._report(f"convert {self._entry.name}", 0, None)
        convert_published(staged, converted, compute_type=compute_type, family=family)
        for each in converted.iterdir():
            shutil.move(each, self._build / each.name)
        for name in (*family.tokenizer_files, *family.optional_files):
            if (staged / name).exists() and not (self._build / name).exists():
                shutil.copyfile(staged / name, self._build / name)
        family = self._recognise(read_vocabulary(self._build))
        self._expect_tokenizer(family, {path.name for path in self._build.iterdir()})
        return family

    def _recognise(self, vocabulary: Collection[str]) -> Family:
        contents = self._contents
        return self._entry.family or recognise(
            self._families, contents.config, contents.tokenizer_class, vocabulary, contents.files
        )

    def _fetch(self, paths: Sequence[str]) -> dict[str, Path]:
        fetched = self._repository.fetch(paths, self._report) if paths else {}
        self.source_files |= {path: compute_sha256(place) for path, place in fetched.items()}
        return fetched

    def _copy(self, paths: Sequence[str]) -> None:
        for path, place in self._fetch(paths).items():
            shutil.copyfile(place, self._build / Path(path).name)

    def _expect_tokenizer(self, family: Family, present: Collection[str]) -> None:
        if missing := [name for name in family.tokenizer_files if name not in present]:
            raise StoreError(
                f"{self._entry.name} has no {', '.join(missing)}, which the family {family.name} reads; take a "
                "repository that has, or give another --family"
            )
