"""Calls over HTTP: what is answered, and what is refused, in Google's JSON."""

import asyncio
import gzip
import io
import json
import zipfile
from functools import partial

import pytest
from polygist_service.errors import InvalidRequest, RequestTooLarge
from polygist_service.http.forms import read_form
from polygist_service.limits import Limits
from polygist_service.observability.metrics import Metrics
from polygist_service.wire.json_messages import read_object
from prometheus_client import generate_latest

from tests.service.access.test_access import add, open_access
from tests.service.echo import EchoEngine
from tests.service.harness import until
from tests.service.http.doors import opened
from tests.service.text.files.word_documents import make_docx

JSON = {"content-type": "application/json"}
LINES = {"content-type": "application/x-ndjson"}
HELLO = {"contents": ["Hello."], "targetLanguageCode": "pt", "sourceLanguageCode": "en"}


async def test_a_text_is_translated():
    async with opened(EchoEngine()) as doors:
        answer = await doors.http.post("/v1/translate", json=HELLO)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["translations"][0]["translatedText"] == "[Hello.]"


WRONG = [
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
]


async def test_a_wrong_field_is_named():
    async with opened(EchoEngine()) as doors:
        for body, field, told in WRONG:
            answer = await doors.http.post("/v1/translate", content=json.dumps(body), headers=JSON)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
            info, bad = error["details"]
            assert (info["reason"], info["metadata"]["field"]) == ("FIELD_INVALID", field)
            assert bad["fieldViolations"][0]["field"] == field
            assert told in error["message"]


async def test_what_is_no_json_object_is_refused():
    bodies = (b"", b"[]", b"{", b'{"contents": NaN}', b"\xff", b'{"model":"","model":""}', b"[" * 40_000, b"9" * 5000)
    async with opened(EchoEngine()) as doors:
        for body in bodies:
            answer = await doors.http.post("/v1/translate", content=body, headers=JSON)
            error = answer.json()["error"]
            assert (error["code"], error["details"][0]["metadata"]["field"]) == (400, "body")


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'""', b'{"":0,"":0}'])
def test_values_are_counted_before_they_are_read(value):
    with pytest.raises(RequestTooLarge, match="values or more"):
        read_object(b'{"contents": [%s]}' % b",".join([value] * 60_000))


@pytest.mark.parametrize("text", [",[{" * 50_000, '\\"' * 300_000, "\\" * 99_999])
def test_what_stands_in_strings_is_no_value(text):
    whole = json.dumps({"contents": [text]})
    assert read_object(whole.encode())["contents"] == [text]
    with pytest.raises(InvalidRequest):
        read_object(whole.encode().replace(b'"]}', b","))


async def test_what_stands_in_the_address_of_a_post_is_refused():
    async with opened(EchoEngine()) as doors:
        for path in ("/v1/translate", "/v1/translate:stream", "/v1/translate:batch"):
            headers = LINES if path.endswith("batch") else JSON
            answer = await doors.http.post(f"{path}?model=x", content=json.dumps(HELLO), headers=headers)
            assert answer.status_code == 400
            assert answer.json()["error"]["details"][0]["metadata"]["field"] == "model"


async def test_files_of_office_programs_and_catalogues_come_back_as_files():
    word = make_docx("<w:p><w:r><w:t>One.</w:t></w:r></w:p>")
    catalogue = b'msgid ""\nmsgstr ""\n"Language: pt\\n"\n\nmsgid "Two."\nmsgstr ""\n'
    form = {"targetLanguageCode": "pt", "sourceLanguageCode": "en"}
    async with opened(EchoEngine()) as doors:
        post = partial(doors.http.post, "/v1/documents:translate")
        docx = await post(files={"file": ("a.docx", word)}, data=form)
        po = await post(files={"file": ("a.po", catalogue)}, data={**form, "catalogueConfig": '{"markFuzzy": true}'})
    assert zipfile.ZipFile(io.BytesIO(docx.content)).read("word/document.xml").count(b"[One.]") == 1
    assert b'#, fuzzy\nmsgid "Two."\nmsgstr "[Two.]"' in po.content
    assert "a.pt.docx" in docx.headers["content-disposition"]


