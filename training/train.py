"""Step 3: train a decoder with self-attention to compute what the original decoder computes."""

import math
from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from training.cache import Pair, read_shards
from training.reference import DECODER_LAYERS, WIDTH, Weights, context, decode_ours, load_original, logits, shift_right

# Candidates of the divergence besides the batch's own tokens; the lowest ids are the most frequent tokens.
FREQUENT, RANDOM = 200, 800
SHARE_OF_POSITIONS = 0.3
STUDENT = "student.safetensors"


@dataclass(frozen=True)
class Batch:
    """Padded pairs: `memory` (B, S, D), `first` and `second` (B, T, D), `targets` (B, T), and what of it is real."""

    memory: Tensor
    first: Tensor
    second: Tensor
    targets: Tensor
    real_source: Tensor
    real_target: Tensor


@dataclass(frozen=True)
class Objective:
    """The parts of the loss: divergence of the outputs, distance of the hidden states."""

    divergence: Tensor
    distance: Tensor


def start_student(original: Weights, generator: torch.Generator) -> dict[str, Tensor]:
    """The weights to train: the original decoder, each recurrence replaced by an attention that begins near it.

    Values are the recurrence's inputs, queries and keys are small noise: at first each token sees the mean of those
    before it.
    """
    kept = {name: w.clone() for name, w in original.items() if name.startswith("decoder_") and "_rnn_" not in name}
    for layer in range(1, DECODER_LAYERS + 1):
        ours, theirs = f"decoder_l{layer}_self", f"decoder_l{layer}_rnn"
        for letter in "qk":
            kept[f"{ours}_W{letter}"] = torch.randn(WIDTH, WIDTH, generator=generator) * 0.04
        kept[f"{ours}_Wv"] = original[f"{theirs}_W"].clone()
        kept[f"{ours}_Wo"] = torch.eye(WIDTH) * 0.8
        kept |= {f"{ours}_b{letter}": torch.zeros(WIDTH) for letter in "qkvo"}
        for part in ("scale", "bias"):
            kept[f"{ours}_Wo_ln_{part}"] = original[f"{theirs}_ffn_ln_{part}"].clone()
    return kept


def make_batch(pairs: Sequence[Pair], device: str) -> Batch:
    def stack(rows: list[Tensor]) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device)

    return Batch(
        memory=stack([pair.memory for pair in pairs]).float(),
        first=stack([pair.first for pair in pairs]).float(),
        second=stack([pair.second for pair in pairs]).float(),
        targets=stack([pair.targets for pair in pairs]).long(),
        real_source=stack([torch.ones(len(pair.memory), dtype=torch.bool) for pair in pairs]),
        real_target=stack([torch.ones(len(pair.targets), dtype=torch.bool) for pair in pairs]),
    )


def endless_batches(pairs: Sequence[Pair], most_tokens: int, generator: torch.Generator) -> Iterator[list[Pair]]:
    """Pairs of like length in batches of `most_tokens` target tokens, in another order each time round."""
    while True:
        jitter = (torch.rand(len(pairs), generator=generator) * 4).tolist()
        order = sorted(range(len(pairs)), key=lambda at: len(pairs[at].targets) + jitter[at])
        found, batch = [], []
        for at in order:
            if batch and (len(batch) + 1) * len(pairs[at].targets) > most_tokens:
                found.append(batch)
                batch = []
            batch.append(pairs[at])
        found.append(batch)
        for at in torch.randperm(len(found), generator=generator).tolist():
            yield found[at]


def objective(original: Weights, student: Weights, batch: Batch, generator: torch.Generator) -> Objective:
    """The loss of a batch, its divergence over some candidates and on some positions only."""
    source = context(student, batch.memory)
    first, second = decode_ours(student, shift_right(batch.targets), source, batch.real_source)
    real = batch.real_target
    distance = functional.mse_loss(second[real].float(), batch.second[real])
    distance = distance + 0.5 * functional.mse_loss(first[real].float(), batch.first[real])
    ours, theirs = second[real], batch.second[real]
    chosen = torch.randperm(len(ours), generator=generator)[: max(1, round(SHARE_OF_POSITIONS * len(ours)))]
    vocabulary = len(original["Wemb"])
    drawn = torch.randint(vocabulary, (RANDOM,), generator=generator).to(real.device)
    candidates = torch.cat([batch.targets[real], torch.arange(FREQUENT, device=real.device), drawn]).unique()
    return Objective(
        divergence=diverge(logits(original, theirs[chosen], candidates), logits(student, ours[chosen], candidates)),
        distance=distance,
    )


