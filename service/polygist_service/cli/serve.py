"""``polygist-server serve``."""

import os
from pathlib import Path
from typing import Any

import click

from polygist_service.app.heap import limit_arenas
from polygist_service.cli.flags import add_settings, read_settings


@click.command()
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="TOML file with settings.",
)  # fmt: skip
@add_settings
def serve(config: Path | None, **flags: Any) -> None:
    """Serve until SIGTERM.

    A flag goes over its environment variable, that over the file, that over the default.
    """
    settings = read_settings(config, flags)
    # Before ctranslate2 is imported: its OpenMP threads would fight with the slots for the same cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    limit_arenas()
    # Imported here, so that no other command waits for them.
    import asyncio

    from polygist_service.app.lifecycle import configure_logs
    from polygist_service.app.lifecycle import serve as run

    configure_logs(settings.log_format, settings.log_level)
    asyncio.run(run(settings))
