"""The servicer of ``TranslationService``."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial

from polygist.v1 import translation_service_pb2

from polygist_service.access.access import Access
from polygist_service.admission import Admission
from polygist_service.concurrency import TextPool, in_groups
from polygist_service.context import CallContext
from polygist_service.limits import Limits
from polygist_service.rpc.batch import BatchTranslation
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.documents import DocumentTranslator
from polygist_service.translation.routing import Routes
from polygist_service.translation.terms.glossaries import Glossaries
from polygist_service.translation.translator import Translator, read_contents
from polygist_service.translation.types import Progress, TranslationRequest
from polygist_service.wire.documents import parse_document_request, to_document_response
from polygist_service.wire.models import to_glossaries_response
from polygist_service.wire.terms import measure_lists
from polygist_service.wire.translation import (
    parse_detect_request,
    parse_translate_request,
    to_detect_response,
    to_translate_response,
    to_translation_events,
    to_usage,
)

# Messages of a stream are no nearer than this to each other, but for the first and what comes with the last.
COALESCED_SECONDS = 0.05


class TranslationServicer:
    """Calls the `Translator` once for each request.

    Args:
        translator: does the work.
        documents: translates files.
        glossaries: those that the operator has mounted.
        languages: detects languages.
        routes: which languages a model reads.
        limits: what a request may ask for.
        access: says when the quota of its caller has.
        admission: says when there is room for another item of a stream.
        pool: where answers become messages.
        draining: set when the server shuts down.
    """

    def __init__(
        self,
        translator: Translator,
        *,
        documents: DocumentTranslator,
        glossaries: Glossaries,
        languages: LanguageResolver,
        routes: Routes,
        limits: Limits,
        access: Access,
        admission: Admission,
        pool: TextPool,
        draining: asyncio.Event,
    ) -> None:
        self._translator = translator
        self._documents = documents
        self._glossaries = glossaries
        self._languages = languages
        self._routes = routes
        self._limits = limits
        self._access = access
        self._admission = admission
        self._pool = pool
        self._draining = draining

    async def _parse(
        self, request: translation_service_pb2.TranslateRequest, context: CallContext
    ) -> TranslationRequest:
        """Return what a request asks for; raises InvalidRequest."""
        parse = partial(parse_translate_request, request, self._limits)
        return await self._pool.call(context, parse, characters=measure_lists(request))

    async def Translate(
        self, request: translation_service_pb2.TranslateRequest, context: CallContext
    ) -> translation_service_pb2.TranslateResponse:
        wanted = await self._parse(request, context)
        translations = await self._translator.translate(wanted, context)
        answer = partial(to_translate_response, request, translations, context.usage)
        return await self._pool.call(context, answer, characters=sum(map(len, request.contents)))

    async def StreamTranslate(
        self, request: translation_service_pb2.StreamTranslateRequest, context: CallContext
    ) -> AsyncGenerator[translation_service_pb2.StreamTranslateResponse, None]:
        """Answer as `Translate` does, segment by segment: the contents in order, at the end what it has all cost."""
        wanted = await self._parse(request.request, context)
        events = self._translator.events(wanted, context)
        async with aclosing(in_groups(events, seconds=COALESCED_SECONDS)) as groups:
            async for group in groups:
                answer = partial(to_translation_events, request.request, group)
                length = sum(len(event.text) for _, event in group if not isinstance(event, Progress))
                for reply in await self._pool.call(context, answer, characters=length):
                    yield reply
        usage = to_usage(request.request.contents, context.usage)
        yield translation_service_pb2.StreamTranslateResponse(usage=usage)

    async def BatchTranslate(
        self, requests: AsyncIterator[translation_service_pb2.BatchTranslateRequest], context: CallContext
    ) -> AsyncGenerator[translation_service_pb2.BatchTranslateResponse, None]:
        """Answer each item as `Translate` does a request of its own; see `BatchTranslation`."""
        batch = BatchTranslation(
            self._translator,
            limits=self._limits,
            access=self._access,
            admission=self._admission,
            pool=self._pool,
            context=context,
            draining=self._draining,
        )
        async with aclosing(batch.answers(requests)) as answers:
            async for answer in answers:
                yield answer

    async def DetectLanguage(
        self, request: translation_service_pb2.DetectLanguageRequest, context: CallContext
    ) -> translation_service_pb2.DetectLanguageResponse:
        parse = partial(parse_detect_request, request, self._limits)
        wanted = await self._pool.call(context, parse, characters=measure_lists(request))
        readable = self._routes.readable()
        layouts = await read_contents(self._pool, context, wanted.contents, wanted.mime_type)
        rankings = await self._languages.rank(layouts, wanted.candidates, context, readable=readable)
        answer = partial(to_detect_response, wanted, rankings, readable=readable)
        return await self._pool.call(context, answer, characters=len(wanted.contents) * wanted.count)

    async def TranslateDocument(
        self, request: translation_service_pb2.TranslateDocumentRequest, context: CallContext
    ) -> translation_service_pb2.TranslateDocumentResponse:
        parse = partial(parse_document_request, request, self._limits)
        file, options = await self._pool.call(context, parse, characters=measure_lists(request.config))
        output = request.config.output_config
        has_segments = request.include_text or output.include_segments or output.include_alignment
        result = await self._documents.translate(file, options, context, has_segments=has_segments)
        answer = partial(to_document_response, request, result, context.usage, self._limits)
        return await self._pool.call(context, answer)

    async def ListGlossaries(
        self, request: translation_service_pb2.ListGlossariesRequest, context: CallContext
    ) -> translation_service_pb2.ListGlossariesResponse:
        return to_glossaries_response(request, self._glossaries.all(), self._limits)
