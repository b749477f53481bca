"""The command: from the folder of a student to the adapter that the converter takes."""

import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="torch is missing; `make training-test` installs it")

import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from tests.training.student import make_pairs, write_original, write_pairs
from training.distil import main
from training.divergence import measure_divergence
from training.objective import freeze, join_student, start_student
from training.originals import find_original
from training.reference import START, context, decode_ours, encode, load_original, logits, pad
from training.run import CHECKPOINT, keep
from training.scores import convert, translate
from training.text import encode_pairs, read_pairs
from training.translate import main as translate_main

SIZES = [{"width": 16, "heads": 2, "layers": 2}, {"width": 32, "heads": 4, "layers": 1}]


@pytest.fixture
def folder(tmp_path):
    write_pairs(tmp_path / "pairs.tsv", make_pairs(300))
    write_pairs(tmp_path / "measured.tsv", make_pairs(20, seed=6))
    return tmp_path


@pytest.fixture
def clock(monkeypatch):
    """Time by which each step takes 20 ms, however busy the machine is."""
    monkeypatch.setattr("training.run.time", SimpleNamespace(monotonic=itertools.count(0, 0.02).__next__))


def arguments(folder: Path, **given: str) -> list[str]:
    options = {
        "pair": "tiny", "original": folder / "original", "text": folder / "pairs.tsv", "run": folder / "run",
        "measure": folder / "measured.tsv", "minutes": 0.06, "report": 0.01, "tokens": 300, "share": 1.0,
        "device": "cpu",
    } | given  # fmt: skip
    return [str(part) for name, value in options.items() for part in (f"--{name}", value)]


