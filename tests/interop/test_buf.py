"""``buf curl``, which knows nothing of polygist but what reflection tells it."""

import base64
import json
import subprocess

import pytest
from google.rpc import error_details_pb2

pytestmark = pytest.mark.model


@pytest.fixture
def curl(buf, server, tmp_path):
    """Run ``buf curl`` with its arguments in an empty folder, so that no file of the contract helps it."""

    def run(*arguments, path=""):
        command = [buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *arguments]
        address = f"http://{server.address}{path}"
        return subprocess.run(
            [*command, address], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def call(curl):
    """Call a method with a request, a dict; the answer is one too."""

    def send(method, request):
        done = curl("--data", json.dumps(request), path=f"/polygist.v1.{method}")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return send


def test_it_lists_the_services(curl):
    services = set(curl("--list-services").stdout.split())
    assert {f"polygist.v1.{name}Service" for name in ("Translation", "Summarisation", "Model")} <= services
    assert "grpc.health.v1.Health" in services


def test_it_lists_the_methods(curl):
    methods = set(curl("--list-methods").stdout.split())
    assert {
        "polygist.v1.TranslationService/Translate",
        "polygist.v1.TranslationService/DetectLanguage",
        "polygist.v1.SummarisationService/Summarise",
        "polygist.v1.ModelService/ListLanguages",
    } <= methods


def test_it_translates(call):
    answer = call("TranslationService/Translate", {"contents": ["The library is old."], "targetLanguageCode": "pt"})
    (translation,) = answer["translations"]
    assert "biblioteca" in translation["translatedText"]
    assert translation["model"] == "models/en-pt"


def test_it_reads_field_names_as_the_contract_spells_them(call):
    request = {"contents": ["A ponte é velha."], "source_language_code": "pt", "target_language_code": "en"}
    (translation,) = call("TranslationService/Translate", request)["translations"]
    assert "bridge" in translation["translatedText"]


def test_it_summarises(call, article):
    request = {"contents": [article], "maxSentenceCount": 2, "outputConfig": {"includeCitations": True}}
    (summary,) = call("SummarisationService/Summarise", request)["summaries"]
    assert len(summary["sentences"]) == 2
    assert all(sentence["text"] in article for sentence in summary["sentences"])
    assert all(sentence["citations"] for sentence in summary["sentences"])


def test_it_sees_an_error_with_its_details(curl):
    request = {"contents": ["A river."], "sourceLanguageCode": "en", "targetLanguageCode": "fi"}
    done = curl("--data", json.dumps(request), path="/polygist.v1.TranslationService/Translate")
    assert done.returncode != 0
    error = json.loads(done.stderr)
    assert error["code"] == "failed_precondition"
    assert "en->fi" in error["message"]
    info = error_details_pb2.ErrorInfo.FromString(read_detail(error, "google.rpc.ErrorInfo"))
    assert (info.reason, info.domain) == ("LANGUAGE_PAIR_UNSUPPORTED", "polygist")
    assert dict(info.metadata) == {"source": "en", "target": "fi", "nearest": "en->pt", "pull": "small100"}


def test_it_sees_which_field_is_wrong(curl):
    done = curl("--data", '{"contents": ["A river."]}', path="/polygist.v1.TranslationService/Translate")
    error = json.loads(done.stderr)
    assert error["code"] == "invalid_argument"
    request = error_details_pb2.BadRequest.FromString(read_detail(error, "google.rpc.BadRequest"))
    assert [violation.field for violation in request.field_violations] == ["target_language_code"]


def read_detail(error, name):
    """The bytes of the error's detail of one type; buf prints them in base64 without padding."""
    (value,) = [detail["value"] for detail in error["details"] if detail["type"] == name]
    return base64.b64decode(value + "=" * (-len(value) % 4))
