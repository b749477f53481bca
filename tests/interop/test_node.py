"""Node with ``@grpc/grpc-js`` and ``@grpc/proto-loader``, which read the ``.proto`` files and nothing else of ours."""

import json
import subprocess

import pytest

pytestmark = pytest.mark.model

# Calls a method with a request and prints the answer, or the error with what it carries, as JSON.
CALL = """
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [address, file, service, method, request] = process.argv.slice(2);
const definition = protoLoader.loadSync(file, { includeDirs: ["../../protos"], enums: String, longs: Number });
const { polygist } = grpc.loadPackageDefinition(definition);
const client = new polygist.v1[service](address, grpc.credentials.createInsecure());
client[method](JSON.parse(request), { deadline: Date.now() + 60000 }, (error, reply) => {
  const failure = error && { code: error.code, details: error.details, trailers: Object.keys(error.metadata.getMap()) };
  console.log(JSON.stringify({ failure, reply }));
  client.close();
});
"""

# Makes so many calls at once, and prints how many ended with each status.
AT_ONCE = """
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [address, count] = process.argv.slice(2);
const definition = protoLoader.loadSync("polygist/v1/translation_service.proto", { includeDirs: ["../../protos"] });
const { polygist } = grpc.loadPackageDefinition(definition);
const client = new polygist.v1.TranslationService(address, grpc.credentials.createInsecure());
const request = { contents: ["It is."], targetLanguageCode: "pt", sourceLanguageCode: "en" };
const send = () => new Promise((resolve) => {
  client.Translate(request, { deadline: Date.now() + 300000 }, (error) => resolve(error ? error.message : "OK"));
});
const seen = {};
for (const outcome of await Promise.all(Array.from({ length: Number(count) }, send))) {
  seen[outcome] = (seen[outcome] ?? 0) + 1;
}
console.log(JSON.stringify(seen));
client.close();
"""


@pytest.fixture
def call(node_example, server):
    """Call a method from Node; the answer is a dict with `failure` and `reply`."""
    program = node_example / "call.mjs"
    program.write_text(CALL)

    def send(name, method, request):
        file, service = f"polygist/v1/{name.lower()}_service.proto", f"{name}Service"
        command = ["node", program.name, server.address, file, service, method, json.dumps(request)]
        done = subprocess.run(command, cwd=node_example, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return send


def test_it_translates(call):
    request = {"contents": ["The library is old. 🙂"], "targetLanguageCode": "pt"}
    (translation,) = call("Translation", "Translate", request)["reply"]["translations"]
    assert "biblioteca" in translation["translatedText"]
    assert translation["targetLanguageCode"] == "pt"


def test_offsets_in_utf16_units_slice_its_own_strings(call):
    text = "🙂🙂 The library is old. It stands by the river."
    config = {"includeSegments": True, "encodingType": "ENCODING_TYPE_UTF16"}
    request = {"contents": [text], "targetLanguageCode": "pt", "sourceLanguageCode": "en", "outputConfig": config}
    (translation,) = call("Translation", "Translate", request)["reply"]["translations"]
    units = text.encode("utf-16-le")
    span = translation["segments"][-1]["sourceSpan"]
    last = units[2 * span.get("startOffset", 0) : 2 * span["endOffset"]].decode("utf-16-le")
    assert last == "It stands by the river."


def test_it_summarises(call, article):
    request = {"contents": [article], "maxSentenceCount": 2, "outputConfig": {"includeSentences": True}}
    (summary,) = call("Summarisation", "Summarise", request)["reply"]["summaries"]
    assert [sentence["text"] in article for sentence in summary["sentences"]] == [True, True]


def test_it_lists_the_models(call):
    models = call("Model", "ListModels", {})["reply"]["models"]
    assert {"models/en-pt", "models/pt-en", "models/minilm"} <= {model["name"] for model in models}


def test_it_sees_an_error(call):
    request = {"contents": ["A river."], "sourceLanguageCode": "en", "targetLanguageCode": "fi"}
    failure = call("Translation", "Translate", request)["failure"]
    assert failure["code"] == 9
    assert "en->fi" in failure["details"]
    assert "grpc-status-details-bin" in failure["trailers"]


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.chaos)])
def test_many_calls_at_once_lose_none(node_example, server, count):
    program = node_example / "at_once.mjs"
    program.write_text(AT_ONCE)
    command = ["node", program.name, server.address, str(count)]
    done = subprocess.run(command, cwd=node_example, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"OK": count}


def test_the_example_runs(node_example, server, tmp_path, article):
    (tmp_path / "article.txt").write_text(article)
    command = ["node", "article.js", tmp_path / "article.txt", server.address]
    done = subprocess.run(command, cwd=node_example, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    summary, translation = done.stdout.splitlines()
    assert "ferry" in summary
    assert "Margarete" in translation
