"""Files to translate and to summarise, and the words that are prescribed."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polygist.v1 import common_pb2
from polygist_client import (
    AsyncClient,
    Client,
    GlossaryFile,
    GlossaryNotFound,
    InvalidArgument,
    InvalidInput,
    MessageTooLarge,
)
from polygist_client.results import AlignedPair, Span
from polygist_service.errors import GlossaryError
from polygist_service.translation.terms.tables import read_table

from tests.fakes.server import Failing, Fake, serving
from tests.service.echo import EchoEngine
from tests.service.harness import serving as serve

FILM = "1\n00:00:01,000 --> 00:00:02,000\nGood morning ☃\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_sent_with_its_name_and_its_options(fake: Fake, client: Client, tmp_path: Path):
    path = write(tmp_path / "film.srt", FILM)
    result = client.translate_document(
        path, to="pt", source="en", alignment=True, scores=True, include_text=True, mark_fuzzy=True, keep=["Contoso"]
    )
    request = fake.requests("TranslateDocument")[0]
    assert (request.document, request.name, request.mime_type) == (FILM.encode(), "film.srt", "")
    assert (request.config.target_language_code, request.config.source_language_code) == ("pt", "en")
    assert request.config.output_config.include_alignment
    assert list(request.config.do_not_translate_phrases) == ["Contoso"]
    assert request.catalogue_config.mark_fuzzy
    assert not request.catalogue_config.retranslate
    assert not request.config.contents
    assert not request.config.mime_type
    assert (result.document, result.mime_type) == (FILM.upper().encode(), "application/x-subrip")
    assert (result.source, result.target, result.model, result.score) == ("en", "pt", "models/en-pt", -0.5)
    assert (result.source_text, result.translated_text) == (FILM, FILM.upper())
    assert result.alignment[0] == AlignedPair(Span(0, 1), Span(0, 1), 0.5)
    assert result.warnings[0].span
    assert result.warnings[0].span.of(result.source_text) == "☃"


def test_a_file_in_memory_is_what_it_is_said_to_be(fake: Fake, client: Client):
    replies: list[object] = []
    result = client.translate_document(
        FILM.encode(), to="pt", name="film", mime_type="text/vtt", on_reply=replies.append
    )
    request = fake.requests("TranslateDocument")[0]
    assert (request.name, request.mime_type, request.include_text) == ("film", "text/vtt", False)
    assert not request.HasField("catalogue_config")
    assert (result.mime_type, result.source_text, result.translated_text) == ("text/vtt", "", "")
    assert isinstance(replies[0], dict)
    assert replies[0]["mimeType"] == "text/vtt"


def test_the_encoding_of_a_file_is_said_once(fake: Fake, client: Client):
    film = FILM.replace("☃", "é").encode("cp1252")
    for said in (
        {"charset": "windows-1252"},
        {"mime_type": "application/x-subrip", "charset": "windows-1252"},
        {"mime_type": "application/x-subrip; charset=windows-1252"},
    ):
        client.translate_document(film, to="pt", **said)
        client.summarise_document(film, **said)
    expected = ["*/*; charset=windows-1252", *["application/x-subrip; charset=windows-1252"] * 2]
    assert [each.mime_type for each in fake.requests("TranslateDocument")] == expected
    assert [each.document.mime_type for each in fake.requests("Summarise")] == expected
    for wrong, problem in (
        ({"charset": "latin-99"}, "charset: 'latin-99' is not the name of an encoding such as 'windows-1252'"),
        ({"mime_type": "text/vtt; charset=rot13"}, "mime_type: 'rot13' is not the name of an encoding"),
        ({"mime_type": "text/vtt; charset=utf-8", "charset": "utf-8"}, "give one of them"),
        ({"mime_type": "text/vtt; x=1"}, "mime_type: 'text/vtt; x=1' is not one of"),
    ):
        with pytest.raises(InvalidInput, match=problem):
            client.translate_document(film, to="pt", **wrong)


def test_a_result_replaces_a_file_whole(client: Client, tmp_path: Path):
    result = client.translate_document(b"Good morning.", to="pt")
    path = write(tmp_path / "film.pt.srt", "what was there")
    path.chmod(0o640)
    result.save(path)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"GOOD MORNING.", 0o640)
    with pytest.raises(FileNotFoundError):
        result.save(tmp_path / "none" / "film.srt")
    assert [each.name for each in tmp_path.iterdir()] == ["film.pt.srt"]


def test_a_file_is_summarised_as_one_article(fake: Fake, client: Client, tmp_path: Path):
    path = write(tmp_path / "report.txt", "First.\nSecond.")
    summary = client.summarise_document(path, to="pt", include_text=True, citations=True, max_sentences=1)
    request = fake.requests("Summarise")[0]
    assert (request.document.content, request.document.name) == (b"First.\nSecond.", "report.txt")
    assert not request.contents
    assert request.max_sentence_count == 1
    assert request.output_config.include_citations
    assert (summary.text, summary.source_text) == ("First.", "First.\nSecond.")
    assert client.summarise_document(b"First.", mime_type="text/markdown").source_text == ""
    assert fake.requests("Summarise")[1].document.mime_type == "text/markdown"


async def test_files_and_glossaries_of_the_asynchronous_client(fake: Fake, aclient: AsyncClient, tmp_path: Path):
    path = write(tmp_path / "film.srt", FILM)
    assert (await aclient.translate_document(path, to="pt")).document == FILM.upper().encode()
    assert (await aclient.summarise_document(path)).text == "1"
    assert [each.short_name for each in await aclient.list_glossaries()] == ["press"]


@pytest.mark.parametrize(
    ("document", "error", "says"),
    [
        ("report.docx", TypeError, r"document is 'report.docx' \(str\).*give Path\(…\) for a file, or call translate"),
        (3, TypeError, "document is 3"),
        (Path("/nowhere/report.docx"), FileNotFoundError, "report.docx"),
        (bytes((64 << 20) + 1), InvalidInput, "has 67108865 bytes, at most 67108864 can be sent"),
    ],
)
def test_what_is_no_file_is_refused(client: Client, document, error, says):
    with pytest.raises(error, match=says):
        client.translate_document(document, to="pt")
    with pytest.raises(error, match=says):
        client.summarise_document(document)


def test_options_of_files_are_checked(client: Client):
    with pytest.raises(TypeError, match="unexpected keyword argument 'alternatives'"):
        client.translate_document(b"text", to="pt", alternatives=2)  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match=r"mime_type: 'image/png' is not one of text/plain, .*text/vtt"):
        client.translate_document(b"text", to="pt", mime_type="image/png")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="mime_type: 'text/vtt' is not one of"):
        client.translate("text", to="pt", mime_type="text/vtt")  # type: ignore[arg-type]


def test_files_of_12_mib_pass_and_longer_ones_are_told_of():
    limit = {"grpc.max_receive_message_length": 16 << 20}
    with serving(Fake(), **limit) as fake, Client(fake.address) as client:
        assert len(client.translate_document(bytes(12 << 20), to="pt").document) == 12 << 20
        with pytest.raises(MessageTooLarge, match="or cut a file into several"):
            client.translate_document(bytes(17 << 20), to="pt")


def test_the_time_for_a_file_grows_with_it(fake: Fake, client: Client):
    for size in (1, 100_000, 3_000_000):
        client.translate_document(bytes(size), to="pt")
        client.summarise_document(bytes(size))
    seconds = [each.seconds for each in fake.asked]
    assert [round(each or 0, -1) for each in seconds] == [120, 120, 320, 320, 600, 600]


def test_words_are_prescribed_in_every_call(fake: Fake, client: Client):
    options = {
        "glossary": "press", "terms": {"heart rate": "pulsação"}, "ignore_case": True, "keep": ("Contoso",),
        "placeholders": ["mustache", "url-email"],
    }  # fmt: skip
    client.translate("text", to="pt", **options)
    list(client.stream_translate("text", to="pt", **options))
    list(client.translate_many(["text"], to="pt", **options))
    client.summarise("text", to="pt", **options)
    list(client.stream_summarise("text", to="pt", **options))
    list(client.summarise_many(["text"], to="pt", **options))
    client.translate_document(b"text", to="pt", **options)
    client.summarise_document(b"text", to="pt", **options)
    asked = [each for each in fake.asked if each.method != "GetServerInfo"]
    assert len(asked) == 8
    for each in asked:
        request = getattr(each.request, "config", getattr(each.request, "request", each.request))
        assert request.glossary_config == common_pb2.GlossaryConfig(
            glossary="glossaries/press",
            entries=[common_pb2.GlossaryEntry(source_term="heart rate", target_term="pulsação")],
            ignore_case=True,
        )
        assert list(request.do_not_translate_phrases) == ["Contoso"]
        assert list(request.placeholder_syntaxes) == [1, 5]


def test_terms_are_pairs_too_and_nothing_is_sent_for_none(fake: Fake, client: Client):
    client.translate("text", to="pt", terms=[("bank", "banco"), ("bank", "margem")], glossary="glossaries/press")
    client.translate("text", to="pt", terms={}, keep=[], placeholders=(), glossary=None)
    first, second = fake.requests("Translate")
    assert [each.target_term for each in first.glossary_config.entries] == ["banco", "margem"]
    assert first.glossary_config.glossary == "glossaries/press"
    assert not second.HasField("glossary_config")


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"terms": "press.tsv"}, TypeError, "terms is 'press.tsv'.*GlossaryFile reads"),
        ({"terms": GlossaryFile("press", ("en", "pt"), ())}, TypeError, r"give its \.terms\('en', 'pt'\)"),
        ({"terms": ["ab"]}, TypeError, r"terms\[0\] is 'ab'.*give \('heart rate'"),
        ({"terms": [("a", "b", "c")]}, TypeError, r"terms\[0\]"),
        ({"terms": {"a": None}}, TypeError, r"terms\[0\] is None"),
        ({"keep": "Contoso"}, TypeError, r"keep is 'Contoso'.*give \['Contoso'\]"),
        ({"placeholders": "mustache"}, TypeError, "placeholders is 'mustache'"),
        ({"placeholders": ["python"]}, InvalidInput, r"placeholders\[0\]: 'python' is not one of mustache, braces"),
        ({"glossary": Path("press.tsv")}, TypeError, "glossary is .*GlossaryFile reads a file of them"),
        ({"ignore_case": "yes"}, TypeError, "ignore_case is 'yes'"),
    ],
)
def test_prescribed_words_are_checked(client: Client, options, error, says):
    with pytest.raises(error, match=says):
        client.translate("text", to="pt", **options)


def test_glossaries_are_listed_and_a_missing_one_is_told_of(fake: Fake, client: Client):
    first = client.list_glossaries()[0]
    assert (first.name, first.short_name, first.languages, first.entry_count, first.revision) == (
        "glossaries/press", "press", ("en", "pt"), 120, "abc",
    )  # fmt: skip
    fake.script("Translate", Failing(grpc.StatusCode.NOT_FOUND, "no glossary 'x'", "GLOSSARY_NOT_FOUND"))
    with pytest.raises(GlossaryNotFound, match="no glossary 'x'"):
        client.translate("text", to="pt", glossary="x")


def test_a_table_of_terms_has_a_column_for_each_language(tmp_path: Path):
    path = tmp_path / "press.tsv"
    rows = ["en\tpt-BR\t\tde", "heart rate\tpulsação\t(med.)\tPuls", "bank\t\t\tBank", "", ""]
    path.write_bytes("\r\n".join(rows).encode("utf-8-sig"))
    glossary = GlossaryFile.read(path)
    assert glossary.languages == ("en", "pt-BR", "de")
    assert glossary.terms("en", "pt") == glossary.terms("EN-gb", "pt_br") == [("heart rate", "pulsação")]
    assert glossary.terms("de", "en") == [("Puls", "heart rate"), ("Bank", "bank")]
    with pytest.raises(InvalidInput, match=r"press.tsv has no terms from fi to pt; its languages: en, pt-BR, de"):
        glossary.terms("fi", "pt")
    with pytest.raises(InvalidInput, match="no terms from en-US to en"):
        glossary.terms("en-US", "en")


def test_the_cells_of_a_table_are_parted_as_spreadsheets_do(tmp_path: Path):
    tables = {
        "a.csv": 'en,pt\n"rate, heart", pulsação  cardíaca\nfoo\n',
        "b.csv": 'en;pt\n"rate, heart";pulsação cardíaca\n',
        "c.tsv": '\ten\tpt\nnote\t"rate, heart"\tpulsação cardíaca\n',
        "d.txt": "en\tpt\nrate, heart\tpulsação cardíaca\n",
    }
    for name, text in tables.items():
        assert GlossaryFile.read(write(tmp_path / name, text)).terms("en", "pt") == [
            ("rate, heart", "pulsação cardíaca")
        ]
    (tmp_path / "e.tsv").write_text(tables["d.txt"], encoding="utf-16")
    same = GlossaryFile.read(tmp_path / "e.tsv")
    assert same.revision == GlossaryFile.read(tmp_path / "d.txt").revision
    path = write(tmp_path / "press.tsv", 'en\tpt\n"open\t"aberto\n')
    assert GlossaryFile.read(path).terms("en", "pt") == [('"open', '"aberto')]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", ":1: the first row names fewer than two languages"),
        (b"en\tnotes\n", ":1: 'notes' is no language code; a column of notes has an empty cell"),
        (b"en\tEN\na\tb\n", ":1: two columns are of the same language"),
        (b"en\ten\na\tb\n", ":1: two columns are of the same language"),
        (b"en,pt\ncaf\xe9,caf\xe9\n", ":2: is no UTF-8"),
        (b"en,pt\na,b,c\n", ":2: 3 cells, but the first row names 2 columns"),
        (b'en,pt\n"a" b,c\n', ":2: no CSV"),
        (b"en,pt\n;,b\n", ":2: ';' has no letter or figure"),
        (b"en,pt\n" + b"a" * 257 + b",b\n", r":2: 'a+'… has 257 characters, at most 256"),
    ],
)
def test_what_is_no_table_of_terms_is_refused(tmp_path: Path, raw: bytes, says: str):
    path = tmp_path / "press"
    path.write_bytes(raw)
    with pytest.raises(InvalidInput, match=f"press{says}"):
        GlossaryFile.read(path)


@given(
    header=st.sampled_from(["en{0}pt", "en{0}{0}pt-BR", "pt{0}en{0}de", "en", "en{0}note", " en {0}pt{0}"]),
    body=st.text(st.sampled_from(list('abé "\t,;\r\n')), max_size=60),
    delimiter=st.sampled_from("\t,;"),
)
@example(header="en{0}pt", body='"a""b" \t"é"\r\n"', delimiter="\t")
@example(header="en{0}pt", body='"a\nb","é"\n', delimiter=",")
@example(header="en{0}pt", body=";\t;", delimiter="\t")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_is_read_as_one_that_an_operator_mounts(tmp_path: Path, header: str, body: str, delimiter: str):
    path = tmp_path / ("press.tsv" if delimiter == "\t" else "press.csv")
    path.write_bytes(f"{header.format(delimiter)}\n{body}".encode())
    try:
        theirs: Any = read_table(path)
    except GlossaryError:
        with pytest.raises(InvalidInput):
            GlossaryFile.read(path)
        return
    ours = GlossaryFile.read(path)
    assert ours.languages == theirs.languages
    places = theirs.languages.index("en"), next(at for at, code in enumerate(theirs.languages) if code[:2] == "pt")
    pairs = [tuple(row[place] for place in places) for row in theirs.rows]
    firsts = dict(reversed([pair for pair in pairs if all(pair)]))
    assert dict(ours.terms("en", "pt")) == firsts


async def test_a_server_translates_files_with_the_words_of_the_caller(tmp_path: Path):
    path = write(tmp_path / "film.srt", "1\n00:00:01,000 --> 00:00:02,000\nThe bank of Rio, {name}.\n")
    async with serve(EchoEngine()) as service, AsyncClient(service.address) as client:
        result = await client.translate_document(
            path, to="pt", source="en", terms={"bank": "banco"}, keep=["Rio"], placeholders=["braces"],
            include_text=True, segments=True,
        )  # fmt: skip
        assert result.document.decode() == "1\n00:00:01,000 --> 00:00:02,000\n[The banco of Rio, {name}.]\n"
        assert (result.source_text, result.mime_type) == ("The bank of Rio, {name}.", "application/x-subrip")
        assert result.segments[0].source_span.of(result.source_text) == result.source_text
        page = await client.translate_document(b"<p>One <b>day</b>.</p>", to="pt", source="en", name="page.html")
        assert page.document.decode() == "<p>[One <b>day</b>.]</p>"
        with pytest.raises(InvalidArgument, match="document: is no document of Word"):
            await client.translate_document(b"PK\x03\x04", to="pt", name="report.docx")
        with pytest.raises(GlossaryNotFound, match="this server has none"):
            await client.translate("text", to="pt", glossary="press")
        assert await client.list_glossaries() == []
