"""What lies in the repository of a published model, and which of it a conversion needs."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polygist_service.errors import StoreError

POOLING = "1_Pooling/config.json"
# Small files that say what a model is; those that are there are read first.
FACTS = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    POOLING,
)
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLE, PICKLE_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
CONVERTED = "model.bin"
VOCABULARIES = (
    "shared_vocabulary.json",
    "source_vocabulary.json",
    "target_vocabulary.json",
    "vocabulary.json",
    "shared_vocabulary.txt",
    "source_vocabulary.txt",
    "target_vocabulary.txt",
    "vocabulary.txt",
)
# What published tokenizers are made of, whatever the family.
TOKENIZER_FILES = (
    "tokenizer.json",
    "source.spm",
    "target.spm",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "spm.model",
    "sentencepiece.model",
)


@dataclass(frozen=True)
class Contents:
    """The files of a repository, sorted into what they are for.

    Attributes:
        facts: the small files of `FACTS` by name, parsed where they are JSON.
    """

    files: frozenset[str]
    facts: Mapping[str, Any]

    @property
    def is_converted(self) -> bool:
        """Whether CTranslate2 can load it as it is."""
        return CONVERTED in self.files and any(name in self.files for name in VOCABULARIES)

    @property
    def vocabularies(self) -> list[str]:
        """The vocabularies of a converted model."""
        return [name for name in VOCABULARIES if name in self.files]

    @property
    def tokenizer_files(self) -> list[str]:
        """The files that its tokenizer is made of."""
        return [name for name in TOKENIZER_FILES if name in self.files]

    @property
    def config(self) -> Mapping[str, Any]:
        """Its ``config.json``."""
        config: Mapping[str, Any] = self.facts.get("config.json", {})
        return config

    @property
    def tokenizer_class(self) -> str:
        """The class that its ``tokenizer_config.json``, or else its ``config.json``, names."""
        named = self.facts.get("tokenizer_config.json", {}).get("tokenizer_class") or self.config.get("tokenizer_class")
        return str(named or "")

    def fact(self, key: str) -> Any:
        """A setting of how it generates, from ``generation_config.json`` or else ``config.json``."""
        generation = self.facts.get("generation_config.json", {})
        value = generation.get(key)
        return self.config.get(key) if value is None else value

    def expect_model(self, name: str) -> None:
        """Raise StoreError where there is nothing that could be a model."""
        weights = (WEIGHTS, INDEX, PICKLE, PICKLE_INDEX)
        if not self.is_converted and not any(each in self.files for each in weights):
            raise StoreError(
                f"{name} is no published model: it has neither {CONVERTED} with a vocabulary, nor {WEIGHTS}, nor "
                f"{PICKLE}; take another folder or repository, or name a revision that has one, such as @refs/pr/1"
            )

    def weights_index(self) -> str | None:
        """The file that lists the shards of the weights, if they are in shards; safetensors go first."""
        return next((name for name in self._choose((WEIGHTS, INDEX), (PICKLE, PICKLE_INDEX)) if "index" in name), None)

    def weights(self, index: Path | None) -> list[str]:
        """The paths of the weights, safetensors where there are any.

        Args:
            index: what `weights_index` names, fetched.

        Raises:
            StoreError: the index names weights that are not there.
        """
        if index is not None:
            shards = sorted(set(read_json(index).get("weight_map", {}).values()))
            if not shards or not set(shards) <= self.files:
                raise StoreError(f"{index.name} names weights that are not there; pull another revision")
            return [str(shard) for shard in shards]
        return self._choose((WEIGHTS,), (PICKLE,))[:1]

    def _choose(self, *kinds: tuple[str, ...]) -> list[str]:
        """The names of the first kind that has any here."""
        return next((found for kind in kinds if (found := [name for name in kind if name in self.files])), [])


def read_contents(files: Collection[str], fetched: Mapping[str, Path]) -> Contents:
    """Sort the files of a repository; `fetched` are those of `FACTS` that are there."""
    facts = {
        name: read_json(path) if path.suffix == ".json" else path.read_text(encoding="utf-8")
        for name, path in fetched.items()
    }
    return Contents(frozenset(files), facts)


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object; raises StoreError where it is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise StoreError(
            f"{path.name} is no JSON ({error}); the repository is damaged, pull another revision"
        ) from error
    if not isinstance(value, dict):
        raise StoreError(f"{path.name} is no JSON object; the repository is damaged, pull another revision")
    return value


def read_vocabulary(folder: Path) -> list[str]:
    """The tokens of a converted model in their order; those of its encoder where its decoder has others."""
    for name in ("source_vocabulary", "shared_vocabulary", "vocabulary"):
        listed, lined = folder / f"{name}.json", folder / f"{name}.txt"
        if listed.exists():
            tokens = json.loads(listed.read_text(encoding="utf-8"))
            if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens):
                return tokens
            raise StoreError(f"{listed} is no list of tokens; get it again")
        if lined.exists():
            return lined.read_text(encoding="utf-8").split("\n")[:-1]
    return []
