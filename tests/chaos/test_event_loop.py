"""Whether any request holds the event loop: a server notes what takes long on its loop's thread."""

import itertools
import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from polygist.v1 import (
    common_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    summarisation_service_pb2,
    summarisation_service_pb2_grpc,
    translation_service_pb2,
    translation_service_pb2_grpc,
)

from tests.end_to_end.server import ServerProcess, find_free_port

pytestmark = pytest.mark.chaos
# No request is to hold the loop for more milliseconds.
MOST_MILLISECONDS = 20
LONGEST_SECONDS = 12
SETTLING_SECONDS = 2.0
TRANSLATE = "/polygist.v1.TranslationService/Translate"
SENTENCES = [f"Satz Nummer {count} von dem alten Markt." for count in range(1024)]
TEXT = " ".join(f"Das ist Satz {count} über das Wetter im Norden des Landes." for count in range(18_000))
NUMBERS = " ".join(f"Am {at % 28 + 1}. Mai kosten {at} Stück {at},{at % 90 + 10} Euro." for at in range(10_000))
OTHERS = (
    "The weather in the north of the country is cold today.",
    "O tempo no norte do país está frio hoje.",
    "Le temps dans le nord du pays est froid aujourd'hui.",
    "El tiempo en el norte del país es frío hoy.",
    "Das Wetter im Norden des Landes ist heute kalt.",
    "Sää maan pohjoisosassa on tänään kylmä.",
)
# Codes of languages and territories, two letters each.
LANGUAGES = re.findall("..", "deenptfresitnlsvdafiplcsrohuel")
TERRITORIES = re.findall("..", "ATBEBRCACHCICMCNCOCRCUCYCZDEDKDOECESFIFRGBGRHKHUIEINISITJPKEKRLUMXNL")
CODES = [f"{one}-{other}" for one, other in itertools.product(LANGUAGES, TERRITORIES)]
MANY = {"source_language_code": "", "candidate_language_codes": CODES[:500]}
TOLD = {"include_segments": True, "include_alignment": True, "include_score": True}


def translate(*contents: str, **fields: object) -> translation_service_pb2.TranslateRequest:
    """A request from German to English."""
    fields = {"source_language_code": "de", "target_language_code": "en", **fields}
    return translation_service_pb2.TranslateRequest(contents=contents, **fields)


def file_of(text: str, mime_type: str) -> translation_service_pb2.TranslateDocumentRequest:
    """A request to translate a file."""
    return translation_service_pb2.TranslateDocumentRequest(
        document=text.encode(), mime_type=mime_type, config=translate()
    )


@dataclass(frozen=True)
class Posted:
    """A request of HTTP."""

    path: str
    body: bytes
    content_type: str = "application/json"

    def send(self, address: str) -> None:
        """Make the request, and read the answer."""
        request = urllib.request.Request(f"http://{address}{self.path}", self.body, {"content-type": self.content_type})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=LONGEST_SECONDS) as answer:
            answer.read()


def post(path: str, *messages: Message) -> Posted:
    """A request of messages as JSON; several are lines."""
    lines = [json.dumps(MessageToDict(message)).encode() for message in messages]
    return Posted(path, b"\n".join(lines), "application/json" if len(lines) == 1 else "application/x-ndjson")


def page_of(sentences: Iterable[str]) -> str:
    """A page of paragraphs."""
    return "".join(f"<p>{sentence}</p>" for sentence in sentences)


def batch_of(items: Iterable[str]) -> list[translation_service_pb2.BatchTranslateRequest]:
    """The messages of a stream of items."""
    make = translation_service_pb2.BatchTranslateRequest
    return [
        make(config=translate()),
        *(make(item={"item_id": str(at), "content": item}) for at, item in enumerate(items)),
    ]


def repeat_field(count: int) -> bytes:
    """A message with a term that stands in it so many times, of which the last one counts."""
    term = field_of(common_pb2.GlossaryEntry, "source_term", b"a") * count
    entry = field_of(common_pb2.GlossaryConfig, "entries", term)
    return translate(SENTENCES[0]).SerializeToString() + field_of(
        translation_service_pb2.TranslateRequest, "glossary_config", entry
    )


