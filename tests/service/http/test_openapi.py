"""The OpenAPI document: valid, and what it says is what is answered."""

import ast
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from polygist_service import errors
from polygist_service.http import libretranslate_document, openapi
from polygist_service.http.errors import DRAINING, HTTP_CODES, REFUSALS
from polygist_service.http.routes import ROUTES
from polygist_service.rpc.status import CODES

from tests.service.echo import EchoEngine
from tests.service.http.doors import opened

DOCUMENT = openapi.build_document()
HELLO = {"contents": ["Hello. It is late."], "targetLanguageCode": "pt", "sourceLanguageCode": "en"}


def check(value, name):
    """Compare a value with a schema of the document."""
    components = DOCUMENT["components"]
    Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components}).validate(value)


def operations():
    return [(route, DOCUMENT["paths"][route.path][route.verb.lower()]) for route in ROUTES]


@pytest.mark.parametrize("build", [openapi.build_document, libretranslate_document.build_document])
def test_documents_are_valid(build):
    validate(build())


def test_examples_are_what_the_schemas_say():
    for route, operation in operations():
        contents = [operation["responses"]["200"]["content"], operation.get("requestBody", {}).get("content", {})]
        for content, message in zip(contents, (route.method.output_type, route.method.input_type), strict=True):
            if "application/json" in content:
                name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
                check(content["application/json"]["example"], name)
            for line in content.get("application/x-ndjson", {}).get("example", "").splitlines():
                check(json.loads(line), message.name)
            for event in content.get("text/event-stream", {}).get("example", "").split("\n\n")[:-2]:
                check(json.loads(event.removeprefix("data: ")), message.name)


def test_everything_is_described():
    bare = [name for name, schema in DOCUMENT["components"]["schemas"].items() if "description" not in schema]
    # What is google.rpc's has no comments in its package.
    assert {name.partition(".")[0] for name in bare} <= {*openapi.DETAILS, "LocalizedMessage"}
    assert all(operation["summary"] and operation["description"] for _, operation in operations())


def find_reasons(text):
    """The reasons that a table tells of, each with the statuses that it stands under and, where told, that of HTTP."""
    found, status = {}, ""
    for line in text.splitlines():
        if heading := re.match(r"([A-Z_]+(?:, [A-Z_]+)*)(?: \[.*)?$", line):
            status = heading[1]
        elif line.startswith("  "):
            for reason, code in re.findall(r"\b([A-Z]+(?:_[A-Z]+)+|INTERNAL)\b(?: \[(\d+)\])?", line):
                found.setdefault(reason, set()).add((status, int(code or 0)))
    return found


def test_every_reason_is_described_with_its_status():
    calls, _, requests = DOCUMENT["info"]["description"].partition("Over HTTP a request may be refused")
    of_calls, of_requests = find_reasons(calls), find_reasons(requests)
    for reason, (http_code, status) in REFUSALS.items():
        if http_code == HTTP_CODES[status] and reason in of_calls:
            assert (status, 0) in of_calls[reason], reason
        else:
            assert of_requests[reason] == {(status, http_code)}, reason
    for error in all_below(errors.PolygistError):
        if "reason" in vars(error) and error.reason not in NOT_OF_CALLS:
            status = status_of(error)
            assert any(status in statuses.split(", ") for statuses, _ in of_calls[error.reason]), error


NOT_OF_CALLS = {"STORE_ERROR", "GLOSSARY_ERROR", "KEY_FILE_ERROR"}


def all_below(kind):
    return [kind, *(each for below in kind.__subclasses__() for each in all_below(below))]


def status_of(error):
    """The name of the status that an error becomes."""
    return next(CODES[cls].name for cls in error.__mro__ if cls in CODES)


def test_requests_are_refused_for_these_reasons_only():
    """Of whatever is refused here, in the code itself, the reason is one of the table."""
    given = []
    for path in Path(openapi.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "HttpRefusal":
                given.append(ast.unparse(node.args[0]).strip("'"))
    named = {"DRAINING": DRAINING, "InvalidRequest.reason": errors.InvalidRequest.reason}
    assert {named.get(each, each) for each in given} == REFUSALS.keys()


def test_comments_name_fields_as_json_does():
    properties = DOCUMENT["components"]["schemas"]["SummariseRequest"]["properties"]
    assert "without targetLanguageCode" in properties["glossaryConfig"]["description"]
    assert "[summarise.query_characters: 1,000]" in properties["query"]["description"]


async def test_answers_are_what_the_schemas_say():
    requests = [
        ("/v1/translate", {**HELLO, "outputConfig": {"includeSegments": True}}, "TranslateResponse"),
        ("/v1/summarise", {"contents": ["A. B. C."], "outputConfig": {"includeCitations": True}}, "SummariseResponse"),
        ("/v1/detectLanguage", {"contents": ["Hello"]}, "DetectLanguageResponse"),
        ("/v1/countTokens", {"contents": ["Hello"], "model": "models/en-pt"}, "CountTokensResponse"),
        ("/v1/models", None, "ListModelsResponse"),
        ("/v1/models/en-pt", None, "GetModelResponse"),
        ("/v1/languages", None, "ListLanguagesResponse"),
        ("/v1/serverInfo", None, "GetServerInfoResponse"),
        ("/v1/translate", {"contents": ["Hello"]}, "Error"),
        ("/v1/translate", {**HELLO, "sourceLanguageCode": "fi"}, "Error"),
        ("/v1/models/none", None, "Error"),
        ("/v1/nothing", None, "Error"),
        ("/readyz", None, "Health"),
        ("/readyz?service=polygist.v1.ModelService", None, "Health"),
        ("/readyz?service=none", None, "Error"),
    ]
    async with opened(EchoEngine()) as doors:
        for path, body, name in requests:
            answer = await (doors.http.post(path, json=body) if body else doors.http.get(path))
            assert answer.is_success == (name != "Error")
            check(answer.json(), name)


async def test_headers_beside_a_file_are_described():
    told = DOCUMENT["paths"]["/v1/documents:translate"]["post"]["responses"]["200"]["headers"]
    files = {"file": ("a.txt", b"Hello.")}
    async with opened(EchoEngine()) as doors:
        answer = await doors.http.post("/v1/documents:translate", files=files, data={"targetLanguageCode": "pt"})
    assert told.keys() <= answer.headers.keys()


class Page(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.sources = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        assert tag not in ("script", "style")
        assert not [name for name in given if name == "style" or name.startswith("on")]
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        self.sources += [given["href"]] if tag == "link" else []


@pytest.mark.parametrize(("path", "document"), [("/docs", "/openapi.json"), ("/docs/libretranslate", "/spec")])
async def test_pages_are_whole(path, document):
    async with opened(EchoEngine()) as doors:
        answer = await doors.http.get(path)
        page = Page(answer.text)
        for address in (document, *page.sources):
            assert (await doors.http.get(address)).is_success
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) <= {document, *(f"#{each}" for each in page.ids)}
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"https?://(?!docs\.libretranslate)", " ".join([*page.links, *page.sources]))


async def test_the_document_is_served():
    async with opened(EchoEngine()) as doors:
        answer = await doors.http.get("/openapi.json")
    assert answer.json() == DOCUMENT
