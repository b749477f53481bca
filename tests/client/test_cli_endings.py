"""How runs of the command line end: exit codes, one line for an error, signals, real processes."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from polygist.v1 import model_service_pb2
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


def test_the_command_that_installs_what_is_missing_is_the_last_word(polygist: Polygist, fake: Fake):
    message = "no model for de->pt; install it: polygist-server models pull opus-mt-de-en"
    metadata = {"source": "de", "pull": "opus-mt-de-en"}
    refused = Failing(
        grpc.StatusCode.FAILED_PRECONDITION, message, reason="LANGUAGE_PAIR_UNSUPPORTED", metadata=metadata
    )
    fake.script("Translate", refused)
    outcome = polygist(*TRANSLATE)
    assert (outcome.code, outcome.err) == (7, f"error: {message}\n")


def test_a_language_that_is_none_leads_to_the_list(polygist: Polygist, fake: Fake):
    wrong = Failing(grpc.StatusCode.INVALID_ARGUMENT, reason="FIELD_INVALID", fields=("target_language_code",))
    fake.script("Translate", wrong)
    assert "polygist languages" in polygist(*TRANSLATE).err


@pytest.mark.parametrize(("word", "nearest"), [("ptt", "pt"), ("tatarish", "tt"), ("Tatar", "tt"), ("tt", None)])
def test_a_language_that_is_translated_to_is_suggested_before_one_that_is_only_detected(
    polygist: Polygist, fake: Fake, word: str, nearest: str | None
):
    described = {"tt": ("Tatar", "TASK_DETECT_LANGUAGE"), "pt": ("Portuguese", "TASK_TRANSLATE")}
    languages = [
        model_service_pb2.Language(language_code=code, display_name=name, tasks=[getattr(model_service_pb2, task)])
        for code, (name, task) in described.items()
    ]
    fake.script("ListLanguages", model_service_pb2.ListLanguagesResponse(languages=languages))
    fake.script("Translate", Failing(grpc.StatusCode.FAILED_PRECONDITION, "no", reason="LANGUAGE_PAIR_UNSUPPORTED"))
    said = polygist("translate", "--text", "a", "-t", word).err
    assert said.partition("; did you mean ")[2] == (f"{nearest!r}?\n" if nearest else "")


def test_an_error_of_whole_inputs_names_no_place_in_a_request(polygist: Polygist, fake: Fake):
    def wrong(number: int) -> Failing:
        return Failing(grpc.StatusCode.FAILED_PRECONDITION, f"contents[{number}] is in de", reason="SAME_LANGUAGE")

    fake.script("StreamTranslate", wrong(0))
    fake.script("Translate", wrong(0), wrong(1))
    assert polygist(*TRANSLATE, "--stream").err == "error: text-1 is in de\n"
    assert polygist(*TRANSLATE).err == "error: text-1 is in de\n"
    assert polygist(*TRANSLATE, "--text", "b", "--json").err == "error: text-2 is in de\n"


def test_the_name_of_a_file_breaks_no_message(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name in ("a\nb.txt", "c.txt"):
        (tmp_path / name).write_text("fails")
    fake.batching.errors["fails"] = (grpc.StatusCode.INTERNAL, "")
    outcome = polygist("translate", tmp_path, "-t", "pt", "-o", f"{tmp_path}/out/")
    assert sorted(outcome.err.splitlines()) == [
        f"error: {tmp_path}/a\\nb.txt: fails failed", f"error: {tmp_path}/c.txt: fails failed",
        "note: 0 done, 2 failed",
    ]  # fmt: skip


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


def test_whole_inputs_that_all_fail_end_as_the_first(polygist: Polygist, fake: Fake, tmp_path: Path):
    pair = Failing(grpc.StatusCode.FAILED_PRECONDITION, "no", reason="LANGUAGE_PAIR_UNSUPPORTED")
    fake.script("BatchTranslate", pair, Failing(grpc.StatusCode.INVALID_ARGUMENT, fields=("target_language_code",)))
    outcome = polygist(*TRANSLATE, "-t", "de,fi", "--jsonl", "-o", tmp_path / "out")
    assert outcome.code == 7
    found = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [(each["targetLanguageCode"], each["error"]["reason"]) for each in found] == [
        ("de", "LANGUAGE_PAIR_UNSUPPORTED"), ("fi", ""),
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("left", [1, 2])
def test_failures_beside_what_was_finished_before_are_not_all(
    polygist: Polygist, fake: Fake, tmp_path: Path, left: int
):
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    for number in range(left):
        fake.batching.errors[f"text {number}"] = (grpc.StatusCode.FAILED_PRECONDITION, "LANGUAGE_UNDETERMINED")
    arguments = ["translate", *sorted(tmp_path.glob("*.txt")), "-t", "pt", "-o", f"{tmp_path}/out/"]
    assert polygist(*arguments).code == 3
    outcome = polygist(*arguments, "--resume")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (3, f"note: 0 done, {left} failed")


def test_a_language_that_fails_beside_one_that_was_finished_before_is_not_all(
    polygist: Polygist, fake: Fake, tmp_path: Path
):
    pair = Failing(grpc.StatusCode.FAILED_PRECONDITION, "no", reason="LANGUAGE_PAIR_UNSUPPORTED")
    (tmp_path / "a.txt").write_text("a")
    arguments = ["translate", tmp_path / "a.txt", "-o", f"{tmp_path}/out/"]
    assert polygist(*arguments, "-t", "pt").code == 0
    fake.script("Translate", pair)
    assert polygist(*arguments, "-t", "pt,de", "--resume").code == 3


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


SAID = ["translate", "--text", "a", "-s", "en", "-t", "pt"]
CLOSED = "error: standard output: is closed; give -o FILE\n"
FULL = "error: standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("polygist languages >&-", (1, CLOSED)),
        (f"polygist {shlex.join(SAID)} >&-", (1, CLOSED)),
        (f"polygist {shlex.join(SAID)} --stream >&-", (1, CLOSED)),
        ("polygist health >&-", (0, "")),
        ("polygist --version >&-", (0, "")),
        ("polygist >&- 2>&-", (2, "")),
        (f"polygist {shlex.join(SAID)} -v 2>&-", (0, "A\n")),
        (f"polygist {shlex.join(SAID)} <&-", (0, "A\n")),
        (
            "polygist translate -t pt - <&-",
            (2, "error: standard input, which - stands for, is closed (try: polygist translate --help)\n"),
        ),
        (f"polygist {shlex.join(SAID)} >&- 2>&- <&-", (1, "")),
        ("polygist languages >/dev/full", (1, FULL)),
        (f"polygist {shlex.join(SAID)} >/dev/full", (1, FULL)),
        (f"polygist {shlex.join(SAID)} --lines >/dev/full", (1, FULL)),
        (f"polygist {shlex.join(SAID)} -o /dev/full", (1, "error: /dev/full: No space left on device\n")),
        ("polygist --help >/dev/full", (1, FULL)),
        (f"polygist {shlex.join(SAID)} -v 2>/dev/full", (0, "A\n")),
        ("polygist nope 2>/dev/full", (2, "")),
        (f"polygist {shlex.join(SAID)} -v 2>&1 >/dev/null | true", (0, "")),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_traceback(run_in_shell, command: str, expected: tuple[int, str]):
    shown = run_in_shell(f"{command}; echo =$?")
    assert shown == f"{expected[1]}={expected[0]}\n"


@pytest.mark.parametrize("flags", [["--timeout", "500ms"], ["--timeout", "500ms", "--wait", "10ms"]])
def test_health_of_a_server_that_hangs_ends_in_the_time_given(polygist: Polygist, flags):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        outcome = polygist("health", "-a", f"127.0.0.1:{hanging.getsockname()[1]}", *flags)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (5, "", 1)
    assert "within 0.5 s" in outcome.err


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


@pytest.fixture
def run_in_shell(fake: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], str]:
    """Run a script in which ``polygist`` is the command; returns what it writes to standard output and error."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("POLYGIST_ADDRESS", fake.address)

    def run(script: str) -> str:
        whole = f'polygist() {{ {shlex.join(COMMAND)} "$@"; }}\n{script}\n'
        done = subprocess.run(
            ["sh", "-c", whole], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=120, check=False,
        )  # fmt: skip
        return done.stdout.decode()

    return run


