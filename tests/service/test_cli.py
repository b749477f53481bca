"""The command line of the server: models in and out, settings, help, how runs end."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from polygist import __version__
from polygist_service.cli import app, models
from polygist_service.limits import Limits
from polygist_service.settings import Settings

from tests.service.store.conftest import files, folder, index, store  # noqa: F401

COMMAND = [sys.executable, "-c", "from polygist_service.cli.app import main; main()"]


@dataclass
class Outcome:
    """How a run ended."""

    code: int
    out: str
    err: str


Server = Callable[..., Outcome]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Server:
    """Run ``polygist-server`` with an own home."""
    monkeypatch.setenv("POLYGIST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CT2_FORCE_CPU_ISA", "")  # which commands set for their own process

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = app.run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.mark.usefixtures("store")
def test_a_model_is_pulled_listed_verified_and_removed(server: Server):
    assert "tiny\ttranslation\ten>pt\t-\tApache-2.0\tno\n" in server("models", "list").out
    pulled = server("models", "pull", "tiny")
    assert (pulled.code, pulled.err) == (0, "")
    assert re.fullmatch(r"tiny: installed, [\d.]+ MB, revision [0-9a-f]{12}, Apache-2.0\n", pulled.out)
    assert "tiny: already installed" in server("models", "pull", "tiny").out
    assert re.search(r"tiny\ttranslation\ten>pt\t[\d.]+ MB\tApache-2.0\t[0-9a-f]{12}\n", server("models", "list").out)
    assert server("models", "verify").out == "tiny: ok\n"
    assert server("models", "rm", "tiny").out == "tiny: removed\n"
    assert "tiny\ttranslation\ten>pt\t-\tApache-2.0\tno\n" in server("models", "list").out


@pytest.mark.usefixtures("store")
def test_a_model_is_converted_from_a_folder(server: Server, folder: Path):  # noqa: F811
    assert server("models", "convert", "tiny", folder).out.startswith("tiny: installed")
    assert server("models", "verify", "tiny").code == 0


@pytest.mark.usefixtures("store")
def test_models_record_golden_answers_when_they_are_installed_and_when_asked_to(
    server: Server,
    folder: Path,  # noqa: F811
    tmp_path: Path,
):
    server("models", "convert", "tiny", folder)
    manifest = tmp_path / "home" / "models" / "tiny" / "manifest.json"
    values = json.loads(manifest.read_text())
    assert len(values["golden"]["answers"]) == 20
    assert (verified := server("models", "verify")).out == "tiny: ok\n"
    assert verified.err == ""
    manifest.write_text(json.dumps({**values, "golden": None}))
    assert server("models", "verify").err == (
        "note: tiny has no golden answers; run: polygist-server models record tiny\n"
    )
    assert re.fullmatch(
        r"tiny: 20 golden answers, int8 on .+ by polygist .+, ctranslate2 .+\n", server("models", "record").out
    )
    assert json.loads(manifest.read_text()) == values


@pytest.mark.usefixtures("store")
def test_a_model_that_cannot_be_asked_is_installed_without_golden_answers(
    server: Server,
    folder: Path,  # noqa: F811
    tmp_path: Path,
):
    catalogue = tmp_path / "home" / "catalogue.toml"
    catalogue.write_text(catalogue.read_text().replace("max_input_tokens = 64", "max_input_tokens = 4"))
    reason = "model tiny has no room for one of its golden texts in its window"
    warning = f"warning: tiny: its golden answers were not recorded: {reason}\n"
    converted = server("models", "convert", "tiny", folder)
    assert (converted.code, converted.err) == (0, warning)
    assert (server("models", "record", "tiny").code, server("models", "record").err) == (1, warning)
    assert server("models", "--home", folder, "record").err.startswith("note: no model is installed in ")


@pytest.mark.usefixtures("store")
def test_a_home_is_given_by_a_flag_too(server: Server, folder: Path, tmp_path: Path):  # noqa: F811
    server("models", "convert", "tiny", folder)
    os.rename(tmp_path / "home", tmp_path / "other")
    assert server("models", "--home", tmp_path / "other", "verify").out == "tiny: ok\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("models pull tinny", 2, "the catalogue has no model or set 'tinny'; did you mean 'tiny'?"),
        ("models pull startr", 2, "did you mean 'starter'?"),
        ("models pull xxxxxx", 2, "it has: "),
        ("models convert tinny .", 2, "did you mean 'tiny'?"),
        ("models convert tiny /none", 2, "'/none' does not exist"),
        ("models convert tiny /dev", 1, "put it there"),
        ("models verify tiny", 1, "no model 'tiny' is installed"),
        ("models rm tiny", 1, "no model 'tiny' is installed"),
        ("models pul tiny", 2, "Did you mean 'pull'?"),
        ("modles", 2, "Did you mean 'models'?"),
        ("serve --slot 2", 2, "Did you mean"),
        ("serve --slots few", 2, "slots: "),
        ("serve --grace -3", 2, "grace: "),
        ("serve --device gpu", 2, "'cpu', 'cuda', 'auto'"),
        ("serve --limit-beam-size 0", 2, "--limit-beam-size"),
        ("serve --listen 0.0.0.0:1", 2, "give tls_cert and tls_key, or say --insecure"),
        ("serve --listen localhost", 2, "--listen: no port in 'localhost'; give localhost:50051"),
        ("serve --listen localhost --insecure", 2, "no port in 'localhost'; give localhost:50051"),
        ("serve --listen 127.0.0.1:70000 --preload none", 2, "no port 70000"),
        ("serve --listen 51080", 2, "give 127.0.0.1:51080"),
        ("serve --admin-listen :-1", 2, "--admin-listen: no port -1"),
        ("serve --metrics-listen localhost", 2, "give localhost:9464"),
        ("serve --tls-key a.pem", 2, "tls_key is given and tls_cert is not"),
        ("serve --memory-cap much", 2, "--memory-cap: 'much' is no size such as 4GB"),
        ("serve --config /tmp", 2, "is a directory"),
        ("serve --slots 99999", 2, "--slots: '99999' is more than 512"),
        ("serve --memory-cap 10KB", 2, "--memory-cap: 10000 bytes are too few for any model"),
        ("serve --listen 127.0.0.1:1 --listen 127.0.0.1:2", 2, "--listen is given twice"),
        ("models pull en-fi", 2, "the Hub may have opus-mt-en-fi: models pull opus-mt-en-fi"),
        ("models pull en-ja", 2, "small100 has it among many languages: models pull small100"),
        ("models pull ./here", 2, "models pull path:./here"),
        ("models pull tiny.tar.zst", 2, "models import tiny.tar.zst"),
        ("models pull https://example.org/a/b", 2, "is no page of a model on the Hub"),
        ("models show tinny", 2, "did you mean 'tiny'?"),
        ("models ps", 2, "polygist models ps"),
        ("models import /dev", 1, "/dev is no exported model; give NAME.tar.zst"),
        ("models pull xxxxxx", 2, "more, see polygist-server models list"),
        ("serve --tls-cert a.pem", 2, "give both or neither"),
        (
            "serve --tls-cert /none --tls-key /none",
            2,
            "error: tls_cert: /none does not exist; give a PEM file that does",
        ),
        ("serve --config /none.toml", 2, "does not exist"),
    ],
)
@pytest.mark.usefixtures("store")
def test_what_is_wrong_is_one_line_with_the_cure(server: Server, arguments: str, code: int, message: str):
    outcome = server(*arguments.split())
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
    assert outcome.err.startswith("error: ")
    assert message in outcome.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("grace = 'soon'", "c.toml: grace: 'soon' is no number"),
        ("slots = 2.5", "slots: 2.5 is no whole number"),
        ("insecure = 'perhaps'", "insecure: 'perhaps' is neither true nor false"),
        ("log_format = 'xml'", "log_format: 'xml' is not one of 'json' or 'console'"),
        ("limits = 3", "limits: 3 is no table"),
        ("gracious = 1", "gracious: no such setting"),
        ("slot = 1", "slot: no such setting; did you mean 'slots'?"),
        ("tls-cert = 'a'", "did you mean 'tls_cert'?"),
        ("[limits]\nword = 1", "limits.word: no such setting; did you mean 'limits.words'?"),
        ("words = 1", "did you mean 'limits.words'?"),
        ("grace =", "c.toml: no TOML: "),
        ("listen = 'localhost'", "c.toml: listen: no port in 'localhost'"),
        ("[limits]\nbeam_size = -1", "c.toml: limits.beam_size: -1 is less than 1"),
    ],
)
def test_a_wrong_configuration_file_is_one_line(server: Server, tmp_path: Path, content: str, message: str):
    (tmp_path / "c.toml").write_text(content)
    outcome = server("serve", "--config", tmp_path / "c.toml")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert message in outcome.err


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("POLYGIST_SLOT", "2", "POLYGIST_SLOT: no such setting; did you mean POLYGIST_SLOTS?"),
        ("POLYGIST_SLOTS", "few", "POLYGIST_SLOTS: 'few' is no whole number"),
        ("POLYGIST_LISTEN", "localhost", "POLYGIST_LISTEN: no port in 'localhost'"),
        ("POLYGIST_LIMITS__WORDS", "many", "POLYGIST_LIMITS__WORDS: 'many' is no whole number"),
        ("POLYGIST_LIMITS__QUEUE_SECONDS", "0", "POLYGIST_LIMITS__QUEUE_SECONDS: 0 is less than 1"),
    ],
)
def test_a_wrong_variable_is_one_line_that_names_it(server: Server, monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    outcome = server("serve", "--limit-beam-size", "2")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert message in outcome.err


@pytest.mark.usefixtures("store")
def test_models_are_looked_at_whatever_is_wrong_with_the_settings_of_a_server(server: Server, monkeypatch):
    monkeypatch.setenv("POLYGIST_LISTEN", "0.0.0.0:50051")
    monkeypatch.setenv("POLYGIST_SLOT", "few")
    assert server("models", "list").code == 0
    monkeypatch.setenv("POLYGIST_HOM", "/elsewhere")
    assert "did you mean POLYGIST_HOME?" in server("models", "list").err


@pytest.mark.usefixtures("store")
def test_a_file_of_settings_may_be_named_by_a_variable(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "c.toml").write_text("grace = true\n")
    monkeypatch.setenv("POLYGIST_CONFIG", str(tmp_path / "c.toml"))
    assert "c.toml: grace: true is no number (try" in server("serve").err
    (tmp_path / "c.toml").write_text("[limit]\nwords = 1\n")
    assert "c.toml: limit: no such setting; did you mean 'limits'?" in server("serve").err
    monkeypatch.setenv("POLYGIST_CONFIG", "/none.toml")
    assert "'/none.toml' does not exist" in server("serve").err


@pytest.mark.usefixtures("store")
def test_a_list_may_be_of_what_is_installed_only(server: Server):
    for command, code in ((["list", "--installed"], 0), (["verify"], 1)):
        outcome = server("models", *command)
        assert (outcome.code, outcome.out) == (code, "")
        assert re.fullmatch(
            r"note: no model is installed in .*; run: polygist-server models pull starter\n", outcome.err
        )
    server("models", "pull", "tiny")
    (line,) = server("models", "list", "--installed").out.splitlines()
    assert line.startswith("tiny\ttranslation\ten>pt\t")


@pytest.mark.usefixtures("store")
def test_a_list_tells_what_models_translate_to_what(server: Server):
    rows = dict(line.split("\t")[:3:2] for line in server("models", "list").out.splitlines())
    assert (rows["opus-mt-en-zh"], rows["small100"], rows["bart-large-cnn"]) == ("en>zh", "100 languages", "en")


@pytest.mark.usefixtures("store")
def test_no_name_is_cut_where_the_terminal_is_small(tmp_path: Path):
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    program = [sys.executable, "-c", "from polygist_service import main; main()", "models", "list"]
    environment = {**os.environ, "POLYGIST_HOME": str(tmp_path / "home"), "TERM": "dumb"}
    environment = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(program, stdout=there, env=environment) as running:
        os.close(there)
        shown = b""
        with suppress(OSError):  # how Linux says that the other end is closed
            while part := os.read(here, 65536):
                shown += part
    os.close(here)
    lines = shown.decode().splitlines()
    assert running.returncode == 0
    assert {"nllb-200-distilled-600m", "bart-large-cnn-samsum", "opus-mt-en-zh"} <= {
        line.split(" ")[0] for line in lines
    }
    assert max(map(len, lines)) <= 80
    assert "…" not in shown.decode()


@pytest.mark.usefixtures("store")
def test_models_are_told_to_programs(server: Server):
    server("models", "pull", "tiny")
    told = {model["name"]: model for model in json.loads(server("models", "list", "--json").out)["models"]}
    tiny, other = told["tiny"], told["opus-mt-en-fr"]
    assert (tiny["installed"], tiny["role"], tiny["sourceLanguageCodes"]) == (True, "translation", ["en"])
    assert json.loads(server("models", "show", "tiny", "--json").out) == tiny
    assert (other["installed"], other["memoryBytes"], other["license"]) == (False, 80_000_000, "Apache-2.0")
    assert other["source"] == {"kind": "hub", "repository": "Helsinki-NLP/opus-mt-en-fr", "revision": "main"}
    only = json.loads(server("models", "list", "--json", "--installed").out)
    assert only == {"models": [tiny], "leftOut": []}


@pytest.mark.usefixtures("store")
def test_models_that_might_be_meant_are_named_once_though_they_are_installed(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(models, "MOST_SUGGESTED", 99)
    server("models", "pull", "tiny")
    named = re.split(r", | and ", server("models", "show", "zzzzzz").err.partition("it has: ")[2])
    assert named[0] == "tiny"
    assert [name.split()[0] for name in named].count("tiny") == 1


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("name", ["opus-mt-en-fr", "en-fr", "Helsinki-NLP/opus-mt-en-fr", "models/opus-mt-en-fr"])
def test_a_model_is_shown_before_it_is_installed(server: Server, name):
    rows = dict(line.split("\t") for line in server("models", "show", name).out.splitlines())
    assert (rows["name"], rows["installed"], rows["reads"], rows["writes"]) == ("opus-mt-en-fr", "no", "en", "fr")


@pytest.mark.usefixtures("store")
def test_a_model_is_shown_when_it_is_installed(server: Server, tmp_path: Path):
    server("models", "pull", "tiny")
    rows = dict(line.split("\t") for line in server("models", "show", "tiny").out.splitlines())
    assert (rows["installed"], rows["licence"], rows["tokens at once"]) == ("yes", "Apache-2.0", "64")
    assert Path(rows["folder"]).is_relative_to(tmp_path / "home")


def put_strays(models: Path) -> None:
    """Put beside the models what a file system, an interpreter or a person may have left there."""
    for name in ("lost+found", "__pycache__", "half.tmp"):
        (models / name).mkdir()
    (models / "half.tmp" / "config.json").write_text("{}")
    (models / ".DS_Store").write_text("")
    (models / "notes.txt").write_text("")
    (models / "en-de.tar.zst").write_text("")
    (models / "gone").symlink_to("/nowhere")
    (models / "round").symlink_to("round")


STRAYS = ["__pycache__", "en-de.tar.zst", "gone", "half.tmp", "lost+found", "notes.txt", "round"]


@pytest.mark.usefixtures("store")
def test_what_lies_beside_the_models_is_left_out_with_a_warning(server: Server, tmp_path: Path):
    server("models", "pull", "tiny")
    put_strays(tmp_path / "home" / "models")
    verified, listed = server("models", "verify"), server("models", "list", "--installed")
    assert (verified.code, verified.out) == (0, "tiny: ok\n")
    assert (listed.code, listed.out.count("\n")) == (0, 1)
    for outcome in (verified, listed):
        assert re.findall(r"^warning: .+/models/(.+?): ", outcome.err, re.MULTILINE) == STRAYS
        assert len(outcome.err.splitlines()) == len(STRAYS)
    left_out = json.loads(server("models", "list", "--json").out)["leftOut"]
    assert [each["name"] for each in left_out] == STRAYS


@pytest.mark.usefixtures("store")
def test_what_is_no_model_is_not_removed_as_one(server: Server, tmp_path: Path):
    server("models", "pull", "tiny")
    put_strays(tmp_path / "home" / "models")
    outcome = server("models", "rm", "lost+found")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "is no model: a folder without a model; it is left alone" in outcome.err
    assert (tmp_path / "home" / "models" / "lost+found").is_dir()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("manifest", ["{", "", "{}", '{"format": 99}', None])
def test_a_broken_model_is_told_and_the_others_are_checked_all_the_same(server: Server, tmp_path: Path, manifest):
    server("models", "pull", "tiny")
    broken = tmp_path / "home" / "models" / "broken"
    broken.mkdir()
    (broken / "model.bin").write_text("")
    if manifest is not None:
        (broken / "manifest.json").write_text(manifest)
    verified, listed = server("models", "verify"), server("models", "list", "--installed")
    assert (verified.code, verified.out, verified.err.count("\n")) == (1, "tiny: ok\n", 1)
    assert (listed.code, listed.out.count("\n"), listed.err.count("\n")) == (0, 1, 1)
    for outcome in (verified, listed):
        # Nobody could pull it: it is no name of the catalogue.
        assert outcome.err.endswith("; run: polygist-server models rm broken, and install it again as it was\n")
        assert manifest != "{}" or "manifest.json (it has no 'format');" in outcome.err
    assert server("models", "rm", "broken").code == 0
    assert server("models", "verify").code == 0
    assert server("models", "rm", "tiny").code == 0
    assert server("models", "verify").code == 1


def walk(command: click.Command, path: tuple[str, ...] = ()):
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, (*path, name))


@pytest.mark.parametrize("path", list(walk(app.server)))
def test_every_help_fits_the_terminal(path: tuple[str, ...]):
    shown = CliRunner().invoke(app.server, [*path, "--help"], prog_name="polygist-server")
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 80
    assert "..." not in shown.output.replace("[ARGS]...", "")


@pytest.mark.parametrize("path", [(), ("models",)])
def test_a_command_alone_prints_its_help(server: Server, path: tuple[str, ...]):
    alone, asked = server(*path), server(*path, "--help")
    assert (alone.code, alone.out) == (2, "")
    assert alone.err == asked.out
    assert asked.out.count("\n") > 10
    assert "Examples:\n  polygist-server models pull starter\n" in asked.out


def test_the_flags_of_serve_stand_under_what_they_are_for():
    shown = CliRunner().invoke(app.server, ["serve", "--help"]).output
    sections = dict(re.findall(r"^(\w[^\n]*):\n(.+?)(?:\n\n|\Z)", shown, re.MULTILINE | re.DOTALL))
    assert re.findall("^  (--[a-z]+|-h)", sections["Options"], re.MULTILINE) == ["--config", "-h"]
    assert "--tls-cert" in sections["Encryption"]
    assert sections["Limits on one request"].count("--limit-") == len(fields(Limits))
    assert "polygist-server serve --listen 0.0.0.0:50051 --tls-cert" in sections["Examples"]


def test_the_version_is_told(server: Server):
    assert server("--version").out == server("-V").out == f"polygist-server {__version__}\n"


def test_the_help_has_every_setting_with_its_variable():
    shown = " ".join(CliRunner().invoke(app.server, ["serve", "--help"]).output.split())
    for name in {*Settings.model_fields} - {"limits"}:
        assert f"--{name.replace('_', '-')} " in shown
        assert f"[POLYGIST_{name.upper()}; default: " in shown
    for each in fields(Limits):
        assert f"[POLYGIST_LIMITS__{each.name.upper()}; default: {each.default}]" in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(server: Server, shell: str):
    assert "_POLYGIST_SERVER_COMPLETE" in server("completion", shell).out


def test_completion_answers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    environment = {
        **os.environ, "_POLYGIST_SERVER_COMPLETE": "bash_complete",
        "COMP_WORDS": "polygist-server models p", "COMP_CWORD": "2",
    }  # fmt: skip
    done = subprocess.run(COMMAND, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["plain,ps", "plain,pull"]


def complete(line: str) -> list[str]:
    """What a shell offers at the end of a line."""
    *words, last = line.split(" ")
    offered = ShellComplete(app.server, {}, app.NAME, app.COMPLETION_VARIABLE).get_completions(words, last)
    return [each.value for each in offered]


def test_completion_knows_the_models(store, folder: Path, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    store.convert("tiny", folder)
    monkeypatch.setenv("POLYGIST_HOME", str(store.home))
    assert complete("models pull st") == ["starter"]
    assert complete("models pull opus-mt-en-f") == ["opus-mt-en-fr"]
    for command in ("rm", "verify", "export", "show"):
        assert complete(f"models {command} ti") == ["tiny"]
    assert complete("models rm opus") == []
    monkeypatch.delenv("POLYGIST_HOME")
    assert complete(f"models --home {store.home} rm ti") == ["tiny"]


def test_completion_says_nothing_where_the_catalogue_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "catalogue.toml").write_text("[")
    monkeypatch.setenv("POLYGIST_HOME", str(tmp_path))
    assert complete("models pull st") == []


def test_help_does_not_wait_for_what_only_serving_needs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    program = "import sys; from polygist_service.cli import app; app.run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"numpy", "ctranslate2", "grpc", "structlog"} & set(done.stdout.split())


def test_a_pipe_that_closes_ends_the_run_quietly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ["models", "--home", str(tmp_path), "list"]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "streams", "code"),
    [
        ("models list", ">&-", 0),
        ("models list", "2>&-", 0),
        ("models list", ">&- 2>&-", 0),
        ("models list", "<&-", 0),
        ("models list", ">/dev/full", 1),
        ("models list --json", ">/dev/full 2>&-", 1),
        ("models show en-pt", "2>/dev/full", 0),
        ("--help", ">/dev/full", 1),
        ("--version", ">/dev/full 2>/dev/full", 1),
        ("", ">&- 2>&-", 2),
        ("models nothing", "2>/dev/full", 2),
    ],
)
def test_a_stream_that_cannot_be_written_is_no_traceback(tmp_path: Path, arguments: str, streams: str, code: int):
    command = f"{sys.executable} -c 'from polygist_service import main; main()' {arguments} {streams}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "POLYGIST_HOME": str(tmp_path)}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == code
    assert done.stderr.splitlines() in ([], ["error: standard output: No space left on device"])


def test_keys_without_a_file_say_what_to_give():
    done = CliRunner(env={"POLYGIST_ACCESS_KEYS": None}).invoke(app.server, ["keys", "list"])
    assert done.exit_code == 2
    assert "--access-keys is missing; give the file of the API keys" in done.output
