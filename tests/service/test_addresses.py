"""Addresses that a server is told to listen on: what is meant, what cannot be, and what is taken."""

import os
import socket
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.addresses import Address, check_free, parse_address


@pytest.mark.parametrize(
    ("text", "address", "is_local"),
    [
        ("127.0.0.1:50051", Address("127.0.0.1", 50051), True),
        (" 127.8.0.1:0 ", Address("127.8.0.1", 0), True),
        ("localhost:1", Address("localhost", 1), True),
        ("LOCALHOST.:1", Address("LOCALHOST.", 1), True),
        ("[::1]:65535", Address("::1", 65535), True),
        ("[::ffff:127.0.0.1]:1", Address("::ffff:127.0.0.1", 1), True),
        ("unix:/run/polygist.sock", Address(path="/run/polygist.sock"), True),
        ("unix:///run/polygist.sock", Address(path="/run/polygist.sock"), True),
        ("unix:polygist.sock", Address(path="polygist.sock"), True),
        ("0.0.0.0:80", Address("0.0.0.0", 80), False),
        ("[::]:80", Address("::", 80), False),
        ("10.1.2.3:80", Address("10.1.2.3", 80), False),
        ("db-1.example.org:80", Address("db-1.example.org", 80), False),
        ("localhost.example.org:80", Address("localhost.example.org", 80), False),
    ],
)
def test_an_address_is_read_with_who_can_reach_it(text, address, is_local):
    parsed = parse_address(text)
    assert (parsed, parsed.is_local) == (address, is_local)
    assert parse_address(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("localhost", "no port in 'localhost'; give localhost:50051"),
        ("127.0.0.1:", "no port in '127.0.0.1:'; give 127.0.0.1:50051"),
        ("[::1]", r"no port in '\[::1\]'; give \[::1\]:50051"),
        ("[::1]80", r"no port in '\[::1\]80'; give \[::1\]:50051"),
        (":70000", "no port 70000 in ':70000'"),
        ("127.0.0.1:65536", "no port 65536"),
        (":-1", "no port -1 in ':-1'"),
        ("127.0.0.1:abc", "no port abc in"),
        ("127.0.0.1:٣", "no port ٣ in"),
        ("127.0.0.1:1.5", r"no port 1\.5 in"),
        ("51080", "no host in '51080'; give 127.0.0.1:51080"),
        (":51080", "no host in ':51080'; give 127.0.0.1:51080"),
        ("99999", "give 127.0.0.1:50051"),
        ("*:80", "names no host; give 0.0.0.0:80"),
        ("1.2.3.4.5:80", r"'1\.2\.3\.4\.5' in .* is no IP address"),
        ("256.0.0.1:80", "is no IP address"),
        ("127.1:80", "is no IP address"),
        ("::1", r"without brackets; give \[::1\]:50051"),
        ("::1:50051", r"without brackets; give \[::1\]:50051"),
        ("fe80::1:80", r"without brackets; give \[fe80::1\]:80"),
        ("a:b:c", "is no HOST:PORT"),
        ("[zz]:80", r"is no IPv6 address in brackets; give \[::1\]:80"),
        ("[127.0.0.1]:80", "is no IPv6 address in brackets"),
        ("[localhost]:80", "is no IPv6 address in brackets"),
        ("a..b:80", "is no name of a host"),
        ("-a:80", "is no name of a host"),
        ("bücher.example:80", "is no name of a host"),
        ("127.0.0.1: 80", "has a blank in it"),
        ("127.0.0.1:80,127.0.0.2:80", "is no HOST:PORT"),
        ("http://localhost:50051", "is a URL, no address to listen on; give localhost:50051"),
        ("https://example.org/x", "give example.org:50051"),
        ("dns:///example.org", "is a URL"),
        ("unix:", "no path in 'unix:'"),
        ("unix://host/path", "has a host where only a path can be"),
        ("unix:/" + "x" * 120, "at most 107; give a shorter one"),
        ("", "names no address; give 127.0.0.1:50051"),
    ],
)
def test_what_is_no_address_is_told_with_one_that_is(text, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        parse_address(text)
    assert "\n" not in str(caught.value)


def test_the_cure_names_the_usual_port_and_no_socket_where_none_will_do():
    with pytest.raises(ValueError, match="give localhost:9464"):
        parse_address("localhost", port=9464)
    with pytest.raises(ValueError, match=r"served over TCP only; give 127\.0\.0\.1:9464"):
        parse_address("unix:/x", port=9464, takes_unix=False)


@given(st.text(alphabet="12:.[]-aux /*%", max_size=20))
def test_any_text_is_an_address_or_one_line_of_complaint(text):
    try:
        address = parse_address(text)
    except ValueError as error:
        address, complaint = None, str(error)
    assert parse_address(str(address)) == address if address else "give " in complaint


@contextmanager
def listening(place, family=socket.AF_INET):
    """Another server at a place."""
    with socket.socket(family) as other:
        other.bind(place)
        other.listen()
        yield other.getsockname()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_taken_port_is_told_with_the_setting(host):
    with listening(("127.0.0.1", 0)) as (_, port), pytest.raises(OSError, match="it is taken") as caught:
        check_free(Address(host, port), "admin_listen")
    assert f"cannot listen on {host}:{port} (admin_listen)" in str(caught.value)
    assert "give another --admin-listen HOST:PORT" in str(caught.value)


def test_a_port_that_was_left_is_free_again():
    with listening(("127.0.0.1", 0)) as (_, port):
        caller = socket.create_connection(("127.0.0.1", port))
    caller.close()
    check_free(Address("127.0.0.1", port), "listen")
    check_free(Address("127.0.0.1", 0), "listen")


@pytest.mark.parametrize(
    ("host", "problem"),
    [("203.0.113.7", "is no address of this machine"), ("nowhere.invalid", "no such host")],
)
def test_a_host_of_elsewhere_is_told(host, problem):
    with pytest.raises(OSError, match=f"cannot listen on {host}:50051 .*{problem}.*give"):
        check_free(Address(host, 50051), "listen")


def test_a_port_that_only_root_may_use_is_told(monkeypatch):
    def bind(self, place):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(OSError, match="may not use port 80; give one above 1023"):
        check_free(Address("127.0.0.1", 80), "listen")


def test_a_socket_that_another_server_has_is_not_taken_from_it(tmp_path):
    path = tmp_path / "a.sock"
    with listening(str(path), socket.AF_UNIX), pytest.raises(OSError, match=r"it is taken.*--listen unix:PATH"):
        check_free(Address(path=str(path)), "listen")
    assert path.is_socket()
    check_free(Address(path=str(path)), "listen")  # left by a server that ended


def test_a_socket_needs_a_folder_and_no_file_in_its_place(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="is there and no socket; remove it"):
        check_free(Address(path=str(tmp_path / "file")), "listen")
    with pytest.raises(OSError, match=f"there is no folder {tmp_path}/none; make it"):
        check_free(Address(path=f"{tmp_path}/none/a.sock"), "listen")


def test_a_socket_needs_a_folder_that_may_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root, who may run this, may write everywhere
    with pytest.raises(OSError, match=f"may not write to {tmp_path}"):
        check_free(Address(path=str(tmp_path / "a.sock")), "listen")
