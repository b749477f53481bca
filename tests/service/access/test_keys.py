"""``polygist-server keys``, and the file that it writes."""

import json
import re
import stat
from pathlib import Path

import pytest
from polygist_service.access.keys import digest_of, read_keys
from polygist_service.errors import KeyFileError

from tests.service.test_cli import server  # noqa: F401


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "keys.json"
    monkeypatch.setenv("POLYGIST_ACCESS_KEYS", str(path))
    return path


def test_a_key_is_printed_once_listed_and_revoked(server, path):  # noqa: F811
    made = server("keys", "add", "newsroom", "--scope", "translate", "--expires", "90d", "--requests-per-minute", "60")
    key = made.out.strip()
    assert (made.code, re.fullmatch("polygist_newsroom_[0-9a-f]{64}", key) is not None) == (0, True)
    assert "SIGHUP" in made.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key.rpartition("_")[2] not in path.read_text()
    assert read_keys(path)["newsroom"].digest == digest_of(key)
    listed = server("keys", "list")
    assert re.search(r"^newsroom +translate +\d{4}-\d\d-\d\d +1 +requests per minute: 60$", listed.out, re.MULTILINE)
    row = json.loads(server("keys", "list", "--json").out)
    assert row["quota"] == {"requests_per_minute": 60}
    assert "sha256" not in row
    assert server("keys", "revoke", "newsroom").code == 0
    assert read_keys(path) == {}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["add", "Big", "--scope", "translate"], "'Big' is no name of a key; give 1 to 63 of a-z"),
        (["add", "one"], "--scope"),
        (["add", "one", "--scope", "all"], "'all' is not one of"),
        (["add", "one", "--scope", "admin", "--expires", "soon"], "'soon' is no time; give days such as 90d"),
        (["add", "one", "--scope", "admin", "--expires", "2001-01-01"], "is over; give a time to come"),
        (["add", "me", "--scope", "admin"], "there is a key 'me'; revoke it first"),
        (["revoke", "you"], "no key 'you'; there are: me"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(server, path, arguments, problem):  # noqa: F811
    server("keys", "add", "me", "--scope", "translate")
    before = path.read_text()
    ended = server("keys", *arguments)
    assert ended.code == 2
    assert problem in ended.err
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "keys.json: "),
        ("[]", "no file of API keys"),
        ('{"keys": [1]}', "no file of API keys"),
        ("[" * 100_000, "keys.json: "),
        ('{"keys": [{"name": "me"}]}', "a key has no 'sha256'"),
        (None, "no such file; make one: polygist-server keys --access-keys"),
    ],
)
def test_a_file_that_is_none_is_refused(path, text, problem):
    if text is not None:
        path.write_text(text)
    with pytest.raises(KeyFileError, match=re.escape(problem)):
        read_keys(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"scopes": ["all"]}, "'all' is no scope; give one of translate, summarise, admin"),
        ({"quota": {"requests_per_minute": 0}}, "requests_per_minute is 0; give a number above 0"),
        ({"quota": {"requests_per_minute": 1.5}}, "requests_per_minute is 1.5"),
        ({"weight": 1000}, "weight is 1000; give 0.01 to 100"),
        ({"expires": "soon"}, "soon"),
    ],
)
def test_a_row_that_was_changed_by_hand_is_checked(server, path, change, problem):  # noqa: F811
    server("keys", "add", "me", "--scope", "translate")
    rows = json.loads(path.read_text())
    rows["keys"][0] |= change
    path.write_text(json.dumps(rows))
    ended = server("keys", "list")
    assert ended.code == 1
    assert problem in ended.err
    assert "Traceback" not in ended.err


def test_a_file_keeps_its_mode_and_its_link(server, path, tmp_path):  # noqa: F811
    kept = tmp_path / "elsewhere.json"
    server("keys", "add", "me", "--scope", "translate")
    path.rename(kept)
    path.symlink_to(kept)
    kept.chmod(0o640)
    server("keys", "add", "you", "--scope", "translate")
    assert path.is_symlink()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert [*read_keys(kept)] == ["me", "you"]
