"""From the metadata of a GGUF file to the tokenizer that the engine reads: a byte-level BPE and a chat template."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf

from polygist_service.errors import StoreError

Metadata = Mapping[str, Any]

MODEL = "gpt2"  # llama.cpp's name for byte-level BPE
EOS, UNKNOWN = "eos_token", "unk_token"
# The names of Hugging Face to those of llama.cpp, the first that a file has. An instruction model's answer ends with
# its turn.
SPECIAL = {
    "bos_token": ("bos_token_id",),
    EOS: ("eot_token_id", "eos_token_id"),
    UNKNOWN: ("unknown_token_id",),
    "pad_token": ("padding_token_id",),
}
DIGITS = {"type": "Digits", "individual_digits": True}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
# What llama.cpp calls the ways to cut a text before its pieces are joined.
PRE_TOKENIZERS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "gpt-2": [BYTES],
    "smollm": [DIGITS, BYTES],
}


def read_tokens(metadata: Metadata) -> Sequence[str]:
    """The vocabulary in the order of its ids."""
    tokens: Sequence[str] = metadata["tokenizer.ggml.tokens"]
    return tokens


def name_special_tokens(metadata: Metadata) -> dict[str, str]:
    """The tokens of special meaning, by Hugging Face's names for them; raises StoreError where nothing ends a text."""
    tokens = read_tokens(metadata)
    named = {}
    for name, keys in SPECIAL.items():
        ids = [metadata[f"tokenizer.ggml.{key}"] for key in keys if f"tokenizer.ggml.{key}" in metadata]
        if ids:
            named[name] = tokens[ids[0]]
    if EOS not in named:
        raise StoreError("the GGUF file names no token that ends a text; take another file of this model")
    return named


def write_tokenizer(metadata: Metadata, folder: Path) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` to `folder`.

    Raises:
        StoreError: the tokenizer is of another kind, or there is no chat template.
    """
    template = metadata.get("tokenizer.chat_template")
    if not isinstance(template, str):
        raise StoreError("the GGUF file has no chat template; take that of an instruction-tuned model")
    settings = {**name_special_tokens(metadata), "chat_template": template}
    for name, content in (("tokenizer.json", _build_tokenizer(metadata)), ("tokenizer_config.json", settings)):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _build_tokenizer(metadata: Metadata) -> dict[str, Any]:
    """What the `tokenizers` library reads; the template, not the tokenizer, puts control tokens around a text."""
    tokens = read_tokens(metadata)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _list_added(tokens, metadata["tokenizer.ggml.token_type"]),
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": _choose_pre_tokenizers(metadata)},
        "post_processor": None,
        "decoder": BYTES,
        "model": {
            "type": "BPE",
            "dropout": None,
            # Bytes without a token are left out: the unknown token of such a model is a control token.
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in metadata["tokenizer.ggml.merges"]],
        },
    }


def _choose_pre_tokenizers(metadata: Metadata) -> Sequence[Mapping[str, Any]]:
    if (model := metadata.get("tokenizer.ggml.model")) != MODEL:
        raise StoreError(f"the GGUF file has a tokenizer {model!r}, this converter reads {MODEL!r} only")
    name = metadata.get("tokenizer.ggml.pre", "gpt-2")
    if name not in PRE_TOKENIZERS:
        known = ", ".join(PRE_TOKENIZERS)
        raise StoreError(f"the GGUF file cuts texts as {name!r}, this converter knows: {known}; take another model")
    return PRE_TOKENIZERS[name]


def _list_added(tokens: Sequence[str], kinds: Sequence[int]) -> list[dict[str, Any]]:
    """The tokens that no joining of pieces makes; control tokens are those that no text may become."""
    whole = (gguf.TokenType.CONTROL, gguf.TokenType.USER_DEFINED)
    return [
        {
            "id": number,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": kind == gguf.TokenType.CONTROL,
        }
        for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind in whole
    ]