def diverge(theirs: Tensor, ours: Tensor) -> Tensor:
    """KL(theirs || ours), the mean over positions."""
    return functional.kl_div(
        ours.float().log_softmax(-1), theirs.float().log_softmax(-1), log_target=True, reduction="batchmean"
    )


@torch.no_grad()
def evaluate(original: Weights, student: Weights, batches: Sequence[Batch]) -> tuple[float, float]:
    """Divergence over the full vocabulary, and the share of positions with the same best token."""
    divergence, agreed, count = 0.0, 0, 0
    for batch in batches:
        hidden = decode_ours(
            student, shift_right(batch.targets), context(student, batch.memory), batch.real_source
        )[-1]  # fmt: skip
        theirs, ours = logits(original, batch.second[batch.real_target]), logits(student, hidden[batch.real_target])
        divergence += diverge(theirs, ours).item() * len(ours)
        agreed += int((theirs.argmax(-1) == ours.argmax(-1)).sum())
        count += len(ours)
    return divergence / count, agreed / count


def schedule(step: int, steps: int, warm_up: int) -> float:
    """Share of the peak rate: a line up, then a cosine down to one hundredth."""
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2


@click.command(help=__doc__)
@click.argument("original", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("cache", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--steps", default=9300, show_default=True)
@click.option("--tokens", default=4500, show_default=True, help="Target tokens of a batch.")
@click.option("--peak", default=2e-3, show_default=True, help="Highest learning rate.")
@click.option("--warm-up", default=150, show_default=True, help="Steps to get there.")
@click.option("--held-out", default=500, show_default=True, help="Pairs to measure on instead of training on them.")
@click.option("--report", default=100, show_default=True, help="Steps between two measurements.")
@click.option("--seed", default=1, show_default=True)
@click.option("--bf16/--float32", default=False, help="Number format of the matrix products.")
@click.option("--device", default="cpu", show_default=True)
def main(original, cache, run, steps, tokens, peak, warm_up, held_out, report, seed, bf16, device):
    generator = torch.Generator().manual_seed(seed)
    frozen, _ = load_original(original)
    trained = {name: w.to(device).requires_grad_() for name, w in start_student(frozen, generator).items()}
    frozen = {name: w.to(device) for name, w in frozen.items()}
    student = ChainMap(trained, frozen)
    pairs = list(read_shards(cache))
    if len(pairs) <= held_out:
        raise click.UsageError(f"{cache} has {len(pairs)} pairs; --held-out must leave some of them")
    measured = [make_batch(pairs[at : at + 50], device) for at in range(0, held_out, 50)]
    optimiser = torch.optim.AdamW(trained.values(), lr=peak)
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step, steps, warm_up))
    run.mkdir(parents=True, exist_ok=True)
    for step, batch in zip(range(steps), endless_batches(pairs[held_out:], tokens, generator), strict=False):
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=bf16):
            parts = objective(frozen, student, make_batch(batch, device), generator)
        loss = parts.divergence + (1.0 - 0.9 * step / steps) * parts.distance
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
        optimiser.step()
        rates.step()
        if (step + 1) % report == 0 or step + 1 == steps:
            divergence, agreement = evaluate(frozen, student, measured)
            click.echo(
                f"step {step + 1}: loss {loss.item():.3f}, of it divergence {parts.divergence.item():.3f}; "
                f"held out: divergence {divergence:.3f}, same best token {agreement:.3f}"
            )
            save_file({name: w.detach().cpu() for name, w in trained.items()}, run / STUDENT)


if __name__ == "__main__":
    main()
