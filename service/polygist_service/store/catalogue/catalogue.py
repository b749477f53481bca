"""The models that can be installed: what each is, where its files come from and how they are converted."""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Self

from polygist.files import read_plain
from pydantic import Discriminator, Tag, ValidationError, model_validator

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.families import (
    Count,
    DescriptionTable,
    Family,
    Table,
    Text,
    Texts,
    explain,
    missing,
    read_pair,
    unknown_keys,
    wrong,
)
from polygist_service.store.convert import CONVERTERS, REPOSITORY_VERSION
from polygist_service.store.description import COMPUTE_TYPES
from polygist_service.store.sources import hub
from polygist_service.store.sources.wheels import FolderSource, PyPISource, Source, SourceFile
from polygist_service.store.validation import must_be, one_of
from polygist_service.text.languages import base_language, serving

SHIPPED = Path(__file__).with_name("catalogue.toml")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
# As SPDX, and the Hub's cards, mark licences that forbid commercial use: CC-BY-NC-4.0, CC-BY-NC-SA-4.0.
NON_COMMERCIAL = re.compile(r"(?:^|[-_. ])nc(?:$|[-_. ])", re.IGNORECASE)
HUB, FOLDER = "hub:", "path:"
RESOURCE = "models/"
ARCHIVE = ".tar.zst"
# What the publisher of most pairs calls a model of one.
PAIR_NAME = "opus-mt-{}-{}"
MAIN = "main"


@dataclass(frozen=True)
class Files:
    """Source files that are pinned by their checksums, and the converter that reads them."""

    source: Source
    files: tuple[SourceFile, ...]
    converter: str


@dataclass(frozen=True)
class Published:
    """A repository of the Hub, at a branch, tag, commit or ``refs/pr/N``."""

    repository: str
    revision: str = MAIN


@dataclass(frozen=True)
class Folder:
    """A folder on this machine that holds a published or a converted model."""

    folder: Path


Origin = Files | Published | Folder


