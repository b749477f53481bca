"""What the commands refuse: each time the option or file is named, before anything is trained, and nothing is lost."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is missing; `make training-test` installs it")

import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file

from tests.training.student import make_pairs, write_original, write_pairs
from training import originals
from training.average import main as average_main
from training.distil import main
from training.export import write_adapters
from training.objective import add_layer, start_student
from training.originals import find_original
from training.reference import load_original
from training.run import CHECKPOINT, SETTINGS, hold
from training.scores import convert, translate
from training.translate import main as translate_main


@pytest.fixture
def folder(tmp_path):
    write_original(tmp_path / "original")
    write_pairs(tmp_path / "pairs.tsv", make_pairs(50))
    (tmp_path / "sentences").write_text("".join(f"{source}\n" for source, _ in make_pairs(5)))
    return tmp_path


@pytest.fixture
def weights(folder):
    """Those that a run on the original starts with, as they are written."""
    model, _ = load_original(find_original("tiny", folder / "original", folder))
    trained = start_student(model, torch.Generator().manual_seed(1))
    write_adapters(trained, folder, "tiny")
    return trained


def distil(folder: Path, *more: str | Path, minutes: str = "0.001") -> Result:
    fixed = {"pair": "tiny", "original": "original", "text": "pairs.tsv", "run": "run"}
    given = [part for name, value in fixed.items() for part in (f"--{name}", str(folder / value))]
    given[1] = "tiny"
    given += ["--minutes", minutes, "--tokens", "300", "--device", "cpu"]
    return CliRunner().invoke(main, [*given, *map(str, more)])


def expect_refusal(result: Result, *said: str) -> None:
    """An error of click, with all of `said` in it."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2)
    output = "".join(result.output.split())
    assert all("".join(each.split()) in output for each in said), result.output


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((option, value) for option in ("minutes", "peak", "report") for value in ("0", "-1", "nan", "inf")),
        *((option, value) for option in ("average", "warm-up") for value in ("1", "1.5", "-0.1", "nan")),
        *(("share", value) for value in ("0", "2", "nan")),
        *((option, value) for option in ("tokens", "uses") for value in ("0", "-1", "1.5")),
        *(("distance", value) for value in ("-1", "nan")),
        *(("seed", value) for value in ("-1", "99999999999999999999999")),
        *(("pair", value) for value in ("", "a/b", "../a")),
        *(("device", value) for value in ("gpu", "meta", "cuda:x")),
        *(("layers", value) for value in ("-1", "17", "99999999")),
        ("start", "missing"),
    ],
)
def test_a_value_out_of_bounds_is_named(folder, option, value):
    expect_refusal(distil(folder, f"--{option}", value), f"--{option}", value)
    assert not (folder / "run" / SETTINGS).exists()


def test_a_gpu_that_is_not_there_is_named(folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    expect_refusal(distil(folder, "--device", "cuda"), "--device", "'cuda'", "finds 0 GPUs here; give cpu or auto")


@pytest.mark.parametrize("begin", ["encodr_l2", "encoder_l3", "", "Wemb", "decoder_l1_rnn"])
def test_what_is_no_weight_of_the_encoder_is_not_trained(folder, begin):
    expect_refusal(distil(folder, "--train", begin), f"--train {begin!r}", "encoder_l1 to encoder_l2")
    assert not distil(folder, "--train", "encoder_l2").exception  # what was refused has left nothing behind


def test_a_decoder_is_not_made_smaller_nor_one_layer_two(folder):
    expect_refusal(distil(folder, "--layers", "1"), "--layers 1", "starts with 2")
    write_original(folder / "flat", layers=1)
    expect_refusal(distil(folder, "--original", folder / "flat", "--layers", "2"), "--layers 2", "has one")


@pytest.mark.parametrize("text", ["", "\t\n", f"{'the ' * 200}\tthe\n"])
@pytest.mark.parametrize("option", ["text", "measure"])
def test_pairs_of_which_none_can_be_used_are_refused(folder, option, text):
    (folder / "none.tsv").write_text(text)
    if option == "text":
        (folder / "pairs.tsv").write_text(text)
    expect_refusal(distil(folder, f"--{option}", folder / "none.tsv"), f"--{option} holds no pair of 1 to 95 tokens")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a\tb\n\n", "line 2 has 0 tabs"), (b"a\rb\tc\n", "line 1 has 0 tabs"), (b"\xe7\t\xe3\n", "is not UTF-8")],
)
def test_a_file_that_holds_no_pairs_is_named(folder, content, said):
    (folder / "pairs.tsv").write_bytes(content)
    expect_refusal(distil(folder), "pairs.tsv", said)


