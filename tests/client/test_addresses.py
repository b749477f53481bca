"""Addresses of servers: every form that a user may write reaches the server, or is refused with its cure."""

import socket
import subprocess

import grpc
import pytest
from polygist_client import AsyncClient, Client, InvalidInput
from polygist_client.addresses import parse_address

from tests.client.conftest import Polygist
from tests.fakes.server import Fake, serving


@pytest.fixture
def port(fake: Fake) -> str:
    return fake.address.rpartition(":")[2]


@pytest.mark.parametrize(
    "form",
    [
        *("127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}", "  localhost:{port}\n"),
        *("http://localhost:{port}", "http://localhost:{port}/", "HTTP://127.0.0.1:{port}"),
        *(
            "dns:localhost:{port}",
            "dns:///localhost:{port}",
            "ipv4:127.0.0.1:{port}",
            "ipv4:127.0.0.1:{port},127.0.0.1:1",
        ),
        "[::ffff:127.0.0.1]:{port}",
    ],
)
def test_every_form_of_an_address_reaches_the_server(form: str, port: str):
    with Client(form.format(port=port)) as client:
        assert str(client.translate("a", to="pt")) == "A"


async def test_the_awaited_client_reads_the_same_forms(port: str):
    async with AsyncClient(f"http://localhost:{port}") as client:
        assert str(await client.translate("a", to="pt")) == "A"
    with pytest.raises(InvalidInput, match="70000"):
        AsyncClient("localhost:70000")


@pytest.mark.parametrize("form", ["http://localhost:{port}", " localhost:{port} "])
@pytest.mark.parametrize("is_flag", [True, False])
def test_the_command_reads_the_same_forms(polygist: Polygist, monkeypatch, port: str, form: str, is_flag: bool):
    address = form.format(port=port)
    if not is_flag:
        monkeypatch.setenv("POLYGIST_ADDRESS", address)
    done = polygist("translate", "--to", "pt", "--text", "a", *(["-a", address] if is_flag else []))
    assert (done.code, done.out) == (0, "A\n")


@pytest.mark.parametrize("is_flag", [True, False])
def test_the_command_refuses_what_is_no_address(polygist: Polygist, monkeypatch, is_flag: bool):
    if not is_flag:
        monkeypatch.setenv("POLYGIST_ADDRESS", "localhost:-1")
    done = polygist("info", *(["-a", "localhost:-1"] if is_flag else []))
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        "error: address 'localhost:-1' has the port '-1'; a port is a number from 1 to 65535: give HOST:PORT"
    ]


@pytest.mark.parametrize("form", ["unix:{}", "unix://{}", "UNIX:{}", " unix:{} "])
@pytest.mark.parametrize("name", ["s", "a b", "é", "a@b", "a?b#c"])
def test_any_path_of_a_socket_is_reached(tmp_path, form: str, name: str):
    path = tmp_path / name
    with serving(Fake(), address=f"unix:{path}"), Client(form.format(path)) as client:
        assert str(client.translate("a", to="pt")) == "A"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("localhost", "dns:///localhost:50051"),
        ("http://localhost", "dns:///localhost:50051"),
        ("polygist_server-1.example.", "dns:///polygist_server-1.example.:50051"),
        ("10.0.0.7", "dns:///10.0.0.7:50051"),
        ("::1", "dns:///[::1]:50051"),
        ("[::1]", "dns:///[::1]:50051"),
        ("[::1]:8", "dns:///[::1]:8"),
        ("http://[::1]:8/", "dns:///[::1]:8"),
        ("[fe80::1%eth0]:8", "dns:///[fe80::1%25eth0]:8"),
        ("dns:polygist", "dns:///polygist:50051"),
        ("dns://10.0.0.53:53/polygist:8", "dns://10.0.0.53:53/polygist:8"),
        ("ipv4:10.0.0.1:8,10.0.0.2", "ipv4:10.0.0.1:8,10.0.0.2:50051"),
        ("ipv6:[fd00::1]:8,[fd00::2]:8", "ipv6:[fd00::1]:8,[fd00::2]:8"),
        ("unix:run/socket", "unix:run/socket"),
    ],
)
def test_what_is_left_out_is_filled_in(text: str, target: str):
    assert parse_address(text).target == target


