"""How runs of the command line end: exit codes, one line for an error, signals, real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from polygist_client import Client

from tests.client.conftest import COMMAND, Polygist
from tests.fakes.server import Batching, Failing, Fake, serving, translate

TRANSLATE = ["translate", "--text", "a", "-t", "pt"]


@pytest.fixture
def start(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.Popen[bytes]]:
    """Start ``polygist`` as a process of its own."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("POLYGIST_ADDRESS", fake.address)

    def start(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*COMMAND, *arguments], stdout=stdout, stderr=subprocess.PIPE)

    return start


@pytest.mark.parametrize(
    ("code", "reason", "expected", "step"),
    [
        ("INVALID_ARGUMENT", "FIELD_INVALID", 2, ""),
        ("UNAVAILABLE", "SERVER_OVERLOADED", 4, ""),
        ("UNAVAILABLE", "MODEL_LOADING", 4, "polygist health --wait"),
        ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", 5, "--timeout"),
        ("UNAUTHENTICATED", "API_KEY_MISSING", 6, "--api-key-file"),
        ("PERMISSION_DENIED", "SCOPE_MISSING", 6, ""),
        ("FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED", 7, "polygist languages --from de"),
        ("FAILED_PRECONDITION", "LANGUAGE_UNDETERMINED", 7, "--from LANG"),
        ("FAILED_PRECONDITION", "CAPABILITY_UNSUPPORTED", 7, ""),
        ("NOT_FOUND", "MODEL_NOT_FOUND", 7, "polygist models list"),
        ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", 1, ""),
        ("INTERNAL", "INFERENCE_FAILED", 1, ""),
    ],
)
def test_an_error_is_one_line_with_the_next_step_and_a_code(
    polygist: Polygist, fake: Fake, code: str, reason: str, expected: int, step: str
):
    answer = Failing(grpc.StatusCode[code], "what\nhappened", reason=reason, metadata={"source": "de"})
    fake.script("Translate", *[answer] * 3)
    outcome = polygist(*TRANSLATE)
    assert (outcome.code, outcome.out) == (expected, "")
    assert outcome.err.startswith("error: what happened")
    assert outcome.err.count("\n") == 1
    assert step in outcome.err


def test_a_refused_pivot_names_the_flag(polygist: Polygist, fake: Fake):
    metadata = {"source": "de", "field": "pivot_policy"}
    fake.script(
        "Translate",
        Failing(grpc.StatusCode.FAILED_PRECONDITION, "no", reason="LANGUAGE_PAIR_UNSUPPORTED", metadata=metadata),
    )
    outcome = polygist(*TRANSLATE, "--no-pivot")
    assert outcome.code == 7
    assert "leave out --no-pivot" in outcome.err


def test_a_language_that_is_none_leads_to_the_list(polygist: Polygist, fake: Fake):
    wrong = Failing(grpc.StatusCode.INVALID_ARGUMENT, reason="FIELD_INVALID", fields=("target_language_code",))
    fake.script("Translate", wrong)
    assert "polygist languages" in polygist(*TRANSLATE).err


def test_a_verbose_run_names_the_request(polygist: Polygist, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.INTERNAL))
    assert "note: request " in polygist(*TRANSLATE, "-v").err


