"""Glossaries, kept phrases and placeholders on the command line."""

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from polygist.v1 import translation_service_pb2

from tests.client.conftest import Polygist
from tests.fakes.server import Failing, Fake

TRANSLATE = ("translate", "--to", "pt")
FILM = "1\n00:00:01,000 --> 00:00:02,000\nGood morning.\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Terms in three languages."""
    path = tmp_path / "press.tsv"
    path.write_text("en\tpt\tde\nheart\tcoração\tHerz\nbank\tbanco\t\n")
    return path


@pytest.fixture
def telling(fake: Fake) -> Fake:
    """Tells German by the word "und", no language of "...", and English of all others."""

    def detect(request: Any) -> translation_service_pb2.DetectLanguageResponse:
        codes = ["de" if "und" in text else "und" if "hm" in text else "en" for text in request.contents]
        return translation_service_pb2.DetectLanguageResponse(
            detections=[
                translation_service_pb2.LanguageDetection(
                    languages=[translation_service_pb2.DetectedLanguage(language_code=code, confidence=0.9)]
                )
                for code in codes
            ]
        )

    fake.rules["DetectLanguage"] = detect
    return fake


def entries_of(request: Any) -> dict[str, str]:
    return {each.source_term: each.target_term for each in request.glossary_config.entries}


ENGLISH, GERMAN = {"heart": "coração", "bank": "banco"}, {"Herz": "coração"}


def test_the_terms_of_a_file_are_those_of_the_languages(polygist: Polygist, telling: Fake, table: Path):
    assert polygist(*TRANSLATE, "--from", "de", "--text", "a", "--glossary", table).code == 0
    assert polygist(*TRANSLATE, "--text", "Herz und Bank", "--glossary", table, "--ignore-case").code == 0
    assert polygist(*TRANSLATE, "--text", "the heart", "--glossary", table).code == 0
    first, second, third = telling.requests("Translate")
    assert (entries_of(first), entries_of(second), entries_of(third)) == (GERMAN, GERMAN, ENGLISH)
    assert (second.glossary_config.ignore_case, second.source_language_code) == (True, "")
    assert len(telling.requests("DetectLanguage")) == 2


def test_texts_of_several_languages_have_each_its_terms(polygist: Polygist, telling: Fake, table: Path, tmp_path: Path):
    for name, text in {"a": "the heart", "b": "Herz und Bank", "c": "the bank", "d": "1234"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    (tmp_path / "e.txt").write_text("hm")
    inputs = [tmp_path / f"{name}.txt" for name in "abcde"]
    outcome = polygist(*TRANSLATE, *inputs, "--glossary", table, "-o", f"{tmp_path}/out/")
    assert (outcome.code, len(list((tmp_path / "out").iterdir()))) == (3, 4)
    assert f"error: {tmp_path}/e.txt: cannot tell the language of" in outcome.err
    sent = [each for each in telling.asked if each.method == "BatchTranslate"]
    assert sorted((sorted(item.content for item in each.items), entries_of(each.request)) for each in sent) == [
        (["1234"], {}),
        (["Herz und Bank"], GERMAN),
        (["the bank", "the heart"], ENGLISH),
    ]


@pytest.mark.parametrize("flags", [["--lines"], ["--format", "jsonl", "--field", "body", "--jsonl"]])
def test_records_have_the_terms_of_their_file(polygist: Polygist, telling: Fake, table: Path, flags: list[str]):
    stdin = '{"body": "Herz und Bank"}\n' if "jsonl" in flags else "Herz und Bank\n"
    assert polygist(*TRANSLATE, *flags, "--glossary", table, stdin=stdin).code == 0
    (asked,) = [each for each in telling.asked if each.method == "BatchTranslate"]
    assert entries_of(asked.request) == GERMAN
    assert len(telling.requests("DetectLanguage")) == 1


def test_a_language_in_doubt_is_one_of_the_table(polygist: Polygist, telling: Fake, table: Path, tmp_path: Path):
    (tmp_path / "two.tsv").write_text("pt\ten\nbanco\tbank\n")
    assert polygist(*TRANSLATE, "--text", "hm", "--glossary", tmp_path / "two.tsv").code == 0
    assert entries_of(telling.requests("Translate")[0]) == {"bank": "banco"}
    assert polygist(*TRANSLATE, "--text", "hm", "--glossary", table).code == 7
    assert list(telling.requests("DetectLanguage")[-1].candidate_language_codes) == ["en", "de"]


def test_a_stream_has_terms_too(polygist: Polygist, telling: Fake, table: Path):
    assert polygist(*TRANSLATE, "--stream", "--text", "the heart", "--glossary", table).code == 0
    assert entries_of(telling.requests("StreamTranslate")[0].request) == ENGLISH


def test_a_summary_has_terms_where_it_is_in_another_language(polygist: Polygist, telling: Fake, table: Path):
    assert polygist("summarise", "--to", "pt", "--text", "the heart", "--glossary", table).code == 0
    assert polygist("summarise", "--to", "de", "--text", "Herz und Bank", "--glossary", table).code == 0
    assert list(map(entries_of, telling.requests("Summarise"))) == [ENGLISH, {}]
    outcome = polygist("summarise", "--text", "the heart", "--glossary", table)
    assert (outcome.code, "--glossary is for a summary in another language; give --to too" in outcome.err) == (2, True)


def test_the_terms_of_a_file_of_subtitles_need_its_language(
    polygist: Polygist, fake: Fake, table: Path, tmp_path: Path
):
    film = tmp_path / "film.srt"
    film.write_text(FILM)
    outcome = polygist(*TRANSLATE, film, "--glossary", table)
    assert (outcome.code, fake.asked) == (2, [])
    assert "has terms to pt from en, de: say --from LANG, as only the server can tell the language of" in outcome.err
    assert polygist(*TRANSLATE, film, "--glossary", table, "--from", "de").code == 0
    (tmp_path / "two.csv").write_text("pt,en\nbanco,bank\n")
    assert polygist(*TRANSLATE, film, "--glossary", tmp_path / "two.csv").code == 0
    first, second = fake.requests("TranslateDocument")
    assert (entries_of(first.config), entries_of(second.config)) == (GERMAN, {"bank": "banco"})


def test_a_file_in_another_language_than_the_terms_is_an_error(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "film.srt").write_text(FILM)
    (tmp_path / "two.csv").write_text("pt,fi\nbanco,pankki\n")
    outcome = polygist(
        *TRANSLATE, tmp_path / "film.srt", "--glossary", tmp_path / "two.csv", "-o", tmp_path / "out.srt"
    )
    assert (outcome.code, (tmp_path / "out.srt").exists()) == (2, False)
    assert "two.csv has no terms from en to pt; its languages: pt, fi" in outcome.err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--to", "fr"], "has no terms to fr; its languages: en, pt, de"),
        (["--to", "pt", "--from", "fi"], "has no terms from fi to pt"),
    ],
)
def test_a_table_without_the_languages_is_refused_before_any_call(
    polygist: Polygist, fake: Fake, table: Path, flags: list[str], says: str
):
    outcome = polygist("translate", *flags, "--text", "a", "--glossary", table)
    assert (outcome.code, fake.asked, outcome.err.count("\n")) == (2, [], 1)
    assert says in outcome.err


