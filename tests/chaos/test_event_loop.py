"""Whether any request holds the event loop: a server notes what takes long on its loop's thread."""

import json
import sys
import time

import grpc
import pytest
from polygist.v1 import (
    summarisation_service_pb2,
    summarisation_service_pb2_grpc,
    translation_service_pb2,
    translation_service_pb2_grpc,
)

from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.chaos
SETTLING_SECONDS = 2.0
SENTENCES = [f"Satz Nummer {count} von dem alten Markt." for count in range(1024)]
TEXT = " ".join(f"Das ist Satz {count} über das Wetter im Norden des Landes." for count in range(18_000))


def translate(*contents: str, **fields: object) -> translation_service_pb2.TranslateRequest:
    """A request from German to English."""
    fields = {"source_language_code": "de", "target_language_code": "en", **fields}
    return translation_service_pb2.TranslateRequest(contents=contents, **fields)


REQUESTS = {
    "1,024 texts": translate(*SENTENCES),
    "1,024 texts of unknown language": translate(*SENTENCES, source_language_code=""),
    "1,024 texts with candidates": translate(
        *SENTENCES, source_language_code="", candidate_language_codes=["de", "en", "pt", "fi", "ja"] * 99
    ),
    "1 M characters": translate(TEXT[:990_000]),
    "1,024 texts of 960": translate(*(TEXT[at * 960 : (at + 1) * 960] for at in range(1024))),
    "1 M characters without a blank": translate("a" * 990_000),
    "1 M characters of nothing": translate("\n" * 990_000),
    "1,000 phrases": translate(*SENTENCES, do_not_translate_phrases=[f"Nummer {count} von" for count in range(1000)]),
    "page of 400,000": translate(f"<p>{TEXT[:400_000].replace('. ', '.</p><p>')}</p>", mime_type="text/html"),
    "all that may be told": translate(
        *SENTENCES[:256], output_config={"include_segments": True, "include_alignment": True}
    ),
    "detection": translation_service_pb2.DetectLanguageRequest(contents=SENTENCES),
    "32 articles": summarisation_service_pb2.SummariseRequest(contents=[TEXT[:30_000]] * 32),
    "file": translation_service_pb2.TranslateDocumentRequest(
        document=TEXT[:400_000].encode(), mime_type="text/plain", config=translate()
    ),
}


@pytest.fixture(scope="module")
def noting(tiny_home, tmp_path_factory):
    """A server, and the file of what has held its loop."""
    folder = tmp_path_factory.mktemp("loop")
    command = (sys.executable, "-m", "tests.chaos.held_loop", str(folder / "held"), "serve")
    with ServerProcess(tiny_home, folder / "log", command=command) as server:
        server.wait_until_serving()
        with grpc.insecure_channel(server.address) as channel:
            translation_service_pb2_grpc.TranslationServiceStub(channel).Translate(translate("Der alte Markt."))
            yield channel, folder / "held"


def read_held(path):
    """What has held the loop so far."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", REQUESTS)
def test_what_holds_the_event_loop(noting, figures, name):
    channel, path = noting
    translation = translation_service_pb2_grpc.TranslationServiceStub(channel)
    method = {
        translation_service_pb2.TranslateRequest: translation.Translate,
        translation_service_pb2.DetectLanguageRequest: translation.DetectLanguage,
        translation_service_pb2.TranslateDocumentRequest: translation.TranslateDocument,
        summarisation_service_pb2.SummariseRequest: summarisation_service_pb2_grpc.SummarisationServiceStub(
            channel
        ).Summarise,
    }[type(REQUESTS[name])]
    before = len(read_held(path))
    try:
        method(REQUESTS[name], timeout=20)
        code = "OK"
    except grpc.RpcError as error:
        code = f"{error.code().name}: {error.details()[:60]}"
    figures.inputs += 1
    time.sleep(SETTLING_SECONDS)  # letting go of what was given up belongs to this request, not to the next
    held = max((each["milliseconds"] for each in read_held(path)[before:]), default=0.0)
    figures.notes.append(f"{name}: {code}; the event loop was held for {held:.0f} ms of the processor at most")
