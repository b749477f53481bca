"""Converts a Llama model out of a GGUF file, as llama.cpp writes them: weights, byte-level BPE and chat template."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from ctranslate2.specs import common_spec, transformer_spec

from polygist_service.errors import StoreError
from polygist_service.store.convert.quantisation import INT8_LIMIT, Array, quantise
from polygist_service.store.isolation import opening

Metadata = Mapping[str, Any]

ARCHITECTURE = "llama"
TOKENIZER_MODEL = "gpt2"  # llama.cpp's name for byte-level BPE
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


def convert_gguf(files: Mapping[str, Path], folder: Path, *, compute_type: str, int8_limit: int = INT8_LIMIT) -> None:
    """Write the decoder that CTranslate2 loads, its tokenizer and its chat template, all out of the one file.

    Args:
        files: ``model``, the GGUF file.
        folder: an empty folder.
        compute_type: the type of the stored weights, as CTranslate2 names it.
        int8_limit: the largest magnitude of 8-bit weights.

    Raises:
        StoreError: the model is of another architecture, its tokenizer is none that is known here, or it has no chat
            template.
    """
    reader = gguf.GGUFReader(opening(files["model"]))
    metadata = {name: field.contents() for name, field in reader.fields.items()}
    expect_llama(metadata)
    special = name_special_tokens(metadata)
    spec = build_spec(Weights(reader), metadata)
    spec.register_vocabulary(read_tokens(metadata))
    spec.config.eos_token = special[EOS]
    spec.config.bos_token = special.get("bos_token", special[EOS])
    spec.config.unk_token = special.get(UNKNOWN, "")
    spec.config.layer_norm_epsilon = metadata["llama.attention.layer_norm_rms_epsilon"]
    quantise(spec, compute_type, int8_limit)
    spec.save(str(folder))
    write_tokenizer(metadata, folder)


class Weights:
    """The tensors of a GGUF file, each to be taken once: what nobody takes is an architecture that nobody knows."""

    def __init__(self, reader: gguf.GGUFReader) -> None:
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def take(self, name: str) -> Array:
        """One tensor in float32, of shape (outputs, inputs) where it is a matrix; raises StoreError without it."""
        if (tensor := self._tensors.pop(name, None)) is None:
            raise StoreError(f"the GGUF file has no tensor {name}; get it again, or take the file of a Llama model")
        return gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)

    def expect_none_left(self) -> None:
        """Raise StoreError for tensors that the model would be wrong without."""
        if left := sorted(self._tensors):
            raise StoreError(f"the GGUF file has {left[0]} ({len(left)} such), which this converter does not read")


def expect_llama(metadata: Metadata) -> None:
    """Raise StoreError for a model that is not calculated as Llama's are."""
    if (architecture := metadata.get("general.architecture")) != ARCHITECTURE:
        raise StoreError(f"the GGUF file holds a {architecture!r}, this converter reads {ARCHITECTURE!r} only")
    if (scaling := metadata.get("llama.rope.scaling.type", "none")) != "none":
        raise StoreError(f"the GGUF file scales its positions ({scaling!r}), which this converter does not read")
    usual = metadata["llama.embedding_length"] // metadata["llama.attention.head_count"]
    if (width := metadata.get("llama.attention.key_length", usual)) != usual:
        raise StoreError(
            f"the GGUF file has heads of {width}, this converter reads {usual} only, the width of the states"
        )


def build_spec(weights: Weights, metadata: Metadata) -> transformer_spec.TransformerDecoderModelSpec:
    """Fill a decoder with the tensors of the file; raises StoreError where one is missing or left over."""
    heads = metadata["llama.attention.head_count"]
    heads_kv = metadata.get("llama.attention.head_count_kv", heads)
    decoder = transformer_spec.TransformerDecoderSpec(
        metadata["llama.block_count"],
        heads,
        activation=common_spec.Activation.SWISH,
        with_encoder_attention=False,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,
        # llama.cpp turns neighbours against each other, and orders the rows of queries and keys for that.
        rotary_interleave=True,
        rotary_base=metadata.get("llama.rope.freq_base", 10_000.0),
        num_heads_kv=None if heads_kv == heads else heads_kv,
    )
    decoder.scale_embeddings = False
    decoder.embeddings.weight = weights.take("token_embd.weight")
    decoder.layer_norm.gamma = weights.take("output_norm.weight")
    tied = "output.weight" not in weights
    decoder.projection.weight = decoder.embeddings.weight if tied else weights.take("output.weight")
    for index, layer in enumerate(decoder.layer):
        _set_layer(layer, weights, f"blk.{index}")
    weights.expect_none_left()
    return transformer_spec.TransformerDecoderModelSpec(decoder)


def _set_layer(layer: transformer_spec.TransformerDecoderLayerSpec, weights: Weights, scope: str) -> None:
    def take(part: str) -> Array:
        return weights.take(f"{scope}.{part}.weight")

    attention, ffn = layer.self_attention, layer.ffn
    attention.layer_norm.gamma = take("attn_norm")
    attention.linear[0].weight = np.concatenate([take("attn_q"), take("attn_k"), take("attn_v")])
    attention.linear[1].weight = take("attn_output")
    ffn.layer_norm.gamma = take("ffn_norm")
    ffn.linear_0.weight = take("ffn_gate")
    ffn.linear_0_noact.weight = take("ffn_up")
    ffn.linear_1.weight = take("ffn_down")


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
    for name, content in (("tokenizer.json", build_tokenizer(metadata)), ("tokenizer_config.json", settings)):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def build_tokenizer(metadata: Metadata) -> dict[str, Any]:
    """What the `tokenizers` library reads; the template, not the tokenizer, puts control tokens around a text.

    Raises:
        StoreError: the texts are cut or joined in a way that is not known here.
    """
    if (model := metadata.get("tokenizer.ggml.model")) != TOKENIZER_MODEL:
        raise StoreError(f"the GGUF file has a tokenizer {model!r}, this converter reads {TOKENIZER_MODEL!r} only")
    if (name := metadata.get("tokenizer.ggml.pre", "gpt-2")) not in PRE_TOKENIZERS:
        known = ", ".join(PRE_TOKENIZERS)
        raise StoreError(f"the GGUF file cuts texts as {name!r}, this converter knows: {known}; take another model")
    tokens = read_tokens(metadata)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list_added_tokens(tokens, metadata["tokenizer.ggml.token_type"]),
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": PRE_TOKENIZERS[name]},
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


def list_added_tokens(tokens: Sequence[str], kinds: Sequence[int]) -> list[dict[str, Any]]:
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
