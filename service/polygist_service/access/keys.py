"""API keys and the file that they are kept in: of each key only a hash is kept, so that the file lets nobody in.

A key is ``polygist_NAME_SECRET``. Its secret has 256 random bits, which nobody finds by trying: a hash without salt and
without stretching protects it, and is compared at each call.
"""

import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

from filelock import FileLock

from polygist_service.errors import KeyFileError

TRANSLATE, SUMMARISE, ADMIN = SCOPES = ("translate", "summarise", "admin")
PREFIX = "polygist_"
CALLER = "key:"
SECRET_BYTES = 32
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
DIGEST = re.compile(r"[0-9a-f]{64}")
LEAST_WEIGHT, MOST_WEIGHT = 0.01, 100.0
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
            if value is not None and (not is_number or isinstance(value, bool) or not 0 < value < float("inf")):
                raise ValueError(f"{name} is {value!r}; give a number above 0, or leave it out for no bound")


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
        rows = json.loads(path.read_bytes())["keys"]
        keys = [parse_row(row) for row in rows]
    except FileNotFoundError:
        raise KeyFileError(
            f"{path}: no such file; make one: polygist-server keys --access-keys {path} add NAME"
        ) from None
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; give a file that this user may read") from error
    except KeyError as error:
        raise KeyFileError(f"{path}: a key has no {error}; write the file by polygist-server keys") from error
    except (TypeError, AttributeError, RecursionError) as error:
        raise KeyFileError(f"{path}: no file of API keys; make one by polygist-server keys add") from error
    except ValueError as error:  # json's own errors are such too
        raise KeyFileError(f"{path}: {error}") from error
    named = {key.name: key for key in keys}
    if len(named) < len(keys):
        raise KeyFileError(f"{path}: two keys have one name; give each its own")
    return named


def parse_row(row: Mapping[str, Any]) -> Key:
    """Return the key of a row of the file; raises ValueError, KeyError or TypeError where it is none."""
    return Key(
        name=row["name"],
        digest=row["sha256"],
        scopes=tuple(row["scopes"]),
        created=parse_time(row["created"]),
        expires=parse_time(row["expires"]) if row.get("expires") else None,
        quota=Quota(**row.get("quota", {})),
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
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@contextmanager
def changing(path: Path) -> Iterator[dict[str, Key]]:
    """Yield the keys of a file, none where there is no file yet, and write what has become of them.

    The file is replaced as a whole, and by one command at a time. It keeps its mode and owner; a new one is for its
    owner alone.

    Raises:
        KeyFileError: it cannot be read.
        OSError: it cannot be written.
    """
    # A link stays one.
    path = path.resolve()
    with FileLock(f"{path}.lock", timeout=LOCK_SECONDS):
        keys = read_keys(path) if path.exists() else {}
        yield keys
        write_whole(path, json.dumps({"keys": [to_row(key) for key in keys.values()]}, indent=2) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Replace a file as a whole; raises OSError."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # for its owner alone
    try:
        with open(number, "w", encoding="utf-8") as file:
            if path.exists():
                before = path.stat()
                os.fchmod(number, before.st_mode & 0o777)
                with suppress(PermissionError):
                    os.fchown(number, before.st_uid, before.st_gid)
            file.write(text)
            file.flush()
            os.fsync(number)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
