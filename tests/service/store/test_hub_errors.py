"""What is said where a pull from the Hub goes wrong, in one line with the cure."""

import json
import re
import resource

import pytest
from polygist_service.errors import StoreError
from polygist_service.store.sources.hub import resolve

from tests.end_to_end.server import find_free_port
from tests.service.store.hub_pulls import FILES, LARGE, NAME, WANTED, Pull, contents, pull


@pytest.fixture
def target(hub, tmp_path):
    """Where files go, while the Hub has a model."""
    hub.add(NAME, FILES, lfs=LARGE, license="cc-by-4.0")
    return tmp_path / "pulled"


@pytest.mark.parametrize("path", ["storage", "config.json"])
def test_other_bytes_are_refused_and_removed(hub, target, path):
    hub.fail(path=path, replaced=True)
    error = pull(hub, target).error
    assert f"of {NAME} arrived with another checksum" in error
    assert "pull again" in error
    assert contents(target).keys() <= {"config.json"}
    pull(hub, target)
    assert contents(target) == WANTED


def test_a_server_that_stays_in_trouble_is_named(hub, target):
    hub.fail(path="config.json", times=None, status=503, headers={"Retry-After": "0"})
    error = pull(hub, target).error
    assert f"config.json: {hub.url} answers 503" in error
    assert "pull again later" in error
    assert len(hub.asked("config.json")) == 4


@pytest.mark.parametrize(
    ("headers", "when"),
    [
        ({"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}, "in 55 seconds"),
        ({"Retry-After": "120"}, "in 120 seconds"),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "after Wed, 21 Oct 2026 07:28:00 GMT"),
        ({}, "in some minutes"),
    ],
)
def test_too_many_requests_says_when_to_ask_again(hub, target, headers, when):
    hub.fail(path="storage", status=429, headers=headers)
    assert f"answers 429, too many requests; pull again {when}," in pull(hub, target).error
    pull(hub, target)
    assert contents(target) == WANTED


def test_a_gated_repository_asks_for_its_terms(hub, target):
    hub.add("a/gated", FILES, lfs=LARGE, gated=True)
    hub.members.add("hf_member")
    hub.strangers.add("hf_stranger")
    for token in (None, "hf_stranger"):
        error = pull(hub, target, name="a/gated", HF_TOKEN=token).error
        assert f"a/gated is gated: accept its terms at {hub.url}/a/gated and set HF_TOKEN" in error
    pull(hub, target, name="a/gated", HF_TOKEN="hf_member")
    assert contents(target) == WANTED


@pytest.mark.parametrize("token", [None, "hf_stranger"])
def test_what_is_not_there_looks_as_what_is_private(hub, target, token):
    hub.strangers.add("hf_stranger")
    hub.add("a/private", FILES, private=True)
    for name in ("a/private", "a/missing"):
        error = pull(hub, target, name=name, HF_TOKEN=token).error
        assert f"there is no repository {name} at {hub.url}, or it is private" in error
        assert "set HF_TOKEN" in error


def test_a_token_that_is_no_token_is_named(hub, target):
    assert "answers 401, the token is not valid; set HF_TOKEN" in pull(hub, target, HF_TOKEN="hf_wrong").error


def test_a_token_that_cannot_be_sent_is_named(hub, target):
    assert "HF_TOKEN holds what no token does" in pull(hub, target, HF_TOKEN="hf_ab…").error


def test_an_address_without_a_scheme_is_named(hub, target):
    assert "hub.invalid is out of reach (Request URL is missing" in pull(hub, target, HF_ENDPOINT="hub.invalid").error


def test_a_revision_that_is_not_there_is_named(hub, target):
    assert f"{NAME} has no revision v9" in pull(hub, target, revision="v9").error


def test_a_file_that_is_not_there_is_named(hub, target):
    error = pull(hub, target, paths=["model.bin"]).error
    assert "has no file model.bin; it has: config.json" in error
    assert len(hub.requests) == 1


def test_a_file_that_vanishes_is_named(hub, target):
    hub.fail(path="config.json", status=404, headers={"X-Error-Code": "EntryNotFound"})
    assert "has no file config.json any more" in pull(hub, target).error


@pytest.mark.parametrize("name", ["opus-tiny", "a/b/c", "a/../b", "/a", "a/", "a b/c", "https://host/a/b", "a/b.", ""])
def test_what_is_no_repository_is_not_asked_for(name):
    with pytest.raises(StoreError, match=re.escape(f"{name!r} is no repository of the Hub: write OWNER/NAME")):
        resolve(name)


def test_a_hub_out_of_reach_is_answered_with_the_cure(hub, target):
    endpoint = f"http://someone:secret@127.0.0.1:{find_free_port()}"
    error = pull(hub, target, HF_ENDPOINT=endpoint).error
    assert f"{endpoint.replace('someone:secret@', '')} is out of reach" in error
    assert "secret" not in error
    assert "HF_ENDPOINT" in error
    assert "path:DIR" in error


def test_a_connection_that_breaks_again_and_again_is_given_up(hub, target):
    hub.fail(path="storage", times=None, cut=0)
    assert "is out of reach" in pull(hub, target).error
    assert len(hub.asked("storage")) == 6


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_is_offline(hub, target, variable):
    done = pull(hub, target, **{variable: "1"})
    assert "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set" in done.error
    assert "path:DIR" in done.error
    assert done.said["connections"] == [[]]


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"[]", b'{"sha": "main", "siblings": []}', b"{}"])
def test_what_is_no_hub_is_recognised(hub, target, body):
    hub.fail(path="/api/", status=200, body=body)
    assert "is no listing of the Hub" in pull(hub, target).error


def test_a_mirror_that_tells_no_checksums_will_not_do(hub, target):
    listing = {"sha": hub.repositories[NAME].revisions["main"], "siblings": [{"rfilename": "config.json"}]}
    hub.fail(path="/api/", status=200, body=json.dumps(listing).encode())
    assert "nobody told a checksum of config.json" in pull(hub, target, paths=["config.json"]).error
    assert not hub.asked("/resolve/")


def test_another_commit_than_the_one_asked_for_is_refused(hub, target):
    hub.fail(path="/api/", status=200, body=json.dumps({"sha": "0" * 40, "siblings": []}).encode())
    assert f"was answered with commit {'0' * 40}" in pull(hub, target, revision="1" * 40).error


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../outside"])
def test_a_path_that_leads_elsewhere_is_refused(hub, target, path):
    hub.add("a/b", {path: b"x"})
    assert "is no listing of the Hub" in pull(hub, target, name="a/b", paths=[path]).error
    assert not hub.asked("/resolve/")


def test_a_proxy_that_is_none_is_named(hub, target):
    assert "cannot use the proxy of HTTPS_PROXY" in pull(hub, target, HTTP_PROXY="nonsense://host").error


def test_what_cannot_be_written_is_an_error_of_the_operating_system(hub, target):
    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    process = Pull(hub, target, before=limit_files).process
    assert process.communicate()[1].splitlines()[-1] == "OSError: [Errno 27] File too large"
    pull(hub, target)
    assert contents(target) == WANTED
    assert hub.asked("storage")[-1].range == "bytes=50000-"
