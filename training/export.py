"""Step 4: write the weights as trained, and of those the adapter that the converter of polygist reads."""

import hashlib
from pathlib import Path

import click
import torch
from polygist_service.store.convert.bergamot import ADAPTER_FORMAT, write_adapter
from safetensors.torch import load_file, save_file

from training.train import STUDENT


@click.command(help=__doc__)
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("trained", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("adapter", type=click.Path(path_type=Path, dir_okay=False))
def main(run, trained, adapter):
    weights = {name: w.half().contiguous() for name, w in load_file(run / STUDENT).items()}
    broken = [name for name, w in weights.items() if not torch.isfinite(w).all()]
    if broken:
        raise click.ClickException(f"{run / STUDENT} holds weights that float16 cannot: {', '.join(broken)}")
    save_file(weights, trained, metadata={"format": ADAPTER_FORMAT, "version": "1"})
    write_adapter({name: w.numpy() for name, w in weights.items()}, adapter)
    for path in (trained, adapter):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        click.echo(f"{path}: {len(weights)} weights, {path.stat().st_size} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
