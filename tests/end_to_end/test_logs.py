"""A server whose log is not read, cannot be written, or is not there; and what else stands on the stream."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist.v1 import (
    model_service_pb2,
    model_service_pb2_grpc,
    translation_service_pb2,
    translation_service_pb2_grpc,
)
from polygist_client import Client

from tests.end_to_end.server import SERVE, ServerProcess, find_free_port, make_certificate

pytestmark = pytest.mark.model

CALLS = 1000  # some hundred lines fill a pipe


def make_request(text, target="pt", source="en"):
    return translation_service_pb2.TranslateRequest(
        contents=[text], source_language_code=source, target_language_code=target
    )


def stub_of(channel):
    return translation_service_pb2_grpc.TranslationServiceStub(channel)


def wait_until_serving(channel):
    """Wait for the models; there is no log to read."""
    stub, end = health_pb2_grpc.HealthStub(channel), time.monotonic() + 60
    while True:
        reply = stub.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=60)
        if reply.status == health_pb2.HealthCheckResponse.SERVING:
            return
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def unheard(state, home):
    """A server with its standard error as it should not be; yields the process, its address and that of its metrics."""
    address, metrics = (f"127.0.0.1:{find_free_port()}" for _ in range(2))
    flags = ["--listen", address, "--metrics-listen", metrics, "--home", str(home), "--log-queue", "100"]
    reading, writing = os.pipe()
    redirection = {"full": "2>/dev/full", "absent": "2>&-"}.get(state, "")
    process = subprocess.Popen(["sh", "-c", f'exec "$@" {redirection}', "sh", *SERVE, *flags], stderr=writing)
    os.close(writing)
    if state == "closed":
        os.close(reading)
    try:
        yield process, address, metrics
    finally:
        process.kill()
        process.wait()
        if state != "closed":
            os.close(reading)


@pytest.mark.parametrize("state", ["not read", "closed", "full", "absent"])
def test_a_log_that_cannot_be_written_stops_nothing(state, tiny_home):
    with unheard(state, tiny_home) as (process, address, metrics), grpc.insecure_channel(address) as channel:
        wait_until_serving(channel)
        models = model_service_pb2_grpc.ModelServiceStub(channel)
        for _ in range(CALLS):
            assert models.GetServerInfo(model_service_pb2.GetServerInfoRequest(), timeout=60).version
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=60) as reply:
            text = reply.read().decode()
        in_flight = stub_of(channel).Translate.future(make_request("Der alte Markt.\n" * 300, "en", "de"))
        assert stub_of(channel).Translate(make_request("Es ist kalt.", "en", "de"), timeout=60).translations
        process.send_signal(signal.SIGTERM)
        assert in_flight.result(60).translations
        assert process.wait(60) == 0
    dropped = {"not read": "queue_full", "closed": "not_written", "full": "not_written"}
    for reason in ("queue_full", "not_written"):
        is_counted = f'polygist_log_lines_dropped_total{{reason="{reason}"}} 0.0' not in text
        assert is_counted == (dropped.get(state) == reason)


def test_no_other_file_gets_the_number_of_standard_error(tiny_home):
    with unheard("absent", tiny_home) as (process, address, _):
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=60)
        assert os.readlink(f"/proc/{process.pid}/fd/2") == os.devnull
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_an_error_at_the_start_ends_a_server_that_nobody_hears(server, tiny_home):
    command = [*SERVE, "--home", str(tiny_home), "--listen", server.address]
    for redirection in ("2>/dev/full", "2>&-"):
        done = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", *command], timeout=60, check=False)
        assert done.returncode == 1
    heard = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (heard.returncode, heard.stderr.count("\n")) == (1, 1)  # and no line of gRPC's own
    assert heard.stderr.startswith(f"error: cannot listen on {server.address}")


def test_nothing_but_json_stands_on_the_stream(tiny_home, tmp_path):
    """Also where gRPC itself has something to say: of a caller that speaks no TLS, of one that speaks no HTTP/2."""
    key, cert = make_certificate(tmp_path)
    with ServerProcess(tiny_home, tmp_path / "log", "--tls-cert", str(cert), "--tls-key", str(key)) as process:
        process.wait_until_serving()
        host, _, port = process.address.rpartition(":")
        for _ in range(3):
            with socket.create_connection((host, int(port)), timeout=10) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
                plain.recv(1000)
        with Client(process.address, ca=cert) as client:
            assert client.health() == "serving"
        assert process.stop() == 0
    records = [json.loads(line) for line in process.log().splitlines()]
    assert records[-1]["event"] == "stopped"


async def test_calls_that_the_stop_cuts_off_are_counted(tiny_home, tmp_path):
    with ServerProcess(tiny_home, tmp_path / "log", "--grace", "0.2") as process:
        await asyncio.to_thread(process.wait_until_serving)
        async with grpc.aio.insecure_channel(process.address) as channel:
            request = make_request("".join(f"Der alte Markt {at}.\n" for at in range(5000)), "en", "de")
            calls = [asyncio.ensure_future(stub_of(channel).Translate(request)) for _ in range(3)]
            await asyncio.sleep(0.5)
            process.process.send_signal(signal.SIGTERM)
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert await asyncio.to_thread(process.stop) == 0
    assert all(isinstance(each, grpc.aio.AioRpcError) for each in outcomes)
    (stopped,) = process.events("stopped")
    assert (stopped["complete"], stopped["dropped"]) == (False, 3)


@pytest.mark.parametrize(("target", "shown"), [("fi", "fi"), ("fin_Latn", "fi"), ("my umbrella is purple", "other")])
def test_a_failed_call_tells_why_and_in_which_languages(server, target, shown):
    reason = "FIELD_INVALID" if shown == "other" else "LANGUAGE_PAIR_UNSUPPORTED"
    request_id = f"failed-{len(target)}"
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError):
        stub_of(channel).Translate(make_request("It is cold.", target), metadata=[("x-request-id", request_id)])
    line = server.wait_for("call", request_id=request_id)
    assert (line["reason"], line["source"], line["target"]) == (reason, "en", shown)
