"""Writes what was trained: the weights, and of those the adapter that the converter of polygist reads."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import click
import torch
from polygist_service.store.convert.bergamot import ADAPTER_FORMAT, write_adapter
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from training.objective import count_layers
from training.options import writing


def read_weights(path: Path) -> dict[str, Tensor]:
    """Weights as trained, in float32: those of ``trained.PAIR.safetensors``.

    Raises:
        click.ClickException: the file is something else.
    """
    cure = "give the trained.PAIR.safetensors of a run"
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise click.ClickException(f"{path} holds no weights ({error}): {cure}") from error
    if not count_layers(weights):
        raise click.ClickException(f"{path} holds no decoder with self-attention: {cure}")
    if not all(w.is_floating_point() for w in weights.values()):
        raise click.ClickException(f"{path} holds weights of 8 bits, as an adapter does: {cure}")
    return {name: w.float() for name, w in weights.items()}


def write_adapters(trained: Mapping[str, Tensor], folder: Path, pair: str) -> Path:
    """Write ``trained.PAIR.safetensors`` (float16) and ``adapter.PAIR.safetensors`` (8-bit); returns the second."""
    weights = {name: w.detach().cpu().half().contiguous() for name, w in trained.items()}
    broken = [name for name, w in weights.items() if not torch.isfinite(w).all()]
    if broken:
        raise click.ClickException(f"float16 cannot hold {', '.join(broken)}: train again at a lower --peak")
    path, adapter = (folder / f"{kind}.{pair}.safetensors" for kind in ("trained", "adapter"))
    with writing(path):
        path.write_bytes(save(weights, metadata={"format": ADAPTER_FORMAT, "version": "1"}))
    with writing(adapter):
        write_adapter({name: w.numpy() for name, w in weights.items()}, adapter)
    for each in (path, adapter):
        digest = hashlib.sha256(each.read_bytes()).hexdigest()
        click.echo(f"{each}: {len(weights)} weights, {each.stat().st_size} bytes, sha256 {digest}")
    return adapter
