"""What lies in the repository of a published model, and what its files say of the model."""

import json
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from os import SEEK_CUR
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.families import Family, window_cost
from polygist_service.store.description import Description

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
# The pieces that CTranslate2 chooses among for each piece of a source, where a converted model has such a map.
VOCABULARY_MAP = "vmap.txt"
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
# A model has some hundreds, those of the largest some thousands.
MOST_VARIABLES = 100_000
# What a tokenizer says that has no window.
BOUNDLESS = 1_000_000


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
        return next((name for name in self.choose((WEIGHTS, INDEX), (PICKLE, PICKLE_INDEX)) if "index" in name), None)

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
        return self.choose((WEIGHTS,), (PICKLE,))[:1]

    def choose(self, *kinds: tuple[str, ...]) -> list[str]:
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
    except (ValueError, RecursionError) as error:
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
            try:
                tokens = json.loads(listed.read_text(encoding="utf-8"))
            except (ValueError, RecursionError) as error:
                raise StoreError(f"{listed} is no JSON ({error}); get it again") from error
            if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens):
                return tokens
            raise StoreError(f"{listed} is no list of tokens; get it again")
        if lined.exists():
            return lined.read_text(encoding="utf-8").split("\n")[:-1]
    return []


class Variable(NamedTuple):
    """A variable of a ``model.bin``: its shape, and where its bytes begin and how many they are."""

    shape: tuple[int, ...]
    place: int
    size: int


def read_outline(weights: BinaryIO) -> dict[str, Variable]:
    """The variables in a ``model.bin``, by their names and aliases; the numbers themselves are skipped.

    The file is as ``_serialize`` in ``ctranslate2/specs/model_spec.py`` writes it: version, name and revision of the
    architecture, variables (name, shape, type, bytes), aliases.

    Raises:
        ValueError, KeyError, struct.error: it is damaged.
    """

    def take(layout: str) -> tuple[int, ...]:
        return struct.unpack(f"<{layout}", weights.read(struct.calcsize(f"<{layout}")))

    def take_name() -> str:
        (length,) = take("H")
        return weights.read(length).rstrip(b"\0").decode()

    take("I"), take_name(), take("I")
    variables = {}
    (count,) = take("I")
    if count > MOST_VARIABLES:
        raise ValueError(f"{count} variables")
    for _ in range(count):
        name, (rank,) = take_name(), take("B")
        shape, (_type, size) = take(f"{rank}I"), take("BI")
        variables[name] = Variable(shape, weights.tell(), size)
        weights.seek(size, SEEK_CUR)
    (count,) = take("I")
    if count > MOST_VARIABLES:
        raise ValueError(f"{count} aliases")
    for _ in range(count):
        alias, name = take_name(), take_name()
        variables[alias] = variables[name]
    return variables


def count_positions(weights: Path) -> tuple[int, int]:
    """How many positions the encoder and the decoder of a ``model.bin`` have encodings for; 0 for a side without.

    A damaged file has none: its verification, which reads it whole, says what is wrong.
    """
    try:
        with weights.open("rb") as opened:
            variables = read_outline(opened)
        encodings = [variables.get(f"{side}/position_encodings/encodings") for side in ("encoder", "decoder")]
        sides = [each.shape[0] if each else 0 for each in encodings]
    except (OSError, ValueError, LookupError, struct.error):
        return 0, 0
    return sides[0], sides[1]


def fit_to_files(description: Description, folder: Path) -> Description:
    """The description of a converted model, held to the positions that its weights have, and to its vocabulary map.

    CTranslate2 raises on the first token beyond the positions, of a text as of an output; without a map it chooses
    among the whole vocabulary, and says nothing.
    """
    encoder, decoder = count_positions(folder / CONVERTED)
    fitting: dict[str, Any] = {"encoder_positions": encoder, "decoder_positions": decoder}
    fitting["shortlist"] = description.shortlist and (folder / VOCABULARY_MAP).exists()
    if encoder:
        # A prefix has no more tokens than bytes, and the space that some tokenizers put before it.
        prefix = len(description.text_prefix.encode()) + 1 if description.text_prefix else 0
        window = encoder - window_cost(description.source_layout) - prefix
        fitting["max_input_tokens"] = max(1, min(description.max_input_tokens, window))
    if decoder:
        most = decoder - len(description.target_layout)
        fitting["max_output_tokens"] = min(description.max_output_tokens, most)
        fitting["min_output_tokens"] = min(description.min_output_tokens, most)
    return replace(description, **fitting)


