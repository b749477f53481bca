"""What a decoder is trained on: to compute what the original decoder computes for the same source and target."""

from collections import ChainMap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from training.reference import (
    Model,
    Weights,
    context,
    decode_original,
    decode_ours,
    embed_source,
    encode_layers,
    logits,
    pad,
    project,
    shift_right,
)
from training.text import MULTIPLE, MULTIPLE_ON_GPU

# Whose outputs are computed at a time: on a processor what its cache holds, on a GPU what keeps it busy.
ROWS, ROWS_ON_GPU = 32, 2048


@dataclass(frozen=True)
class Batch:
    """Padded pairs: tokens (B, S) and (B, T), and which of them are real.

    Attributes:
        is_given: whether the targets are what is to be written, whatever the original would write.
    """

    sources: Tensor
    real_source: Tensor
    targets: Tensor
    real_target: Tensor
    is_given: bool = False


@dataclass(frozen=True)
class Answer:
    """What the original computes for a batch.

    Attributes:
        below: (B, S, D), the output of the encoder's layers that ours has unchanged.
        hiddens: (B, T, D), of each layer of the decoder.
    """

    below: Tensor
    hiddens: list[Tensor]

    def to(self, kind: torch.dtype) -> "Answer":
        """The same in another number format."""
        return Answer(self.below.to(kind), [hidden.to(kind) for hidden in self.hiddens])


@dataclass(frozen=True)
class Loss:
    """Means over positions: divergence of the outputs, squared distance of the hidden states."""

    divergence: Tensor
    distance: Tensor


def start_student(original: Model, generator: torch.Generator) -> dict[str, Tensor]:
    """The weights to train: the original decoder, each recurrence replaced by an attention that begins near it.

    Values are the recurrence's inputs, queries and keys are small noise: at first each token sees the mean of those
    before it.
    """
    weights = original.weights
    kept = {name: w.clone() for name, w in weights.items() if name.startswith("decoder_") and "_rnn_" not in name}
    for layer in range(1, original.decoder_layers + 1):
        ours, theirs = f"decoder_l{layer}_self", f"decoder_l{layer}_rnn"
        for letter in "qk":
            noise = torch.randn(original.width, original.width, generator=generator) * 0.04
            kept[f"{ours}_W{letter}"] = noise.to(weights["Wemb"].device)
        kept[f"{ours}_Wv"] = weights[f"{theirs}_W"].clone()
        kept[f"{ours}_Wo"] = torch.eye(original.width, device=weights["Wemb"].device) * 0.8
        kept |= {f"{ours}_b{letter}": torch.zeros_like(weights[f"{theirs}_bf"]) for letter in "qkvo"}
        for part in ("scale", "bias"):
            kept[f"{ours}_Wo_ln_{part}"] = weights[f"{theirs}_ffn_ln_{part}"].clone()
    return kept


def add_layer(trained: Weights) -> dict[str, Tensor]:
    """A decoder with one layer more before its last one, that at first passes on what it gets, nearly.

    What its sublayers add is nothing at first, and its normalisations restore mean and deviation of the layer before,
    as far as these are the same for all tokens.
    """
    layers = count_layers(trained)
    last, added = f"decoder_l{layers}_", f"decoder_l{layers + 1}_"
    grown = {name: w for name, w in trained.items() if not name.startswith(last)}
    grown |= {name.replace(last, added): w for name, w in trained.items() if name.startswith(last)}
    before = f"decoder_l{layers - 1}_ffn_ffn_ln"
    bias = trained[f"{before}_bias"]
    mean, deviation = bias.mean(), (trained[f"{before}_scale"].square().mean() + bias.var()).sqrt()
    for name, w in trained.items():
        if not name.startswith(last):
            continue
        if name.endswith(("_ln_scale", "_ln_bias")):
            value = torch.full_like(w, deviation if name.endswith("scale") else mean)
        elif name.endswith(("_Wo", "_bo", "_W2", "_b2")):
            value = torch.zeros_like(w)
        else:
            value = w.clone()
        grown[name] = value
    return grown


def count_layers(trained: Weights) -> int:
    """Layers of a decoder of ours."""
    return sum(name.startswith("decoder_l") and name.endswith("_self_Wq") for name in trained)


def count_kept_layers(student: Model) -> int:
    """Layers of the encoder below the first that was trained."""
    assert isinstance(student.weights, ChainMap)
    trained = student.weights.maps[0]
    layers = range(1, student.encoder_layers + 1)
    changed = [layer for layer in layers if any(name.startswith(f"encoder_l{layer}_") for name in trained)]
    return min(changed, default=student.encoder_layers + 1) - 1


def join_student(original: Model, trained: dict[str, Tensor]) -> Model:
    """Ours: the weights of a decoder (and whatever else was trained), and the original's for the rest."""
    return replace(original, weights=ChainMap(trained, dict(original.weights)), decoder_layers=count_layers(trained))


def freeze(model: Model, kind: torch.dtype) -> Model:
    """A model whose matrices are in the number format of the products, which spares turning them each time."""
    weights = {name: w.to(kind) if w.ndim == 2 and name != "Wemb" else w for name, w in model.weights.items()}
    return replace(model, weights=weights | {"Wemb_output": model["Wemb"].to(kind)})


