"""Writes the mean of several runs' weights: two that were trained to their end, from other seeds, say.

A file that is given several times counts as often (arXiv 2203.05482 and 2109.01903 on such means).
"""

import click
import torch

from training.export import read_weights, write_adapters
from training.options import Command, check_pair, existing_file
from training.options import folder as folder_type


@click.command(cls=Command, help=__doc__)
@click.argument("folder", type=folder_type)
@click.argument("weights", nargs=-1, required=True, type=existing_file)
@click.option("--pair", required=True, callback=check_pair, help="Names the adapter: enpt, pten, ...")
def main(folder, weights, pair):
    loaded = [read_weights(path) for path in weights]
    shapes = [{name: w.shape for name, w in each.items()} for each in loaded]
    different = [path for path, each in zip(weights, shapes, strict=True) if each != shapes[0]]
    if different:
        raise click.UsageError(f"{different[0]} has other weights than {weights[0]}: give runs of one shape")
    folder.mkdir(parents=True, exist_ok=True)
    means = {name: torch.stack([each[name] for each in loaded]).mean(dim=0) for name in loaded[0]}
    write_adapters(means, folder, pair)


if __name__ == "__main__":
    main()
