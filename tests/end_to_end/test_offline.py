"""Serving opens no connection to the outside, looks up no name, and does not even load what could."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from polygist_client import Client

from tests.end_to_end.server import ServerProcess

ROOT = Path(__file__).parents[2]
NAMESPACE = ("unshare", "--map-root-user", "--net")
OFFLINE_RUN = (sys.executable, "-m", "tests.end_to_end.offline_run")
# Notes what Python's own code does; the namespace sees the rest too, but not every machine lets us have one.
SITECUSTOMIZE = """
import os, sys

def note(event, arguments):
    if event == "import" and arguments[0] in ("huggingface_hub", "httpx2", "pip"):
        line = f"import {arguments[0]}"
    elif event in ("socket.connect", "socket.sendto"):
        line = f"{event} {arguments[1]}"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen"):
        line = f"{event} {arguments[0]}"
    else:
        return
    with open(os.environ["NOTES"], "a") as notes:
        print(line, file=notes)

sys.addaudithook(note)
"""


@pytest.fixture
def namespace():
    """What starts a program in a network of its own; skips where this machine has none to give."""
    try:
        subprocess.run([*NAMESPACE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespace of our own here: {error}")
    return NAMESPACE


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """Lets Python programs note what they reach for; gives the file of the notes."""
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    (tmp_path / "notes").touch()
    return tmp_path / "notes"


def run_offline(namespace, *arguments):
    done = subprocess.run([*namespace, *OFFLINE_RUN, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.model
def test_serving_sends_nothing_outside(namespace, starter_home, tmp_path):
    told = run_offline(namespace, starter_home, tmp_path / "log", "serve")
    assert told["translation"]
    assert told["summary"]
    assert told["code"] == 0
    assert told["sent"] == {"packets": 0, "datagrams": 0}


def test_what_is_sent_outside_is_counted(namespace, tmp_path):
    told = run_offline(namespace, tmp_path, tmp_path, "reach out")
    assert told["sent"] == {"packets": 2, "datagrams": 1}, told


@pytest.mark.model
def test_serving_reaches_for_nothing(starter_home, notes, tmp_path, article):
    with ServerProcess(starter_home, tmp_path / "log") as process:
        process.wait_until_serving()
        with Client(process.address) as client:
            assert client.translate(article, to="pt").text
            assert client.summarise(article).text
        assert process.stop() == 0
    assert notes.read_text() == ""


def test_what_python_reaches_for_is_noted(notes):
    program = "import socket, pip; socket.socket().connect_ex(('192.0.2.1', 80)); socket.gethostbyname('localhost')"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=200)
    noted = notes.read_text()
    for line in ("import pip", "socket.connect ('192.0.2.1', 80)", "socket.gethostbyname localhost"):
        assert line in noted
