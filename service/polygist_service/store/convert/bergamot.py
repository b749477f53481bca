"""Converts a Bergamot student to CTranslate2, its SSRU decoder replaced by a self-attention decoder.

CTranslate2 has no SSRU. The adapter holds decoder weights that were distilled from the student's own decoder, with
rotary self-attention in the place of the recurrence; encoder, embeddings and vocabulary stay the student's. Its
matrices are stored as the 8-bit rows that the conversion makes of them, which takes less than half the space.

Bergamot's files are little endian. Weights (Marian, ``src/common/binary.cpp``): version, count, headers, names,
shapes, a gap, blocks. Shortlist (Bergamot, ``src/data/shortlist.cpp``): six numbers, one offset a source id, one list
of target ids.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import sentencepiece
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from polygist_service.errors import StoreError
from polygist_service.store.convert.inspect import VOCABULARY_MAP
from polygist_service.store.convert.quantisation import (
    INT8_LIMIT,
    find_peaks,
    quantise,
    quantise_rows,
    restore_rows,
    set_linear,
    set_norm,
)
from polygist_service.store.convert.vocabulary_map import Shortlist, read_candidates, write_vocabulary_map
from polygist_service.store.isolation import opening

Weights = dict[str, NDArray[np.float32]]
LayerSpec = transformer_spec.TransformerEncoderLayerSpec | transformer_spec.TransformerDecoderLayerSpec

BINARY_VERSION = 1
SHORTLIST_MAGIC = 0xF11A48D5013417F5
TEXT, FLOAT32, INTGEMM8 = 0x101, 0x404, 0x4101
CONFIGURATION = "special:model.yml"
# The one matrix that intgemm does not transpose: its rows are looked up.
EMBEDDINGS = "Wemb"

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
# Beside a matrix of 8-bit rows: the largest magnitude of each. A power of two below it is a step, exactly.
PEAKS = "_peaks"
# Longer than any window; positions are not learnt, so their number costs only space.
POSITIONS = 512


@dataclass(frozen=True)
class Student:
    """What a weights file holds: float32 arrays by Marian's names, and the training options as they are written."""

    weights: Weights
    options: dict[str, str]


class Cursor:
    """Reads a file front to back; raises StoreError where it is too short."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = path.read_bytes()
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > len(self._bytes) - self._at:
            raise StoreError(
                f"{self._path.name} ends at byte {len(self._bytes)} where more is announced: fetch it again"
            )
        self._at += size
        return self._bytes[self._at - size : self._at]

    def numbers(self, count: int, kind: str = "<u8") -> NDArray[np.uint64]:
        """The next `count` numbers of numpy type `kind`."""
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), kind)

    def expect_end(self) -> None:
        """Raise StoreError if bytes are left."""
        if self._at != len(self._bytes):
            raise StoreError(f"{self._path.name} has {len(self._bytes) - self._at} bytes too many: fetch it again")


def read_student(path: Path) -> Student:
    """Read a ``model.*.bin``, 8-bit matrices turned into float32.

    Raises:
        StoreError: the file is not what Marian writes, or damaged.
    """
    cursor = Cursor(path)
    version, count = map(int, cursor.numbers(2))
    if version != BINARY_VERSION:
        raise StoreError(f"{path.name} is version {version} of Marian's binary format, {BINARY_VERSION} is supported")
    headers = [tuple(map(int, cursor.numbers(4))) for _ in range(count)]
    names = [cursor.take(name_length).rstrip(b"\0").decode() for name_length, *_ in headers]
    shapes = [tuple(map(int, cursor.numbers(rank, "<i4"))) for _, _, rank, _ in headers]
    cursor.take(int(cursor.numbers(1)[0]))
    weights, options = {}, {}
    for name, shape, (_, kind, _, size) in zip(names, shapes, headers, strict=True):
        block = cursor.take(size)
        if name == CONFIGURATION:
            options = parse_options(block.rstrip(b"\0").decode())
        elif not name.endswith("_QuantMultA"):  # scales of intgemm's activations: CTranslate2 finds its own
            weights[name] = read_array(name, kind, shape, block)
    cursor.expect_end()
    return Student(weights, options)


def read_array(name: str, kind: int, shape: tuple[int, ...], block: bytes) -> NDArray[np.float32]:
    """Turn a block of the weights file into a float32 array."""
    size = int(np.prod(shape))
    if kind == FLOAT32:
        return np.frombuffer(block, "<f4", size).reshape(shape).squeeze()
    if kind != INTGEMM8:
        raise StoreError(f"weight {name} has type {kind:#x}; float32 {FLOAT32:#x} and intgemm8 {INTGEMM8:#x} are read")
    values = np.frombuffer(block, np.int8, size).astype(np.float32)
    values /= np.frombuffer(block, "<f4", 1, offset=size)
    rows, columns = shape
    return values.reshape(rows, columns) if name == EMBEDDINGS else values.reshape(columns, rows).T


def parse_options(text: str) -> dict[str, str]:
    """Read the scalars of Marian's flat YAML; its lists are not needed."""
    lines = (line.partition(":") for line in text.splitlines() if ":" in line and not line.startswith((" ", "-")))
    return {key: value.strip().strip('"') for key, _, value in lines}


