"""The original student and ours, as functions of torch over their weights.

Both are Marian transformers: y = x W + b, post-norm, ReLU, one matrix of embeddings for input and output. The original
decoder is recurrent (SSRU: Kim et al. 2019, "From Research to Production and Back"); ours attends to what it has
written, with rotary positions (Su et al. 2021) in place of absolute ones. Names of weights are Marian's.

Shapes: B texts of at most S source and T target tokens, D values a token, H heads.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import ArrayLike
from polygist_service.store.convert.bergamot import EXPECTED_OPTIONS, read_shortlist, read_student
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from training.originals import Original

Weights = Mapping[str, Tensor]
Context = list[tuple[Tensor, Tensor]]

END = 0
START = -1  # stands before the first target token: its embedding is the zero vector
ROTARY_BASE = 10_000.0
EPSILON = 1e-5


@dataclass(frozen=True)
class Model:
    """Weights by Marian's names, and the sizes that they do not tell."""

    weights: Weights
    heads: int
    encoder_layers: int
    decoder_layers: int

    def __getitem__(self, name: str) -> Tensor:
        return self.weights[name]

    @property
    def width(self) -> int:
        """D."""
        return self.weights["Wemb"].shape[1]

    @property
    def vocabulary_size(self) -> int:
        """Tokens of the vocabulary, which both languages share."""
        return self.weights["Wemb"].shape[0]


def load_original(files: Original, device: str = "cpu") -> tuple[Model, SentencePieceProcessor]:
    """An original student and its vocabulary.

    Raises:
        StoreError: a file is damaged.
        click.ClickException: the student is of another architecture, or the vocabulary is another student's.
    """
    student = read_student(files.model)
    for option, expected in EXPECTED_OPTIONS.items():
        if (value := student.options.get(option)) != expected:
            raise click.ClickException(f"{files.model} has {option}={value!r}; students with {expected!r} are trained")
    weights = {name: torch.tensor(array, device=device).contiguous() for name, array in student.weights.items()}
    model = Model(
        weights,
        heads=int(student.options["transformer-heads"]),
        encoder_layers=int(student.options["enc-depth"]),
        decoder_layers=int(student.options["dec-depth"]),
    )
    read_shortlist(files.shortlist)  # only the conversion needs it: what is damaged is told before the training
    vocabulary = open_vocabulary(files.vocabulary)
    if (pieces := vocabulary.get_piece_size()) != model.vocabulary_size:
        raise click.ClickException(
            f"{files.vocabulary} has {pieces} pieces, {files.model} {model.vocabulary_size}: give those of one student"
        )
    return model, vocabulary


def open_vocabulary(path: Path) -> SentencePieceProcessor:
    """The vocabulary of a student; raises click.ClickException if the file holds none."""
    try:
        return SentencePieceProcessor(model_proto=path.read_bytes())
    except RuntimeError as error:
        raise click.ClickException(f"{path} is no model of SentencePiece ({error}): fetch it again") from error


def encode_text(vocabulary: SentencePieceProcessor, text: str) -> list[int]:
    """The tokens of a text, end included."""
    return [*vocabulary.encode(text), END]


def pad(rows: Sequence[ArrayLike], device: str = "cpu", *, multiple: int = 1) -> tuple[Tensor, Tensor]:
    """Tokens of shape (B, S), and which of them are real; S is rounded up to a multiple."""
    rows = [np.asarray(row, np.int64) for row in rows]
    lengths = torch.tensor([len(row) for row in rows])
    longest = math.ceil(int(lengths.max()) / multiple) * multiple
    tokens = torch.zeros(len(rows), longest, dtype=torch.long)
    real = torch.arange(longest) < lengths[:, None]
    tokens[real] = torch.from_numpy(np.concatenate(rows))
    return tokens.to(device), real.to(device)


def encode(model: Model, tokens: Tensor, real: Tensor) -> Tensor:
    """Encoder output, (B, S, D)."""
    return encode_layers(model, embed_source(model, tokens), real, range(1, model.encoder_layers + 1))


def embed_source(model: Model, tokens: Tensor) -> Tensor:
    """What the first layer of the encoder gets, (B, S, D)."""
    return embed(model, tokens) + positions(0, tokens.shape[1], model.width, tokens.device)


def encode_layers(model: Model, x: Tensor, real: Tensor, layers: range) -> Tensor:
    """Some layers of the encoder, counted from 1: (B, S, D) to (B, S, D)."""
    for layer in layers:
        scope = f"encoder_l{layer}"
        query, key, value = (split_heads(model, linear(model, f"{scope}_self", letter, x)) for letter in "qkv")
        x = attend(model, f"{scope}_self", x, query, key, value, mask=real[:, None, None])
        x = feed_forward(model, scope, x)
    return x


def context(model: Model, memory: Tensor) -> Context:
    """What each decoder layer attends to in the source: keys and values, computed once for a text."""
    scopes = [f"decoder_l{layer}_context" for layer in range(1, model.decoder_layers + 1)]
    key, value = ([split_heads(model, linear(model, scope, x, memory)) for scope in scopes] for x in "kv")
    return list(zip(key, value, strict=True))


