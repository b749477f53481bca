"""Step 1: let an original student translate sentences, greedily and over the full vocabulary."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import torch
from torch import Tensor

from training.reference import (
    END,
    START,
    Weights,
    context,
    decode_original,
    encode,
    encode_text,
    load_original,
    logits,
    pad,
)


def greedy(w: Weights, tokens: Tensor, real: Tensor) -> list[list[int]]:
    """The translation of each text as tokens, end excluded; at most three times as long as the source."""
    source = context(w, encode(w, tokens, real))
    previous = torch.full((len(tokens), 1), START, device=tokens.device)
    alive = torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
    states, written = None, []
    for at in range(3 * tokens.shape[1]):
        hiddens, states = decode_original(w, previous, source, real, states=states, start=at)
        previous = logits(w, hiddens[-1]).argmax(dim=-1)
        alive &= previous[:, 0] != END
        if not alive.any():
            break
        written.append(torch.where(alive, previous[:, 0], END))
    columns = torch.stack(written, dim=1).tolist() if written else [[]] * len(tokens)
    return [[token for token in row if token != END] for row in columns]


def batches(rows: Sequence[Sequence[int]], most_tokens: int) -> Iterator[list[int]]:
    """Indices of rows of like length, at most `most_tokens` together, padding included."""
    batch: list[int] = []
    for at in sorted(range(len(rows)), key=lambda at: len(rows[at])):
        if batch and (len(batch) + 1) * len(rows[at]) > most_tokens:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


@click.command(help=__doc__)
@click.argument("original", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("sentences", type=click.File(encoding="utf-8"))
@click.argument("pairs", type=click.File("w", encoding="utf-8"))
@click.option("--longest", default=128, show_default=True, help="Tokens of a sentence; longer ones are left out.")
@click.option("--batch", default=4096, show_default=True, help="Source tokens of a batch.")
@click.option("--device", default="cpu", show_default=True)
@torch.inference_mode()
def main(original, sentences, pairs, longest, batch, device):
    weights, vocabulary = load_original(original, device)
    texts = [" ".join(line.split()) for line in sentences]
    rows = [encode_text(vocabulary, text) for text in texts]
    kept = [at for at, row in enumerate(rows) if 1 < len(row) <= longest]
    translations: dict[int, str] = {}
    with click.progressbar(length=len(kept), label="translating") as bar:
        for members in batches([rows[at] for at in kept], batch):
            indices = [kept[member] for member in members]
            outputs = greedy(weights, *pad([rows[at] for at in indices], device))
            translations |= zip(indices, vocabulary.decode(outputs), strict=True)
            bar.update(len(members))
    for at in kept:
        pairs.write(f"{texts[at]}\t{translations[at]}\n")
    click.echo(
        f"{len(kept)} pairs, {len(rows) - len(kept)} sentences left out (empty or over {longest} tokens)", err=True
    )


if __name__ == "__main__":
    main()
