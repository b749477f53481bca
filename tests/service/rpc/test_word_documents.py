"""Documents of Word over the wire."""

import io

import docx
from polygist.v1 import common_pb2, translation_service_pb2

from tests.service.echo import EchoEngine
from tests.service.harness import failure_of, serving
from tests.service.text.files.word_documents import make_docx

PROPERTIES = {
    "docProps/core.xml": (
        b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A report on old cars</dc:title></cp:coreProperties>'
    )
}


def make_request(document, **fields):
    config = {"source_language_code": "en", "target_language_code": "pt", **fields.pop("config", {})}
    return translation_service_pb2.TranslateDocumentRequest(document=document, config=config, **fields)


def make_table(*rows):
    shown = (f"<w:tr>{''.join(f'<w:tc><w:p>{run(cell)}</w:p></w:tc>' for cell in row)}</w:tr>" for row in rows)
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(shown)}</w:tbl>"


def run(text, properties=""):
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


async def test_a_document_is_translated():
    bold = f"<w:p>{run('The red ')}{run('car', '<w:b/>')}{run(' is here. It is old.')}</w:p>"
    table = make_table(("The first name", "1,234.5"))
    request = make_request(
        make_docx(bold + table, PROPERTIES),
        name="Report.DOCX",
        config={"output_config": {"include_segments": True}},
        include_text=True,
    )
    async with serving(EchoEngine()) as service:
        reply = await service.translation.TranslateDocument(request)
    written = docx.Document(io.BytesIO(reply.document))
    assert [(each.text, each.bold) for each in written.paragraphs[0].runs] == [
        ("[The red ", None),
        ("car", True),
        (" is here.] [It is old.]", None),
    ]
    assert [cell.text for cell in written.tables[0].rows[0].cells] == ["[The first name]", "1.234,5"]
    assert written.core_properties.title == "[A report on old cars]"
    assert reply.source_text.splitlines() == [
        "A report on old cars",
        "The red car is here. It is old.",
        "The first name",
        "1,234.5",
    ]
    segments = reply.translation.segments
    spans = [each.source_span for each in segments]
    shown = [reply.source_text[span.start_offset : span.end_offset] for span in spans]
    assert shown[:3] == ["A report on old cars", "The red car is here.", "It is old."]
    assert reply.mime_type.endswith("wordprocessingml.document")


async def test_a_signed_document_is_told_of_and_a_hostile_one_refused():
    signed = make_docx(f"<w:p>{run('An old car.')}</w:p>", {"_xmlsignatures/sig1.xml": b"<Signature/>"})
    hostile = make_docx("", {"word/document.xml": b"<!DOCTYPE w><w/>"})
    async with serving(EchoEngine()) as service:
        reply = await service.translation.TranslateDocument(make_request(signed, name="a.docx"))
        failure = await failure_of(service.translation.TranslateDocument(make_request(hostile, name="a.docx")))
    assert [each.code for each in reply.translation.warnings] == [common_pb2.WARNING_CODE_DOCUMENT_ALTERED]
    assert (failure.reason, failure.field) == ("FIELD_INVALID", "document")
    assert failure.message.startswith("document: has a document type in word/document.xml, which no document of Word")
