"""HTTP over the services of a process: one application, and its port."""

from collections.abc import Collection
from dataclasses import fields
from functools import partial

from starlette.types import ASGIApp

from polygist_service.access.access import Access
from polygist_service.app.certificates import Certificates
from polygist_service.app.health import Health
from polygist_service.app.servicers import add_services, make_interceptor
from polygist_service.app.services import Services
from polygist_service.http.application import build_application
from polygist_service.http.connections import ConnectionBounds
from polygist_service.http.gateway import Gateway
from polygist_service.http.server import HttpServer
from polygist_service.rpc.dispatch import Dispatcher, HandlerTable
from polygist_service.settings import Settings


def build_http_application(
    services: Services, health: Health, *, hosts: Collection[str] | None = (), origins: Collection[str] = ()
) -> ASGIApp:
    """Return all that is served over HTTP, which makes its calls within the process.

    Args:
        services: what answers.
        health: tells what can be answered.
        hosts, origins: see `http.guards.Guards`.
    """
    table = HandlerTable()
    add_services(table, services, services.in_flight)
    surround = partial(make_interceptor, services.in_flight, services, services.metrics, transport="http")
    gateway = Gateway(
        Dispatcher(surround(), table),
        keyless=Dispatcher(surround(access=Access()), table),
        asks_for_keys=services.access.asks_for_keys,
        limits=services.limits,
        pool=services.pool,
    )
    return build_application(gateway, health, hosts=hosts, origins=origins)


def open_http(
    settings: Settings, services: Services, health: Health, certificates: Certificates | None
) -> HttpServer | None:
    """Return what serves HTTP at the address of the settings, not started; None where there is no such address."""
    if not (address := settings.address("http_listen")):
        return None
    # Where there is a certificate, a page whose name was made to mean this server does not get as far.
    hosts = None if certificates and not settings.hosts else (*settings.hosts, address.host)
    application = build_http_application(services, health, hosts=hosts, origins=settings.cors_origins)
    make_tls = certificates.context if certificates else None
    return HttpServer(application, address, make_tls=make_tls, bounds=bounds_of(settings))


def bounds_of(settings: Settings) -> ConnectionBounds:
    """Return the bounds of connections that the settings name."""
    return ConnectionBounds(**{each.name: getattr(settings, f"http_{each.name}") for each in fields(ConnectionBounds)})
