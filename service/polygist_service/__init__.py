"""The service of polygist: summaries and translations over gRPC, run by CTranslate2."""

import sys
from importlib.util import find_spec

NEEDED = ("ctranslate2", "sentencepiece", "tokenizers", "pydantic_settings", "structlog")


def main() -> None:
    """Run ``polygist-server``, or say how to install it where the ``service`` extra is missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        sys.exit(f"error: polygist-server needs {', '.join(missing)}: pip install 'polygist[service]'")
    from polygist_service.cli import main as run

    run()
