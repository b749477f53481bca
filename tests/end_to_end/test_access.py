"""Who gets to a server that asks for certificates and API keys, and what becomes of them while it serves."""

import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import grpc
import pytest
from click.testing import CliRunner
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from polygist_client import Client, InvalidArgument, PermissionDenied, Unauthenticated, Unavailable, Unimplemented
from polygist_service.cli.app import server as command

from tests.end_to_end.server import ServerProcess, find_free_port, make_certificate

# What a caller sees of a handshake that the server ends: an alert, or nothing any more.
REFUSED = "(?i)alert|closed connection|reset|EOF|broken pipe"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


def sign_clients(folder: Path, name: str) -> None:
    """Make an authority, ``NAME-ca.pem``, and the certificate of a client that it has signed, ``NAME.pem``."""
    authority = ("-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem", "-subj", f"/CN=authority {name}")
    client = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN=client {name}")
    signer = ("-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key", "-addext", "basicConstraints=critical,CA:FALSE")
    for more in (authority, (*client, *signer)):
        subprocess.run(["openssl", "req", "-x509", *NEW_KEY, *more], cwd=folder, check=True, capture_output=True)


@dataclass(frozen=True)
class Guarded:
    """A server that asks for both, and the files of its operator.

    Attributes:
        process: the server, at an address that other machines reach.
        address: where this one reaches it.
        folder: certificates and keys of server (``cert.pem``), authorities and clients.
        client_ca: the file of the authority whose clients may connect: that of a.
        keys: the file of the API keys.
        admin: the address of administrators.
        metrics: that of Prometheus.
        http: that of HTTP.
        api_keys: keys for translation and for administration.
    """

    process: ServerProcess
    address: str
    folder: Path
    client_ca: Path
    keys: Path
    admin: str
    metrics: str
    http: str
    api_keys: tuple[str, str]

    def client(self, name: str = "", api_key: str = "") -> Client:
        """A client that shows the certificate of a name, or none."""
        own = {"cert": self.folder / f"{name}.pem", "key": self.folder / f"{name}.key"} if name else {}
        return Client(
            self.address,
            ca=self.folder / "cert.pem",
            api_key=api_key or self.api_keys[0],
            timeout=10,
            reconnect_timeout=0,
            **own,
        )

    def ask_http(self, name: str = "") -> bytes:
        """The models, asked for by whoever shows the certificate of a name, or none."""
        context = ssl.create_default_context(cafile=self.folder / "cert.pem")
        if name:
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request = Request(f"{self.http}/v1/models", headers={"authorization": f"Bearer {self.api_keys[1]}"})
        with urlopen(request, context=context, timeout=10) as page:
            return page.read()

    def administrator(self, api_key: str) -> Client:
        """A client at the address of administrators."""
        return Client(self.admin, api_key=api_key)

    def hang_up(self, times: int) -> None:
        """Send SIGHUP for that many times by now, and wait until the keys have been read."""
        self.process.process.send_signal(signal.SIGHUP)
        while len(told_of_keys(self.process)) < times:
            assert self.process.process.poll() is None, self.process.log()
            time.sleep(0.05)


def told_of_keys(process: ServerProcess) -> list[dict]:
    """The lines of the log that tell of the file of keys."""
    told = [*process.events("reloaded"), *process.events("not_reloaded")]
    return [line for line in told if line["what"] == "keys"]


