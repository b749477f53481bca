"""What is told at the start."""

import asyncio
from types import SimpleNamespace

import pytest
from polygist_service.app.lifecycle import drain, warn_of_plain_text
from polygist_service.concurrency import InFlightCalls
from polygist_service.settings import load_settings
from structlog.testing import capture_logs

OPEN = {"listen": "0.0.0.0:50051", "insecure": True}
CERTIFICATE = {"tls_cert": "cert.pem", "tls_key": "key.pem"}


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        ({"http_listen": "0.0.0.0:8080", "insecure": True}, "text travels unencrypted; give --tls-cert and --tls-key"),
        ({}, None),
        ({"access_keys": "keys.json"}, None),
        ({"listen": "unix:/run/polygist.sock", "access_keys": "keys.json", "insecure": True}, None),
        ({**OPEN, **CERTIFICATE, "access_keys": "keys.json"}, None),
        (OPEN, "text travels unencrypted; give --tls-cert and --tls-key"),
        (
            {**OPEN, "access_keys": "keys.json"},
            "text and API keys travel unencrypted, and who reads a key may use it; give --tls-cert and --tls-key",
        ),
    ],
)
def test_what_travels_unencrypted_is_warned_of(flags, hint):
    with capture_logs() as logs:
        warn_of_plain_text(load_settings(flags))
    address = flags.get("http_listen") or flags.get("listen")
    told = [(line["event"], line["address"], line["hint"]) for line in logs]
    assert told == ([("insecure", address, hint)] if hint else [])


@pytest.mark.parametrize("is_hasty", [False, True])
async def test_a_second_signal_waits_for_no_batch_and_no_collector(is_hasty):
    in_flight, stop_now, stopped = InFlightCalls(), asyncio.Event(), []

    async def stop(seconds: float, *, batch_seconds: float, flush_seconds: float) -> None:
        stopped.append((seconds, batch_seconds, flush_seconds))

    server = SimpleNamespace(
        runtime=SimpleNamespace(services=SimpleNamespace(in_flight=in_flight)),
        mark_not_serving=lambda: None,
        health=SimpleNamespace(end_watches=lambda: None),
        stop=stop,
    )
    if is_hasty:
        stop_now.set()
        with in_flight.call():
            await drain(server, load_settings({"grace": 600}), stop_now)
    else:
        await drain(server, load_settings({"grace": 600}), stop_now)
    assert stopped == [(0.0, 0.0, 0.0) if is_hasty else (0.5, 2.0, 2.0)]
