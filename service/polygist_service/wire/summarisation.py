"""Summaries: requests in the words of the domain, answers and what happens before them as messages."""

from collections.abc import Mapping, Sequence

from polygist.v1 import summarisation_service_pb2

from polygist_service.context import Usage
from polygist_service.errors import InvalidRequest
from polygist_service.limits import Limits
from polygist_service.summarisation.types import Event, Form, Length, Method, Order, SummaryRequest, SummaryResult
from polygist_service.text.documents.base import MARKDOWN, PLAIN
from polygist_service.text.documents.files.input_file import InputFile
from polygist_service.translation.types import Delta, Progress
from polygist_service.wire.documents import parse_file
from polygist_service.wire.offsets import Offsets
from polygist_service.wire.terms import parse_terms
from polygist_service.wire.translation import to_progress, to_usage, to_warnings
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
    parse_language,
    parse_mime_type,
    parse_model,
    parse_number,
    parse_source,
)

# They say how a summary is translated.
OF_TRANSLATION = ("pivot_policy", "glossary_config", "do_not_translate_phrases", "placeholder_syntaxes")
OUTPUT_MIME_TYPES = (PLAIN, MARKDOWN)
METHODS: Mapping[int, Method] = {
    summarisation_service_pb2.SUMMARY_METHOD_UNSPECIFIED: Method.AUTO,
    summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE: Method.ABSTRACTIVE,
    summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE: Method.EXTRACTIVE,
}
METHOD_VALUES = {
    Method.ABSTRACTIVE: summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE,
    Method.EXTRACTIVE: summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE,
}
FORMS: Mapping[int, Form] = {
    summarisation_service_pb2.SUMMARY_TYPE_UNSPECIFIED: Form.PARAGRAPH,
    summarisation_service_pb2.SUMMARY_TYPE_PARAGRAPH: Form.PARAGRAPH,
    summarisation_service_pb2.SUMMARY_TYPE_TLDR: Form.TLDR,
    summarisation_service_pb2.SUMMARY_TYPE_KEY_POINTS: Form.KEY_POINTS,
    summarisation_service_pb2.SUMMARY_TYPE_HEADLINE: Form.HEADLINE,
}
LENGTHS: Mapping[int, Length] = {
    summarisation_service_pb2.SUMMARY_LENGTH_UNSPECIFIED: Length.MEDIUM,
    summarisation_service_pb2.SUMMARY_LENGTH_SHORT: Length.SHORT,
    summarisation_service_pb2.SUMMARY_LENGTH_MEDIUM: Length.MEDIUM,
    summarisation_service_pb2.SUMMARY_LENGTH_LONG: Length.LONG,
}
ORDERS: Mapping[int, Order] = {
    summarisation_service_pb2.SENTENCE_ORDER_UNSPECIFIED: Order.OFFSET,
    summarisation_service_pb2.SENTENCE_ORDER_OFFSET: Order.OFFSET,
    summarisation_service_pb2.SENTENCE_ORDER_RANK: Order.RANK,
}


def parse_summarise_request(request: summarisation_service_pb2.SummariseRequest, limits: Limits) -> SummaryRequest:
    """Return what a request asks for; raises InvalidRequest."""
    mime_type = parse_mime_type("mime_type", request.mime_type)
    output_mime_type = parse_mime_type("output_mime_type", request.output_mime_type, OUTPUT_MIME_TYPES)
    for field in ("method", "type", "length", "sentence_order", "output_config.encoding_type"):
        check_enum(request, field)
    check_candidates(request)
    for descriptor, _ in request.ListFields():
        if descriptor.name in OF_TRANSLATION and not request.target_language_code:
            raise InvalidRequest(
                descriptor.name, "is for summaries in another language; leave it unset, or give target_language_code"
            )
    if request.sentence_order and request.method == summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE:
        raise InvalidRequest("sentence_order", "is for extractive summaries; leave it unset for ABSTRACTIVE")
    file = parse_article_file(request, limits)
    contents = (
        ()
        if file
        else parse_contents(request.contents, most=limits.summarise_contents, most_characters=limits.request_characters)
    )
    if len(request.query) > limits.query_characters:
        raise InvalidRequest("query", f"has {len(request.query)} characters, the limit is {limits.query_characters}")
    return SummaryRequest(
        contents=contents,
        file=file,
        source=parse_source("source_language_code", request.source_language_code),
        target=parse_language("target_language_code", request.target_language_code),
        method=METHODS[request.method],
        form=FORMS[request.type],
        length=LENGTHS[request.length],
        max_sentences=parse_length_target(request, "max_sentence_count", limits.sentences),
        max_words=parse_length_target(request, "max_word_count", limits.words),
        query=request.query,
        order=ORDERS[request.sentence_order],
        markdown=output_mime_type == MARKDOWN,
        model=parse_model("model", request.model),
        decoding=parse_decoding(request, limits),
        pivot_policy=parse_enum(request, "pivot_policy", PIVOT_POLICIES),
        candidates=parse_candidates(request.candidate_language_codes, limits),
        mime_type=mime_type,
        splitting=parse_enum(request, "sentence_splitting", SPLITTINGS),
        terms=parse_terms(request, limits),
    )


