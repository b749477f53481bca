"""Pulls from a stand-in of the Hub, each a process of its own as `huggingface_hub` reads its settings once."""

import pytest

from tests.hub import HubStandIn
from tests.hub_repository import blob_id, sha256
from tests.service.store.hub_pulls import FILES, LARGE, NAME, WANTED, WEIGHTS, Pull, contents, parts, pull, size_of


@pytest.fixture
def target(hub, tmp_path):
    """Where files go, while the Hub has a model."""
    hub.add(NAME, FILES, lfs=LARGE, license="cc-by-4.0")
    return tmp_path / "pulled"


def test_a_snapshot_tells_what_a_commit_holds(hub, target):
    snapshot = pull(hub, target, paths=()).snapshot
    assert snapshot["repository"] == NAME
    assert snapshot["revision"] == hub.repositories[NAME].revisions["main"]
    assert snapshot["license"] == "cc-by-4.0"
    assert snapshot["files"].keys() == FILES.keys()
    large, small = snapshot["files"]["model.safetensors"], snapshot["files"]["config.json"]
    assert (large["size"], large["sha256"], large["blob_id"]) == (len(WEIGHTS), sha256(WEIGHTS), "")
    assert (small["size"], small["sha256"]) == (len(FILES["config.json"]), "")
    assert small["blob_id"] == blob_id(FILES["config.json"])
    assert len(hub.requests) == 1


@pytest.mark.parametrize(
    ("card", "license"),
    [
        ({}, ""),
        ({"license": ["mit", "apache-2.0"]}, "mit, apache-2.0"),
        ({"license": "other", "license_name": "nllb-terms"}, "nllb-terms"),
        ({"license": "other"}, "other"),
    ],
)
def test_a_licence_is_the_cards(hub, target, card, license):
    hub.add("a/b", {}, card=card)
    assert pull(hub, target, name="a/b", paths=()).snapshot["license"] == license


def test_the_files_asked_for_arrive_and_nothing_else(hub, target):
    done = pull(hub, target)
    assert contents(target) == WANTED
    assert done.said["places"] == [{path: str(target / path) for path in WANTED}]
    assert not hub.asked("tokenizer.py") + hub.asked("onnx")
    total = sum(map(len, WANTED.values()))
    assert done.reports[0] == [f"fetch {NAME}", 0, total]
    assert done.reports[-1] == [f"fetch {NAME}", total, total]
    assert [report[1] for report in done.reports] == sorted(report[1] for report in done.reports)
    assert all(request.user_agent.startswith("polygist/") for request in hub.requests)


def test_folders_and_empty_files_are_files_too(hub, target):
    pull(hub, target, paths=("onnx/model.onnx", "empty.txt"))
    assert contents(target) == {"onnx/model.onnx": b"onnx", "empty.txt": b""}


def test_a_branch_that_moves_meanwhile_changes_nothing(hub, target):
    moving = Pull(hub, target)
    while moving.process.stdout.readline().startswith('["imported"'):
        pass
    hub.repositories[NAME].commit({path: content[::-1] + b"!" for path, content in FILES.items()})
    moving.process.communicate("\n")
    assert contents(target) == WANTED


def test_a_commit_or_a_pull_request_is_a_revision(hub, target):
    repository = hub.add("a/b", {"config.json": b"old"}, pull_requests=[{"config.json": b"proposed"}])
    old = repository.revisions["main"]
    repository.commit({"config.json": b"new"})
    for revision, content in {old: b"old", "refs/pr/1": b"proposed", "main": b"new"}.items():
        snapshot = pull(hub, target / content.decode(), name="a/b", revision=revision, paths=["config.json"]).snapshot
        assert snapshot["revision"] == repository.find(revision)
        assert contents(target / content.decode()) == {"config.json": content}


def test_a_file_that_is_there_is_not_fetched_again(hub, target):
    pull(hub, target)
    hub.requests.clear()
    assert pull(hub, target).reports[-1][1] == sum(map(len, WANTED.values()))
    assert len(hub.requests) == 1
    (target / "config.json").write_bytes(FILES["config.json"].replace(b"marian", b"MARIAN"))
    pull(hub, target)
    assert contents(target) == WANTED
    assert hub.asked("/resolve/")[0].path.endswith("/config.json")


def test_a_download_goes_on_where_the_connection_broke(hub, target):
    hub.fail(path="storage", cut=100_000)
    pull(hub, target)
    assert contents(target) == WANTED
    assert [request.range for request in hub.asked("storage")] == [None, "bytes=100000-"]


def test_a_second_run_goes_on_where_the_first_was_cut(hub, target):
    hub.fail(path="storage", cut=100_000)
    hub.fail(path="storage", status=418)
    assert "answers 418" in pull(hub, target).error
    hub.requests.clear()
    pull(hub, target)
    assert contents(target) == WANTED
    assert [request.range for request in hub.asked("storage")] == ["bytes=100000-"]
    assert not hub.asked("config.json")


def test_a_killed_run_is_gone_on_with(hub, target):
    hub.fail(path="storage", cut=100_000, held=True)
    Pull(hub, target).kill_when(lambda: sum(map(size_of, parts(target))) > 50_000)
    # How much of what came is in the file is up to the buffers on the way.
    (part,) = parts(target)
    size = part.stat().st_size
    hub.requests.clear()
    pull(hub, target)
    assert contents(target) == WANTED
    assert [request.range for request in hub.asked("storage")] == [f"bytes={size}-"]
    assert not hub.asked("config.json")


def test_a_mirror_that_knows_no_ranges_will_do(hub, target):
    hub.fail(path="storage", cut=100_000)
    hub.fail(path="storage", whole=True)
    done = pull(hub, target)
    assert contents(target) == WANTED
    assert done.reports[-1][1] == done.reports[-1][2]


def test_a_mirror_may_lie_below_a_path(target):
    with HubStandIn(prefix="/artifacts/hub") as mirror:
        mirror.add(NAME, FILES, lfs=LARGE)
        pull(mirror, target, HF_ENDPOINT=f"{mirror.url}/")
        assert contents(target) == WANTED


def test_a_proxy_is_used(hub, target):
    pull(hub, target, HF_ENDPOINT="http://hub.invalid", HTTP_PROXY=hub.url)
    assert contents(target) == WANTED


def test_a_token_goes_to_the_hub_alone(hub, target):
    hub.members.add("hf_member")
    pull(hub, target, HF_TOKEN="hf_member")
    tokens = {(f"http://{request.host}" == hub.url, request.authorization) for request in hub.requests}
    assert tokens == {(True, "Bearer hf_member"), (False, None)}


def test_a_server_in_trouble_is_asked_again(hub, target):
    hub.fail(path="/api/", status=503)
    hub.fail(path="config.json", status=502)
    pull(hub, target)
    assert contents(target) == WANTED
