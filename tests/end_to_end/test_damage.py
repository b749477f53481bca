"""A server in service keeps answering, whatever happens to its models on disk."""

import os
import shutil
import subprocess
import sys

import grpc
import pytest
from polygist.v1 import translation_service_pb2, translation_service_pb2_grpc

from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.model


def translate(address):
    request = translation_service_pb2.TranslateRequest(contents=["The library is old."], target_language_code="pt")
    with grpc.insecure_channel(address) as channel:
        reply = translation_service_pb2_grpc.TranslationServiceStub(channel).Translate(request, timeout=60)
    return reply.translations[0].translated_text


def test_a_pull_that_fails_does_not_disturb_it(starter_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(starter_home / "models", home / "models", symlinks=True)
    with ServerProcess(home, tmp_path / "log") as process:
        process.wait_until_serving()
        before = translate(process.address)
        os.truncate(home / "models" / "en-pt" / "model.bin", 1000)
        program = "import polygist_service; polygist_service.main()"
        pull = subprocess.run(
            [sys.executable, "-c", program, "models", "--home", home, "pull", "en-pt"],
            env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert pull.returncode == 1
        assert len(pull.stderr.splitlines()) == 1
        assert translate(process.address) == before