def test_a_byte_order_mark_and_ends_of_lines_of_windows_are_no_text(folder):
    (folder / "sentences").write_bytes(b"\xef\xbb\xbfthe one\r\n\r\nthe two\r\n")
    given = [str(folder / name) for name in ("original", "sentences", "made.tsv")]
    assert CliRunner().invoke(translate_main, given).exit_code == 0
    assert [line.partition("\t")[0] for line in (folder / "made.tsv").read_text().splitlines()] == [
        "the one",
        "the two",
    ]


@pytest.mark.parametrize(("sources", "references"), [("a\nb\n", "a\n"), ("", ""), ("a\n", "a\nb\n")])
def test_sets_to_score_have_a_reference_for_each_line(folder, sources, references):
    paths = [folder / "sources", folder / "references"]
    for path, text in zip(paths, (sources, references), strict=True):
        path.write_text(text)
    expect_refusal(distil(folder, "--score", ",".join(map(str, paths))), "--score", "sources", "as many lines")


def test_a_line_longer_than_the_model_reads_is_scored_too(folder, weights):
    convert(find_original("tiny", folder / "original", folder), folder / "adapter.tiny.safetensors", folder / "model")
    assert len(translate(folder / "model", ["the one " * 600, "", "the one"])) == 3


def test_weights_of_another_student_are_not_started_from(folder, weights):
    write_original(folder / "wide", width=32)
    write_original(folder / "flat", layers=1)
    start = ("--start", folder / "trained.tiny.safetensors")
    for other in ("wide", "flat"):
        expect_refusal(distil(folder, "--original", folder / other, *start), "--start", "does not fit the original")
    assert not distil(folder, *start).exception


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_what_holds_no_weights_is_not_started_from(folder, content):
    (folder / "junk.safetensors").write_bytes(content)
    expect_refusal(distil(folder, "--start", folder / "junk.safetensors"), "junk.safetensors", "holds no weights")


def test_an_adapter_is_neither_started_from_nor_averaged(folder, weights):
    """Its rows of 8 bits are no weights; those as trained lie beside it."""
    adapter = folder / "adapter.tiny.safetensors"
    expect_refusal(distil(folder, "--start", adapter), "adapter.tiny.safetensors", "give the trained.PAIR.safetensors")
    given = [str(folder / "mean"), str(adapter), str(adapter), "--pair", "tiny"]
    expect_refusal(CliRunner().invoke(average_main, given), "give the trained.PAIR.safetensors")


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_weights_have_the_mode_of_other_files(folder, weights, mask, mode):
    written = folder / "written"
    written.mkdir()
    before = os.umask(mask)
    try:
        write_adapters(weights, written, "tiny")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    for kind in ("trained", "adapter"):
        assert (written / f"{kind}.tiny.safetensors").stat().st_mode & 0o777 == mode


def test_runs_of_other_shapes_have_no_mean(folder, weights):
    for name, other in (
        ("deep", add_layer(weights)),
        ("wide", {name: torch.cat([w, w], dim=-1).contiguous() for name, w in weights.items()}),
    ):
        save_file({name: w.half().clone() for name, w in other.items()}, folder / f"{name}.safetensors")
        given = [str(folder / each) for each in ("mean", "trained.tiny.safetensors", f"{name}.safetensors")]
        expect_refusal(CliRunner().invoke(average_main, [*given, "--pair", "tiny"]), f"{name}.safetensors has other")


@pytest.mark.parametrize("name", ["model.tiny.bin", "vocab.tiny.spm", "lex.tiny.bin"])
@pytest.mark.parametrize("kept", [0, 40])
def test_a_damaged_file_of_the_original_is_named_before_the_training(folder, name, kept):
    path = folder / "original" / name
    path.write_bytes(path.read_bytes()[:kept])
    expect_refusal(distil(folder), name)


