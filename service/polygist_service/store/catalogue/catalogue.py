"""The models that can be installed: what each is, where its files come from and how they are converted."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.families import Family, read_families, read_settings
from polygist_service.store.catalogue.tables import Table, merge
from polygist_service.store.convert.converters import CONVERTERS
from polygist_service.store.convert.transformers_conversion import COMPUTE_TYPES
from polygist_service.store.sources.wheels import SOURCES, Source, SourceFile

SHIPPED = Path(__file__).with_name("catalogue.toml")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
HUB, FOLDER = "hub:", "path:"
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
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
        defaults = self.family.defaults if self.family else {}
        return str(self.settings.get("role") or defaults.get("role") or "unknown")

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
        """Whether `select` takes this name."""
        return name in self.models or name in self.sets or self._read(name) is not None

    def select(self, names: Sequence[str]) -> tuple[CatalogueEntry, ...]:
        """The models of these names, names of sets replaced by their members, each model once.

        Args:
            names: of models and sets, ``hub:OWNER/REPOSITORY[@REVISION]``, ``path:FOLDER``, or a name that a family
                has a pattern for.

        Raises:
            StoreError: there is no such thing.
        """
        selected: dict[str, CatalogueEntry] = {}
        for name in dict.fromkeys(member for each in names for member in self.sets.get(each, (each,))):
            entry = self.models.get(name) or self._read(name)
            if entry is None:
                known = f"models {', '.join(self.models)}; sets {', '.join(self.sets)}"
                raise StoreError(
                    f"the catalogue has no model or set {name!r}; it has: {known}; or say hub:OWNER/REPOSITORY or "
                    "path:FOLDER"
                )
            selected[entry.name] = entry
        return tuple(selected.values())

    def _read(self, name: str) -> CatalogueEntry | None:
        """The entry that a name stands for which no table describes."""
        if name.startswith(FOLDER):
            folder = Path(name.removeprefix(FOLDER)).expanduser().absolute()
            return CatalogueEntry(to_name(folder.name), None, Folder(folder))
        if name.startswith(HUB):
            repository, at, revision = name.removeprefix(HUB).partition("@")
            if not REPOSITORY.fullmatch(repository) or (at and not revision):
                raise StoreError(f"{name!r} names no repository; write hub:OWNER/NAME or hub:OWNER/NAME@REVISION")
            return CatalogueEntry(to_name(repository), None, Published(repository, revision or MAIN))
        for family in self.families.values():
            if family.owner and family.read_name(name):
                return CatalogueEntry(to_name(name), family, Published(f"{family.owner}/{name}"))
        return None


def to_name(published: str) -> str:
    """The name of an installed model, from the last part of a path."""
    kept = re.sub(r"[^a-z0-9._-]+", "-", published.rpartition("/")[2].lower())
    return kept.lstrip("._-") or "model"


def read_catalogue(*overlays: Path) -> Catalogue:
    """Read the catalogue that comes with polygist, with `overlays` merged over it in their order.

    Raises:
        StoreError: a file cannot be read or holds something wrong; names the key.
    """
    tree: dict[str, Any] = {}
    for path in (SHIPPED, *overlays):
        try:
            tree = merge(tree, tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise StoreError(f"catalogue {path} cannot be read: {error}") from error
    root = Table("", tree)
    sources, families = _read_sources(root.table("sources")), read_families(root.table("families"))
    models, sets = _read_models(root.table("models"), sources, families), _read_sets(root.table("sets"))
    root.close()
    _check_sets(models, sets)
    return Catalogue(models, sets, families)


def _read_sources(table: Table) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for name in table:
        inner = table.table(name)
        sources[name] = SOURCES[inner.text("kind", among=SOURCES)].read(inner)
        inner.close()
    return sources


def _read_models(
    table: Table, sources: Mapping[str, Source], families: Mapping[str, Family]
) -> dict[str, CatalogueEntry]:
    models = {}
    for name in table:
        inner = table.table(name)
        if not NAME.fullmatch(name):
            raise inner.error("name", name, "lower-case letters, digits and . _ -, as it becomes a folder's name")
        models[name] = _read_entry(name, inner, sources, families)
        inner.close()
    return models


def _read_entry(
    name: str, table: Table, sources: Mapping[str, Source], families: Mapping[str, Family]
) -> CatalogueEntry:
    family = families[table.text("family", among=families)]
    return CatalogueEntry(
        name=name,
        family=family,
        origin=_read_origin(table, sources),
        settings=read_settings(table),
        compute_type=table.text("compute_type", among=COMPUTE_TYPES) if "compute_type" in table else "",
        memory_bytes=table.count("memory_mb") * 1_000_000 if "memory_mb" in table else 0,
    )


def _read_origin(table: Table, sources: Mapping[str, Source]) -> Origin:
    if "repository" in table:
        repository = table.text("repository")
        if not REPOSITORY.fullmatch(repository):
            raise table.error("repository", repository, "OWNER/NAME, a repository of the Hub")
        return Published(repository, table.text("revision") if "revision" in table else MAIN)
    converter = table.text("converter", among=CONVERTERS)
    source = sources[table.text("source", among=sources)]
    return Files(source, _read_files(table.table("files"), CONVERTERS[converter].files), converter)


def _read_files(table: Table, keys: Sequence[str]) -> tuple[SourceFile, ...]:
    files = []
    for key in keys:
        inner = table.table(key)
        is_packaged = "packaged" in inner
        path = inner.relative_path("packaged" if is_packaged else "path")
        files.append(SourceFile(key, path, inner.sha256("sha256"), is_packaged))
        inner.close()
    table.close()
    return tuple(files)


def _read_sets(table: Table) -> dict[str, tuple[str, ...]]:
    return {name: table.texts(name) for name in table}


def _check_sets(models: Mapping[str, CatalogueEntry], sets: Mapping[str, tuple[str, ...]]) -> None:
    for name, members in sets.items():
        if name in models:
            raise StoreError(f"catalogue: sets.{name} has the name of a model; rename one of them")
        if unknown := [member for member in members if member not in models]:
            raise StoreError(f"catalogue: sets.{name} names {unknown[0]!r}, which is no model; add or remove it")
