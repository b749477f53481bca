"""A plugin for pytest: Flask's ``client`` fixture, whose requests go to the server at LIBRETRANSLATE_URL."""

import os
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest


class Answer:
    """An answer as Flask's test client gives it."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.status_code = answer.status_code
        self.data = answer.content
        self._answer = answer

    @property
    def json(self) -> Any:
        """What the answer holds as JSON."""
        return self._answer.json()


class Client:
    """Sends requests as Flask's test client does, over HTTP."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def get(self, path: str) -> Answer:
        """Send GET."""
        return Answer(self._http.get(path))

    def post(self, path: str, *, data: Any = None, json: Any = None) -> Answer:
        """Send POST, with a form or JSON."""
        return Answer(self._http.post(path, data=data, json=json))


@pytest.fixture
def client() -> Iterator[Client]:
    """The client that LibreTranslate's tests ask for."""
    with httpx2.Client(base_url=os.environ["LIBRETRANSLATE_URL"], trust_env=False, timeout=60) as http:
        yield Client(http)
