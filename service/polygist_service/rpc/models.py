"""The servicer of ``ModelService``."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import grpc
from polygist import __version__
from polygist.v1 import model_service_pb2, model_service_pb2_grpc

from polygist_service.engine.interface import Engine, ModelInfo, Role, State
from polygist_service.errors import InvalidRequest
from polygist_service.limits import Limits
from polygist_service.rpc.call import deadline_of
from polygist_service.rpc.interceptors import InFlightCalls
from polygist_service.text.languages import display_name, is_right_to_left, native_name
from polygist_service.translation.routing import Routes
from polygist_service.wire import validation as checks
from polygist_service.wire.models import take_page

TASKS = {
    Role.TRANSLATION: model_service_pb2.TASK_TRANSLATE,
    Role.ENCODER: model_service_pb2.TASK_SUMMARISE,
    Role.SUMMARISATION: model_service_pb2.TASK_SUMMARISE,
}
STATES = {
    State.UNLOADED: model_service_pb2.MODEL_STATE_UNLOADED,
    State.LOADING: model_service_pb2.MODEL_STATE_LOADING,
    State.READY: model_service_pb2.MODEL_STATE_READY,
    State.FAILED: model_service_pb2.MODEL_STATE_FAILED,
}

Context = grpc.aio.ServicerContext[Any, Any]


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
    """Tells what this server has and what it is doing.

    Args:
        engine: whose models they are.
        routes: which pairs they serve.
        limits: reported by GetServerInfo.
        activity: the calls in flight.
        queued: counts the requests with segments in the queue.
        executor: where tokens are counted.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        routes: Routes,
        limits: Limits,
        activity: InFlightCalls,
        queued: Callable[[], int],
        executor: Executor,
    ) -> None:
        self._engine = engine
        self._routes = routes
        self._limits = limits
        self._activity = activity
        self._queued = queued
        self._executor = executor

    async def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: Context
    ) -> model_service_pb2.ListModelsResponse:
        checks.parse_enum("task", request.task, model_service_pb2.Task.DESCRIPTOR)
        models = [model for model in self._engine.models() if request.task in (0, TASKS[model.role])]
        page, token = take_page(
            models, page_size=request.page_size, page_token=request.page_token, most=self._limits.page_size
        )
        return model_service_pb2.ListModelsResponse(models=map(pack_model, page), next_page_token=token)

    async def GetModel(
        self, request: model_service_pb2.GetModelRequest, context: Context
    ) -> model_service_pb2.GetModelResponse:
        return model_service_pb2.GetModelResponse(model=pack_model(self._find("name", request.name)))

    async def ListLanguages(
        self, request: model_service_pb2.ListLanguagesRequest, context: Context
    ) -> model_service_pb2.ListLanguagesResponse:
        """A page of the languages, each with its names, its tasks and what it can be translated to."""
        checks.parse_enum("task", request.task, model_service_pb2.Task.DESCRIPTOR)
        shown_in = checks.parse_language("display_language_code", request.display_language_code) or "en"
        page, token = take_page(
            self._languages(request.task),
            page_size=request.page_size,
            page_token=request.page_token,
            most=self._limits.page_size,
        )
        reach = self._routes.reach()
        return model_service_pb2.ListLanguagesResponse(
            languages=[
                model_service_pb2.Language(
                    language_code=code,
                    display_name=display_name(code, shown_in),
                    native_name=native_name(code),
                    right_to_left=is_right_to_left(code),
                    target_language_codes=reach.direct(code),
                    pivot_target_language_codes=reach.pivoted(code),
                    tasks=tasks,  # type: ignore[arg-type]
                )
                for code, tasks in page
            ],
            next_page_token=token,
        )

    async def CountTokens(
        self, request: model_service_pb2.CountTokensRequest, context: Context
    ) -> model_service_pb2.CountTokensResponse:
        """The tokens of each content by the tokenizer of a model, which is loaded where need be."""
        model = self._find("model", request.model)
        contents = checks.parse_contents(
            request.contents, most=self._limits.detect_contents, most_characters=self._limits.request_characters
        )
        async with self._engine.hold(model.name, deadline=deadline_of(context)) as held:
            count, window = self._engine.counter(held), self._engine.model(held).max_input_tokens
            counts = await asyncio.get_running_loop().run_in_executor(
                self._executor, lambda: [count(text) for text in contents]
            )
        return model_service_pb2.CountTokensResponse(token_counts=counts, max_input_tokens=window)

    async def GetServerInfo(
        self, request: model_service_pb2.GetServerInfoRequest, context: Context
    ) -> model_service_pb2.GetServerInfoResponse:
        return model_service_pb2.GetServerInfoResponse(
            version=__version__,
            limits=[model_service_pb2.Limit(name=name, value=value) for name, value in self._limits.named()],
            queued_request_count=self._queued(),
            active_request_count=self._activity.active,
        )

    def _find(self, field: str, value: str) -> ModelInfo:
        name = checks.parse_model(value, field=field)
        if name is None:
            raise InvalidRequest(field, "is required; ListModels names the models")
        return self._engine.model(name)

    def _languages(self, task: int) -> list[tuple[str, list[int]]]:
        """Each language with the tasks that some model does in it, those with the task asked for only."""
        tasks: dict[str, set[int]] = {}
        for model in self._engine.models():
            for code in (*model.source_languages, *model.target_languages):
                tasks.setdefault(code, set()).add(TASKS[model.role])
        return [(code, sorted(tasks[code])) for code in sorted(tasks) if task == 0 or task in tasks[code]]


def pack_model(model: ModelInfo) -> model_service_pb2.Model:
    """What the wire says of a model."""
    return model_service_pb2.Model(
        name=f"{checks.MODEL_PREFIX}{model.name}",
        display_name=model.display_name,
        tasks=[TASKS[model.role]],
        state=STATES[model.state],
        max_input_tokens=model.max_input_tokens,
        compute_type=model.compute_type,
        device=model.device,
        revision=model.revision,
        license=model.license,
        size_bytes=model.size_bytes,
        source_language_codes=model.source_languages,
        target_language_codes=model.target_languages,
    )
