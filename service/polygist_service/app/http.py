"""HTTP over the services of a process, as one application."""

from starlette.types import ASGIApp

from polygist_service.app.health import Health
from polygist_service.app.servicers import add_services, make_interceptor
from polygist_service.app.services import Services
from polygist_service.http.application import build_application
from polygist_service.http.gateway import Gateway
from polygist_service.rpc.dispatch import Dispatcher, HandlerTable


def build_http_application(services: Services, health: Health) -> ASGIApp:
    """Return all that is served over HTTP, which makes its calls within the process."""
    table = HandlerTable()
    add_services(table, services, services.in_flight)
    dispatcher = Dispatcher(make_interceptor(services.in_flight, services, services.metrics), table)
    return build_application(Gateway(dispatcher, limits=services.limits, pool=services.pool), health)
