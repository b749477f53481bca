"""A tiny Bergamot student that is whole: with the recurrent decoder that training replaces."""

from pathlib import Path

import numpy as np
import sentencepiece

from tests.service.store.student import make_vocabulary, write_shortlist, write_student
from tests.service.tiny import WORDS

OPTIONS = """dec-cell: ssru
dec-depth: {layers}
enc-depth: 2
tied-embeddings-all: true
transformer-decoder-autoreg: rnn
transformer-ffn-activation: relu
transformer-heads: {heads}
transformer-postprocess: dan
transformer-postprocess-emb: d
transformer-preprocess: ""
type: transformer
"""


def write_original(folder: Path, *, width: int = 16, heads: int = 2, layers: int = 2, seed: int = 3) -> Path:
    """A folder as Bergamot's are, with random weights, large enough for answers that differ; returns it."""
    random = np.random.default_rng(seed)
    vocabulary = make_vocabulary(seed)
    size = sentencepiece.SentencePieceProcessor(model_proto=vocabulary).get_piece_size()
    weights = {"Wemb": 4 * draw(random, size, width), "decoder_ff_logit_out_b": draw(random, size)}
    for layer in (1, 2):
        weights |= attention(random, f"encoder_l{layer}_self", width) | feed_forward(random, f"encoder_l{layer}", width)
    for layer in range(1, layers + 1):
        scope = f"decoder_l{layer}"
        weights |= {f"{scope}_rnn_W": draw(random, width, width), f"{scope}_rnn_Wf": draw(random, width, width)}
        weights |= {f"{scope}_rnn_bf": draw(random, width)} | normalisation(f"{scope}_rnn_ffn", width)
        weights |= attention(random, f"{scope}_context", width) | feed_forward(random, scope, width)
    folder.mkdir(parents=True)
    (folder / "model.tiny.bin").write_bytes(write_student(weights, OPTIONS.format(heads=heads, layers=layers)))
    (folder / "vocab.tiny.spm").write_bytes(vocabulary)
    candidates = [[(source + 1) % size, (source + 2) % size] for source in range(size)]
    (folder / "lex.tiny.bin").write_bytes(write_shortlist(candidates))
    return folder


def make_pairs(count: int, seed: int = 5) -> list[tuple[str, str]]:
    """Pairs of sentences in the words of the tiny vocabulary."""
    random = np.random.default_rng(seed)
    sides = [[f"{' '.join(random.choice(WORDS, random.integers(2, 12)))}." for _ in range(count)] for _ in range(2)]
    return list(zip(*sides, strict=True))


def write_pairs(path: Path, pairs: list[tuple[str, str]]) -> Path:
    """Write pairs as training reads them."""
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    return path


def draw(random: np.random.Generator, *shape: int) -> np.ndarray:
    return (random.standard_normal(shape) * 0.3).astype(np.float32)


def normalisation(scope: str, width: int) -> dict[str, np.ndarray]:
    return {f"{scope}_ln_scale": np.ones(width, np.float32), f"{scope}_ln_bias": np.zeros(width, np.float32)}


def attention(random: np.random.Generator, scope: str, width: int) -> dict[str, np.ndarray]:
    matrices = {f"{scope}_W{letter}": draw(random, width, width) for letter in "qkvo"}
    return (
        matrices
        | {f"{scope}_b{letter}": draw(random, width) for letter in "qkvo"}
        | normalisation(f"{scope}_Wo", width)
    )


def feed_forward(random: np.random.Generator, scope: str, width: int) -> dict[str, np.ndarray]:
    matrices = {f"{scope}_ffn_W1": draw(random, width, 2 * width), f"{scope}_ffn_W2": draw(random, 2 * width, width)}
    biases = {f"{scope}_ffn_b1": draw(random, 2 * width), f"{scope}_ffn_b2": draw(random, width)}
    return matrices | biases | normalisation(f"{scope}_ffn_ffn", width)