@dataclass(frozen=True)
class CatalogueEntry:
    """One model.

    Attributes:
        family: None where it is to be recognised by its files.
        settings: attributes of `Description`, as far as they are known before it is installed.
        compute_type: of the stored weights, as CTranslate2 names it; empty for the usual one.
        memory_bytes: what it takes at int8, for those who choose; 0 where nobody says.
    """

    name: str
    family: Family | None
    origin: Origin
    settings: Mapping[str, Any] = field(default_factory=dict)
    compute_type: str = ""
    memory_bytes: int = 0

    @property
    def license(self) -> str:
        """Its licence, as far as it is known before it is installed."""
        return str(self.settings.get("license", "unknown"))

    @property
    def role(self) -> str:
        """What it is for, as far as that is known before it is installed."""
        defaults = self.family.settings if self.family else {}
        return str(self.settings.get("role") or defaults.get("role") or "unknown")

    @property
    def is_offered(self) -> bool:
        """Whether it may be recommended to whoever lacks a model: fit for use, and free for all."""
        return not (self.settings.get("experimental") or NON_COMMERCIAL.search(self.license))

    @property
    def source(self) -> Mapping[str, str]:
        """Where its files come from, as a manifest will say it."""
        match self.origin:
            case Files(source=source):
                return source.identity()
            case Published(repository=repository, revision=revision):
                return {"kind": "hub", "repository": repository, "revision": revision}
            case Folder(folder=folder):
                return {"kind": "path", "folder": str(folder)}

    @property
    def converter(self) -> tuple[str, int]:
        """The name and the version of what converts it."""
        if isinstance(self.origin, Files):
            return self.origin.converter, CONVERTERS[self.origin.converter].version
        return "repository", REPOSITORY_VERSION

    @property
    def recipe(self) -> str:
        """Digest of all that decides what the converted files hold, except the converter's version."""
        match self.origin:
            case Files():
                files = sorted((file.key, file.sha256) for file in self.origin.files)
                parts: list[Any] = [self.origin.converter, self.compute_type, files]
            case Published():
                family = self.family.name if self.family else ""
                parts = ["hub", self.origin.repository, self.origin.revision, self.compute_type, family]
            case Folder():
                parts = ["path", str(self.origin.folder), self.compute_type]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Catalogue:
    """All models by name, sets of them that are installed together, and the families."""

    models: Mapping[str, CatalogueEntry]
    sets: Mapping[str, tuple[str, ...]]
    families: Mapping[str, Family]

    def entry(self, name: str) -> CatalogueEntry:
        """The model of that name; raises StoreError, naming those there are."""
        if name not in self.models:
            raise StoreError(f"the catalogue has no model {name!r}; it has: {', '.join(self.models)}")
        return self.models[name]

    def family(self, name: str) -> Family:
        """The family of that name; raises StoreError, naming those there are."""
        if name not in self.families:
            raise StoreError(f"there is no family {name!r}; there are: {', '.join(self.families)}")
        return self.families[name]

    def knows(self, name: str) -> bool:
        """Whether `select` takes this name; raises StoreError where it may mean several things."""
        return name in self.sets or self._find(name) is not None

    def has(self, name: str) -> bool:
        """Whether there is a model of this very name."""
        return name in self.models

    def translation(self, source: str, target: str) -> str | None:
        """The first model for one pair of languages that may be recommended."""
        return next((each.name for each in self._of_pair(source, target) if each.is_offered), None)

    def multilingual(self, source: str, target: str) -> str | None:
        """The smallest model of many languages that translates this pair, too, and may be recommended."""
        fitting = [
            entry
            for entry in self.models.values()
            if entry.is_offered
            and entry.role == "translation"
            and serves_pair(source, target, *self.languages_of(entry))
        ]
        return min(fitting, key=lambda entry: entry.memory_bytes).name if fitting else None

    def guess(self, source: str, target: str) -> str | None:
        """What the Hub calls its model for a pair, if it has one: nobody has looked."""
        codes = base_language(source), base_language(target)
        name = PAIR_NAME.format(*codes)
        return name if codes[0] != codes[1] and self._read(name) else None

    def reader(self, role: str, language: str) -> str | None:
        """The first model of a role that reads a language and may be recommended."""
        models = [each for each in self.models.values() if each.role == role and each.is_offered]
        reads = (each.name for each in models if serving(language, each.settings.get("source_languages", ())))
        return next(reads, None)

    def languages_of(self, entry: CatalogueEntry) -> tuple[Sequence[str], Sequence[str]]:
        """What a model reads and writes, as far as its table, the name of its repository or its family tell."""
        owner, _, name = entry.origin.repository.partition("/") if isinstance(entry.origin, Published) else ("", "", "")
        read = (family.read_name(name) for family in self.families.values() if owner and family.owner == owner)
        known = entry.family.languages if entry.family else ()
        sources, targets = next(filter(None, read), (known, known))
        return entry.settings.get("source_languages", sources), entry.settings.get("target_languages", targets)

    def select(self, names: Sequence[str]) -> tuple[CatalogueEntry, ...]:
        """The models of these names, names of sets replaced by their members, each model once.

        Args:
            names: of models and sets, ``hub:OWNER/REPOSITORY[@REVISION]``, ``path:FOLDER``, a name that a family has
                a pattern for, a pair such as en-fr, or a repository of the Hub by its name or page.

        Raises:
            StoreError: there is no such thing, or there are several.
        """
        selected: dict[str, CatalogueEntry] = {}
        for name in dict.fromkeys(member for each in names for member in self.sets.get(each, (each,))):
            entry = self._find(name)
            if entry is None:
                known = f"models {', '.join(self.models)}; sets {', '.join(self.sets)}"
                raise StoreError(
                    f"the catalogue has no model or set {name!r}; it has: {known}; or say hub:OWNER/REPOSITORY or "
                    "path:FOLDER"
                )
            selected[entry.name] = entry
        return tuple(selected.values())

    def suggest_pair(self, name: str) -> str:
        """What may serve a pair that no table names; empty where `name` is no pair."""
        if not (pair := read_pair(name)):
            return ""
        many, guess = self.multilingual(*pair), self.guess(*pair)
        ways = [f"{many} has it among many languages: models pull {many}"] if many else []
        ways += [f"the Hub may have {guess}: models pull {guess}"] if guess else []
        return "; ".join(ways)

    def _find(self, name: str) -> CatalogueEntry | None:
        """The entry that a name stands for: one of the tables, however it is written, else what `_read` makes of it."""
        plain = name.removeprefix(RESOURCE)
        if entry := self.models.get(plain) or self.models.get(plain.lower()):
            return entry
        if name.startswith((FOLDER, HUB)):
            return self._read(name)
        page = hub.read_page(name) or ((name, "") if hub.REPOSITORY.fullmatch(name) else None)
        if page is None and ("/" in name or name.endswith(ARCHIVE)):
            cure = f"models import {name}" if name.endswith(ARCHIVE) else f"models pull {FOLDER}{name}"
            raise StoreError(f"{name!r} is no name of a model; for what lies on this machine run: {cure}")
        if page:
            return self._find_repository(*page)
        if entry := self._read(name):
            return entry
        pair = read_pair(name)
        fitting = [each.name for each in self._of_pair(*pair)] if pair else []
        if len(fitting) > 1:
            raise StoreError(f"{name!r} may be any of {', '.join(fitting)}; pull one of them by its name")
        return self.models[fitting[0]] if fitting else None

    def _find_repository(self, repository: str, revision: str) -> CatalogueEntry | None:
        """The entry of a repository: that of the tables where no revision is named, else one as for ``hub:``."""
        for entry in self.models.values():
            origin = entry.origin
            is_same = isinstance(origin, Published) and origin.repository.lower() == repository.lower()
            if is_same and revision in ("", getattr(origin, "revision", "")):
                return entry
        if not revision and Path(repository).is_dir():
            raise StoreError(
                f"{repository!r} is a folder here and may be a repository of the Hub; say {FOLDER}{repository} or "
                f"{HUB}{repository}"
            )
        return self._read(f"{HUB}{repository}" + (f"@{revision}" if revision else ""))

    def _of_pair(self, source: str, target: str) -> list[CatalogueEntry]:
        """The models that translate this pair and no other."""
        found = []
        for entry in self.models.values():
            sources, targets = self.languages_of(entry)
            is_one = len(sources) == len(targets) == 1 and entry.role == "translation"
            if is_one and serves_pair(source, target, sources, targets):
                found.append(entry)
        return found

    def _read(self, name: str) -> CatalogueEntry | None:
        """The entry that a name stands for which no table describes."""
        if name.startswith(FOLDER):
            folder = Path(name.removeprefix(FOLDER)).expanduser().absolute()
            return CatalogueEntry(to_name(folder.name), None, Folder(folder))
        if name.startswith(HUB):
            repository, at, revision = name.removeprefix(HUB).partition("@")
            if not hub.REPOSITORY.fullmatch(repository) or (at and not revision):
                raise StoreError(f"{name!r} names no repository; write hub:OWNER/NAME or hub:OWNER/NAME@REVISION")
            return CatalogueEntry(to_name(repository), None, Published(repository, revision or MAIN))
        for family in self.families.values():
            if family.owner and family.read_name(name):
                return CatalogueEntry(to_name(name), family, Published(f"{family.owner}/{name}"))
        return None


