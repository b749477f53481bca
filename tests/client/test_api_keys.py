"""Who gives an API key to a server that asks for none is told, once."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from polygist_client import ApiKeyExposed, ApiKeyIgnored, AsyncClient, Client, InvalidInput

from tests.client.conftest import Polygist
from tests.fakes.server import Fake
from tests.service.echo import EchoEngine
from tests.service.harness import serving

WARNING = "asks for no API key and did not look at the one given; leave it out"
CALLS: dict[str, Callable[[Any], Any]] = {
    "translate": lambda client: client.translate("a", to="pt"),
    "summarise": lambda client: client.summarise("a"),
    "server_info": lambda client: client.server_info(),
    "translate_many": lambda client: list(client.translate_many(["a"], to="pt")),
    "summarise_many": lambda client: list(client.summarise_many(["a"])),
    "stream_summarise": lambda client: list(client.stream_summarise("a")),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_key_that_is_not_looked_at_is_warned_of_once_where_the_call_stands(fake: Fake, name: str):
    fake.ignores_keys = True
    with Client(fake.address, api_key="s3cret") as client:
        with pytest.warns(ApiKeyIgnored, match=WARNING) as caught:
            CALLS[name](client)
        CALLS[name](client)  # a second warning would be an error
    (warning,) = caught
    assert warning.filename == __file__
    assert fake.address in str(warning.message)
    assert "s3cret" not in str(warning.message)


async def test_the_awaited_client_warns_too(fake: Fake):
    fake.ignores_keys = True
    async with AsyncClient(fake.address, api_key="s3cret") as client:
        with pytest.warns(ApiKeyIgnored, match=WARNING) as caught:
            await client.translate("a", to="pt")
        await client.translate("a", to="pt")
    assert [warning.filename for warning in caught] == [__file__]
    async with AsyncClient(fake.address, api_key="s3cret") as client:
        with pytest.warns(ApiKeyIgnored, match=WARNING):
            assert [event async for event in client.stream_summarise("a")]


async def test_the_server_says_that_it_asks_for_no_key():
    async with serving(EchoEngine()) as service:
        async with AsyncClient(service.address, api_key="s3cret") as client:
            with pytest.warns(ApiKeyIgnored, match=WARNING):
                await client.server_info()
        async with AsyncClient(service.address) as client:
            await client.server_info()


@pytest.mark.parametrize("options", [{"api_key": "s3cret"}, {"metadata": {"authorization": "Bearer for a proxy"}}, {}])
def test_nobody_is_warned_for_nothing(fake: Fake, options: dict[str, Any]):
    """A server that asks for keys says nothing, and a header of the caller's own is none of ours."""
    fake.ignores_keys = "api_key" not in options
    with Client(fake.address, **options) as client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client.translate("a", to="pt")
    assert not caught


def test_the_command_warns_in_one_line(polygist: Polygist, fake: Fake, tmp_path: Path, monkeypatch):
    fake.ignores_keys = True
    (tmp_path / "key").write_text("s3cret\n")
    arguments = ("translate", "--to", "pt", "--from", "en", "--text", "a", "--text", "b")
    line = f"warning: the server at {fake.address} {WARNING}, unless something before that server checks it"
    done = polygist(*arguments, "--api-key-file", tmp_path / "key")
    assert (done.code, done.out) == (0, "A\nB\n")
    assert [each for each in done.err.splitlines() if each.startswith("warning:")] == [line]
    monkeypatch.setenv("POLYGIST_API_KEY", "s3cret")
    assert polygist("info").err.splitlines() == [line]
    assert polygist(*arguments, "-q").err == ""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, ": No such file or directory; give a file with the API key"),
        (b" \n", " is empty; it should hold the API key"),
        ("s3cret".encode("utf-16"), " is no UTF-8 text; it should hold the API key alone"),
    ],
)
def test_a_file_without_a_key_is_named_with_its_flag(
    polygist: Polygist, fake: Fake, tmp_path: Path, content: bytes | None, problem: str
):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    done = polygist("info", "--api-key-file", path)
    assert (done.code, done.err) == (2, f"error: --api-key-file: {path}{problem}\n")
    assert fake.asked == []


def test_a_key_that_notepad_saved_is_read(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8-sig")
    assert polygist("info", "--api-key-file", tmp_path / "key").code == 0
    assert {each.metadata["authorization"] for each in fake.asked} == {"Bearer s3cret"}


@pytest.mark.parametrize(
    ("key", "problem"), [("a\nb", "a line break at position 1"), ("äb", "a character .* position 0")]
)
def test_a_key_that_no_header_takes_is_called_a_key(fake: Fake, key: str, problem: str):
    with pytest.raises(InvalidInput, match=f"api_key: the API key has {problem}; copy it anew") as caught:
        Client(fake.address, api_key=key)
    assert key not in str(caught.value)  # it may be most of a secret


def test_a_line_break_at_the_end_of_a_key_is_none_of_it(fake: Fake):
    with Client(fake.address, api_key="s3cret\r\n") as client:
        client.translate("a", to="pt")
    assert fake.asked[-1].metadata["authorization"] == "Bearer s3cret"


EXPOSED = (
    "the API key goes to .* without TLS, and whoever reads along can use it; give tls or ca, or say .* trust_network"
)
ELSEWHERE = (
    "example.org",
    "192.0.2.1:50051",
    "http://example.org:1",
    "dns:example.org:1",
    "ipv4:127.0.0.1:1,192.0.2.1:1",
)
HERE = ("localhost", "127.0.0.1:1", "[::1]:1", "unix:/run/polygist.sock", "ipv4:127.0.0.1:1,127.0.0.2:1")


@pytest.mark.parametrize("make", [Client, AsyncClient])
@pytest.mark.parametrize("address", ELSEWHERE)
@pytest.mark.parametrize("options", [{"api_key": "s3cret"}, {"metadata": {"authorization": "Bearer s3cret"}}])
def test_a_key_that_others_may_read_is_warned_of_where_the_client_is_made(make, address: str, options: dict[str, Any]):
    with pytest.warns(ApiKeyExposed, match=EXPOSED) as caught:
        make(address, **options)
    (warning,) = caught
    assert warning.filename == __file__
    assert "s3cret" not in str(warning.message)


@pytest.mark.parametrize(
    ("address", "options"),
    [
        *((address, {}) for address in HERE),
        ("https://example.org", {}),
        ("example.org", {"tls": True}),
        ("example.org", {"trust_network": True}),
    ],
)
def test_nobody_is_warned_of_a_key_that_others_cannot_read(address: str, options: dict[str, Any]):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Client(address, api_key="s3cret", **options)
        Client(address, **options)
    assert not caught


def test_the_command_warns_of_a_key_that_others_may_read(polygist: Polygist, monkeypatch):
    monkeypatch.setenv("POLYGIST_API_KEY", "s3cret")
    flags = ("info", "-a", "host.invalid:1", "--reconnect-timeout", "0")
    said = polygist(*flags).err.splitlines()[0]
    assert said.startswith(
        "warning: the API key goes to host.invalid:1 without TLS, and whoever reads along can use it"
    )
    assert "give --tls or --ca, or say that you trust the network in between: --trust-network" in said
    for silent in ("--trust-network", "--tls", "-q"):
        assert "without TLS" not in polygist(*flags, silent).err
