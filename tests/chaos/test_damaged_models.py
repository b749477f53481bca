"""The starter models damaged in many ways, with checksums that are right: none is served."""

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from polygist_service.engine.golden_texts import record_answers
from polygist_service.engine.hardware import Placement
from polygist_service.engine.residency.loader import Loader, open_model
from polygist_service.errors import StoreError
from polygist_service.store.manifest import FILE, compute_revision, read_manifest, record_files, write_manifest
from polygist_service.store.store import Store

pytestmark = [pytest.mark.chaos, pytest.mark.model]

# The types of CTranslate2's variables that are of one byte and of more.
WIDTHS = {0: 4, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2}
Damage = Callable[[Path], None]


class Variable(NamedTuple):
    """Where the numbers of a variable stand in ``model.bin``."""

    start: int
    size: int
    shape: tuple[int, ...]
    width: int


def read_variables(content: bytes) -> dict[str, Variable]:
    """The variables of a ``model.bin`` of CTranslate2, by name; see ``Model::load`` there."""
    at, variables = 4, {}

    def read_text() -> str:
        nonlocal at
        (length,) = struct.unpack_from("<H", content, at)
        at += 2 + length
        return content[at - length : at - 1].decode()

    read_text()
    _revision, count = struct.unpack_from("<II", content, at)
    at += 8
    for _ in range(count):
        name, rank = read_text(), content[at]
        shape = struct.unpack_from(f"<{rank}I", content, at + 1)
        kind, size = struct.unpack_from("<BI", content, at + 1 + 4 * rank)
        at += 6 + 4 * rank
        variables[name] = Variable(at, size, shape, WIDTHS[kind])
        at += size
    return variables


def change_weights(names: list[str], change: Callable[..., list[np.ndarray]]) -> Damage:
    """Have some variables of a model hold other bytes: `change` gets them in rows, and returns as many."""

    def damage(folder: Path) -> None:
        path = folder / "model.bin"
        content = bytearray(path.read_bytes())
        variables = read_variables(bytes(content))
        places = [variables[name] for name in names]
        rows = [
            np.frombuffer(content[each.start : each.start + each.size], np.uint8).reshape(each.shape[0], -1)
            for each in places
        ]
        for place, changed in zip(places, change(*rows), strict=True):
            content[place.start : place.start + place.size] = changed.tobytes()
        path.write_bytes(content)

    return damage


def change_vocabulary(change: Callable[[list[str]], list[str]]) -> Damage:
    """Have the words of a model stand in another order, its special tokens left out."""

    def damage(folder: Path) -> None:
        path = folder / "shared_vocabulary.json"
        pieces = json.loads(path.read_text())
        path.write_text(json.dumps([*pieces[:4], *change(pieces[4:])]))

    return damage


def damages(folder: Path, other: Path) -> Iterator[tuple[str, Damage]]:
    """Ways to damage a model: its matrices, layers, words, and files of another model."""
    variables = read_variables((folder / "model.bin").read_bytes())
    matrices = [
        name
        for name, each in variables.items()
        if "layer_" in name and name.endswith("/weight") and len(each.shape) == 2
    ]
    for name in matrices:
        yield f"{name} cleared", change_weights([name], lambda rows: [np.zeros_like(rows)])
        yield f"{name} upside down", change_weights([name], lambda rows: [rows[::-1]])
        yield f"{name} one byte off", change_weights([name], lambda rows: [np.roll(rows, 1)])
    for name in matrices:
        twin = name.replace("layer_0/", "layer_1/")
        if twin != name and variables[twin].shape == variables[name].shape:
            yield f"{name} exchanged with {twin}", change_weights([name, twin], lambda one, two: [two, one])
    for name in variables:
        if name.endswith("embeddings_0/weight") or name.endswith("embeddings/weight"):
            yield f"{name} a row off", change_weights([name], lambda rows: [np.roll(rows, 1, axis=0)])
    if (folder / "shared_vocabulary.json").exists():
        yield "words reversed", change_vocabulary(lambda pieces: pieces[::-1])
        yield "words one off", change_vocabulary(lambda pieces: [*pieces[1:], pieces[0]])
        shuffled = np.random.default_rng(3).permutation
        yield "words shuffled", change_vocabulary(lambda pieces: [pieces[at] for at in shuffled(len(pieces))])
        for name in ("model.bin", "shared_vocabulary.json", "vmap.txt"):
            yield f"{name} of {other.name}", lambda folder, name=name: copy(other / name, folder)


def copy(path: Path, folder: Path) -> None:
    shutil.copyfile(path, folder / path.name)


@pytest.mark.parametrize(("name", "other"), [("en-pt", "pt-en"), ("pt-en", "en-pt"), ("minilm", "en-pt")])
def test_no_damaged_starter_model_is_served(starter_home, tmp_path, name, other, figures):
    store, models = Store(tmp_path, record=record_answers), starter_home / "models"
    folder = tmp_path / "models" / name
    shutil.copytree(models / name, folder)
    store.record(name)
    shutil.copytree(folder, tmp_path / "whole")
    loader = Loader(lambda: store, slots=1, place=lambda installed: Placement(), open_model=open_model)
    loader.open(loader.examine(name))
    served, tried = [], 0
    for what, damage in damages(tmp_path / "whole", models / other):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "whole", folder)
        damage(folder)
        manifest = read_manifest(folder)
        (folder / FILE).unlink()
        files = record_files(folder)
        write_manifest(folder, replace(manifest, files=files, revision=compute_revision(files)))
        tried += 1
        try:
            loader.open(loader.examine(name))
            served.append(what)
        except StoreError:
            pass
    figures.inputs = tried
    assert not served, f"{len(served)} of {tried}"
    assert tried > 50
