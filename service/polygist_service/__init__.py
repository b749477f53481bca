"""The service of polygist: summaries and translations over gRPC, run by CTranslate2.

The rooms, from the command down; docs/architecture.md shows what lies in each:

    cli            polygist-server: serve, and the models that it serves
    app            the process; the only room that knows the settings and builds the object graph
    rpc            gRPC: one servicer a service, and what surrounds every call
    ray            Ray Serve: the same servicers in replicas of a cluster, and what its proxies serve
    wire           between protobuf and the domain: free functions, no transport
    observability  what Prometheus may read
    summarisation  articles to summaries with their sources
    translation    texts to translations: detection, routes, segments
    engine         the only room that runs models: one shared batch across all callers
    store          what is installed: catalogue, sources, conversion, manifests
    text           pure functions on text: documents, sentences, languages
    errors, notices, limits, settings, context, concurrency
"""

import os
import sys

from polygist.commands import LeavingQuietly

NEEDED = ("ctranslate2", "sentencepiece", "tokenizers", "pydantic_settings", "structlog")


def hold_standard_streams() -> None:
    """Open what is closed of the standard streams on nothing: a socket or a model would get its number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free, so this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def main() -> None:
    """Run ``polygist-server``, or say how to install it where the ``service`` extra is missing."""
    hold_standard_streams()
    with LeavingQuietly():
        from importlib.util import find_spec

        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            sys.exit(f"error: polygist-server needs {', '.join(missing)}: pip install 'polygist[service]'")
        from polygist_service.cli.app import main as run

    run()
