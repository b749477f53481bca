"""Every call over HTTP is answered as over gRPC, whatever is asked: the same messages, the same errors."""

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Thread
from urllib.parse import quote

import grpc
import httpx2
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2
from hypothesis import assume, given, settings
from polygist_service.http.routes import ROUTES, ApiRoute, path_of
from polygist_service.translation.terms.glossaries import Glossaries

from tests.fuzz.requests import calls, messages
from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine, pair
from tests.service.http.doors import Doors, opened

SECONDS = 60
# A few in `make test`; `make fuzz-requests` tries thousands.
EXAMPLES = max(4, settings().max_examples // 25)
UNARY = [each for each in ROUTES if not each.method.server_streaming]
(BATCH,) = (each for each in ROUTES if each.is_exchange)
STREAMS = [each for each in ROUTES if each.is_stream]
Outcome = tuple[str, list[dict]]


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Iterator[tuple[grpc.Channel, httpx2.Client]]:
    """A server with both doors in a loop of its own, and what asks at each."""
    folder = tmp_path_factory.mktemp("glossaries")
    (folder / "press.tsv").write_text("en\tpt\nferry\tbarco\nold town\tcidade velha\n")
    glossaries = Glossaries(folder)
    glossaries.load()
    begun: Future[Doors] = Future()
    ended = asyncio.Event()

    async def serve() -> None:
        async with opened(EchoEngine(EN_PT, PT_EN, ENCODER, pair("de", "en")), glossaries=glossaries) as doors:
            begun.set_result(doors)
            await ended.wait()

    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    doors = begun.result(30)
    with (
        grpc.insecure_channel(doors.grpc.address) as channel,
        httpx2.Client(base_url=doors.http.base_url, trust_env=False, timeout=SECONDS) as client,
    ):
        yield channel, client
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


def as_json(message: Message) -> dict:
    """A message as JSON has it."""
    return json_format.MessageToDict(message)


def over_grpc(channel: grpc.Channel, route: ApiRoute, message: Message) -> Outcome:
    """The status of a call, and what was answered: messages, or the details of its error."""
    kind = message_factory.GetMessageClass(route.method.output_type)
    make = channel.unary_stream if route.is_stream else channel.unary_unary
    call = make(path_of(route.method), lambda each: each.SerializeToString(), kind.FromString)
    try:
        answer = call(message, timeout=SECONDS)
        return "OK", [as_json(each) for each in (answer if route.is_stream else [answer])]
    except grpc.RpcError as error:
        trailer = dict(error.trailing_metadata())
        details = status_pb2.Status.FromString(trailer["grpc-status-details-bin"]).details
        return error.code().name, [{"message": error.details()}, *map(as_json, details)]


def over_http(client: httpx2.Client, route: ApiRoute, message: Message) -> Outcome:
    """The same over HTTP."""
    if route.verb == "GET":
        fields = {field.json_name: value for field, value in message.ListFields()}
        path = route.path
        if "{name}" in path:
            path = path.replace("{name}", quote(fields.pop("name").removeprefix("models/"), safe=""))
        answer = client.get(path, params=fields)
    else:
        body = json_format.MessageToJson(message.request if route.is_stream else message)
        answer = client.post(route.path, content=body, headers={"content-type": "application/json"})
    if answer.status_code != 200:
        error = answer.json()["error"]
        return error["status"], [{"message": error["message"]}, *error["details"]]
    return "OK", list(read_events(answer.text)) if route.is_stream else [answer.json()]


def read_events(text: str) -> Iterator[dict]:
    """The messages of a stream of events, which has an end."""
    *events, end = text.removesuffix("\n\n").split("\n\n")
    assert end == "event: end\ndata: {}"
    for event in events:
        yield json.loads(event.removeprefix("data: "))


def joined(outcome: Outcome) -> Outcome:
    """An outcome with the text of a stream in one piece, and without how far it was by then."""
    code, answers = outcome
    deltas: dict[int, str] = {}
    others = []
    for each in answers:
        index = each.get("contentIndex", 0)
        if "textDelta" in each:
            deltas[index] = deltas.get(index, "") + each["textDelta"]
        elif "progress" not in each:
            others.append(each)
    return code, [{"deltas": deltas}, *others]


@pytest.mark.parametrize("route", UNARY, ids=lambda route: route.path)
def test_a_call_is_answered_as_over_grpc(both, route):
    channel, client = both

    @settings(max_examples=EXAMPLES)
    @given(messages(route.method.input_type))
    def ask(message: Message) -> None:
        if "{name}" in route.path:
            assume(re.fullmatch("models/[^/.]+", message.name))
        assert over_http(client, route, message) == over_grpc(channel, route, message)

    ask()


@pytest.mark.parametrize("route", STREAMS, ids=lambda route: route.path)
def test_a_stream_is_answered_as_over_grpc_and_as_the_call_without(both, route):
    channel, client = both
    unary = next(each for each in UNARY if f"{each.path}:stream" == route.path)

    @settings(max_examples=EXAMPLES)
    @given(messages(route.method.input_type))
    def ask(message: Message) -> None:
        code, answers = joined(over_http(client, route, message))
        assert (code, answers) == joined(over_grpc(channel, route, message))
        if code == "OK":
            whole = over_http(client, unary, message.request)[1][0]
            texts = [each.get("translatedText", each.get("text", "")) for each in next(iter(whole.values()))]
            assert answers[0]["deltas"] == {index: text for index, text in enumerate(texts) if text}

    ask()


def batch_over_grpc(channel: grpc.Channel, sent: list[Message]) -> Outcome:
    """The status of a batch, and what was answered to each item."""
    kind = message_factory.GetMessageClass(BATCH.method.output_type)
    make = channel.stream_stream(path_of(BATCH.method), lambda each: each.SerializeToString(), kind.FromString)
    answers = []
    try:
        for each in make(iter(sent), timeout=SECONDS):
            answers.append(as_json(each))
    except grpc.RpcError as error:
        return error.code().name, by_item(answers)
    return "OK", by_item(answers)


def batch_over_http(client: httpx2.Client, sent: list[Message]) -> Outcome:
    """The same over HTTP."""
    lines = "".join(f"{json.dumps(as_json(each))}\n" for each in sent)
    answer = client.post(BATCH.path, content=lines, headers={"content-type": "application/x-ndjson"})
    answers = [json.loads(line) for line in answer.text.split("\n") if line]
    if answers and "status" in answers[-1].get("error", {}):
        return answers[-1]["error"]["status"], by_item(answers[:-1])
    return "OK", by_item(answers)


def by_item(answers: list[dict]) -> list[dict]:
    """Answers in the order of their items, which come in any."""
    return sorted(answers, key=lambda each: each["itemId"])


def test_a_batch_is_answered_as_over_grpc(both):
    channel, client = both
    kind = message_factory.GetMessageClass(BATCH.method.input_type)

    @settings(max_examples=EXAMPLES)
    @given(calls(BATCH.method))
    def ask(parts: list[bytes]) -> None:
        sent = []
        for part in parts:
            try:
                sent.append(kind.FromString(part))
            except DecodeError:  # damaged on its way, which JSON is in other ways
                assume(False)
        ids = [each.item.item_id for each in sent if each.HasField("item")]
        assume(len(set(ids)) == len(ids))  # whether an item has been answered before its id comes again is a race
        assert batch_over_http(client, sent) == batch_over_grpc(channel, sent)

    ask()
