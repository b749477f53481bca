"""The servicers of ``ModelService`` and ``ModelAdminService``."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from polygist.v1 import model_service_pb2

from polygist_service.concurrency import InFlightCalls, TextPool
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine, ModelInfo
from polygist_service.errors import InferenceFailed, InvalidRequest, PolygistError, StoreError, UnsupportedMethod
from polygist_service.limits import Limits
from polygist_service.text.documents import read_content
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.routing import Routes
from polygist_service.translation.terms.glossaries import Glossaries
from polygist_service.wire.models import find_languages, to_language, to_model, to_models_response, to_server_info
from polygist_service.wire.validation import MODEL_PREFIX, parse_contents, parse_mime_type, parse_required_model


class ModelServicer:
    """Tells what this server has and what it is doing.

    Args:
        engine: whose models they are.
        routes: which pairs they serve.
        languages: tells which ones can be told of a text.
        limits: reported by GetServerInfo.
        in_flight: the calls that are being answered.
        queued: counts the requests with segments in the queue.
        glossaries: those that the operator has mounted.
        pool: where tokens are counted and languages named.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        routes: Routes,
        languages: LanguageResolver,
        limits: Limits,
        in_flight: InFlightCalls,
        queued: Callable[[], int],
        glossaries: Glossaries,
        pool: TextPool,
    ) -> None:
        self._engine = engine
        self._routes = routes
        self._languages = languages
        self._limits = limits
        self._in_flight = in_flight
        self._queued = queued
        self._glossaries = glossaries
        self._pool = pool

    async def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: CallContext
    ) -> model_service_pb2.ListModelsResponse:
        return to_models_response(request, self._engine.models(), self._limits)

    async def GetModel(
        self, request: model_service_pb2.GetModelRequest, context: CallContext
    ) -> model_service_pb2.GetModelResponse:
        model = self._engine.model(parse_required_model("name", request.name))
        return model_service_pb2.GetModelResponse(model=to_model(model))

    async def ListLanguages(
        self, request: model_service_pb2.ListLanguagesRequest, context: CallContext
    ) -> model_service_pb2.ListLanguagesResponse:
        detected = await self._languages.list_known(context)
        page = find_languages(request, self._engine.models(), self._limits, detected=detected)
        name = partial(to_language, page=page, reach=self._routes.reach())
        languages = await self._pool.run(context, name, page.codes)
        return model_service_pb2.ListLanguagesResponse(languages=languages, next_page_token=page.next_token)

    async def CountTokens(
        self, request: model_service_pb2.CountTokensRequest, context: CallContext
    ) -> model_service_pb2.CountTokensResponse:
        """Count the tokens of what is read of each content, by the tokenizer of a model, loaded where need be."""
        model = self._engine.model(parse_required_model("model", request.model))
        contents = parse_contents(
            request.contents, most=self._limits.detect_contents, most_characters=self._limits.request_characters
        )
        mime_type = parse_mime_type("mime_type", request.mime_type)
        read = partial(read_content, mime_type=mime_type)
        layouts = await self._pool.run(context, read, list(enumerate(contents)))
        texts = [passage.text for layout in layouts for passage in layout.passages]
        async with self._engine.hold(model.name, context) as held:
            counts = iter(await self._pool.run(context, held.count, texts))
            window = held.info.max_input_tokens
        totals = [sum(next(counts) for _ in layout.passages) for layout in layouts]
        return model_service_pb2.CountTokensResponse(token_counts=totals, max_input_tokens=window)

    async def GetServerInfo(
        self, request: model_service_pb2.GetServerInfoRequest, context: CallContext
    ) -> model_service_pb2.GetServerInfoResponse:
        return to_server_info(
            self._limits,
            queued=self._queued(),
            active=self._in_flight.active,
            glossaries=[glossary.name for glossary in self._glossaries.all()],
        )


class ModelLifecycle(Protocol):
    """Loads and unloads models; `engine.residency.registry.Registry` does."""

    async def load(self, name: str) -> ModelInfo:
        """Load or replace a model; raises NotFound, and StoreError where it does not load."""
        ...

    async def unload(self, name: str) -> ModelInfo:
        """Unload a model after those who use it; raises NotFound."""
        ...


class Configuration(Protocol):
    """What is read again while a server runs; `app.configuration.Configuration` is."""

    async def reload(self) -> tuple[Mapping[str, bool | tuple[str, ...]], Sequence[Exception]]:
        """Read all again; returns what has changed of each part, models by their names, and what was wrong."""
        ...


class ModelAdminServicer:
    """Loads and unloads models for an administrator, who is told what the log says.

    That is why errors of the store, which nobody else sees, are given another name here and not in the table of errors.

    Args:
        lifecycle: loads and unloads.
        configuration: is read again.
    """

    def __init__(self, lifecycle: ModelLifecycle, configuration: Configuration) -> None:
        self._lifecycle = lifecycle
        self._configuration = configuration

    async def LoadModel(
        self, request: model_service_pb2.LoadModelRequest, context: CallContext
    ) -> model_service_pb2.LoadModelResponse:
        try:
            model = await self._lifecycle.load(parse_required_model("name", request.name))
        except StoreError as error:
            raise InferenceFailed(error.message) from error
        return model_service_pb2.LoadModelResponse(model=to_model(model))

    async def UnloadModel(
        self, request: model_service_pb2.UnloadModelRequest, context: CallContext
    ) -> model_service_pb2.UnloadModelResponse:
        model = await self._lifecycle.unload(parse_required_model("name", request.name))
        return model_service_pb2.UnloadModelResponse(model=to_model(model))

    async def ReloadConfiguration(
        self, request: model_service_pb2.ReloadConfigurationRequest, context: CallContext
    ) -> model_service_pb2.ReloadConfigurationResponse:
        changed, failures = await self._configuration.reload()
        if failures:
            raise join_failures(failures)
        models = changed["models"]
        names = models if isinstance(models, tuple) else ()
        return model_service_pb2.ReloadConfigurationResponse(changed_models=[f"{MODEL_PREFIX}{name}" for name in names])


def join_failures(failures: Sequence[Exception]) -> Exception:
    """Return what an administrator is told where parts of the configuration cannot be read again."""
    for failure in failures:
        if not isinstance(failure, PolygistError | OSError):
            return failure
    reason = "; ".join(map(str, failures))
    is_of_models = all(isinstance(failure, InferenceFailed) for failure in failures)
    return InferenceFailed(reason) if is_of_models else InvalidRequest("configuration", reason)


class DisabledModelAdminServicer:
    """Refuses every call: its address is for everyone."""

    async def LoadModel(
        self, request: model_service_pb2.LoadModelRequest, context: CallContext
    ) -> model_service_pb2.LoadModelResponse:
        raise administered_elsewhere("LoadModel")

    async def UnloadModel(
        self, request: model_service_pb2.UnloadModelRequest, context: CallContext
    ) -> model_service_pb2.UnloadModelResponse:
        raise administered_elsewhere("UnloadModel")

    async def ReloadConfiguration(
        self, request: model_service_pb2.ReloadConfigurationRequest, context: CallContext
    ) -> model_service_pb2.ReloadConfigurationResponse:
        raise administered_elsewhere("ReloadConfiguration")


def administered_elsewhere(method: str) -> UnsupportedMethod:
    """Return the error that says how an operator turns administration on."""
    return UnsupportedMethod(
        f"{method} is not served at this address; the operator can start the server with "
        "--admin-listen 127.0.0.1:PORT or unix:PATH and call it there"
    )
