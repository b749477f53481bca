"""A store without files, and models without weights: what a registry needs to load, unload and replace."""

import os
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Encoding, Hypothesis, Result
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.residency.loader import Loader
from polygist_service.errors import StoreError
from polygist_service.store.description import Description, InstalledModel, Inventory
from polygist_service.store.seams import KeptSeams


@dataclass(frozen=True)
class Shop:
    """Answers as `engine.interface.Offers` does.

    Attributes:
        names: of all models.
        pairs: the models of one pair.
        many: the model of many languages, and these.
        guesses: the pairs that there may be a model of.
        readers: the models for a role and a language.
    """

    names: tuple[str, ...] = ()
    pairs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    many: tuple[str, frozenset[str]] = ("", frozenset())
    guesses: Mapping[tuple[str, str], str] = field(default_factory=dict)
    readers: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def has(self, name):
        return name in self.names

    def translation(self, source, target):
        return self.pairs.get((source, target))

    def multilingual(self, source, target):
        name, languages = self.many
        return name if {source, target} <= languages else None

    def guess(self, source, target):
        return self.guesses.get((source, target))

    def reader(self, role, language):
        return self.readers.get((role, language))


class Shelf:
    """Answers as `store.home.Store` does, and opens its models itself.

    Attributes:
        opened: ``name@revision`` of every load.
        gate: loads wait for it.
        faulty: names of models that do not load, with the reason.
        damaged: names of models whose files are not what they were.
        unreadable: names of models whose manifest cannot be read, with the reason.
        catalogue: what could be installed.
        malformed: why nothing can be read at all.
        most_bytes: of the models that were in memory at the same time.
    """

    def __init__(self, **sizes: int) -> None:
        self._models: dict[str, InstalledModel] = {}
        self._alive: dict[int, int] = {}
        self.opened: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.faulty: dict[str, str] = {}
        self.damaged: set[str] = set()
        self.unreadable: dict[str, str] = {}
        self.catalogue = Shop()
        self.seams = KeptSeams(Path(os.devnull))  # where nothing can be kept
        self.malformed = ""
        self.most_bytes = 0
        for name, size in sizes.items():
            self.put(name.replace("_", "-"), size=size)

    def put(self, name, *, size=100, revision="r1", window=64, folder=Path("nowhere"), role="translation"):
        """Install a model, or another revision of it."""
        entry = Description(
            name=name, display_name=name, role=role, family="bergamot", license="MPL-2.0", source_languages=("en",),
            target_languages=("pt",), tokenizer="sentencepiece", max_input_tokens=window, golden_text="the river",
        )  # fmt: skip
        self._models[name] = InstalledModel(name, entry, folder, revision, size)

    def take(self, name):
        """Remove a model."""
        del self._models[name]

    def look(self):
        if self.malformed:
            raise StoreError(self.malformed)
        names = sorted(self._models.keys() - self.unreadable.keys())
        return Inventory(tuple(self._models[name] for name in names), dict(self.unreadable))

    def find(self, name):
        if name not in self._models:
            raise StoreError(f"no model {name!r} is installed")
        return self._models[name]

    def verify(self, name):
        if name in self.damaged:
            raise StoreError(f"model {name} is damaged")

    def open_model(self, installed, *, slots, placement):
        """A model that answers with its name and revision."""
        assert self.gate.wait(10)
        if reason := self.faulty.get(installed.name):
            raise RuntimeError(reason)
        self.opened.append(f"{installed.name}@{installed.revision}")
        return self.count(WordModel(installed), installed.size_bytes)

    def count(self, model, size):
        """Note that a model takes so many bytes for as long as it lives; returns it."""
        self._alive[id(model)] = size
        weakref.finalize(model, self._alive.pop, id(model))
        self.most_bytes = max(self.most_bytes, sum(self._alive.values()))
        return model

    @property
    def bytes_alive(self):
        """Of the models that are in memory now."""
        return sum(self._alive.values())

    def loader(self, open_model=None):
        """What a registry loads with."""
        return Loader(
            lambda: self,
            slots=1,
            place=lambda installed: Placement(compute_type="int8"),
            open_model=open_model or self.open_model,
        )


class WordModel:
    """Tokens are words; the answer is the text behind name and revision."""

    def __init__(self, installed):
        self._installed = installed

    def tokenise(self, text, options):
        words = text.split()
        return words if len(words) < self._installed.description.max_input_tokens else None

    def batch_limits(self, options):
        return BatchLimits(segments=8, tokens=1024, mixed_segments=8)

    def most_output_tokens(self, batch, options):
        return max(map(len, batch))

    def run(self, batch, options, listener=None):
        assert not isinstance(options, Encoding)
        label = f"{self._installed.name}@{self._installed.revision}"
        return [Result(len(words), (Hypothesis(f"{label} {' '.join(words)}", len(words)),)) for words in batch]

    def count(self, text):
        return len(text.split())

    def unknown_spans(self, text):
        return []
