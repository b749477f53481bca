"""LibreTranslate's API as its programs use it: forms, JSON, lists, files, keys, and errors of one line."""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.access.access import Access
from polygist_service.access.keys import Key, Quota, changing, make_key
from polygist_service.errors import InvalidRequest
from polygist_service.http.errors import HttpRefusal
from polygist_service.http.libretranslate import LibreTranslate, TemporaryFiles, name_as_sent, name_translated, serves
from polygist_service.http.parameters import Parameters, read_pairs, read_parts
from polygist_service.limits import Limits

from tests.service.echo import EN_PT, PT_EN, EchoEngine, multilingual, pair
from tests.service.harness import until
from tests.service.http.doors import opened

JSON = {"content-type": "application/json"}
PACKED = {"content-encoding": "gzip"}
HELLO = {"q": "Hello.", "source": "en", "target": "pt"}
ENGLISH = "The library is open from nine to five, and the children read there every day after school."
PORTUGUESE = "A biblioteca está aberta das nove às cinco, e as crianças leem lá todos os dias depois da escola."


@asynccontextmanager
async def served(*models, **options):
    """An HTTP client of a server that has `models`."""
    async with opened(EchoEngine(*models), **options) as doors:
        yield doors.http


async def test_a_request_may_come_in_each_of_these_ways():
    ways = {
        "JSON": {"json": HELLO},
        "a form": {"data": HELLO},
        "the address, as deep-translator has it": {"params": HELLO},
        "parts": {"files": {name: (None, value) for name, value in HELLO.items()}},
        "JSON of a charset": {
            "content": json.dumps(HELLO),
            "headers": {"content-type": "Application/JSON; charset=utf-8"},
        },
    }
    async with served() as http:
        answers = {name: (await http.post("/translate", **sent)).json() for name, sent in ways.items()}
    assert answers == {name: {"translatedText": "[Hello.]"} for name in ways}


async def test_a_list_is_answered_with_lists():
    request = {"q": [ENGLISH, "", "🙂"], "source": "auto", "target": "pt", "alternatives": 2}
    async with served() as http:
        answer = (await http.post("/translate", json=request)).json()
    assert answer["translatedText"] == [f"[{ENGLISH}]bb", "", "🙂"]
    assert answer["alternatives"] == [[f"[{ENGLISH}]bb*", f"[{ENGLISH}]bb**"], [], []]
    english, empty, emoji = answer["detectedLanguage"]
    assert english["language"] == "en"
    assert english["confidence"] > 90
    assert empty == emoji == {"confidence": 0.0, "language": "en"}


async def test_one_text_is_answered_with_one():
    request = {"q": PORTUGUESE, "source": "auto", "target": "en", "alternatives": "1"}
    async with served() as http:
        answer = (await http.post("/translate", data=request)).json()
    assert answer["translatedText"] == f"[{PORTUGUESE}]b"
    assert answer["alternatives"] == [f"[{PORTUGUESE}]b*"]
    assert answer["detectedLanguage"]["language"] == "pt"


async def test_pages_keep_their_tags():
    request = {**HELLO, "q": "<p>One <b>two</b> three</p>", "format": "html", "alternatives": 1}
    async with served() as http:
        answer = (await http.post("/translate", json=request)).json()
    assert answer["translatedText"].startswith("<p>")
    assert "<b>" in answer["translatedText"]


async def test_lines_of_a_form_end_as_they_did_before():
    async with served() as http:
        answer = await http.post("/translate", data={**HELLO, "q": "One.\r\nTwo.\rThree."})
    assert answer.json()["translatedText"] == "[One.]\n[Two.]\n[Three.]"


