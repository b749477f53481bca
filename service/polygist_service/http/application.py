"""All that is served over HTTP: the routes of the contract, health, and the parts beside them."""

import asyncio
import random
import uuid
from collections.abc import Callable, Collection, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polygist_service.http import libretranslate, pages, reference
from polygist_service.http.bodies import CallerGone
from polygist_service.http.errors import DRAINING, Failure, HttpRefusal, to_error_response
from polygist_service.http.gateway import REQUEST_ID, Gateway
from polygist_service.http.guards import Guards
from polygist_service.http.routes import ALIASES, ROUTES, ApiRoute
from polygist_service.wire.failures import CallFailed
from polygist_service.wire.json_messages import write_json

log = structlog.get_logger("polygist_service.http")

MOST_ID_CHARACTERS = 128

# What is served beside the routes of the contract.
PARTS: Sequence[Callable[[Gateway], list[BaseRoute]]] = (reference.routes, libretranslate.routes, pages.routes)


class Health(Protocol):
    """Tells what can be answered; `app.health.Health` does."""

    def statuses(self) -> dict[str, bool]:
        """Return whether each service can be answered; "" is the whole server."""
        ...


def build_application(
    gateway: Gateway, health: Health, *, hosts: Collection[str] | None = (), origins: Collection[str] = ()
) -> ASGIApp:
    """Return the application of ASGI with all routes; for hosts and origins see `Guards`."""
    routes = [*api_routes(gateway), *health_routes(health), *(each for part in PARTS for each in part(gateway))]
    handlers: dict[Any, Any] = {
        CallFailed: render_failure,
        HttpRefusal: render_failure,
        HTTPException: render_unserved,
    }
    application = Starlette(routes=routes, exception_handlers=handlers)
    application.router.redirect_slashes = False  # it would lead to whatever host the caller names
    return Surroundings(Guards(application, to_response, hosts=hosts, origins=origins))


def api_routes(gateway: Gateway) -> list[BaseRoute]:
    """Return the routes of the contract."""
    by_path = {each.path: each for each in ROUTES}
    spelt = [*by_path.items(), *((alias, by_path[path]) for alias, path in ALIASES.items())]
    return [Route(path, endpoint_of(gateway, each), methods=[each.verb]) for path, each in spelt]


def endpoint_of(gateway: Gateway, route: ApiRoute) -> Callable[[Request], Any]:
    """Return what answers the requests of a route."""
    answer = gateway.answer_stream if route.is_stream else gateway.answer_lines if route.is_exchange else gateway.answer

    async def endpoint(request: Request) -> Response:
        return await answer(request, route)

    return endpoint


def health_routes(health: Health) -> list[BaseRoute]:
    """Return the routes that machines ask whether the process lives, and whether it can answer."""

    async def live(request: Request) -> Response:
        return Response(write_json({"status": "ALIVE"}), media_type="application/json")

    async def ready(request: Request) -> Response:
        told = {name: "SERVING" if serves else "NOT_SERVING" for name, serves in health.statuses().items()}
        wanted = request.query_params.get("service", "")
        if (status := told.get(wanted)) is None:
            message = f"service: there is no {wanted[:80]!r}; give one of {', '.join(filter(None, told))}"
            raise HttpRefusal("SERVICE_NOT_FOUND", message, metadata={"field": "service"})
        services = {name: each for name, each in told.items() if name}
        body = write_json({"status": status} if wanted else {"status": status, "services": services})
        return Response(body, 200 if status == "SERVING" else 503, media_type="application/json")

    return [Route("/healthz", live), Route("/readyz", ready)]


def to_response(scope: Scope, failure: Failure) -> Response:
    """Return the answer to a request that failed, in the shape of the API that its path is of."""
    if libretranslate.serves(scope["path"]):
        return libretranslate.to_error(failure)
    return to_error_response(failure)


async def render_failure(request: Request, failure: Failure) -> Response:
    """Answer with what a call, or its request, failed with."""
    return to_response(request.scope, failure)


async def render_unserved(request: Request, error: HTTPException) -> Response:
    """Answer a request that no route takes."""
    path = request.scope["path"][:200]  # its address may be none, where the caller names a host that is none
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        message = f"{request.method[:20]} {path} is not served; send {allowed}"
        refusal = HttpRefusal("METHOD_UNSUPPORTED", message, headers={"allow": allowed})
        return to_response(request.scope, refusal)
    message = f"nothing is served at {path}; /openapi.json lists what is"
    return to_response(request.scope, HttpRefusal("PATH_NOT_FOUND", message))


class Surroundings:
    """Around every request: its id, headers that all answers have, and what nobody expected.

    Args:
        application: answers.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        request_id = find_request_id(Request(scope))
        scope["state"] = {"request_id": request_id}
        is_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers["date"] = formatdate(usegmt=True)
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        try:
            await self._application(scope, receive, send_with_headers)
        except CallerGone:
            return
        except asyncio.CancelledError:  # the port ends, and waits for nothing any more
            if not is_begun:
                await to_response(scope, ended())(scope, receive, send_with_headers)
        except Exception as error:
            incident = uuid.uuid4().hex[:12]
            log.error("unexpected_error", incident=incident, exc_info=error)
            if is_begun:
                raise
            message = f"internal error {incident}; the server's log has the details"
            refusal = HttpRefusal("INTERNAL", message, metadata={"incident": incident})
            await to_response(scope, refusal)(scope, receive, send_with_headers)


def ended() -> HttpRefusal:
    """Return what a caller is told whose request the end of the server has cut off."""
    message = "the server ended before the answer was there; another replica may answer"
    headers = {"connection": "close", "retry-after": "1"}
    return HttpRefusal(DRAINING, message, headers=headers)


def find_request_id(request: Request) -> str:
    """Return the caller's id where it is short and printable, else a new one."""
    given = request.headers.get(REQUEST_ID, "")
    if 0 < len(given) <= MOST_ID_CHARACTERS and given.isascii() and given.isprintable():
        return given
    return f"{random.getrandbits(128):032x}"
