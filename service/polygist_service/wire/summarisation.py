"""Summaries, and what happens while they are made, as messages."""

from collections.abc import Sequence

from polygist.v1 import common_pb2, summarisation_service_pb2

from polygist_service.rpc.translation import pack_notices
from polygist_service.summarisation.types import Delta, Event, Method, Progress, SummaryResult
from polygist_service.translation.detection import DetectedLanguage
from polygist_service.wire import validation as checks
from polygist_service.wire.offsets import Offsets

METHODS = {
    Method.ABSTRACTIVE: summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE,
    Method.EXTRACTIVE: summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE,
}


def pack_response(
    request: summarisation_service_pb2.SummariseRequest, sources: list[DetectedLanguage], results: list[SummaryResult]
) -> summarisation_service_pb2.SummariseResponse:
    """The reply for `results`, which are in the order of the request's contents."""
    return summarisation_service_pb2.SummariseResponse(
        summaries=[
            _pack_summary(content, source, result, request.output_config)
            for content, source, result in zip(request.contents, sources, results, strict=True)
        ],
        usage=pack_usage(request, results),
    )


def pack_usage(
    request: summarisation_service_pb2.SummariseRequest, results: Sequence[SummaryResult]
) -> common_pb2.Usage:
    """What a request with `results` has cost."""
    return common_pb2.Usage(
        character_count=sum(map(len, request.contents)),
        input_token_count=sum(result.input_token_count for result in results),
        output_token_count=sum(result.output_token_count for result in results),
    )


def pack_event(
    request: summarisation_service_pb2.SummariseRequest, index: int, source: DetectedLanguage, event: Event
) -> summarisation_service_pb2.StreamSummariseResponse:
    """The message of a stream for an event of the content at `index`; a result without the text that came before it."""
    reply = summarisation_service_pb2.StreamSummariseResponse(content_index=index)
    match event:
        case Progress(completed, total):
            reply.progress.MergeFrom(common_pb2.Progress(completed_count=completed, total_count=total))
        case Delta(text):
            reply.text_delta = text
        case SummaryResult():
            summary = _pack_summary(request.contents[index], source, event, request.output_config)
            summary.text = ""
            reply.summary.MergeFrom(summary)
    return reply


def _pack_summary(
    content: str,
    source: DetectedLanguage,
    result: SummaryResult,
    output: summarisation_service_pb2.SummaryOutputConfig,
) -> summarisation_service_pb2.Summary:
    article = Offsets(content, output.encoding_type)
    summary = Offsets(result.text, output.encoding_type)
    sentences = result.sentences if output.include_sentences or output.include_citations else ()
    return summarisation_service_pb2.Summary(
        text=result.text,
        source_language_code=result.source,
        target_language_code=result.target,
        detection_confidence=source.confidence,
        model=f"{checks.MODEL_PREFIX}{result.model}" if result.model else "",
        sentences=[
            summarisation_service_pb2.SummarySentence(
                text=sentence.text,
                summary_span=summary.span(sentence.summary_span),
                rank_score=sentence.rank_score,
                citations=[
                    summarisation_service_pb2.Citation(
                        source_span=article.span(citation.source_span), support_score=citation.support
                    )
                    for citation in (sentence.citations if output.include_citations else ())
                ],
            )
            for sentence in sentences
        ],
        chunk_count=result.chunk_count,
        warnings=pack_notices((*source.notices(), *result.notices), article),
        method=METHODS[result.method],
    )
