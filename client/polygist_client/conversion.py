"""Protobuf replies to plain values."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from grpc_health.v1 import health_pb2
from polygist.v1 import common_pb2, model_service_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_client import results, words
from polygist_client.results import Span
from polygist_client.words import word_of


def read_translations(reply: translation_service_pb2.TranslateResponse) -> list[results.Translation]:
    """One for each text, in the order of the request."""
    return [_read_translation(each) for each in reply.translations]


def read_summaries(reply: summarisation_service_pb2.SummariseResponse) -> list[results.Summary]:
    """One for each article, in the order of the request."""
    return [_read_summary(each) for each in reply.summaries]


class SummaryReader:
    """Makes events out of the replies of one stream."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def read(
        self, reply: summarisation_service_pb2.StreamSummariseResponse
    ) -> Iterator[results.Progress | results.Delta | results.Finished]:
        """The event of a reply; none for what has no place in the results, such as usage."""
        index, kind = reply.content_index, reply.WhichOneof("event")
        if kind == "progress":
            yield results.Progress(index, reply.progress.completed_count, reply.progress.total_count)
        elif kind == "text_delta":
            self._texts[index] = self._texts.get(index, "") + reply.text_delta
            yield results.Delta(index, reply.text_delta)
        elif kind == "summary":
            yield results.Finished(index, replace(_read_summary(reply.summary), text=self._texts.pop(index, "")))


def read_detections(reply: translation_service_pb2.DetectLanguageResponse) -> list[results.Detection]:
    """One for each text, in the order of the request."""
    return [
        results.Detection(
            tuple(
                results.DetectedLanguage(each.language_code, each.confidence, each.supported)
                for each in detection.languages
            )
        )
        for detection in reply.detections
    ]


def read_model(
    reply: model_service_pb2.GetModelResponse
    | model_service_pb2.LoadModelResponse
    | model_service_pb2.UnloadModelResponse,
) -> results.Model:
    """The model asked for."""
    return _read_model(reply.model)


def read_models(reply: model_service_pb2.ListModelsResponse) -> list[results.Model]:
    """The models of all pages."""
    return [_read_model(each) for each in reply.models]


def read_changed_models(reply: model_service_pb2.ReloadConfigurationResponse) -> list[str]:
    """The names of the models that are others now."""
    return list(reply.changed_models)


def read_languages(reply: model_service_pb2.ListLanguagesResponse) -> list[results.Language]:
    """The languages of all pages."""
    return [
        results.Language(
            code=each.language_code,
            display_name=each.display_name,
            native_name=each.native_name,
            right_to_left=each.right_to_left,
            targets=tuple(each.target_language_codes),
            pivot_targets=tuple(each.pivot_target_language_codes),
            tasks=_read_tasks(each),
        )
        for each in reply.languages
    ]


def read_token_counts(reply: model_service_pb2.CountTokensResponse) -> list[results.TokenCount]:
    """One for each text, in the order of the request."""
    return [results.TokenCount(count, reply.max_input_tokens) for count in reply.token_counts]


def read_server_info(reply: model_service_pb2.GetServerInfoResponse) -> results.ServerInfo:
    """What the server says of itself."""
    return results.ServerInfo(
        version=reply.version,
        limits={limit.name: limit.value for limit in reply.limits},
        queued_requests=reply.queued_request_count,
        active_requests=reply.active_request_count,
        glossaries=tuple(reply.glossaries),
    )


def read_health(reply: health_pb2.HealthCheckResponse) -> words.Health:
    """How the service is."""
    status = health_pb2.HealthCheckResponse.DESCRIPTOR.enum_types_by_name["ServingStatus"]
    value = status.values_by_number.get(reply.status)
    return cast(words.Health, value.name.lower().replace("_", "-") if value else "unknown")


def _read_translation(reply: translation_service_pb2.Translation) -> results.Translation:
    return results.Translation(
        text=reply.translated_text,
        source=reply.source_language_code,
        target=reply.target_language_code,
        model=reply.model,
        detection_confidence=reply.detection_confidence if reply.HasField("detection_confidence") else None,
        pivots=tuple(reply.pivot_language_codes),
        alternatives=tuple(
            results.Alternative(each.translated_text, each.score if each.HasField("score") else None)
            for each in reply.alternatives
        ),
        score=reply.score if reply.HasField("score") else None,
        segments=tuple(_read_segment(each) for each in reply.segments),
        warnings=tuple(_read_notice(each) for each in reply.warnings),
    )


def _read_segment(reply: translation_service_pb2.TranslatedSegment) -> results.Segment:
    return results.Segment(
        source_span=_read_span(reply.source_span),
        target_span=_read_span(reply.target_span),
        score=reply.score if reply.HasField("score") else None,
    )


def _read_summary(reply: summarisation_service_pb2.Summary) -> results.Summary:
    return results.Summary(
        text=reply.text,
        source=reply.source_language_code,
        target=reply.target_language_code,
        model=reply.model,
        method=word_of(summarisation_service_pb2.SummaryMethod.DESCRIPTOR, reply.method),
        sentences=tuple(_read_sentence(each) for each in reply.sentences),
        chunk_count=reply.chunk_count,
        warnings=tuple(_read_notice(each) for each in reply.warnings),
        detection_confidence=reply.detection_confidence if reply.HasField("detection_confidence") else None,
    )


def _read_sentence(reply: summarisation_service_pb2.SummarySentence) -> results.SummarySentence:
    return results.SummarySentence(
        text=reply.text,
        span=_read_span(reply.summary_span),
        rank_score=reply.rank_score if reply.HasField("rank_score") else None,
        citations=tuple(results.Citation(_read_span(each.source_span), each.support_score) for each in reply.citations),
    )


def _read_model(reply: model_service_pb2.Model) -> results.Model:
    return results.Model(
        name=reply.name,
        display_name=reply.display_name,
        tasks=_read_tasks(reply),
        state=word_of(model_service_pb2.ModelState.DESCRIPTOR, reply.state),
        max_input_tokens=reply.max_input_tokens,
        compute_type=reply.compute_type,
        device=reply.device,
        revision=reply.revision,
        license=reply.license,
        size_bytes=reply.size_bytes,
        sources=tuple(reply.source_language_codes),
        targets=tuple(reply.target_language_codes),
    )


def _read_tasks(reply: model_service_pb2.Model | model_service_pb2.Language) -> tuple[str, ...]:
    return tuple(word_of(model_service_pb2.Task.DESCRIPTOR, task) for task in reply.tasks)


def _read_notice(reply: common_pb2.Warning) -> results.Notice:
    return results.Notice(
        code=word_of(common_pb2.WarningCode.DESCRIPTOR, reply.code),
        message=reply.message,
        span=_read_span(reply.source_span) if reply.HasField("source_span") else None,
    )


def _read_span(reply: common_pb2.TextSpan) -> Span:
    return Span(reply.start_offset, reply.end_offset)
