"""API keys and the file that they are kept in: of each key only a hash is kept, so that the file lets nobody in.

A key is ``polygist_NAME_SECRET``. Its secret has 256 random bits, which nobody finds by trying: a hash without salt and
without stretching protects it, and is compared at each call.
"""

import json
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from errno import EINVAL
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from polygist.files import keep_to_owner, read_plain, write_whole

from polygist_service.errors import KeyFileError

TRANSLATE, SUMMARISE, ADMIN = SCOPES = ("translate", "summarise", "admin")
PREFIX = "polygist_"
CALLER = "key:"
SECRET_BYTES = 32
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
DIGEST = re.compile(r"[0-9a-f]{64}")
LEAST_WEIGHT, MOST_WEIGHT = 0.01, 100.0
MOST_QUOTA = 10**12
FIELDS = frozenset({"name", "sha256", "scopes", "created", "expires", "quota", "weight"})
# Who else has the file open lets go of it sooner.
LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What the calls of a key may take of one server; None is as much as there is.

    Attributes:
        requests_per_minute: calls, and items of BatchTranslate, in any 60 seconds.
        characters_per_minute: code points of texts, and bytes of files, in any 60 seconds.
        concurrent_seconds: what all calls that are being answered are expected to take of the slots, in seconds.
    """

    requests_per_minute: int | None = None
    characters_per_minute: int | None = None
    concurrent_seconds: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            is_number = isinstance(value, int | (float if name == "concurrent_seconds" else int))
            if value is not None and (not is_number or isinstance(value, bool) or not 0 < value <= MOST_QUOTA):
                most = f"at most {MOST_QUOTA:,}"
                raise ValueError(f"{name} is {value!r}; give a number above 0, {most}, or leave it out for no bound")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key, without its secret; raises ValueError where it is none.

    Attributes:
        name: what operators and the log call it.
        digest: SHA-256 of the whole key, in hexadecimal digits.
        scopes: which services it is for, of `SCOPES`.
        created: when it was made.
        expires: when it ends; None is never.
        quota: what its calls may take.
        weight: its share of the slots beside other callers, each of which without a key has 1.
    """

    name: str
    digest: str = field(repr=False)
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None = None
    quota: Quota = Quota()
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a key; give 1 to 63 of a-z, 0-9, - and .")
        if not DIGEST.fullmatch(self.digest):
            raise ValueError(f"sha256 of the key {self.name} is none; make the key anew")
        if unknown := sorted({*self.scopes} - {*SCOPES}):
            raise ValueError(f"{unknown[0]!r} is no scope; give one of {', '.join(SCOPES)}")
        if isinstance(self.weight, bool) or not isinstance(self.weight, int | float) or not isfinite(self.weight):
            raise ValueError(f"weight is {self.weight!r}; give a number")
        if not LEAST_WEIGHT <= self.weight <= MOST_WEIGHT:
            raise ValueError(f"weight is {self.weight:g}; give {LEAST_WEIGHT:g} to {MOST_WEIGHT:g}")

    @property
    def caller(self) -> str:
        """Whose its calls are, for fairness between callers."""
        return f"{CALLER}{self.name}"


def make_key(name: str) -> tuple[str, str]:
    """Return a new key, as its caller gives it, and its digest."""
    key = f"{PREFIX}{name}_{secrets.token_hex(SECRET_BYTES)}"
    return key, digest_of(key)


def digest_of(key: str) -> str:
    """Return what is kept of a key."""
    return sha256(key.encode()).hexdigest()


def name_in(key: str) -> str:
    """Return the name that a key tells, whoever made it up; empty where it is no key."""
    name, _, secret = key.removeprefix(PREFIX).rpartition("_")
    return name if key.startswith(PREFIX) and secret else ""


