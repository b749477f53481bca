"""Connections over HTTP: callers who are slow, who send what is no HTTP, who are too many; and the end of them all."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest
from polygist_service.addresses import parse_address
from polygist_service.app.http import bounds_of, build_http_application
from polygist_service.http import bodies
from polygist_service.http.connections import ConnectionBounds
from polygist_service.http.server import HttpServer
from polygist_service.settings import Settings

from tests.service.echo import EchoEngine
from tests.service.harness import serving, until
from tests.service.http.doors import opened

HELLO = json.dumps({"contents": ["Hello."], "targetLanguageCode": "pt", "sourceLanguageCode": "en"}).encode()


def post(body: bytes, *headers: str, path: str = "/v1/translate") -> bytes:
    """A request, to the letter."""
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def whole(body: bytes) -> bytes:
    """A request with all of its body."""
    return post(body, f"content-length: {len(body)}")


@asynccontextmanager
async def connected(doors):
    """A connection to a server."""
    reader, writer = await asyncio.open_connection(doors.http.base_url.host, doors.http.base_url.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def read_answer(reader) -> tuple[int, dict[str, str], bytes]:
    """One answer with a length: its status, its headers, its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def read_to_end(reader) -> bytes:
    """All that comes before the connection ends, however it does."""
    parts = []
    try:
        while part := await reader.read(1 << 16):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


async def test_one_connection_has_many_requests():
    async with opened(EchoEngine()) as doors, connected(doors) as (reader, writer):
        writer.write(whole(HELLO) * 2)
        answers = [await read_answer(reader) for _ in range(2)]
        writer.write(whole(b"{}"))
        answers.append(await read_answer(reader))
    assert [status for status, _, _ in answers] == [200, 200, 400]


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("GET http://localhost/v1/models", "evil.example", 200),
        ("GET HTTP://127.0.0.1:80/v1/models?pageSize=2", "localhost", 200),
        ("GET http://localhost", "evil.example", 200),
        ("GET http://evil.example/v1/models", "localhost", 421),
        ("GET http://evil.example", "localhost", 421),
        ("GET http:///v1/models", "localhost", 200),
        ("GET ftp://localhost/v1/models", "localhost", 404),
        ("OPTIONS *", "localhost", 204),
        ("OPTIONS *", "evil.example", 421),
        ("GET *", "localhost", 404),
    ],
)
async def test_a_target_may_be_a_whole_address(target, host, status):
    async with opened(EchoEngine()) as doors, connected(doors) as (reader, writer):
        writer.write(f"{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        answer = await read_to_end(reader)
    assert answer.startswith(b"HTTP/1.1 %d" % status)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([f"x-{count}: 1" for count in range(195)], 200),
        ([f"x-{count}: 1" for count in range(200)], 431),
        ([f"x: {'y' * 33_000}"], 431),
        (["expect: 100-CONTINUE"], 200),
        (["expect: 200-ok"], 417),
    ],
)
async def test_headers_are_few_and_known(headers, status):
    async with opened(EchoEngine()) as doors, connected(doors) as (reader, writer):
        writer.write(post(HELLO, f"content-length: {len(HELLO)}", "connection: close", *headers))
        answer = (await read_to_end(reader)).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d" % status)


@pytest.mark.parametrize("sent", [b"", b"POST /v1/translate HTTP/1.1\r\nhost: loc", whole(HELLO) + b"GET /"])
async def test_who_sends_no_headers_is_not_waited_for(sent):
    bounds = ConnectionBounds(header_seconds=0.2)
    async with opened(EchoEngine(), bounds=bounds) as doors, connected(doors) as (reader, writer):
        writer.write(sent)
        assert (await read_to_end(reader)).count(b"HTTP/1.1 200") == sent.count(b"Hello")


async def test_who_sends_no_body_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    async with opened(EchoEngine()) as doors, connected(doors) as (reader, writer):
        writer.write(post(b"{", "content-length: 100"))
        status, headers, body = await read_answer(reader)
    assert (status, headers["connection"]) == (408, "close")
    assert json.loads(body)["error"]["status"] == "DEADLINE_EXCEEDED"


async def test_who_does_not_read_is_not_waited_for():
    many = b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n" * 100  # 200 kB each
    async with opened(EchoEngine(), bounds=ConnectionBounds(reading_seconds=0.1)) as doors:
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(raw, (doors.http.base_url.host, doors.http.base_url.port))
            await loop.sock_sendall(raw, many)
            await until(lambda: doors.server.connection_count)
            await until(lambda: not doors.server.connection_count)


