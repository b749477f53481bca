"""A registry with one loaded model, and calls to an engine, for tests of what runs models."""

from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.residency.loaded_model import LoadedModel

from tests.service.echo import EN_PT


class OneModel:
    """Hands out one loaded model whatever the name, as a `Registry` does, and keeps it for ever.

    Args:
        model: a loaded model.
    """

    def __init__(self, model) -> None:
        self.loaded = LoadedModel(model, replace(EN_PT, name="tiny"), unused=LoadedModel.drop)

    @asynccontextmanager
    async def hold(self, name, context):
        self.loaded.keep()
        try:
            yield self.loaded
        finally:
            self.loaded.release()


ME = CallContext("me")


async def submit(engine, model, segments, *, options, context=ME):
    """Hold a model and yield its results for some segments."""
    async with (
        engine.hold(model, context) as held,
        aclosing(held.submit(segments, options=options, context=context)) as results,
    ):
        async for index, result in results:
            yield index, result


@asynccontextmanager
async def text_pool(threads=2):
    """Text threads while the block runs."""
    pool = TextPool(threads)
    try:
        yield pool
    finally:
        pool.close()
