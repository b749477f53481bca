"""The command line as people see it: on a terminal, with completion, with names mistyped, interrupted."""

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import grpc
import pytest
from polygist import __version__
from polygist.v1 import common_pb2, model_service_pb2, translation_service_pb2
from polygist_client.cli import app, session

from tests.client.conftest import COMMAND, HEEDING, Polygist
from tests.fakes.server import Failing, Fake, stream_translate, translate

FLAGS_OF_TRANSLATE = [
    (["-s", "en"], "source_language_code"),
    (["--to", "pt"], "target_language_code"),
    (["--candidates", "en"], "candidate_language_codes[0]"),
    (["--splitting", "none"], "sentence_splitting"),
    (["--prefer", "speed"], "performance_preference"),
    (["--beam", "3"], "decoding_config.beam_size"),
    (["--max-output-tokens", "9"], "decoding_config.max_output_tokens"),
    (["--alternatives", "2"], "alternative_count"),
    (["--scores"], "output_config.include_score"),
    (["--segments"], "output_config.include_segments"),
    (["--alignment"], "output_config.include_alignment"),
    (["--no-pivot"], "pivot_policy"),
]
FLAGS_OF_SUMMARISE = [
    (["--max-sentences", "2"], "max_sentence_count"),
    (["--max-words", "50"], "max_word_count"),
    (["--order", "rank"], "sentence_order"),
    (["--citations"], "output_config.include_citations"),
    (["--markdown"], "output_mime_type"),
]
SHORT_SECONDS = 0.2
# A bar comes after a shorter while than that of everybody, so that no test waits for it.
HURRIED = [
    *COMMAND[:2],
    f"{HEEDING}; from polygist_client.cli import bar, main; bar.DELAY_SECONDS = {SHORT_SECONDS}; main()",
]
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")


@pytest.fixture
def environment(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("POLYGIST_ADDRESS", fake.address)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def run_on_terminal(
    *arguments: object,
    until: str = "",
    then: Callable[[int], object] | None = None,
    command: list[str] = COMMAND,
    **streams: Any,
) -> tuple[int, str]:
    """Run ``polygist`` with a terminal of 80 columns for all its streams; returns exit code and what it shows.

    Args:
        arguments: of the command line.
        until: what it shows at some time; empty for the start.
        then: is called when it does, with our end of the terminal.
        command: `HURRIED` for a bar that comes early.
        streams: others than the terminal, by the names that subprocess has for them.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*command, *map(str, arguments)], **{"stdin": theirs, "stdout": theirs, "stderr": theirs, **streams},
        env={**os.environ, "COLUMNS": "80", "LINES": "24"},
    )  # fmt: skip
    os.close(theirs)
    shown = bytearray()
    try:
        if then and not until:
            then(ours)
            then = None
        while chunk := os.read(ours, 65536):
            shown += chunk
            if then and until in shown.decode(errors="replace"):
                then(ours)
                then = None
    except OSError:  # how Linux says that the other end is closed
        pass
    process.communicate(timeout=60)
    os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


def texts_of(shown: str) -> str:
    """What a terminal shows, without what colours it and moves the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)


def stands_alone(text: str, shown: str) -> bool:
    """Whether nothing stands on the line when `text` is written there."""
    before = re.split(r"\n|\x1b\[2K", shown[: shown.index(text)])[-1]
    return not texts_of(before).strip("\r")


@pytest.fixture
def held(fake: Fake) -> Iterator[threading.Event]:
    """A server that answers nothing before this is set."""
    released = threading.Event()

    def hold(items: list[Any]) -> None:
        released.wait(timeout=60)

    def answer(request: Any) -> Any:
        released.wait(timeout=60)
        return translate(request)

    fake.batching.shuffle = hold
    fake.rules["Translate"] = answer
    yield released
    released.set()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("arguments", "headers"),
    [(["languages"], "code own name to"), (["models", "list"], "name tasks languages state licence")],
)
def test_tables_have_headers_on_a_terminal(arguments, headers: str):
    code, shown = run_on_terminal(*arguments)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert all(header in plain.splitlines()[0] for header in headers.split())
    assert max(map(len, plain.splitlines())) <= 80


