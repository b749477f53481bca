"""Writes the mean of several runs' weights: two that were trained to their end, from other seeds, say."""

from pathlib import Path

import click
import torch
from safetensors.torch import load_file

from training.export import write_adapters


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("weights", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--pair", required=True, help="Names the adapter: enpt, pten, ...")
def main(folder, weights, pair):
    loaded = [load_file(path) for path in weights]
    different = [path for path, each in zip(weights, loaded, strict=True) if each.keys() != loaded[0].keys()]
    if different:
        raise click.UsageError(f"{different[0]} has other weights than {weights[0]}: give runs of one shape")
    folder.mkdir(parents=True, exist_ok=True)
    means = {name: torch.stack([each[name].float() for each in loaded]).mean(dim=0) for name in loaded[0]}
    write_adapters(means, folder, pair)


if __name__ == "__main__":
    main()
