"""The engine of a server in this very process, for what the API does not show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from polygist_service.app.logs import STANDARD_ERROR, logging_to
from polygist_service.app.services import Runtime
from polygist_service.engine.interface import Engine
from polygist_service.settings import Settings, default_home


@asynccontextmanager
async def open_engine(home: Path | None) -> AsyncIterator[Engine]:
    """An engine whose models are loaded by their first use; raises StoreError where none is installed.

    Args:
        home: folder of the installed models; by default the server's own.
    """
    settings = Settings(home=home or default_home(), preload="none")
    # What is printed is the report.
    with logging_to(STANDARD_ERROR, form="console", level="warning", capacity=settings.log_queue):
        runtime = Runtime(settings)
        try:
            yield runtime.services.engine
        finally:
            await runtime.close()