# What an error says -> addresses that have it.
REFUSED = {
    "is empty; give HOST:PORT": ("", " ", "\n"),
    "has no host; give HOST:PORT": (
        ":50051",
        "http://",
        "http:///",
        "https://:1",
        "dns:",
        "dns:///",
        "ipv4:127.0.0.1:1,",
    ),
    "has no port behind the colon": ("localhost:", "[::1]:", "http://localhost:/"),
    "a port is a number from 1 to 65535": (
        *("h:0", "h:65536", "h:70000", "h:-1", "h:+1", "h:1e3", f"h:{'9' * 5000}"),
        *("https://h:70000", "dns:h:70000", "dns:///h:70000", "ipv4:127.0.0.1:70000"),
    ),
    "number that is no IP address": ("50051", "127.1", "256.0.0.1", "dns:50051"),
    "IPv6 address in brackets": ("a:b:1", "::1:50051", "http://a:1:2", "[::1"),
    "no IPv6 address; brackets are for these": ("[localhost]:1", "[]:1", "[127.0.0.1]:1"),
    "which is no name of one": ("-a:1", "a..b", "*:1", "a$b", "a" * 64, ".".join(["a" * 63] * 4)),
    "has a path behind it": ("localhost:1/", "localhost/a", "http://h:1/v1", "https://h?x", "h#x"),
    "write http://, https://": ("grpc://localhost:1", "ftp://h", "xds:///polygist"),
    "has several hosts; give ipv4:": ("a:1,b:2", "http://a,b"),
    "in it; give HOST:PORT": ("local host:1", "localhost :1", "local\thost", "h\x00:1", "h\x7f"),
    "write it as 'xn--bcher-kva.example:1'": ("bücher.example:1", " bücher.example:1"),
    "more than ASCII characters": ("localhost:５００５１",),
    "no IPv4 address": ("ipv4:localhost:1", "ipv4:[::1]:1"),
    "no IPv6 address": ("ipv6:127.0.0.1:1",),
    "write dns:HOST:PORT": ("dns:///a/b:1",),
    "has no path": ("unix:",),
    "has a comma in its path": ("unix:/a,b",),
    "has a host before the path": ("unix://", "unix://run/socket"),
    "has a path of 108 bytes": (f"unix:/{'a' * 107}",),
}


@pytest.mark.parametrize(("text", "cure"), [(text, cure) for cure, texts in REFUSED.items() for text in texts])
def test_what_is_no_address_is_refused_with_its_cure(text: str, cure: str):
    with pytest.raises(InvalidInput) as caught:
        Client(text)
    assert cure in str(caught.value)
    assert caught.value.field == "target"


@pytest.mark.parametrize("address", [None, b"localhost:50051", 50051, ["localhost:50051"]])
def test_what_is_no_text_is_named(address):
    with pytest.raises(TypeError, match=rf"address is {type(address).__name__}, it must be str; give HOST:PORT"):
        Client(address)


@pytest.mark.parametrize(
    "address", ["ann:s3cret@localhost:1", "http://ann:s3cret@h/p", "grpc://s3cret@h", "a s3cret@é"]
)
def test_a_password_in_an_address_is_not_repeated(address: str):
    with pytest.raises(InvalidInput, match="give HOST:PORT, and a key as api_key") as caught:
        Client(address)
    assert "s3cret" not in str(caught.value)


def test_https_is_tls(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())])
    with serving(Fake(), credentials=credentials) as fake:
        port = fake.address.rpartition(":")[2]
        with Client(f"https://localhost:{port}", ca=cert) as client:
            assert str(client.translate("a", to="pt")) == "A"
    assert parse_address("https://polygist.example").tls
    assert Client("https://localhost:1")._connection.certificates is not None


@pytest.mark.parametrize("option", [{"tls": True}, {"ca": "ca.pem"}])
def test_http_and_tls_contradict_each_other(option):
    with pytest.raises(InvalidInput, match="write https://localhost:1"):
        Client("http://localhost:1", **option)


def test_a_server_that_is_down_is_named_with_the_port_that_was_tried():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with Client(f"http://localhost:{port}/") as client, pytest.raises(Exception, match=f"at localhost:{port} "):
            client.translate("a", to="pt")
