"""What ``polygist-server models`` tells of a model: as JSON, in a row, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polygist_service.store.catalogue.catalogue import CatalogueEntry
    from polygist_service.store.description import InstalledModel
    from polygist_service.store.store import Store

# More languages than these are told by their number.
MOST_NAMED = 4


def to_json(model: InstalledModel, store: Store) -> dict[str, Any]:
    """What is known of an installed model, with the names that the server's own answers have."""
    description = model.description
    return {
        "name": model.name,
        "displayName": description.display_name,
        "installed": True,
        "role": description.role,
        "family": description.family,
        "license": description.license,
        "sourceLanguageCodes": list(description.source_languages),
        "targetLanguageCodes": list(description.target_languages),
        "maxInputTokens": description.max_input_tokens,
        "wordAlignment": bool(description.aligns),
        "computeType": description.compute_type,
        "sizeBytes": model.size_bytes,
        "revision": model.revision,
        "source": dict(store.source(model.name)),
        "folder": str(model.folder.resolve()),
    }


def entry_to_json(entry: CatalogueEntry, store: Store) -> dict[str, Any]:
    """What is known of a model that can be pulled."""
    sources, targets = store.catalogue.languages_of(entry)
    return {
        "name": entry.name,
        "displayName": str(entry.settings.get("display_name", entry.name)),
        "installed": False,
        "role": entry.role,
        "family": entry.family.name if entry.family else "",
        "license": entry.license,
        "sourceLanguageCodes": list(sources),
        "targetLanguageCodes": list(targets),
        "memoryBytes": entry.memory_bytes,
        "source": dict(entry.source),
    }


def write_value(key: str, value: Any) -> str:
    """A fact of a model for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key.endswith("Bytes"):
        return write_size(value) if value else "-"
    if isinstance(value, dict):
        return " ".join(value.values())
    return (",".join(value) if isinstance(value, list) else str(value)) or "-"


def write_size(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / 1e6:.1f} MB" if size < 1e8 else f"{size / 1e6:.0f} MB"


def describe_installed(model: InstalledModel) -> tuple[str, ...]:
    """The row of an installed model, by `COLUMNS`."""
    description = model.description
    languages = name_languages(description.source_languages, description.target_languages)
    shown = write_size(model.size_bytes)
    return model.name, description.role, languages, shown, description.license, model.revision[:12]


def describe_entry(entry: CatalogueEntry, store: Store) -> tuple[str, ...]:
    """The row of a model that can be pulled."""
    languages = name_languages(*store.catalogue.languages_of(entry))
    size = f"~{entry.memory_bytes // 1_000_000} MB" if entry.memory_bytes else "-"
    return entry.name, entry.role, languages, size, entry.license, "no"


def name_languages(sources: Sequence[str], targets: Sequence[str]) -> str:
    """The languages on both sides, many of them as their number; `many` where they are read at the pull."""
    sides = [",".join(each) if len(each) <= MOST_NAMED else f"{len(each)} languages" for each in (sources, targets)]
    if not sources:
        return "many"
    return sides[0] if not targets or sides[0] == sides[1] else ">".join(sides)
