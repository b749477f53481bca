"""The servicer of ``TranslationService``."""

from collections.abc import AsyncGenerator, AsyncIterator

from polygist.v1 import translation_service_pb2

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.errors import UnsupportedMethod
from polygist_service.limits import Limits
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.routing import Routes
from polygist_service.translation.translator import Translator
from polygist_service.wire.translation import (
    parse_detect_request,
    parse_translate_request,
    to_detect_response,
    to_translate_response,
)


class TranslationServicer:
    """Calls the `Translator` once for each request.

    Args:
        translator: does the work.
        languages: detects languages.
        routes: which languages a model reads.
        limits: what a request may ask for.
        pool: where answers become messages.
    """

    def __init__(
        self, translator: Translator, *, languages: LanguageResolver, routes: Routes, limits: Limits, pool: TextPool
    ) -> None:
        self._translator = translator
        self._languages = languages
        self._routes = routes
        self._limits = limits
        self._pool = pool

    async def Translate(
        self, request: translation_service_pb2.TranslateRequest, context: CallContext
    ) -> translation_service_pb2.TranslateResponse:
        wanted = parse_translate_request(request, self._limits)
        translations = await self._translator.translate(wanted, context)
        return await self._pool.call(context, lambda: to_translate_response(request, translations))

    async def StreamTranslate(
        self, request: translation_service_pb2.StreamTranslateRequest, context: CallContext
    ) -> AsyncGenerator[translation_service_pb2.StreamTranslateResponse, None]:
        raise UnsupportedMethod("StreamTranslate is not served by this version; call Translate")
        yield  # makes it a stream

    async def BatchTranslate(
        self, requests: AsyncIterator[translation_service_pb2.BatchTranslateRequest], context: CallContext
    ) -> AsyncGenerator[translation_service_pb2.BatchTranslateResponse, None]:
        raise UnsupportedMethod("BatchTranslate is not served by this version; call Translate with many contents")
        yield  # makes it a stream

    async def DetectLanguage(
        self, request: translation_service_pb2.DetectLanguageRequest, context: CallContext
    ) -> translation_service_pb2.DetectLanguageResponse:
        wanted = parse_detect_request(request, self._limits)
        rankings = await self._languages.rank(wanted.contents, wanted.candidates, context)
        return to_detect_response(wanted, rankings, readable=self._routes.readable())
