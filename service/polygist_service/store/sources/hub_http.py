"""Requests to the Hub through ``huggingface_hub``: its address, token, proxies, offline switch and retries.

Its own downloads are not used: one that fails drops what had arrived, so that no later run could go on with it.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from httpx2 import HTTPError, InvalidURL, RemoteProtocolError, Response, TransportError
from huggingface_hub import close_session, constants, get_session, hf_hub_url
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    OIDCError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff, parse_ratelimit_headers
from huggingface_hub.utils.logging import get_verbosity, set_verbosity
from polygist import __version__

from polygist_service.errors import StoreError

# Not 429: the Hub's windows are minutes long, and the library would wait for their end without a word.
RETRIED_STATUSES = (408, 500, 502, 503, 504)
STATUS_RETRIES = 3
# Connections that break one after the other, none of which brought a byte.
CONNECTION_RETRIES = 5
INSTEAD = "fetch the files elsewhere and pull from their folder with path:DIR"


@contextmanager
def connect() -> Iterator[None]:
    """Make requests in this block: nothing on standard error, no telemetry, connections closed at its end.

    Raises:
        StoreError: the settings of a proxy are of no use.
    """
    # Telemetry is a request of its own, for a list of names to look for in the environment.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    verbosity = get_verbosity()
    if verbosity == logging.WARNING:  # what else was chosen, through HF_HUB_VERBOSITY or HF_DEBUG, stays
        set_verbosity(logging.ERROR)
    try:
        get_session()
    except (ImportError, ValueError) as error:
        raise StoreError(f"cannot use the proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY: {error}") from error
    try:
        yield
    finally:
        close_session()
        set_verbosity(verbosity)


def fetch_listing(repository: str, revision: str) -> Any:
    """What the Hub tells of a repository: commit, model card, files with sizes and checksums.

    Raises:
        StoreError: no such repository or revision, no access, or no Hub in reach.
    """
    url = f"{constants.ENDPOINT}/api/models/{repository}/revision/{quote(revision, safe='')}"
    with explain_failures(repository, revision), open_response(url, params={"blobs": "true"}) as response:
        content = response.read()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        message = f"what was answered for {repository}@{revision} is no listing of the Hub; check HF_ENDPOINT"
        raise StoreError(message) from error


def append_file(
    repository: str, revision: str, path: str, opened: BinaryIO, *, size: int, report: Callable[[int], None]
) -> None:
    """Append to `opened` what it lacks of a file of the Hub, over as many connections as it takes.

    Args:
        opened: for appending; holds the beginning of the file, or nothing.
        size: of the whole file.
        report: told how many bytes there are.

    Raises:
        StoreError: the file cannot be had; what has arrived is in `opened`.
        OSError: it cannot be written.
    """
    url = hf_hub_url(repository, path, revision=revision)
    failures = 0
    with explain_failures(repository, revision, path):
        while (start := opened.tell()) < size:
            try:
                append_rest(url, opened, size, report)
            except TransportError:
                failures = 0 if opened.tell() > start else failures + 1
                if failures > CONNECTION_RETRIES:
                    raise
                time.sleep(1)


def append_rest(url: str, opened: BinaryIO, size: int, report: Callable[[int], None]) -> None:
    """Append what one connection brings."""
    start = opened.tell()
    # Packed content could not be asked for from a byte on.
    headers = {"accept-encoding": "identity"} | ({"range": f"bytes={start}-"} if start else {})
    with open_response(url, headers=headers) as response:
        if start and response.status_code != 206:  # the whole file is coming
            opened.truncate(0)
        for block in response.iter_bytes():
            opened.write(block)
            report(opened.tell())
            if opened.tell() > size:
                return
    if opened.tell() < size:
        raise RemoteProtocolError(f"the answer ended at byte {opened.tell()} of {size}")


@contextmanager
def open_response(
    url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Iterator[Response]:
    """A response whose body is not read yet; raises errors of `huggingface_hub` and `httpx2`."""
    ours = build_hf_headers(library_name="polygist", library_version=__version__)
    with http_stream_backoff(
        "GET",
        url,
        params=params,
        headers={**ours, **(headers or {})},
        timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
        max_retries=STATUS_RETRIES,
        retry_on_status_codes=RETRIED_STATUSES,
        # It could not go on with a body that it has passed on in part.
        retry_on_exceptions=(),
    ) as response:
        hf_raise_for_status(response)
        yield response


@contextmanager
def explain_failures(repository: str, revision: str, path: str = "") -> Iterator[None]:
    """Turn what requests to the Hub raise into a StoreError; other errors of the operating system pass."""
    name = f"{repository}@{revision[:12] if path else revision}" + (f" {path}" if path else "")
    try:
        yield
    except OfflineModeIsEnabled as error:
        message = f"HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set, so {name} is not fetched: unset it, or {INSTEAD}"
        raise StoreError(message) from error
    except GatedRepoError as error:
        raise StoreError(
            f"{repository} is gated: accept its terms at {_endpoint()}/{repository} and set HF_TOKEN to a token of "
            "that account"
        ) from error
    except RepositoryNotFoundError as error:
        raise StoreError(
            f"there is no repository {repository} at {_endpoint()}, or it is private, which looks the same: check the "
            "name, or set HF_TOKEN to a token that may read it"
        ) from error
    except RevisionNotFoundError as error:
        raise StoreError(f"{repository} has no revision {revision}: give a branch, a tag or a commit of it") from error
    except RemoteEntryNotFoundError as error:
        raise StoreError(f"{repository}@{revision[:12]} has no file {path} any more: pull again") from error
    except DisabledRepoError as error:
        raise StoreError(f"{_endpoint()} has disabled {repository}: choose another, or {INSTEAD}") from error
    except HfHubHTTPError as error:
        raise StoreError(explain_status(error, name)) from error
    except UnicodeEncodeError as error:  # of the header that it becomes
        raise StoreError("HF_TOKEN holds what no token does: copy it again") from error
    except OIDCError as error:
        raise StoreError(f"HF_OIDC_RESOURCE is set, but brings no token: {error}") from error
    except (HTTPError, InvalidURL) as error:
        raise StoreError(
            f"cannot fetch {name}: {_endpoint()} is out of reach ({error or type(error).__name__}); set HF_ENDPOINT to "
            "a mirror that you can reach (HTTPS_PROXY and SSL_CERT_FILE where your network asks for them), or "
            f"{INSTEAD}"
        ) from error


def explain_status(error: HfHubHTTPError, name: str) -> str:
    """Say what a status of the Hub that has no exception of its own comes to, with the cure."""
    status, headers = error.response.status_code, error.response.headers
    answer = f"cannot fetch {name}: {_endpoint()} answers {status}"
    if status == 401:
        return f"{answer}, the token is not valid; set HF_TOKEN to one that is, or unset it"
    if status == 403:
        return f"{answer}, the token may not read this; set HF_TOKEN to one that may"
    if status == 429:
        limit = parse_ratelimit_headers(headers)
        wait = str(limit.reset_in_seconds) if limit and not limit.remaining else headers.get("retry-after", "")
        when = f"in {wait} seconds" if wait.isdigit() else f"after {wait}" if wait else "in some minutes"
        return f"{answer}, too many requests; pull again {when}, what has arrived is kept (HF_TOKEN raises the limit)"
    if status >= 500:
        return f"{answer}, it is in trouble; pull again later, what has arrived is kept"
    return f"{answer}, which no Hub does; check HF_ENDPOINT"


def _endpoint() -> str:
    """The Hub's address, without a password that may be in it."""
    address = urlsplit(constants.ENDPOINT)
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()
