"""Plain values to protobuf, for requests, and protobuf to plain values, for results; enum values are plain words."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any, Generic, TypeVar, cast

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from polygist.v1 import common_pb2, model_service_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_client import results
from polygist_client.errors import InvalidInput
from polygist_client.options import JsonReply
from polygist_client.results import ResultT, Span

MessageT = TypeVar("MessageT", bound=Message)


# Enums: ``SUMMARY_TYPE_KEY_POINTS`` is "key-points".


def words_of(enum: EnumDescriptor) -> tuple[str, ...]:
    """List every word of `enum`, without the one for "not said"."""
    return tuple(word_of(enum, value.number) for value in enum.values if value.number)


def word_of(enum: EnumDescriptor, number: int) -> str:
    """Return the word for `number` of `enum`; enums may grow, so a number that is not known here is a word too."""
    value = enum.values_by_number.get(number)
    if value is None:
        return f"unknown-{number}"
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return value.name.removeprefix(prefix).lower().replace("_", "-")


def number_of(field: str, enum: EnumDescriptor, word: str | None) -> Any:
    """Return the number for `word` of `enum`, 0 for None; raises InvalidInput with `field` and all words."""
    if word is None:
        return 0
    words = words_of(enum)
    if word not in words:
        raise InvalidInput(f"{field}: {word!r} is not one of {', '.join(words)}", field=field)
    return next(value.number for value in enum.values if word_of(enum, value.number) == word)


# Requests


def parse_length(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one length that was given, as the field of the request; raises InvalidInput for several."""
    fields = {"length": "length", "max_sentences": "max_sentence_count", "max_words": "max_word_count"}
    wanted = [name for name in fields if given.get(name) is not None]
    if len(wanted) > 1:
        raise InvalidInput(f"{' and '.join(wanted)} exclude each other; give one", field=wanted[0])
    if wanted == ["length"]:
        return {"length": number_of("length", summarisation_service_pb2.SummaryLength.DESCRIPTOR, given["length"])}
    return {fields[name]: given[name] for name in wanted}


