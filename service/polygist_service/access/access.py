"""Who may call: the API key of a call, what it is for, and what is left of its quota."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hmac import compare_digest
from pathlib import Path

from polygist_service.access.keys import (
    ADMIN,
    CALLER,
    SUMMARISE,
    TRANSLATE,
    Key,
    digest_of,
    is_open_to_all,
    name_in,
    read_keys,
)
from polygist_service.access.quotas import Account, Demand
from polygist_service.errors import ApiKeyInvalid, ApiKeyMissing, QuotaExceeded, ScopeMissing

AUTHORIZATION = "authorization"
SCHEME = "bearer "
# The scope that a service needs; None is any. Whatever is not named here is for administrators.
NEEDED: Mapping[str, str | None] = {
    "polygist.v1.TranslationService": TRANSLATE,
    "polygist.v1.SummarisationService": SUMMARISE,
    "polygist.v1.ModelService": None,
    "polygist.v1.ModelAdminService": ADMIN,
}
# A key that is longer is none of ours, and is not hashed.
MOST_KEY_CHARACTERS = 256
# Compared with where there is no key of a name, so that it takes as long to tell.
NO_DIGEST = "0" * 64
SEND = 'send it as "authorization: Bearer KEY" (polygist: --api-key-file; the Python client: api_key)'


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


class Access:
    """The API keys of a server. Without a file of them everyone may call all that is served.

    Lives on the event loop.

    Args:
        path: the file; None asks for no keys.
        exposed: is told of it where everyone on the machine may write it, and so make keys.
        clock: seconds, for quotas.
        now: the time of day, for keys that expire.

    Raises:
        KeyFileError: see `read_keys`.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        exposed: Callable[[Path], None] = lambda path: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._path = path
        self._exposed = exposed
        self._clock = clock
        self._now = now
        self._keys: dict[str, Key] = self._read(path) if path else {}
        self._accounts: dict[str, Account] = {}

    @property
    def asks_for_keys(self) -> bool:
        """Whether a call needs a key."""
        return self._path is not None

    async def reload(self) -> bool:
        """Read the file again; returns whether it has changed. Raises KeyFileError, and what was there stays.

        Calls that are being answered go on. What a key has taken of its quota stays, while it has its name.
        """
        if self._path is None:
            return False
        before, self._keys = self._keys, await asyncio.to_thread(self._read, self._path)
        return self._keys != before

    def _read(self, path: Path) -> dict[str, Key]:
        keys = read_keys(path)
        if is_open_to_all(path):
            self._exposed(path)
        return keys

    def authorise(self, service: str, metadata: Iterable[tuple[str, str | bytes]]) -> Key | None:
        """Return the key of a call; None where none is asked for.

        Args:
            service: full name of the service that is called.
            metadata: of the call.

        Raises:
            ApiKeyMissing, ApiKeyInvalid: there is no key, or it is none of this server, or has expired.
            ScopeMissing: it is not for this service.
        """
        if not self.asks_for_keys:
            return None
        given = next((value for name, value in metadata if name == AUTHORIZATION), None)
        if given is None:
            raise ApiKeyMissing(f"this server asks for an API key; {SEND}")
        key = self._find(given if isinstance(given, str) else "")
        needed = NEEDED.get(service, ADMIN)
        if needed and needed not in key.scopes:
            raise ScopeMissing(
                f"the API key {key.name!r} is for {' and '.join(key.scopes) or 'no service'}, and this call needs the"
                f" scope {needed}; ask the operator for a key that has it",
                scope=needed,
            )
        return key

    def _find(self, authorization: str) -> Key:
        """Return the key that a header gives; raises ApiKeyInvalid."""
        given = authorization[len(SCHEME) :].strip()
        if authorization[: len(SCHEME)].lower() != SCHEME or not 0 < len(given) <= MOST_KEY_CHARACTERS:
            raise ApiKeyInvalid(f"what is given as authorization is no API key; {SEND}")
        key = self._keys.get(name_in(given))
        if not compare_digest(digest_of(given), key.digest if key else NO_DIGEST) or key is None:
            raise ApiKeyInvalid("the API key is none of this server, or was revoked; check it, or ask for a new one")
        self._check_time(key)
        return key

    def _check_time(self, key: Key) -> None:
        """Raise ApiKeyInvalid where a key has expired."""
        if key.expires and self._now() >= key.expires:
            raise ApiKeyInvalid(
                f"the API key {key.name!r} expired at {key.expires:%Y-%m-%d %H:%M:%S} UTC; ask for a new one"
            )

    def find_refusal(self, key: Key | None, demand: Demand) -> QuotaExceeded | None:
        """Return why a call of a key, or an item of a stream, has to be refused now; None where it is not.

        Raises:
            ApiKeyInvalid: the key has been revoked, or has expired, since its stream began.
        """
        if key is None:
            return None
        current = self._keys.get(key.name)
        if current is None or current.digest != key.digest:
            raise ApiKeyInvalid(f"the API key {key.name!r} was revoked; ask for a new one")
        self._check_time(current)
        account = self._accounts.get(key.name) or Account(self._clock)
        return account.find_refusal(current.quota, demand, name=key.name)

    def key_of(self, caller: str) -> Key | None:
        """Return the key of a caller, as `Key.caller` has it; None where no keys are asked for.

        Raises:
            ApiKeyInvalid: it has been revoked since its call began.
        """
        if not self.asks_for_keys:
            return None
        if key := self._keys.get(caller.removeprefix(CALLER)):
            return key
        raise ApiKeyInvalid("the API key was revoked; ask for a new one")

    @contextmanager
    def call(self, key: Key | None, demand: Demand) -> Iterator[None]:
        """Count a call, or an item, that is taken on while the block runs."""
        if key is None:
            yield
            return
        if key.name not in self._accounts:  # those of keys that are gone are forgotten as new ones come
            self._accounts = {name: each for name, each in self._accounts.items() if name in self._keys}
        account = self._accounts.setdefault(key.name, Account(self._clock))
        account.begin(demand)
        try:
            yield
        finally:
            account.end(demand)
