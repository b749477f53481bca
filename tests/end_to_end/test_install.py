"""What `pip install .` brings, and what it does not, in an environment of its own."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from polygist import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """The ``bin`` folder of an environment with the client only."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, with_pip=True)
    subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ROOT], check=True
    )
    return folder / "bin"


def run(command: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [command, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def test_the_client_alone_brings_no_engine_and_no_model(bare):
    packages = bare.parent / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    names = {path.name.lower() for path in packages.iterdir()}
    assert {"polygist", "polygist_client", "polygist_service"} <= names
    assert not {name for name in names if name.startswith(("ctranslate2", "numpy", "sentencepiece", "tokenizers"))}
    assert not list(packages.glob("**/model.bin"))
    assert (packages / "polygist_client" / "py.typed").exists()
    assert (packages / "polygist" / "v1" / "translation_service.proto").exists()


def test_the_cli_helps_and_tells_its_version(bare):
    assert "translate" in run(bare / "polygist", "--help").stdout
    assert run(bare / "polygist", "version").stdout.split()[-1] == __version__


def test_without_a_server_it_says_so_in_one_line(bare):
    done = run(bare / "polygist", "-a", "127.0.0.1:1", "translate", "--to", "pt", "--text", "Hello")
    assert (done.returncode, done.stdout) == (4, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("error: ")


def test_the_server_says_how_to_install_it(bare):
    done = run(bare / "polygist-server", "serve")
    assert done.returncode == 1
    assert "pip install 'polygist[service]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
