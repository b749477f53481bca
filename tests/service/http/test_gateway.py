"""Calls over HTTP: what is answered, and what is refused, in Google's JSON."""

import json

import pytest

from tests.service.echo import EchoEngine
from tests.service.http.doors import opened

JSON = {"content-type": "application/json"}
HELLO = {"contents": ["Hello."], "targetLanguageCode": "pt", "sourceLanguageCode": "en"}


async def test_a_text_is_translated():
    async with opened(EchoEngine()) as doors:
        answer = await doors.http.post("/v1/translate", json=HELLO)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["translations"][0]["translatedText"] == "[Hello.]"


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        ({"contnts": []}, "contnts", "is no field of TranslateRequest"),
        ({**HELLO, "outputConfig": {"score": True}}, "output_config.score", "is no field of TranslationOutputConfig"),
        ({"contents": ["a", 1]}, "contents[1]", "is the number 1; give a string"),
        ({"contents": "a"}, "contents", "is the string 'a'; give a list"),
        ({"alternativeCount": "x"}, "alternative_count", "give a whole number from"),
        ({"alternativeCount": True}, "alternative_count", "is true"),
        ({"alternativeCount": 1 << 40}, "alternative_count", "give a whole number from"),
        ({"outputConfig": []}, "output_config", "is a list; give a JSON object"),
        ({"outputConfig": {"includeScore": 1}}, "output_config.include_score", "give true or false"),
        ({"pivotPolicy": "NEVER"}, "pivot_policy", "give one of PIVOT_POLICY_UNSPECIFIED"),
        ({"mime_type": "", "mimeType": ""}, "mime_type", "is given twice"),
        ({"contents": ["\ud800"]}, "contents[0]", "half of a surrogate pair"),
        ({"contents": ["Hello"]}, "target_language_code", "is required"),
    ],
)
async def test_a_wrong_field_is_named(body, field, told):
    async with opened(EchoEngine()) as doors:
        answer = await doors.http.post("/v1/translate", content=json.dumps(body), headers=JSON)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    info, bad = error["details"]
    assert (info["reason"], info["metadata"]["field"]) == ("FIELD_INVALID", field)
    assert bad["fieldViolations"][0]["field"] == field
    assert told in error["message"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"contents": NaN}', b"\xff", b'{"model":"","model":""}', b"[" * 100_000, b"9" * 5000]
)
async def test_what_is_no_json_object_is_refused(body):
    async with opened(EchoEngine()) as doors:
        answer = await doors.http.post("/v1/translate", content=body, headers=JSON)
    error = answer.json()["error"]
    assert (error["code"], error["details"][0]["metadata"]["field"]) == (400, "body")


async def test_what_is_not_served_is_told():
    async with opened(EchoEngine()) as doors:
        unknown = await doors.http.get("/v1/nothing")
        wrong_method = await doors.http.get("/v1/translate")
        no_json = await doors.http.post("/v1/translate", content=b"{}", headers={"content-type": "text/plain"})
    assert [each.json()["error"]["details"][0]["reason"] for each in (unknown, wrong_method, no_json)] == [
        "PATH_NOT_FOUND", "METHOD_UNSUPPORTED", "CONTENT_TYPE_UNSUPPORTED",
    ]  # fmt: skip
    assert [unknown.status_code, wrong_method.status_code, no_json.status_code] == [404, 405, 415]
    assert wrong_method.headers["allow"] == "POST"


async def test_health_is_told():
    async with opened(EchoEngine()) as doors:
        assert (await doors.http.get("/healthz")).status_code == 200
        ready = await doors.http.get("/readyz")
        assert (ready.status_code, ready.json()["services"]["polygist.v1.TranslationService"]) == (200, "SERVING")
        doors.grpc.health.mark_not_serving()
        ready = await doors.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "NOT_SERVING")
