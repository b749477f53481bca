"""Converts a Llama model out of a GGUF file, as llama.cpp writes them, to CTranslate2."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from ctranslate2.specs import common_spec, transformer_spec

from polygist_service.errors import StoreError
from polygist_service.store.convert.gguf_tokenizer import (
    EOS,
    UNKNOWN,
    name_special_tokens,
    read_tokens,
    write_tokenizer,
)
from polygist_service.store.convert.quantisation import Array, quantise

Metadata = Mapping[str, Any]

ARCHITECTURE = "llama"


def convert_gguf(files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None:
    """Write the decoder that CTranslate2 loads, its tokenizer and its chat template, all out of the one file.

    Args:
        files: ``model``, the GGUF file.
        folder: an empty folder.
        compute_type: the type of the stored weights, as CTranslate2 names it.

    Raises:
        StoreError: the model is of another architecture, its tokenizer is none that is known here, or it has no chat
            template.
    """
    reader = gguf.GGUFReader(files["model"])
    metadata = {name: field.contents() for name, field in reader.fields.items()}
    _expect_llama(metadata)
    special = name_special_tokens(metadata)
    spec = _build_spec(Weights(reader), metadata)
    spec.register_vocabulary(read_tokens(metadata))
    spec.config.eos_token = special[EOS]
    spec.config.bos_token = special.get("bos_token", special[EOS])
    spec.config.unk_token = special.get(UNKNOWN, "")
    spec.config.layer_norm_epsilon = metadata["llama.attention.layer_norm_rms_epsilon"]
    quantise(spec, compute_type)
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


def _expect_llama(metadata: Metadata) -> None:
    if (architecture := metadata.get("general.architecture")) != ARCHITECTURE:
        raise StoreError(f"the GGUF file holds a {architecture!r}, this converter reads {ARCHITECTURE!r} only")
    if (scaling := metadata.get("llama.rope.scaling.type", "none")) != "none":
        raise StoreError(f"the GGUF file scales its positions ({scaling!r}), which this converter does not read")
    usual = metadata["llama.embedding_length"] // metadata["llama.attention.head_count"]
    if (width := metadata.get("llama.attention.key_length", usual)) != usual:
        raise StoreError(
            f"the GGUF file has heads of {width}, this converter reads {usual} only, the width of the states"
        )


def _build_spec(weights: Weights, metadata: Metadata) -> transformer_spec.TransformerDecoderModelSpec:
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
