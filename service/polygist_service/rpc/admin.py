"""The servicers of ``ModelAdminService``: the one that does it, and the one that says where it is done."""

from typing import Any, Protocol

import grpc
from polygist.v1 import model_service_pb2, model_service_pb2_grpc

from polygist_service.engine.interface import ModelInfo
from polygist_service.errors import InferenceFailed, InvalidRequest, StoreError
from polygist_service.rpc.call import refuse_call
from polygist_service.rpc.models import pack_model
from polygist_service.wire import validation as checks

ELSEWHERE = (
    "is not served at this address; the operator can start the server with --admin-listen 127.0.0.1:PORT or unix:PATH "
    "and call it there"
)

Context = grpc.aio.ServicerContext[Any, Any]


class ModelLifecycle(Protocol):
    """Loads and unloads models; `engine.registry.Registry` does."""

    async def load(self, name: str) -> ModelInfo:
        """Load or replace a model; raises NotFound, and StoreError where it does not load."""
        ...

    async def unload(self, name: str) -> ModelInfo:
        """Unload a model after those who use it; raises NotFound."""
        ...

    async def rescan(self) -> tuple[str, ...]:
        """Look at the store again; returns the names that changed, raises StoreError."""
        ...


class ModelAdminServicer(model_service_pb2_grpc.ModelAdminServiceServicer):
    """Loads and unloads over the wire; an administrator is told what the log says.

    Args:
        life: does it.
    """

    def __init__(self, life: ModelLifecycle) -> None:
        self._life = life

    async def LoadModel(
        self, request: model_service_pb2.LoadModelRequest, context: Context
    ) -> model_service_pb2.LoadModelResponse:
        try:
            model = await self._life.load(_read_name(request.name))
        except StoreError as error:
            raise InferenceFailed(error.message) from error
        return model_service_pb2.LoadModelResponse(model=pack_model(model))

    async def UnloadModel(
        self, request: model_service_pb2.UnloadModelRequest, context: Context
    ) -> model_service_pb2.UnloadModelResponse:
        model = await self._life.unload(_read_name(request.name))
        return model_service_pb2.UnloadModelResponse(model=pack_model(model))

    async def ReloadConfiguration(
        self, request: model_service_pb2.ReloadConfigurationRequest, context: Context
    ) -> model_service_pb2.ReloadConfigurationResponse:
        try:
            names = await self._life.rescan()
        except StoreError as error:
            raise InvalidRequest("configuration", error.message) from error
        return model_service_pb2.ReloadConfigurationResponse(
            changed_models=[f"{checks.MODEL_PREFIX}{name}" for name in names]
        )


class DisabledModelAdminServicer(model_service_pb2_grpc.ModelAdminServiceServicer):
    """Refuses every call: this address is for everyone."""

    async def LoadModel(
        self, request: model_service_pb2.LoadModelRequest, context: Context
    ) -> model_service_pb2.LoadModelResponse:
        await refuse_call(context, f"LoadModel {ELSEWHERE}")

    async def UnloadModel(
        self, request: model_service_pb2.UnloadModelRequest, context: Context
    ) -> model_service_pb2.UnloadModelResponse:
        await refuse_call(context, f"UnloadModel {ELSEWHERE}")

    async def ReloadConfiguration(
        self, request: model_service_pb2.ReloadConfigurationRequest, context: Context
    ) -> model_service_pb2.ReloadConfigurationResponse:
        await refuse_call(context, f"ReloadConfiguration {ELSEWHERE}")


def _read_name(value: str) -> str:
    name = checks.parse_model(value, field="name")
    if name is None:
        raise InvalidRequest("name", "is required; ListModels names the models")
    return name
