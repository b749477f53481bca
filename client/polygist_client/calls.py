"""Texts and keywords to calls: every request that this client makes is built here, for both clients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, Unpack

from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_client import conversion, methods, options, results, words
from polygist_client.errors import InternalError
from polygist_client.fields import (
    Texts,
    check_text,
    name_model,
    read_codes,
    read_contents,
    read_decoding,
    read_length,
    read_pivot_policy,
    read_preference,
    read_task,
    unless_empty,
)
from polygist_client.methods import Method
from polygist_client.options import check_options
from polygist_client.words import number_of

ReplyT = TypeVar("ReplyT", bound=Message)
AnswerT = TypeVar("AnswerT")
ValueT = TypeVar("ValueT")

HEALTH_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[ReplyT, AnswerT]):
    """A call that may be made, any number of times.

    Attributes:
        method: which RPC.
        request: what to send.
        read: makes the answer out of the reply.
        options: keywords of every call.
        items: positions of the texts within the whole that the call is a part of.
    """

    method: Method[ReplyT]
    request: Message
    read: Callable[[ReplyT], AnswerT]
    options: options.CallOptions
    items: range | None = None


def translate(
    text: str | Texts, *, to: str, **given: Unpack[options.TranslateOptions]
) -> Call[translation_service_pb2.TranslateResponse, results.Translation | list[results.Translation]]:
    """The call behind `Client.translate`."""
    check_options("translate", given, options.TranslateOptions)
    request = translation_service_pb2.TranslateRequest(
        contents=read_contents(text),
        target_language_code=check_text("to", to),
        source_language_code=check_text("source", given.get("source") or ""),
        candidate_language_codes=read_codes(given.get("candidates", ())),
        model=name_model(given.get("model")),
        sentence_splitting=number_of(
            "splitting", translation_service_pb2.SentenceSplitting.DESCRIPTOR, given.get("splitting")
        ),  # type: ignore[arg-type]
        performance_preference=read_preference(given),
        decoding_config=read_decoding(given),
        alternative_count=given.get("alternatives", 0),
        output_config=unless_empty(
            translation_service_pb2.TranslationOutputConfig(
                include_score=given.get("scores", False), include_segments=given.get("segments", False)
            )
        ),
        pivot_policy=read_pivot_policy(given),
    )
    return Call(
        method=methods.TRANSLATE,
        request=request,
        read=lambda reply: _one_or_all(text, request, conversion.read_translations(reply)),
        options=_call_options(given),
    )


def summarise(
    text: str | Texts, **given: Unpack[options.SummariseOptions]
) -> Call[summarisation_service_pb2.SummariseResponse, results.Summary | list[results.Summary]]:
    """The call behind `Client.summarise`."""
    check_options("summarise", given, options.SummariseOptions)
    contract = summarisation_service_pb2
    request = contract.SummariseRequest(
        contents=read_contents(text),
        source_language_code=check_text("source", given.get("source") or ""),
        candidate_language_codes=read_codes(given.get("candidates", ())),
        target_language_code=check_text("to", given.get("to") or ""),
        method=number_of("method", contract.SummaryMethod.DESCRIPTOR, given.get("method")),  # type: ignore[arg-type]
        type=number_of("type", contract.SummaryType.DESCRIPTOR, given.get("type")),  # type: ignore[arg-type]
        query=check_text("query", given.get("query", "")),
        sentence_order=number_of("order", contract.SentenceOrder.DESCRIPTOR, given.get("order")),  # type: ignore[arg-type]
        output_mime_type="text/markdown" if given.get("markdown") else "",
        model=name_model(given.get("model")),
        performance_preference=read_preference(given),
        decoding_config=read_decoding(given),
        output_config=unless_empty(
            contract.SummaryOutputConfig(
                include_sentences=given.get("sentences", False), include_citations=given.get("citations", False)
            )
        ),
        pivot_policy=read_pivot_policy(given),
        **read_length(given),
    )
    return Call(
        method=methods.SUMMARISE,
        request=request,
        read=lambda reply: _one_or_all(text, request, conversion.read_summaries(reply)),
        options=_call_options(given),
    )


def stream_summarise(
    text: str | Texts, **given: Unpack[options.SummariseOptions]
) -> Call[summarisation_service_pb2.StreamSummariseResponse, Any]:
    """The call behind `Client.stream_summarise`; what reads the replies of one stream is a `SummaryReader`."""
    unary = summarise(text, **given)
    return Call(
        method=methods.STREAM_SUMMARISE,
        request=summarisation_service_pb2.StreamSummariseRequest(request=unary.request),  # type: ignore[arg-type]
        read=conversion.SummaryReader().read,
        options=unary.options,
    )


def detect_language(
    text: str | Texts, **given: Unpack[options.DetectOptions]
) -> Call[translation_service_pb2.DetectLanguageResponse, results.Detection | list[results.Detection]]:
    """The call behind `Client.detect_language`."""
    check_options("detect_language", given, options.DetectOptions)
    request = translation_service_pb2.DetectLanguageRequest(
        contents=read_contents(text),
        max_candidate_count=given.get("max_candidates", 0),
        candidate_language_codes=read_codes(given.get("candidates", ())),
    )
    return Call(
        method=methods.DETECT_LANGUAGE,
        request=request,
        read=lambda reply: _one_or_all(text, request, conversion.read_detections(reply)),
        options=_call_options(given),
    )


def count_tokens(
    text: str | Texts, *, model: str, **given: Unpack[options.CallOptions]
) -> Call[model_service_pb2.CountTokensResponse, results.TokenCount | list[results.TokenCount]]:
    """The call behind `Client.count_tokens`."""
    check_options("count_tokens", given, options.CallOptions)
    request = model_service_pb2.CountTokensRequest(contents=read_contents(text), model=name_model(model))
    return Call(
        method=methods.COUNT_TOKENS,
        request=request,
        read=lambda reply: _one_or_all(text, request, conversion.read_token_counts(reply)),
        options=_call_options(given),
    )


def list_models(
    **given: Unpack[options.ListOptions],
) -> Call[model_service_pb2.ListModelsResponse, list[results.Model]]:
    """The call behind `Client.list_models`."""
    check_options("list_models", given, options.ListOptions)
    request = model_service_pb2.ListModelsRequest(task=read_task(given))
    return Call(method=methods.LIST_MODELS, request=request, read=conversion.read_models, options=_call_options(given))


def get_model(
    name: str, **given: Unpack[options.CallOptions]
) -> Call[model_service_pb2.GetModelResponse, results.Model]:
    """The call behind `Client.get_model`."""
    check_options("get_model", given, options.CallOptions)
    request = model_service_pb2.GetModelRequest(name=name_model(name))
    return Call(method=methods.GET_MODEL, request=request, read=conversion.read_model, options=_call_options(given))


def list_languages(
    **given: Unpack[options.LanguageOptions],
) -> Call[model_service_pb2.ListLanguagesResponse, list[results.Language]]:
    """The call behind `Client.list_languages`."""
    check_options("list_languages", given, options.LanguageOptions)
    request = model_service_pb2.ListLanguagesRequest(
        task=read_task(given),
        display_language_code=check_text("display_language", given.get("display_language") or ""),
    )
    return Call(
        method=methods.LIST_LANGUAGES, request=request, read=conversion.read_languages, options=_call_options(given)
    )


def server_info(
    **given: Unpack[options.CallOptions],
) -> Call[model_service_pb2.GetServerInfoResponse, results.ServerInfo]:
    """The call behind `Client.server_info`."""
    check_options("server_info", given, options.CallOptions)
    request = model_service_pb2.GetServerInfoRequest()
    return Call(
        method=methods.GET_SERVER_INFO, request=request, read=conversion.read_server_info, options=_call_options(given)
    )


def load_model(
    name: str, **given: Unpack[options.CallOptions]
) -> Call[model_service_pb2.LoadModelResponse, results.Model]:
    """The call behind `Client.load_model`."""
    check_options("load_model", given, options.CallOptions)
    request = model_service_pb2.LoadModelRequest(name=name_model(name))
    return Call(method=methods.LOAD_MODEL, request=request, read=conversion.read_model, options=_call_options(given))


def unload_model(
    name: str, **given: Unpack[options.CallOptions]
) -> Call[model_service_pb2.UnloadModelResponse, results.Model]:
    """The call behind `Client.unload_model`."""
    check_options("unload_model", given, options.CallOptions)
    request = model_service_pb2.UnloadModelRequest(name=name_model(name))
    return Call(method=methods.UNLOAD_MODEL, request=request, read=conversion.read_model, options=_call_options(given))


def reload_configuration(
    **given: Unpack[options.CallOptions],
) -> Call[model_service_pb2.ReloadConfigurationResponse, list[str]]:
    """The call behind `Client.reload_configuration`."""
    check_options("reload_configuration", given, options.CallOptions)
    return Call(
        method=methods.RELOAD_CONFIGURATION,
        request=model_service_pb2.ReloadConfigurationRequest(),
        read=conversion.read_changed_models,
        options=_call_options(given),
    )


def health(
    service: str = "", **given: Unpack[options.CallOptions]
) -> Call[health_pb2.HealthCheckResponse, words.Health]:
    """The call behind `Client.health`."""
    check_options("health", given, options.CallOptions)
    request = health_pb2.HealthCheckRequest(service=check_text("service", service))
    return Call(
        method=methods.CHECK_HEALTH,
        request=request,
        read=conversion.read_health,
        options={"timeout": HEALTH_SECONDS, **_call_options(given)},
    )


def next_page(call: Call[ReplyT, AnswerT], whole: Any) -> Call[ReplyT, AnswerT] | None:
    """The call for the page after `whole`, the reply to `call` so far; None where that is all."""
    if not (call.method.is_paged and whole.next_page_token):
        return None
    request: Any = type(call.request)()
    request.CopyFrom(call.request)
    request.page_token = whole.next_page_token
    return replace(call, request=request)


def add_page(whole: Any, page: Any) -> None:
    """Append the entries of `page` to `whole`."""
    whole.MergeFrom(page)
    whole.next_page_token = page.next_page_token


def _call_options(given: Mapping[str, Any]) -> options.CallOptions:
    """Those of `given` that every call has and that say something."""
    kept: Any = {name: given[name] for name in options.CallOptions.__optional_keys__ if given.get(name) is not None}
    found: options.CallOptions = kept
    return found


def _one_or_all(text: str | Texts, request: Any, values: list[ValueT]) -> ValueT | list[ValueT]:
    """One value for a text, a list for a list."""
    if len(values) != len(request.contents):
        raise InternalError(f"the server answered {len(values)} results for {len(request.contents)} texts")
    return values[0] if isinstance(text, str) else values