def field_of(message: type[Message], name: str, value: bytes) -> bytes:
    """A field of a message as it stands on the wire."""
    number = message.DESCRIPTOR.fields_by_name[name].number
    return encode_varint(number << 3 | 2) + encode_varint(len(value)) + value


def encode_varint(number: int) -> bytes:
    """A number as messages have it."""
    groups = [number >> shift & 0x7F for shift in range(0, max(1, number.bit_length()), 7)]
    return bytes([*(each | 0x80 for each in groups[:-1]), groups[-1]])


REQUESTS = {
    # First, as a server that knows how long its models take would refuse it.
    "1,024 texts of 960": translate(*(TEXT[at * 960 : (at + 1) * 960] for at in range(1024))),
    "1,024 texts": translate(*SENTENCES),
    "1,024 texts of unknown language": translate(*SENTENCES, source_language_code=""),
    "1,024 texts with candidates": translate(
        *SENTENCES, source_language_code="", candidate_language_codes=["de", "en", "pt", "fi", "ja"] * 99
    ),
    "1,024 texts with 500 different candidates": translate(*SENTENCES, **MANY),
    "1 M characters": translate(TEXT[:990_000]),
    "1 M characters without a blank": translate("a" * 990_000),
    "1 M characters of nothing": translate("\n" * 990_000),
    "1,000 phrases": translate(*SENTENCES, do_not_translate_phrases=[f"Nummer {count} von" for count in range(1000)]),
    "1,000 terms": translate(
        *SENTENCES,
        glossary_config={
            "entries": [{"source_term": f"Nummer {at} von", "target_term": f"number {at} of"} for at in range(1000)]
        },
    ),
    "a term that stands a million times": repeat_field(1_000_000),
    "10,000 sentences of numbers": translate(NUMBERS),
    "page of 400,000": translate(page_of(TEXT[:400_000].split(". ")), mime_type="text/html"),
    "page in six languages": translate(
        page_of(OTHERS[at // 50 % 6] for at in range(6000)), mime_type="text/html", source_language_code=""
    ),
    "Markdown of 400,000": translate(TEXT[:400_000].replace(". ", ".\n\n* "), mime_type="text/markdown"),
    "all that may be told": translate(*SENTENCES[:256], output_config=TOLD),
    "all that may be told of 400,000": translate(TEXT[:400_000], output_config=TOLD),
    "256 texts with three alternatives": translate(*SENTENCES[:256], alternative_count=3),
    "stream of 400,000": translation_service_pb2.StreamTranslateRequest(request=translate(TEXT[:400_000])),
    "stream of 1,024 texts that are English": translation_service_pb2.StreamTranslateRequest(
        request=translate(*(f"Number {at} of the market." for at in range(1024)), source_language_code="en")
    ),
    "items": batch_of(SENTENCES[:512]),
    "long items": batch_of(TEXT[at * 30_000 : (at + 1) * 30_000] for at in range(30)),
    "detection": translation_service_pb2.DetectLanguageRequest(contents=SENTENCES),
    "detection of 1,024 texts in six languages": translation_service_pb2.DetectLanguageRequest(
        contents=[f"{OTHERS[at % 6]} {at}" for at in range(1024)], max_candidate_count=100
    ),
    "names of all languages in Japanese": model_service_pb2.ListLanguagesRequest(
        display_language_code="ja", page_size=1000
    ),
    "tokens of 1,024 texts": model_service_pb2.CountTokensRequest(contents=SENTENCES, model="models/de-en"),
    "32 articles": summarisation_service_pb2.SummariseRequest(contents=[TEXT[:30_000]] * 32),
    "article of 1 M characters": summarisation_service_pb2.SummariseRequest(contents=[TEXT[:990_000]]),
    "stream of 32 articles": summarisation_service_pb2.StreamSummariseRequest(
        request=summarisation_service_pb2.SummariseRequest(contents=[TEXT[:30_000]] * 32)
    ),
    "1,024 texts as JSON": post("/v1/translate", translate(*SENTENCES)),
    "all that may be told of 400,000 as JSON": post("/v1/translate", translate(TEXT[:400_000], output_config=TOLD)),
    "stream of 400,000 as events": post("/v1/translate:stream", translate(TEXT[:400_000])),
    "lines": post("/v1/translate:batch", *batch_of(SENTENCES[:512])),
    "file": file_of(TEXT[:400_000], "text/plain"),
    "catalogue of 5,000 messages": file_of(
        "\n\n".join(f'msgid "Satz {at} vom Markt"\nmsgstr ""' for at in range(5000)), "text/x-gettext-translation"
    ),
    "subtitles of 5,000 cues": file_of(
        "\n\n".join(
            f"{at + 1}\n{at // 600:02}:{at // 10 % 60:02}:{at % 10 * 6:02},000 --> "
            f"{at // 600:02}:{at // 10 % 60:02}:{at % 10 * 6 + 5:02},000\nSatz {at} vom Markt."
            for at in range(5000)
        ),
        "application/x-subrip",
    ),
}


@pytest.fixture(scope="module")
def noting(tiny_home, tmp_path_factory):
    """A server, and the file of what has held its loop."""
    folder = tmp_path_factory.mktemp("loop")
    command = (sys.executable, "-m", "tests.chaos.held_loop", str(folder / "held"), "serve")
    http = f"127.0.0.1:{find_free_port()}"
    with ServerProcess(tiny_home, folder / "log", "--http-listen", http, command=command) as server:
        server.wait_until_serving()
        with grpc.insecure_channel(server.address, [("grpc.max_receive_message_length", -1)]) as channel:
            call(channel, http, translate("Der alte Markt."))
            call(channel, http, post("/v1/translate", translate("Der alte Markt.")))
            yield channel, http, folder / "held"


def call(channel, http, request):
    """Make a call, and read all answers."""
    if isinstance(request, Posted):
        request.send(http)
        return
    translation = translation_service_pb2_grpc.TranslationServiceStub(channel)
    summarisation = summarisation_service_pb2_grpc.SummarisationServiceStub(channel)
    models = model_service_pb2_grpc.ModelServiceStub(channel)
    methods = {
        model_service_pb2.ListLanguagesRequest: models.ListLanguages,
        model_service_pb2.CountTokensRequest: models.CountTokens,
        bytes: channel.unary_unary(TRANSLATE),
        translation_service_pb2.TranslateRequest: translation.Translate,
        translation_service_pb2.StreamTranslateRequest: translation.StreamTranslate,
        list: lambda messages, timeout: translation.BatchTranslate(iter(messages), timeout=timeout),
        translation_service_pb2.DetectLanguageRequest: translation.DetectLanguage,
        translation_service_pb2.TranslateDocumentRequest: translation.TranslateDocument,
        summarisation_service_pb2.SummariseRequest: summarisation.Summarise,
        summarisation_service_pb2.StreamSummariseRequest: summarisation.StreamSummarise,
    }
    answer = methods[type(request)](request, timeout=LONGEST_SECONDS)
    if isinstance(answer, grpc.Call) and isinstance(answer, Iterable):
        for _ in answer:
            pass


def read_held(path):
    """What has held the loop so far."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def longest(held, kind):
    """What has taken the loop longest of a kind, a callback or a round."""
    return max(
        (each for each in held if kind in each), key=lambda each: each[kind], default={kind: 0.0, "collecting": 0.0}
    )


@pytest.mark.parametrize("name", REQUESTS)
def test_what_holds_the_event_loop(noting, figures, name):
    channel, http, path = noting
    before = len(read_held(path))
    try:
        call(channel, http, REQUESTS[name])
        code = "OK"
    except grpc.RpcError as error:
        code = f"{error.code().name}: {error.details()[:60]}"
    except OSError as error:  # of HTTP
        code = repr(error)[:60]
    figures.inputs += 1
    time.sleep(SETTLING_SECONDS)  # letting go of what was given up belongs to this request, not to the next
    held = read_held(path)[before:]
    callback, whole = longest(held, "callback"), longest(held, "round")
    above = f", more than {MOST_MILLISECONDS}" if callback["callback"] > MOST_MILLISECONDS else ""
    collecting = f" ({callback['collecting']:.0f} of them collecting garbage)" if callback["collecting"] >= 1 else ""
    figures.notes.append(
        f"{name}: {code}; the event loop was held for {callback['callback']:.0f} ms of the processor at most"
        f"{collecting}{above}; {whole['round']:.0f} ms in one round of all that was ready"
    )
