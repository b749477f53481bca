"""A registry with one loaded model, for tests of what runs it."""

from contextlib import asynccontextmanager
from dataclasses import replace

from polygist_service.engine.residency.loaded_model import LoadedModel

from tests.service.echo import EN_PT


class OneModel:
    """Hands out one build whatever the name, as `engine.registry.Registry` does, and keeps it for ever.

    Args:
        model: a loaded model.
    """

    def __init__(self, model) -> None:
        self.build = LoadedModel(model, replace(EN_PT, name="tiny"), pin="tiny@1", unused=LoadedModel.drop)

    def get(self, name):
        return self.build

    @asynccontextmanager
    async def hold(self, name, *, deadline=None):
        self.build.keep()
        try:
            yield self.build
        finally:
            self.build.release()