def read_shortlist(path: Path) -> Shortlist:
    """Read a ``lex.*.bin``.

    Raises:
        StoreError: the file is something else, or damaged.
    """
    cursor = Cursor(path)
    magic, _checksum, _first, _best, offset_count, target_count = map(int, cursor.numbers(6))
    if magic != SHORTLIST_MAGIC:
        raise StoreError(f"{path.name} is no binary shortlist: it starts with {magic:#x}, not {SHORTLIST_MAGIC:#x}")
    offsets = cursor.numbers(offset_count)
    targets = cursor.numbers(target_count, "<u4").astype(np.uint32)
    cursor.expect_end()
    if offset_count < 1 or offsets[-1] != target_count or np.any(offsets[1:] < offsets[:-1]):
        raise StoreError(f"{path.name} has offsets that do not fit its {target_count} entries: fetch it again")
    return Shortlist(offsets, targets)


def convert_bergamot(
    files: Mapping[str, Path], folder: Path, *, compute_type: str, int8_limit: int = INT8_LIMIT
) -> None:
    """Write the model that CTranslate2 loads, its ``vmap.txt`` and ``tokenizer.spm``.

    Args:
        files: ``model`` and ``shortlist`` (Bergamot's binaries), ``vocabulary`` (SentencePiece), ``adapter``, and
            ``candidates`` where they were learnt.
        folder: an empty folder.
        compute_type: the type of the stored weights, as CTranslate2 names it.
        int8_limit: the largest magnitude of 8-bit weights.

    Raises:
        StoreError: a file is damaged or of another architecture.
    """
    student = read_student(opening(files["model"]))
    for option, expected in EXPECTED_OPTIONS.items():
        if (value := student.options.get(option)) != expected:
            raise StoreError(f"the student has {option}={value!r}, this converter reads {expected!r} only")
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=str(opening(files["vocabulary"])))
    pieces = [vocabulary.id_to_piece(index) for index in range(vocabulary.get_piece_size())]
    spec = build_spec(student, read_adapter(files["adapter"]))
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    quantise(spec, compute_type, int8_limit)
    spec.save(str(folder))
    shutil.copyfile(files["vocabulary"], folder / "tokenizer.spm")
    learnt = read_candidates(files["candidates"]) if "candidates" in files else None
    write_vocabulary_map(read_shortlist(opening(files["shortlist"])), learnt, pieces, folder / VOCABULARY_MAP)


