"""The store: pull, convert, verify, remove."""

import os

import ctranslate2
import pytest
from polygist_service.errors import StoreError
from polygist_service.store.store import Outcome, Store

from tests.service.store.changes import builds, use_converter


def test_a_pulled_model_is_installed_verified_and_runs(store):
    assert store.installed() == ()
    (pulled,) = store.pull(["tiny"])
    assert pulled.outcome is Outcome.INSTALLED
    assert store.installed() == (pulled.model,)
    assert pulled.model.size_bytes == sum(
        path.stat().st_size for path in pulled.model.folder.iterdir() if path.name != "manifest.json"
    )
    store.verify("tiny")
    output = ctranslate2.Translator(str(pulled.model.folder)).translate_batch([["▁the"]], max_decoding_length=4)
    assert output[0].hypotheses
    assert not (store.home / "work").exists()


def test_a_second_pull_fetches_and_converts_nothing(store, tmp_path):
    (first,) = store.pull(["tiny"])
    next((tmp_path / "index").iterdir()).unlink()
    reports = []
    (second,) = store.pull(["tiny"], lambda *report: reports.append(report))
    assert (second.model, second.outcome) == (first.model, Outcome.CURRENT)
    assert reports == []
    assert "already installed" in str(second)


def test_a_newer_converter_converts_again_and_an_older_one_does_not(store, folder, monkeypatch):
    store.convert("tiny", folder)
    use_converter(monkeypatch, version=2)
    assert store.pull(["tiny"])[0].outcome is Outcome.RENEWED
    use_converter(monkeypatch, version=1)
    assert store.pull(["tiny"])[0].outcome is Outcome.CURRENT
    assert len(builds(store)) == 1


def test_another_recipe_converts_again(store, folder):
    before = store.convert("tiny", folder).model
    catalogue = store.home / "catalogue.toml"
    catalogue.write_text(catalogue.read_text().replace('"int8"', '"float32"'))
    (pulled,) = Store(store.home).pull(["tiny"])
    assert pulled.outcome is Outcome.RENEWED
    assert pulled.model.revision != before.revision


def test_a_model_that_lost_a_file_or_its_manifest_is_pulled_again(store):
    for lost in ("vmap.txt", "manifest.json"):
        (pulled,) = store.pull(["tiny"])
        (pulled.model.folder / lost).unlink()
        assert store.pull(["tiny"])[0].outcome is Outcome.RENEWED
        store.verify("tiny")


def test_a_model_copied_here_by_hand_is_found_and_replaced(store, folder, tmp_path):
    store.convert("tiny", folder)
    os.rename((store.home / "models" / "tiny").resolve(), tmp_path / "copy")
    (store.home / "models" / "tiny").unlink()
    os.rename(tmp_path / "copy", store.home / "models" / "tiny")
    store.verify("tiny")
    assert store.pull(["tiny"])[0].outcome is Outcome.CURRENT
    store.convert("tiny", folder)
    store.verify("tiny")
    assert len(builds(store)) == 1


def flip_a_bit(model):
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda build: flip_a_bit(build / "model.bin"), r"model\.bin has changed"),
        (lambda build: flip_a_bit(build / "tokenizer.spm"), r"tokenizer\.spm has changed"),
        (lambda build: os.truncate(build / "model.bin", 100), r"model\.bin has changed"),
        (lambda build: (build / "vmap.txt").unlink(), r"vmap\.txt is missing"),
        (lambda build: (build / "extra.py").write_text(""), r"extra\.py does not belong to it"),
        (lambda build: (build / "folder").mkdir(), "folder does not belong to it"),
        (lambda build: (build / "vmap.txt").replace(build / "vmap"), r"vmap\.txt is missing, vmap does not belong"),
        (lambda build: link_instead(build / "vmap.txt"), r"vmap\.txt is no plain file"),
        (lambda build: (build / "manifest.json").write_text("{}"), r"no readable manifest\.json"),
        (lambda build: swap_checksums(build / "manifest.json"), "contradicts itself"),
    ],
)
def test_verify_names_what_is_wrong_and_the_cure(store, folder, damage, message):
    damage(store.convert("tiny", folder).model.folder)
    with pytest.raises(StoreError, match=rf"{message}.*models rm tiny && polygist-server models pull tiny"):
        store.verify("tiny")


def link_instead(path):
    moved = path.rename(path.parents[1] / "moved")
    path.symlink_to(moved)


def swap_checksums(manifest):
    text = manifest.read_text()
    manifest.write_text(text.replace(f'"revision": "{text.split("revision")[1][4:12]}', '"revision": "00000000'))


def test_a_removed_model_is_gone(store, folder):
    store.convert("tiny", folder)
    store.remove("tiny")
    assert store.installed() == ()
    assert builds(store) == []
    with pytest.raises(StoreError, match=r"no model 'tiny' is installed in .*; installed: none"):
        store.remove("tiny")


def test_a_damaged_model_can_be_removed(store, folder):
    (store.convert("tiny", folder).model.folder / "manifest.json").unlink()
    store.remove("tiny")
    assert store.installed() == ()


def test_removing_a_link_to_elsewhere_leaves_what_it_led_to(store, folder, tmp_path):
    installed = store.convert("tiny", folder).model.folder
    elsewhere = installed.resolve().rename(tmp_path / "elsewhere")
    installed.unlink()
    installed.symlink_to(elsewhere)
    store.verify("tiny")
    store.remove("tiny")
    assert store.installed() == ()
    assert (elsewhere / "model.bin").exists()


def test_an_installed_model_is_known_without_the_catalogue(store, folder):
    before = store.convert("tiny", folder).model
    (store.home / "catalogue.toml").unlink()
    assert Store(store.home).installed() == (before,)


def test_the_catalogue_changes_what_is_known_of_an_installed_model(store, folder):
    store.convert("tiny", folder)
    path = store.home / "catalogue.toml"
    path.write_text(path.read_text().replace("max_input_tokens = 64", "max_input_tokens = 32"))
    assert Store(store.home).find("tiny").description.max_input_tokens == 32


def test_files_that_the_converter_cannot_read_are_one_clear_error(store, folder, monkeypatch):
    def stumble(files, folder, *, compute_type, int8_limit):
        raise KeyError("encoder_l1_self_Wq")

    use_converter(monkeypatch, convert=stumble)
    with pytest.raises(StoreError, match=r"tiny: its files are not what converter bergamot reads \(KeyError"):
        store.convert("tiny", folder)
    assert builds(store) == []


def test_pulling_an_unknown_model_touches_nothing(store):
    with pytest.raises(StoreError, match="no model or set 'en-fi'"):
        store.pull(["tiny", "en-fi"])
    assert not (store.home / "models").exists()
