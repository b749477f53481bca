"""From a published model's own settings to its description."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.families import Family, window_cost
from polygist_service.store.convert.contents import POOLING, Contents, read_vocabulary
from polygist_service.store.description import Description

# What a tokenizer says that has no window.
BOUNDLESS = 1_000_000


def describe(name: str, family: Family, settings: Mapping[str, Any], contents: Contents, folder: Path) -> Description:
    """Describe a model that lies converted in `folder`.

    What `settings` say goes over what the model's files say, and that over the family's defaults.

    Raises:
        StoreError: its languages cannot be told, or its sentences are embedded in a way that the engine does not know.
    """
    vocabulary = read_vocabulary(folder)
    tokens = family.read_languages(vocabulary)
    found = {**_read_generation(family, contents, vocabulary), **_read_pooling(name, contents)}
    known = {**family.defaults, **found, **settings}
    known.setdefault("display_name", name)
    known.setdefault("license", "unknown")
    known["language_tokens"] = tokens
    sources, targets = _tell_languages(name, family, known, tokens)
    known |= {"source_languages": sources, "target_languages": targets}
    known["max_input_tokens"] = _tell_window(known, settings, contents)
    return Description(name=name, family=family.name, **known)


def _tell_languages(
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
    lacking = [tag for tag in targets if tokens and "{target}" in _layouts(known) and tag not in tokens]
    if lacking:
        raise StoreError(f"{name} has no token for {', '.join(lacking)}; it has: {', '.join(tokens)}")
    return tuple(sources), tuple(targets)


def _layouts(known: Mapping[str, Any]) -> Sequence[str]:
    return (*known.get("source_layout", ()), *known.get("target_layout", ()))


def _tell_window(known: Mapping[str, Any], settings: Mapping[str, Any], contents: Contents) -> int:
    """The window, no larger than the model has positions for, without what the layout adds."""
    positions = [contents.config.get(key) for key in ("max_position_embeddings", "n_positions")]
    positions.append(contents.facts.get("tokenizer_config.json", {}).get("model_max_length"))
    bounds = [int(each) for each in positions if isinstance(each, int | float) and 0 < each < BOUNDLESS]
    wanted = int(settings.get("max_input_tokens") or known["max_input_tokens"])
    return max(1, min([wanted, *bounds]) - window_cost(known.get("source_layout", ("{text}",))))


def _read_generation(family: Family, contents: Contents, vocabulary: Sequence[str]) -> dict[str, Any]:
    """How it generates, as its own settings have it."""
    found: dict[str, Any] = {}
    if family.defaults.get("role") == "summarisation":
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
    if contents.facts.get("generation_config.json") and "{target}" not in family.defaults.get("target_layout", ()):
        forced = contents.fact("forced_bos_token_id")
        found["target_layout"] = (vocabulary[forced],) if isinstance(forced, int) else ()
    ends = contents.fact("eos_token_id")
    if isinstance(ends, list) and len(ends) > 1:
        found["end_tokens"] = tuple(vocabulary[end] for end in ends if end < len(vocabulary))
    return found


def _read_pooling(name: str, contents: Contents) -> dict[str, str]:
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
