"""TranslateDocument over the wire: what comes back of a file, and what is said of one that cannot be read."""

import asyncio
import re
import sys

import grpc
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polygist.v1 import common_pb2, model_service_pb2, translation_service_pb2
from polygist_service.limits import Limits
from polygist_service.observability.metrics import Metrics
from polygist_service.text.documents.files import FILES
from polygist_service.text.documents.files.kinds import ENDINGS
from polygist_service.translation.documents import FILES_AT_A_TIME

from tests.service.echo import EN_PT, EchoEngine, pair
from tests.service.harness import failure_of, read_failure, serving, until
from tests.service.text.files.test_kinds import DOCX, OLE, PO, SRT, VTT, XLSX

PAGE = (
    '<!doctype html><html lang="en"><title>A page</title><p>Good <b>morning</b>, <img alt="a lamp" src=x> she said.</p>'
    '<input placeholder="Your name"><p hidden>Nobody sees it.</p></html>'
)
MARKDOWN = "# A page\r\n\r\nGood **morning**, ![a lamp](x) she said.\r\n"
TOO_MANY = "Good morning. " * 100


def ask(document, mime_type="", name="", *, target="pt", source="en", **fields):
    """A request to translate a file; a document may be given as its text."""
    config = fields.pop("config", {})
    return translation_service_pb2.TranslateDocumentRequest(
        document=document.encode() if isinstance(document, str) else document,
        mime_type=mime_type,
        name=name,
        config=translation_service_pb2.TranslateRequest(
            target_language_code=target, source_language_code=source, **config
        ),
        **fields,
    )


def cut(text: str, span: common_pb2.TextSpan) -> str:
    return text[span.start_offset : span.end_offset]


@pytest.mark.parametrize(("document", "name", "mime_type", "written", "read"), [
    ("Good morning.\r\n\r\n  1. Sit\tdown.\r\n", "a.txt", "text/plain",
     "GOOD MORNING.\r\n\r\n  1. SIT\tDOWN.\r\n",
     ["Good morning.", "Sit", "down."]),
    (MARKDOWN, "a.md", "text/markdown", "# A PAGE\r\n\r\nGOOD **MORNING**, ![A LAMP](x) SHE SAID.\r\n",
     ["A page", "Good morning,  she said.", "a lamp"]),
    (PAGE, "a.html", "text/html",
     '<!doctype html><html lang="pt"><title>A PAGE</title><p>GOOD <b>MORNING</b>, <img alt="A LAMP" src=x> SHE SAID.'
     '</p><input placeholder="YOUR NAME"><p hidden>NOBODY SEES IT.</p></html>',
     ["A page", "Good morning, she said.", "a lamp", "Your name", "Nobody sees it."]),
])  # fmt: skip
async def test_a_file_comes_back_with_other_words(document, name, mime_type, written, read):
    """Spans are those of the plain texts, of attributes and of what nobody sees, too."""
    config = {"output_config": translation_service_pb2.TranslationOutputConfig(include_alignment=True)}
    async with serving(EchoEngine(answer=str.upper)) as service:
        reply = await service.translation.TranslateDocument(ask(document, name=name, include_text=True, config=config))
        brief = await service.translation.TranslateDocument(ask(document, name=name))
    translation = reply.translation
    assert reply.document.decode() == written
    assert (reply.mime_type, translation.model, translation.translated_text) == (mime_type, "models/en-pt", "")
    assert reply.usage.character_count == len(reply.source_text)
    assert reply.usage.input_token_count > 0
    assert [cut(reply.source_text, each.source_span) for each in translation.segments] == read
    for segment in translation.segments:
        source, target = cut(reply.source_text, segment.source_span), cut(reply.translated_text, segment.target_span)
        assert target == source.upper()
        for each in segment.alignment:
            words = cut(reply.source_text, each.source_span), cut(reply.translated_text, each.target_span)
            assert words[0] in source
            assert words[0].upper() == words[1]
    assert (brief.document, brief.source_text, brief.translated_text) == (reply.document, "", "")