def make_batch(
    sources: Sequence[ArrayLike], targets: Sequence[ArrayLike], device: str, *, is_given: bool = False
) -> Batch:
    """Pad pairs of tokens to a batch."""
    multiple = MULTIPLE if device == "cpu" else MULTIPLE_ON_GPU
    return Batch(*pad(sources, device, multiple=multiple), *pad(targets, device, multiple=multiple), is_given)


@torch.no_grad()
def ask_original(original: Model, batch: Batch, kept_layers: int) -> Answer:
    """What the original computes under teacher forcing; of the encoder, `kept_layers` are the same in ours."""
    below = embed_source(original, batch.sources)
    below = encode_layers(original, below, batch.real_source, range(1, kept_layers + 1))
    others = range(kept_layers + 1, original.encoder_layers + 1)
    memory = encode_layers(original, below, batch.real_source, others)
    source = context(original, memory)
    hiddens, _ = decode_original(original, shift_right(batch.targets), source, batch.real_source)
    return Answer(below, hiddens)


def run_student(student: Model, batch: Batch, answer: Answer, kept_layers: int) -> list[Tensor]:
    """Hidden states of our decoder after each layer, (B, T, D)."""
    others = range(kept_layers + 1, student.encoder_layers + 1)
    memory = encode_layers(student, answer.below, batch.real_source, others)
    return decode_ours(student, shift_right(batch.targets), context(student, memory), batch.real_source)


def compare(
    original: Model, student: Model, batch: Batch, answer: Answer, *, share: float, generator: torch.Generator
) -> Loss:
    """The loss of a batch; the divergence, over the whole vocabulary, on a share of its positions.

    Of given targets it is the divergence from what they are, at all positions, and hidden states have no distance.
    """
    kept_layers = count_kept_layers(student)
    hiddens = run_student(student, batch, answer, kept_layers)
    real = batch.real_target
    if batch.is_given:
        written = project(original, hiddens[-1][real], student["decoder_ff_logit_out_b"]).float()
        divergence = functional.cross_entropy(written, batch.targets[real])
        return Loss(divergence=divergence, distance=torch.zeros((), device=real.device))
    ours, theirs = ([hidden[real] for hidden in each] for each in (hiddens, answer.hiddens))
    weighted = zip((1.0, 0.5), reversed(ours), reversed(theirs), strict=False)
    distance = sum(weight * functional.mse_loss(mine, target.float()) for weight, mine, target in weighted)
    chosen = torch.randperm(len(ours[-1]), generator=generator)[: max(1, round(share * len(ours[-1])))].to(real.device)
    mine, target = ours[-1][chosen], theirs[-1][chosen]
    bias = student["decoder_ff_logit_out_b"]
    return Loss(divergence=OutputDivergence.apply(mine, bias, target, original), distance=distance)


class OutputDivergence(torch.autograd.Function):
    """KL between the outputs that belong to hidden states (N, D), and its gradients, some rows at a time.

    The outputs of all rows, 32,000 numbers each, would not fit a processor's cache; so gradients are computed with the
    outputs, and only those of the hidden states and the bias are kept.
    """

    @staticmethod
    def forward(context, mine: Tensor, bias: Tensor, target: Tensor, original: Model) -> Tensor:
        total = torch.zeros((), device=mine.device)
        by_hidden, by_bias = torch.empty_like(mine, dtype=torch.float32), torch.zeros_like(bias)
        count, compare_rows = (ROWS_ON_GPU, compile_comparison()) if mine.is_cuda else (ROWS, compare_outputs)
        kind = original["Wemb_output"].dtype
        for start in range(0, len(mine), count):
            rows = slice(start, start + count)
            theirs, ours = logits(original, target[rows]), project(original, mine[rows], bias)
            divergence, difference, by_bias_here = compare_rows(theirs, ours, kind)
            total += divergence
            by_hidden[rows] = difference @ original["Wemb_output"]
            by_bias += by_bias_here
        context.save_for_backward(by_hidden / len(mine), by_bias / len(mine))
        return total / len(mine)

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        by_hidden, by_bias = context.saved_tensors
        return by_hidden * gradient, by_bias * gradient, None, None


def compare_outputs(theirs: Tensor, ours: Tensor, kind: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """KL of outputs (N, vocabulary), summed; its gradients by ours, in a number format; and those by the bias."""
    theirs, ours = theirs.float().log_softmax(-1), ours.float().log_softmax(-1)
    shares = theirs.exp()
    divergence = (shares * (theirs - ours)).sum()
    difference = ours.exp_().sub_(shares)
    return divergence, difference.to(kind), difference.sum(dim=0)


@cache
def compile_comparison() -> Callable[[Tensor, Tensor, torch.dtype], tuple[Tensor, Tensor, Tensor]]:
    """`compare_outputs` in few kernels: 2,048 rows in 0.37 ms instead of 2.1 on an H200."""
    return torch.compile(compare_outputs, dynamic=True)


def diverge(theirs: Tensor, ours: Tensor) -> Tensor:
    """KL(theirs || ours), the mean over positions."""
    return functional.kl_div(
        ours.float().log_softmax(-1), theirs.float().log_softmax(-1), log_target=True, reduction="batchmean"
    )