def keys(path: Path, *arguments: str) -> str:
    """Run ``polygist-server keys``; returns what it prints."""
    done = CliRunner().invoke(command, ["keys", "--access-keys", str(path), *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


@pytest.fixture(scope="module")
def guarded(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server that asks for certificates and API keys."""
    folder = tmp_path_factory.mktemp("guarded")
    key, cert = make_certificate(folder)
    for name in ("a", "b"):
        sign_clients(folder, name)
    client_ca, path, admin = folder / "client-ca.pem", folder / "keys.json", f"unix:{folder}/admin.sock"
    client_ca.write_bytes((folder / "a-ca.pem").read_bytes())
    api_keys = keys(path, "add", "desk", "--scope", "translate"), keys(path, "add", "operator", "--scope", "admin")
    metrics, http = f"127.0.0.1:{find_free_port()}", find_free_port()
    flags = {
        "tls-cert": cert,
        "tls-key": key,
        "tls-client-ca": client_ca,
        "access-keys": path,
        "admin-listen": admin,
        "metrics-listen": metrics,
        "http-listen": f"127.0.0.1:{http}",
    }
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    port = find_free_port()
    with ServerProcess(tiny_home, folder / "log", *words, address=f"0.0.0.0:{port}") as process:
        process.wait_until_serving()
        yield Guarded(
            process, f"127.0.0.1:{port}", folder, client_ca, path, admin, metrics, f"https://127.0.0.1:{http}", api_keys
        )


def translate(client: Client) -> str:
    with client:
        return client.translate("Guten Morgen", to="en", source="de").text


def test_only_who_shows_a_certificate_of_the_authority_connects(guarded):
    assert translate(guarded.client("a"))
    with pytest.raises(Unavailable, match="it may want a certificate of yours; give cert and key"):
        translate(guarded.client())
    with pytest.raises(Unavailable, match="may not trust the certificate of cert; give one that its authority has"):
        translate(guarded.client("b"))


def test_over_http_it_is_the_same(guarded):
    assert b"de-en" in guarded.ask_http("a")
    for name in ("", "b"):
        with pytest.raises(OSError, match=REFUSED):
            guarded.ask_http(name)


def test_other_machines_are_neither_told_the_protos_nor_let_administer(guarded):
    certificates = [(guarded.folder / name).read_bytes() for name in ("cert.pem", "a.key", "a.pem")]
    with grpc.secure_channel(guarded.address, grpc.ssl_channel_credentials(*certificates)) as channel:
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.RpcError) as caught:
            next(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]), timeout=10))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with guarded.client("a", guarded.api_keys[1]) as client, pytest.raises(Unimplemented, match="--admin-listen"):
        client.load_model("de-en")


def test_the_other_ports_ask_for_no_certificate(guarded):
    with guarded.administrator(guarded.api_keys[1]) as client:
        assert client.load_model("de-en").state == "ready"
    with urlopen(f"http://{guarded.metrics}/metrics") as page:
        assert b"polygist_build_info" in page.read()


def test_the_port_of_administrators_asks_for_a_key_with_their_scope(guarded):
    with guarded.administrator(guarded.api_keys[0]) as client:
        assert client.list_models()  # any key
        with pytest.raises(PermissionDenied, match="needs the scope admin") as caught:
            client.load_model("de-en")
    assert caught.value.metadata == {"scope": "admin"}
    with Client(guarded.admin) as client, pytest.raises(Unauthenticated):
        client.load_model("de-en")


def test_the_authority_and_the_keys_are_taken_up_again_while_it_serves(guarded):
    """By SIGHUP, then by an administrator; what is wrong leaves what was there, and hinders nothing else."""
    with guarded.client("a") as connected:
        translate(guarded.client("a"))
        assert connected.translate("Guten Morgen", to="en", source="de").text
        added = keys(guarded.keys, "add", "new", "--scope", "translate")
        with pytest.raises(Unauthenticated):
            translate(guarded.client("a", added))
        guarded.hang_up(1)
        assert translate(guarded.client("a", added))
        keys(guarded.keys, "revoke", "desk")
        guarded.client_ca.write_bytes((guarded.folder / "b-ca.pem").read_bytes())
        guarded.hang_up(2)
        with pytest.raises(Unauthenticated, match="was revoked"):  # on the connection that there is
            connected.translate("Guten Morgen", to="en", source="de")
    with pytest.raises(Unavailable, match="may not trust"):
        translate(guarded.client("a", added))
    with pytest.raises(OSError, match=REFUSED):
        guarded.ask_http("a")
    assert translate(guarded.client("b", added))
    assert guarded.ask_http("b")

    whole = guarded.keys.read_bytes()
    guarded.keys.write_bytes(whole[: len(whole) // 2])
    guarded.client_ca.write_bytes((guarded.folder / "a-ca.pem").read_bytes())
    with guarded.administrator(guarded.api_keys[1]) as operator:
        with pytest.raises(InvalidArgument, match=r"configuration: .*keys\.json: "):
            operator.reload_configuration()
        assert translate(guarded.client("a", added))
        guarded.keys.write_bytes(whole)
        keys(guarded.keys, "revoke", "new")
        assert operator.reload_configuration() == []
    with pytest.raises(Unauthenticated):
        translate(guarded.client("a", added))