def parse_article_file(request: summarisation_service_pb2.SummariseRequest, limits: Limits) -> InputFile | None:
    """Return the file that a request is about; None where it has contents."""
    if not request.HasField("document"):
        if request.output_config.include_source_text:
            raise InvalidRequest(
                "output_config.include_source_text", "is for documents, as contents are known; leave it unset"
            )
        return None
    for field, cure in (("contents", "send one or the other"), ("mime_type", "document.mime_type says what that is")):
        if getattr(request, field):
            raise InvalidRequest(field, f"is not for documents; {cure}")
    document = request.document
    return parse_file(
        document.content, document.mime_type, document.name, limits, field="document.content", holder="document."
    )


def parse_length_target(request: summarisation_service_pb2.SummariseRequest, field: str, most: int) -> int:
    """Return a length in sentences or words: at least 1 where it is the length target of this request, else 0."""
    if request.WhichOneof("length_target") != field:
        return 0
    return parse_number(field, getattr(request, field), least=1, most=most)


def to_summarise_response(
    request: summarisation_service_pb2.SummariseRequest, results: Sequence[SummaryResult], usage: Usage
) -> summarisation_service_pb2.SummariseResponse:
    """Return the answer to `request`; the results are in the order of its contents."""
    return summarisation_service_pb2.SummariseResponse(
        summaries=[
            to_summary(content, result, request.output_config)
            for content, result in zip(read_contents(request, results), results, strict=True)
        ],
        usage=to_usage(read_contents(request, results), usage),
    )


def read_contents(
    request: summarisation_service_pb2.SummariseRequest, results: Sequence[SummaryResult]
) -> Sequence[str]:
    """Return the articles of a request, or what was read of its file."""
    return [each.source_text for each in results] if request.HasField("document") else request.contents


def to_summary_event(
    request: summarisation_service_pb2.SummariseRequest, index: int, event: Event
) -> summarisation_service_pb2.StreamSummariseResponse:
    """Return the message of a stream for an event of the content at `index`.

    A summary comes without its text, which has come in pieces before.
    """
    reply = summarisation_service_pb2.StreamSummariseResponse(content_index=index)
    match event:
        case Progress():
            reply.progress.CopyFrom(to_progress(event))
        case Delta(text):
            reply.text_delta = text
        case SummaryResult():
            content = event.source_text if request.HasField("document") else request.contents[index]
            reply.summary.CopyFrom(to_summary(content, event, request.output_config))
            reply.summary.text = ""
    return reply


def to_summary(
    content: str, result: SummaryResult, output: summarisation_service_pb2.SummaryOutputConfig
) -> summarisation_service_pb2.Summary:
    """Return the message for the summary of `content`."""
    article = Offsets(content, output.encoding_type)
    summary = Offsets(result.text, output.encoding_type)
    sentences = result.sentences if output.include_sentences or output.include_citations else ()
    return summarisation_service_pb2.Summary(
        text=result.text,
        source_language_code=result.source,
        target_language_code=result.target,
        detection_confidence=result.confidence,
        model=f"{MODEL_PREFIX}{result.model}" if result.model else "",
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
        warnings=to_warnings(result.notices, content, output.encoding_type),
        method=METHOD_VALUES[result.method],
        source_text=result.source_text if output.include_source_text else "",
    )
