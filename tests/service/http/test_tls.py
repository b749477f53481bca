"""HTTP over TLS: the certificate of the server, renewed while it serves, and those of clients."""

import ssl
from pathlib import Path

import httpx2
import pytest
from polygist_service.addresses import parse_address
from polygist_service.app.certificates import Certificates
from polygist_service.app.http import build_http_application
from polygist_service.http.server import HttpServer

from tests.end_to_end.server import make_certificate
from tests.service.echo import EchoEngine
from tests.service.harness import serving


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> list[tuple[Path, Path]]:
    """Two keys with their certificates."""
    return [make_certificate(tmp_path_factory.mktemp("tls")) for _ in range(2)]


def trust(certificate: Path, *own: Path) -> ssl.SSLContext:
    """What trusts a server with this certificate, and shows its own."""
    context = ssl.create_default_context(cafile=str(certificate))
    if own:
        context.load_cert_chain(*own)
    return context


def ask(address: str, context: ssl.SSLContext) -> httpx2.AsyncClient:
    """What asks a server over TLS."""
    return httpx2.AsyncClient(base_url=f"https://{address}", verify=context, trust_env=False, timeout=60)


async def test_a_renewed_certificate_is_shown_to_those_who_come_and_nobody_is_cut_off(pairs, tmp_path):
    (old_key, old), (new_key, new) = pairs
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    key.write_bytes(old_key.read_bytes())
    certificate.write_bytes(old.read_bytes())
    certificates = Certificates(certificate, key)
    async with serving(EchoEngine()) as service:
        application = build_http_application(service.services, service.health, hosts=None)
        server = HttpServer(application, parse_address("127.0.0.1:0"), make_tls=certificates.context)
        await server.start()
        async with ask(server.address, trust(old)) as before, ask(server.address, trust(new)) as after:
            assert (await before.get("/v1/models")).status_code == 200
            with pytest.raises(httpx2.ConnectError):
                await after.get("/v1/models")
            key.write_bytes(new_key.read_bytes())
            certificate.write_bytes(new.read_bytes())
            assert certificates.reload()
            await server.renew_tls()
            assert (await after.get("/v1/models")).status_code == 200
            assert (await before.get("/v1/models")).status_code == 200  # on the connection that it has
        await server.stop(1)


async def test_clients_show_a_certificate_where_they_are_asked_for_one(pairs):
    (key, certificate), (client_key, client) = pairs
    certificates = Certificates(certificate, key, client)
    async with serving(EchoEngine()) as service:
        application = build_http_application(service.services, service.health, hosts=None)
        server = HttpServer(application, parse_address("127.0.0.1:0"), make_tls=certificates.context)
        await server.start()
        async with ask(server.address, trust(certificate, client, client_key)) as known:
            assert (await known.get("/v1/models")).status_code == 200
        async with ask(server.address, trust(certificate)) as unknown:
            with pytest.raises(httpx2.TransportError):
                await unknown.get("/v1/models")
        await server.stop(1)
