"""Which path calls which method of the contract."""

from dataclasses import dataclass
from typing import Literal

from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_service.http.forms import FILE_FIELDS

TRANSLATION = translation_service_pb2.DESCRIPTOR.services_by_name["TranslationService"]
SUMMARISATION = summarisation_service_pb2.DESCRIPTOR.services_by_name["SummarisationService"]
MODELS = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """A path, and the method that it calls.

    Attributes:
        verb: of HTTP.
        path: as Starlette writes it; what is between braces is a field of the request.
        method: of the contract.
    """

    verb: Literal["GET", "POST"]
    path: str
    method: MethodDescriptor

    @property
    def message_type(self) -> Descriptor:
        """What a body is: the message, but of a stream the unary call's."""
        given = self.method.input_type
        unary = given.fields_by_name["request"].message_type if self.is_stream else None
        return unary or given

    @property
    def takes_files(self) -> bool:
        """Whether a body may be a form with a file."""
        return self.message_type.name in FILE_FIELDS

    @property
    def is_stream(self) -> bool:
        """Whether it answers with server-sent events."""
        return bool(self.method.server_streaming and not self.method.client_streaming)

    @property
    def is_exchange(self) -> bool:
        """Whether lines go both ways."""
        return bool(self.method.server_streaming and self.method.client_streaming)


def route(verb: Literal["GET", "POST"], path: str, service: ServiceDescriptor, method: str) -> ApiRoute:
    """Return the route of a method by its name."""
    return ApiRoute(verb, path, service.methods_by_name[method])


ROUTES = (
    route("POST", "/v1/translate", TRANSLATION, "Translate"),
    route("POST", "/v1/translate:stream", TRANSLATION, "StreamTranslate"),
    route("POST", "/v1/translate:batch", TRANSLATION, "BatchTranslate"),
    route("POST", "/v1/documents:translate", TRANSLATION, "TranslateDocument"),
    route("POST", "/v1/detectLanguage", TRANSLATION, "DetectLanguage"),
    route("GET", "/v1/glossaries", TRANSLATION, "ListGlossaries"),
    route("POST", "/v1/summarise", SUMMARISATION, "Summarise"),
    route("POST", "/v1/summarise:stream", SUMMARISATION, "StreamSummarise"),
    route("GET", "/v1/models", MODELS, "ListModels"),
    route("GET", "/v1/models/{name}", MODELS, "GetModel"),
    route("GET", "/v1/languages", MODELS, "ListLanguages"),
    route("POST", "/v1/countTokens", MODELS, "CountTokens"),
    route("GET", "/v1/serverInfo", MODELS, "GetServerInfo"),
)
# The same routes by another spelling.
ALIASES = {"/v1/summarize": "/v1/summarise", "/v1/summarize:stream": "/v1/summarise:stream"}


def path_of(method: MethodDescriptor) -> str:
    """Return the path of a method as gRPC writes it."""
    return f"/{method.containing_service.full_name}/{method.name}"


# The collection that a name in a path is of.
COLLECTION = {"/v1/models/{name}": "models"}
