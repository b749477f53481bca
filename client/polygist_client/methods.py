"""The calls that this client makes: their path on the wire and what they answer."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

TRANSLATION = translation_service_pb2.DESCRIPTOR.services_by_name["TranslationService"]
SUMMARISATION = summarisation_service_pb2.DESCRIPTOR.services_by_name["SummarisationService"]
MODELS = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]
ADMIN = model_service_pb2.DESCRIPTOR.services_by_name["ModelAdminService"]
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]

ReplyT = TypeVar("ReplyT", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[ReplyT]):
    """One RPC with one request.

    Attributes:
        service: the service that has it.
        name: its name there.
        reply: type of its answer, or of each part of one that streams.
    """

    service: ServiceDescriptor
    name: str
    reply: type[ReplyT]

    @property
    def path(self) -> str:
        """Its path on the wire."""
        return f"/{self.service.full_name}/{self.name}"

    @property
    def needs_healthy_server(self) -> bool:
        """Whether the call is work, for a server that serves; calls that ask how a server is go to any."""
        return self.service in (TRANSLATION, SUMMARISATION)

    @property
    def is_paged(self) -> bool:
        """Whether the answer comes in pages."""
        return "next_page_token" in self.reply.DESCRIPTOR.fields_by_name


TRANSLATE = Method(TRANSLATION, "Translate", translation_service_pb2.TranslateResponse)
DETECT_LANGUAGE = Method(TRANSLATION, "DetectLanguage", translation_service_pb2.DetectLanguageResponse)
SUMMARISE = Method(SUMMARISATION, "Summarise", summarisation_service_pb2.SummariseResponse)
STREAM_SUMMARISE = Method(SUMMARISATION, "StreamSummarise", summarisation_service_pb2.StreamSummariseResponse)
LIST_MODELS = Method(MODELS, "ListModels", model_service_pb2.ListModelsResponse)
GET_MODEL = Method(MODELS, "GetModel", model_service_pb2.GetModelResponse)
LIST_LANGUAGES = Method(MODELS, "ListLanguages", model_service_pb2.ListLanguagesResponse)
COUNT_TOKENS = Method(MODELS, "CountTokens", model_service_pb2.CountTokensResponse)
GET_SERVER_INFO = Method(MODELS, "GetServerInfo", model_service_pb2.GetServerInfoResponse)
LOAD_MODEL = Method(ADMIN, "LoadModel", model_service_pb2.LoadModelResponse)
UNLOAD_MODEL = Method(ADMIN, "UnloadModel", model_service_pb2.UnloadModelResponse)
RELOAD_CONFIGURATION = Method(ADMIN, "ReloadConfiguration", model_service_pb2.ReloadConfigurationResponse)
CHECK_HEALTH = Method(HEALTH, "Check", health_pb2.HealthCheckResponse)
METHODS = (
    TRANSLATE, DETECT_LANGUAGE, SUMMARISE, STREAM_SUMMARISE, LIST_MODELS, GET_MODEL, LIST_LANGUAGES, COUNT_TOKENS,
    GET_SERVER_INFO, LOAD_MODEL, UNLOAD_MODEL, RELOAD_CONFIGURATION, CHECK_HEALTH,
)  # fmt: skip
