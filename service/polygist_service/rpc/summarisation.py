"""The servicer of ``SummarisationService``."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import grpc
from polygist.v1 import common_pb2, summarisation_service_pb2, summarisation_service_pb2_grpc

from polygist_service.concurrency import gather_all, merge_in_order
from polygist_service.engine.interface import Engine, Role
from polygist_service.errors import InvalidRequest
from polygist_service.limits import Limits
from polygist_service.rpc.call import caller_of, deadline_of
from polygist_service.rpc.translation import unpack_decoding, unpack_pivot_policy
from polygist_service.summarisation.summariser import Summariser
from polygist_service.summarisation.types import (
    Form,
    Length,
    Method,
    Order,
    SummaryRequest,
    SummaryResult,
)
from polygist_service.translation.detection import DetectedLanguage, LanguageResolver
from polygist_service.wire import validation as checks
from polygist_service.wire.summarisation import pack_event, pack_response, pack_usage

REFUSED = {
    "glossary_config": "summarise without a glossary",
    "do_not_translate_phrases": "leave it empty",
    "placeholder_syntaxes": "leave it empty",
}
METHODS: Mapping[int, Method] = {
    summarisation_service_pb2.SUMMARY_METHOD_UNSPECIFIED: Method.AUTO,
    summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE: Method.ABSTRACTIVE,
    summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE: Method.EXTRACTIVE,
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

Context = grpc.aio.ServicerContext[Any, Any]


class SummarisationServicer(summarisation_service_pb2_grpc.SummarisationServiceServicer):
    """Unpacks, calls the `Summariser` once for each article, packs.

    Args:
        summariser: does the work.
        engine: tells which languages can be read.
        sources: detects languages.
        limits: what a request may ask for.
        executor: where replies are packed.
    """

    def __init__(
        self, summariser: Summariser, *, engine: Engine, sources: LanguageResolver, limits: Limits, executor: Executor
    ) -> None:
        self._summariser = summariser
        self._engine = engine
        self._sources = sources
        self._limits = limits
        self._executor = executor

    async def Summarise(
        self, request: summarisation_service_pb2.SummariseRequest, context: Context
    ) -> summarisation_service_pb2.SummariseResponse:
        wanted, sources = await self._read(request)
        caller, deadline = caller_of(context), deadline_of(context)
        results = await gather_all(
            self._summariser.summarise(each, caller=caller, deadline=deadline) for each in wanted
        )
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, pack_response, request, sources, results
        )

    async def StreamSummarise(
        self, request: summarisation_service_pb2.StreamSummariseRequest, context: Context
    ) -> AsyncGenerator[summarisation_service_pb2.StreamSummariseResponse, None]:
        """What `Summarise` answers, as it comes about: the contents in order, at the end what it has all cost.

        A request that cannot be answered fails before the first message.
        """
        wanted, sources = await self._read(request.request)
        for each in wanted:
            self._summariser.check(each)
        caller, deadline, results = caller_of(context), deadline_of(context), []
        streams = [self._summariser.events(each, caller=caller, deadline=deadline) for each in wanted]
        async with aclosing(merge_in_order(streams)) as events:
            async for index, event in events:
                if isinstance(event, SummaryResult):
                    results.append(event)
                yield await asyncio.get_running_loop().run_in_executor(
                    self._executor, pack_event, request.request, index, sources[index], event
                )
        yield summarisation_service_pb2.StreamSummariseResponse(usage=pack_usage(request.request, results))

    async def _read(
        self, request: summarisation_service_pb2.SummariseRequest
    ) -> tuple[list[SummaryRequest], list[DetectedLanguage]]:
        """What is wanted of each article, and the languages that these are in."""
        contents, wanted = self._unpack(request)
        sources = await self._sources.find(
            contents,
            given=wanted.source or None,
            readable=self._readable(),
            candidates=checks.parse_languages("candidate_language_codes", request.candidate_language_codes),
        )
        pairs = zip(contents, sources, strict=True)
        return [replace(wanted, text=text, source=source.language) for text, source in pairs], sources

    def _readable(self) -> tuple[str, ...]:
        """Languages that some model for summaries covers."""
        models = [model for model in self._engine.models() if model.role in (Role.ENCODER, Role.SUMMARISATION)]
        return tuple(sorted({language for model in models for language in model.source_languages}))

    def _unpack(self, request: summarisation_service_pb2.SummariseRequest) -> tuple[tuple[str, ...], SummaryRequest]:
        """The articles, and what is wanted of each: the same but for `text`, and `source` where it is empty."""
        limits = self._limits
        checks.refuse_fields(request, REFUSED)
        _check_values(request)
        contents = checks.parse_contents(
            request.contents, most=limits.summarise_contents, most_characters=limits.request_characters
        )
        if len(request.query) > limits.query_characters:
            raise InvalidRequest(
                "query", f"has {len(request.query)} characters, the limit is {limits.query_characters}"
            )
        return contents, SummaryRequest(
            text="",
            source=checks.parse_language("source_language_code", request.source_language_code) or "",
            target=checks.parse_language("target_language_code", request.target_language_code),
            method=METHODS[request.method],
            form=FORMS[request.type],
            length=LENGTHS[request.length],
            max_sentences=_check_target(request, "max_sentence_count", limits.sentences),
            max_words=_check_target(request, "max_word_count", limits.words),
            query=request.query,
            order=ORDERS[request.sentence_order],
            markdown=request.output_mime_type == "text/markdown",
            model=checks.parse_model(request.model),
            decoding=unpack_decoding(request.decoding_config, request.performance_preference, limits),
            pivot_policy=unpack_pivot_policy(request.pivot_policy),
        )


def _check_values(request: summarisation_service_pb2.SummariseRequest) -> None:
    """Refuse unknown enum values, MIME types, and fields that contradict each other."""
    checks.parse_mime_type(request.mime_type)
    checks.parse_mime_type(request.output_mime_type, allowed=("text/plain", "text/markdown"), field="output_mime_type")
    for field, enum in (
        ("method", summarisation_service_pb2.SummaryMethod),
        ("type", summarisation_service_pb2.SummaryType),
        ("length", summarisation_service_pb2.SummaryLength),
        ("sentence_order", summarisation_service_pb2.SentenceOrder),
    ):
        checks.parse_enum(field, getattr(request, field), enum.DESCRIPTOR)
    checks.parse_enum(
        "output_config.encoding_type", request.output_config.encoding_type, common_pb2.EncodingType.DESCRIPTOR
    )
    if request.source_language_code and request.candidate_language_codes:
        raise InvalidRequest(
            "candidate_language_codes", "limits detection, but source_language_code is given; leave one of them out"
        )
    if request.pivot_policy and not request.target_language_code:
        raise InvalidRequest(
            "pivot_policy", "is for summaries in another language; leave it unset, or give target_language_code"
        )
    if request.sentence_order and request.method == summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE:
        raise InvalidRequest("sentence_order", "is for extractive summaries; leave it unset for ABSTRACTIVE")


def _check_target(request: summarisation_service_pb2.SummariseRequest, field: str, most: int) -> int:
    """A length in sentences or words: at least 1 where it is the length target of this request, else 0."""
    if request.WhichOneof("length_target") != field:
        return 0
    return checks.parse_range(field, getattr(request, field), least=1, most=most)
