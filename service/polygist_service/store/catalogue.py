"""The models that can be installed: what each is, where its files come from and how they are converted."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polygist_service.errors import StoreError
from polygist_service.store.converters import CONVERTERS
from polygist_service.store.sources import SOURCES, Source, SourceFile
from polygist_service.store.tables import Table, merge

SHIPPED = Path(__file__).with_name("catalogue.toml")
ROLES = ("translation", "encoder", "summarisation")
TOKENIZERS = ("sentencepiece", "wordpiece")
COMPUTE_TYPES = ("int8", "float32")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class CatalogueEntry:
    """One model.

    Attributes:
        role: what it is for, as `ROLES` spells it.
        target_languages: none for an encoder.
        license: SPDX expression or the licence's name.
        files: what the converter needs, by its names for them.
        max_input_tokens: the window.
        quality_beam_size: the beam of the QUALITY preset.
        shortlist: whether the converted model has a vocabulary map.
        compute_type: of the stored weights, as CTranslate2 names it.
        golden_text: a text that the loaded model must have an answer to.
    """

    name: str
    display_name: str
    role: str
    source_languages: tuple[str, ...]
    target_languages: tuple[str, ...]
    license: str
    source: Source
    files: tuple[SourceFile, ...]
    converter: str
    tokenizer: str
    max_input_tokens: int
    quality_beam_size: int
    shortlist: bool
    compute_type: str
    golden_text: str

    @property
    def recipe(self) -> str:
        """Digest of all that decides what the converted files hold, except the converter's version."""
        parts = [self.converter, self.compute_type, sorted((file.key, file.sha256) for file in self.files)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Catalogue:
    """All models by name, and sets of them that are installed together."""

    models: Mapping[str, CatalogueEntry]
    sets: Mapping[str, tuple[str, ...]]

    def entry(self, name: str) -> CatalogueEntry:
        """The model of that name; raises StoreError, naming those there are."""
        if name not in self.models:
            raise StoreError(f"the catalogue has no model {name!r}; it has: {', '.join(self.models)}")
        return self.models[name]

    def select(self, names: Sequence[str]) -> tuple[CatalogueEntry, ...]:
        """The models of these names, names of sets replaced by their members, each model once.

        Raises:
            StoreError: neither a model nor a set has such a name.
        """
        selected = dict.fromkeys(member for name in names for member in self.sets.get(name, (name,)))
        if unknown := [name for name in selected if name not in self.models]:
            known = f"models {', '.join(self.models)}; sets {', '.join(self.sets)}"
            raise StoreError(f"the catalogue has no model or set {unknown[0]!r}; it has: {known}")
        return tuple(self.models[name] for name in selected)


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
    sources = _read_sources(root.table("sources"))
    catalogue = _read_models(root.table("models"), sources), _read_sets(root.table("sets"))
    root.close()
    _check_sets(*catalogue)
    return Catalogue(*catalogue)


def _read_sources(table: Table) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for name in table:
        inner = table.table(name)
        sources[name] = SOURCES[inner.text("kind", among=SOURCES)].read(inner)
        inner.close()
    return sources


def _read_models(table: Table, sources: Mapping[str, Source]) -> dict[str, CatalogueEntry]:
    models = {}
    for name in table:
        inner = table.table(name)
        if not NAME.fullmatch(name):
            raise inner.error("name", name, "lower-case letters, digits and . _ -, as it becomes a folder's name")
        models[name] = _read_entry(name, inner, sources)
        inner.close()
    return models


def _read_entry(name: str, table: Table, sources: Mapping[str, Source]) -> CatalogueEntry:
    converter = table.text("converter", among=CONVERTERS)
    return CatalogueEntry(
        name=name,
        display_name=table.text("display_name"),
        role=table.text("role", among=ROLES),
        source_languages=table.texts("source_languages"),
        target_languages=table.texts("target_languages"),
        license=table.text("license"),
        source=sources[table.text("source", among=sources)],
        files=_read_files(table.table("files"), CONVERTERS[converter].files),
        converter=converter,
        tokenizer=table.text("tokenizer", among=TOKENIZERS),
        max_input_tokens=table.count("max_input_tokens"),
        quality_beam_size=table.count("quality_beam_size"),
        shortlist=table.flag("shortlist"),
        compute_type=table.text("compute_type", among=COMPUTE_TYPES),
        golden_text=table.text("golden_text"),
    )


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
