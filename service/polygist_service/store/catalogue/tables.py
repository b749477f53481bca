"""Tables of a TOML file, read with errors that name the key and say what belongs there."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from polygist_service.errors import StoreError

Tree = Mapping[str, Any]

SHA256 = re.compile(r"[0-9a-f]{64}")


class Table:
    """One table; each key is taken once, and `close` refuses those that nobody took.

    Args:
        where: its dotted name, for the errors.
        values: what it holds.
    """

    def __init__(self, where: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise StoreError(f"catalogue: {where} must be a table, not {values!r}")
        self._where = where
        self._left = dict(values)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._left))

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def error(self, key: str, found: object, wanted: str) -> StoreError:
        """The error of a key whose value is wrong."""
        return StoreError(f"catalogue: {self._where}.{key} is {found!r}; it must be {wanted}")

    def text(self, key: str, *, among: Collection[str] = ()) -> str:
        """A text that is not empty, one of `among` where given."""
        value = self._take(key, str, "a text")
        if among and value not in among:
            raise self.error(key, value, f"one of {', '.join(sorted(among))}")
        if not value:
            raise self.error(key, value, "a text that is not empty")
        return str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self._take(key, list, "a list of texts")
        if not all(isinstance(value, str) for value in values):
            raise self.error(key, values, "a list of texts")
        return tuple(values)

    def text_table(self, key: str) -> dict[str, str]:
        """A table of texts."""
        values = self._take(key, Mapping, "a table of texts")
        if not all(isinstance(value, str) for value in values.values()):
            raise self.error(key, values, "a table of texts")
        return dict(values)

    def count(self, key: str) -> int:
        """A whole number of at least 1."""
        value = self._take(key, int, "a whole number")
        if isinstance(value, bool) or value < 1:
            raise self.error(key, value, "a whole number of at least 1")
        return int(value)

    def flag(self, key: str) -> bool:
        """True or false."""
        return bool(self._take(key, bool, "true or false"))

    def sha256(self, key: str) -> str:
        """64 lower-case hexadecimal digits."""
        value = self.text(key)
        if not SHA256.fullmatch(value):
            raise self.error(key, value, "64 hexadecimal digits, as sha256sum prints them")
        return value

    def relative_path(self, key: str) -> str:
        """A path that stays inside the folder it is joined to."""
        value = self.text(key)
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or "\\" in value:
            raise self.error(key, value, "a relative path with / and without ..")
        return value

    def table(self, key: str) -> "Table":
        """A table inside this one."""
        return Table(f"{self._where}.{key}" if self._where else key, self._take(key, Mapping, "a table"))

    def close(self) -> None:
        """Raise StoreError for the keys that are left: a misspelt key would otherwise be silently without effect."""
        if self._left:
            raise StoreError(f"catalogue: {self._where} has unknown keys: {', '.join(sorted(self._left))}; remove them")

    def _take(self, key: str, kind: type | tuple[type, ...], wanted: str) -> Any:
        if key not in self._left:
            raise StoreError(f"catalogue: {self._where}.{key} is missing; add {wanted}")
        value = self._left.pop(key)
        if not isinstance(value, kind):
            raise self.error(key, value, wanted)
        return value


def merge(below: Tree, above: Tree) -> dict[str, Any]:
    """`above` laid over `below`: tables key by key, everything else replaced."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = merge(lower, value) if isinstance(lower, Mapping) and isinstance(value, Mapping) else value
    return merged
