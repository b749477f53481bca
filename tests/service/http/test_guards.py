"""Which pages may ask a server, and under which names."""

import pytest
from polygist_service.http.errors import to_error_response
from polygist_service.http.guards import Guards
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

PATH = "/v1/models"


def refuse(scope, refusal):
    """The answer to a request that is refused."""
    return to_error_response(refusal)


def ask(headers, *, method="GET", hosts=(), origins=()):
    """The status of what is answered to a request, and its headers."""
    client = TestClient(Guards(PlainTextResponse("answered"), refuse, hosts=hosts, origins=origins))
    answer = client.request(method, PATH, headers=headers)
    return answer.status_code, answer.headers


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1:8080",
        "[::1]:8080",
        "192.0.2.7",
        "localhost.",
        "translate.example.org:80",
    ],
)
def test_a_server_answers_to_its_names_and_to_addresses(host):
    assert ask({"host": host}, hosts=["Translate.example.org"])[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "2130706433", "[", ":"]
)
def test_a_name_that_was_made_to_mean_this_server_is_refused(host):
    assert ask({"host": host})[0] == 421
    assert ask({"host": host}, hosts=["*"])[0] == 200
    assert ask({"host": host}, hosts=None)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://localhost:9090"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_a_page_elsewhere_is_refused(headers):
    headers = {"host": "localhost:8080", **headers}
    assert ask(headers)[0] == 403
    assert ask(headers, method="POST")[0] == 403
    code, told = ask(headers, origins=["https://example.org"])
    assert (code, told["vary"]) == (403, "Origin")
    assert ask(headers, origins=["*"])[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:8080"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_what_is_no_page_elsewhere_is_answered(headers):
    assert ask({"host": "localhost:8080", **headers})[0] == 200


def test_a_form_of_a_page_elsewhere_is_no_link():
    headers = {"host": "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert ask(headers, method="POST")[0] == 403


def test_a_page_that_may_ask_is_told_so():
    origin = "https://example.org"
    asked = {"host": "localhost", "origin": origin, "access-control-request-method": "POST"}
    code, headers = ask(
        {**asked, "access-control-request-headers": "content-type, authorization, x-timeout-seconds"},
        method="OPTIONS", origins=[origin],
    )  # fmt: skip
    assert (code, headers["access-control-allow-origin"]) == (200, origin)
    code, headers = ask({"host": "localhost", "origin": origin}, origins=[origin])
    assert (code, headers["access-control-allow-origin"]) == (200, origin)
    assert "x-warnings" in headers["access-control-expose-headers"]
