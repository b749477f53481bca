"""Regenerate the Python code of the contract: ``python protos/generate.py``.

The generator runs in an environment of its own, ``.venv-protos``: it is the oldest that our users' other packages need,
and what it makes works with all newer versions of protobuf and gRPC, never with older ones. The first run installs it
with pip; later ones need no network.
"""

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent
PROJECT = ROOT.parent / "pyproject.toml"
ENVIRONMENT = ROOT.parent / ".venv-protos"
GROUP = "protos"
STUBS = ("mypy", "mypy_grpc")
DESCRIBED = "polygist/v1/contract.binpb"  # a FileDescriptorSet with the comments, which generated code does not keep


def prepare_environment() -> Path:
    """The folder of the generator's programs, installed where they are missing or of other versions.

    Raises:
        SystemExit: pip could not, and has said why.
    """
    pinned = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["dependency-groups"][GROUP]
    wanted, made_of = "\n".join([sys.version, *pinned]), ENVIRONMENT / ".made_of"
    if not made_of.exists() or made_of.read_text(encoding="utf-8") != wanted:
        venv.create(ENVIRONMENT, clear=True, symlinks=True)
        command = [sys.executable, "-m", "pip", "--python", str(ENVIRONMENT), "install", "-qq", *pinned]
        if subprocess.run([*command, "--disable-pip-version-check"], check=False).returncode:
            sys.exit(f"error: {ENVIRONMENT.name} lacks {', '.join(pinned)}: pip could not install them")
        made_of.write_text(wanted, encoding="utf-8")
    return ENVIRONMENT / "bin"


def run_protoc(*flags: str) -> None:
    """Run protoc over our protos; raises SystemExit where it refuses them or cannot be installed."""
    programs = prepare_environment()
    plugins = [f"--plugin=protoc-gen-{kind}={programs / f'protoc-gen-{kind}'}" for kind in STUBS]
    sources = sorted(str(path) for path in ROOT.glob("polygist/v1/*.proto"))
    command = [str(programs / "python"), "-m", "grpc_tools.protoc", f"-I{ROOT}", *plugins, *flags, *sources]
    if status := subprocess.run(command, check=False).returncode:
        sys.exit(status)


def generate(out: Path) -> None:
    """Write messages, services, type stubs and `DESCRIBED` below `out`; raises SystemExit as `run_protoc` does."""
    outputs = [f"--{kind}_out={out}" for kind in ("python", "grpc_python")]
    run_protoc(*outputs, *(f"--{kind}_out=quiet:{out}" for kind in STUBS))
    run_protoc("--include_source_info", f"--descriptor_set_out={out / DESCRIBED}")


if __name__ == "__main__":
    generate(ROOT)
