"""The demo behind `make demo`: pull the starter models, start a server, summarise and translate an article.

With `--keep`, as of `make demo KEEP=1`, the server goes on at the end, and its page can be opened in a browser.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
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


def keep(server: subprocess.Popen[bytes], http_address: str) -> None:
    """Say where the page is, and wait for Ctrl-C, which ends the server as well."""
    print(f"\n── the page: open it in a browser; Ctrl-C ends it\n\n    http://{http_address}/\n", flush=True)
    with suppress(KeyboardInterrupt):
        server.wait()


def main() -> None:
    """Pull, serve, show, and stop or keep."""
    subprocess.run([BIN / "polygist-server", "models", "pull", "starter"], check=True)
    address, http_address = f"127.0.0.1:{find_free_port()}", f"127.0.0.1:{find_free_port()}"
    command = [BIN / "polygist-server", "serve", "--listen", address, "--http-listen", http_address]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen(command, stderr=output)
        try:
            show(address, Path(folder))
            if "--keep" in sys.argv:
                keep(server, http_address)
        except subprocess.CalledProcessError:
            print(log.read_text(), file=sys.stderr)
            raise SystemExit(1) from None
        finally:
            server.terminate()
            server.wait(timeout=20)
    print(f'\nThe server has stopped. To keep one:\n\n    export PATH="{BIN}:$PATH"\n    polygist-server serve')


if __name__ == "__main__":
    main()
