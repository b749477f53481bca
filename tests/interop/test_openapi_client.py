"""A client that openapi-python-client generates from the served document, and nothing else of ours."""

import json
import os
import subprocess
import sys

import httpx2
import pytest

from tests.interop.conftest import install_packages

pytestmark = [pytest.mark.outside, pytest.mark.model]

GENERATOR = "openapi-python-client==0.29.1"
PROGRAM = """
import json, sys
from generated import Client
from generated.api.model_service import get_model, get_server_info, list_languages
from generated.api.summarisation_service import summarise
from generated.api.translation_service import translate
from generated.models import Error, SummariseRequest, SummaryOutputConfig, Task, TranslateRequest

client = Client(base_url=sys.argv[1], httpx_args={"trust_env": False})
article = open(sys.argv[2], encoding="utf-8").read()
request = TranslateRequest(contents=["The library is old."], target_language_code="pt")
summary = SummariseRequest(
    contents=[article], max_sentence_count=1, output_config=SummaryOutputConfig(include_citations=True)
)
languages = list_languages.sync(client=client, task=Task.TASK_TRANSLATE)
bad = translate.sync(client=client, body=TranslateRequest(contents=["a"], target_language_code="fi"))
print(json.dumps({
    "translation": translate.sync(client=client, body=request).translations[0].translated_text,
    "summary": summarise.sync(client=client, body=summary).summaries[0].to_dict(),
    "model": get_model.sync(client=client, name="en-pt").model.to_dict(),
    "languages": [each.language_code for each in languages.languages],
    "limits": len(get_server_info.sync(client=client).limits),
    "error": [isinstance(bad, Error), bad.error.status, bad.error.details[0].to_dict()],
}))
"""


def test_it_translates_and_summarises(http_url, tmp_path, article):
    folder = install_packages(GENERATOR)
    document = tmp_path / "openapi.json"
    document.write_bytes(httpx2.get(f"{http_url}/openapi.json", trust_env=False).content)
    (tmp_path / "article.txt").write_text(article, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{tmp_path}"}

    def run(*arguments):
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    flags = ("--path", document.name, "--meta", "none", "--output-path", "generated")
    run("-m", "openapi_python_client", "generate", *flags)
    answer = json.loads(run("-c", PROGRAM, http_url, "article.txt"))
    assert "biblioteca" in answer["translation"]
    assert answer["summary"]["sentences"][0]["citations"]
    assert answer["model"]["name"] == "models/en-pt"
    assert {"en", "pt"} <= set(answer["languages"])
    assert answer["limits"] > 10
    assert answer["error"][:2] == [True, "FAILED_PRECONDITION"]
    assert answer["error"][2]["reason"] == "LANGUAGE_PAIR_UNSUPPORTED"
