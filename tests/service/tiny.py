"""A tiny encoder-decoder with random weights, made on the spot: real CTranslate2, real SentencePiece, no download."""

import io
from pathlib import Path

import ctranslate2
import numpy as np
import sentencepiece
from ctranslate2.specs import common_spec, transformer_spec
from polygist_service.engine.models.seq2seq import SequenceToSequence
from polygist_service.engine.models.tokenizers import SentencePieceTokenizer

WORDS = [
    "the",
    "river",
    "town",
    "school",
    "bridge",
    "market",
    "opened",
    "closed",
    "because",
    "people",
    "wanted",
    "a",
    "new",
    "old",
    "house",
    "near",
    "every",
    "road",
]
DIMENSION, HEADS, FEED_FORWARD, POSITIONS = 16, 2, 32, 256


def write_tiny_model(folder: Path, *, seed: int = 7) -> Path:
    """Write ``model.bin``, its vocabularies and ``tokenizer.spm`` to `folder`, which is made; returns it.

    The weights are random but fixed by `seed`: the outputs make no sense and are always the same.
    """
    folder.mkdir(parents=True)
    pieces = _write_tokenizer(folder / "tokenizer.spm", seed)
    spec = transformer_spec.TransformerSpec(
        transformer_spec.TransformerEncoderSpec(1, HEADS, pre_norm=False, activation=common_spec.Activation.RELU),
        transformer_spec.TransformerDecoderSpec(1, HEADS, pre_norm=False, activation=common_spec.Activation.RELU),
    )
    random = np.random.default_rng(seed)
    _fill(spec.encoder, len(pieces), random)
    _fill(spec.decoder, len(pieces), random)
    _linear(spec.decoder.projection, len(pieces), DIMENSION, random)
    spec.config.add_source_eos = True
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = "<s>", "</s>", "<unk>"
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.validate()
    spec.optimize(quantization=None)
    spec.save(str(folder))
    return folder


def _write_tokenizer(path: Path, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    text = (" ".join(random.choice(WORDS, 12)) + "." for _ in range(200))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=text,
        model_writer=model,
        vocab_size=64,
        model_type="unigram",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [processor.id_to_piece(index) for index in range(processor.get_piece_size())]


def _fill(side, vocabulary_size: int, random: np.random.Generator) -> None:
    embeddings = side.embeddings if hasattr(side.embeddings, "weight") else side.embeddings[0]
    embeddings.weight = _matrix(vocabulary_size, DIMENSION, random)
    side.position_encodings.encodings = _matrix(POSITIONS, DIMENSION, random)
    side.scale_embeddings = True
    for layer in side.layer:
        attentions = [layer.self_attention] + ([layer.attention] if hasattr(layer, "attention") else [])
        for attention in attentions:
            shapes = [3] if len(attention.linear) == 2 else [1, 2]
            for linear, width in zip(attention.linear[:-1], shapes, strict=True):
                _linear(linear, width * DIMENSION, DIMENSION, random)
            _linear(attention.linear[-1], DIMENSION, DIMENSION, random)
            _normalise(attention.layer_norm)
        _linear(layer.ffn.linear_0, FEED_FORWARD, DIMENSION, random)
        _linear(layer.ffn.linear_1, DIMENSION, FEED_FORWARD, random)
        _normalise(layer.ffn.layer_norm)


def _linear(linear, rows: int, columns: int, random: np.random.Generator) -> None:
    linear.weight = _matrix(rows, columns, random)
    linear.bias = np.zeros(rows, np.float32)


def _normalise(norm) -> None:
    norm.gamma, norm.beta = np.ones(DIMENSION, np.float32), np.zeros(DIMENSION, np.float32)


def _matrix(rows: int, columns: int, random: np.random.Generator) -> np.ndarray:
    return random.normal(0, 0.5, (rows, columns)).astype(np.float32)


def load_tiny_model(
    folder: Path, *, max_input_tokens: int, slots: int = 1, compute_type: str = "default"
) -> SequenceToSequence:
    """The model as the engine runs it."""
    translator = ctranslate2.Translator(
        str(folder), device="cpu", compute_type=compute_type, inter_threads=slots, intra_threads=1
    )
    tokenizer = SentencePieceTokenizer(folder / "tokenizer.spm")
    return SequenceToSequence(translator, tokenizer, max_input_tokens=max_input_tokens)


def open_tiny_model(folder: Path) -> ctranslate2.Translator:
    """The model as CTranslate2 itself runs it, for comparison."""
    return ctranslate2.Translator(str(folder), device="cpu", inter_threads=1, intra_threads=1)
