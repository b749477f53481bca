"""Converts a Bergamot student to CTranslate2, its SSRU decoder replaced by a self-attention decoder.

CTranslate2 has no SSRU. The adapter holds decoder weights that were distilled from the student's own decoder, with
rotary self-attention in the place of the recurrence; encoder, embeddings and vocabulary stay the student's.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import safetensors
import sentencepiece
from ctranslate2.specs import attention_spec, common_spec, transformer_spec
from numpy.typing import NDArray
from safetensors.numpy import load_file

from polygist_service.errors import StoreError
from polygist_service.store.convert.bergamot_files import (
    EMBEDDINGS,
    Shortlist,
    Student,
    Weights,
    read_shortlist,
    read_student,
)
from polygist_service.store.convert.quantisation import quantise, set_linear, set_norm

LayerSpec = transformer_spec.TransformerEncoderLayerSpec | transformer_spec.TransformerDecoderLayerSpec

# Options of the student that the conversion relies on.
EXPECTED_OPTIONS = {
    "type": "transformer",
    "transformer-decoder-autoreg": "rnn",
    "dec-cell": "ssru",
    "tied-embeddings-all": "true",
    "transformer-ffn-activation": "relu",
    "transformer-preprocess": "",
    "transformer-postprocess": "dan",
    "transformer-postprocess-emb": "d",
}
ADAPTER_FORMAT = "polygist-attention-decoder"
# Longer than any window; positions are not learnt, so their number costs only space.
POSITIONS = 512
# The candidates of a segment are joined over its batch, so what else is in the batch can change its output. With
# 8,000 pieces always in, 98 % of the outputs stay the same, at 1.6 times the speed of the full vocabulary.
ALWAYS_IN = 8_000


def convert_bergamot(files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None:
    """Write the model that CTranslate2 loads, its ``vmap.txt`` and ``tokenizer.spm``.

    Args:
        files: ``model`` and ``shortlist`` (Bergamot's binaries), ``vocabulary`` (SentencePiece), ``adapter``.
        folder: an empty folder.
        compute_type: the type of the stored weights, as CTranslate2 names it.

    Raises:
        StoreError: a file is damaged or of another architecture.
    """
    student = read_student(files["model"])
    _check_options(student)
    pieces = _read_pieces(files["vocabulary"])
    spec = _build_spec(student, _read_adapter(files["adapter"]))
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    quantise(spec, compute_type)
    spec.save(str(folder))
    shutil.copyfile(files["vocabulary"], folder / "tokenizer.spm")
    _write_vocabulary_map(read_shortlist(files["shortlist"]), pieces, folder / "vmap.txt")


def _check_options(student: Student) -> None:
    for option, expected in EXPECTED_OPTIONS.items():
        if (value := student.options.get(option)) != expected:
            raise StoreError(f"the student has {option}={value!r}, this converter reads {expected!r} only")


def _read_pieces(path: Path) -> list[str]:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [processor.id_to_piece(index) for index in range(processor.get_piece_size())]


def _read_adapter(path: Path) -> Weights:
    with safetensors.safe_open(path, "numpy") as opened:
        form = (opened.metadata() or {}).get("format")
    if form != ADAPTER_FORMAT:
        raise StoreError(f"{path.name} has format {form!r} in its metadata, not {ADAPTER_FORMAT!r}: it is no adapter")
    return {name: weight.astype(np.float32) for name, weight in load_file(path).items()}


def _build_spec(student: Student, adapter: Weights) -> transformer_spec.TransformerSpec:
    embeddings = student.weights[EMBEDDINGS]
    heads = int(student.options["transformer-heads"])
    head_dimension = embeddings.shape[1] // heads
    relu = common_spec.Activation.RELU
    encoder = transformer_spec.TransformerEncoderSpec(
        int(student.options["enc-depth"]), heads, pre_norm=False, activation=relu
    )
    decoder = transformer_spec.TransformerDecoderSpec(
        int(student.options["dec-depth"]),
        heads,
        pre_norm=False,
        activation=relu,
        rotary_dim=head_dimension,
        rotary_interleave=False,
        num_heads_kv=heads,
    )
    encoder.embeddings[0].weight = decoder.embeddings.weight = embeddings
    encoder.position_encodings.encodings = make_positions(POSITIONS, embeddings.shape[1])
    decoder.start_from_zero_embedding = True
    decoder.projection.weight = embeddings
    decoder.projection.bias = adapter["decoder_ff_logit_out_b"]
    for index, encoder_layer in enumerate(encoder.layer, start=1):
        _set_layer(encoder_layer, student.weights, f"encoder_l{index}")
    for index, decoder_layer in enumerate(decoder.layer, start=1):
        _set_layer(decoder_layer, adapter, f"decoder_l{index}")
        _set_cross_attention(decoder_layer.attention, adapter, f"decoder_l{index}_context")
    spec = transformer_spec.TransformerSpec(encoder, decoder)
    spec.config.add_source_eos = True
    return spec


def make_positions(count: int, dimension: int) -> NDArray[np.float32]:
    """Marian's sinusoids: sines in the first half, cosines in the second.

    CTranslate2's Marian converter divides by `dimension / 2` where Marian divides by one less.
    """
    half = dimension // 2
    rates = np.exp(np.arange(half) * -(np.log(10_000.0) / (half - 1)))
    angles = np.arange(count)[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def _set_layer(layer: LayerSpec, weights: Weights, scope: str) -> None:
    _set_linears(layer.self_attention.linear, weights, f"{scope}_self", ("qkv", "o"))
    set_norm(layer.self_attention.layer_norm, *_norm(weights, f"{scope}_self_Wo"))
    _set_linears([layer.ffn.linear_0, layer.ffn.linear_1], weights, f"{scope}_ffn", ("1", "2"))
    set_norm(layer.ffn.layer_norm, *_norm(weights, f"{scope}_ffn_ffn"))


def _set_cross_attention(attention: attention_spec.MultiHeadAttentionSpec, weights: Weights, scope: str) -> None:
    _set_linears(attention.linear, weights, scope, ("q", "kv", "o"))
    set_norm(attention.layer_norm, *_norm(weights, f"{scope}_Wo"))


def _set_linears(
    linears: Sequence[common_spec.LinearSpec], weights: Weights, scope: str, suffixes: Sequence[str]
) -> None:
    """Fill one linear for each of `suffixes`; a suffix of several letters is that many matrices fused."""
    for linear, letters in zip(linears, suffixes, strict=True):
        set_linear(linear, [(weights[f"{scope}_W{x}"].T, weights[f"{scope}_b{x}"]) for x in letters])


def _norm(weights: Weights, scope: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return weights[f"{scope}_ln_scale"], weights[f"{scope}_ln_bias"]


def _write_vocabulary_map(shortlist: Shortlist, pieces: Sequence[str], path: Path) -> None:
    """Write CTranslate2's ``vmap.txt``: a source piece, a tab, its target pieces; the first line is for all."""
    if len(shortlist) != len(pieces):
        raise StoreError(f"the shortlist is for {len(shortlist)} pieces, the vocabulary has {len(pieces)}")
    with path.open("w", encoding="utf-8") as output:
        output.write("\t" + " ".join(pieces[:ALWAYS_IN]) + "\n")
        for source, piece in enumerate(pieces):
            targets = shortlist[source]
            candidates = [pieces[target] for target in targets[targets >= ALWAYS_IN]]
            if candidates:
                output.write(f"{piece}\t{' '.join(candidates)}\n")
