import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from polygist.v1 import model_service_pb2
from polygist_service import errors
from polygist_service.rpc.status import describe

from tests.service.echo import EchoEngine
from tests.service.harness import failure_of, serving

TABLE = [
    (errors.InvalidRequest("contents[3]", "is bad"), "INVALID_ARGUMENT", "FIELD_INVALID", "BadRequest"),
    (errors.UnsupportedField("model", "no"), "INVALID_ARGUMENT", "FIELD_UNSUPPORTED", "BadRequest"),
    (errors.UnsupportedMimeType("mime_type", "no"), "INVALID_ARGUMENT", "MIME_TYPE_UNSUPPORTED", "BadRequest"),
    (
        errors.RequestTooLarge("contents", "no", requested=2, limit=1),
        "INVALID_ARGUMENT",
        "REQUEST_TOO_LARGE",
        "BadRequest",
    ),
    (
        errors.UnsupportedLanguagePair("no"),
        "FAILED_PRECONDITION",
        "LANGUAGE_PAIR_UNSUPPORTED",
        "PreconditionFailure",
    ),
    (errors.UndeterminedLanguage("no"), "FAILED_PRECONDITION", "LANGUAGE_UNDETERMINED", "PreconditionFailure"),
    (errors.UnsupportedCapability("no"), "FAILED_PRECONDITION", "CAPABILITY_UNSUPPORTED", "PreconditionFailure"),
    (errors.UnsupportedMethod("no"), "UNIMPLEMENTED", "METHOD_UNSUPPORTED", None),
    (errors.NotFound("models/x", "no"), "NOT_FOUND", "MODEL_NOT_FOUND", "ResourceInfo"),
    (errors.UnknownGlossary("glossaries/x", "no"), "NOT_FOUND", "GLOSSARY_NOT_FOUND", "ResourceInfo"),
    (errors.ModelLoading("no"), "UNAVAILABLE", "MODEL_LOADING", "RetryInfo"),
    (errors.ServerOverloaded("no"), "UNAVAILABLE", "SERVER_OVERLOADED", "RetryInfo"),
    (errors.ServerDraining("no"), "UNAVAILABLE", "SERVER_DRAINING", "RetryInfo"),
    (errors.InferenceFailed("no"), "INTERNAL", "INFERENCE_FAILED", None),
    (errors.StreamIdle("no"), "DEADLINE_EXCEEDED", "STREAM_IDLE", None),
    (errors.ApiKeyMissing("no"), "UNAUTHENTICATED", "API_KEY_MISSING", None),
    (errors.ApiKeyInvalid("no"), "UNAUTHENTICATED", "API_KEY_INVALID", None),
    (errors.ScopeMissing("no", scope="translate"), "PERMISSION_DENIED", "SCOPE_MISSING", None),
    (errors.QuotaExceeded("no", quota="requests"), "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "QuotaFailure"),
    (TimeoutError(), "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", None),
]


def read(trailer):
    status = status_pb2.Status.FromString(dict(trailer)["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return status, info, [detail.TypeName() for detail in status.details[1:]]


@pytest.mark.parametrize(("error", "code", "reason", "detail"), TABLE)
def test_each_error_has_its_status_and_details(error, code, reason, detail):
    status_code, message, trailer = describe(error)
    status, info, others = read(trailer)
    assert (status_code.name, status.code, status.message) == (code, status_code.value[0], message)
    assert (info.reason, info.domain) == (reason, "polygist")
    assert others == ([f"google.rpc.{detail}"] if detail else [])


def test_an_unavailable_server_tells_when_to_come_back():
    _, _, trailer = describe(errors.ModelLoading("soon", retry_after=2.5))
    assert dict(trailer)["grpc-retry-pushback-ms"] == "2500"


def test_a_call_that_cannot_be_in_time_is_not_told_to_come_back():
    _, _, trailer = describe(errors.ServerOverloaded("too long", retry_after=0.0, is_in_time=False))
    assert dict(trailer)["grpc-retry-pushback-ms"] == "-1"
    assert read(trailer)[2] == []


def test_nothing_of_an_unexpected_error_reaches_the_caller(capsys):
    code, message, trailer = describe(ValueError("secret text"))
    status, info, _ = read(trailer)
    assert code is grpc.StatusCode.INTERNAL
    assert "secret" not in f"{message}{status}{info}"
    assert info.metadata["incident"] in message


def test_every_error_of_the_tree_is_in_the_table():
    def leaves(cls):
        children = cls.__subclasses__()
        return [leaf for child in children for leaf in leaves(child)] if children else [cls]

    tested = {type(error) for error, *_ in TABLE}
    # Callers see none of these: those of documents become an InvalidRequest where the index of its content is known.
    inner = {errors.StoreError, errors.ModelCrash, errors.GlossaryError, errors.KeyFileError}
    inner |= {errors.InvalidDocument, errors.UnsupportedDocument}
    assert set(leaves(errors.PolygistError)) - inner <= tested


@pytest.mark.parametrize("name", ["x" * 3000, "🙂" * 1000, "%" * 4000])
async def test_what_a_request_says_never_hides_its_status(name):
    """Callers take 8 kB of metadata, and see RESOURCE_EXHAUSTED in place of what has more."""
    async with serving(EchoEngine()) as service:
        failure = await failure_of(service.models.GetModel(model_service_pb2.GetModelRequest(name=f"models/{name}")))
    assert (failure.code, failure.reason) == ("NOT_FOUND", "MODEL_NOT_FOUND")
    assert failure.message.startswith("no model '")
    assert "this server has: en-pt, minilm, pt-en" in failure.message
    assert "ResourceInfo" in failure.details


@pytest.mark.parametrize(
    "path",
    [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/polygist.v1.ModelService/GetModel",
    ],
)
async def test_what_does_not_decode_is_an_invalid_argument_everywhere(path):
    async with serving(EchoEngine()) as service:
        if path.endswith("Watch"):
            call = service.channel.unary_stream(path)(b"\x0a\x02\xff\xff", timeout=30).read()
        elif path.endswith("Info"):
            call = service.channel.stream_stream(path)(iter([b"\x0a\x02\xff\xff"]), timeout=30).read()
        else:
            call = service.channel.unary_unary(path)(b"\x0a\x02\xff\xff", timeout=30)
        failure = await failure_of(call)
    assert (failure.code, failure.reason) == ("INVALID_ARGUMENT", "FIELD_INVALID")