def test_some_that_fail_do_not_stop_the_others(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(name)
    fake.batching.errors["a"] = (grpc.StatusCode.INTERNAL, "")
    files = [tmp_path / name for name in ("a.txt", "missing.txt", "b.txt")]
    outcome = polygist("translate", *files, "-t", "pt", "-o", f"{tmp_path}/out/")
    assert outcome.code == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.pt.txt"]
    assert sorted(line for line in outcome.err.splitlines() if line.startswith("error")) == [
        f"error: {files[0]}: a failed",
        f"error: {files[1]}: No such file or directory; text itself goes with --text",
    ]
    assert outcome.err.splitlines()[-1] == "note: 1 done, 2 failed"


def test_all_that_fail_end_as_the_first(polygist: Polygist, fake: Fake, tmp_path: Path):
    pair = Failing(grpc.StatusCode.FAILED_PRECONDITION, "no", reason="LANGUAGE_PAIR_UNSUPPORTED")
    fake.script("BatchTranslate", pair, Failing(grpc.StatusCode.INVALID_ARGUMENT, fields=("target_language_code",)))
    outcome = polygist(*TRANSLATE, "-t", "de,fi", "--jsonl", "-o", tmp_path / "out")
    assert outcome.code == 7
    assert list(tmp_path.iterdir()) == []


def test_a_language_that_fails_as_a_whole_is_told_once(polygist: Polygist, fake: Fake):
    pair = Failing(grpc.StatusCode.FAILED_PRECONDITION, "no model for en->de", reason="LANGUAGE_PAIR_UNSUPPORTED")
    fake.script("BatchTranslate", Batching(), pair)
    outcome = polygist("translate", "--text", "a", "--text", "b", "-s", "en", "-t", "pt,de", "--jsonl")
    found = [json.loads(line) for line in outcome.out.splitlines()]
    assert [(each["id"], each["targetLanguageCode"], each.get("translatedText")) for each in found] == [
        ("text-1", "pt", "A"), ("text-2", "pt", "B"), ("text-1", "de", None), ("text-2", "de", None),
    ]  # fmt: skip
    assert [each["error"]["reason"] for each in found[2:]] == ["LANGUAGE_PAIR_UNSUPPORTED"] * 2
    assert outcome.err == "error: text-1: no model for en->de (try: polygist languages)\nnote: 2 done, 2 failed\n"
    assert outcome.code == 3


def test_a_server_that_is_gone_is_not_asked_again_and_again(polygist: Polygist, fake: Fake):
    fake.script("BatchTranslate", *[Failing(grpc.StatusCode.UNAVAILABLE, "gone", reason="SERVER_DRAINING")] * 99)
    outcome = polygist(*TRANSLATE, "-t", "a,b,c", "--jsonl", "--reconnect-timeout", "1ms")
    assert (outcome.code, {each.target_language_code for each in fake.requests("BatchTranslate")}) == (4, {"a"})
    assert outcome.err.splitlines() == ["note: 2 more not tried", "error: gone"]


@pytest.mark.parametrize(("status", "out", "code"), [(1, "serving\n", 0), (2, "not-serving\n", 4)])
@pytest.mark.parametrize("service", ["", "translation", "polygist.v1.TranslationService"])
def test_health_is_an_exit_code(polygist: Polygist, fake: Fake, service: str, status, out: str, code: int):
    fake.health.set("polygist.v1.TranslationService" if service else "", status)
    outcome = polygist("health", *([service] if service else []))
    assert (outcome.out, outcome.code) == (out, code)


def test_a_service_that_does_not_exist_is_told(polygist: Polygist):
    assert polygist("health", "nothing").code == 7


def test_health_waits_for_a_server_that_loads(polygist: Polygist, fake: Fake, monkeypatch):
    fake.health.set("", 2)
    monkeypatch.setattr("time.sleep", lambda seconds: fake.health.set("", 1))
    outcome = polygist("health", "--wait", "60s")
    assert (outcome.out, outcome.code) == ("serving\n", 0)


@pytest.mark.parametrize("flags", [["--timeout", "1500ms"], ["--timeout", "1500ms", "--wait", "10ms"]])
def test_health_of_a_server_that_hangs_ends_in_the_time_given(polygist: Polygist, flags):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        outcome = polygist("health", "-a", f"127.0.0.1:{hanging.getsockname()[1]}", *flags)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (5, "", 1)
    assert "within 1.5 s" in outcome.err


def test_health_stops_waiting(polygist: Polygist, fake: Fake):
    fake.health.set("", 2)
    assert polygist("health", "--wait", "1ms").code == 4


def test_no_server_is_one_line(start):
    process = start("-a", "localhost:1", *TRANSLATE)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count(b"\n")) == (4, b"", 1)
    assert err.startswith(b"error: nothing answers at localhost:1 (connection refused)")


def test_a_pipe_that_closes_ends_the_run_quietly(start, tmp_path: Path):
    (tmp_path / "a.txt").write_text("a line of text\n" * 10_000)
    reading, writing = os.pipe()
    os.close(reading)
    process = start("translate", tmp_path / "a.txt", "-t", "pt", "-s", "en", "--lines", stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"")


def test_an_interrupt_ends_the_run_quietly(start, fake: Fake):
    asked, released = threading.Event(), threading.Event()

    def hang(request):
        asked.set()
        released.wait(timeout=60)
        return translate(request)

    fake.script("Translate", hang)
    process = start(*TRANSLATE)
    assert asked.wait(timeout=60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    released.set()
    assert (process.returncode, out, err.strip()) == (130, b"", b"")


def test_tls_works_and_fails_in_one_line(polygist: Polygist, tmp_path: Path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())], cert.read_bytes(), True)
    with serving(Fake(), credentials=credentials) as fake:
        with Client(fake.address, ca=cert, cert=cert, key=key) as client:
            assert str(client.translate("a", to="pt")) == "A"
        flags = ["-a", fake.address, "--ca", cert, "--cert", cert, "--key", key]
        assert polygist(*TRANSLATE, *flags).out == "A\n"
        refused = polygist(*TRANSLATE, "-a", fake.address, "--tls")
        assert (refused.code, refused.err.count("\n")) == (4, 1)
        missing = polygist(*TRANSLATE, "--ca", tmp_path / "none.pem")
        assert (missing.code, missing.err) == (1, f"error: {tmp_path}/none.pem: No such file or directory\n")
