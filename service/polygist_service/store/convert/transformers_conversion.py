"""Conversion of published weights with CTranslate2's own converter, in a process of its own."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.families import Family

NEEDED = ("torch", "transformers")
COMPUTE_TYPES = (
    "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32",
)  # fmt: skip


def expect_converter(model: str) -> None:
    """Raise StoreError, with the command that helps, where what converts published weights is not installed."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise StoreError(
            f"{model} has to be converted, and {' and '.join(missing)} are not installed; run: pip install "
            "'polygist[service,convert]', or pull a repository that holds a converted model (model.bin)"
        )


def convert_published(folder: Path, target: Path, *, compute_type: str, family: Family) -> None:
    """Convert a published model to `target`, which must not exist; only files of `folder` are read, never code.

    A process of its own gives back the memory, and keeps a crash and an import of torch away from this one.

    Raises:
        StoreError: the converter fails; holds its own last words.
    """
    order = {"folder": str(folder), "target": str(target), "compute_type": compute_type, "class": family.converts_as}
    run = subprocess.run(
        [sys.executable, "-m", "polygist_service.store.convert.transformers_process", json.dumps(order)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip
    if run.returncode:
        lines = [line.strip() for line in run.stderr.splitlines() if line.strip()]
        said = lines[-1] if lines else f"it ended with code {run.returncode}; is there enough memory?"
        raise StoreError(f"the model in {folder.name} cannot be converted: {said}")
