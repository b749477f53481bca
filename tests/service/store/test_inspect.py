"""What the files of a converted model say of it: here, how much it can read and write at a time."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.convert.inspect import count_positions, fit_to_files
from polygist_service.store.store import Store

CONVERTED = Path(__file__).parents[2] / "parity"
POSITIONS = 160


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def bart(store):
    """A BART with fewer positions than its family usually has."""
    (pulled,) = store.pull([f"path:{CONVERTED / 'bart'}"], options=PullOptions(family="bart"))
    return pulled.model


@pytest.mark.parametrize(
    ("family", "encoder", "decoder"),
    [
        ("bart", POSITIONS, POSITIONS),
        ("m2m100", POSITIONS, POSITIONS),
        ("marian", POSITIONS, POSITIONS),
        ("mbart50", POSITIONS, POSITIONS),
        ("nllb", POSITIONS, POSITIONS),
        ("pegasus", POSITIONS, POSITIONS),
        ("encoder", POSITIONS, 0),
        ("t5", 0, 0),
        ("mt5", 0, 0),
        ("madlad", 0, 0),
        ("causal-lm", 0, 0),
    ],
)
def test_positions_are_counted_in_the_weights(family, encoder, decoder):
    assert count_positions(CONVERTED / family / "model.bin") == (encoder, decoder)


def test_a_file_that_is_damaged_has_no_positions(tmp_path):
    whole = (CONVERTED / "bart" / "model.bin").read_bytes()
    damaged = tmp_path / "model.bin"
    assert count_positions(damaged) == (0, 0)
    for size in (0, 3, 10, 1000, len(whole) // 2):
        damaged.write_bytes(whole[:size])
        assert count_positions(damaged) == (0, 0)
    damaged.write_bytes(bytes(range(256)) * 100)
    assert count_positions(damaged) == (0, 0)


def test_a_window_is_no_larger_than_the_weights_have_positions_for(bart):
    assert bart.description.max_input_tokens == POSITIONS - 1  # the end is the window's own, the beginning is not
    assert bart.description.max_output_tokens == 142


def test_what_a_layout_and_a_prefix_add_is_left_out_of_the_window(bart):
    wide = replace(bart.description, max_input_tokens=1024, max_output_tokens=1024, min_output_tokens=500)
    fitted = fit_to_files(replace(wide, text_prefix="sum: ", target_layout=("</s>", "<s>")), bart.folder)
    assert fitted.max_input_tokens == POSITIONS - 1 - len(" sum: ")
    assert (fitted.max_output_tokens, fitted.min_output_tokens) == (POSITIONS - 2, POSITIONS - 2)


def test_a_smaller_window_stays(bart):
    narrow = replace(bart.description, max_input_tokens=50, max_output_tokens=0)
    assert fit_to_files(narrow, bart.folder) == narrow


def test_a_manifest_that_says_too_much_is_put_right_when_it_is_read(store, bart):
    path = bart.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for key in ("encoder_positions", "decoder_positions"):
        del manifest["description"][key]
    manifest["description"]["max_input_tokens"] = 1023
    path.write_text(json.dumps(manifest))
    assert store.find("bart") == bart


def test_a_catalogue_that_says_too_much_is_held_to_the_weights(store):
    (store.home / "catalogue.toml").write_text(
        '[models.nllb]\nfamily = "nllb"\nrepository = "a/b"\nmax_input_tokens = 4096\n'
    )
    (pulled,) = store.pull([f"path:{CONVERTED / 'nllb'}"])
    path = pulled.model.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    renewed = Store(store.home)
    manifest["recipe"] = renewed.catalogue.entry("nllb").recipe
    path.write_text(json.dumps(manifest))
    assert renewed.find("nllb").description.max_input_tokens == POSITIONS - 1