@pytest.mark.usefixtures("environment")
def test_a_column_that_has_nothing_is_left_out_on_a_terminal(fake: Fake):
    reply = model_service_pb2.ListLanguagesResponse(
        languages=[model_service_pb2.Language(language_code="ru", tasks=[model_service_pb2.TASK_SUMMARISE])]
    )
    fake.script("ListLanguages", reply)
    shown = texts_of(run_on_terminal("languages")[1])
    assert shown.splitlines()[0].split() == ["code", "name", "own", "name", "tasks"]


@pytest.mark.usefixtures("environment")
def test_many_files_have_a_bar_on_a_terminal_which_goes(tmp_path: Path, held: threading.Event):
    files = [tmp_path / f"{number}.txt" for number in range(5)]
    for path in files:
        path.write_text("a")
    arguments = ["translate", *files, "-s", "en", "-t", "pt", "-o", f"{tmp_path}/out/"]
    code, shown = run_on_terminal(*arguments, "-v", until="files", then=lambda terminal: held.set(), command=HURRIED)
    assert (code, "files" in shown, "5/5" in shown) == (0, True, True)
    assert len(re.findall(r"note: [^\n]+: en to pt by en-pt\n", shown)) == 5
    assert all(stands_alone(f"note: {path}", shown) for path in files)
    assert texts_of(shown).endswith("\rnote: 5 done\n")
    assert run_on_terminal(*arguments, "--no-progress") == (0, "note: 5 done\n")
    assert run_on_terminal(*arguments, "--quiet") == (0, "")


@pytest.mark.usefixtures("environment")
def test_what_is_quickly_done_has_no_bar():
    assert run_on_terminal("translate", "--text", "a", "-t", "pt") == (0, "A\n")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("arguments", [[], ["--json"], ["--lines"], ["--stream"], ["-o", "/dev/stdout"]])
def test_a_result_and_the_bar_are_never_on_one_line(fake: Fake, held: threading.Event, arguments: list[str]):
    fake.script("StreamTranslate", lambda request: (held.wait(60), stream_translate(request))[1])
    shown = run_on_terminal(
        *("translate", "--text", "one", "-s", "en", "-t", "pt", *arguments),
        until="━",
        then=lambda terminal: held.set(),
        command=HURRIED,
    )[1]
    result = '"translatedText": "ONE"' if "--json" in arguments else "{" if "--jsonl" in arguments else "ONE"
    assert "━" in shown
    assert stands_alone("{" if "--json" in arguments else result, shown)
    assert result in shown
    assert not re.search("━[^\n]*$", texts_of(shown).rpartition("\r")[2])


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("arguments", [["-", "--lines"], ["/dev/stdin"]])
def test_no_bar_is_in_the_way_of_somebody_who_types(arguments: list[str]):
    def type_slowly(terminal: int) -> None:
        os.write(terminal, b"one\ntwo\n")
        time.sleep(SHORT_SECONDS + 1)
        os.write(terminal, b"\x04")

    code, shown = run_on_terminal("translate", "-s", "en", "-t", "pt", *arguments, then=type_slowly, command=HURRIED)
    assert (code, "━" in shown, "ONE\nTWO\n" in shown) == (0, False, True)


@pytest.mark.usefixtures("environment")
def test_the_end_of_a_run_does_not_stand_behind_a_line_without_end(tmp_path: Path):
    (tmp_path / "a.txt").write_text("one\ntwo")
    shown = run_on_terminal("translate", tmp_path / "a.txt", "-t", "pt", "--lines")[1]
    assert shown.endswith("ONE\nTWO\nnote: 2 done\n")


@pytest.mark.usefixtures("environment")
def test_a_bar_is_on_a_terminal_while_results_go_to_a_file(tmp_path: Path, held: threading.Event):
    with (tmp_path / "out").open("wb") as out:
        shown = run_on_terminal(
            "translate", "--text", "one", "-s", "en", "-t", "pt", until="━", then=lambda _: held.set(),
            command=HURRIED, stdout=out,
        )[1]  # fmt: skip
    assert "━" in shown
    assert (tmp_path / "out").read_text() == "ONE\n"


