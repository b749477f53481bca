"""Files of subtitles through TranslateDocument."""

import grpc
import pytest
from polygist.v1 import common_pb2, translation_service_pb2

from tests.service.echo import EchoEngine
from tests.service.harness import read_failure, serving

FILM = (
    "WEBVTT\nKind: captions\nLanguage: en\n\nNOTE not read\n\n1\n00:01.000 --> 00:03.000 line:0\n"
    "<v Ann>We know that the old man\nwho lives <i>next</i> door\n\n00:03.100 --> 00:04.000 line:0\n"
    "<v Ann>was never here.\n\n00:04.500 --> 00:06.000\n- [laughs] Were you?\n- No, I was &amp; am not.\n"
)


async def translate(service, document, **fields):
    config = translation_service_pb2.TranslateRequest(source_language_code="en", target_language_code="pt")
    request = translation_service_pb2.TranslateDocumentRequest(
        document=document, config=config, include_text=True, **fields
    )
    return await service.translation.TranslateDocument(request)


async def test_a_film_is_translated_sentence_by_sentence():
    engine = EchoEngine(answer=str.upper)
    async with serving(engine) as service:
        answer = await translate(service, FILM.encode(), name="film.vtt")
    assert "We know that the old man who lives next door was never here." in engine.segments
    assert answer.mime_type == "text/vtt"
    assert answer.source_text.split("\n") == [
        "We know that the old man who lives next door was never here.",
        "laughs",
        "Were you?",
        "No, I was & am not.",
    ]
    written = answer.document.decode()
    assert "<v Ann>WE KNOW THAT THE OLD\nMAN WHO LIVES <i>NEXT</i> DOOR\n" in written
    assert written.replace("Language: pt", "Language: en").lower().split() == FILM.lower().split()


async def test_a_cue_that_cannot_be_read_in_time_is_told():
    async with serving(
        EchoEngine(answer=lambda text: f"{text[:-1]}, as he told you just now on the telephone.")
    ) as service:
        film = "1\n00:00:01,000 --> 00:00:02,000\nShe is at home today.\n"
        answer = await translate(service, film.encode("utf-16"), name="film.srt")
    (warning,) = [
        each for each in answer.translation.warnings if each.code == common_pb2.WARNING_CODE_READING_SPEED_EXCEEDED
    ]
    assert (warning.source_span.start_offset, warning.source_span.end_offset) == (0, len("She is at home today."))
    assert "line 2 has 62 characters for 1.0 s" in warning.message
    assert answer.document.decode("utf-16").startswith("1\n00:00:01,000 --> 00:00:02,000\nShe is at home")


async def test_a_broken_timing_is_named():
    async with serving(EchoEngine()) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await translate(service, b"1\n00:00:01,000 --> 00:00:0x\nHello.", mime_type="application/x-subrip")
    failure = read_failure(caught.value)
    assert failure.field == "document"
    assert "no times on line 2: '00:00:01,000 --> 00:00:0x'" in failure.message
