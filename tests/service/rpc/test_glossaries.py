"""Glossaries that the operator has mounted: their files, how they are listed, and what they say of a translation."""

import pytest
from polygist.v1 import model_service_pb2, translation_service_pb2
from polygist_service.errors import GlossaryError
from polygist_service.translation.terms.finding import WordFinder
from polygist_service.translation.terms.glossaries import Glossaries
from polygist_service.translation.terms.tables import read_table
from polygist_service.translation.terms.types import Terms

from tests.service.echo import EN_PT, PT_EN, EchoEngine, pair
from tests.service.harness import failure_of, serving

PRESS = "en\tpt-BR\tde\nheart rate\tpulsação\tPuls\nbank\tbanco\t\nbank\tmargem\tUfer\n\t\tleer\n"
LAW = 'pt;EN_us;\n"o ""juiz""; titular";judge;note\nréu;defendant\n'
CASA = {"source_term": "bank", "target_term": "casa"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "press.tsv").write_text(PRESS)
    (tmp_path / "law.csv").write_text(LAW, "utf-8-sig")
    (tmp_path / "README.md").write_text("no glossary")
    (tmp_path / ".hidden.tsv").write_text("x")
    return tmp_path


def mount(folder, **options):
    glossaries = Glossaries(folder, **options)
    glossaries.load()
    return glossaries


def make(*contents, glossary="press", source="en", target="pt", **fields):
    config = {"glossary": f"glossaries/{glossary}", **fields.pop("config", {})}
    return translation_service_pb2.TranslateRequest(
        contents=contents, source_language_code=source, target_language_code=target, glossary_config=config, **fields
    )


async def test_the_list(folder):
    async with serving(EchoEngine(), glossaries=mount(folder)) as service:
        first = await service.translation.ListGlossaries(translation_service_pb2.ListGlossariesRequest(page_size=1))
        request = translation_service_pb2.ListGlossariesRequest(page_token=first.next_page_token)
        second = await service.translation.ListGlossaries(request)
        info = await service.models.GetServerInfo(model_service_pb2.GetServerInfoRequest())
    [law], [press] = first.glossaries, second.glossaries
    assert (law.name, list(law.language_codes), law.entry_count) == ("glossaries/law", ["pt", "en-US"], 2)
    assert (press.name, list(press.language_codes), press.entry_count) == ("glossaries/press", ["en", "pt-BR", "de"], 3)
    assert len(press.revision) == 16
    assert press.revision != law.revision
    assert not second.next_page_token
    assert list(info.glossaries) == ["glossaries/law", "glossaries/press"]


@pytest.mark.parametrize(
    ("request_", "written"),
    [
        (make("The bank and the heart  rate."), "[The banco and the pulsação.]"),
        (make("The Bank.", config={"ignore_case": True}), "[The Banco.]"),
        # What the request says goes first; what it has no word for is the file's.
        (make("bank, heart rate", config={"entries": [CASA]}), "casa, pulsação"),
        (make("bank, heart rate", do_not_translate_phrases=["bank"]), "bank, pulsação"),
        (make("O réu, o \"juiz\"; titular", glossary="law", source="pt", target="en"), "[O defendant, judge]"),
        (make("der Puls", source="de", target="en"), "[der heart rate]"),
        (make("<p>The <b>bank</b></p>", mime_type="text/html"), "<p>[The <b>banco</b>]</p>"),
        (make("The **bank**", mime_type="text/markdown"), "[The **banco**]"),
        (make("The bank is open, the river is high.", source=""), "[The banco is open, the river is high.]"),
    ],
)  # fmt: skip
async def test_terms_of_a_file(folder, request_, written):
    async with serving(EchoEngine(EN_PT, PT_EN, pair("de", "en")), glossaries=mount(folder)) as service:
        answer = await service.translation.Translate(request_)
    assert [each.translated_text for each in answer.translations] == [written]


async def test_refusals(folder):
    text = "The children play in the garden of the old house."
    async with serving(EchoEngine(EN_PT, pair("en", "fi")), glossaries=mount(folder)) as service:
        unknown = await failure_of(service.translation.Translate(make("a", glossary="pres")))
        pairless = await failure_of(service.translation.Translate(make("a", target="fi")))
        detected = await failure_of(service.translation.Translate(make(text, target="fi", source="")))
        # What is not translated needs no terms.
        same = await service.translation.Translate(make("O banco.", source="pt-BR", glossary="press"))
    assert (unknown.code, unknown.reason) == ("NOT_FOUND", "GLOSSARY_NOT_FOUND")
    assert "did you mean glossaries/press?" in unknown.message
    assert unknown.metadata["resource"] == "glossaries/pres"
    for failure in (pairless, detected):
        assert (failure.reason, failure.field) == ("FIELD_INVALID", "glossary_config.glossary")
        assert "press has no terms for en to fi, its languages are de, en, pt-BR" in failure.message
    assert same.translations[0].translated_text == "O banco."


