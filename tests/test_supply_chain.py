"""What the image is made of: written down, looked up, and the same each time."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from polygist import __version__

from deploy import sbom

ROOT = Path(__file__).parents[1]
DAMAGING = {"id": "PYSEC-1", "affected": [
    {"package": {"name": "grpcio", "ecosystem": "PyPI"},
     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}]},
]}  # fmt: skip


def test_the_bill_of_materials_names_packages_and_models(tiny_home, capsys):
    sbom.main(sys.executable, str(tiny_home / "models"))
    written = capsys.readouterr().out
    document = json.loads(written)
    about, components = document["metadata"]["component"], document["components"]
    assert (about["name"], about["version"]) == ("polygist", __version__)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert asked <= {canonicalize_name(each["name"]) for each in components if each["type"] == "library"}
    (model,) = (each for each in components if each["type"] == "machine-learning-model")
    assert (model["name"], len(model["version"])) == ("de-en", 64)
    assert {"model.bin", "config.json"} <= {each["name"] for each in model["components"]}
    # Against the schema a package takes a tenth of a second, and they are all alike.
    few = json.dumps(document | {"components": [components[0], model], "dependencies": []})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(few) is None
    sbom.main(sys.executable, str(tiny_home / "models"))
    assert capsys.readouterr().out == written


@contextmanager
def database(answer) -> Iterator[str]:
    """The address of a vulnerability database that answers a question with (status, document)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, document = answer(question)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def run_audit(address: str) -> subprocess.CompletedProcess[str]:
    """Run the audit against a database."""
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    environment = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
    return subprocess.run(
        [sys.executable, ROOT / "deploy" / "audit.py"], env=environment | {"PIP_AUDIT_OSV_URL": address},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.outside
@pytest.mark.parametrize(("answer", "code", "line"), [
    (lambda question: (200, {}), 0, "packages looked up, 0 vulnerabilities known"),
    (lambda question: (200, {"vulns": [DAMAGING]} if question["package"]["name"] == "grpcio" else {}), 1,
     "PYSEC-1, mended in 99.1"),
    (lambda question: (503, {}), 2, "no audit: the packages could not be looked up at OSV"),
])  # fmt: skip
def test_the_audit_tells_what_is_known_and_whether_it_could_ask(answer, code, line):
    with database(answer) as address:
        done = run_audit(address)
    assert (done.returncode, line in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def test_without_a_network_the_audit_says_so_in_a_line():
    done = run_audit("http://127.0.0.1:1/")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.endswith(" …)\n"), done.stderr  # and no word of it is cut
