"""One run over a few made-up lines, with the real models."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments, environment=None):
    command = [sys.executable, "-m", "bench.quality", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
    return subprocess.run(
        command, cwd=ROOT, env=kept | (environment or {}), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def scorers():
    for name in ("sacrebleu", "rouge_score"):
        pytest.importorskip(name, reason="the scorers are not installed: pip install --group bench")


@pytest.mark.model
def test_what_is_there_is_measured_and_the_rest_is_named(scorers, starter_home, tmp_path):
    folder = tmp_path / "data" / "translation"
    folder.mkdir(parents=True)
    (folder / "pud.en.txt").write_text("The library opens at nine.\n")
    (folder / "pud.pt-BR.txt").write_text("A biblioteca abre às nove.\n")
    done = run("--data", tmp_path / "data", "--home", starter_home, "--results", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "results" / "quality.json").read_text())
    tables = {table["title"]: table["rows"] for table in report["tables"]}
    presets = ("greedy", "SPEED", "QUALITY")
    assert [(row["direction"], row["system"]) for row in tables["Translation"]] == [
        (direction, f"polygist {preset}") for direction in ("en-pt", "pt-en") for preset in presets
    ]
    assert tables["Extractive summaries"] == []
    assert "version:" in report["environment"]["BLEU"]
    assert "articles/bbc_300.jsonl" in report["missing"]
    assert done.stdout.strip() == (tmp_path / "results" / "quality.md").read_text().strip()


@pytest.mark.parametrize(("arguments", "said"), [((), "POLYGIST_DATA"), (("--data", "/nowhere"), "/nowhere is not")])
def test_without_data_the_cure_is_said(scorers, arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