async def test_a_new_revision_is_for_the_calls_that_follow(folder):
    repeated = []
    glossaries = mount(folder, repeated=lambda *found: repeated.append(found))
    assert repeated == [(folder / "press.tsv", "bank", 4)]
    law, press = glossaries.all()
    assert await glossaries.reload() == ()
    assert glossaries.all() == (law, press)
    (folder / "press.tsv").write_text(PRESS.replace("banco", "caixa"))
    (folder / "law.csv").unlink()
    (folder / "new.tsv").write_text("en\tpt\nriver\trio\n")
    assert await glossaries.reload() == ("law", "new", "press")
    async with serving(EchoEngine(), glossaries=glossaries) as service:
        answer = await service.translation.Translate(make("The bank."))
        assert answer.translations[0].translated_text == "[The caixa.]"
        # A damaged file leaves what was there, and is in nobody's way.
        (folder / "press.tsv").write_text("en\n")
        (folder / "new.tsv").write_text("en\tpt\nriver\tarroio\n")
        with pytest.raises(GlossaryError, match=r"press\.tsv:1: the first row names only en"):
            await glossaries.reload()
        answer = await service.translation.Translate(make("The bank."))
        assert answer.translations[0].translated_text == "[The caixa.]"
        answer = await service.translation.Translate(make("the river", glossary="new"))
        assert answer.translations[0].translated_text == "[the arroio]"
    (folder / "new.csv").write_text("en,pt\nriver,canal\n")
    with pytest.raises(GlossaryError, match="there is another file for glossary 'new'"):
        await glossaries.reload()
    finder = WordFinder(Terms(glossary="new"), source="en", target="pt", glossary=glossaries.find("new"))
    assert [match.target for match in finder.find("the river")] == ["arroio"]
    folder.rename(folder.with_name("gone"))
    with pytest.raises(GlossaryError, match=r"No such file.* give a folder with files NAME\.tsv"):
        await glossaries.reload()
    assert [each.name for each in glossaries.all()] == ["new", "press"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.tsv", b"", "a.tsv:1: the first row names no language"),
        ("a.tsv", b"en\tklingonisch\n", "a.tsv:1: column 2: 'klingonisch' is no language code"),
        ("a.tsv", b"en\tpt\ten\n", "a.tsv:1: columns 1 and 3 are both en"),
        ("a.tsv", b"en\tpt\n\na\tb\tc\n", "a.tsv:3: 3 cells, but the first row names 2 columns"),
        ("a.tsv", b"en\tpt\n\xff\tb\n", "a.tsv:2: no UTF-8; save it as UTF-8"),
        ("a.tsv", b"en\tpt\na\t" + b"b" * 257, "a.tsv:2: 'bbb.* has 257 characters, at most 256"),
        ("a.csv", b'en,pt\na,"b\nc', r"a.csv:3: no CSV \(unexpected end of data\)"),
        ("a b.tsv", b"en\tpt\n", "'a b' is no name of a glossary"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "b.tsv").write_bytes(b"en\tpt\na\tb\n")
    with pytest.raises(GlossaryError, match=problem):
        mount(tmp_path)


def test_forms_of_files(tmp_path):
    rows = [("a b", "c"), ('"q"', "d,e")]
    (tmp_path / "a.tsv").write_text('en\tpt\n"a  b" \tc\n"""q"""\td,e\n')
    (tmp_path / "b.csv").write_text('en,,pt\n"a\nb",note,c\n"""q""",,"d,e"\n')
    (tmp_path / "c.tsv").write_bytes('en\tpt\r\na b\tc\r\n"""q"""\td,e'.encode("utf-16"))
    for name in ("a.tsv", "b.csv", "c.tsv"):
        assert list(read_table(tmp_path / name).rows) == rows
    (tmp_path / "c.csv").write_text("en,pt\n")
    with pytest.raises(GlossaryError, match=r"c\.tsv: there is another file for glossary 'c'"):
        mount(tmp_path)


async def test_streams_bulk_and_files_have_terms_too(folder):
    wanted = make("The bank.")
    items = [
        {"item_id": "1", "content": "The bank."},
        {"item_id": "2", "content": "Bank.", "source_language_code": "de"},
    ]
    config = translation_service_pb2.TranslateRequest(target_language_code="pt", source_language_code="en")
    config.glossary_config.glossary = "glossaries/law"
    async with serving(EchoEngine(EN_PT, pair("de", "pt")), glossaries=mount(folder)) as service:
        streamed = service.translation.StreamTranslate(translation_service_pb2.StreamTranslateRequest(request=wanted))
        assert "".join([each.text_delta async for each in streamed]) == "[The banco.]"
        document = translation_service_pb2.TranslateDocumentRequest(document=b"The bank.", mime_type="text/plain")
        document.config.CopyFrom(make())
        assert (await service.translation.TranslateDocument(document)).document == b"[The banco.]"
        document.config.target_language_code = "fi"
        failure = await failure_of(service.translation.TranslateDocument(document))
        assert (failure.reason, failure.field) == ("FIELD_INVALID", "config.glossary_config.glossary")
        requests = [{"config": config}, *({"item": item} for item in items)]
        sent = [translation_service_pb2.BatchTranslateRequest(**each) for each in requests]
        answers = {each.item_id: each async for each in service.translation.BatchTranslate(iter(sent))}
    assert answers["1"].translation.translated_text == "[The bank.]"
    assert answers["2"].error.reason == "FIELD_INVALID"
    assert "law has no terms for de to pt, its languages are en-US, pt" in answers["2"].error.message