def test_bounds_are_those_of_the_settings():
    assert bounds_of(Settings()) == ConnectionBounds()
    assert bounds_of(Settings(http_connections=3, http_reading_seconds=4)) == ConnectionBounds(
        connections=3, reading_seconds=4.0
    )


async def test_what_goes_on_after_it_was_refused_is_cut_off():
    bounds = ConnectionBounds(lingering_seconds=0.1)
    async with opened(EchoEngine(), bounds=bounds) as doors, connected(doors) as (reader, writer):
        writer.write(post(b"", "content-length: 100000000", path="/v1/nothing"))
        assert (await read_answer(reader))[0] == 404
        assert await read_to_end(reader) == b""


@pytest.mark.parametrize("sent", [b"what?\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", post(b"", f"x-long: {'x' * 600_000}")])
async def test_what_is_no_http_is_told_in_json(sent):
    async with opened(EchoEngine()) as doors, connected(doors) as (reader, writer):
        writer.write(sent)
        status, headers, body = await read_answer(reader)
        assert await read_to_end(reader) == b""
    assert (status, headers["connection"], json.loads(body)["error"]["code"]) == (400, "close", 400)


async def test_a_stream_that_becomes_no_http_ends():
    engine = EchoEngine()
    lines = (
        b'{"config":{"targetLanguageCode":"pt","sourceLanguageCode":"en"}}\n{"item":{"itemId":"a","content":"A."}}\n'
    )
    sent = post(b"", "transfer-encoding: chunked", path="/v1/translate:batch").replace(b"/json", b"/x-ndjson")
    async with opened(engine) as doors, connected(doors) as (reader, writer):
        writer.write(sent + b"%x\r\n%s\r\n" % (len(lines), lines))
        await reader.readuntil(b"itemId")
        writer.write(b"no chunk\r\n")
        await read_to_end(reader)
        await until(lambda: not doors.grpc.in_flight.active)


async def test_one_connection_too_many_is_ended():
    async with (
        opened(EchoEngine(), bounds=ConnectionBounds(connections=2)) as doors,
        connected(doors) as (first, writer),
        connected(doors),
        connected(doors) as (third, _),
    ):
        assert await read_to_end(third) == b""
        writer.write(whole(HELLO))
        assert (await read_answer(first))[0] == 200


async def test_the_end_waits_for_answers_and_for_nothing_else():
    engine = EchoEngine(delay=0.3)
    async with serving(engine) as service:
        server = HttpServer(build_http_application(service.services, service.health), parse_address("127.0.0.1:0"))
        await server.start()
        host, _, port = server.address.rpartition(":")
        idle, unused = await asyncio.open_connection(host, port)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(whole(HELLO))
        await until(lambda: engine.held)
        stopping = asyncio.create_task(server.stop(30))
        assert await read_to_end(idle) == b""
        assert (await read_answer(reader))[0] == 200
        await stopping
        unused.close()
        writer.close()
        with pytest.raises(OSError, match="failed"):
            await asyncio.open_connection(host, port)


async def test_the_end_does_not_wait_for_ever():
    engine = EchoEngine(delay=30)
    async with opened(engine) as doors, connected(doors) as (reader, writer):
        writer.write(whole(HELLO))
        await until(lambda: engine.held)
        await doors.server.stop(0)
        status, _, body = await read_answer(reader)
        assert (status, json.loads(body)["error"]["status"]) == (503, "UNAVAILABLE")
        await engine.free.wait()


async def test_a_unix_socket_is_there_as_long_as_the_server(tmp_path):
    path = tmp_path / "http.sock"
    async with serving(EchoEngine()) as service:
        application = build_http_application(service.services, service.health)
        server = HttpServer(application, parse_address(f"unix:{path}"))
        await server.start()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(whole(HELLO))
        assert (await read_answer(reader))[0] == 200
        writer.close()
        await server.stop(1)
        assert not path.exists()


async def test_all_addresses_of_a_name_have_one_port():
    async with serving(EchoEngine()) as service:
        application = build_http_application(service.services, service.health)
        server = HttpServer(application, parse_address("localhost:0"))
        await server.start()
        name, _, port = server.address.rpartition(":")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await server.stop(1)
    assert name == "localhost"