# A request -> the field of its error, its reason, and what it says.
REFUSED = [
    (ask(b""), "document", "FIELD_INVALID", "is empty"),
    (ask(b"caf\xe9", name="a.txt"), "document", "FIELD_INVALID", r"byte 3 \(0xe9\) is no UTF-8; say what"),
    (ask(b"\0" * 2, "text/plain"), "document", "FIELD_INVALID", "byte 0 .* is no text"),
    (ask(OLE + "EncryptedPackage".encode("utf-16-le")), "document", "FIELD_INVALID", "is encrypted; open it"),
    (ask(DOCX[:100], name="a.docx"), "document", "FIELD_INVALID", ""),
    (ask("<div>" * 1500, "text/html"), "document", "FIELD_INVALID", "deep"),
    (ask(TOO_MANY * 10, name="a.txt"), "document", "REQUEST_TOO_LARGE", "14000 char.*limit is 2000; cut the file"),
    (ask(bytes(20_001)), "document", "REQUEST_TOO_LARGE", "20001 bytes, the limit is 20000"),
    (ask("Good."), "", "", ""),
    (ask("Good.", "plain"), "mime_type", "MIME_TYPE_UNSUPPORTED", "is no media type"),
    (ask("Good.", "text/rtf"), "mime_type", "MIME_TYPE_UNSUPPORTED", "'text/rtf' is not supported; this"),
    (ask("Good.", "text/plain; charset=x"), "mime_type", "MIME_TYPE_UNSUPPORTED", "charset 'x' is not known"),
    (ask("Good.", name="a.xyz"), "mime_type", "MIME_TYPE_UNSUPPORTED", "nothing tells what 'a.xyz' is"),
    (ask(XLSX), "mime_type", "MIME_TYPE_UNSUPPORTED", "is a spreadsheet; make CSV"),
    (ask("Good.", target=""), "config.target_language_code", "FIELD_INVALID", "^config.target_.*: is required"),
    (ask("Good.", source="auto"), "config.source_language_code", "FIELD_INVALID", "no language code"),
    (ask("Good.", config={"contents": ["x"]}), "config.contents", "FIELD_INVALID", "leave it unset"),
    (ask("Good.", config={"mime_type": "text/html"}), "config.mime_type", "FIELD_INVALID", "leave it unset"),
    (ask("Good.", config={"alternative_count": 1}), "config.alternative_count", "FIELD_INVALID", "leave it unset"),
    (ask("Good.", config={"model": "x"}), "config.model", "FIELD_INVALID", "not a model name"),
    (ask("Good.", catalogue_config={"retranslate": True}), "catalogue_config", "FIELD_INVALID", "is plain text"),
    (ask("日本語の文章です。", source=""), "", "LANGUAGE_PAIR_UNSUPPORTED", "^document is "),
    (ask("\N{OLD PERSIAN SIGN A}\N{OLD PERSIAN SIGN XA}" * 20, source=""), "", "LANGUAGE_UNDETERMINED", "^document: "),
    (ask("Good.", config={"model": "models/none"}), "", "MODEL_NOT_FOUND", ""),
]  # fmt: skip


async def test_what_cannot_be_answered_names_the_field_the_value_and_the_cure():
    limits = Limits(document_bytes=20_000, request_characters=2000)
    async with serving(EchoEngine(), limits=limits) as service:
        for request, field, reason, said in REFUSED:
            call = service.translation.TranslateDocument(request)
            if not reason:
                assert (await call).document
                continue
            failure = await failure_of(call)
            assert (failure.field, failure.reason) == (field, reason), failure
            assert re.search(said, failure.message), failure
            assert failure.code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND")


async def test_the_language_of_a_catalogue_is_told_of_all_its_messages_at_once():
    messages = ["OK", "Chat", "Save", "Die", "Do you want to delete all of these pictures now?", "Menu", "Formular"]
    catalogue = PO + "".join(f'\nmsgid "{each}"\nmsgstr ""\n' for each in messages).encode()
    engine = EchoEngine(EN_PT, pair("de", "pt"), pair("fr", "pt"))
    async with serving(engine) as service:
        reply = await service.translation.TranslateDocument(ask(catalogue, name="a.po", source=""))
    assert reply.translation.source_language_code == "en"
    assert 0 < reply.translation.detection_confidence <= 1
    assert {*engine.ran} == {"en-pt"}


