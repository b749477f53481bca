"""From messages to the domain and back, without a server."""

import subprocess
import sys
from collections import defaultdict

import pytest
from polygist.v1 import summarisation_service_pb2, translation_service_pb2
from polygist_service.app.services import build_services
from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.errors import UnsupportedMimeType
from polygist_service.limits import Limits
from polygist_service.text.documents import LAYOUTS
from polygist_service.text.documents.plain import PlainLayout
from polygist_service.translation.types import Preference
from polygist_service.wire.summarisation import parse_summarise_request, to_summarise_response, to_summary_event
from polygist_service.wire.translation import (
    parse_detect_request,
    parse_translate_request,
    to_detect_response,
    to_translate_response,
    to_translation_events,
)

from tests.service.echo import EchoEngine
from tests.service.harness import DETECTOR

LIMITS = Limits()
CONTEXT = CallContext(caller="me")
ARTICLE = "The old bridge was closed on Tuesday.\nA ferry carries people across the river.\nThe bridge opens in May."


@pytest.fixture
def services():
    pool = TextPool(1)
    yield build_services(EchoEngine(), detector=DETECTOR, pool=pool, limits=LIMITS)
    pool.close()


async def test_a_translation_and_its_events_are_the_same_text(services):
    request = translation_service_pb2.TranslateRequest(
        contents=["One. Two.\n\nThree \U0001f600.", "", "12"],
        source_language_code="eng_Latn",
        target_language_code="pt-BR",
        output_config={"include_segments": True, "include_score": True},
    )
    wanted = parse_translate_request(request, LIMITS)
    assert (wanted.source, wanted.target, wanted.decoding.scores) == ("en", "pt-BR", True)
    reply = to_translate_response(request, await services.translator.translate(wanted, CONTEXT), CONTEXT.usage)
    assert [each.translated_text for each in reply.translations] == ["[One.] [Two.]\n\n[Three \U0001f600.]", "", "12"]
    events = [each async for each in services.translator.events(wanted, CONTEXT)]
    # Events come one by one, or all together where the reader was away.
    for groups in ([[each] for each in events], [events]):
        messages = [message for group in groups for message in to_translation_events(request, group)]
        assert join(messages) == list(reply.translations)


def join(messages):
    """The translations that the messages of a stream amount to."""
    texts, joined = defaultdict(str), []
    for message in messages:
        texts[message.content_index] += message.text_delta
        if message.HasField("progress"):
            assert 0 < message.progress.completed_count <= message.progress.total_count == 3
        if message.HasField("translation"):
            assert message.translation.translated_text == ""
            message.translation.translated_text = texts[message.content_index]
            joined.append(message.translation)
    return joined


async def test_a_summary_and_its_events_are_the_same_text(services):
    request = summarisation_service_pb2.SummariseRequest(
        contents=[ARTICLE, " "], max_sentence_count=2, output_config={"include_citations": True}
    )
    wanted = parse_summarise_request(request, LIMITS)
    assert (wanted.source, wanted.max_sentences, wanted.decoding.preference) == (None, 2, Preference.DEFAULT)
    reply = to_summarise_response(request, await services.summariser.summarise(wanted, CONTEXT), CONTEXT.usage)
    assert [len(summary.sentences) for summary in reply.summaries] == [2, 0]
    assert reply.summaries[0].detection_confidence > 0.9
    texts, joined = ["", ""], []
    async for index, event in services.summariser.events(await services.summariser.plan(wanted, CONTEXT), CONTEXT):
        message = to_summary_event(request, index, event)
        texts[index] += message.text_delta
        if message.HasField("summary"):
            message.summary.text = texts[index]
            joined.append(message.summary)
    assert joined == list(reply.summaries)


async def test_a_detection_ends_with_what_is_left(services):
    request = translation_service_pb2.DetectLanguageRequest(contents=[ARTICLE, "12"], max_candidate_count=2)
    wanted = parse_detect_request(request, LIMITS)
    layouts = [PlainLayout(each) for each in wanted.contents]
    rankings = await services.languages.rank(layouts, wanted.candidates, CONTEXT)
    detection, empty = to_detect_response(wanted, rankings, readable=("en",)).detections
    likeliest, _, rest = detection.languages
    assert (likeliest.language_code, likeliest.supported, rest.language_code) == ("en", True, "und")
    assert [(each.language_code, each.confidence) for each in empty.languages] == [("und", 1.0)]


def test_a_mime_type_is_allowed_where_there_is_a_parser_for_it():
    with pytest.raises(UnsupportedMimeType) as caught:
        parse_translate_request(
            translation_service_pb2.TranslateRequest(contents=["a"], target_language_code="pt", mime_type="image/png"),
            LIMITS,
        )
    assert caught.value.metadata == {"field": "mime_type", "allowed": ", ".join(LAYOUTS)}


def test_conversion_needs_no_grpc():
    modules = ("translation", "summarisation", "models", "validation", "offsets")
    program = "; ".join(
        [*(f"import polygist_service.wire.{name}" for name in modules), "import sys", "sys.exit('grpc' in sys.modules)"]
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