def test_names_of_files_are_what_they_were_before_a_browser_wrote_them():
    head = 'content-disposition: form-data; name="file"; filename="a%22b%0D%0Ac%20\u00e9.txt"'
    (part,) = read_form(f"--x\r\n{head}\r\n\r\ntext\r\n--x--\r\n".encode(), "multipart/form-data; boundary=x")
    assert (part.name, part.filename) == ("file", 'a"b\r\nc%20\u00e9.txt')


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
        alive = await doors.http.get("/healthz")
        assert (alive.status_code, alive.json()) == (200, {"status": "ALIVE"})
        one = await doors.http.get("/readyz?service=polygist.v1.ModelService")
        assert (one.status_code, one.json()) == (200, {"status": "SERVING"})
        unknown = await doors.http.get("/readyz?service=polygist.v1.Nothing")
        assert (unknown.status_code, unknown.json()["error"]["details"][0]["reason"]) == (404, "SERVICE_NOT_FOUND")
        ready = await doors.http.get("/readyz")
        assert (ready.status_code, ready.json()["services"]["polygist.v1.TranslationService"]) == (200, "SERVING")
        doors.grpc.health.mark_not_serving()
        ready = await doors.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "NOT_SERVING")
        assert (await doors.http.get("/readyz?service=polygist.v1.ModelService")).status_code == 503


async def test_a_body_that_is_too_large_or_packed_wrongly_is_refused_as_what_it_is():
    limits = Limits(message_bytes=4096)
    packed = gzip.compress(json.dumps({"contents": ["a" * 100_000]}).encode())

    async def drip():
        for _ in range(5):
            yield b" " * 1000

    async with opened(EchoEngine(), limits=limits) as doors:
        post = partial(doors.http.post, "/v1/translate")
        answers = [
            await post(content=b" " * 5000, headers=JSON),
            await post(content=drip(), headers=JSON),
            await post(content=packed, headers={**JSON, "content-encoding": "gzip"}),
            await post(content=packed[:-9], headers={**JSON, "content-encoding": "gzip"}),
            await post(content=b"{}", headers={**JSON, "content-encoding": "gzip"}),
            await post(content=b"{}", headers={**JSON, "content-encoding": "br"}),
        ]
        again = await post(json=HELLO)
    assert [each.status_code for each in answers] == [413, 413, 413, 413, 400, 415]
    assert all(each.json()["error"]["code"] == each.status_code for each in answers)
    assert len(packed) < 4096
    assert again.status_code == 200