def read_keys(path: Path) -> dict[str, Key]:
    """Read the keys of a file, by their names; raises KeyFileError where it cannot be read, or is none."""
    try:
        tree = json.loads(read_plain(path))
        keys = [parse_row(row) for row in tree["keys"]]
    except FileNotFoundError:
        raise KeyFileError(
            f"{path}: no such file; make one: polygist-server keys --access-keys {path} add NAME --scope SCOPE"
        ) from None
    except OSError as error:
        again = ", since a server reads it again at SIGHUP" if error.errno == EINVAL else ""
        raise KeyFileError(f"{path}: {error.strerror}; give a plain file that this user may read{again}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError, AttributeError) as error:
        cure = "put back a copy of it, or make one by polygist-server keys add NAME --scope SCOPE"
        raise KeyFileError(f"{path}: no file of API keys, or only a part of one; {cure}") from error
    except ValueError as error:
        raise KeyFileError(f"{path}: {error}") from error
    named = {key.name: key for key in keys}
    if len(named) < len(keys):
        raise KeyFileError(f"{path}: two keys have one name; give each its own")
    return named


def parse_row(row: Mapping[str, Any]) -> Key:
    """Return the key of a row of the file.

    A field that is not known is refused: it may be a bound of which the name was mistyped.

    Raises:
        ValueError: it is no key; says what is wrong.
        TypeError, AttributeError: it is not even a row.
    """
    name, quota = row.get("name"), row.get("quota", {})
    if missing := sorted({"name", "sha256", "scopes", "created"} - row.keys()):
        raise ValueError(f"the key {name!r} has no {missing[0]!r}; write the file by polygist-server keys")
    bounds = {each.name for each in fields(Quota)}
    if unknown := sorted((row.keys() - FIELDS) | (quota.keys() - bounds)):
        raise ValueError(
            f"the key {name!r} has {unknown[0]!r}, which is no field of a key; see polygist-server keys list --json"
        )
    expires = row.get("expires")
    return Key(
        name=row["name"],
        digest=row["sha256"],
        scopes=tuple(row["scopes"]),
        created=parse_time(row["created"]),
        expires=None if expires is None else parse_expiry(expires),
        quota=Quota(**quota),
        weight=row.get("weight", 1.0),
    )


def to_row(key: Key) -> dict[str, Any]:
    """Return the row that `parse_row` reads."""
    return {
        "name": key.name,
        "sha256": key.digest,
        "scopes": list(key.scopes),
        "created": key.created.isoformat(),
        "expires": key.expires.isoformat() if key.expires else None,
        "quota": {name: value for name, value in asdict(key.quota).items() if value is not None},
        "weight": key.weight,
    }


def parse_time(text: str) -> datetime:
    """Return a time as ISO 8601 writes it, of UTC where it names no zone; raises ValueError where it is none."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time; give one such as 2030-12-31 or 2030-12-31T18:00+02:00") from None


def parse_expiry(text: str) -> datetime:
    """Return when a key ends: a date alone is the end of that day, of UTC; raises ValueError as `parse_time` does."""
    try:
        is_date = bool(date.fromisoformat(text))
    except ValueError:
        is_date = False
    return parse_time(text) + (timedelta(days=1, seconds=-1) if is_date else timedelta())


@contextmanager
def changing(path: Path) -> Iterator[dict[str, Key]]:
    """Yield the keys of a file, none where there is no file yet, and write what has become of them.

    The file is replaced as a whole, and by one command at a time. It keeps its mode and owner; a new one is for its
    owner alone.

    Raises:
        KeyFileError: it cannot be read, or another command does not let go of it.
        OSError: it cannot be written.
    """
    # A link stays one.
    path = path.resolve()
    lock_path = path.with_name(f"{path.name}.lock")
    keep_to_owner(lock_path)  # who may open it may hold it; earlier versions let everyone
    try:
        lock = FileLock(lock_path, mode=0o600).acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise KeyFileError(
            f"{path}: another command is changing it; try again when that has ended, or see who holds {lock_path}"
        ) from None
    with lock:
        keys = read_keys(path) if path.exists() else {}
        yield keys
        rows = [to_row(key) for key in keys.values()]
        write_whole(path, f"{json.dumps({'keys': rows}, indent=2)}\n".encode())  # a key that was revoked stays so


def is_open_to_all(path: Path) -> bool:
    """Whether everyone on this machine may write a file, and so make keys."""
    return bool(path.stat().st_mode & stat.S_IWOTH)
