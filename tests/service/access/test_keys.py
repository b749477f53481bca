"""``polygist-server keys``, and the file that it writes."""

import errno
import json
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from polygist_service.access.keys import Key, changing, digest_of, read_keys
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
    assert re.search(
        r"^newsroom +translate +\d{4}-\d\d-\d\dT\d\d:\d\dZ +1 +requests per minute: 60$", listed.out, re.MULTILINE
    )
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
        (["add", "one", "--scope", "admin", "--requests-per-minute", "9" * 23], "requests_per_minute is 99999999999"),
        (["add", "one", "--scope", "admin", "--concurrent-seconds", "inf"], "concurrent_seconds is inf"),
        (["add", "me", "--scope", "admin"], "there is a key 'me'; revoke it first"),
        (["revoke", "you"], "no key 'you'; nothing was revoked; there are: me"),
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
        *(
            (text, "keys.json: no file of API keys, or only a part of one; put back a copy of it, or make one by")
            for text in ("", "[]", "{}", '{"keys": 1}', '{"keys": [1]}', '{"keys": [{"name": "m', "[" * 100_000)
        ),
        ('{"keys": [{"name": "me", "created": "2030-01-01", "scopes": []}]}', "the key 'me' has no 'sha256'; write"),
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
        ({"expires": "soon"}, "'soon' is no time; give one such as 2030-12-31"),
        ({"expires": ""}, "'' is no time"),
        ({"expires": "9999-12-31T23:59-23:00"}, "is no time"),
        ({"expire": "2030-12-31"}, "the key 'me' has 'expire', which is no field of a key"),
        ({"quota": {"requests_per_hour": 5}}, "the key 'me' has 'requests_per_hour', which is no field of a key"),
        ({"quota": None}, "no file of API keys"),
        ({"sha256": "A" * 64}, "sha256 of the key me is none; make the key anew"),
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


def test_a_date_alone_is_the_end_of_that_day(server, path):  # noqa: F811
    today = datetime.now(UTC).date()
    assert server("keys", "add", "day", "--scope", "translate", "--expires", today).code == 0
    assert server("keys", "add", "time", "--scope", "translate", "--expires", "2130-12-31T18:00+02:00").code == 0
    keys = read_keys(path)
    assert keys["day"].expires == datetime(today.year, today.month, today.day, 23, 59, 59, tzinfo=UTC)
    assert keys["time"].expires == datetime(2130, 12, 31, 16, tzinfo=UTC)
    path.write_text(re.sub(r'"expires": "2130[^"]*"', '"expires": "2130-12-31"', path.read_text()))
    assert read_keys(path)["time"].expires == datetime(2130, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_keys_are_revoked_together_or_none_is(server, path):  # noqa: F811
    for name in ("me", "you", "them"):
        server("keys", "add", name, "--scope", "translate")
    ended = server("keys", "revoke", "me", "nope", "nope", "you", "nor")
    assert ended.code == 2
    assert "no key 'nope', 'nor'; nothing was revoked; there are: me, you, them" in ended.err
    assert [*read_keys(path)] == ["me", "you", "them"]
    assert server("keys", "revoke", "me", "me", "you").code == 0
    assert [*read_keys(path)] == ["them"]


def test_nobody_else_may_hold_the_lock(server, path):  # noqa: F811
    server("keys", "add", "me", "--scope", "translate")
    assert stat.S_IMODE(path.with_name("keys.json.lock").stat().st_mode) == 0o600


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


def test_commands_at_the_same_time_lose_no_key(server, path):  # noqa: F811
    with ThreadPoolExecutor(8) as pool:

        def add(name):
            with changing(path) as keys:
                keys[name] = Key(name=name, digest=digest_of(name), scopes=("admin",), created=datetime.now(UTC))

        assert list(pool.map(add, map(str, range(40)))) == [None] * 40
    assert len(read_keys(path)) == 40


def test_a_file_that_another_command_does_not_let_go_of_is_told(server, path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("polygist_service.access.keys.LOCK_SECONDS", 0.01)
    server("keys", "add", "me", "--scope", "translate")
    with changing(path):
        ended = server("keys", "revoke", "me")
    cure = f"try again when that has ended, or see who holds {path}.lock"
    assert (ended.code, ended.err) == (1, f"error: {path}: another command is changing it; {cure}\n")


def test_a_file_stays_whole_where_it_cannot_be_written(server, path, monkeypatch):  # noqa: F811
    server("keys", "add", "me", "--scope", "translate")
    before = path.read_text()

    def fail(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    ended = server("keys", "revoke", "me")
    assert (ended.code, "No space left on device" in ended.err) == (1, True)
    assert path.read_text() == before
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []
