"""The compiled load generator: built from its source and the contract with the distribution's packages.

On Debian: ``apt-get install --no-install-recommends g++ pkg-config libgrpc++-dev protobuf-compiler-grpc``.
"""

import hashlib
import shutil
from pathlib import Path

from bench.quality.environment import REPOSITORY
from bench.speed.comparators.environments import CACHE, run_behind
from bench.speed.sides import NotInstalled

SOURCE = Path(__file__).with_name("generator.cpp")
PROTOS = REPOSITORY / "protos"
CONTRACT = ("polygist/v1/common.proto", "polygist/v1/translation_service.proto")
PROGRAMS = ("g++", "pkg-config", "protoc", "grpc_cpp_plugin")


def build_generator() -> Path:
    """The program, built where it is missing or of other sources; raises NotInstalled."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        raise NotInstalled(f"the compiled generator needs {', '.join(missing)}: {(__doc__ or '').splitlines()[-1]}")
    sources = b"".join(path.read_bytes() for path in (SOURCE, *(PROTOS / name for name in CONTRACT)))
    folder = CACHE / f"generator-{hashlib.sha256(sources).hexdigest()[:12]}"
    program = folder / "generator"
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        build(folder, program)
    return program


def build(folder: Path, program: Path) -> None:
    """Generate and compile in `folder`; raises NotInstalled where the packages are not all there."""
    plugin = f"--plugin=protoc-gen-grpc={shutil.which('grpc_cpp_plugin')}"
    outputs = (f"--cpp_out={folder}", f"--grpc_out={folder}")
    run("protoc", f"-I{PROTOS}", plugin, *outputs, *CONTRACT)
    libraries = run("pkg-config", "--cflags", "--libs", "grpc++", "protobuf").split()
    generated = sorted(map(str, folder.glob("polygist/v1/*.cc")))
    partial = program.with_suffix(".partial")
    run("g++", "-std=c++17", "-O2", f"-I{folder}", str(SOURCE), *generated, "-o", str(partial), *libraries)
    partial.rename(program)


def run(*command: str) -> str:
    """What a program prints, run behind everything else; raises NotInstalled where it fails."""
    done = run_behind(*command)
    if done.returncode:
        raise NotInstalled(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
