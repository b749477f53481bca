"""Where comparators are installed: each has a virtual environment of its own, outside the clone, kept between runs."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from bench.speed.sides import NotInstalled

CACHE = Path(os.environ.get("POLYGIST_BENCH_CACHE") or user_cache_path("polygist-bench"))
MADE_OF = "made_of"


def as_here(*packages: str) -> tuple[str, ...]:
    """Requirements for the versions that this environment, and so the service, has: only then are engines equal."""
    return tuple(f"{package}=={version(package)}" for package in packages)


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment.

    Attributes:
        name: of its folder.
        requirements: what uv installs, each with its version.
    """

    name: str
    requirements: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it is; comparators keep other files there too."""
        return CACHE / self.name

    def prepare(self) -> Path:
        """Its Python, installed where it is missing or made of other requirements; raises NotInstalled."""
        python, wanted = self.folder / "bin" / "python", describe(self.requirements)
        made_of = self.folder / MADE_OF
        if not made_of.is_file() or made_of.read_text(encoding="utf-8") != wanted:
            uv = str(Path(sys.executable).with_name("uv"))
            create = (uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(self.folder))
            install = (uv, "pip", "install", "--quiet", "--python", str(python), *self.requirements)
            done = run_behind(*create)
            if not done.returncode:
                done = run_behind(*install)
            if done.returncode:
                raise NotInstalled(f"{self.name}: uv could not install it: {done.stderr.strip()[-500:]}")
            made_of.write_text(wanted, encoding="utf-8")
        return python


def run_behind(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a program behind everything else on the machine; the caller looks at its exit status."""
    return subprocess.run(["nice", "-n", "19", *command], capture_output=True, text=True, check=False)


def describe(requirements: Iterable[str]) -> str:
    """What an environment is made of; another text means that it is made again."""
    return "\n".join([sys.version, *requirements])
