"""Lists in pages: an opaque token says where the next one starts."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from polygist_service.errors import InvalidRequest
from polygist_service.wire.validation import parse_range

DEFAULT_PAGE_SIZE = 100

EntryT = TypeVar("EntryT")


def take_page(entries: Sequence[EntryT], *, page_size: int, page_token: str, most: int) -> tuple[Sequence[EntryT], str]:
    """Return one page of `entries` and the token of the next, empty on the last page."""
    size = min(parse_range("page_size", page_size, most=2**31 - 1) or DEFAULT_PAGE_SIZE, most)
    start = _read_token(page_token) if page_token else 0
    end = start + size
    return entries[start:end], (_write_token(end) if end < len(entries) else "")


def _write_token(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode()


def _read_token(token: str) -> int:
    try:
        start = int(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        start = -1
    if start < 0:
        raise InvalidRequest("page_token", f"{token!r} is not a token of this list; pass next_page_token unchanged")
    return start
