"""What README says to install, in a home that has nothing: what that brings, and what it does not.

Of the server's packages only the client's are installed: the engine's are large, and others' affair.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from polygist import __version__

pytestmark = pytest.mark.outside

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


def install(tool: str, home: Path) -> None:
    """Run the lines of README that install with a tool, in another home."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Install\n")[2]
    (shown,) = [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[:2] if tool in block]
    assert ".[service]" in shown
    (home / "bin").mkdir()
    (home / "bin" / "uv").symlink_to(UV)
    cache = {
        "UV_CACHE_DIR": subprocess.run([UV, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip(),
        "PIP_CACHE_DIR": subprocess.run(
            [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=True
        ).stdout.strip(),
    }
    others = [folder for folder in os.environ["PATH"].split(":") if folder != str(UV.parent)]
    path = ":".join([f"{home}/.local/bin", f"{home}/bin", *others])
    script = f"set -e\ncd {shlex.quote(str(ROOT))}\n{shown.replace('.[service]', '.')}\ncommand -v polygist"
    done = subprocess.run(
        ["bash", "-c", script],
        env=os.environ | cache | {"HOME": str(home), "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{home}/.local/"), "the commands are not on the path"


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """The ``bin`` folder of an environment with the client only."""
    home = tmp_path_factory.mktemp("bare")
    install("pip", home)
    return home / ".local" / "polygist" / "bin"


def test_uv_installs_both_commands(tmp_path):
    install("uv tool", tmp_path)
    assert {path.name for path in (tmp_path / ".local" / "bin").iterdir()} >= {"polygist", "polygist-server"}
    assert run(tmp_path / ".local" / "bin" / "polygist", "version").stdout.split()[-1] == __version__


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