def parse_decoding(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return model, preset, decoding and route, as the fields that translations and summaries have in common."""
    return {
        "model": given.get("model", ""),
        "performance_preference": number_of("prefer", common_pb2.PerformancePreference.DESCRIPTOR, given.get("prefer")),
        "decoding_config": unless_empty(
            common_pb2.DecodingConfig(
                beam_size=given.get("beam_size", 0), max_output_tokens=given.get("max_output_tokens", 0)
            )
        ),
        "pivot_policy": (
            common_pb2.PIVOT_POLICY_UNSPECIFIED if given.get("pivot", True) else common_pb2.PIVOT_POLICY_DIRECT_ONLY
        ),
    }


def parse_prescribed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return terms, kept phrases and placeholders, as the fields that translations and summaries have in common."""
    return {
        "glossary_config": unless_empty(
            common_pb2.GlossaryConfig(
                glossary=given.get("glossary", ""),
                entries=[
                    common_pb2.GlossaryEntry(source_term=source, target_term=target)
                    for source, target in given.get("terms", ())
                ],
                ignore_case=given.get("ignore_case", False),
            )
        ),
        "do_not_translate_phrases": given.get("keep"),
        "placeholder_syntaxes": [
            number_of(f"placeholders[{at}]", common_pb2.PlaceholderSyntax.DESCRIPTOR, word)
            for at, word in enumerate(given.get("placeholders", ()))
        ],
    }


def unless_empty(message: MessageT) -> MessageT | None:
    """Return None for a message that says nothing, so that it is not sent."""
    return message if message.ListFields() else None


# Results


def to_json(reply: Message) -> JsonReply:
    """Convert a reply to a dict, in protobuf's JSON form."""
    return MessageToDict(reply)


def read_translation(
    message: translation_service_pb2.Translation, *, index: int | None = None, id: str | None = None
) -> results.Translation:
    """Convert one translated text; of many, that of the item with this index and id."""
    return results.Translation(
        text=message.translated_text,
        source=message.source_language_code,
        target=message.target_language_code,
        model=message.model,
        detection_confidence=read_optional(message, "detection_confidence"),
        pivots=tuple(message.pivot_language_codes),
        alternatives=tuple(
            results.Alternative(each.translated_text, read_optional(each, "score")) for each in message.alternatives
        ),
        score=read_optional(message, "score"),
        segments=tuple(map(read_segment, message.segments)),
        warnings=tuple(read_notice(each) for each in message.warnings),
        index=index,
        id=id,
    )


def read_document(reply: translation_service_pb2.TranslateDocumentResponse) -> results.TranslatedDocument:
    """Convert a translated file."""
    whole = read_translation(reply.translation)
    return results.TranslatedDocument(
        document=reply.document,
        mime_type=reply.mime_type,
        source=whole.source,
        target=whole.target,
        model=whole.model,
        detection_confidence=whole.detection_confidence,
        pivots=whole.pivots,
        score=whole.score,
        segments=whole.segments,
        warnings=whole.warnings,
        source_text=reply.source_text,
        translated_text=reply.translated_text,
    )


def read_glossary(message: translation_service_pb2.Glossary) -> results.Glossary:
    """Convert a glossary that the operator has mounted."""
    return results.Glossary(message.name, tuple(message.language_codes), message.entry_count, message.revision)


def read_segment(message: translation_service_pb2.TranslatedSegment) -> results.Segment:
    """Convert a passage of a translation."""
    return results.Segment(
        source_span=read_span(message.source_span),
        target_span=read_span(message.target_span),
        score=read_optional(message, "score"),
        alignment=tuple(
            results.AlignedPair(read_span(each.source_span), read_span(each.target_span), each.probability)
            for each in message.alignment
        ),
    )


def read_summary(
    message: summarisation_service_pb2.Summary, *, index: int | None = None, id: str | None = None
) -> results.Summary:
    """Convert the summary of one article; of many, that of the item with this index and id."""
    return results.Summary(
        text=message.text,
        source=message.source_language_code,
        target=message.target_language_code,
        model=message.model,
        method=word_of(summarisation_service_pb2.SummaryMethod.DESCRIPTOR, message.method),
        sentences=tuple(
            results.SummarySentence(
                text=each.text,
                span=read_span(each.summary_span),
                rank_score=read_optional(each, "rank_score"),
                citations=tuple(
                    results.Citation(read_span(citation.source_span), citation.support_score)
                    for citation in each.citations
                ),
            )
            for each in message.sentences
        ),
        chunk_count=message.chunk_count,
        warnings=tuple(read_notice(each) for each in message.warnings),
        detection_confidence=read_optional(message, "detection_confidence"),
        source_text=message.source_text,
        index=index,
        id=id,
    )


class EventReader(Generic[ResultT]):
    """Makes events out of the replies of one stream.

    Args:
        name: of the field with what ends a content.
        convert: makes a result of it, without its text.
    """

    def __init__(self, name: str, convert: Callable[[Any], ResultT]) -> None:
        self._name = name
        self._convert = convert
        self._texts: defaultdict[int, list[str]] = defaultdict(list)

    def read(self, reply: Any) -> Iterator[results.Progress | results.Delta | results.Finished[ResultT]]:
        """Yield the event of a reply; none for what has no place in the results, such as usage."""
        index, kind = reply.content_index, reply.WhichOneof("event")
        if kind == "progress":
            yield results.Progress(index, reply.progress.completed_count, reply.progress.total_count)
        elif kind == "text_delta":
            self._texts[index].append(reply.text_delta)
            yield results.Delta(index, reply.text_delta)
        elif kind == self._name:
            whole = self._convert(getattr(reply, kind))
            yield results.Finished(index, replace(whole, text="".join(self._texts.pop(index, ()))))


def read_detection(message: translation_service_pb2.LanguageDetection) -> results.Detection:
    """Convert the languages that one text may be in."""
    return results.Detection(
        tuple(
            results.DetectedLanguage(each.language_code, each.confidence, each.supported) for each in message.languages
        )
    )


def read_model(message: model_service_pb2.Model) -> results.Model:
    """Convert a model."""
    return results.Model(
        name=message.name,
        display_name=message.display_name,
        tasks=read_tasks(message),
        state=word_of(model_service_pb2.ModelState.DESCRIPTOR, message.state),
        max_input_tokens=message.max_input_tokens,
        compute_type=message.compute_type,
        device=message.device,
        revision=message.revision,
        license=message.license,
        size_bytes=message.size_bytes,
        sources=tuple(message.source_language_codes),
        targets=tuple(message.target_language_codes),
        memory_bytes=message.memory_bytes,
        last_used=message.last_used_time.ToDatetime(tzinfo=UTC) if message.HasField("last_used_time") else None,
        word_alignment=message.word_alignment,
    )


def read_language(message: model_service_pb2.Language) -> results.Language:
    """Convert a language."""
    return results.Language(
        code=message.language_code,
        display_name=message.display_name,
        native_name=message.native_name,
        right_to_left=message.right_to_left,
        targets=tuple(message.target_language_codes),
        pivot_targets=tuple(message.pivot_target_language_codes),
        tasks=read_tasks(message),
    )


def read_server_info(reply: model_service_pb2.GetServerInfoResponse) -> results.ServerInfo:
    """Convert what the server says of itself."""
    return results.ServerInfo(
        version=reply.version,
        limits={limit.name: limit.value for limit in reply.limits},
        queued_requests=reply.queued_request_count,
        active_requests=reply.active_request_count,
        glossaries=tuple(reply.glossaries),
    )


def read_health(reply: health_pb2.HealthCheckResponse) -> results.Health:
    """Convert the health of a service."""
    status = health_pb2.HealthCheckResponse.DESCRIPTOR.enum_types_by_name["ServingStatus"]
    value = status.values_by_number.get(reply.status)
    return cast(results.Health, value.name.lower().replace("_", "-") if value else "unknown")


def read_tasks(message: model_service_pb2.Model | model_service_pb2.Language) -> tuple[str, ...]:
    """Convert the tasks of a model or a language."""
    return tuple(word_of(model_service_pb2.Task.DESCRIPTOR, task) for task in message.tasks)


def read_notice(message: common_pb2.Warning) -> results.Notice:
    """Convert a warning."""
    return results.Notice(
        code=word_of(common_pb2.WarningCode.DESCRIPTOR, message.code),
        message=message.message,
        span=read_span(message.source_span) if message.HasField("source_span") else None,
    )


def read_span(message: common_pb2.TextSpan) -> Span:
    """Convert a range of code points."""
    return Span(message.start_offset, message.end_offset)


def read_optional(message: Message, field: str) -> float | None:
    """Return a number that may be missing."""
    return getattr(message, field) if message.HasField(field) else None
