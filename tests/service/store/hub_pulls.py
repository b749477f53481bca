"""Pulls from the stand-in of the Hub, each in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

NAME = "Someone/opus-tiny"
WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b'{"model_type": "marian"}',
    "onnx/model.onnx": b"onnx",
    "model.safetensors": WEIGHTS,
    "tokenizer.py": b"import os",
    "empty.txt": b"",
}
LARGE = ("model.safetensors",)
WANTED = {path: FILES[path] for path in ("config.json", "model.safetensors")}
# Settings of whoever runs the tests.
OUTSIDE = re.compile(r"HF_|TRANSFORMERS_|HUGGINGFACE_|\w+_proxy$", re.IGNORECASE)
PROGRAM = Path(__file__).with_name("hub_program.py")


class Pull:
    """A pull as a process, and what it said."""

    def __init__(self, hub, folder, *, name=NAME, revision="main", paths=tuple(WANTED), before=None, **settings):
        kept = {key: value for key, value in os.environ.items() if not OUTSIDE.match(key)}
        self.home = folder.parent / "hf"
        self.folder = folder
        environment = {
            **kept,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(self.home),
            "HOME": str(folder.parent),
            **settings,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", PROGRAM, name, revision, folder, *paths],
            env={key: value for key, value in environment.items() if value is not None},
            preexec_fn=before, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def finish(self):
        """Wait for the end; returns itself."""
        output, self.stderr = self.process.communicate()
        assert (self.process.returncode, self.stderr) == (0, "")
        said = [json.loads(line) for line in output.splitlines()]
        self.said = {kind: values for kind, *values in said}
        self.reports = [values for kind, *values in said if kind == "report"]
        self.error = self.said.get("error", [""])[0]
        # Whatever happens: no library for those who do not pull, no cache of its own, no host but the Hub's.
        assert self.said["imported"] == [False]
        assert not self.home.exists()
        assert set(self.said["connections"][0]) <= {"127.0.0.1"}
        assert "\n" not in self.error
        return self

    def kill_when(self, condition):
        """Let go of the download, wait for a condition and kill."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    @property
    def snapshot(self):
        return self.said["snapshot"][0]


def pull(hub, folder, **options):
    """Pull to the end; gives what was said."""
    return Pull(hub, folder, **options).finish()


def contents(folder):
    """The files below a folder, by their paths."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def parts(folder):
    """What has arrived of files that are not whole yet."""
    return [path for path in folder.rglob("*.part") if size_of(path)]


def size_of(path: Path) -> int:
    """How many bytes a file has: none once it is complete, and has another name."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
