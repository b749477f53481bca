"""What is called and how: every request that this client makes is built here, for both clients."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, Unpack

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_client import conversion, options, results
from polygist_client.arguments import (
    call_options,
    parse_contents,
    parse_language,
    parse_model_name,
    parse_options,
    parse_text,
)
from polygist_client.batches import Batch, Reading
from polygist_client.conversion import number_of
from polygist_client.errors import InternalError
from polygist_client.items import NumberedItem, parse_on_error
from polygist_client.options import Texts

TRANSLATION = translation_service_pb2.DESCRIPTOR.services_by_name["TranslationService"]
SUMMARISATION = summarisation_service_pb2.DESCRIPTOR.services_by_name["SummarisationService"]
MODELS = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]
ADMIN = model_service_pb2.DESCRIPTOR.services_by_name["ModelAdminService"]
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]
HEALTH_SECONDS = 10.0
CHARACTERS_PER_BYTE = 4  # that a packed file may have: deflated prose takes a third of its characters

ReplyT = TypeVar("ReplyT", bound=Message)
AnswerT = TypeVar("AnswerT")
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[ReplyT, AnswerT]):
    """A call that may be made, any number of times.

    Attributes:
        service: the service that is called.
        method: name of the RPC there.
        request: what to send.
        reply: type of the reply, or of each part of one that streams.
        convert: makes the answer out of the reply.
        options: keywords of every call.
    """

    service: ServiceDescriptor
    method: str
    request: Message
    reply: type[ReplyT]
    convert: Callable[[ReplyT], AnswerT]
    options: options.CallOptions

    @property
    def path(self) -> str:
        """Path of the RPC on the wire."""
        return f"/{self.service.full_name}/{self.method}"

    @property
    def needs_healthy_server(self) -> bool:
        """Whether the call is work, for a server that serves; calls that ask how a server is go to any."""
        return self.service in (TRANSLATION, SUMMARISATION)

    @property
    def is_repeatable(self) -> bool:
        """Whether making it twice is as good as once; health is to be told as it is now."""
        return self.service in (TRANSLATION, SUMMARISATION, MODELS)

    @property
    def characters(self) -> int:
        """How many characters there are to work on; of a file, about as many as it may have at most."""
        request = getattr(self.request, "request", self.request)  # a stream's request has the unary one in it
        document = getattr(request, "document", b"")
        size = len(getattr(document, "content", document))
        return sum(map(len, getattr(request, "contents", ()))) + CHARACTERS_PER_BYTE * size

    def request_id(self) -> str:
        """Return the id that was given, else a new one."""
        return self.options.get("request_id") or uuid.uuid4().hex

    def read(self, reply: ReplyT) -> AnswerT:
        """Call `on_reply`, and make the answer out of `reply`."""
        if on_reply := self.options.get("on_reply"):
            on_reply(conversion.to_json(reply))
        return self.convert(reply)

    def next_page(self, whole: Any) -> "Call[ReplyT, AnswerT] | None":
        """Make the call for the page after `whole`, the reply so far; None where that is all."""
        if not getattr(whole, "next_page_token", ""):
            return None
        request: Any = type(self.request)()
        request.CopyFrom(self.request)
        request.page_token = whole.next_page_token
        return replace(self, request=request)


def add_page(whole: Any, page: Any) -> None:
    """Append the entries of `page` to `whole`."""
    whole.MergeFrom(page)
    whole.next_page_token = page.next_page_token


def translate(
    text: str | Texts, *, to: str, **given: Unpack[options.TranslateOptions]
) -> Call[translation_service_pb2.TranslateResponse, results.Translation | list[results.Translation]]:
    """Make the call of `Client.translate`."""
    chosen = parse_options("translate", given, options.TranslateOptions)
    contents = parse_contents(text)
    contract = translation_service_pb2
    return Call(
        service=TRANSLATION,
        method="Translate",
        request=contract.TranslateRequest(
            contents=contents,
            target_language_code=parse_language("to", to, cure="give the language to translate to, such as 'pt'"),
            source_language_code=chosen.get("source", ""),
            candidate_language_codes=chosen.get("candidates"),
            mime_type=chosen.get("mime_type", ""),
            sentence_splitting=number_of("splitting", contract.SentenceSplitting.DESCRIPTOR, chosen.get("splitting")),
            alternative_count=chosen.get("alternatives", 0),
            output_config=conversion.unless_empty(
                contract.TranslationOutputConfig(
                    include_score=chosen.get("scores", False),
                    include_segments=chosen.get("segments", False),
                    include_alignment=chosen.get("alignment", False),
                )
            ),
            **conversion.parse_decoding(chosen),
            **conversion.parse_prescribed(chosen),
        ),
        reply=contract.TranslateResponse,
        convert=lambda reply: one_or_all(text, contents, map(conversion.read_translation, reply.translations)),
        options=call_options(chosen),
    )


def batch_translate(
    *, to: str, **given: Unpack[options.TranslateOptions]
) -> Call[translation_service_pb2.BatchTranslateResponse, Any]:
    """Make the call of `Client.translate_many`; its request is the first message, which is followed by the items."""
    whole = translate([], to=to, **given)
    return Call(
        service=TRANSLATION,
        method="BatchTranslate",
        request=translation_service_pb2.BatchTranslateRequest(config=whole.request),  # type: ignore[arg-type]
        reply=translation_service_pb2.BatchTranslateResponse,
        convert=lambda reply: reply.translation,
        options=whole.options,
    )


def batch_item(item: NumberedItem) -> translation_service_pb2.BatchTranslateRequest:
    """Make the message for an item; its index is its name, since ids need not be unique."""
    return translation_service_pb2.BatchTranslateRequest(
        item=translation_service_pb2.BatchItem(
            item_id=str(item.index),
            content=item.text,
            source_language_code=item.source or "",
            mime_type=item.mime_type or "",
        )
    )


def read_translations(given: options.TranslateOptions, *, on_error: str) -> Reading:
    """Say how the answers of `Client.translate_many` are read."""
    return Reading(
        convert=lambda reply, item: conversion.read_translation(reply.translation, index=item.index, id=item.id),
        to_json=conversion.to_json,
        on_reply=given.get("on_reply"),
        returns_errors=parse_on_error(on_error),
    )


def stream_translate(
    text: str | Texts, *, to: str, **given: Unpack[options.TranslateOptions]
) -> Call[translation_service_pb2.StreamTranslateResponse, Any]:
    """Make the call of `Client.stream_translate`; an `EventReader` reads the replies of one stream."""
    unary = translate(text, to=to, **given)
    return Call(
        service=TRANSLATION,
        method="StreamTranslate",
        request=translation_service_pb2.StreamTranslateRequest(request=unary.request),  # type: ignore[arg-type]
        reply=translation_service_pb2.StreamTranslateResponse,
        convert=conversion.EventReader("translation", conversion.read_translation).read,
        options=unary.options,
    )


def ask_for_rest(call: Call[ReplyT, AnswerT], index: int) -> Call[ReplyT, AnswerT]:
    """Make the call for the contents of `call`, one that streams, from `index` on."""
    request: Any = type(call.request)()
    request.CopyFrom(call.request)
    del request.request.contents[:index]
    return replace(call, request=request)


def summarise(
    text: str | Texts, **given: Unpack[options.SummariseOptions]
) -> Call[summarisation_service_pb2.SummariseResponse, results.Summary | list[results.Summary]]:
    """Make the call of `Client.summarise`."""
    chosen = parse_options("summarise", given, options.SummariseOptions)
    contents = parse_contents(text)
    contract = summarisation_service_pb2
    return Call(
        service=SUMMARISATION,
        method="Summarise",
        request=contract.SummariseRequest(
            contents=contents,
            mime_type=chosen.get("mime_type", ""),
            source_language_code=chosen.get("source", ""),
            candidate_language_codes=chosen.get("candidates"),
            target_language_code=chosen.get("to", ""),
            method=number_of("method", contract.SummaryMethod.DESCRIPTOR, chosen.get("method")),
            type=number_of("type", contract.SummaryType.DESCRIPTOR, chosen.get("type")),
            query=chosen.get("query", ""),
            sentence_order=number_of("order", contract.SentenceOrder.DESCRIPTOR, chosen.get("order")),
            output_mime_type="text/markdown" if chosen.get("markdown") else "",
            sentence_splitting=number_of(
                "splitting", translation_service_pb2.SentenceSplitting.DESCRIPTOR, chosen.get("splitting")
            ),
            output_config=conversion.unless_empty(
                contract.SummaryOutputConfig(
                    include_sentences=chosen.get("sentences", False), include_citations=chosen.get("citations", False)
                )
            ),
            **conversion.parse_decoding(chosen),
            **conversion.parse_prescribed(chosen),
            **conversion.parse_length(chosen),
        ),
        reply=contract.SummariseResponse,
        convert=lambda reply: one_or_all(text, contents, map(conversion.read_summary, reply.summaries)),
        options=call_options(chosen),
    )


def summarise_batch(
    batch: Batch, **given: Unpack[options.SummariseOptions]
) -> Call[summarisation_service_pb2.SummariseResponse, Any]:
    """Make the call for one batch of `Client.summarise_many`; its answer is the messages of the summaries."""
    source, mime_type = batch[0].differs if batch else (None, None)
    if source is not None:
        given = {**given, "source": source, "candidates": ()}
    if mime_type is not None:
        given = {**given, "mime_type": mime_type}
    whole: Call[Any, Any] = summarise([item.text for item in batch], **given)
    return replace(whole, convert=lambda reply: reply.summaries, options=without_on_reply(whole.options))


def read_summaries(given: options.SummariseOptions, *, on_error: str) -> Reading:
    """Say how the answers of `Client.summarise_many` are read."""
    return Reading(
        convert=lambda message, item: conversion.read_summary(message, index=item.index, id=item.id),
        to_json=lambda message: {"summary": conversion.to_json(message)},
        on_reply=given.get("on_reply"),
        returns_errors=parse_on_error(on_error),
    )


def without_on_reply(given: options.CallOptions) -> options.CallOptions:
    """Return the options for a part of a call, whose replies the whole call shows."""
    kept: Any = {name: value for name, value in given.items() if name != "on_reply"}
    found: options.CallOptions = kept
    return found


def stream_summarise(
    text: str | Texts, **given: Unpack[options.SummariseOptions]
) -> Call[summarisation_service_pb2.StreamSummariseResponse, Any]:
    """Make the call of `Client.stream_summarise`; an `EventReader` reads the replies of one stream."""
    unary = summarise(text, **given)
    return Call(
        service=SUMMARISATION,
        method="StreamSummarise",
        request=summarisation_service_pb2.StreamSummariseRequest(request=unary.request),  # type: ignore[arg-type]
        reply=summarisation_service_pb2.StreamSummariseResponse,
        convert=conversion.EventReader("summary", conversion.read_summary).read,
        options=unary.options,
    )


def detect_language(
    text: str | Texts, **given: Unpack[options.DetectOptions]
) -> Call[translation_service_pb2.DetectLanguageResponse, results.Detection | list[results.Detection]]:
    """Make the call of `Client.detect_language`."""
    chosen = parse_options("detect_language", given, options.DetectOptions)
    contents = parse_contents(text)
    return Call(
        service=TRANSLATION,
        method="DetectLanguage",
        request=translation_service_pb2.DetectLanguageRequest(
            contents=contents,
            mime_type=chosen.get("mime_type", ""),
            max_candidate_count=chosen.get("max_candidates", 0),
            candidate_language_codes=chosen.get("candidates"),
        ),
        reply=translation_service_pb2.DetectLanguageResponse,
        convert=lambda reply: one_or_all(text, contents, map(conversion.read_detection, reply.detections)),
        options=call_options(chosen),
    )


def count_tokens(
    text: str | Texts, *, model: str, **given: Unpack[options.TokenOptions]
) -> Call[model_service_pb2.CountTokensResponse, results.TokenCount | list[results.TokenCount]]:
    """Make the call of `Client.count_tokens`."""
    chosen = parse_options("count_tokens", given, options.TokenOptions)
    contents = parse_contents(text)
    return Call(
        service=MODELS,
        method="CountTokens",
        request=model_service_pb2.CountTokensRequest(
            contents=contents, model=parse_model_name("model", model), mime_type=chosen.get("mime_type", "")
        ),
        reply=model_service_pb2.CountTokensResponse,
        convert=lambda reply: one_or_all(
            text, contents, [results.TokenCount(count, reply.max_input_tokens) for count in reply.token_counts]
        ),
        options=call_options(chosen),
    )


def list_models(
    **given: Unpack[options.ListOptions],
) -> Call[model_service_pb2.ListModelsResponse, list[results.Model]]:
    """Make the call of `Client.list_models`."""
    chosen = parse_options("list_models", given, options.ListOptions)
    return Call(
        service=MODELS,
        method="ListModels",
        request=model_service_pb2.ListModelsRequest(
            task=number_of("task", model_service_pb2.Task.DESCRIPTOR, chosen.get("task"))
        ),
        reply=model_service_pb2.ListModelsResponse,
        convert=lambda reply: [conversion.read_model(each) for each in reply.models],
        options=call_options(chosen),
    )


def get_model(
    name: str, **given: Unpack[options.CallOptions]
) -> Call[model_service_pb2.GetModelResponse, results.Model]:
    """Make the call of `Client.get_model`."""
    chosen = parse_options("get_model", given, options.CallOptions)
    return Call(
        service=MODELS,
        method="GetModel",
        request=model_service_pb2.GetModelRequest(name=parse_model_name("name", name)),
        reply=model_service_pb2.GetModelResponse,
        convert=lambda reply: conversion.read_model(reply.model),
        options=call_options(chosen),
    )


def list_languages(
    **given: Unpack[options.LanguageOptions],
) -> Call[model_service_pb2.ListLanguagesResponse, list[results.Language]]:
    """Make the call of `Client.list_languages`."""
    chosen = parse_options("list_languages", given, options.LanguageOptions)
    return Call(
        service=MODELS,
        method="ListLanguages",
        request=model_service_pb2.ListLanguagesRequest(
            task=number_of("task", model_service_pb2.Task.DESCRIPTOR, chosen.get("task")),
            display_language_code=chosen.get("display_language", ""),
        ),
        reply=model_service_pb2.ListLanguagesResponse,
        convert=lambda reply: [conversion.read_language(each) for each in reply.languages],
        options=call_options(chosen),
    )


def list_glossaries(
    **given: Unpack[options.CallOptions],
) -> Call[translation_service_pb2.ListGlossariesResponse, list[results.Glossary]]:
    """Make the call of `Client.list_glossaries`."""
    chosen = parse_options("list_glossaries", given, options.CallOptions)
    return Call(
        service=TRANSLATION,
        method="ListGlossaries",
        request=translation_service_pb2.ListGlossariesRequest(),
        reply=translation_service_pb2.ListGlossariesResponse,
        convert=lambda reply: [conversion.read_glossary(each) for each in reply.glossaries],
        options=call_options(chosen),
    )


def server_info(
    **given: Unpack[options.CallOptions],
) -> Call[model_service_pb2.GetServerInfoResponse, results.ServerInfo]:
    """Make the call of `Client.server_info`."""
    chosen = parse_options("server_info", given, options.CallOptions)
    return Call(
        service=MODELS,
        method="GetServerInfo",
        request=model_service_pb2.GetServerInfoRequest(),
        reply=model_service_pb2.GetServerInfoResponse,
        convert=conversion.read_server_info,
        options=call_options(chosen),
    )


def load_model(
    name: str, **given: Unpack[options.CallOptions]
) -> Call[model_service_pb2.LoadModelResponse, results.Model]:
    """Make the call of `Client.load_model`."""
    chosen = parse_options("load_model", given, options.CallOptions)
    return Call(
        service=ADMIN,
        method="LoadModel",
        request=model_service_pb2.LoadModelRequest(name=parse_model_name("name", name)),
        reply=model_service_pb2.LoadModelResponse,
        convert=lambda reply: conversion.read_model(reply.model),
        options=call_options(chosen),
    )


def unload_model(
    name: str, **given: Unpack[options.CallOptions]
) -> Call[model_service_pb2.UnloadModelResponse, results.Model]:
    """Make the call of `Client.unload_model`."""
    chosen = parse_options("unload_model", given, options.CallOptions)
    return Call(
        service=ADMIN,
        method="UnloadModel",
        request=model_service_pb2.UnloadModelRequest(name=parse_model_name("name", name)),
        reply=model_service_pb2.UnloadModelResponse,
        convert=lambda reply: conversion.read_model(reply.model),
        options=call_options(chosen),
    )


def reload_configuration(
    **given: Unpack[options.CallOptions],
) -> Call[model_service_pb2.ReloadConfigurationResponse, list[str]]:
    """Make the call of `Client.reload_configuration`."""
    chosen = parse_options("reload_configuration", given, options.CallOptions)
    return Call(
        service=ADMIN,
        method="ReloadConfiguration",
        request=model_service_pb2.ReloadConfigurationRequest(),
        reply=model_service_pb2.ReloadConfigurationResponse,
        convert=lambda reply: list(reply.changed_models),
        options=call_options(chosen),
    )


def health(
    service: str = "", **given: Unpack[options.CallOptions]
) -> Call[health_pb2.HealthCheckResponse, results.Health]:
    """Make the call of `Client.health`."""
    chosen = parse_options("health", given, options.CallOptions)
    return Call(
        service=HEALTH,
        method="Check",
        request=health_pb2.HealthCheckRequest(service=parse_text("service", service)),
        reply=health_pb2.HealthCheckResponse,
        convert=conversion.read_health,
        options={"timeout": HEALTH_SECONDS, **call_options(chosen)},
    )


def one_or_all(text: str | Texts, contents: list[str], values: Iterable[ValueT]) -> ValueT | list[ValueT]:
    """Return one value for a text, a list for a list; raises InternalError where there is not one for each content."""
    found = list(values)
    if len(found) != len(contents):
        raise InternalError(f"the server answered {len(found)} results for {len(contents)} texts")
    return found[0] if isinstance(text, str) else found