async def test_errors_are_one_line():
    refused = [
        ({**HELLO, "q": ""}, "Invalid request: missing q parameter"),
        ({**HELLO, "q": []}, "Invalid request: missing q parameter"),
        ({**HELLO, "source": None}, "Invalid request: missing source parameter"),
        ({**HELLO, "target": ""}, "Invalid request: missing target parameter"),
        ({**HELLO, "target": "zz"}, "zz is not supported"),
        ({**HELLO, "target": "auto"}, "auto is not supported"),
        ({**HELLO, "target": "de"}, "no model for en->de"),
        ({**HELLO, "format": "pdf"}, "pdf format is not supported"),
        ({**HELLO, "alternatives": "x"}, "Invalid request: alternatives parameter is not a number"),
        ({**HELLO, "alternatives": 1e400}, "Infinity is no number"),
        ({**HELLO, "alternatives": 9}, "Invalid request: alternatives parameter must be <= 8"),
        ({**HELLO, "q": ["a"] * 1025}, "Invalid request: request (1025) exceeds text limit (1024)"),
        ({**HELLO, "q": [1]}, "Invalid request: q parameter is not a string"),
        ({**HELLO, "q": {}}, "Invalid request: missing q parameter"),
        ({**HELLO, "q": "\ud800"}, "half of a surrogate pair"),
        ({**HELLO, "api_key": 1}, "Invalid request: api_key parameter is not a string"),
        ([], "send one JSON object"),
    ]
    async with served() as http:
        for request, told in refused:
            answer = await http.post("/translate", content=json.dumps(request), headers=JSON)
            assert (answer.status_code, answer.json().keys()) == (400, {"error"})
            assert told in answer.json()["error"]


async def test_whatever_goes_wrong_is_told_in_one_shape():
    elsewhere = {"host": "evil.example"}, {"origin": "https://evil.example"}
    async with served() as http:
        answers = [
            *[await http.get(path) for path in ("/translate", "/suggest", "/detect", "/translate_file")],
            *[
                await http.post(path)
                for path in ("/health", "/languages", "/frontend/settings", "/download_file/a.txt")
            ],
            *[await http.post("/translate", json=HELLO, headers=each) for each in elsewhere],
        ]
    assert [each.status_code for each in answers] == [405] * 8 + [421, 403]
    assert all(isinstance(each.json()["error"], str) for each in answers)
    assert answers[0].headers["allow"] == "POST"
    assert all(serves(route.path) for route in LibreTranslate(None).routes())


async def test_errors_name_what_was_sent():
    japanese = {"q": "これは日本語の文です。今日は天気がいいですね。", "source": "auto", "target": "pt"}
    async with served() as http:
        one = await http.post("/translate", json=japanese)
        several = await http.post("/translate", json={**japanese, "q": [ENGLISH, japanese["q"]]})
    assert one.json()["error"].startswith("q is in ja")
    assert several.json()["error"].startswith("q[1] is in ja")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("contents: 9 characters, the limit is 5", "q: 9 characters, the limit is 5"),
        ("contents[0]: language not detected; give source_language_code", "q: language not detected; give source"),
        ("config.target_language_code: is required", "target: is required"),
        ("document: is no Word file; its contents are not", "file: is no Word file; its contents are not"),
    ],
)
def test_fields_have_the_names_of_this_api(ours, theirs):
    assert name_as_sent(ours, is_list=False) == theirs


async def test_what_cannot_be_read_is_refused():
    bodies = [
        (b"{", "application/json"),
        (b"q=%ff&source=en&target=pt", "application/x-www-form-urlencoded"),
        (b"&".join([b"q=a"] * 101), "application/x-www-form-urlencoded"),
        (b"--x\r\n\r\nq", "multipart/form-data"),
        (b"--y\r\n", "multipart/form-data; boundary=x"),
        (b"q", "text/plain"),
    ]
    async with served() as http:
        for content, kind in bodies:
            answer = await http.post("/translate", content=content, headers={"content-type": kind})
            assert (answer.status_code, answer.json().keys()) == (400, {"error"})


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = SCALARS | st.lists(SCALARS, max_size=3) | st.just({})


@given(st.fixed_dictionaries({}, optional={"q": ANYTHING, "n": ANYTHING, "t": ANYTHING}))
def test_whatever_is_sent_is_read_or_refused(values):
    parameters = Parameters(values)
    with suppress(HttpRefusal):
        assert 0 < len(parameters.texts("q", most=2)) <= 2
    with suppress(HttpRefusal):
        assert 0 <= parameters.count("n", most=8) <= 8
    with suppress(HttpRefusal):
        assert parameters.required_text("t")


