"""The command line: where text comes from, where results go, what is said beside them."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import grpc
import pytest
from click.testing import CliRunner
from google.protobuf import json_format
from polygist import __version__
from polygist.v1 import model_service_pb2, translation_service_pb2
from polygist_client.cli import app, folders, session

from tests.client.conftest import Polygist
from tests.fakes.server import DEFAULTS, Failing, Fake

WORD_FLAGS: list[tuple[list[str], dict[str, Any]]] = [
    (["--keep", "Contoso", "--keep", "Rio"], {"doNotTranslatePhrases": ["Contoso", "Rio"]}),
    (["--placeholders", "mustache,url-email"], {
        "placeholderSyntaxes": ["PLACEHOLDER_SYNTAX_MUSTACHE", "PLACEHOLDER_SYNTAX_URL_EMAIL"]
    }),
    (["--glossary", "press"], {"glossaryConfig": {"glossary": "glossaries/press"}}),
    (["--glossary", "glossaries/press", "--ignore-case"], {
        "glossaryConfig": {"glossary": "glossaries/press", "ignoreCase": True}
    }),
]  # fmt: skip
TRANSLATE_FLAGS = [
    *WORD_FLAGS,
    (["--from", "en"], {"sourceLanguageCode": "en"}),
    (["-s", "en"], {"sourceLanguageCode": "en"}),
    (["--candidates", "en,pt"], {"candidateLanguageCodes": ["en", "pt"]}),
    (["--format", "html"], {"mimeType": "text/html"}),
    (["--model", "en-pt"], {"model": "models/en-pt"}),
    (["--model", "models/en-pt"], {"model": "models/en-pt"}),
    (["--splitting", "none"], {"sentenceSplitting": "SENTENCE_SPLITTING_NONE"}),
    (["--splitting", "punctuation"], {"sentenceSplitting": "SENTENCE_SPLITTING_PUNCTUATION"}),
    (["--prefer", "speed"], {"performancePreference": "PERFORMANCE_PREFERENCE_SPEED"}),
    (["--prefer", "quality"], {"performancePreference": "PERFORMANCE_PREFERENCE_QUALITY"}),
    (["--beam", "3"], {"decodingConfig": {"beamSize": 3}}),
    (["--max-output-tokens", "9"], {"decodingConfig": {"maxOutputTokens": 9}}),
    (["--alternatives", "2"], {"alternativeCount": 2}),
    (["--scores"], {"outputConfig": {"includeScore": True}}),
    (["--segments"], {"outputConfig": {"includeSegments": True}}),
    (["--alignment"], {"outputConfig": {"includeAlignment": True}}),
    (["--no-pivot"], {"pivotPolicy": "PIVOT_POLICY_DIRECT_ONLY"}),
]
SUMMARISE_FLAGS = [
    *((["--to", "pt", *flags], {"targetLanguageCode": "pt", **fields}) for flags, fields in WORD_FLAGS),
    (["--to", "pt"], {"targetLanguageCode": "pt"}),
    (["-t", "pt"], {"targetLanguageCode": "pt"}),
    (["--from", "en"], {"sourceLanguageCode": "en"}),
    (["--candidates", "en,pt"], {"candidateLanguageCodes": ["en", "pt"]}),
    (["--format", "markdown"], {"mimeType": "text/markdown"}),
    (["--type", "key-points"], {"type": "SUMMARY_TYPE_KEY_POINTS"}),
    (["--type", "headline"], {"type": "SUMMARY_TYPE_HEADLINE"}),
    (["--length", "short"], {"length": "SUMMARY_LENGTH_SHORT"}),
    (["--max-sentences", "2"], {"maxSentenceCount": 2}),
    (["--max-words", "50"], {"maxWordCount": 50}),
    (["--extractive"], {"method": "SUMMARY_METHOD_EXTRACTIVE"}),
    (["--abstractive"], {"method": "SUMMARY_METHOD_ABSTRACTIVE"}),
    (["--query", "rain"], {"query": "rain"}),
    (["--order", "rank"], {"sentenceOrder": "SENTENCE_ORDER_RANK"}),
    (["--splitting", "punctuation"], {"sentenceSplitting": "SENTENCE_SPLITTING_PUNCTUATION"}),
    (["--citations"], {"outputConfig": {"includeCitations": True}}),
    (["--markdown"], {"outputMimeType": "text/markdown"}),
    (["--model", "minilm"], {"model": "models/minilm"}),
    (["--prefer", "speed"], {"performancePreference": "PERFORMANCE_PREFERENCE_SPEED"}),
    (["--beam", "3"], {"decodingConfig": {"beamSize": 3}}),
    (["--max-output-tokens", "9"], {"decodingConfig": {"maxOutputTokens": 9}}),
    (["--no-pivot"], {"pivotPolicy": "PIVOT_POLICY_DIRECT_ONLY"}),
]


@pytest.mark.parametrize(("flags", "fields"), TRANSLATE_FLAGS)
def test_every_flag_of_translate_arrives(polygist: Polygist, fake: Fake, flags, fields):
    assert polygist("translate", "--text", "a", "--to", "pt", *flags).code == 0
    expected = {"contents": ["a"], "targetLanguageCode": "pt", **fields}
    assert json_format.MessageToDict(fake.requests("Translate")[0]) == expected


@pytest.mark.parametrize(("flags", "fields"), SUMMARISE_FLAGS)
def test_every_flag_of_summarise_arrives(polygist: Polygist, fake: Fake, flags, fields):
    assert polygist("summarise", "--text", "a", *flags).code == 0
    assert json_format.MessageToDict(fake.requests("Summarise")[0]) == {"contents": ["a"], **fields}


@pytest.mark.parametrize(("command", "table"), [("translate", TRANSLATE_FLAGS), ("summarise", SUMMARISE_FLAGS)])
def test_no_flag_is_missing_in_the_tables(command: str, table):
    elsewhere = {
        "--text",
        "--to",
        "--output",
        "--resume",
        "--field",
        "--field-format",
        "--into",
        "--lines",
        "--stream",
        "--keep-file",
        "--charset",
        "--mark-fuzzy",
        "--retranslate",
        "--help",
    }
    hidden = {name for names, _ in session.GLOBAL_OPTIONS for name in names}
    tried = {flag for flags, _ in table for flag in flags}
    flags = [each for each in app.polygist.commands[command].params if isinstance(each, click.Option)]
    missing = [each.opts for each in flags if not {*each.opts} & (tried | elsewhere | hidden)]
    assert missing == []


@pytest.mark.parametrize(
    ("arguments", "method", "fields"),
    [
        (["detect", "--text", "a", "-n", "2"], "DetectLanguage", {"contents": ["a"], "maxCandidateCount": 2}),
        (["detect", "--text", "a", "--format", "html"], "DetectLanguage",
         {"contents": ["a"], "mimeType": "text/html", "maxCandidateCount": 1}),
        (["languages", "--in", "pt", "--task", "summarise"], "ListLanguages",
         {"displayLanguageCode": "pt", "task": "TASK_SUMMARISE"}),
        (["models", "list", "--task", "translate"], "ListModels", {"task": "TASK_TRANSLATE"}),
        (["models", "show", "en-pt"], "GetModel", {"name": "models/en-pt"}),
        (["models", "load", "en-pt"], "LoadModel", {"name": "models/en-pt"}),
        (["models", "unload", "en-pt"], "UnloadModel", {"name": "models/en-pt"}),
        (["models", "reload"], "ReloadConfiguration", {}),
        (["tokens", "--text", "a", "--model", "m"], "CountTokens", {"contents": ["a"], "model": "models/m"}),
        (["tokens", "--text", "a", "--model", "m", "--format", "markdown"], "CountTokens",
         {"contents": ["a"], "mimeType": "text/markdown", "model": "models/m"}),
        (["info"], "GetServerInfo", {}),
        (["glossaries"], "ListGlossaries", {}),
    ],
)  # fmt: skip
def test_other_flags_arrive(polygist: Polygist, fake: Fake, arguments, method: str, fields):
    assert polygist(*arguments).code == 0
    assert json_format.MessageToDict(fake.requests(method)[0]) == fields


def test_global_options_stand_before_or_after_the_command(polygist: Polygist, fake: Fake, tmp_path: Path, monkeypatch):
    key = tmp_path / "key"
    key.write_text("from-file\n")
    monkeypatch.setenv("POLYGIST_API_KEY", "from-environment")
    polygist("--metadata", "a=1", "translate", "--text", "a", "-t", "pt", "--timeout", "1m")
    polygist("--metadata", "a=1", "--timeout", "1h", "translate", "--text", "a", "-t", "pt", "--timeout", "60s",
             "--metadata", "b=2", "--api-key-file", key)  # fmt: skip
    first, second = fake.asked
    assert (first.metadata["a"], first.metadata["authorization"]) == ("1", "Bearer from-environment")
    assert (second.metadata["b"], second.metadata["authorization"]) == ("2", "Bearer from-file")
    assert all(0 < (each.seconds or 0) < 90 for each in fake.asked)


def test_flags_have_environment_variables(polygist: Polygist, fake: Fake, monkeypatch):
    monkeypatch.setenv("POLYGIST_TRANSLATE_TO", "pt")
    assert polygist("translate", "--text", "a").code == 0
    assert fake.requests("Translate")[0].target_language_code == "pt"


def test_text_comes_from_a_file_as_it_is(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "a.txt").write_bytes("\ufeffOlá\r\n\r\nfim".encode())
    assert polygist("translate", tmp_path / "a.txt", "-t", "en").out == "OLÁ\r\n\r\nFIM\n"
    assert list(fake.requests("Translate")[0].contents) == ["Olá\r\n\r\nfim"]


@pytest.mark.parametrize("files", [[], ["-"]])
def test_text_comes_from_standard_input(polygist: Polygist, files):
    assert polygist("translate", *files, "-t", "pt", stdin="one\ntwo\n").out == "ONE\nTWO\n"


def test_a_terminal_is_not_waited_for(polygist: Polygist, fake: Fake, monkeypatch):
    monkeypatch.setattr(folders, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    outcome = polygist("translate", "-t", "pt")
    assert (outcome.code, fake.asked) == (2, [])
    assert "nothing to read: give FILE, --text TEXT, or pipe text in" in outcome.err


def test_an_argument_is_never_text(polygist: Polygist, fake: Fake):
    outcome = polygist("translate", "Good morning", "-t", "pt")
    assert (outcome.code, fake.asked) == (2, [])
    assert outcome.err == "error: Good morning: No such file or directory; text itself goes with --text\n"


def test_several_texts_travel_together(polygist: Polygist, fake: Fake):
    assert polygist("translate", "--text", "a", "--text", "b", "-t", "pt").out == "A\nB\n"
    (asked,) = [each for each in fake.asked if each.method == "BatchTranslate"]
    assert [item.content for item in asked.items] == ["a", "b"]


def test_a_text_that_fails_leaves_the_others_their_place(polygist: Polygist, fake: Fake):
    fake.batching.errors["b"] = (grpc.StatusCode.FAILED_PRECONDITION, "LANGUAGE_UNDETERMINED")
    outcome = polygist("translate", "--text", "a", "--text", "b", "--text", "c", "-t", "pt", "-s", "en")
    assert (outcome.code, outcome.out) == (3, "A\nC\n")
    assert outcome.err == "error: text-2: b failed (give --from LANG)\nnote: 2 done, 1 failed\n"


def test_several_files_and_targets_become_files_in_a_folder(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.md").write_text("two\n")
    outcome = polygist("translate", tmp_path / "a.txt", tmp_path / "b.md", "-t", "pt,fr", "-o", f"{tmp_path}/out/")
    assert (outcome.code, outcome.out) == (0, "")
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {"a.pt.txt": "ONE", "a.fr.txt": "ONE", "b.pt.md": "TWO\n", "b.fr.md": "TWO\n"}


def test_a_summary_never_lands_on_a_translation(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.txt").write_text("one")
    polygist("translate", tmp_path / "a.txt", "-t", "pt", "-o", tmp_path)
    polygist("summarise", tmp_path / "a.txt", "-t", "pt", "-o", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pt.txt", "a.summary.pt.txt", "a.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.txt", "b.txt", "-t", "pt"], "give -o DIR/"),
        (["a.txt", "-t", "pt,fr", "-o", "out.txt"], "give -o DIR/"),
        (["a.txt", "d/a.txt", "-t", "pt", "-o", "out/"], "a.txt and d/a.txt would both be written to out/a.pt.txt"),
        (["a.txt", "-t", "../x", "-o", "out/"], "cannot be part of a file name"),
        (["a.txt", "-t", "pt,pt"], "each once"),
        (["-", "-", "-t", "pt"], "read once"),
        (["a.txt", "-t", "pt", "--json", "-o", "out/"], "-o FILE"),
        (["a.txt", "-t", "pt", "--lines", "--json"], "--jsonl"),
        (["a.txt", "-t", "pt", "--lines", "--scores"], "add --jsonl"),
        (["a.txt", "-t", "pt", "--field", "x"], "--field goes with --format jsonl, csv, tsv"),
        (["a.txt", "-t", "pt", "--into", "x"], "--into goes with --format jsonl, csv, tsv"),
        (["a.txt", "-t", "pt", "--format", "jsonl"], "--format jsonl needs --field NAME"),
        (["a.txt", "-t", "pt", "--format", "csv"], "--format csv needs --field NAME"),
        (["a.txt", "-t", "pt", "--lines", "--format", "jsonl", "--field", "x"], "exclude each other"),
        (["a.txt", "-t", "pt", "--format", "jsonl", "--field", "x", "--field", "x"], "each field once"),
        (["a.txt", "-t", "pt", "--format", "csv", "--field", "x", "--into", ""], "--into needs a name"),
        (["a.txt", "-t", "pt", "--format", "csv", "--field", "x", "--field", "y", "--into", "z"], "put {field} in it"),
        (["a.txt", "-t", "pt", "--stream", "-o", "out.txt"], "leave -o out"),
        (["a.txt", "-t", "pt", "--stream", "--lines"], "leave --lines out"),
        (["a.txt", "-t", "pt", "--stream", "--format", "csv", "--field", "x"], "leave --format csv out"),
        (["a.txt", "-t", "pt", "--stream", "--json"], "use --jsonl"),
        (["a.txt", "-t", "pt,fr", "--stream"], "one language at a time"),
        (["a.txt", "-t", "pt", "--resume"], "give -o FILE or -o DIR/"),
        (["a.txt", "-t", "pt", "--resume", "-o", "/dev/null"], "give -o FILE or -o DIR/"),
        ([".", "-t", "pt"], "give -o DIR/ for a file each, or --jsonl"),
        ([".", "-t", "pt", "-o", "out.txt"], "give -o DIR/ for a file each, or --jsonl"),
        ([".", "-t", "pt", "-o", "."], "would hold inputs and results"),
        (["a.txt", "-t", "pt", "--lines", "-o", "a.txt"], "a.txt would be read and written"),
        (["a.txt", "-t", "pt", "--lines", "-o", "link"], "a.txt would be read and written"),
        (["b.txt", "a.txt", "-t", "pt", "--jsonl", "-o", "./a.txt"], "a.txt would be read and written"),
        (["a.txt", "a.pt.txt", "-t", "pt", "-o", "./"], "a.pt.txt would be read and written"),
        (["link", "-t", "pt", "--format", "csv", "--field", "x", "-o", "a.txt"], "link would be read and written"),
        (["a.txt"], "--to"),
        (["a.txt", "-t", "pt", "--timeout", "soon"], "no duration"),
        (["a.txt", "-t", "pt", "--metadata", "soon"], "KEY=VALUE"),
        (["a.txt", "-t", "pt", "--json", "--jsonl"], "exclude each other"),
        (["a.txt", "-t", "pt", "-a", "localhost:70000"], "HOST:PORT"),
        (["a.txt", "-t", "pt", "--cert", "a.txt"], "belong together"),
        (["a.txt", "-t", "pt", "--glossary", "x.tsv"], "--glossary: x.tsv: no such file"),
        (["a.txt", "-t", "pt", "--glossary", "x", "--glossary", "y"], "--glossary 'x' and 'y': one can be given"),
        (["a.txt", "-t", "pt", "--glossary", "a/x"], "a glossary of the server is given by its name"),
        (["a.txt", "-t", "pt", "--ignore-case"], "--ignore-case is for the terms of --glossary"),
        (["a.txt", "-t", "pt", "--keep-file", "x"], "--keep-file: x: No such file or directory"),
        (["a.txt", "-t", "pt", "--placeholders", "mustach"], "did you mean 'mustache'?"),
        (["a.txt", "-t", "pt", "--mark-fuzzy"], "--mark-fuzzy is for catalogues"),
        (["film.srt", "-t", "pt", "--stream"], "--stream is for texts, and film.srt is a file of subtitles"),
        (["film.srt", "-t", "pt", "--alternatives", "2"], "--alternatives is for texts"),
        (["film.srt", "-t", "pt", "--alignment"], "no room for --alignment; add --json or --jsonl"),
        (["film.srt", "-t", "pt", "--retranslate"], "--retranslate is for catalogues"),
        (["--text", "a", "-t", "pt", "--format", "srt"], "--text is no srt file; give FILE"),
        (["a.srt", "b.txt", "-t", "pt", "--jsonl", "-o", "out/"], "b.txt is a text; leave -o out"),
        (["a.srt", "b.srt", "-t", "pt", "--jsonl", "-o", "out.srt"], "give -o DIR/ for one each, or leave -o out"),
        (["a.srt", "-t", "pt", "--json", "-o", "out.json"], "would be the file itself, and not its JSON"),
        (["a.txt", "-t", "pt", "--lines", "--format", "docx"], "exclude each other"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_call(
    polygist: Polygist, fake: Fake, tmp_path: Path, monkeypatch, arguments, message: str
):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.txt", "a.pt.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("a.txt")
    outcome = polygist("translate", *arguments)
    assert (outcome.code, outcome.out, fake.asked) == (2, "", [])
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_file_is_written_whole_or_not_at_all(polygist: Polygist, fake: Fake, tmp_path: Path):
    target = tmp_path / "out.txt"
    target.write_text("before")
    target.chmod(0o640)
    fake.script("Translate", Failing(grpc.StatusCode.INTERNAL))
    assert polygist("translate", "--text", "a", "-t", "pt", "-o", target).code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert target.read_text() == "before"
    assert polygist("translate", "--text", "a", "-t", "pt", "-o", target).code == 0
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("A", 0o640)


def test_a_device_is_written_to_as_it_is(polygist: Polygist):
    assert polygist("translate", "--text", "a", "-t", "pt", "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_only_the_result_is_on_standard_output(polygist: Polygist):
    outcome = polygist("translate", "--text", "a ☃", "-t", "pt")
    assert outcome.out == "A ☃\n"
    assert outcome.err == "warning: text-1:2-3: no piece for ☃ [unknown-characters]\n"
    assert polygist("translate", "--text", "a ☃", "-t", "pt", "-q").err == ""
    assert polygist("translate", "--text", "a", "-t", "pt", "-v").err.splitlines() == [
        "note: text-1: language en detected, confidence 0.75",
        "note: text-1: en to pt by en-pt",
    ]


@pytest.mark.parametrize(
    ("command", "model", "said"),
    [
        ("translate -t pt", "", "pt, left as it is"),
        ("summarise", "", "en, sentences picked"),
        ("summarise", "models/minilm", "en, sentences picked by minilm"),
    ],
)
def test_what_was_done_without_a_model_is_told_to_who_asks(
    polygist: Polygist, fake: Fake, command: str, model: str, said: str
):
    name = command.split()[0].capitalize()

    def answer(request: Any) -> Any:
        reply = DEFAULTS[name](request)
        for each in [*getattr(reply, "translations", ()), *getattr(reply, "summaries", ())]:
            each.model, each.source_language_code = model, each.target_language_code
        return reply

    fake.rules[name] = answer
    assert polygist(*command.split(), "--text", "a", "-v").err.splitlines()[-1] == f"note: text-1: {said}"


def test_extras_stand_below_the_text(polygist: Polygist):
    flags = ["-s", "en", "--scores", "--segments", "--alternatives", "1"]
    assert polygist("translate", "--text", "a", "-t", "pt", *flags).out.splitlines() == [
        "A", "", "score -0.5000", "alternative 1 (-1.0000): a #0", '0-1 "a" -> 0-1 "A"',
    ]  # fmt: skip


def test_an_alignment_counts_words_as_other_aligners_do(polygist: Polygist, tmp_path: Path):
    flags = ["translate", "--text", "it isn't, no", "-t", "pt", "--alignment"]
    assert polygist(*flags).out.splitlines() == ["IT ISN'T, NO", "", "alignment: 0-0 1-1 2-2"]
    assert polygist(*flags, "--stream").out == polygist(*flags).out
    (translation,) = json.loads(polygist(*flags, "--json").out)["translations"]
    assert translation["segments"][0]["alignment"][1] == {
        "sourceSpan": {"startOffset": 3, "endOffset": 6},
        "targetSpan": {"startOffset": 3, "endOffset": 6},
        "probability": 0.5,
    }
    refused = "--alignment numbers the words that white space parts, and a document has tags; add --jsonl, for offsets"
    (tmp_path / "a.md").write_text("# A\n")
    page = "<html><body>a</body></html>"
    aligned = ["translate", "-t", "pt", "--alignment"]
    for given in (["--text", "a", "--format", "html"], [tmp_path / "a.md"], ["-"], ["-", "--stream"]):
        outcome = polygist(*aligned, *given, stdin=page)
        assert (outcome.code, outcome.out, refused in outcome.err) == (2, "", True)
        assert polygist(*aligned, *given, "--jsonl", stdin=page).code == 0
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    lines = ["translate", tmp_path / "a.txt", "-t", "pt", "--lines", "--alignment"]
    assert "add --jsonl" in polygist(*lines).err
    found = [json.loads(line) for line in polygist(*lines, "--jsonl").out.splitlines()]
    assert [len(each["segments"][0]["alignment"]) for each in found] == [1, 1]


def test_citations_quote_the_source(polygist: Polygist):
    assert polygist("summarise", "--text", "One.\nTwo.", "--citations").out == 'One.\n\n[1] 0-4 "One."\n'
    long = polygist("summarise", "--text", "word " * 30, "--citations").out
    assert long.splitlines()[-1].endswith('…"')


def test_json_is_the_reply(polygist: Polygist, fake: Fake, tmp_path: Path):
    out = polygist("translate", "--text", "á", "--text", "b", "-t", "pt", "--json").out
    reply = json_format.Parse(out, translation_service_pb2.TranslateResponse())
    assert [each.translated_text for each in reply.translations] == ["Á", "B"]
    assert reply.usage.character_count == 2
    assert "Á" in out
    assert "translatedText" in out
    polygist("translate", "--text", "a", "-t", "pt", "--json", "-o", tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text())["translations"][0]["model"] == "models/en-pt"


def test_jsonl_is_an_object_for_each_result(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.txt").write_text("one")
    outcome = polygist("translate", tmp_path / "a.txt", "--text", "two", "-t", "pt,fr", "--jsonl")
    found = [json.loads(line) for line in outcome.out.splitlines()]
    assert [(each["id"], each["targetLanguageCode"]) for each in found] == [
        (f"{tmp_path}/a.txt", "pt"), ("text-1", "pt"), (f"{tmp_path}/a.txt", "fr"), ("text-1", "fr"),
    ]  # fmt: skip
    assert next(iter(found[0])) == "id"


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (["detect", "--text", "a"], "en\t0.7500\n"),
        (["detect", "--text", "a", "-n", "2"], "en\t0.7500\npt\t0.1250\n"),
        (["detect", "--text", "a", "--text", "b"], "text-1\ten\t0.7500\ntext-2\ten\t0.7500\n"),
        (["tokens", "--text", "abc", "--model", "m"], "3\n"),
        (["tokens", "--text", "abc", "--text", "", "--model", "m"], "text-1\t3\ntext-2\t0\n"),
        (["languages"], "en\tEnglish\tEnglish\tpt\tde\ttranslate\npt\tPortuguese\tportuguês\ten\t-\t-\n"),
        (["languages", "--task", "summarise"], "en\tEnglish\tEnglish\tmeaning\npt\tPortuguese\tportuguês\twords\n"),
        (["languages", "--from", "pt-BR"], "pt\tPortuguese\tportuguês\ten\t-\t-\n"),
        (["models", "list"], "en-pt\ttranslate\ten>pt\tready\tMPL-2.0\n"),
        (["models", "load", "en-pt"], "en-pt\tready\tabc\n"),
        (["models", "reload"], "en-fi\n"),
        (["health"], "serving\n"),
        (["version"], f"polygist {__version__}\n"),
    ],
)
def test_what_is_told_is_fit_for_pipes(polygist: Polygist, arguments, out: str):
    outcome = polygist(*arguments)
    assert (outcome.code, outcome.out, outcome.err) == (0, out, "")


def test_a_model_is_shown_with_every_field(polygist: Polygist):
    rows = dict(line.split("\t") for line in polygist("models", "show", "en-pt").out.splitlines())
    assert len(rows) == len(model_service_pb2.Model.DESCRIPTOR.fields)
    assert (rows["name"], rows["state"], rows["licence"], rows["reads"]) == ("en-pt", "ready", "MPL-2.0", "en")
    assert (rows["last used"].endswith(" ago"), "bytes" in " ".join(rows)) == (True, False)


@pytest.mark.parametrize(
    "command",
    [
        "detect --text a",
        "languages",
        "models list",
        "models show en-pt",
        "tokens --text a --model m",
        "info",
        "models load en-pt",
        "models reload",
    ],
)
def test_every_answer_is_json_too(polygist: Polygist, command: str):
    assert json.loads(polygist(*command.split(), "--json").out)
    for line in polygist(*command.split(), "--jsonl").out.splitlines():
        assert json.loads(line)["id"]


def test_info_shows_the_limits(polygist: Polygist):
    assert "limit translate.contents\t1024\n" in polygist("info").out


def test_summarize_is_understood_and_not_listed(polygist: Polygist):
    assert polygist("summarize", "--text", "One.\nTwo.").out == "One.\n"
    assert "summarize" not in polygist("--help").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(polygist: Polygist, shell: str):
    assert "_POLYGIST_COMPLETE" in polygist("completion", shell).out


def walk(command: click.Command, path: tuple[str, ...] = ()):
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, (*path, name))


@pytest.mark.parametrize("path", list(walk(app.polygist)))
def test_every_help_fits_the_terminal(path: tuple[str, ...]):
    shown = CliRunner().invoke(app.polygist, [*path, "--help"], prog_name="polygist")
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 80
    assert "..." not in shown.output.replace("[ARGS]...", "")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["translate", "--to", "pt", "--text", b"caf\xe9"],
            "byte 3 (0xe9) of --text is no UTF-8; convert it, with iconv",
        ),
        (["translate", "--to", b"p\xe9", "--text", "a"], "byte 1 (0xe9) of --to is no UTF-8"),
        (["summarise", "--query", b"\xe9", "--text", "a"], "byte 0 (0xe9) of --query is no UTF-8"),
        (
            ["translate", "--timeout", "0s", "--to", "pt", "--text", "a"],
            "'0s' is no time at all; give more, such as 90s",
        ),
    ],
)
def test_what_a_shell_gives_wrongly_is_told_in_its_own_words(polygist: Polygist, fake: Fake, flags: Any, message: str):
    outcome = polygist(*map(os.fsdecode, flags))
    assert (outcome.code, outcome.out, outcome.err.count("\n"), fake.asked) == (2, "", 1, [])
    assert message in outcome.err
