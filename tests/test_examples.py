"""The programs of ``examples/`` are run against a real server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def run(*command, folder=ROOT):
    """Run an example with our own programs first on the path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def read_output(*command, folder=ROOT):
    done = run(*command, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.model
def test_python(server):
    lines = read_output("python", EXAMPLES / "python_sync.py", EXAMPLES / "article.txt", server.address).splitlines()
    assert len(lines) == 3
    assert "ferry" in lines[0]
    assert "Margarete" in lines[2]


@pytest.mark.model
def test_python_with_asyncio(server, article):
    lines = read_output("python", EXAMPLES / "python_async.py", EXAMPLES / "article.txt", server.address).splitlines()
    assert lines[0].startswith("en: ")
    assert len(lines) == 1 + len(list(filter(str.strip, article.splitlines())))


@pytest.mark.model
def test_shell(server, tmp_path, article):
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(article)
    command = ("sh", EXAMPLES / "shell.sh", tmp_path, server.address)
    lines = read_output(*command).splitlines()
    assert [line.split(":")[0] for line in lines] == ["one", "two"]
    assert all("Margarete" in line for line in lines)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "summaries").iterdir()}
    assert read_output(*command).splitlines() == lines
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "summaries").iterdir()} == written


@pytest.mark.parametrize("example", ["python_sync.py", "python_async.py"])
def test_without_a_server_they_say_so_in_one_line(example):
    done = run("python", EXAMPLES / example, EXAMPLES / "article.txt", "127.0.0.1:1")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("program", "example"), [("python", "python_sync.py"), ("python", "python_async.py"), ("sh", "shell.sh")]
)
def test_without_what_they_are_to_read_they_say_how_they_are_used(program, example):
    done = run(program, EXAMPLES / example)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert f"usage: {program} examples/{example} " in done.stderr


def test_the_readme_names_them_all():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    programs = [path for path in EXAMPLES.rglob("*") if path.suffix in {".py", ".js", ".sh"}]
    ours = {path.relative_to(ROOT).as_posix() for path in programs if "node_modules" not in path.parts}
    assert {path for path in ours if path not in readme and Path(path).name not in readme} == {"examples/demo.py"}
