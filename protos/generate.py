"""Regenerate the Python code of the contract: ``python protos/generate.py`` (needs the ``dev`` extra)."""

import sys
import sysconfig
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent
SCRIPTS = Path(sysconfig.get_path("scripts"))  # the plugins are found without an activated environment
STUBS = ("mypy", "mypy_grpc")


def generate(out: Path) -> None:
    """Write messages, services and their type stubs below `out`; raises SystemExit when protoc refuses."""
    sources = sorted(str(path) for path in ROOT.glob("polygist/v1/*.proto"))
    includes = [f"-I{ROOT}", f"-I{files('grpc_tools') / '_proto'}"]
    plugins = [f"--plugin=protoc-gen-{kind}={SCRIPTS / f'protoc-gen-{kind}'}" for kind in STUBS]
    outputs = [f"--{kind}_out={out}" for kind in ("python", "grpc_python")]
    outputs += [f"--{kind}_out=quiet:{out}" for kind in STUBS]
    status = protoc.main(["protoc", *includes, *plugins, *outputs, *sources])
    if status:
        sys.exit(status)


if __name__ == "__main__":
    generate(ROOT)