LINES = "polygist translate -s en -t pt --lines a.txt"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link", "/dev/fd/3", "/dev/stderr"])
@pytest.mark.parametrize("flags", ["--lines", ""])
def test_what_is_open_already_is_gone_on_with(run_in_shell, tmp_path: Path, name: str, flags: str):
    (tmp_path / "a.txt").write_text("a\nb\n")
    (tmp_path / "link").symlink_to("/dev/stdout")
    command = f"polygist translate -q -s en -t pt {flags} a.txt -o {name}"
    out = run_in_shell(f"(echo before; {command} 2>&1 3>&1; echo code $?) > out.txt; echo after >> out.txt")
    assert out == ""
    assert (tmp_path / "out.txt").read_text() == "before\nA\nB\ncode 0\nafter\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "link", "out.txt"]


def test_what_another_process_has_open_is_gone_on_with(run_in_shell, tmp_path: Path):
    (tmp_path / "a.txt").write_text("a\n")
    assert run_in_shell(f"exec 4> out.txt; echo before >&4; {LINES} -q -o /proc/$$/fd/4") == ""
    assert (tmp_path / "out.txt").read_text() == "before\nA\n"


@pytest.mark.parametrize("name", ["fifo", "/dev/fd/3"])
def test_a_pipe_is_written_to(run_in_shell, tmp_path: Path, name: str):
    (tmp_path / "a.txt").write_text("a\nb\n")
    os.mkfifo(tmp_path / "fifo")
    other = "cat fifo & " if name == "fifo" else ""
    out = run_in_shell(f"{other}{LINES} -q -o {name} 3>&1 | cat; wait")
    assert out == "A\nB\n"


