"""Start, health and stop of a server process."""

import asyncio
import os
import shutil
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist.v1 import (
    model_service_pb2,
    model_service_pb2_grpc,
    translation_service_pb2,
    translation_service_pb2_grpc,
)
from polygist_client import Client, Unavailable

from tests.end_to_end.server import SERVE, ServerProcess, make_certificate

pytestmark = pytest.mark.model

SERVICES = ["", *(f"polygist.v1.{name}Service" for name in ("Translation", "Summarisation", "Model"))]


def check(channel, service=""):
    reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    return MessageToDict(reply)["status"]


def make_request(text="The library opens at nine.", *, source="en", target="pt", count=1):
    return translation_service_pb2.TranslateRequest(
        contents=[text] * count, target_language_code=target, source_language_code=source
    )


def make_tiny_request(text="Der alte Markt.", count=1):
    """A request of the tiny model."""
    return make_request(text, source="de", target="en", count=count)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_serving(server, service):
    with grpc.insecure_channel(server.address) as channel:
        assert check(channel, service) == "SERVING"


def test_an_unknown_service_is_not_found(server):
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
        check(channel, "polygist.v2.Nothing")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_health_tells_the_truth_while_models_load(starter_home, tmp_path):
    with ServerProcess(starter_home, tmp_path / "log") as process, grpc.insecure_channel(process.address) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        before, checked = check(channel), datetime.now(UTC)
        process.wait_until_serving()
        assert check(channel) == "SERVING"
        assert before == "NOT_SERVING" or datetime.fromisoformat(process.events("serving")[0]["timestamp"]) <= checked
        loaded = {event["model"] for event in process.events("model_loaded")}
        assert loaded == {"en-pt", "pt-en", "minilm"}


async def wait_until_there(channel, calls):
    """Wait until a server has all calls, or has answered them."""
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    done = active = 0
    while done + active < len(calls):
        done = sum(call.done() for call in calls)
        reply = await stub.GetServerInfo(model_service_pb2.GetServerInfoRequest())
        active = reply.active_request_count - 1  # this call itself


async def test_sigterm_answers_what_is_in_flight_and_refuses_the_rest(tiny_home, tmp_path):
    with ServerProcess(tiny_home, tmp_path / "log", "--lame-duck", "0.5") as process:
        await asyncio.to_thread(process.wait_until_serving)
        async with grpc.aio.insecure_channel(process.address) as channel:
            stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
            watcher = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            first = await watcher.read()
            calls = [
                asyncio.ensure_future(stub.Translate(make_tiny_request(f"Der alte Markt {at}.", count=4)))
                for at in range(50)
            ]
            await wait_until_there(channel, calls)
            process.process.send_signal(signal.SIGTERM)
            second = await watcher.read()
            replies = await asyncio.gather(*calls)
        code = await asyncio.to_thread(process.stop)
    assert (first.status, second.status) == (
        health_pb2.HealthCheckResponse.SERVING,
        health_pb2.HealthCheckResponse.NOT_SERVING,
    )
    assert all(len(reply.translations) == 4 for reply in replies)
    assert code == 0
    assert process.events("stopped")[0]["complete"]


async def test_a_draining_server_says_unavailable(tiny_home, tmp_path):
    with ServerProcess(tiny_home, tmp_path / "log", "--grace", "20") as process:
        await asyncio.to_thread(process.wait_until_serving)
        async with grpc.aio.insecure_channel(process.address) as channel:
            stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
            lines = "".join(f"Der alte Markt {at}.\n" for at in range(2000))
            long = asyncio.ensure_future(stub.Translate(make_tiny_request(lines)))
            await asyncio.sleep(0.5)
            process.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait_for, "draining")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Translate(make_tiny_request())
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            process.process.send_signal(signal.SIGTERM)  # the second one: stop now
            with pytest.raises(grpc.aio.AioRpcError):
                await long
        assert await asyncio.to_thread(process.stop) == 0
    assert not process.events("stopped")[0]["complete"]


def serve(*flags):
    """Run ``serve`` that has to end by itself."""
    return subprocess.run([*SERVE, *map(str, flags)], capture_output=True, text=True, timeout=60, check=False)


def last_line(done):
    return done.stderr.strip().splitlines()[-1]


def test_without_a_model_it_says_how_to_get_one(tmp_path):
    done = serve("--home", tmp_path)
    assert done.returncode == 1
    assert last_line(done).endswith("polygist-server models pull starter")


def test_a_taken_port_is_an_error(server, tiny_home):
    done = serve("--home", tiny_home, "--listen", server.address)
    assert done.returncode == 1
    assert f"cannot listen on {server.address}" in last_line(done)


def test_a_damaged_model_is_named(tiny_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(tiny_home, home)
    weights = home / "models" / "de-en" / "model.bin"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    done = serve("--home", home, "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "de-en" in last_line(done)
    assert last_line(done).startswith("error: ")


def test_an_open_address_needs_a_word(tiny_home):
    done = serve("--home", tiny_home, "--listen", "0.0.0.0:0")
    assert done.returncode == 2
    assert "--insecure" in done.stderr


def test_no_text_is_logged(server):
    with grpc.insecure_channel(server.address) as channel:
        stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
        stub.Translate(make_request("The umbrella was purple."), metadata=[("x-request-id", "seen-1")])
    server.wait_for("call", request_id="seen-1")
    assert [event["request_id"] for event in server.events("call")].count("seen-1") == 1
    assert "umbrella" not in server.log()


@pytest.mark.parametrize("listen", ["unix:{}/polygist.sock"])
def test_a_unix_socket_serves_too(tiny_home, tmp_path, listen):
    address = listen.format(tmp_path)
    with ServerProcess(tiny_home, tmp_path / "log", address=address) as process:
        process.wait_until_serving()
        with grpc.insecure_channel(address) as channel:
            assert check(channel) == "SERVING"
    assert Path(tmp_path / "log").read_text().count("listening") == 1


def test_tls_serves_whoever_trusts_the_certificate(tiny_home, tmp_path):
    key, cert = make_certificate(tmp_path)
    with ServerProcess(tiny_home, tmp_path / "log", "--tls-cert", str(cert), "--tls-key", str(key)) as process:
        process.wait_until_serving()
        with Client(process.address, ca=cert) as client:
            assert client.health() == "serving"
            assert client.translate("Der alte Markt.", to="en", source="de").text
        with Client(process.address) as client, pytest.raises(Unavailable):
            client.health(timeout=5)


def test_a_pipe_in_place_of_the_keys_hinders_neither_a_renewal_nor_the_end(tiny_home, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": []}')
    with ServerProcess(tiny_home, tmp_path / "log", "--access-keys", str(keys)) as process:
        process.wait_until_serving()
        keys.unlink()
        os.mkfifo(keys)
        process.process.send_signal(signal.SIGHUP)
        process.wait_for("not_reloaded", what="keys")
        process.wait_for("reloaded", what="models")
        assert process.stop() == 0
    assert "a pipe, not a plain file" in process.events("not_reloaded")[0]["reason"]