async def test_files_are_counted_and_logged_without_their_words(log):
    metrics = Metrics(["en", "pt"])
    async with serving(EchoEngine(), metrics=metrics) as service:
        await service.translation.TranslateDocument(ask("Good morning.", name="secret.txt"))
        await failure_of(service.translation.TranslateDocument(ask("Good morning.", name="secret.pdf")))
    good, bad = log
    assert (good["document_bytes"], good["document_type"], good["code"]) == (13, "text/plain", "OK")
    assert (bad["document_bytes"], bad["code"], bad["reason"], bad["target"]) == (
        13, "INVALID_ARGUMENT", "MIME_TYPE_UNSUPPORTED", "pt"
    )  # fmt: skip
    assert "secret" not in str(log)
    assert "morning" not in str(log)
    count = metrics.registry.get_sample_value("polygist_document_bytes_count", {"mime_type": "text/plain"})
    assert count == 1


async def test_an_answer_that_fits_into_no_message_is_refused_with_the_cure():
    page = "<p>" + "Good morning. " * 40
    async with serving(EchoEngine(), limits=Limits(message_bytes=1500)) as service:
        assert (await service.translation.TranslateDocument(ask(page, name="a.html"))).document
        failure = await failure_of(service.translation.TranslateDocument(ask(page, name="a.html", include_text=True)))
    assert (failure.field, failure.reason) == ("document", "REQUEST_TOO_LARGE")
    assert "the limit is 1500; ask for less" in failure.message


async def test_a_server_without_the_parser_says_how_to_install_it(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("polygist_service.text.documents.files.word")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lxml", None)  # as where it is not installed
    async with serving(EchoEngine()) as service:
        failure = await failure_of(service.translation.TranslateDocument(ask(DOCX, name="a.docx")))
        assert (await service.translation.TranslateDocument(ask(SRT, name="a.srt"))).document
    assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "CAPABILITY_UNSUPPORTED")
    assert "lacks the package lxml; where it runs: pip install 'polygist[service,documents]'" in failure.message


async def test_only_so_many_files_are_in_memory_at_a_time():
    engine = EchoEngine(delay=60)
    async with serving(engine) as service:
        calls = [service.translation.TranslateDocument(ask(f"Good {at}.", name="a.txt")) for at in range(12)]
        await until(lambda: service.in_flight.active == 12 and len(engine.segments) == FILES_AT_A_TIME)
        await service.models.GetServerInfo(model_service_pb2.GetServerInfoRequest())
        assert len(engine.segments) == FILES_AT_A_TIME
        for call in calls:
            call.cancel()
        await until(lambda: not service.in_flight.active)


async def test_a_caller_who_leaves_ends_the_work_on_a_file():
    engine = EchoEngine(delay=60)
    async with serving(engine) as service:
        call = service.translation.TranslateDocument(ask("Good morning.", name="a.txt"))
        await until(lambda: engine.segments)
        call.cancel()
        await until(lambda: not service.in_flight.active and not engine.held)
        with pytest.raises(grpc.aio.AioRpcError) as late:
            await service.translation.TranslateDocument(ask("Good morning.", name="a.txt"), timeout=0.2)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def damage(document: bytes, at: int, other: bytes) -> bytes:
    """Other bytes in the place of some, at a place, which may be behind the end."""
    return document[:at] + other + document[at + len(other) :]


SEEDS = [PAGE.encode(), MARKDOWN.encode(), PO, DOCX, XLSX, SRT, VTT]
DAMAGED = st.builds(damage, st.sampled_from(SEEDS), st.integers(0, 400), st.binary(max_size=9))
TYPES = st.sampled_from(["", "text/rtf", "application/octet-stream", *FILES])
FILE_NAMES = st.sampled_from(["", *(f"a{ending}" for ending, kind in ENDINGS.items() if kind in FILES)])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.binary(max_size=200) | DAMAGED, TYPES, FILE_NAMES), min_size=10, max_size=10))
@example([(b"\xff\xfe", "text/html", ""), (b"PK\x05\x06" + bytes(18), "", "a.docx"), (b"WEBVTT", "text/vtt", "")])
def test_any_bytes_have_a_clean_answer(files):
    async def send_all():
        async with serving(EchoEngine()) as service:
            for document, mime_type, name in files:
                try:
                    await service.translation.TranslateDocument(ask(document, mime_type, name))
                except grpc.aio.AioRpcError as error:
                    failure = read_failure(error)
                    assert failure.code == "INVALID_ARGUMENT", failure
                    assert failure.field in ("document", "mime_type"), failure

    asyncio.run(send_all())
