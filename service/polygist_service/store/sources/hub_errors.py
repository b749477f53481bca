"""What goes wrong on the way to the Hub, as a StoreError in one line with the cure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from httpx2 import HTTPError, InvalidURL
from huggingface_hub import constants
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
from huggingface_hub.utils import parse_ratelimit_headers

from polygist_service.errors import StoreError

INSTEAD = "fetch the files elsewhere and pull from their folder with path:DIR"


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
        raise StoreError(_explain_status(error, name)) from error
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


def _explain_status(error: HfHubHTTPError, name: str) -> str:
    status = error.response.status_code
    answer = f"cannot fetch {name}: {_endpoint()} answers {status}"
    if status == 401:
        return f"{answer}, the token is not valid; set HF_TOKEN to one that is, or unset it"
    if status == 403:
        return f"{answer}, the token may not read this; set HF_TOKEN to one that may"
    if status == 429:
        when = _describe_wait(error.response.headers)
        return f"{answer}, too many requests; pull again {when}, what has arrived is kept (HF_TOKEN raises the limit)"
    if status >= 500:
        return f"{answer}, it is in trouble; pull again later, what has arrived is kept"
    return f"{answer}, which no Hub does; check HF_ENDPOINT"


def _describe_wait(headers: Mapping[str, str]) -> str:
    limit = parse_ratelimit_headers(headers)
    wait = str(limit.reset_in_seconds) if limit and not limit.remaining else headers.get("retry-after", "")
    if wait.isdigit():
        return f"in {wait} seconds"
    return f"after {wait}" if wait else "in some minutes"


def _endpoint() -> str:
    """The Hub's address, without a password that may be in it."""
    address = urlsplit(constants.ENDPOINT)
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()