def serves_pair(source: str, target: str, sources: Collection[str], targets: Collection[str]) -> bool:
    """Whether a model that reads `sources` and writes `targets` translates a pair."""
    reads, writes = serving(source, tuple(sources)), serving(target, tuple(targets))
    return bool(reads and writes) and reads != writes


def to_name(published: str) -> str:
    """The name of an installed model, from the last part of a path."""
    kept = re.sub(r"[^a-z0-9._-]+", "-", published.rpartition("/")[2].lower())
    return kept.lstrip("._-") or "model"


def is_inside(path: str) -> bool:
    """Whether a path with ``/`` stays inside the folder that it is joined to."""
    parts = PurePosixPath(path)
    return bool(path) and not (parts.is_absolute() or ".." in parts.parts or "\\" in path)


ModelName = Annotated[
    str, must_be("lower-case letters, digits and . _ -, as it becomes a folder's name", NAME.fullmatch)
]
Sha256 = Annotated[str, must_be("64 hexadecimal digits, as sha256sum prints them", hub.SHA256.fullmatch)]
RelativePath = Annotated[str, must_be("a relative path with / and without ..", is_inside)]


class WheelTable(Table):
    """A source: a wheel on the package index."""

    kind: Annotated[str, one_of(("path", "pypi"))]
    package: Text
    version: Text
    sha256: Sha256
    platform: Text = ""

    def source(self) -> PyPISource:
        """What the store fetches from."""
        return PyPISource(self.package, self.version, self.sha256, self.platform)


class FolderTable(Table):
    """A source: a folder on this machine."""

    kind: str
    folder: Annotated[str, must_be("an absolute path", lambda text: Path(text).expanduser().is_absolute())]

    def source(self) -> FolderSource:
        """What the store fetches from."""
        return FolderSource(Path(self.folder).expanduser())


class FileTable(Table):
    """A file that a model is made of: at a path of its source, or packaged with polygist."""

    path: RelativePath = ""
    packaged: RelativePath = ""
    sha256: Sha256

    @model_validator(mode="after")
    def validate_place(self) -> Self:
        """Refuse a file in two places, or in none."""
        if bool(self.path) == bool(self.packaged):
            raise ValueError("a table with one of path and packaged")
        return self


