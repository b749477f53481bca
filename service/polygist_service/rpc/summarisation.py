"""The servicer of ``SummarisationService``."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from polygist.v1 import summarisation_service_pb2

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.limits import Limits
from polygist_service.summarisation.summariser import Summariser
from polygist_service.summarisation.types import SummaryRequest, SummaryResult
from polygist_service.wire.summarisation import (
    parse_summarise_request,
    read_contents,
    to_summarise_response,
    to_summary_event,
)
from polygist_service.wire.terms import measure_lists
from polygist_service.wire.translation import to_usage


class SummarisationServicer:
    """Calls the `Summariser` once for each request.

    Args:
        summariser: does the work.
        limits: what a request may ask for.
        pool: where answers become messages.
    """

    def __init__(self, summariser: Summariser, *, limits: Limits, pool: TextPool) -> None:
        self._summariser = summariser
        self._limits = limits
        self._pool = pool

    async def _parse(self, request: summarisation_service_pb2.SummariseRequest, context: CallContext) -> SummaryRequest:
        """Return what a request asks for; raises InvalidRequest."""
        parse = partial(parse_summarise_request, request, self._limits)
        return await self._pool.call(context, parse, characters=measure_lists(request))

    async def Summarise(
        self, request: summarisation_service_pb2.SummariseRequest, context: CallContext
    ) -> summarisation_service_pb2.SummariseResponse:
        wanted = await self._parse(request, context)
        results = await self._summariser.summarise(wanted, context)
        return await self._pool.call(context, lambda: to_summarise_response(request, results, context.usage))

    async def StreamSummarise(
        self, request: summarisation_service_pb2.StreamSummariseRequest, context: CallContext
    ) -> AsyncGenerator[summarisation_service_pb2.StreamSummariseResponse, None]:
        """Answer as `Summarise` does, as it comes about: the contents in order, at the end what it has all cost.

        A request that cannot be answered fails before the first message.
        """
        wanted = await self._parse(request.request, context)
        plans = await self._summariser.plan(wanted, context)
        results = []
        async with aclosing(self._summariser.events(plans, context)) as events:
            async for index, event in events:
                if isinstance(event, SummaryResult):
                    results.append(event)
                yield await self._pool.call(context, partial(to_summary_event, request.request, index, event))
        usage = to_usage(read_contents(request.request, results), context.usage)
        yield summarisation_service_pb2.StreamSummariseResponse(usage=usage)
