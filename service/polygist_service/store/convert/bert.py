"""Converts a BERT sentence encoder (safetensors, Hugging Face's names) to CTranslate2."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ctranslate2.specs import common_spec, transformer_spec
from safetensors.numpy import load_file

from polygist_service.errors import StoreError
from polygist_service.store.convert.quantisation import INT8_LIMIT, Array, quantise, set_linear, set_norm
from polygist_service.store.isolation import opening

EXPECTED_SETTINGS = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}


def convert_bert(files: Mapping[str, Path], folder: Path, *, compute_type: str, int8_limit: int = INT8_LIMIT) -> None:
    """Write the encoder that CTranslate2 loads and its ``tokenizer.json``; the pooler, which nobody asks, is left out.

    Args:
        files: ``model`` (safetensors), ``settings`` (``config.json``), ``tokenizer`` (``tokenizer.json``).
        folder: an empty folder.
        compute_type: the type of the stored weights, as CTranslate2 names it.
        int8_limit: the largest magnitude of 8-bit weights.

    Raises:
        StoreError: the model is of another architecture.
    """
    settings = json.loads(files["settings"].read_text(encoding="utf-8"))
    for key, expected in EXPECTED_SETTINGS.items():
        if (value := settings.get(key)) != expected:
            raise StoreError(f"the encoder has {key}={value!r}, this converter reads {expected!r} only")
    vocabulary = json.loads(opening(files["tokenizer"]).read_text(encoding="utf-8"))["model"]["vocab"]
    spec = build_spec(load_file(opening(files["model"])), settings)
    spec.register_vocabulary(sorted(vocabulary, key=vocabulary.__getitem__))
    spec.config.unk_token = "[UNK]"
    spec.config.layer_norm_epsilon = settings["layer_norm_eps"]
    quantise(spec, compute_type, int8_limit)
    spec.save(str(folder))
    shutil.copyfile(files["tokenizer"], folder / "tokenizer.json")


def build_spec(
    weights: Mapping[str, Array], settings: Mapping[str, int]
) -> transformer_spec.TransformerEncoderModelSpec:
    """Fill an encoder with the weights, under Hugging Face's names."""
    encoder = transformer_spec.TransformerEncoderSpec(
        settings["num_hidden_layers"],
        settings["num_attention_heads"],
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = weights["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = weights["embeddings.position_embeddings.weight"]
    set_norm(encoder.layernorm_embedding, *_pair(weights, "embeddings.LayerNorm"))
    for index, layer in enumerate(encoder.layer):
        _set_layer(layer, weights, f"encoder.layer.{index}")
    return transformer_spec.TransformerEncoderModelSpec(encoder)


def _set_layer(layer: transformer_spec.TransformerEncoderLayerSpec, weights: Mapping[str, Array], scope: str) -> None:
    attention: Sequence[str] = [f"{scope}.attention.self.{part}" for part in ("query", "key", "value")]
    set_linear(layer.self_attention.linear[0], [_pair(weights, part) for part in attention])
    set_linear(layer.self_attention.linear[1], [_pair(weights, f"{scope}.attention.output.dense")])
    set_norm(layer.self_attention.layer_norm, *_pair(weights, f"{scope}.attention.output.LayerNorm"))
    set_linear(layer.ffn.linear_0, [_pair(weights, f"{scope}.intermediate.dense")])
    set_linear(layer.ffn.linear_1, [_pair(weights, f"{scope}.output.dense")])
    set_norm(layer.ffn.layer_norm, *_pair(weights, f"{scope}.output.LayerNorm"))


def _pair(weights: Mapping[str, Array], name: str) -> tuple[Array, Array]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]
