"""Fixtures: a fake server, clients of it, and the command line against it."""

import io
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest
from polygist_client import AsyncClient, Client
from polygist_client.cli import app

from tests.fakes.server import Fake, serving

# Tests in a shell's background are made to ignore Ctrl-C, and would hand that on. A function that the child runs before
# it starts would do too, but makes Python fork, and gRPC's threads do not live through that.
HEEDING = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)"
COMMAND = [sys.executable, "-c", f"{HEEDING}; from polygist_client.cli import main; main()"]


@dataclass
class Outcome:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str


Polygist = Callable[..., Outcome]


def sent(fake: Fake) -> list[str]:
    """Every text that the fake was sent, in single requests or as one of many."""
    return [
        text
        for each in fake.asked
        if each.method in ("Translate", "Summarise", "BatchTranslate")
        for text in [*each.request.contents, *(item.content for item in each.items)]
    ]


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(Fake()) as fake:
        yield fake


@pytest.fixture
def client(fake: Fake) -> Iterator[Client]:
    with Client(fake.address) as client:
        yield client


@pytest.fixture
async def aclient(fake: Fake) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(fake.address) as client:
        yield client


@pytest.fixture
def polygist(fake: Fake, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Polygist:
    """Run ``polygist`` against the fake; `stdin` is what is piped in."""
    monkeypatch.setenv("POLYGIST_ADDRESS", fake.address)
    monkeypatch.delenv("POLYGIST_API_KEY", raising=False)

    def run(*arguments: str, stdin: str | bytes = b"") -> Outcome:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        capsysbinary.readouterr()
        code = app.run([str(argument) for argument in arguments])
        captured = capsysbinary.readouterr()
        return Outcome(code, captured.out.decode(errors="surrogateescape"), captured.err.decode())

    return run
