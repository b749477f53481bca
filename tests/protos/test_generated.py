"""What is committed beside the protos: generated code, and the files that installed packages need."""

import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import polygist
import pytest
from polygist.v1 import common_pb2, model_service_pb2, summarisation_service_pb2, translation_service_pb2

from protos.generate import generate

REPOSITORY = Path(__file__).parents[2]
PROTOS = REPOSITORY / "protos"
SOURCE_ROOTS = ("protos/polygist", "service/polygist_service", "client/polygist_client")
BUF = Path(sysconfig.get_path("scripts")) / "buf"


def read_generated(root: Path) -> dict[str, bytes]:
    paths = [path for pattern in ("*_pb2*.py", "*_pb2*.pyi", "*.binpb") for path in root.rglob(pattern)]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def test_committed_code_is_what_the_protos_generate(tmp_path):
    generate(tmp_path)
    fresh, committed = read_generated(tmp_path), read_generated(PROTOS)
    assert fresh.keys() == committed.keys()
    stale = [name for name in fresh if fresh[name] != committed[name]]
    assert not stale, "run: python protos/generate.py"


def test_the_oldest_versions_that_are_allowed_are_those_of_the_generator():
    """Older ones refuse the generated code; newer ones would shut out packages that hold back protobuf."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    oldest = dict(each.split(",")[0].split(">=") for each in project["dependencies"])
    stub = (PROTOS / "polygist/v1/translation_service_pb2_grpc.py").read_text()
    messages = (PROTOS / "polygist/v1/translation_service_pb2.py").read_text()
    assert re.search(r"GRPC_GENERATED_VERSION = '(.*)\.0'", stub)[1] == oldest["grpcio"]
    assert re.search(r"# Protobuf Python Version: (.*)\.0\n", messages)[1] == oldest["protobuf"]


@pytest.mark.parametrize("command", [("lint",), ("format", "--diff", "--exit-code", "protos")], ids=lambda c: c[0])
def test_buf_has_nothing_to_say(command):
    done = subprocess.run([BUF, *command], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_no_foreign_proto_is_vendored():
    protos = [path for root in ("protos", "service", "client") for path in (REPOSITORY / root).rglob("*.proto")]
    packages = {re.search(r"^package (.+);$", path.read_text(), re.M)[1] for path in protos}
    assert packages == {"polygist.v1"}


@pytest.mark.parametrize("file", [common_pb2, model_service_pb2, summarisation_service_pb2, translation_service_pb2])
def test_code_in_other_languages_has_a_package_of_its_own(file):
    said = {option.name: value for option, value in file.DESCRIPTOR.GetOptions().ListFields()}
    assert said == {
        "go_package": "polygist/v1;polygistv1", "java_package": "polygist.v1", "java_multiple_files": True,
        "csharp_namespace": "Polygist.V1",
    }  # fmt: skip


def test_version_is_said_once():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "protos/polygist/__init__.py"
    literals = [
        path
        for root in SOURCE_ROOTS
        for path in (REPOSITORY / root).rglob("*.py")
        if f'"{polygist.__version__}"' in path.read_text()
    ]
    assert literals == [PROTOS / "polygist/__init__.py"]


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_package_is_typed(root):
    assert (REPOSITORY / root / "py.typed").is_file()
