"""Files in, summaries out, whose spans are those of the plain text that was read."""

import re

import pytest
from polygist.v1 import common_pb2, summarisation_service_pb2

from tests.service.echo import EchoEngine
from tests.service.harness import failure_of, serving
from tests.service.rpc.test_stream_summarise import stream
from tests.service.rpc.test_summarise import ARTICLE
from tests.service.text.files.test_kinds import PO, XLSX
from tests.service.text.files.word_documents import make_docx, part

SENTENCES = [line for line in ARTICLE.splitlines() if line.strip()]
PAGE = (
    "<!doctype html><title>The bridge</title><nav><a href=/>Home</a></nav><article>"
    + "".join(f"<p>{line.replace('the', '<b>the</b>')}</p>" for line in SENTENCES)
    + "</article><footer>All rights reserved by the town.</footer>"
)
MARKDOWN = "# The bridge\r\n\r\n" + "\r\n\r\n".join(line.replace("the", "*the*") for line in SENTENCES)


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>"


DOCX = make_docx(
    "".join(map(paragraph, SENTENCES)), {"word/header1.xml": part("hdr", paragraph("Running head of all these pages."))}
)
FILES = {
    "a.txt": ARTICLE.encode(),
    "utf16.txt": ARTICLE.encode("utf-16"),
    "a.html": PAGE.encode(),
    "a.md": MARKDOWN.encode(),
    "a.docx": DOCX,
}
OUTPUT = {"include_citations": True, "include_source_text": True}


def make(content: bytes | str, name: str = "", file_type: str = "", **fields):
    content = content.encode() if isinstance(content, str) else content
    document = common_pb2.InputDocument(content=content, name=name, mime_type=file_type)
    return summarisation_service_pb2.SummariseRequest(document=document, **fields)


@pytest.mark.parametrize("name", list(FILES))
async def test_a_summary_of_a_file_cites_the_plain_text_that_was_read(name):
    request = make(FILES[name], name, output_config=OUTPUT)
    async with serving(EchoEngine()) as service:
        reply = await service.summarisation.Summarise(request)
        events = await stream(service, request)
        request.output_config.include_source_text = False
        brief = await service.summarisation.Summarise(request)
    (summary,) = reply.summaries
    text = summary.source_text
    assert reply.usage.character_count == len(text)
    assert [each for each in SENTENCES if each not in text] == []
    assert summary.sentences
    for sentence in summary.sentences:
        span = sentence.citations[0].source_span
        assert text[span.start_offset : span.end_offset] == sentence.text
        assert "rights reserved" not in sentence.text
        assert "Running head" not in sentence.text
    (streamed,) = (event.summary for event in events if event.HasField("summary"))
    assert streamed.source_text == text
    assert streamed.sentences == summary.sentences
    assert [event.usage for event in events if event.HasField("usage")] == [reply.usage]
    assert (brief.summaries[0].source_text, brief.summaries[0].text) == ("", summary.text)


REFUSED = [
    (make(ARTICLE, contents=[ARTICLE]), "contents", "FIELD_INVALID", "send one or the other"),
    (make(ARTICLE, mime_type="text/plain"), "mime_type", "FIELD_INVALID", "document.mime_type says"),
    (make(b""), "document.content", "FIELD_INVALID", "^document.content: is empty"),
    (make(b"caf\xe9", "a.txt"), "document.content", "FIELD_INVALID", "is no UTF-8"),
    (make(XLSX, "a.xlsx"), "document.mime_type", "MIME_TYPE_UNSUPPORTED", "a spreadsheet; make CSV"),
    (make(ARTICLE, "", "text/rtf"), "document.mime_type", "MIME_TYPE_UNSUPPORTED", "is not supported"),
    (make(PO, "a.po"), "document.mime_type", "MIME_TYPE_UNSUPPORTED", "a catalogue of messages"),
    (make("<div>" * 3000, "a.html"), "document.content", "FIELD_INVALID", "deep"),
    (make("\N{OLD PERSIAN SIGN A}\N{OLD PERSIAN SIGN XA}" * 20), "", "LANGUAGE_UNDETERMINED", "^document.content: "),
    (make(ARTICLE, model="x"), "model", "FIELD_INVALID", "not a model name"),
]


async def test_what_cannot_be_summarised_names_the_field_and_the_cure():
    async with serving(EchoEngine()) as service:
        for request, field, reason, said in REFUSED:
            failure = await failure_of(service.summarisation.Summarise(request))
            assert (failure.field, failure.reason) == (field, reason), failure
            assert re.search(said, failure.message), failure
        known = summarisation_service_pb2.SummariseRequest(contents=[ARTICLE], output_config=OUTPUT)
        assert (await failure_of(service.summarisation.Summarise(known))).field == "output_config.include_source_text"


async def test_a_file_without_words_has_an_empty_summary():
    async with serving(EchoEngine()) as service:
        for name, content in (("a.txt", b" \n"), ("a.html", b"<p></p>"), ("a.docx", make_docx(""))):
            reply = await service.summarisation.Summarise(make(content, name, output_config=OUTPUT))
            assert [each.text for each in reply.summaries] == [""]