def test_a_student_of_another_architecture_is_refused(folder):
    path = folder / "original" / "model.tiny.bin"
    path.write_bytes(path.read_bytes().replace(b"dec-cell: ssru", b"dec-cell: grus"))
    expect_refusal(distil(folder), "model.tiny.bin", "dec-cell='grus'", "'ssru'")


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:3000], lambda b: b[:2000] + b"\1\2\3\4" + b[2004:]])
def test_a_damaged_checkpoint_is_named(folder, damage):
    assert not distil(folder).exception
    path = folder / "run" / CHECKPOINT
    path.write_bytes(damage(path.read_bytes()))
    expect_refusal(distil(folder), CHECKPOINT, "is damaged", "or delete it")
    path.unlink()
    assert not distil(folder).exception


def test_damaged_settings_are_named(folder):
    assert not distil(folder).exception
    for content in ("", "{", "[]"):
        (folder / "run" / SETTINGS).write_text(content)
        expect_refusal(distil(folder), SETTINGS, "is damaged")


def test_settings_that_are_missing_beside_a_checkpoint_are_named(folder):
    assert not distil(folder).exception
    (folder / "run" / SETTINGS).unlink()
    expect_refusal(distil(folder), SETTINGS, "is missing", "put a copy of it there, or give another --run")
    (folder / "run" / CHECKPOINT).unlink()
    assert not distil(folder).exception


@pytest.mark.parametrize("changed", ["pairs.tsv", "original"])
def test_a_run_does_not_go_on_with_other_contents_of_its_files(folder, changed):
    assert not distil(folder).exception
    if changed == "original":
        other = write_original(folder / "other", seed=4)
        os.replace(other / "model.tiny.bin", folder / "original" / "model.tiny.bin")
    else:
        write_pairs(folder / "pairs.tsv", make_pairs(50, seed=9))
    expect_refusal(distil(folder), changed, "run was started with", "put that back")


def test_a_run_of_before_goes_on_though_it_knows_less(folder):
    assert not distil(folder).exception
    path = folder / "run" / SETTINGS
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in settings.items() if name != "contents"}))
    assert "goes on after" in distil(folder).output
    assert json.loads(path.read_text()) == settings


def test_two_processes_do_not_train_one_run(folder):
    with hold(folder / "run"):
        expect_refusal(distil(folder), "run is in use", "another --run")
    assert not distil(folder).exception


def test_a_loss_that_is_not_finite_ends_the_run_before_it_is_saved(folder):
    expect_refusal(distil(folder, "--peak", "1e30", minutes="1"), "is not finite", "lower --peak than 1e+30")
    assert not (folder / "run" / CHECKPOINT).exists()


def test_a_full_disk_leaves_the_checkpoint_before_it(folder, monkeypatch):
    """Nor is anything left that takes the room."""
    assert not distil(folder).exception
    before = (folder / "run" / CHECKPOINT).read_bytes()
    settings = folder / "run" / SETTINGS
    settings.write_text(settings.read_text().replace('"minutes": 0.001', '"minutes": 0.1'))

    def write(stored, file):
        file.write(b"half")
        raise RuntimeError("unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", write)
    expect_refusal(distil(folder, minutes="0.1"), CHECKPOINT, "cannot be written", "make room")
    assert (folder / "run" / CHECKPOINT).read_bytes() == before
    assert not list((folder / "run").glob("*.new"))


def test_a_disk_that_is_full_at_the_end_is_told_by_the_name_of_what_is_missing(folder, monkeypatch):
    assert not distil(folder).exception

    def write(*arguments, **more):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for target, said in (("training.distil.convert", "model"), ("training.export.write_adapter", "adapter.tiny")):
        monkeypatch.setattr(target, write)
        expect_refusal(distil(folder), said, "cannot be written", "No space left", "make room")


