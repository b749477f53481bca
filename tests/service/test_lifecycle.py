"""What is told at the start."""

import pytest
from polygist_service.app.lifecycle import warn_of_plain_text
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