@pytest.mark.usefixtures("environment")
def test_a_terminal_that_cannot_clear_a_line_has_no_bar_and_no_empty_line_for_it(
    tmp_path: Path, held: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TERM", "dumb")
    (tmp_path / "in.txt").write_text("one\ntwo\n")
    threading.Timer(SHORT_SECONDS + 1, held.set).start()
    arguments = [tmp_path / "in.txt", "--lines", "-s", "en", "-t", "pt", "-o", tmp_path / "out.txt"]
    assert run_on_terminal("translate", *arguments, command=HURRIED) == (0, "note: 2 done\n")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("flags", [["--lines"], ["--stream"]])
def test_no_bar_is_in_the_way_of_a_program_that_takes_the_results(fake: Fake, flags: list[str]):
    def wait(*arguments: Any) -> Any:
        time.sleep(SHORT_SECONDS + 0.3)

    fake.batching.shuffle = wait
    fake.rules["Translate"] = lambda request: (wait(), translate(request))[1]
    fake.script("StreamTranslate", lambda request: (wait(), stream_translate(request))[1])
    arguments = ("translate", "--text", "one", "-s", "en", "-t", "pt", *flags)
    shown = run_on_terminal(*arguments, command=HURRIED, stdout=subprocess.PIPE)[1]
    assert "files" not in shown
    assert "━" not in shown


@pytest.mark.usefixtures("environment")
def test_no_bar_is_written_to_a_file(tmp_path: Path, fake: Fake):
    def answer_late(request: Any) -> Any:
        time.sleep(SHORT_SECONDS + 0.3)
        return translate(request)

    fake.rules["Translate"] = answer_late
    with (tmp_path / "err").open("wb") as err:
        arguments = ("translate", "--text", "one", "-s", "en", "-t", "pt")
        shown = run_on_terminal(*arguments, command=HURRIED, stderr=err)[1]
    assert (shown, (tmp_path / "err").read_text()) == ("ONE\n", "")


@pytest.mark.usefixtures("environment")
def test_records_have_a_bar_with_their_rate_and_the_time_left(tmp_path: Path, held: threading.Event):
    (tmp_path / "a.jsonl").write_text("".join(f'{{"body": "text {number}"}}\n' for number in range(3000)))
    flags = ["-s", "en", "-t", "pt", "--format", "jsonl", "--field", "body", "-o", tmp_path / "b.jsonl"]
    code, shown = run_on_terminal(
        *("translate", tmp_path / "a.jsonl", *flags),
        until="records",
        then=lambda terminal: held.set(),
        command=HURRIED,
    )
    plain = texts_of(shown)
    assert code == 0
    assert re.search(r"records .* \d+ \d+\.\d/s (--|\d\d):(--|\d\d)", plain)
    assert plain.splitlines()[-1].endswith("note: 3000 done")
    last = re.findall(r" (\d+) \d+\.\d/s", plain)[-1]
    assert int(last) == 3000


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("is_busy", [False, True])
def test_what_comes_through_a_pipe_has_a_bar_but_not_while_nothing_comes(held: threading.Event, is_busy: bool):
    source, sink = os.pipe()
    os.write(sink, b"one\n" * (300 if is_busy else 1))  # more than are in work at the same time

    def go_on(*terminal: Any) -> None:
        held.set()
        os.close(sink)

    if not is_busy:
        held.set()
        threading.Timer(SHORT_SECONDS + 1, go_on).start()
    arguments = ["translate", "--lines", "-s", "en", "-t", "pt"]
    then = {"until": "━", "then": go_on} if is_busy else {}
    code, shown = run_on_terminal(*arguments, command=HURRIED, stdin=source, **then)
    os.close(source)
    assert (code, "━" in shown, "ONE\n" in shown) == (0, is_busy, True)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("flags", "variable"), [([], ""), (["--no-color"], ""), ([], "1")])
def test_colours_can_be_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: threading.Event, flags: list[str], variable: str
):
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.setenv("NO_COLOR", variable)
    arguments = ["translate", tmp_path / "a.txt", "-s", "en", "-t", "pt", "-o", f"{tmp_path}/out/", *flags]
    shown = run_on_terminal(*arguments, until="files", then=lambda terminal: held.set(), command=HURRIED)[1]
    assert bool(COLOUR.search(shown)) == (not flags and not variable)


