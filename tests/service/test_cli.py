"""The command line of the server: models in and out, settings, help, how runs end."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from polygist_service.cli import app
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
        ("serve --tls-cert a.pem", 2, "give both or neither"),
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
    [("grace = 'soon'", "grace: "), ("gracious = 1", "gracious: "), ("grace =", "c.toml: ")],
)
def test_a_wrong_configuration_file_is_one_line(server: Server, tmp_path: Path, content: str, message: str):
    (tmp_path / "c.toml").write_text(content)
    outcome = server("serve", "--config", tmp_path / "c.toml")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert message in outcome.err


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
    assert done.stdout.split() == ["plain,pull"]


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
