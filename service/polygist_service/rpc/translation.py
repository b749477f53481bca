"""The servicer of ``TranslationService``."""

import asyncio
from collections.abc import AsyncIterator, Collection
from concurrent.futures import Executor
from typing import Any

import grpc
from polygist.v1 import common_pb2, translation_service_pb2, translation_service_pb2_grpc

from polygist_service.errors import InvalidRequest
from polygist_service.limits import Limits
from polygist_service.notices import Notice
from polygist_service.rpc.call import caller_of, deadline_of, refuse_call
from polygist_service.text.documents.plain import Splitting
from polygist_service.text.languages import serving
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.routing import Routes
from polygist_service.translation.translator import Translator
from polygist_service.translation.types import DecodingPreset, PivotPolicy, Preference, Translation, TranslationRequest
from polygist_service.wire import validation as checks
from polygist_service.wire.offsets import Offsets

REFUSED = {
    "glossary_config": "translate without a glossary",
    "do_not_translate_phrases": "leave it empty",
    "placeholder_syntaxes": "leave it empty",
    "output_config.include_alignment": "use include_segments",
}
SPLITTINGS = {
    translation_service_pb2.SENTENCE_SPLITTING_UNSPECIFIED: Splitting.PUNCTUATION_AND_NEWLINES,
    translation_service_pb2.SENTENCE_SPLITTING_PUNCTUATION_AND_NEWLINES: Splitting.PUNCTUATION_AND_NEWLINES,
    translation_service_pb2.SENTENCE_SPLITTING_PUNCTUATION: Splitting.PUNCTUATION,
    translation_service_pb2.SENTENCE_SPLITTING_NONE: Splitting.NONE,
}
PREFERENCES = {
    common_pb2.PERFORMANCE_PREFERENCE_UNSPECIFIED: Preference.DEFAULT,
    common_pb2.PERFORMANCE_PREFERENCE_SPEED: Preference.SPEED,
    common_pb2.PERFORMANCE_PREFERENCE_QUALITY: Preference.QUALITY,
}
PIVOT_POLICIES = {
    common_pb2.PIVOT_POLICY_UNSPECIFIED: PivotPolicy.ALLOWED,
    common_pb2.PIVOT_POLICY_DIRECT_ONLY: PivotPolicy.DIRECT_ONLY,
}
DEFAULT_CANDIDATES = 3

Context = grpc.aio.ServicerContext[Any, Any]


class TranslationServicer(translation_service_pb2_grpc.TranslationServiceServicer):
    """Unpacks, calls the `Translator` once, packs.

    Args:
        translator: does the work.
        sources: detects languages.
        routes: which languages a model reads.
        limits: what a request may ask for.
        executor: where replies are packed.
    """

    def __init__(
        self, translator: Translator, *, sources: LanguageResolver, routes: Routes, limits: Limits, executor: Executor
    ) -> None:
        self._translator = translator
        self._executor = executor
        self._sources = sources
        self._routes = routes
        self._limits = limits

    async def Translate(
        self, request: translation_service_pb2.TranslateRequest, context: Context
    ) -> translation_service_pb2.TranslateResponse:
        wanted = self._unpack(request)
        translations = await self._translator.translate(
            wanted, caller=caller_of(context), deadline=deadline_of(context)
        )
        return await asyncio.get_running_loop().run_in_executor(self._executor, _pack_response, request, translations)

    async def StreamTranslate(
        self, request: translation_service_pb2.StreamTranslateRequest, context: Context
    ) -> AsyncIterator[translation_service_pb2.StreamTranslateResponse]:
        await refuse_call(context, "StreamTranslate is not served by this version; call Translate")
        yield translation_service_pb2.StreamTranslateResponse()

    async def BatchTranslate(
        self, request_iterator: AsyncIterator[translation_service_pb2.BatchTranslateRequest], context: Context
    ) -> AsyncIterator[translation_service_pb2.BatchTranslateResponse]:
        await refuse_call(context, "BatchTranslate is not served by this version; call Translate with many contents")
        yield translation_service_pb2.BatchTranslateResponse()

    async def DetectLanguage(
        self, request: translation_service_pb2.DetectLanguageRequest, context: Context
    ) -> translation_service_pb2.DetectLanguageResponse:
        """The likeliest languages of each content, and whether a model here reads them."""
        limits = self._limits
        contents = checks.parse_contents(
            request.contents, most=limits.detect_contents, most_characters=limits.request_characters
        )
        checks.parse_mime_type(request.mime_type)
        count = checks.parse_range("max_candidate_count", request.max_candidate_count, most=100) or DEFAULT_CANDIDATES
        candidates = checks.parse_languages("candidate_language_codes", request.candidate_language_codes)
        rankings = [ranking[:count] for ranking in await self._sources.rank(contents, candidates)]
        readable = self._routes.readable()
        found = {code for ranking in rankings for code, _ in ranking}
        supported = {code for code in found if serving(code, readable)}
        return translation_service_pb2.DetectLanguageResponse(
            detections=[_pack_detection(ranking, supported) for ranking in rankings]
        )

    def _unpack(self, request: translation_service_pb2.TranslateRequest) -> TranslationRequest:
        limits = self._limits
        checks.refuse_fields(request, REFUSED)
        checks.parse_mime_type(request.mime_type)
        checks.parse_enum(
            "sentence_splitting",
            request.sentence_splitting,
            translation_service_pb2.SentenceSplitting.DESCRIPTOR,
        )
        checks.parse_enum(
            "output_config.encoding_type",
            request.output_config.encoding_type,
            common_pb2.EncodingType.DESCRIPTOR,
        )
        if request.source_language_code and request.candidate_language_codes:
            raise InvalidRequest(
                "candidate_language_codes", "limits detection, but source_language_code is given; leave one of them out"
            )
        return TranslationRequest(
            contents=checks.parse_contents(
                request.contents, most=limits.translate_contents, most_characters=limits.request_characters
            ),
            target=checks.parse_language("target_language_code", request.target_language_code, required=True) or "",
            source=checks.parse_language("source_language_code", request.source_language_code),
            model=checks.parse_model(request.model),
            splitting=SPLITTINGS[request.sentence_splitting],
            decoding=unpack_decoding(
                request.decoding_config,
                request.performance_preference,
                limits,
                alternatives=request.alternative_count,
                scores=request.output_config.include_score,
            ),
            pivot_policy=unpack_pivot_policy(request.pivot_policy),
            candidates=checks.parse_languages("candidate_language_codes", request.candidate_language_codes),
        )