def decode_original(
    model: Model, previous: Tensor, source: Context, real: Tensor, *, states: list[Tensor] | None = None, start: int = 0
) -> tuple[list[Tensor], list[Tensor]]:
    """Hidden states after each layer, (B, T, D), and the recurrent states to go on from.

    Args:
        previous: (B, T), the target tokens shifted right.
        source: see `context`.
        real: (B, S).
        states: of the tokens before `start`, None at the beginning.
    """
    x = embed(model, previous) + positions(start, previous.shape[1], model.width, previous.device)
    states = states or [x.new_zeros(len(x), model.width)] * model.decoder_layers
    hiddens, carried = [], []
    for layer, (state, (key, value)) in enumerate(zip(states, source, strict=True), start=1):
        scope = f"decoder_l{layer}"
        mixed, state = ssru(model, f"{scope}_rnn", x, state)
        x = normalise(model, f"{scope}_rnn_ffn", x + mixed)
        x = finish_layer(model, scope, x, key, value, real)
        hiddens.append(x)
        carried.append(state)
    return hiddens, carried


def decode_ours(model: Model, previous: Tensor, source: Context, real: Tensor) -> list[Tensor]:
    """Hidden states after each layer, (B, T, D); arguments as for `decode_original`."""
    x = embed(model, previous)
    turned = rotation(previous.shape[1], model.width // model.heads, previous.device)
    later = torch.ones(previous.shape[1], previous.shape[1], dtype=torch.bool, device=previous.device).tril()
    hiddens = []
    for layer, (key, value) in enumerate(source, start=1):
        scope = f"decoder_l{layer}"
        own_query, own_key, own_value = (
            split_heads(model, linear(model, f"{scope}_self", letter, x)) for letter in "qkv"
        )
        own_query, own_key = rotate(own_query, *turned), rotate(own_key, *turned)
        x = attend(model, f"{scope}_self", x, own_query, own_key, own_value, mask=later)
        x = finish_layer(model, scope, x, key, value, real)
        hiddens.append(x)
    return hiddens


def logits(model: Model, hidden: Tensor) -> Tensor:
    """Scores of the next token, (..., vocabulary)."""
    return project(model, hidden, model["decoder_ff_logit_out_b"])


def project(model: Model, hidden: Tensor, bias: Tensor) -> Tensor:
    """Scores of the next token with another bias than the model's own."""
    return functional.linear(hidden, model.weights.get("Wemb_output", model["Wemb"]), bias.flatten())


def shift_right(targets: Tensor) -> Tensor:
    """What the decoder sees when it is to write `targets`."""
    return functional.pad(targets[:, :-1], (1, 0), value=START)


def finish_layer(model: Model, scope: str, x: Tensor, key: Tensor, value: Tensor, real: Tensor) -> Tensor:
    """The sublayers that both decoders share: attention to the source, and feed-forward."""
    query = split_heads(model, linear(model, f"{scope}_context", "q", x))
    x = attend(model, f"{scope}_context", x, query, key, value, mask=real[:, None, None])
    return feed_forward(model, scope, x)


def attend(model: Model, scope: str, x: Tensor, query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor) -> Tensor:
    """Attention, its output joined with `x`; `mask` says what may be seen.

    On a processor, two products with a softmax in float32 between them: 11 times as fast in bfloat16 as
    `scaled_dot_product_attention`. On a GPU that, without the kernels of cuDNN, which are planned anew for every shape.
    """
    if query.is_cuda:
        with sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    else:
        scores = (query @ key.transpose(-1, -2)).float() / math.sqrt(query.shape[-1])
        mixed = scores.masked_fill(~mask, -math.inf).softmax(dim=-1).to(value.dtype) @ value
    return normalise(model, f"{scope}_Wo", x + linear(model, scope, "o", mixed.transpose(1, 2).flatten(2)))


def feed_forward(model: Model, scope: str, x: Tensor) -> Tensor:
    inner = torch.relu(linear(model, f"{scope}_ffn", "1", x))
    return normalise(model, f"{scope}_ffn_ffn", x + linear(model, f"{scope}_ffn", "2", inner))


def ssru(model: Model, scope: str, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """The recurrence c = f c + (1 - f) (x W), with f = sigmoid(x Wf + bf); its output is relu(c)."""
    forget = torch.sigmoid(x @ model[f"{scope}_Wf"] + model[f"{scope}_bf"]).float()
    added = (1 - forget) * (x @ model[f"{scope}_W"])
    states = []
    for kept, new in zip(forget.unbind(1), added.unbind(1), strict=True):
        state = torch.addcmul(new, kept, state)
        states.append(state)
    return torch.relu(torch.stack(states, dim=1)), state


def embed(model: Model, tokens: Tensor) -> Tensor:
    written = (tokens != START)[..., None]
    return model["Wemb"][tokens.clamp(min=0)].float() * math.sqrt(model.width) * written


def positions(start: int, length: int, width: int, device: torch.device) -> Tensor:
    """Marian's sinusoids, (length, D): sines in the first half, cosines in the second."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=device) * -(math.log(10_000.0) / (half - 1)))
    angles = torch.arange(start, start + length, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def rotation(length: int, head_width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary angles, (length, half a head)."""
    half = head_width // 2
    rates = ROTARY_BASE ** -(torch.arange(half, device=device) / half)
    angles = torch.arange(length, device=device)[:, None] * rates
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1).to(x.dtype)


def linear(model: Model, scope: str, letter: str, x: Tensor) -> Tensor:
    return functional.linear(x, model[f"{scope}_W{letter}"].t(), model[f"{scope}_b{letter}"].flatten())


def normalise(model: Model, scope: str, x: Tensor) -> Tensor:
    scale, bias = model[f"{scope}_ln_scale"], model[f"{scope}_ln_bias"]
    return functional.layer_norm(x.float(), (model.width,), scale.float(), bias.float(), EPSILON)


def split_heads(model: Model, x: Tensor) -> Tensor:
    return x.unflatten(-1, (model.heads, -1)).transpose(1, 2)
