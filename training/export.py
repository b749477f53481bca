"""Step 4: write the adapter that the converter of polygist reads."""

import hashlib
from pathlib import Path

import click
import torch
from safetensors.torch import load_file, save_file

from training.train import STUDENT

METADATA = {"format": "polygist-attention-decoder", "version": "1"}


@click.command(help=__doc__)
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("adapter", type=click.Path(path_type=Path, dir_okay=False))
def main(run, adapter):
    weights = {name: w.half().contiguous() for name, w in load_file(run / STUDENT).items()}
    broken = [name for name, w in weights.items() if not torch.isfinite(w).all()]
    if broken:
        raise click.ClickException(f"{run / STUDENT} holds weights that float16 cannot: {', '.join(broken)}")
    save_file(weights, adapter, metadata=METADATA)
    digest = hashlib.sha256(adapter.read_bytes()).hexdigest()
    click.echo(f"{adapter}: {len(weights)} tensors, {adapter.stat().st_size} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
