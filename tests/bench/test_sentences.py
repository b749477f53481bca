"""Agreement of sentence boundaries."""

import json

import pytest

from bench.quality.sentences import Agreement, compare, measure_sentences
from bench.quality.sets import DataFolder


def test_the_start_of_a_text_is_no_boundary():
    assert compare([0], [0]) == Agreement(0, 0, 0)


def test_precision_and_recall_differ_where_too_little_is_split():
    agreement = compare([0, 10], [0, 10, 20, 30])
    assert agreement.precision == 1
    assert agreement.recall == pytest.approx(1 / 3)
    assert agreement.f1 == pytest.approx(0.5)


def test_texts_add_up():
    assert compare([0, 5], [0, 5]) + compare([0, 7], [0, 8]) == Agreement(found=2, gold=2, both=1)


def test_nothing_found_is_no_division_by_zero():
    assert Agreement().f1 == Agreement().precision == Agreement().recall == 0


def test_a_set_is_measured_with_the_servers_splitter(tmp_path):
    folder = tmp_path / "sentences"
    folder.mkdir()
    record = {"text": "It rains. Dr. Lima reads. It", "offsets": [[0, 9], [10, 25], [26, 28]]}
    (folder / "ud_en_gum_test.jsonl").write_text(json.dumps(record) + "\n")
    data = DataFolder(tmp_path)
    table = measure_sentences(data)
    assert table.rows == (("ud_en_gum_test", "en", 1, 2, 100.0, 100.0, 100.0),)
    assert "sentences/ud_pt_bosque_test.jsonl" in data.missing