def unpack_pivot_policy(value: int) -> PivotPolicy:
    """What a request says of pivots."""
    checks.parse_enum("pivot_policy", value, common_pb2.PivotPolicy.DESCRIPTOR)
    return PIVOT_POLICIES[value]  # type: ignore[index]


def unpack_decoding(
    config: common_pb2.DecodingConfig, preference: int, limits: Limits, *, alternatives: int = 0, scores: bool = False
) -> DecodingPreset:
    """The decoding that a request asks for, within the limits."""
    checks.parse_enum("performance_preference", preference, common_pb2.PerformancePreference.DESCRIPTOR)
    return DecodingPreset(
        preference=PREFERENCES[preference],  # type: ignore[index]
        beam_size=checks.parse_range("decoding_config.beam_size", config.beam_size, most=limits.beam_size),
        max_output_tokens=checks.parse_range(
            "decoding_config.max_output_tokens", config.max_output_tokens, most=limits.output_tokens
        ),
        alternative_count=checks.parse_range("alternative_count", alternatives, most=limits.alternatives),
        scores=scores,
    )


def _pack_response(
    request: translation_service_pb2.TranslateRequest, translations: list[Translation]
) -> translation_service_pb2.TranslateResponse:
    """The reply for `translations`, which are in the order of the request's contents."""
    return translation_service_pb2.TranslateResponse(
        translations=[
            _pack_translation(content, translation, request.output_config)
            for content, translation in zip(request.contents, translations, strict=True)
        ],
        usage=common_pb2.Usage(
            character_count=sum(map(len, request.contents)),
            input_token_count=sum(translation.input_token_count for translation in translations),
            output_token_count=sum(translation.output_token_count for translation in translations),
        ),
    )


def pack_notices(notices: tuple[Notice, ...], source: Offsets) -> list[common_pb2.Warning]:
    """The warnings for `notices`, their spans in the units of `source`."""
    return [
        common_pb2.Warning(
            code=notice.kind.value,  # type: ignore[arg-type]
            message=notice.message,
            source_span=source.span(notice.span) if notice.span else None,
        )
        for notice in notices
    ]


def _pack_translation(
    content: str, translation: Translation, output: translation_service_pb2.TranslationOutputConfig
) -> translation_service_pb2.Translation:
    source = Offsets(content, output.encoding_type)
    target = Offsets(translation.text, output.encoding_type)
    segments = translation.segments if output.include_segments else ()
    return translation_service_pb2.Translation(
        translated_text=translation.text,
        source_language_code=translation.source,
        target_language_code=translation.target,
        detection_confidence=translation.confidence,
        model=f"{checks.MODEL_PREFIX}{translation.model}" if translation.model else "",
        pivot_language_codes=translation.pivots,
        score=translation.score,
        segments=[
            translation_service_pb2.TranslatedSegment(
                source_span=source.span(segment.source_span),
                target_span=target.span(segment.target_span),
                score=segment.score,
            )
            for segment in segments
        ],
        alternatives=[
            translation_service_pb2.TranslationAlternative(translated_text=each.text, score=each.score)
            for each in translation.alternatives
        ],
        warnings=pack_notices(translation.notices, source),
    )


def _pack_detection(
    ranking: list[tuple[str, float]], supported: Collection[str]
) -> translation_service_pb2.LanguageDetection:
    """Languages by falling confidence; ``und`` stands last with what is left of the probability."""
    rest = max(0.0, 1.0 - sum(confidence for _, confidence in ranking))
    return translation_service_pb2.LanguageDetection(
        languages=[
            translation_service_pb2.DetectedLanguage(
                language_code=code, confidence=confidence, supported=code in supported
            )
            for code, confidence in [*ranking, ("und", rest)]
        ]
    )
