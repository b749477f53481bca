"""The data that is measured on: files in one folder, each of which may be missing."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Reads lines and records; what is not there is empty, and remembered in `missing`.

    Args:
        path: the folder.
        missing: the files that were asked for and are not there, in order.
    """

    path: Path
    missing: list[str] = field(default_factory=list)

    def lines(self, name: str) -> list[str]:
        """The lines of a text file."""
        # Not `splitlines`: that splits at characters that stand inside a sentence, and lines would lose their partners.
        return self._text(name).removesuffix("\n").split("\n") if self.has(name) else []

    def records(self, name: str) -> list[Record]:
        """The objects of a JSON Lines file."""
        return [json.loads(line) for line in self.lines(name)]

    def document(self, name: str) -> Record:
        """The object of a JSON file."""
        return dict(json.loads(self._text(name))) if self.has(name) else {}

    def has(self, name: str) -> bool:
        """Whether a file is there; remembers it where it is not."""
        is_there = (self.path / name).is_file()
        if not is_there and name not in self.missing:
            self.missing.append(name)
        return is_there

    def _text(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class ParallelSet:
    """One translation set in one direction.

    Attributes:
        name: such as "pud".
        source: language of `sources`, such as "en".
        references: one or more lists as long as `sources`.
        note: what to know when reading its figures.
    """

    name: str
    source: str
    target: str
    sources: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def direction(self) -> str:
        """Such as "en-pt"."""
        return f"{self.source}-{self.target}"


@dataclass(frozen=True, slots=True)
class SetFiles:
    """Where a translation set lies: endings of the files of both sides.

    Attributes:
        portuguese: the Portuguese sides: all are references, and the last is what is translated from.
        step: every so many lines are taken.
    """

    name: str
    portuguese: tuple[str, ...]
    step: int = 1
    note: str = ""


# The large set is of short, easy sentences: a seventh of it tells as much, and leaves time for the others.
TRANSLATION = (
    SetFiles("ntrex128", ("pt", "pt-BR"), note="into pt: 2 references; from pt-BR"),
    SetFiles("flores_devtest", ("pt",)),
    SetFiles("flores_dev", ("pt",)),
    SetFiles("tico19", ("pt-BR",)),
    SetFiles("pud", ("pt-BR",)),
    SetFiles("tatoeba_2021_08_07", ("pt",), step=7, note="every 7th line; the models may have seen it in training"),
)


def read_translation_sets(data: DataFolder) -> list[ParallelSet]:
    """All translation sets that are there, each in both directions; raises ValueError where lines do not pair."""
    return [direction for files in TRANSLATION for direction in _read_both_directions(data, files)]


def _read_both_directions(data: DataFolder, files: SetFiles) -> list[ParallelSet]:
    names = [f"translation/{files.name}.{ending}.txt" for ending in ("en", *files.portuguese)]
    if not all([data.has(name) for name in names]):
        return []
    sides = [data.lines(name) for name in names]
    if len({len(side) for side in sides}) > 1:
        counts = ", ".join(f"{name} {len(side)}" for name, side in zip(names, sides, strict=True))
        raise ValueError(f"the files of {files.name} have different numbers of lines: {counts}")
    english, *portuguese = (tuple(side[:: files.step]) for side in sides)
    return [
        ParallelSet(files.name, "en", "pt", english, tuple(portuguese), files.note),
        ParallelSet(files.name, "pt", "en", portuguese[-1], (english,), files.note),
    ]
