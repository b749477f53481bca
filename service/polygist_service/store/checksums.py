"""SHA-256 of files."""

import hashlib
from pathlib import Path

from polygist_service.errors import StoreError


def compute_sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def expect_sha256(path: Path, expected: str, *, name: str, cure: str) -> None:
    """Raise StoreError, calling the file `name` and offering `cure`, unless its SHA-256 is `expected`."""
    if (found := compute_sha256(path)) != expected:
        raise StoreError(f"{name} has sha256 {found}, the catalogue says {expected}; {cure}")
