"""Tables in Markdown and JSON."""

import json

import pytest

from bench.quality.report import Report, Table

TABLE = Table("Trains", ("name", "speed"), (("slow", 1.2345), ("unknown", None)), ("Measured once.",))


def test_markdown_is_aligned_and_numbers_stand_to_the_right():
    markdown = Report({"date": "today"}, (TABLE,)).to_markdown()
    lines = [line for line in markdown.splitlines() if "|" in line][3:]
    assert lines == ["| name    | speed |", "|---------|------:|", "| slow    |  1.23 |", "| unknown |       |"]
    assert "Measured once." in markdown


def test_a_bar_in_a_cell_does_not_end_it():
    assert r"a\|b" in Report({"signature": "a|b"}, ()).to_markdown()


def test_json_keeps_full_figures_by_column():
    report = json.loads(Report({"date": "today"}, (TABLE,), ("a.txt",)).to_json())
    assert report["tables"][0]["rows"] == [{"name": "slow", "speed": 1.2345}, {"name": "unknown", "speed": None}]
    assert report["missing"] == ["a.txt"]


def test_missing_data_and_empty_tables_are_said():
    markdown = Report({}, (Table("Trains", ("name",), ()),), ("a.txt",)).to_markdown()
    assert "Nothing measured" in markdown
    assert "- a.txt" in markdown


def test_both_files_are_saved(tmp_path):
    report = Report({"date": "today"}, (TABLE,))
    markdown, document = report.save(tmp_path / "new")
    assert markdown.read_text() == report.to_markdown()
    assert document.read_text() == report.to_json()


def test_a_row_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        Table("Trains", ("name", "speed"), (("slow",),))