def read_adapter(path: Path) -> Weights:
    """Read a decoder that was trained for a student, in float32; raises StoreError for other safetensors."""
    with safetensors.safe_open(opening(path), "numpy") as opened:
        form = (opened.metadata() or {}).get("format")
    if form != ADAPTER_FORMAT:
        raise StoreError(f"{path.name} has format {form!r} in its metadata, not {ADAPTER_FORMAT!r}: it is no adapter")
    stored = load_file(path)
    peaks = {name.removesuffix(PEAKS): stored.pop(name) for name in list(stored) if name.endswith(PEAKS)}
    weights = {name: weight.astype(np.float32) for name, weight in stored.items() if name not in peaks}
    return weights | {name: restore_rows(stored[name], each.astype(np.float32)).T for name, each in peaks.items()}


def write_adapter(weights: Mapping[str, NDArray[np.float16]], path: Path) -> None:
    """Write a trained decoder: of it, `convert_bergamot` makes the int8 model that it would make of `weights`.

    Args:
        weights: by Marian's names, as `training` has them; matrices are of shape (inputs, outputs).
    """
    stored: dict[str, NDArray[np.int8 | np.float16]] = {}
    for name, weight in weights.items():
        if weight.ndim < 2:
            stored[name] = weight
            continue
        rows = weight.T.astype(np.float32, order="C")  # safetensors writes memory as it lies
        peaks = find_peaks(rows)
        stored[name], _ = quantise_rows(rows, peaks)
        stored[name + PEAKS] = peaks.astype(np.float16)
    # Of several entries the order would be chance. As bytes: safetensors keeps files that it writes to their owner.
    path.write_bytes(save(stored, metadata={"format": ADAPTER_FORMAT}))


def build_spec(student: Student, adapter: Weights) -> transformer_spec.TransformerSpec:
    """Join the adapter's decoder, and whatever else was trained with it, with the student's other weights."""
    weights = student.weights | adapter
    embeddings = weights[EMBEDDINGS]
    heads = int(student.options["transformer-heads"])
    head_dimension = embeddings.shape[1] // heads
    relu = common_spec.Activation.RELU
    encoder = transformer_spec.TransformerEncoderSpec(
        int(student.options["enc-depth"]), heads, pre_norm=False, activation=relu
    )
    decoder = transformer_spec.TransformerDecoderSpec(
        sum(name.startswith("decoder_l") and name.endswith("_self_Wq") for name in adapter),
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
    decoder.projection.bias = weights["decoder_ff_logit_out_b"]
    for index, encoder_layer in enumerate(encoder.layer, start=1):
        _set_layer(encoder_layer, weights, f"encoder_l{index}")
    for index, decoder_layer in enumerate(decoder.layer, start=1):
        _set_layer(decoder_layer, weights, f"decoder_l{index}")
        _set_linears(decoder_layer.attention.linear, weights, f"decoder_l{index}_context", ("q", "kv", "o"))
        _set_norm(decoder_layer.attention.layer_norm, weights, f"decoder_l{index}_context_Wo")
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
    _set_norm(layer.self_attention.layer_norm, weights, f"{scope}_self_Wo")
    _set_linears([layer.ffn.linear_0, layer.ffn.linear_1], weights, f"{scope}_ffn", ("1", "2"))
    _set_norm(layer.ffn.layer_norm, weights, f"{scope}_ffn_ffn")


def _set_linears(
    linears: Sequence[common_spec.LinearSpec], weights: Weights, scope: str, suffixes: Sequence[str]
) -> None:
    """Fill one linear for each of `suffixes`; a suffix of several letters is that many matrices fused."""
    for linear, letters in zip(linears, suffixes, strict=True):
        set_linear(linear, [(weights[f"{scope}_W{x}"].T, weights[f"{scope}_b{x}"]) for x in letters])


def _set_norm(norm: common_spec.LayerNormSpec, weights: Weights, scope: str) -> None:
    set_norm(norm, weights[f"{scope}_ln_scale"], weights[f"{scope}_ln_bias"])
