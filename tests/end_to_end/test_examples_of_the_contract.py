"""The examples in the comments of the contract are what a server of the starter models answers."""

import json
from typing import Any

import httpx2
import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from polygist_service.http.openapi import read_examples
from polygist_service.http.routes import ROUTES, ApiRoute

from tests.end_to_end.server import ServerProcess, find_free_port

pytestmark = pytest.mark.model

# An example has no glossary that a server could have, and no version that it is.
SHOWN = [route for route in ROUTES if route.method.name != "ListGlossaries"]
VOLATILE = ("version",)


@pytest.fixture(scope="module")
def url(starter_home, tmp_path_factory):
    address = f"127.0.0.1:{find_free_port()}"
    with ServerProcess(starter_home, tmp_path_factory.mktemp("server") / "log", "--http-listen", address) as process:
        process.wait_until_serving()
        yield f"http://{address}"


def ask(url: str, route: ApiRoute, sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is answered to the requests of an example."""
    with httpx2.Client(base_url=url, trust_env=False, timeout=60) as http:
        if route.is_exchange:
            lines = "".join(f"{json.dumps(each)}\n" for each in sent)
            answer = http.post(route.path, content=lines, headers={"content-type": "application/x-ndjson"})
            return [json.loads(line) for line in answer.text.splitlines()]
        if route.verb == "GET":
            (given,) = sent
            name = given.pop("name", "").removeprefix("models/")
            return [http.get(route.path.format(name=name), params=given).json()]
        if route.is_stream:
            answer = http.post(route.path, json=sent[0]["request"])
            return [json.loads(event.removeprefix("data: ")) for event in answer.text.split("\n\n")[:-2]]
        return [http.post(route.path, json=sent[0]).json()]


def normalise(route: ApiRoute, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages with their defaults left out; the pieces of a stream's text are one."""
    kind = GetMessageClass(route.method.output_type)
    found = [json_format.MessageToDict(json_format.ParseDict(each, kind())) for each in messages]
    others = [each for each in found if "textDelta" not in each]
    return [{"text": "".join(each.get("textDelta", "") for each in found)}, *others] if route.is_stream else found


def is_in(shown: Any, real: Any) -> bool:
    """Whether all that is shown is there; what is long is shown in part."""
    match shown:
        case dict():
            return all(name in real and is_in(each, real[name]) for name, each in shown.items() if name not in VOLATILE)
        case list():
            return all(any(is_in(each, other) for other in real) for each in shown)
        case float():
            return bool(real == pytest.approx(shown, abs=0.02))
    return bool(shown == real)


@pytest.mark.parametrize("route", SHOWN, ids=lambda route: route.method.name)
def test_an_example_is_what_is_answered(url, route):
    sent, shown = read_examples(route.method)
    real = normalise(route, ask(url, route, sent))
    for each in normalise(route, shown):
        assert any(is_in(each, other) for other in real), real
