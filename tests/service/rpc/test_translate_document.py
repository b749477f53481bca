"""TranslateDocument over the wire: what comes back of a file, and what is said of one that cannot be read."""

import pytest
from polygist.v1 import common_pb2, translation_service_pb2

from tests.service.echo import EchoEngine
from tests.service.harness import serving

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
     '<!doctype html><html lang="pt"><title>A PAGE</title><p>GOOD <b>MORNING</b>, <img alt="A LAMP" src=x> SHE SAID.</p>'
     '<input placeholder="YOUR NAME"><p hidden>NOBODY SEES IT.</p></html>',
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
