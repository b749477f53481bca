"""Run an unpacked image exactly as its configuration says: entry point, command, user, health check.

Started by image_test.sh in a mount and a network namespace of its own, as root.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

START_LIMIT = 60
STOP_LIMIT = 10
ARTICLE = Path("examples/article.txt")


class Container:
    """The image's files, read-only, and its configuration."""

    def __init__(self, root: Path, config: dict[str, Any]) -> None:
        self._root = root
        self._config = config
        self._volumes = config.get("Volumes") or ()
        self._environment = dict(each.split("=", 1) for each in config["Env"])

    def enclose(self) -> None:
        """Leave nothing but a read-only root, its volumes and loopback; raises SystemExit where that did not work."""
        for command in (
            ["mount", "--make-rprivate", "/"],
            ["mount", "--bind", f"{self._root}", f"{self._root}"],
            ["mount", "--bind", "/dev", f"{self._root}/dev"],
            *(["mount", "-t", "tmpfs", "-o", "mode=1777", "volume", f"{self._root}{each}"] for each in self._volumes),
            ["mount", "-o", "remount,bind,ro", f"{self._root}"],
            ["ip", "link", "set", "lo", "up"],
        ):
            subprocess.run(command, check=True)
        networks = [name for _, name in socket.if_nameindex()]
        check(networks == ["lo"], f"only loopback: {networks}")
        write = self.call("python3", "-c", "open('/models/probe', 'w')", check=False)
        check("Read-only file system" in write.stderr, "the root is read-only")

    def start(self, log: Path) -> subprocess.Popen[str]:
        """ENTRYPOINT and CMD as process 1 of a process namespace."""
        command = [*self._config["Entrypoint"], *self._config["Cmd"]]
        with log.open("w") as output:
            return subprocess.Popen(
                ["/usr/bin/unshare", "--pid", "--fork", f"--mount-proc={self._root}/proc", *self._enter(*command)],
                env=self._environment, stderr=output, text=True,
            )  # fmt: skip

    def call(self, *command: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as the image's user."""
        return subprocess.run(
            self._enter(*command), input=text, env=self._environment, capture_output=True, text=True, check=check
        )

    def is_healthy(self) -> bool:
        """What HEALTHCHECK says."""
        command = self._config["Healthcheck"]["Test"][1:]
        return self.call(*command, check=False).returncode == 0

    def _enter(self, *command: str) -> list[str]:
        return ["/usr/sbin/chroot", f"--userspec={self._config['User']}", str(self._root), *command]


def check(truth: bool, claim: str) -> None:
    """Print what holds; end the test with what does not."""
    if not truth:
        sys.exit(f"FAILED  {claim}")
    print(f"ok      {claim}", flush=True)


def check_materials(path: Path) -> None:
    """The bill of materials names polygist's libraries and the models."""
    kinds: dict[str, set[str]] = {}
    for each in json.loads(path.read_text(encoding="utf-8"))["components"]:
        kinds.setdefault(each["type"], set()).add(each["name"])
    libraries, models = kinds.get("library", set()), kinds.get("machine-learning-model", set())
    check(
        {"grpcio", "ctranslate2"} <= libraries and "en-pt" in models, f"{len(libraries)} packages, {len(models)} models"
    )


def wait_until_healthy(container: Container, server: subprocess.Popen[str], log: Path) -> None:
    """Ask HEALTHCHECK again and again; ends the test with the log where the server ends or takes too long."""
    start = time.monotonic()
    while not container.is_healthy():
        if server.poll() is not None or time.monotonic() - start > START_LIMIT:
            sys.exit(f"FAILED  health\n{log.read_text()}\nan image with MODELS=none has nothing to test here")
        time.sleep(0.2)
    print(f"ok      healthy after {time.monotonic() - start:.1f} s")


def stop(server: subprocess.Popen[str], number: int) -> int:
    """Send the signal to the image's process, not to the `unshare` around it, and return the exit code."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    os.kill(int(children[0]), number)
    return server.wait(timeout=STOP_LIMIT)


def read_config(inspection: Path) -> dict[str, Any]:
    """The image's configuration, out of what `buildah inspect` or `docker image inspect` printed."""
    found = json.loads(inspection.read_text())
    config: dict[str, Any] = found[0]["Config"] if isinstance(found, list) else found["Docker"]["config"]
    return config


def main(root: Path, config: dict[str, Any], log: Path) -> None:
    """Health, a summary, a translation, the stop."""
    user = config["User"].split(":")[0]
    check(user.isdecimal() and user != "0", f"the user is numeric and not root: {config['User']}")
    form = config["Healthcheck"]["Test"][0]
    check(form == "CMD", f"HEALTHCHECK needs no shell: {form}")
    check_materials(root / "usr/share/doc/polygist/polygist.cdx.json")
    container = Container(root, config)
    container.enclose()
    server = container.start(log)
    try:
        wait_until_healthy(container, server, log)
        article = ARTICLE.read_text(encoding="utf-8")
        summary = container.call("polygist", "summarise", "--max-sentences", "1", text=article).stdout.strip()
        check(bool(summary) and summary in article, f"summary: {summary}")
        translation = container.call("polygist", "translate", "--to", "pt", text="The library opens at nine.").stdout
        check("biblioteca" in translation, f"translation: {translation.strip()}")
        records = [json.loads(line) for line in log.read_text().splitlines()]
        check([record["event"] for record in records].count("insecure") == 1, "the log says insecure once")
        start = time.monotonic()
        code = stop(server, getattr(signal, config["StopSignal"]))
        check(code == 0, f"{config['StopSignal']} ends it with code {code} after {time.monotonic() - start:.1f} s")
    finally:
        if server.poll() is None:
            server.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]), read_config(Path(sys.argv[2])), Path(sys.argv[2]).with_name("log"))
