"""How to talk to the server: address, channel options, metadata, deadlines. No I/O but reading keys."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

from polygist import __version__

from polygist_client.addresses import Address, parse_address
from polygist_client.arguments import HIGHEST_INTEGER, parse_options
from polygist_client.calls import MODELS, SUMMARISATION, TRANSLATION, Call
from polygist_client.errors import InvalidInput
from polygist_client.tls import Certificates, StrPath, read_files

REQUEST_ID = "x-request-id"
# The services that every server has, by short names.
SERVICES: Mapping[str, str] = {
    "translation": TRANSLATION.full_name, "summarisation": SUMMARISATION.full_name, "models": MODELS.full_name,
}  # fmt: skip
BASE_SECONDS = 120.0
CHARACTERS_PER_SECOND = 2000
LONGEST_SECONDS = 600.0
RECONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 60.0
KEEPALIVE_TIMEOUT_SECONDS = 20.0
MESSAGE_BYTES = 64 << 20
# No "timeout" in here: gRPC takes the shorter of it and the call's own, and ours grows with the text.
SERVICE_CONFIG: Mapping[str, Any] = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": name} for name in SERVICES.values()],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        },
        # Not these: gRPC would send again all items that it sent, those that the client gives up on too.
        {"name": [{"service": TRANSLATION.full_name, "method": "BatchTranslate"}]},
    ],
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},  # no retries while half of all calls fail
}
# The overall health: every health service knows the empty name, while a name that a server does not know counts as
# unhealthy for ever. A server without any health service counts as healthy.
HEALTH_CHECK: Mapping[str, Any] = {"healthCheckConfig": {"serviceName": ""}}


class ConnectionOptions(TypedDict, total=False):
    """Keywords of `Client` and `AsyncClient`.

    Attributes:
        tls: encrypt; implied by ``https://``, `ca` and `cert`.
        ca: PEM file with the certificates to trust; the system's by default.
        cert: PEM file with this client's certificate chain, together with `key`.
        key: PEM file with this client's private key.
        api_key: goes with every call as ``authorization: Bearer …``. A server that asks for none is warned of once
            (`ApiKeyIgnored`), and so is a key that goes to another machine without TLS (`ApiKeyExposed`).
        trust_network: the API key may go to another machine without TLS; nobody is warned of that.
        metadata: goes with every call.
        timeout: seconds for each call; by default 120 s and 1 s for each 2,000 characters, at most 600 s. `math.inf`
            leaves it to the server's own limit.
        wait_for_ready: let calls wait for a server, up to their timeout, instead of failing where none answers.
        reconnect_timeout: seconds that a call waits for a server which has answered before and is gone, as while it
            restarts; 5 by default, 0 fails at once. A call whose connection breaks before its answer is made again.
        keepalive_time: seconds without a word from a server after which it is asked for one; 60 by default. Where many
            servers share the work, 5 and 4 here and below take one that hangs out of it within 10 s. Less than 5 a
            server may take for an attack.
        keepalive_timeout: seconds after which a server that does not answer that counts as gone; 20 by default.
    """

    tls: bool
    ca: StrPath | None
    cert: StrPath | None
    key: StrPath | None
    api_key: str | None
    trust_network: bool
    metadata: Mapping[str, str]
    timeout: float | None
    wait_for_ready: bool
    reconnect_timeout: float
    keepalive_time: float
    keepalive_timeout: float


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything about the way to the server that does not change from call to call.

    Attributes:
        address: where the server is.
        certificates: None without TLS.
        exposes_api_key: whether others may read the key, on a network that nobody said is trusted.
    """

    address: Address
    certificates: Certificates | None
    metadata: tuple[tuple[str, str], ...] = field(repr=False)
    has_api_key: bool
    exposes_api_key: bool
    timeout: float | None
    wait_for_ready: bool
    reconnect_timeout: float
    keepalive_time: float
    keepalive_timeout: float

    def channel_options(self, *, needs_healthy_server: bool) -> list[tuple[str, Any]]:
        """Return gRPC's own options; each differs from the default for a reason."""
        config = {**SERVICE_CONFIG, **(HEALTH_CHECK if needs_healthy_server else {})}
        return [
            ("grpc.service_config", json.dumps(config)),
            ("grpc.per_rpc_retry_buffer_size", 24 << 20),  # a request above this, by default 256 KiB, is not retried
            ("grpc.max_send_message_length", MESSAGE_BYTES),
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", milliseconds(self.keepalive_time)),
            ("grpc.keepalive_timeout_ms", milliseconds(self.keepalive_timeout)),
            # By default 60 s, and while a ping of flow control is out, none asks whether the server is there.
            ("grpc.http2.ping_timeout_ms", milliseconds(self.keepalive_timeout)),
            ("grpc.http2.max_pings_without_data", 0),  # no limit; by default one a minute after the second
            ("grpc.initial_reconnect_backoff_ms", 250),
            ("grpc.max_reconnect_backoff_ms", 1_000),  # by default 120 s: a server that comes back would not be noticed
            ("grpc.primary_user_agent", f"polygist-python/{__version__}"),
            ("grpc.enable_http_proxy", int(not self.address.is_local)),
        ]

    def seconds(self, call: Call[Any, Any]) -> float:
        """Return how many seconds `call` may take."""
        return self.seconds_for(call, call.characters)

    def seconds_for(self, call: Call[Any, Any], characters: int) -> float:
        """Return how many seconds so many characters of `call` may take."""
        given = call.options.get("timeout") or self.timeout
        return given or min(BASE_SECONDS + characters / CHARACTERS_PER_SECOND, LONGEST_SECONDS)

    def keywords(
        self,
        call: Call[Any, Any],
        request_id: str,
        *,
        timeout: float | None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> dict[str, Any]:
        """Return what gRPC is given with `call`: seconds (None is no deadline), metadata, whether to wait."""
        return {
            "timeout": timeout,
            "metadata": (*self.metadata, _parse_header(REQUEST_ID, request_id), *headers),
            "wait_for_ready": bool(call.options.get("wait_for_ready", self.wait_for_ready)),
        }


def milliseconds(seconds: float) -> int:
    """Return seconds as gRPC's options take them: whole, above 0, in 32 bits; the most of these is never."""
    return min(max(1, round(seconds * 1000)), HIGHEST_INTEGER)


def connect_to(target: str, **options: Unpack[ConnectionOptions]) -> Connection:
    """Check and read everything that `Client` is given; raises InvalidInput."""
    given: ConnectionOptions = parse_options("Client", options, ConnectionOptions)  # type: ignore[assignment]
    address = parse_address(target)
    headers = {**given.get("metadata", {})}
    if api_key := given.get("api_key"):
        headers["authorization"] = f"Bearer {_parse_api_key(api_key)}"
    certificates = read_certificates(address, given)
    is_safe = bool(certificates or address.is_local or given.get("trust_network"))
    return Connection(
        address=address,
        certificates=certificates,
        metadata=tuple(_parse_header(key, value) for key, value in headers.items()),
        has_api_key=bool(given.get("api_key")),
        exposes_api_key="authorization" in headers and not is_safe,
        timeout=given.get("timeout"),
        wait_for_ready=given.get("wait_for_ready", False),
        reconnect_timeout=given.get("reconnect_timeout", RECONNECT_SECONDS),
        keepalive_time=given.get("keepalive_time", KEEPALIVE_SECONDS),
        keepalive_timeout=given.get("keepalive_timeout", KEEPALIVE_TIMEOUT_SECONDS),
    )


def read_certificates(address: Address, options: ConnectionOptions) -> Certificates | None:
    """Read and check the PEM files; None without TLS. Raises InvalidInput."""
    ca, cert, key = options.get("ca"), options.get("cert"), options.get("key")
    if (cert is None) != (key is None):
        raise InvalidInput("cert and key belong together; give both or neither", field="cert" if key else "key")
    given = [name for name in ("tls", "ca", "cert") if options.get(name)]
    if given and address.tls is False:
        raise InvalidInput(
            f"http:// is without TLS, but {given[0]} is given; write https://{address.text}", field="target"
        )
    if not (given or address.tls):
        return None
    return read_files(ca, cert, key)


def _parse_api_key(given: str) -> str:
    # As for a header, the value is not repeated; a line break at the end is that of a file or an echo.
    key = given.rstrip("\r\n")
    wrong = next((at for at, each in enumerate(key) if not (each.isascii() and each.isprintable())), None)
    if wrong is not None:
        what = "a line break" if key[wrong] in "\r\n" else "a character that is not printable ASCII"
        raise InvalidInput(f"api_key: the API key has {what} at position {wrong}; copy it anew", field="api_key")
    return key


def _parse_header(key: str, value: str) -> tuple[str, str]:
    # gRPC takes lower-case names and printable ASCII. The value is not repeated in the error, it may be a secret.
    if not re.fullmatch(r"[a-z0-9_.-]+", key) or key.startswith("grpc-") or key.endswith("-bin"):
        raise InvalidInput(f"metadata {key!r} is no name; use a-z, 0-9, - _ . and neither grpc- nor -bin", field=key)
    if not (value.isascii() and value.isprintable()):
        raise InvalidInput(f"metadata {key!r} has a value with more than printable ASCII characters", field=key)
    return key, value