@given(st.binary())
def test_whatever_form_is_sent_is_read_or_refused(content):
    with suppress(InvalidRequest):
        read_pairs(content)
    with suppress(InvalidRequest):
        read_parts(b"--x\r\n" + content, "multipart/form-data; boundary=x")


async def test_languages_have_the_codes_that_programs_know():
    models = (EN_PT, PT_EN, pair("en", "pt-BR"), multilingual("en", "zh", "zh-Hant", "no"))
    async with served(*models) as http:
        found = {each["code"]: each for each in (await http.get("/languages", headers=JSON)).json()}
        assert found.keys() == {"en", "pt", "pt-BR", "zh-Hans", "zh-Hant", "nb"}
        everything = ["en", "nb", "pt", "pt-BR", "zh-Hans", "zh-Hant"]
        assert found["en"] == {"code": "en", "name": "English", "targets": everything}
        assert found["zh-Hans"]["targets"] == everything
        for code in ("pb", "pt-BR", "zt", "zh", "zh-Hans", "zh-Hant", "nb", "ZH-hant"):
            answer = await http.post("/translate", json={**HELLO, "target": code})
            assert answer.json() == {"translatedText": "[Hello.]"}, code


async def test_languages_of_texts_are_told():
    async with served() as http:
        one = (await http.post("/detect", data={"q": ENGLISH})).json()
        two = (await http.post("/detect", json={"q": [ENGLISH, PORTUGUESE]})).json()
        none = (await http.post("/detect", json={"q": "123"})).json()
        missing = await http.post("/detect")
    assert one[0]["language"] == "en"
    assert 90 < one[0]["confidence"] <= 100
    assert {each["language"] for each in two[:2]} == {"en", "pt"}
    assert none == [{"confidence": 0.0, "language": "en"}]
    assert (missing.status_code, missing.json()) == (400, {"error": "Invalid request: missing q parameter"})


async def test_a_file_is_translated_and_fetched():
    form = {"source": "en", "target": "pb"}
    async with served() as http:
        sent = await http.post("/translate_file", data=form, files={"file": ("../Grüße 1.TXT", b"Hello.\n")})
        address = sent.json()["translatedFileUrl"]
        fetched = await http.get(address)
        headers = {"x-forwarded-proto": "https, http", "host": "localhost"}
        behind = await http.post("/translate_file", data=form, files={"file": ("a.txt", b"Hello.")}, headers=headers)
        unknown = await http.get("/download_file/none.txt")
        no_file = await http.post("/translate_file", data=form)
        damaged = await http.post("/translate_file", data=form, files={"file": ("a.docx", b"PK\3\4 nothing")})
    assert address.startswith(str(http.base_url))
    assert address.endswith("Gr_e_1_pt-BR.TXT")
    assert behind.json()["translatedFileUrl"].startswith("https://localhost/download_file/")
    assert fetched.content == b"[Hello.]\n"
    assert fetched.headers["content-disposition"] == 'attachment; filename="Gr_e_1_pt-BR.TXT"'
    assert fetched.headers["content-type"] == "application/octet-stream"
    assert (unknown.status_code, unknown.json().keys()) == (404, {"error"})
    assert no_file.json() == {"error": "Invalid request: missing file parameter"}
    assert (damaged.status_code, damaged.json().keys()) == (400, {"error"})


def test_files_leave_when_their_time_is_over_or_there_is_no_room():
    now = 0.0
    files = TemporaryFiles(most_bytes=10, seconds=60, clock=lambda: now)
    first, second = files.put("a.txt", b"1234"), files.put("a.txt", b"5678")
    assert first != second
    assert (files.find(first), files.find(second)) == (b"1234", b"5678")
    third = files.put("b.txt", b"90ab")
    assert (files.find(first), files.find(second), files.find(third)) == (None, b"5678", b"90ab")
    large = files.put("c.txt", bytes(11))
    assert (files.find(third), files.find(large)) == (None, bytes(11))
    now = 60.0
    assert files.find(large) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("film.srt", "film_pt.srt"), ("", "file_pt"), (".txt", "txt_pt"), ('a"b\r\n.md', "a_b_pt.md"),
        ("a.tar.gz", "a_tar_pt.gz"), ("x" * 300 + ".txt", "x" * 80 + "_pt.txt"),
    ],
)  # fmt: skip
def test_names_of_files_are_plain(name, told):
    assert name_translated(name, "pt") == told