def describe(name: str, family: Family, settings: Mapping[str, Any], contents: Contents, folder: Path) -> Description:
    """Describe a model that lies converted in `folder`.

    What `settings` say goes over what the model's files say, and that over the family's defaults.

    Raises:
        StoreError: its languages cannot be told, its sentences are embedded in a way that the engine does not know, or
            a value is none that a model has.
    """
    vocabulary = read_vocabulary(folder)
    tokens = family.read_languages(vocabulary)
    found = {**read_generation(family, contents, vocabulary), **read_pooling(name, contents)}
    known = {**family.settings, **found, **settings}
    known.setdefault("display_name", name)
    known.setdefault("license", "unknown")
    known["language_tokens"] = tokens
    sources, targets = tell_languages(name, family, known, tokens)
    known |= {"source_languages": sources, "target_languages": targets}
    known["max_input_tokens"] = tell_window(known, settings, contents)
    try:
        description = Description.from_json(Description(name=name, family=family.name, **known).to_json())
    except ValueError as error:
        raise StoreError(f"the files of {name} describe no model ({error}); take another revision") from error
    return fit_to_files(description, folder)


def tell_languages(
    name: str, family: Family, known: Mapping[str, Any], tokens: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The languages that it reads and those that it writes."""
    named = family.read_name(name) or ((), ())
    sources = known.get("source_languages") or named[0] or (tuple(tokens) if family.reads_all else ())
    if known["role"] == "encoder":
        return tuple(sources or ("und",)), ()
    targets = known.get("target_languages") or tuple(tokens) or named[1]
    if known["role"] == "summarisation":
        sources = sources or ("en",)
        return tuple(sources), tuple(targets or sources)
    for side, flag, languages in (("reads", "--from", sources), ("writes", "--to", targets)):
        if not languages:
            raise StoreError(f"cannot tell which languages {name} {side}; give {flag}, such as {flag} en,pt")
    layouts = (*known.get("source_layout", ()), *known.get("target_layout", ()))
    lacking = [tag for tag in targets if tokens and "{target}" in layouts and tag not in tokens]
    if lacking:
        raise StoreError(f"{name} has no token for {', '.join(lacking)}; it has: {', '.join(tokens)}")
    return tuple(sources), tuple(targets)


def tell_window(known: Mapping[str, Any], settings: Mapping[str, Any], contents: Contents) -> int:
    """The window, no larger than the model has positions for, without what the layout adds."""
    positions = [contents.config.get(key) for key in ("max_position_embeddings", "n_positions")]
    positions.append(contents.facts.get("tokenizer_config.json", {}).get("model_max_length"))
    bounds = [int(each) for each in positions if isinstance(each, int | float) and 0 < each < BOUNDLESS]
    wanted = int(settings.get("max_input_tokens") or known["max_input_tokens"])
    return max(1, min([wanted, *bounds]) - window_cost(known.get("source_layout", ("{text}",))))


def read_generation(family: Family, contents: Contents, vocabulary: Sequence[str]) -> dict[str, Any]:
    """How it generates, as its own settings have it."""
    found: dict[str, Any] = {}
    if family.settings.get("role") == "summarisation":
        wanted = {
            "max_output_tokens": "max_length",
            "min_output_tokens": "min_length",
            "no_repeat_ngram_size": "no_repeat_ngram_size",
            "repetition_penalty": "repetition_penalty",
            "length_penalty": "length_penalty",
        }
        found = {name: contents.fact(key) for name, key in wanted.items() if contents.fact(key)}
    beams = contents.fact("num_beams")
    if isinstance(beams, int) and beams > 1:
        found["quality_beam_size"] = beams
    if contents.facts.get("generation_config.json") and "{target}" not in family.settings.get("target_layout", ()):
        forced = contents.fact("forced_bos_token_id")
        found["target_layout"] = find_tokens(vocabulary, [forced])
    ends = contents.fact("eos_token_id")
    if isinstance(ends, list) and len(ends) > 1:
        found["end_tokens"] = find_tokens(vocabulary, ends)
    return found


def find_tokens(vocabulary: Sequence[str], numbers: Sequence[object]) -> tuple[str, ...]:
    """The tokens of some numbers, as far as there are any."""
    known = [each for each in numbers if type(each) is int and 0 <= each < len(vocabulary)]
    return tuple(vocabulary[each] for each in known)


def read_pooling(name: str, contents: Contents) -> dict[str, str]:
    """How an encoder's states become one vector, where its published files say so."""
    modes = {key for key, value in contents.facts.get(POOLING, {}).items() if key.startswith("pooling_mode_") and value}
    if not modes:
        return {}
    known = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}
    if len(modes) > 1 or not modes <= known.keys():
        raise StoreError(
            f"{name} pools by {', '.join(sorted(modes))}; sentence encoders are pooled by their mean or cls"
        )
    return {"pooling": known[modes.pop()]}