def test_sigterm_ends_a_run_saved(folder):
    command = [sys.executable, "-m", "training.distil", "--pair", "tiny", "--original", folder / "original", "--text"]
    command += [folder / "pairs.tsv", "--run", folder / "run", "--minutes", "60", "--report", "0.001"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        while not (folder / "run" / CHECKPOINT).exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate()
    assert (process.returncode, "the same command goes on from there" in complaint) == (1, True)
    assert torch.load(folder / "run" / CHECKPOINT)["progress"]["steps"] > 0


def test_sigterm_after_the_training_ends_the_command_as_ever(folder):
    before = signal.getsignal(signal.SIGTERM)
    assert not distil(folder).exception
    assert signal.getsignal(signal.SIGTERM) is before


def test_files_of_the_catalogue_are_fetched_again_after_a_kill(tmp_path, monkeypatch):
    """A wheel of which a part came is no wheel."""

    def fetch_files(source, files, workspace, report):
        if workspace.exists() and not (workspace / "whole").exists():
            raise ValueError("not enough values to unpack")
        workspace.mkdir(parents=True, exist_ok=True)
        if is_killed:
            raise KeyboardInterrupt
        (workspace / "whole").touch()
        return dict.fromkeys(("model", "vocabulary", "shortlist"), workspace / "whole")

    monkeypatch.setattr(originals, "fetch_files", fetch_files)
    is_killed = True
    with pytest.raises(KeyboardInterrupt):
        find_original("enpt", None, tmp_path / "original")
    is_killed = False
    assert find_original("enpt", None, tmp_path / "original").model == tmp_path / "original" / "enpt" / "whole"


@pytest.mark.parametrize(
    ("model", "sentences", "pairs", "said"),
    [
        ("xxyy", "sentences", "made.tsv", "no pair 'xxyy': give the folder of its student with MODEL"),
        ("original", "sentences", "missing/made.tsv", "missing; make it"),
        ("original", "blank", "made.tsv", "no line of 1 to 95 tokens"),
        ("original", "latin", "made.tsv", "is not UTF-8"),
        ("other", "sentences", "made.tsv", "'other' has no tokenizer.spm, so it is no translation model of the family"),
    ],
)
def test_what_cannot_be_translated_is_named(folder, monkeypatch, model, sentences, pairs, said):
    monkeypatch.chdir(folder)
    Path("blank").write_text("\n \n\t\n")
    Path("latin").write_bytes("maçã\n".encode("latin-1"))
    Path("other").mkdir()
    Path("other", "model.bin").write_bytes(b"")
    expect_refusal(CliRunner().invoke(translate_main, [model, sentences, pairs]), said)


@pytest.mark.parametrize("pairs", ["sentences", "original/../sentences", "link", "hard_link"])
def test_sentences_are_not_overwritten_with_their_pairs(folder, pairs):
    sentences = folder / "sentences"
    (folder / "link").symlink_to(sentences)
    (folder / "hard_link").hardlink_to(sentences)
    before = sentences.read_text()
    result = CliRunner().invoke(translate_main, [str(folder / each) for each in ("original", "sentences", pairs)])
    assert sentences.read_text() == before
    expect_refusal(result, "PAIRS", str(folder / pairs), "is the file of the sentences; give another")


def test_sentences_that_are_left_out_are_counted(folder, monkeypatch):
    """The end of a sentence counts too: 95 tokens fit."""
    monkeypatch.chdir(folder)
    _, vocabulary = load_original(find_original("tiny", folder / "original", folder))
    texts = [" ".join(["the"] * count) for count in range(1, 100)]
    lengths = {len(vocabulary.encode(text)): text for text in texts}
    Path("sentences").write_text("".join(f"{lengths[length]}\n" for length in (95, 96, 97)))
    result = CliRunner().invoke(translate_main, ["original", "sentences", "made.tsv"])
    assert "1 pairs, 2 sentences of 96 or more tokens left out" in result.output


def test_an_original_draws_no_samples(folder, monkeypatch):
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(translate_main, ["original", "sentences", "made.tsv", "--sampled"])
    expect_refusal(result, "no installed model, which --sampled needs")


def test_weights_that_are_given_several_times_count_as_often_in_the_mean(folder, weights):
    others = folder / "others"
    others.mkdir()
    write_adapters({name: w + 0.5 for name, w in weights.items()}, others, "tiny")
    path, other = (str(each / "trained.tiny.safetensors") for each in (folder, others))
    result = CliRunner().invoke(average_main, [str(folder / "mean"), path, path, other, path, "--pair", "tiny"])
    assert result.exit_code == 0
    mean = load_file(folder / "mean" / "trained.tiny.safetensors")
    assert mean.keys() == weights.keys()
    for name, w in weights.items():
        torch.testing.assert_close(mean[name].float(), w + 0.125, atol=2e-3, rtol=0)