async def test_bodies_and_answers_are_packed_where_both_sides_take_it():
    body = {**HELLO, "contents": ["Hello. " * 400]}
    packed = gzip.compress(json.dumps(body).encode()[:100]) + gzip.compress(json.dumps(body).encode()[100:])
    async with opened(EchoEngine()) as doors:
        plain = await doors.http.post("/v1/translate", json=body, headers={"accept-encoding": "gzip;q=0"})
        both = await doors.http.post("/v1/translate", content=packed, headers={**JSON, "content-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert both.headers["content-encoding"] == "gzip"
    assert both.json() == plain.json()


async def test_what_a_caller_says_beside_the_body_is_heard():
    key = "pg_ci_0123456789"
    async with opened(EchoEngine(delay=0.2)) as doors:
        late = await doors.http.post("/v1/translate", json=HELLO, headers={"x-timeout-seconds": "0.05"})
        wrong = await doors.http.post("/v1/translate", json=HELLO, headers={"x-timeout-seconds": "-1"})
        named = await doors.http.get("/v1/models", headers={"x-request-id": "mine", "authorization": f"Bearer {key}"})
        too_long = await doors.http.get("/v1/models", headers={"x-request-id": "m" * 200})
    assert (late.status_code, late.json()["error"]["status"]) == (504, "DEADLINE_EXCEEDED")
    assert wrong.json()["error"]["details"][0]["metadata"]["field"] == "x-timeout-seconds"
    assert (named.headers["x-request-id"], named.headers["x-api-key"]) == ("mine", "ignored")
    assert len(too_long.headers["x-request-id"]) == 32


async def test_keys_are_asked_for_before_a_body_is_read(tmp_path):
    ((_, given),) = add(tmp_path / "keys.json", "ci", "translate")
    async with opened(EchoEngine(), access=open_access(tmp_path / "keys.json")) as doors:
        missing = await doors.http.post("/v1/translate", content=b"{", headers=JSON)
        streamed = await doors.http.post("/v1/translate:stream", content=b"{", headers=JSON)
        lines = await doors.http.post("/v1/translate:batch", content=b"{", headers=LINES)
        wrong = await doors.http.post("/v1/translate", json=HELLO, headers={"authorization": "Bearer pg_x_y"})
        right = await doors.http.post("/v1/translate", json=HELLO, headers={"authorization": given})
        health = await doors.http.get("/readyz")
    told = [each.status_code for each in (missing, streamed, lines, wrong, right, health)]
    assert told == [401] * 4 + [200] * 2
    assert missing.headers["www-authenticate"] == "Bearer"


async def test_a_wrong_line_is_answered_in_its_place_and_the_others_too():
    lines = [
        {"config": {"targetLanguageCode": "pt", "sourceLanguageCode": "en"}},
        {"item": {"itemId": "1", "content": "One."}},
        {"item": {"itemId": "2", "contnt": "Two."}},
        {"item": {"item_id": "3", "content": 3}},
        {"item": {"itemId": 4, "content": "Four."}},
        b"{",
        {"item": {"itemId": "6", "content": "Six."}},
        {"item": {"itemId": "6", "content": ["Six."]}},
    ]
    content = b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)
    async with opened(EchoEngine()) as doors:
        answer = await doors.http.post("/v1/translate:batch", content=content, headers=LINES)
        none = await doors.http.post("/v1/translate:batch", content=b"{", headers=LINES)
    answers = [json.loads(line) for line in answer.text.splitlines()]
    told = sorted(
        (each["itemId"], each["error"]["message"] if "error" in each else each["translation"]["translatedText"])
        for each in answers
    )
    assert [name for name, _ in told] == ["1", "2", "3", "6", "6", "lines[4]", "lines[5]"]
    assert told[5][1].startswith("lines[4].item.item_id: is the number 4")
    assert told[6][1].startswith("lines[5]: is no JSON")
    assert told[1][1].startswith("item.contnt: is no field of BatchItem")
    assert told[3][1] == "[Six.]"
    assert (none.status_code, none.json()["error"]["details"][0]["metadata"]["field"]) == (400, "lines[0]")


async def test_a_caller_who_goes_ends_his_call():
    engine = EchoEngine(delay=30)
    async with opened(engine) as doors:
        for path in ("/v1/translate", "/v1/translate:stream"):
            asking = asyncio.create_task(doors.http.post(path, json=HELLO))
            await until(lambda: engine.held)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await engine.free.wait()
        await until(lambda: not doors.grpc.in_flight.active)


async def test_calls_are_refused_while_the_server_drains():
    async with opened(EchoEngine()) as doors:
        await doors.grpc.in_flight.drain(1)
        answer = await doors.http.post("/v1/translate", json=HELLO)
    assert (answer.status_code, answer.json()["error"]["status"]) == (503, "UNAVAILABLE")
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")


async def test_calls_over_http_are_told_apart(log):
    metrics = Metrics({"en", "pt"})
    async with opened(EchoEngine(), metrics=metrics) as doors:
        await doors.http.post("/v1/translate", json=HELLO)
    assert [(line["method"], line["transport"], line["code"]) for line in log if line["event"] == "call"] == [
        ("Translate", "http", "OK")
    ]
    shown = generate_latest(metrics.registry).decode()
    assert 'transport="http"' in shown