def test_a_link_to_a_file_leads_to_the_file(run_in_shell, tmp_path: Path):
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "link").symlink_to("b.txt")
    assert run_in_shell(f"{LINES} -o link") == "note: 1 done\n"
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "b.txt").read_text()) == (True, "A\n")


def test_a_file_that_standard_output_or_input_is_too_is_not_read_and_written(run_in_shell, tmp_path: Path):
    (tmp_path / "a.txt").write_text("a\n")
    refused = "error: {} would be read and written; give -o another name (try: polygist translate --help)\ncode 2\n"
    for arguments, name in (
        ("a.txt >> a.txt", "a.txt"), ("a.txt -o /dev/stdout >> a.txt", "a.txt"), ("- < b.txt -o b.txt", "stdin"),
    ):  # fmt: skip
        (tmp_path / "b.txt").write_text("b\n")
        command = f"polygist translate -s en -t pt --lines {arguments}"
        assert run_in_shell(f"{command}; echo code $?") == refused.format(name)
        assert ((tmp_path / "a.txt").read_text(), (tmp_path / "b.txt").read_text()) == ("a\n", "b\n")


@pytest.mark.parametrize(
    "command",
    [
        LINES, "polygist translate -t pt a.txt", "polygist translate -t pt a.txt --stream",
        "polygist translate -t pt --json a.txt", "polygist languages", "polygist models list --json",
        f"{LINES} -o /dev/stdout", f"{LINES} -o /dev/fd/9",
    ],
)  # fmt: skip
def test_a_standard_output_that_is_closed_is_told(run_in_shell, tmp_path: Path, command: str):
    (tmp_path / "a.txt").write_text("a\n")
    lines = run_in_shell(f"({command} -q >&-) 2>&1; echo code $?").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "code 1"]
    assert not list(tmp_path.glob("*.partial*"))


def test_what_is_closed_and_not_needed_is_not_missed(run_in_shell, tmp_path: Path):
    (tmp_path / "a.txt").write_text("a\n")
    assert run_in_shell(f"{LINES} -o b.txt <&- >&- 2>&-; echo code $?") == "code 0\n"
    assert (tmp_path / "b.txt").read_text() == "A\n"
    assert run_in_shell("polygist translate -t pt - <&-; echo code $?") == (
        "error: standard input, which - stands for, is closed (try: polygist translate --help)\ncode 2\n"
    )


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
        assert missing.code == 2
        assert missing.err == f"error: --ca: {tmp_path}/none.pem does not exist; give a PEM file that does\n"
