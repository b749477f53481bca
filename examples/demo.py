"""The demo behind `make demo`: pull the starter models, start a server, summarise and translate an article."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ARTICLE = Path(__file__).parent / "article.txt"
BIN = Path(sys.executable).parent


def run(title: str, *arguments: str, text: str | None = None) -> str:
    """Run one command of the client, print it with its answer and its time, return the answer."""
    print(f"\n── {title}\n$ polygist {' '.join(arguments)}", flush=True)
    began = time.perf_counter()
    done = subprocess.run([BIN / "polygist", *arguments], check=True, text=True, input=text, stdout=subprocess.PIPE)
    seconds = time.perf_counter() - began
    print(done.stdout.rstrip())
    print(f"({seconds:.2f} s, the start of the command included)", flush=True)
    return done.stdout


def find_free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def show(address: str, folder: Path) -> None:
    """Everything that the demo shows, against a running server."""
    os.environ["POLYGIST_ADDRESS"] = address
    portuguese = folder / "artigo.txt"
    run("is the server ready?", "health", "--wait", "60s")
    run("summary, with citations", "summarise", str(ARTICLE), "--citations")
    run("key points", "summarise", str(ARTICLE), "--type", "key-points")
    portuguese.write_text(run("Portuguese translation", "translate", str(ARTICLE), "--to", "pt"), encoding="utf-8")
    run("Portuguese summary of the English article", "summarise", str(ARTICLE), "--to", "pt")
    run("English summary of the Portuguese translation", "summarise", str(portuguese), "--to", "en")


def main() -> None:
    """Pull, serve, show, stop."""
    subprocess.run([BIN / "polygist-server", "models", "pull", "starter"], check=True)
    address = f"127.0.0.1:{find_free_port()}"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen([BIN / "polygist-server", "serve", "--listen", address], stderr=output)
        try:
            show(address, Path(folder))
        except subprocess.CalledProcessError:
            print(log.read_text(), file=sys.stderr)
            raise SystemExit(1) from None
        finally:
            server.terminate()
            server.wait(timeout=20)
    print(f'\nThe server has stopped. To keep one:\n\n    export PATH="{BIN}:$PATH"\n    polygist-server serve')


if __name__ == "__main__":
    main()