def test_more_terms_than_a_request_may_have_are_for_the_operator(polygist: Polygist, fake: Fake, table: Path):
    said = "glossary_config.entries: 1500 entries, the limit is 1000; give those that the texts need"
    fake.script(
        "Translate",
        Failing(grpc.StatusCode.INVALID_ARGUMENT, said, "REQUEST_TOO_LARGE", fields=("glossary_config.entries",)),
    )
    outcome = polygist(*TRANSLATE, "--from", "en", "--text", "a", "--glossary", table)
    assert "--glossary: 1500 entries, the limit is 1000" in outcome.err
    assert "polygist-server serve --glossaries DIR" in outcome.err


def test_a_glossary_that_the_server_has_not_is_told_of(polygist: Polygist, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.NOT_FOUND, "no glossary 'x'", "GLOSSARY_NOT_FOUND"))
    outcome = polygist(*TRANSLATE, "--text", "a", "--glossary", "x")
    assert (outcome.code, outcome.err) == (7, "error: no glossary 'x' (try: polygist glossaries)\n")


def test_phrases_to_keep_come_from_a_file_too(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "keep.txt").write_text("Contoso\r\n\r\n  Rio Branco \n")
    assert polygist(*TRANSLATE, "--text", "a", "--keep", "Ann", "--keep-file", tmp_path / "keep.txt").code == 0
    assert list(fake.requests("Translate")[0].do_not_translate_phrases) == ["Ann", "Contoso", "Rio Branco"]
    (tmp_path / "keep.txt").write_text("São João\n", encoding="utf-16")
    assert polygist(*TRANSLATE, "--text", "a", "--keep-file", tmp_path / "keep.txt").code == 0
    assert list(fake.requests("Translate")[1].do_not_translate_phrases) == ["São João"]
    (tmp_path / "keep.txt").write_bytes(b"S\xe3o\n")
    assert "keep.txt: byte 1 (0xe3) is no UTF-8" in polygist(*TRANSLATE, "--keep-file", tmp_path / "keep.txt").err


def test_a_term_that_stands_twice_counts_once(polygist: Polygist, fake: Fake, tmp_path: Path):
    table = tmp_path / "press.tsv"
    table.write_text("en\tpt\nbank\tbanco\nbank\tmargem\nbank\tbanco\n")
    outcome = polygist(*TRANSLATE, "--from", "en", "--text", "a", "--glossary", table)
    assert outcome.err == f"warning: {table}: 'bank' stands in several rows; the first one counts\n"
    assert [each.target_term for each in fake.requests("Translate")[0].glossary_config.entries] == ["banco"]
    table.write_text("en\tpt\n")
    assert "has no terms below its first row" in polygist(*TRANSLATE, "--text", "a", "--glossary", table).err
    assert "is a folder" in polygist(*TRANSLATE, "--text", "a", "--glossary", tmp_path).err


def test_what_was_made_with_other_terms_is_not_gone_on_with(
    polygist: Polygist, fake: Fake, table: Path, tmp_path: Path
):
    lines = tmp_path / "a.txt"
    lines.write_text("one\ntwo\n")
    fake.batching.errors["two"] = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
    command = (
        *TRANSLATE,
        "--from",
        "en",
        lines,
        "--lines",
        "-o",
        tmp_path / "out.txt",
        "--glossary",
        table,
        "--resume",
    )
    assert polygist(*command).code == 3
    table.write_text("en\tpt\nheart\tpeito\n")
    assert "glossary" in polygist(*command).err


def test_glossaries_are_listed(polygist: Polygist, fake: Fake):
    assert polygist("glossaries").out == "press\ten,pt\t120\n"
    assert json.loads(polygist("glossaries", "--json").out)["glossaries"][0]["entryCount"] == 120
    assert json.loads(polygist("glossaries", "--jsonl").out) == {
        "id": "glossaries/press", "name": "glossaries/press", "languageCodes": ["en", "pt"], "entryCount": 120,
        "revision": "abc",
    }  # fmt: skip
    fake.script("ListGlossaries", translation_service_pb2.ListGlossariesResponse())
    outcome = polygist("glossaries")
    assert (outcome.out, outcome.err) == ("", "note: this server has no glossaries\n")
