"""Step 2: what the original computes for each pair under teacher forcing, written down once for all of training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.reference import Weights, context, decode_original, encode, encode_text, load_original, pad, shift_right
from training.translate import batches

SHARD_PAIRS = 8192


@dataclass(frozen=True)
class Pair:
    """One pair: encoder output (S, D), hidden states of both layers (T, D), target tokens (T)."""

    memory: Tensor
    first: Tensor
    second: Tensor
    targets: Tensor


def quantise(rows: Tensor) -> tuple[Tensor, Tensor]:
    """int8 and a scale for each row, for the hidden states that count least."""
    scales = rows.abs().amax(dim=-1, keepdim=True).clamp(min=1e-8) / 127
    return (rows / scales).round().to(torch.int8), scales.half()


def compute(w: Weights, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], device: str) -> list[Pair]:
    """Run the original over a batch; pairs in its order, on the CPU."""
    tokens, real = pad(sources, device)
    wanted, _ = pad(targets, device)
    memory = encode(w, tokens, real)
    (first, second), _ = decode_original(w, shift_right(wanted), context(w, memory), real)
    memory, first, second = memory.cpu(), first.cpu(), second.cpu()
    return [
        Pair(memory[at, : len(source)], first[at, : len(target)], second[at, : len(target)], torch.tensor(target))
        for at, (source, target) in enumerate(zip(sources, targets, strict=True))
    ]


def write_shard(path: Path, pairs: Sequence[Pair]) -> None:
    """Write pairs end to end, with their lengths."""
    first, scales = quantise(torch.cat([pair.first for pair in pairs]))
    save_file(
        {
            "source_lengths": torch.tensor([len(pair.memory) for pair in pairs]),
            "target_lengths": torch.tensor([len(pair.targets) for pair in pairs]),
            "memory": torch.cat([pair.memory for pair in pairs]).bfloat16(),
            "first": first,
            "first_scales": scales,
            "second": torch.cat([pair.second for pair in pairs]).bfloat16(),
            "targets": torch.cat([pair.targets for pair in pairs]).int(),
        },
        path,
    )


def read_shards(folder: Path) -> Iterator[Pair]:
    """All pairs of a cache; they are views, float32 only when a batch is made of them."""
    for path in sorted(folder.glob("*.safetensors")):
        shard = load_file(path)
        by_source, by_target = shard["source_lengths"].tolist(), shard["target_lengths"].tolist()
        scaled = zip(shard["first"].split(by_target), shard["first_scales"].split(by_target), strict=True)
        yield from map(
            Pair,
            shard["memory"].split(by_source),
            (rows * scales for rows, scales in scaled),
            shard["second"].split(by_target),
            shard["targets"].split(by_target),
        )


@click.command(help=__doc__)
@click.argument("original", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--pairs", type=click.File(encoding="utf-8"), required=True, help="Of this direction, from translate.")
@click.option("--reversed-pairs", type=click.File(encoding="utf-8"), help="Of the other direction, taken backwards.")
@click.option("--longest", default=128, show_default=True, help="Tokens of either side; longer pairs are left out.")
@click.option("--batch", default=4096, show_default=True, help="Source tokens of a batch.")
@click.option("--seed", default=1, show_default=True, help="Of the order of the pairs.")
@click.option("--device", default="cpu", show_default=True)
@torch.inference_mode()
def main(original, folder, pairs, reversed_pairs, longest, batch, seed, device):
    weights, vocabulary = load_original(original, device)
    texts = [line.rstrip("\n").split("\t") for line in pairs]
    texts += [line.rstrip("\n").split("\t")[::-1] for line in reversed_pairs or ()]
    rows = [[encode_text(vocabulary, side) for side in sides] for sides in texts]
    kept = [row for row in rows if all(1 < len(side) <= longest for side in row)]
    order = torch.randperm(len(kept), generator=torch.Generator().manual_seed(seed)).tolist()
    folder.mkdir(parents=True, exist_ok=False)
    with click.progressbar(range(0, len(kept), SHARD_PAIRS), label="caching") as starts:
        for start in starts:
            chosen = [kept[at] for at in order[start : start + SHARD_PAIRS]]
            done: dict[int, Pair] = {}
            for members in batches([source for source, _ in chosen], batch):
                sides = [chosen[at] for at in members]
                computed = compute(weights, [side[0] for side in sides], [side[1] for side in sides], device)
                done |= zip(members, computed, strict=True)
            write_shard(folder / f"{start:08d}.safetensors", [done[at] for at in range(len(chosen))])
    click.echo(f"{len(kept)} pairs, {len(rows) - len(kept)} left out (empty or over {longest} tokens)", err=True)


if __name__ == "__main__":
    main()