def distil(folder: Path, **given: str) -> str:
    result = CliRunner().invoke(main, arguments(folder, **given), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def read_log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("sizes", SIZES)
def test_a_decoder_comes_nearer_to_the_original_and_is_served_as_it_was_trained(folder, clock, sizes):
    """Of any size; what CTranslate2 writes with the converted adapter is what torch writes with the weights."""
    write_original(folder / "original", **sizes)
    pairs = make_pairs(12, seed=9)
    for name, side in zip(("sources", "references"), zip(*pairs, strict=True), strict=True):
        (folder / name).write_text("\n".join(side))
    output = distil(folder, average="0.98", score=f"{folder / 'sources'},{folder / 'references'}")
    assert "sources: BLEU " in output

    files = find_original("tiny", folder / "original", folder)
    model, vocabulary = load_original(files)
    untrained = join_student(model, start_student(model, torch.Generator().manual_seed(1)))
    measured = encode_pairs(vocabulary, read_pairs(folder / "measured.tsv"))
    before = measure_divergence(freeze(model, torch.float32), untrained, measured, "cpu").divergence
    assert read_log(folder)[-1]["averaged_divergence"] < 0.7 * before
    student = join_student(
        model, {name: w.float() for name, w in load_file(folder / "run/trained.tiny.safetensors").items()}
    )
    convert(files, folder / "run" / "trained.tiny.safetensors", folder / "converted", compute_type="float32")
    sources = [source for source, _ in pairs]
    assert translate(folder / "converted", sources, compute_type="float32") == [
        vocabulary.decode(write_greedily(student, [*vocabulary.encode(source), 0])) for source in sources
    ]


def test_given_pairs_are_learnt_as_they_are(folder, clock):
    """What the original would never write: every given target is the same."""
    write_original(folder / "original")
    pairs = make_pairs(30, seed=9)
    write_pairs(folder / "given.tsv", [(source, pairs[0][1]) for source, _ in pairs])
    distil(
        folder, given=folder / "given.tsv", **{"given-share": "0.8", "average": "0.5", "peak": "0.01"}, minutes="0.2"
    )
    outputs = translate(folder / "run" / "model", [source for source, _ in pairs])
    assert sum(output == pairs[0][1] for output in outputs) > 20


def write_greedily(student, source: list[int]) -> list[int]:
    """What our decoder writes, computed anew from the start for each token."""
    tokens, real = pad([source])
    memory = context(student, encode(student, tokens, real))
    written = [START]
    while written[-1] != 0 and len(written) <= 256:
        hidden = decode_ours(student, torch.tensor([written]), memory, real)[-1]
        written.append(int(logits(student, hidden[0, -1]).argmax()))
    return [token for token in written[1:] if token != 0]


def test_a_run_that_was_killed_goes_on_where_it_was(folder):
    write_original(folder / "original")
    given = arguments(folder, minutes="0.2")
    process = subprocess.Popen([sys.executable, "-m", "training.distil", *given], stdout=subprocess.DEVNULL)
    try:
        while not (folder / "run" / CHECKPOINT).exists():
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = torch.load(folder / "run" / CHECKPOINT)["progress"]
    assert not (folder / "run" / "adapter.tiny.safetensors").exists()
    output = distil(folder, minutes="0.2")
    assert "goes on after" in output
    log = read_log(folder)
    assert [entry["seconds"] for entry in log] == sorted(entry["seconds"] for entry in log)
    assert log[-1]["seconds"] >= 12 > before["seconds"] > 0
    assert log[-1]["steps"] > before["steps"]
    assert (folder / "run" / "adapter.tiny.safetensors").exists()


def test_a_run_does_not_go_on_with_other_settings(folder):
    write_original(folder / "original")
    distil(folder, minutes="0.01")
    result = CliRunner().invoke(main, arguments(folder, minutes="0.01", peak="0.5"))
    assert result.exit_code == 2
    assert "was started with peak 0.002" in " ".join(result.output.split())


def test_the_average_of_a_short_run_is_nearer_to_its_end_than_to_its_start(folder, clock):
    original = write_original(folder / "original")
    distil(folder, minutes="0.01")
    stored = torch.load(folder / "run" / CHECKPOINT)
    assert 20 < stored["progress"]["steps"] < 50
    model, _ = load_original(find_original("tiny", original, folder))
    started = start_student(model, torch.Generator().manual_seed(1))
    start, end, averaged = (
        torch.cat([weights[name].flatten() for name in started])
        for weights in (started, stored["trained"], stored["averaged"])
    )
    assert (averaged - end).norm() < (averaged - start).norm() / 2


def test_the_average_keeps_in_the_end_what_was_asked_for():
    assert [keep(steps, 0.998) for steps in (0, 8, 4_490, 4_491, 100_000)] == [0.1, 0.5, 4491 / 4500, 0.998, 0.998]
    assert keep(100, 0.0) == 0.0


def test_a_finished_run_is_not_trained_again(folder):
    write_original(folder / "original")
    distil(folder, minutes="0.01")
    before = (folder / "run" / "adapter.tiny.safetensors").read_bytes()
    distil(folder, minutes="0.01")
    assert (folder / "run" / "adapter.tiny.safetensors").read_bytes() == before


def test_more_layers_and_layers_of_the_encoder_are_trained_and_converted(folder):
    write_original(folder / "original")
    distil(folder, layers="3", train="encoder_l2", minutes="0.02")
    weights = load_file(folder / "run" / "trained.tiny.safetensors")
    assert {"decoder_l3_self_Wq", "encoder_l2_ffn_W1"} <= weights.keys()
    files = find_original("tiny", folder / "original", folder)
    convert(files, folder / "run" / "adapter.tiny.safetensors", folder / "converted")
    assert all(translate(folder / "converted", [source for source, _ in make_pairs(3)]))


@pytest.mark.parametrize(
    ("missing", "said"),
    [("model.tiny.bin", "0 files model.*.bin"), ("vocab.tiny.spm", "0 files vocab.*.spm")],
)
def test_a_folder_that_is_no_students_is_refused(folder, missing, said):
    write_original(folder / "original")
    (folder / "original" / missing).unlink()
    result = CliRunner().invoke(main, arguments(folder))
    assert (result.exit_code, said in result.output) == (2, True)


def test_a_pair_that_the_catalogue_lacks_wants_a_folder(folder):
    result = CliRunner().invoke(
        main, ["--pair", "xxyy", "--text", str(folder / "pairs.tsv"), "--run", str(folder / "run")]
    )
    assert (result.exit_code, "give the folder of its student with --original" in result.output) == (2, True)


def test_the_original_and_an_installed_model_make_pairs_that_training_reads(folder):
    write_original(folder / "original")
    (folder / "sentences").write_text("".join(f"{source}\n" for source, _ in make_pairs(5)))
    distil(folder, minutes="0.01")
    convert(
        find_original("tiny", folder / "original", folder),
        folder / "run" / "adapter.tiny.safetensors",
        folder / "installed",
    )
    for model, more in (("original", []), ("installed", []), ("installed", ["--sampled"])):
        given = [str(folder / model), str(folder / "sentences"), str(folder / "made.tsv"), *more]
        result = CliRunner().invoke(translate_main, given, catch_exceptions=False)
        assert result.exit_code == 0
        lines = (folder / "made.tsv").read_text().splitlines()
        assert [line.partition("\t")[0] for line in lines] == (folder / "sentences").read_text().splitlines()