def complete(words: str, folder: Path, address: str) -> list[str]:
    """What bash offers for the last of `words`, through the script that ``polygist completion bash`` prints."""
    binaries = folder / "bin"
    binaries.mkdir(exist_ok=True)
    (binaries / "polygist").write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from polygist_client.cli import main; main()" "$@"\n'
    )
    (binaries / "polygist").chmod(0o755)
    script = f"""
        eval "$(polygist completion bash)"
        COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMPREPLY=()
        _polygist_completion polygist 2>/dev/null
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    environment["POLYGIST_ADDRESS"] = address
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("polygist tr", ["translate"]),
        ("polygist translate --res", ["--resume"]),
        ("polygist translate --prefer ''", ["speed", "quality"]),
        ("polygist translate --jso", ["--json", "--jsonl"]),
        ("polygist models ''", ["list", "load", "ps", "reload", "show", "unload"]),
        ("polygist completion z", ["zsh"]),
        ("polygist translate --to ''", ["de", "en", "pt"]),
        ("polygist translate --from e", ["en"]),
        ("polygist translate --to pt,", ["pt,de", "pt,en"]),
        ("polygist detect --candidates en,p", ["en,pt"]),
        ("polygist translate --model en", ["en-pt"]),
        ("polygist models show en", ["en-pt"]),
        ("polygist translate --glossary pr", ["press"]),
        ("polygist -a localhost:1 translate --to ''", []),
    ],
)
def test_bash_completes(fake: Fake, tmp_path: Path, words: str, offered: list[str]):
    assert complete(words, tmp_path, fake.address) == offered


@pytest.mark.parametrize(
    ("shell", "word", "offered"), [("zsh", "3", "plain\npt\nPortuguese\n"), ("fish", "p", "plain,pt\tPortuguese\n")]
)
def test_other_shells_are_told_what_each_language_is(fake: Fake, shell: str, word: str, offered: str):
    given = {"POLYGIST_ADDRESS": fake.address, "_POLYGIST_COMPLETE": f"{shell}_complete", "COMP_CWORD": word}
    words = "polygist translate --to p" if shell == "zsh" else "polygist translate --to "
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COMP_WORDS": words, **given}
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=True, env=environment, timeout=60)
    assert done.stdout == offered


def helps() -> Iterator[tuple[str, ...]]:
    """Yield the words of every command."""
    for name, command in app.polygist.commands.items():
        yield (name,)
        for below in command.commands if isinstance(command, click.Group) else ():
            yield (name, below)


@pytest.mark.parametrize("words", [(), *helps()])
def test_the_help_of_a_command_fits_and_has_examples_that_can_be_typed(polygist: Polygist, words: tuple[str, ...]):
    shown = polygist(*words, "--help").out
    assert max(map(len, shown.splitlines())) <= 80
    is_group = words in ((), ("models",))
    if words in (("version",), ("help",), ("completion",)):
        return
    examples = shown.partition("Examples:\n")[2].replace("\\\n", "").partition("\n\n")[0].splitlines()
    assert len(examples) >= 2
    for example in examples:
        context = click.Context(app.polygist, info_name="polygist")
        arguments = shlex.split(example.partition(" < ")[0].partition(" && ")[0])
        assert arguments.pop(0) == "polygist"
        parse(app.polygist, arguments, context)
    if words and not is_group:
        for flag in ("-a, --address", "--tls", "--timeout", "--json", "--jsonl", "-v, --verbose"):
            assert flag in shown


def parse(command: click.Command, arguments: list[str], parent: click.Context | None = None) -> None:
    """Parse a command line without running it; raises UsageError."""
    with command.make_context(command.name, arguments, parent=parent, obj=session.Session()) as context:
        if isinstance(command, click.Group):
            name, below, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            assert below is not None, name
            parse(below, rest, context)


def test_commands_stand_by_their_use(polygist: Polygist):
    shown = polygist("--help").out
    names = ["translate", "summarise", "detect", "tokens", "Server:", "languages", "models", "health", "info"]
    places = [shown.index(f"\n  {name}" if name.islower() else f"\n{name}") for name in names]
    assert places == sorted(places)


@pytest.mark.parametrize("words", [[], ["models"]])
def test_a_command_line_without_a_command_gets_the_help_as_it_is(polygist: Polygist, words: list[str]):
    outcome = polygist(*words)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", polygist(*words, "--help").out)


def test_help_is_a_command_too(polygist: Polygist):
    assert polygist("help").out == polygist("--help").out
    assert polygist("help", "translate").out == polygist("translate", "--help").out
    assert polygist("help", "models", "show").out == polygist("models", "show", "--help").out


@pytest.mark.parametrize("flag", ["-V", "--version", "version"])
def test_the_version_is_told(polygist: Polygist, flag: str):
    outcome = polygist(flag)
    assert (outcome.code, outcome.out, outcome.err) == (0, f"polygist {__version__}\n", "")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["detect", "--text", "a"], [["language", "confidence"], ["en", "0.7500"]]),
        (["detect", "--text", "a", "--text", "b"],
         [["input", "language", "confidence"], ["text-1", "en", "0.7500"], ["text-2", "en", "0.7500"]]),
        (["tokens", "--text", "a", "--model", "m"], [["tokens"], ["1"]]),
    ],
)  # fmt: skip
def test_headers_stand_above_what_they_are_of(arguments: list[str], expected: list[list[str]]):
    code, shown = run_on_terminal(*arguments)
    assert (code, [line.split() for line in texts_of(shown).splitlines()]) == (0, expected)
    lines = texts_of(shown).splitlines()
    assert all(lines[1].startswith(word, lines[0].index(head)) for head, word in zip(*expected[:2], strict=True))


@pytest.mark.parametrize(("flags", "field"), [*FLAGS_OF_TRANSLATE, *FLAGS_OF_SUMMARISE])
def test_errors_name_flags_not_fields(polygist: Polygist, fake: Fake, flags: list[str], field: str):
    command = "Translate" if (flags, field) in FLAGS_OF_TRANSLATE else "Summarise"
    wrong = Failing(grpc.StatusCode.INVALID_ARGUMENT, f"{field}: 99 is too much", reason="FIELD_INVALID")
    fake.script(command, wrong)
    to = ["--to", "pt"] if command == "Translate" and "--to" not in flags else []
    outcome = polygist(command.lower(), "--text", "a", *to, *flags)
    flag = {"-s": "--from", "-t": "--to"}.get(flags[0], flags[0])
    assert outcome.err.startswith(f"error: {flag}: 99 is too much")


@pytest.mark.parametrize("word", ["auto", "AUTO", "detect", "und"])
@pytest.mark.parametrize(
    "command", [["translate", "-t", "pt", "--text", "a"], ["summarise", "--text", "a"], ["languages"]]
)
def test_a_language_to_be_detected_is_left_out(polygist: Polygist, fake: Fake, command: list[str], word: str):
    outcome = polygist(*command, "--from", word)
    assert (outcome.code, fake.asked) == (2, [])
    assert f"--from {word}: leave --from out" in outcome.err


def test_a_warning_names_flags_too(polygist: Polygist, fake: Fake):
    warning = common_pb2.Warning(
        code="WARNING_CODE_LOW_DETECTION_CONFIDENCE", message="a guess; give source_language_code"
    )
    reply = translate(translation_service_pb2.TranslateRequest(contents=["a"], target_language_code="pt"))
    reply.translations[0].warnings.append(warning)
    fake.script("Translate", reply)
    outcome = polygist("translate", "--text", "a", "-t", "pt")
    assert outcome.err == "warning: text-1: a guess; give --from [low-detection-confidence]\n"


def test_the_language_of_many_lines_is_left_to_the_server_where_it_would_be_a_guess(
    polygist: Polygist, fake: Fake, tmp_path: Path
):
    (tmp_path / "a.txt").write_text("one\n")
    arguments = ["translate", tmp_path / "a.txt", "-t", "pt", "--lines"]
    assert polygist(*arguments).err == "note: 1 done\n"
    assert "language en detected, confidence 0.75" in polygist(*arguments, "-v").err
    guess = translation_service_pb2.DetectedLanguage(language_code="en", confidence=0.25)
    guesses = translation_service_pb2.LanguageDetection(languages=[guess])
    fake.script("DetectLanguage", translation_service_pb2.DetectLanguageResponse(detections=[guesses]))
    assert polygist(*arguments).err == "note: 1 done\n"
    assert [each.source_language_code for each in fake.requests("BatchTranslate")] == ["en", "en", ""]


def test_a_mistyped_variable_is_named(polygist: Polygist, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POLYGIST_ADRESS", "localhost:1")
    monkeypatch.setenv("POLYGIST_TLS_CERT", "of-the-server.pem")
    monkeypatch.setenv("POLYGIST_TIMEOUT", "")
    outcome = polygist("health")
    assert (outcome.code, outcome.out) == (0, "serving\n")
    assert outcome.err == "warning: POLYGIST_ADRESS is no setting of polygist; did you mean POLYGIST_ADDRESS?\n"
    assert polygist("health", "-q").err == outcome.err.replace("\n", "\n") or polygist("-q", "health").err == ""


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        ("transalte --text a -t pt", "'translate'"),
        ("models lst", "'list'"),
        ("translate --text a -t pt --resme", "'--resume'"),
        ("translate --text a -t pt --prefer sped", "'speed'"),
        ("summarise --text a --type keypoints", "'key-points'"),
        ("completion bsh", "'bash'"),
        ("languages --from portugese", "'pt'"),
        ("health translatoin", "'translation'"),
    ],
)
def test_the_nearest_name_is_suggested(polygist: Polygist, arguments: str, nearest: str):
    outcome = polygist(*arguments.split())
    assert (outcome.code in (2, 7), outcome.out, outcome.err.count("\n")) == (True, "", 1)
    assert f"id you mean {nearest}?" in outcome.err


@pytest.mark.parametrize("reason", ["FIELD_INVALID", "LANGUAGE_PAIR_UNSUPPORTED", "LANGUAGE_UNDETERMINED"])
@pytest.mark.parametrize("word", ["portugese", "Portuguese", "prt", "português"])
@pytest.mark.parametrize("command", ["translate", "summarise"])
def test_the_nearest_language_of_the_server_is_suggested(
    polygist: Polygist, fake: Fake, command: str, word: str, reason: str
):
    code = "INVALID_ARGUMENT" if reason == "FIELD_INVALID" else "FAILED_PRECONDITION"
    wrong = Failing(grpc.StatusCode[code], "no", reason=reason, fields=("target_language_code",))
    fake.script(command.capitalize(), wrong)
    outcome = polygist(command, "--text", "a", "-t", word)
    assert outcome.err.endswith("; did you mean 'pt'?\n")
    assert outcome.err.count("\n") == 1


def test_a_language_that_is_near_to_none_gets_no_suggestion(polygist: Polygist, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.FAILED_PRECONDITION, "no", reason="LANGUAGE_PAIR_UNSUPPORTED"))
    assert "did you mean" not in polygist("translate", "--text", "a", "-t", "fi").err


IN_A_FINALIZER = """
import os, signal, time
from polygist_client.cli import app

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)

signal.signal(signal.SIGTERM, app.unwind)
try:
    Finalized()
    time.sleep(60)
finally:
    print("tidied")
"""


def test_a_signal_during_a_finalizer_is_not_lost() -> None:
    ended = subprocess.run([sys.executable, "-c", IN_A_FINALIZER], capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.SIGTERM, b"tidied\n", b"")


@pytest.mark.usefixtures("environment")
def test_nothing_of_a_model_is_cut_where_the_terminal_is_small(fake: Fake):
    revision = "0123456789abcdef" * 6
    fake.rules["GetModel"] = lambda request: model_service_pb2.GetModelResponse(
        model=model_service_pb2.Model(name="models/en-pt", revision=revision)
    )
    shown = texts_of(run_on_terminal("models", "show", "en-pt")[1])
    assert "…" not in shown
    assert revision in "".join(shown.split())