async def test_what_is_not_served_says_so():
    async with served() as http:
        refused = await http.post("/suggest", data={**HELLO, "s": "Olá."})
        settings = (await http.get("/frontend/settings")).json()
        health = await http.get("/health")
        wrong = [await http.post("/languages"), await http.get("/translate"), await http.post("/spec")]
    assert (refused.status_code, refused.json()) == (403, {"error": "Suggestions are disabled on this server."})
    assert not settings["suggestions"]
    assert not settings["keyRequired"]
    assert ".docx" in settings["supportedFilesFormat"]
    assert settings["language"]["source"]["code"] == "auto"
    assert settings["language"]["target"]["code"] == "pt"
    assert health.json() == {"status": "ok"}
    assert [each.status_code for each in wrong] == [405, 405, 405]


async def test_keys_are_those_of_the_server(tmp_path):
    path, (secret, digest) = tmp_path / "keys.json", make_key("ana")
    with changing(path) as keys:
        keys["ana"] = Key(
            name="ana",
            digest=digest,
            scopes=("translate",),
            created=datetime.now(UTC),
            quota=Quota(requests_per_minute=2),
        )
    async with served(access=Access(path)) as http:
        missing = await http.post("/translate", json={**HELLO, "api_key": ""})
        wrong = await http.post("/translate", data={**HELLO, "api_key": "none"})
        settings = (await http.get("/frontend/settings")).json()
        languages = [await http.get("/languages"), await http.get("/languages", params={"api_key": "none"})]
        ours = await http.get("/v1/languages")
        answers = [
            await http.post("/translate", json={**HELLO, "api_key": secret}),
            await http.post("/translate", json=HELLO, headers={"authorization": f"Bearer {secret}"}),
            await http.post("/translate", data={**HELLO, "api_key": secret}),
        ]
    assert (missing.status_code, missing.json()["error"][:14]) == (400, "Please contact")
    assert (wrong.status_code, wrong.json()) == (403, {"error": "Invalid API key"})
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.status_code for each in (*languages, ours)] == [200, 200, 401]
    assert languages[0].json() == languages[1].json()
    assert {each["code"] for each in languages[0].json()} == {"en", "pt"}
    assert settings["language"]["target"]["code"] == "pt"
    assert int(answers[2].headers["retry-after"]) > 0
    assert settings["keyRequired"]


async def test_bodies_are_received_in_turn():
    """Else what many callers inflate at once would be bounded by their number alone; who is slow holds nobody back."""
    reading = 0

    async def slowly():
        nonlocal reading
        reading += 1
        yield b"q=Hello."
        await released.wait()
        yield b"&source=en&target=pt"

    released, form = asyncio.Event(), {"content-type": "application/x-www-form-urlencoded"}
    async with served(limits=Limits(receiving=1)) as http:
        waiting = [asyncio.ensure_future(http.post("/translate", content=slowly(), headers=form)) for _ in range(3)]
        await until(lambda: reading == 3)
        answer = await http.post("/translate", json=HELLO)
        released.set()
        answers = await asyncio.gather(*waiting)
        refused = await http.post("/translate", content=gzip.compress(bytes(1 << 25)), headers={**JSON, **PACKED})
        healthy = await http.get("/health")
    assert answer.json() == {"translatedText": "[Hello.]"}
    assert [each.json() for each in answers] == [{"translatedText": "[Hello.]"}] * 3
    assert (refused.status_code, refused.json().keys()) == (413, {"error"})
    assert healthy.json() == {"status": "ok"}


async def test_a_long_text_is_refused_with_the_limit():
    async with served(limits=Limits(request_characters=10)) as http:
        answer = await http.post("/translate", json={**HELLO, "q": "a" * 11})
    assert answer.status_code == 400
    assert "the limit is 10" in answer.json()["error"]
