"""Tiny models that write, real to the last tensor: random weights, and a window of a few sentences."""

import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from polygist_service.app.server import Server
from polygist_service.settings import Settings
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.store import Store

FIXTURES = Path(__file__).parents[2] / "parity"
WRITERS = ("bart", "causal-lm", "pegasus", "t5")
WINDOW = 120


def install_writers(home: Path, folder: Path, names: Sequence[str] = WRITERS) -> None:
    """Install tiny models in `home`, from copies in `folder` that have a small window."""
    for name in names:
        copied = shutil.copytree(FIXTURES / name, folder / name, dirs_exist_ok=True)
        path = copied / "tokenizer_config.json"
        settings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**settings, "model_max_length": WINDOW}), encoding="utf-8")
        Store(home).pull([f"path:{copied}"], options=PullOptions(family=name))


@asynccontextmanager
async def serving_home(home: Path) -> AsyncIterator[Server]:
    """A whole server on the models of `home` while the block runs; `address` says where."""
    server = Server(Settings(home=home, listen="127.0.0.1:0", slots=1))
    await server.start()
    try:
        await server.load_models()
        yield server
    finally:
        await server.stop(0)
