"""Reading the data sets."""

import json

import pytest

from bench.quality.sets import DataFolder, read_translation_sets


def write(folder, name, *lines):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_lines_end_at_newlines_only(tmp_path):
    write(tmp_path, "some.txt", "One\u2028and more.", "", "Three.")
    assert DataFolder(tmp_path).lines("some.txt") == ["One\u2028and more.", "", "Three."]


def test_what_is_missing_is_empty_and_named_once(tmp_path):
    data = DataFolder(tmp_path)
    assert data.lines("a.txt") == data.records("b.jsonl") == []
    assert data.document("c.json") == {}
    data.lines("a.txt")
    assert data.missing == ["a.txt", "b.jsonl", "c.json"]


def test_records_are_objects(tmp_path):
    write(tmp_path, "b.jsonl", *map(json.dumps, ({"text": "One."}, {"text": "Two."})))
    assert [record["text"] for record in DataFolder(tmp_path).records("b.jsonl")] == ["One.", "Two."]


def test_both_variants_are_references_and_the_last_is_translated_from(tmp_path):
    write(tmp_path, "translation/ntrex128.en.txt", "The train.", "The bus.")
    write(tmp_path, "translation/ntrex128.pt.txt", "O comboio.", "O autocarro.")
    write(tmp_path, "translation/ntrex128.pt-BR.txt", "O trem.", "O ônibus.")
    into, out = read_translation_sets(DataFolder(tmp_path))
    assert (into.direction, out.direction) == ("en-pt", "pt-en")
    assert into.references == (("O comboio.", "O autocarro."), ("O trem.", "O ônibus."))
    assert out.sources == ("O trem.", "O ônibus.")
    assert out.references == (("The train.", "The bus."),)


def test_the_large_set_is_thinned_on_both_sides(tmp_path):
    for language in ("en", "pt"):
        write(tmp_path, f"translation/tatoeba_2021_08_07.{language}.txt", *(f"{language} {n}" for n in range(15)))
    into, _ = read_translation_sets(DataFolder(tmp_path))
    assert into.sources == ("en 0", "en 7", "en 14")
    assert into.references == (("pt 0", "pt 7", "pt 14"),)


def test_a_set_without_one_side_is_left_out_and_named(tmp_path):
    write(tmp_path, "translation/pud.en.txt", "The train.")
    data = DataFolder(tmp_path)
    assert read_translation_sets(data) == []
    assert "translation/pud.pt-BR.txt" in data.missing
    assert "translation/pud.en.txt" not in data.missing


def test_sides_of_different_length_are_refused(tmp_path):
    write(tmp_path, "translation/pud.en.txt", "The train.", "The bus.")
    write(tmp_path, "translation/pud.pt-BR.txt", "O trem.")
    with pytest.raises(ValueError, match=r"pud.*en\.txt 2.*pt-BR\.txt 1"):
        read_translation_sets(DataFolder(tmp_path))
