"""What kind of text a request holds, in any spelling that HTTP allows: RFC 9110, 8.3.1."""

from contextlib import suppress

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polygist.v1 import summarisation_service_pb2, translation_service_pb2
from polygist_service.errors import UnsupportedMimeType
from polygist_service.text.documents import LAYOUTS
from polygist_service.wire.validation import parse_mime_type

from tests.service.echo import EchoEngine
from tests.service.harness import read_failure, serving
from tests.service.rpc.test_summarise import ARTICLE

PLAIN = [
    "text/plain",
    "Text/PLAIN",
    "text/plain; charset=utf-8",
    "text/plain;charset=UTF-8",
    "TEXT/plain ; Charset=Utf8",
    'text/plain; charset="utf-8"',
    r'text/plain; charset="ut\f-8"',
    "text/plain; charset=us-ascii",
    "\ttext/plain ",
    "text/plain;",
    "text/plain;;charset=utf-8; ;",
    "text/plain; format=flowed; delsp=yes",
    'text/plain; title="a; charset=latin-1"; charset=utf-8',
]
# What the error says -> what is refused with it.
REFUSED = {
    "is not supported; this version takes: text/plain, text/html, text/markdown": ("text/rtf", "IMAGE/png; a=b", "*/*"),
    "is no media type, such as 'text/plain; charset=utf-8'; this version takes: text/plain, text/html, text/markdown": (
        *("plain", "text", "text/", "/plain", "text/plain/x", "text plain", "text/ plain", "text/plain, text/html"),
        *("text/plain; charset", "text/plain; charset=", "text/plain; =utf-8", "text/plain; charset = utf-8"),
        *("text/plain charset=utf-8", 'text/plain; charset="utf-8', 'text/plain; charset=ut"f', "text/plain\n", " "),
        *("text/plain (a comment)", "téxt/plain", "text/plain\N{KELVIN SIGN}", ";", f"text/plain;{' ;' * 2000}!"),
    ),
    "decode the texts and leave charset out": (
        *("text/plain; charset=iso-8859-1", 'text/plain; CHARSET="windows-1252"', "text/plain; charset=utf-16"),
        *("text/plain; charset=utf-8; charset=latin-1", "text/plain; format=flowed; charset=x"),
    ),
}


async def send(service, method: str, mime_type: str) -> None:
    """Send a request in which all but the media type is right."""
    contract = translation_service_pb2
    translate = contract.TranslateRequest(contents=[ARTICLE], target_language_code="pt", mime_type=mime_type)
    summarise = summarisation_service_pb2.SummariseRequest(contents=[ARTICLE], mime_type=mime_type)
    if method == "Translate":
        await service.translation.Translate(translate)
    elif method == "StreamTranslate":
        await drain(service.translation.StreamTranslate(contract.StreamTranslateRequest(request=translate)))
    elif method == "BatchTranslate":
        del translate.contents[:]
        await drain(service.translation.BatchTranslate(iter([contract.BatchTranslateRequest(config=translate)])))
    elif method == "DetectLanguage":
        request = contract.DetectLanguageRequest(contents=[ARTICLE], mime_type=mime_type)
        await service.translation.DetectLanguage(request)
    elif method == "Summarise":
        await service.summarisation.Summarise(summarise)
    else:
        request = summarisation_service_pb2.StreamSummariseRequest(request=summarise)
        await drain(service.summarisation.StreamSummarise(request))


async def drain(answers) -> None:
    async for _ in answers:
        pass


METHODS = ("Translate", "StreamTranslate", "BatchTranslate", "DetectLanguage", "Summarise", "StreamSummarise")


@pytest.mark.parametrize("method", METHODS)
async def test_plain_text_is_taken_in_any_spelling(method: str):
    async with serving(EchoEngine()) as service:
        for mime_type in PLAIN:
            await send(service, method, mime_type)


@pytest.mark.parametrize("method", METHODS)
async def test_what_is_not_plain_text_in_utf_8_is_refused_with_its_cure(method: str):
    async with serving(EchoEngine()) as service:
        for message, mime_type in [(message, value) for message, values in REFUSED.items() for value in values]:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await send(service, method, mime_type)
            failure = read_failure(caught.value)
            assert (failure.code, failure.reason) == ("INVALID_ARGUMENT", "MIME_TYPE_UNSUPPORTED"), mime_type
            assert failure.field == "mime_type" or failure.field.endswith(".mime_type")
            assert message in failure.message
            assert len(failure.message) < 400
            assert failure.metadata["allowed"] == "text/plain, text/html, text/markdown"


async def test_markdown_may_be_asked_for_in_any_spelling():
    async with serving(EchoEngine()) as service:
        texts = []
        for mime_type in ("text/markdown", "Text/Markdown; charset=UTF-8; variant=CommonMark"):
            request = summarisation_service_pb2.SummariseRequest(
                contents=[ARTICLE], output_mime_type=mime_type, type=summarisation_service_pb2.SUMMARY_TYPE_KEY_POINTS
            )
            texts.append((await service.summarisation.Summarise(request)).summaries[0].text)
    assert texts[0].startswith("- ")
    assert texts[1] == texts[0]


@given(st.text(alphabet=st.sampled_from('text/plain;= \t"\\charsetutf-8(*\x00é'), max_size=40))
@settings(max_examples=300)
def test_any_value_is_a_media_type_or_is_refused(value: str):
    with suppress(UnsupportedMimeType):
        assert parse_mime_type("mime_type", value) in LAYOUTS