class ModelTable(DescriptionTable):
    """A model, wherever its files come from."""

    family: Text
    compute_type: Annotated[str, one_of(COMPUTE_TYPES)] = ""
    memory_mb: Count = 0


class PinnedTable(ModelTable):
    """A model made of pinned files."""

    source: Text
    converter: Annotated[str, one_of(CONVERTERS)]
    files: dict[str, FileTable]


class PublishedTable(ModelTable):
    """A model of the Hub."""

    repository: Annotated[str, must_be("OWNER/NAME, a repository of the Hub", hub.REPOSITORY.fullmatch)]
    revision: Text = MAIN


def choose_source(table: Any) -> str:
    """Which of the tables a source has."""
    return "folder" if isinstance(table, dict) and table.get("kind") == "path" else "wheel"


def choose_model(table: Any) -> str:
    """Which of the tables a model has."""
    return "published" if isinstance(table, dict) and "repository" in table else "pinned"


SourceTable = Annotated[
    Annotated[WheelTable, Tag("wheel")] | Annotated[FolderTable, Tag("folder")], Discriminator(choose_source)
]
AnyModelTable = Annotated[
    Annotated[PinnedTable, Tag("pinned")] | Annotated[PublishedTable, Tag("published")], Discriminator(choose_model)
]


class CatalogueTables(Table):
    """All tables of a catalogue."""

    sources: dict[str, SourceTable]
    families: dict[str, Family]
    models: dict[ModelName, AnyModelTable]
    sets: dict[str, Texts]

    @model_validator(mode="after")
    def name_families(self) -> Self:
        """Tell every family what its table is called."""
        for name, family in self.families.items():
            family._name = name
        return self


def read_catalogue(*overlays: Path) -> Catalogue:
    """Read the catalogue that comes with polygist, with `overlays` merged over it in their order.

    Raises:
        StoreError: a file cannot be read or holds something wrong; names the key.
    """
    tree: dict[str, Any] = {}
    for path in (SHIPPED, *overlays):
        try:
            tree = merge(tree, tomllib.loads(read_plain(path).decode("utf-8-sig")))
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(f"catalogue {path} cannot be read: {error}") from error
    try:
        tables = CatalogueTables.model_validate(tree)
    except ValidationError as error:
        raise explain(error) from None
    except RecursionError as error:  # a regular expression of thousands of groups
        raise StoreError(f"catalogue {', '.join(map(str, overlays))} cannot be read: {error}") from error
    models = {name: read_model(name, table, tables) for name, table in tables.models.items()}
    for name, members in tables.sets.items():
        if name in models:
            raise StoreError(f"catalogue: sets.{name} has the name of a model; rename one of them")
        if unknown := [member for member in members if member not in models]:
            raise StoreError(f"catalogue: sets.{name} names {unknown[0]!r}, which is no model; add or remove it")
    return Catalogue(models, tables.sets, tables.families)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: tables key by key, everything else replaced."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = merge(lower, value) if isinstance(lower, Mapping) and isinstance(value, Mapping) else value
    return merged


def read_model(name: str, table: PinnedTable | PublishedTable, tables: CatalogueTables) -> CatalogueEntry:
    """The model of a table; raises StoreError where that names something that the catalogue has not."""
    where = f"models.{name}"
    if table.family not in tables.families:
        raise wrong(f"{where}.family", table.family, f"one of {', '.join(sorted(tables.families))}")
    origin: Origin
    if isinstance(table, PublishedTable):
        origin = Published(table.repository, table.revision)
    else:
        if table.source not in tables.sources:
            raise wrong(f"{where}.source", table.source, f"one of {', '.join(sorted(tables.sources))}")
        converter = CONVERTERS[table.converter]
        if lacking := [key for key in converter.files if key not in table.files]:
            raise missing(f"{where}.files.{lacking[0]}")
        keys = (*converter.files, *converter.optional_files)
        if unknown := table.files.keys() - set(keys):
            raise unknown_keys(f"{where}.files", unknown)
        pinned = [(key, table.files[key]) for key in keys if key in table.files]
        files = [
            SourceFile(key, file.path or file.packaged, file.sha256, packaged=not file.path) for key, file in pinned
        ]
        origin = Files(tables.sources[table.source].source(), tuple(files), table.converter)
    return CatalogueEntry(
        name=name,
        family=tables.families[table.family],
        origin=origin,
        settings=table.settings,
        compute_type=table.compute_type,
        memory_bytes=table.memory_mb * 1_000_000,
    )
