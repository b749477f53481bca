"""What the variables of OpenTelemetry (``OTEL_…``) ask for, as far as the exporters do not read them, or read them ill.

They take what cannot be followed for something else, or say in many lines what one can: here it is one error that names
the variable, the value and the cure. https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import logging
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from opentelemetry.util.re import parse_env_headers

from polygist_service.addresses import ENDPOINT
from polygist_service.errors import UnsupportedCapability

log = logging.getLogger(__name__)

TRACES, METRICS = "TRACES", "METRICS"
PREFIX = "OTEL_EXPORTER_OTLP"
INTERVAL, INTERVAL_MILLISECONDS = "OTEL_METRIC_EXPORT_INTERVAL", 60_000
TIMEOUT_SECONDS = 10
# Of the queue of spans, with what they are where nobody says it: milliseconds, and numbers of spans.
TIMES = {"OTEL_BSP_SCHEDULE_DELAY": 5000, "OTEL_BSP_EXPORT_TIMEOUT": 30_000}
SIZES = {"OTEL_BSP_MAX_QUEUE_SIZE": 2048, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 512}
MOST = 1e9
SAMPLERS = ("always_on", "always_off", "traceidratio")
# Prometheus reads metrics from where --metrics-listen says, whatever is sent.
KNOWN_EXPORTERS = {TRACES: ("otlp", "none"), METRICS: ("otlp", "none", "prometheus")}
# gRPC sends no other names.
HEADER = re.compile(r"[0-9a-z_.-]+")


def forget_idle() -> None:
    """Take variables that ask for nothing out of the environment, which the exporters would not understand.

    They are those that are empty, and a compression that is none.
    """
    own = {name: value.strip().lower() for name, value in os.environ.items() if name.startswith("OTEL_")}
    for name, value in own.items():
        if not value or (value == "none" and name.endswith("_COMPRESSION")):
            del os.environ[name]


def find_collector(signal: str, endpoint: str) -> str:
    """Return where a signal is to be sent; empty where it is not sent. Logs an exporter that is not to be had.

    Args:
        signal: TRACES or METRICS.
        endpoint: that the settings name; empty leaves it to the variables.

    Raises:
        UnsupportedCapability: the endpoint of a variable is none, or it names another protocol.
    """
    variable = f"OTEL_{signal}_EXPORTER"
    exporters = [each.strip() for each in os.environ.get(variable, "otlp").split(",")]
    if unknown := [each for each in exporters if each not in KNOWN_EXPORTERS[signal]]:
        log.warning("%s asks for %s, which is not to be had here; say otlp or none", variable, ", ".join(unknown))
    if "otlp" not in exporters or not (address := endpoint or read_endpoint(signal)):
        return ""
    for name, protocol in read_either(signal, "PROTOCOL"):
        if protocol != "grpc":
            raise UnsupportedCapability(
                f"{name} is {protocol!r}, and OTLP goes over gRPC here; say grpc, and the collector's port for it, 4317"
            )
    return address


def read_endpoint(signal: str) -> str:
    """Return the address of a collector, empty where none is named; raises UnsupportedCapability where it is none.

    Without a scheme it would not be known whether it has TLS, unless another variable says so.
    """
    for name, value in read_either(signal, "ENDPOINT"):
        if ENDPOINT.fullmatch(value) or ("/" not in value and list(read_either(signal, "INSECURE"))):
            return value
        raise UnsupportedCapability(
            f"{name} is {value!r}, which is no address of a collector; give one such as http://127.0.0.1:4317"
        )
    return ""


def check_exporter(signal: str) -> None:
    """Raise UnsupportedCapability where the exporter of a signal could not do what the variables say."""
    for name, _ in read_either(signal, "TIMEOUT"):
        read_number(name, "seconds", TIMEOUT_SECONDS)
    for name, value in read_either(signal, "HEADERS"):
        if not all(map(is_header, filter(str.strip, value.split(",")))):  # what it is is not told: it may be a secret
            raise UnsupportedCapability(f"{name} holds what is no header; give NAME=VALUE, several by commas")
    for kind in ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"):
        for name, value in read_either(signal, kind):
            if not Path(value).is_file():
                raise UnsupportedCapability(f"{name} is {value!r}, and there is no such file; give one, in PEM")


def is_header(text: str) -> bool:
    """Whether a text is a header that gRPC sends."""
    headers = parse_env_headers(text, liberal=True).items()
    return bool(headers) and all(
        HEADER.fullmatch(name) and value.isascii() and value.isprintable() for name, value in headers
    )


def check_sampler() -> None:
    """Raise UnsupportedCapability where the variable of the sampler names none, or its argument is no share."""
    name = "OTEL_TRACES_SAMPLER"
    sampler = os.environ.get(name, SAMPLERS[0])
    kind = sampler.lower().removeprefix("parentbased_")
    if kind not in SAMPLERS:
        known = ", ".join((*SAMPLERS, *(f"parentbased_{each}" for each in SAMPLERS)))
        raise UnsupportedCapability(f"{name} is {sampler!r}; say one of {known}")
    if kind == "traceidratio":
        read_number(f"{name}_ARG", "a share", 1.0, most=1, takes_zero=True)


def check_queue() -> None:
    """Raise UnsupportedCapability where the queue of spans could not be as its variables say."""
    for name, default in TIMES.items():
        read_number(name, "milliseconds", default, is_whole=True)
    waiting, sent = (read_number(name, "spans", default, is_whole=True) for name, default in SIZES.items())
    if sent > waiting:
        most, least = SIZES
        raise UnsupportedCapability(
            f"{least} is {sent:g}, which is more than {most}, {waiting:g}; give no more than that"
        )


def read_interval() -> float:
    """Return the seconds from one sending of metrics to the next; raises UnsupportedCapability where they are none."""
    return read_number(INTERVAL, "milliseconds", INTERVAL_MILLISECONDS) / 1000


def read_number(
    name: str, unit: str, default: float, *, most: float = MOST, takes_zero: bool = False, is_whole: bool = False
) -> float:
    """Return the number of a variable; raises UnsupportedCapability where it is none, negative or too large.

    Args:
        name: of the variable.
        unit: of the number.
        default: where there is no such variable.
        most: that it may be.
        takes_zero: whether it may be nought.
        is_whole: whether it is counted.
    """
    given = os.environ.get(name, str(default))
    try:
        number = float(int(given) if is_whole else float(given))
    except ValueError:
        number = math.nan
    if not (0 <= number <= most) or (number == 0 and not takes_zero):
        bound = f", {most:g} at most" if most < MOST else ""
        raise UnsupportedCapability(f"{name} is {given!r}; give {unit}{bound}, such as {default}")
    return number


def read_either(signal: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of the variable that counts: that of the signal, else that of all; none is none."""
    for name in (f"{PREFIX}_{signal}_{kind}", f"{PREFIX}_{kind}"):
        if name in os.environ:
            yield name, os.environ[name]
            return
