"""Translations and detections: requests in the words of the domain, answers as messages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from polygist.v1 import common_pb2, translation_service_pb2

from polygist_service.context import Usage
from polygist_service.errors import InvalidRequest, PolygistError, RequestTooLarge
from polygist_service.limits import Limits
from polygist_service.notices import Notice
from polygist_service.text.languages import serving
from polygist_service.translation.types import Delta, Event, Progress, Translation, TranslationRequest
from polygist_service.wire.offsets import Offsets
from polygist_service.wire.terms import parse_terms
from polygist_service.wire.validation import (
    MODEL_PREFIX,
    PIVOT_POLICIES,
    SPLITTINGS,
    check_candidates,
    check_enum,
    parse_candidates,
    parse_contents,
    parse_decoding,
    parse_enum,
    parse_mime_type,
    parse_model,
    parse_number,
    parse_required_language,
    parse_source,
)

# Code points of one message of a stream, at most: where a reader was away, there is much to tell at once.
LONGEST_DELTA = 32_768
# Of a detection: how many languages are told where the request does not say, and at most.
DEFAULT_CANDIDATES, MOST_CANDIDATES = 3, 100


def parse_translate_request(request: translation_service_pb2.TranslateRequest, limits: Limits) -> TranslationRequest:
    """Return what a request asks for; raises InvalidRequest."""
    settings = parse_settings(request, limits)
    contents = parse_contents(
        request.contents, most=limits.translate_contents, most_characters=limits.request_characters
    )
    return replace(settings, contents=contents)


def parse_batch_config(config: translation_service_pb2.TranslateRequest, limits: Limits) -> TranslationRequest:
    """Return what a config asks for, of items yet to come; raises InvalidRequest."""
    if config.contents:
        raise InvalidRequest("config.contents", "belongs into items; leave it empty in a config")
    return parse_settings(config, limits)


class RefusedItem(NamedTuple):
    """Stands among the requests of a bulk translation for an item that cannot be read."""

    item_id: str
    error: PolygistError


def parse_batch_item(
    item: translation_service_pb2.BatchItem, wanted: TranslationRequest, limits: Limits
) -> TranslationRequest:
    """Return what is asked for of one item; `wanted` is what the config says. Raises InvalidRequest."""
    characters, most = len(item.content), limits.request_characters
    if characters > most:
        raise RequestTooLarge(
            "content", f"{characters} characters, the limit is {most}; cut the text into several items",
            requested=characters, limit=most,
        )  # fmt: skip
    source = parse_source("source_language_code", item.source_language_code)
    mime_type = parse_mime_type("mime_type", item.mime_type) if item.mime_type else wanted.mime_type
    return replace(wanted, contents=(item.content,), source=source or wanted.source, mime_type=mime_type)


def parse_settings(request: translation_service_pb2.TranslateRequest, limits: Limits) -> TranslationRequest:
    """Return what a request asks for but its contents, which are left empty; raises InvalidRequest."""
    mime_type = parse_mime_type("mime_type", request.mime_type)
    check_enum(request, "output_config.encoding_type")
    check_candidates(request)
    return TranslationRequest(
        contents=(),
        target=parse_required_language("target_language_code", request.target_language_code),
        source=parse_source("source_language_code", request.source_language_code),
        model=parse_model("model", request.model),
        splitting=parse_enum(request, "sentence_splitting", SPLITTINGS),
        decoding=replace(
            parse_decoding(request, limits),
            alternative_count=parse_number("alternative_count", request.alternative_count, most=limits.alternatives),
            scores=request.output_config.include_score,
            alignment=request.output_config.include_alignment,
        ),
        pivot_policy=parse_enum(request, "pivot_policy", PIVOT_POLICIES),
        candidates=parse_candidates(request.candidate_language_codes, limits),
        mime_type=mime_type,
        terms=parse_terms(request, limits),
    )


def to_translate_response(
    request: translation_service_pb2.TranslateRequest, translations: Sequence[Translation], usage: Usage
) -> translation_service_pb2.TranslateResponse:
    """Return the answer to `request`; the translations are in the order of its contents."""
    return translation_service_pb2.TranslateResponse(
        translations=[
            to_translation(content, translation, request.output_config)
            for content, translation in zip(request.contents, translations, strict=True)
        ],
        usage=to_usage(request.contents, usage),
    )


def to_translation_events(
    request: translation_service_pb2.TranslateRequest, events: Sequence[tuple[int, Event]]
) -> list[translation_service_pb2.StreamTranslateResponse]:
    """Return the messages of a stream for events, each with the index of its content.

    The pieces of a content that come together are one message, and the progress of all is told once, at the end. A
    translation comes without its text, which has come in pieces before.
    """
    replies: list[translation_service_pb2.StreamTranslateResponse] = []
    progress: list[translation_service_pb2.StreamTranslateResponse] = []
    pieces: list[str] = []  # of the content at `current`, since the last message
    current = 0
    for index, event in events:
        match event:
            case Progress():
                told = translation_service_pb2.StreamTranslateResponse(content_index=index, progress=to_progress(event))
                progress = [told]
            case Delta(text):
                current = index
                pieces.append(text)
            case Translation():
                translation = to_translation(request.contents[index], event, request.output_config)
                translation.translated_text = ""
                replies += to_deltas(index, pieces)
                pieces = []
                replies.append(
                    translation_service_pb2.StreamTranslateResponse(content_index=index, translation=translation)
                )
    return [*replies, *to_deltas(current, pieces), *progress]


def to_deltas(index: int, pieces: Sequence[str]) -> list[translation_service_pb2.StreamTranslateResponse]:
    """Return the messages for pieces of one content, joined: one, unless they are so long that a reader would wait."""
    text = "".join(pieces)
    return [
        translation_service_pb2.StreamTranslateResponse(content_index=index, text_delta=text[at : at + LONGEST_DELTA])
        for at in range(0, len(text), LONGEST_DELTA)
    ]


def to_batch_response(
    item: translation_service_pb2.BatchItem,
    translation: Translation,
    output: translation_service_pb2.TranslationOutputConfig,
    *,
    usage: Usage,
    limits: Limits,
) -> translation_service_pb2.BatchTranslateResponse:
    """Return the answer to an item; raises RequestTooLarge where it does not fit into a message."""
    response = translation_service_pb2.BatchTranslateResponse(
        item_id=item.item_id,
        translation=to_translation(item.content, translation, output),
        usage=to_usage([item.content], usage),
    )
    if (size := response.ByteSize()) > limits.message_bytes:
        raise RequestTooLarge(
            "content", f"its answer has {size} bytes, the limit is {limits.message_bytes}; ask for less, or cut it",
            requested=size, limit=limits.message_bytes,
        )  # fmt: skip
    return response


def to_translation(
    content: str, translation: Translation, output: translation_service_pb2.TranslationOutputConfig
) -> translation_service_pb2.Translation:
    """Return the message for the translation of `content`."""
    has_segments = output.include_segments or output.include_alignment
    return translation_service_pb2.Translation(
        translated_text=translation.text,
        source_language_code=translation.source,
        target_language_code=translation.target,
        detection_confidence=translation.confidence,
        model=f"{MODEL_PREFIX}{translation.model}" if translation.model else "",
        pivot_language_codes=translation.pivots,
        score=translation.score,
        segments=to_segments(content, translation, output.encoding_type) if has_segments else (),
        alternatives=[
            translation_service_pb2.TranslationAlternative(translated_text=each.text, score=each.score)
            for each in translation.alternatives
        ],
        warnings=to_warnings(translation.notices, content, output.encoding_type),
    )


def to_segments(
    content: str, translation: Translation, encoding_type: int
) -> list[translation_service_pb2.TranslatedSegment]:
    """Return the messages for the segments of a translation."""
    source, target = Offsets(content, encoding_type), Offsets(translation.text, encoding_type)
    return [
        translation_service_pb2.TranslatedSegment(
            source_span=source.span(segment.source_span),
            target_span=target.span(segment.target_span),
            score=segment.score,
            alignment=[
                translation_service_pb2.AlignedPair(
                    source_span=source.span(pair.source),
                    target_span=target.span(pair.target),
                    probability=pair.probability,
                )
                for pair in segment.alignment
            ],
        )
        for segment in translation.segments
    ]


def to_warnings(notices: Sequence[Notice], content: str, encoding_type: int) -> list[common_pb2.Warning]:
    """Return the warnings for `notices`, whose spans are in `content`."""
    if not notices:
        return []
    source = Offsets(content, encoding_type)
    return [
        common_pb2.Warning(
            code=notice.kind.value,  # type: ignore[arg-type]
            message=notice.message,
            source_span=source.span(notice.span) if notice.span else None,
        )
        for notice in notices
    ]


def to_progress(progress: Progress) -> common_pb2.Progress:
    """Return the message for how far a request is."""
    return common_pb2.Progress(completed_count=progress.completed, total_count=progress.total)


def to_usage(contents: Sequence[str], usage: Usage) -> common_pb2.Usage:
    """Return the message for what a request with these contents has cost."""
    return common_pb2.Usage(
        character_count=sum(map(len, contents)),
        input_token_count=usage.input_tokens,
        output_token_count=usage.output_tokens,
        cached_segment_count=usage.cached_segments,
    )


@dataclass(frozen=True, slots=True)
class DetectionRequest:
    """Texts whose languages are to be told.

    Attributes:
        candidates: languages that the detection is limited to; empty for no limit.
        count: of the languages that are told of each text.
        mime_type: what kind of documents the texts are.
    """

    contents: Sequence[str]
    candidates: frozenset[str]
    count: int
    mime_type: str


def parse_detect_request(request: translation_service_pb2.DetectLanguageRequest, limits: Limits) -> DetectionRequest:
    """Return what a request asks for; raises InvalidRequest."""
    contents = parse_contents(request.contents, most=limits.detect_contents, most_characters=limits.request_characters)
    mime_type = parse_mime_type("mime_type", request.mime_type)
    count = parse_number("max_candidate_count", request.max_candidate_count, most=MOST_CANDIDATES)
    candidates = parse_candidates(request.candidate_language_codes, limits)
    return DetectionRequest(contents, candidates, count or DEFAULT_CANDIDATES, mime_type)


def to_detect_response(
    request: DetectionRequest, rankings: Sequence[Sequence[tuple[str, float]]], *, readable: tuple[str, ...]
) -> translation_service_pb2.DetectLanguageResponse:
    """Return the likeliest languages of each text; ``und`` stands last with what is left of the probability.

    Args:
        request: how many languages are told.
        rankings: languages of each text by falling probability.
        readable: languages that a model here reads.
    """
    chosen = [ranking[: request.count] for ranking in rankings]
    supported = {code for ranking in chosen for code, _ in ranking if serving(code, readable)}
    detections = translation_service_pb2.DetectLanguageResponse()
    for ranking in chosen:
        rest = max(0.0, 1.0 - sum(confidence for _, confidence in ranking))
        detections.detections.add().languages.extend(
            translation_service_pb2.DetectedLanguage(
                language_code=code, confidence=confidence, supported=code in supported
            )
            for code, confidence in [*ranking, ("und", rest)]
        )
    return detections
