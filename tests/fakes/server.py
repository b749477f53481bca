"""A real gRPC server on a free port that answers from a script and remembers what it was asked."""

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2, timestamp_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2_grpc
from polygist.v1 import (
    common_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    summarisation_service_pb2,
    summarisation_service_pb2_grpc,
    translation_service_pb2,
    translation_service_pb2_grpc,
)

REQUEST_ID = "x-request-id"


@dataclass
class Failing:
    """An answer that is an error, with or without the details of a polygist server."""

    code: grpc.StatusCode
    message: str = "it failed"
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    retry_after: float | None = None
    trailer: tuple[tuple[str, str | bytes], ...] = ()
    is_silent: bool = False  # without a trailer, as where a connection breaks

    def abort(self, context: grpc.ServicerContext, request_id: str) -> None:
        trailer: list[tuple[str, str | bytes]] = [(REQUEST_ID, request_id), *self.trailer]
        if self.reason:
            trailer.append(("grpc-status-details-bin", self._status().SerializeToString()))
        if not self.is_silent:
            context.set_trailing_metadata(tuple(trailer))
        context.abort(self.code, self.message)

    def _status(self) -> status_pb2.Status:
        details: list[Message] = [
            error_details_pb2.ErrorInfo(reason=self.reason, domain="polygist", metadata=self.metadata)
        ]
        if self.fields:
            wrong = [error_details_pb2.BadRequest.FieldViolation(field=name, description="bad") for name in self.fields]
            details.append(error_details_pb2.BadRequest(field_violations=wrong))
        if self.retry_after is not None:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(int(self.retry_after * 1000))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        packed = []
        for detail in details:
            packed.append(any_pb2.Any())
            packed[-1].Pack(detail)
        return status_pb2.Status(code=self.code.value[0], message=self.message, details=packed)


@dataclass
class Asked:
    """One call as the server saw it."""

    method: str
    request: Any
    metadata: dict[str, str]
    seconds: float | None
    items: list[Any] = field(default_factory=list)


@dataclass
class Batching:
    """How one stream of BatchTranslate goes.

    Attributes:
        most: it ends after so many answers.
        ending: how it ends then; None is OK.
        errors: text of an item -> why it fails.
        facts: metadata of these errors.
        refusals: text of an item -> how often the server is busy with it first.
        lethal: a text that breaks the stream as soon as it is received.
        silent: whether nothing is ever answered.
        shuffle: puts the items that are there in the order in which they are answered.
    """

    most: int | None = None
    ending: Failing | None = None
    errors: dict[str, tuple[grpc.StatusCode, str]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    lethal: str = ""
    silent: bool = False
    shuffle: Callable[[list[Any]], None] = list.reverse

    def run(self, received: "SimpleQueue[Any]", config: Any, end: Callable[[], None]) -> Iterator[Any]:
        """Answer what is received, all that is there at the same time, until the end of it (None)."""
        answered = 0
        for items in collect(received):
            self.shuffle(items)
            for item in items:
                if item.content == self.lethal:
                    end()
                if self.silent:
                    continue
                if self.most is not None and answered >= self.most:
                    return end()
                answered += 1
                yield self.answer(item, config)

    def answer(self, item: Any, config: Any) -> translation_service_pb2.BatchTranslateResponse:
        """The answer to one item."""
        code, reason = self.errors.get(item.content, (None, ""))
        if self.refusals.get(item.content, 0) > 0:
            self.refusals[item.content] -= 1
            code, reason = grpc.StatusCode.UNAVAILABLE, "MODEL_LOADING"
        if code is not None:
            error = common_pb2.ItemError(
                code=code.value[0], message=f"{item.content} failed", reason=reason, metadata=self.facts
            )
            return translation_service_pb2.BatchTranslateResponse(item_id=item.item_id, error=error)
        request = translation_service_pb2.TranslateRequest()
        request.CopyFrom(config)
        request.contents.append(item.content)
        request.source_language_code = item.source_language_code or config.source_language_code
        reply = translate(request)
        return translation_service_pb2.BatchTranslateResponse(
            item_id=item.item_id, translation=reply.translations[0], usage=reply.usage
        )


def collect(received: "SimpleQueue[Any]") -> Iterator[list[Any]]:
    """Yield what has been received, as often as there is some, until None is."""
    is_over = False
    while not is_over:
        items = [received.get()]
        with suppress(Empty):
            while True:
                items.append(received.get(timeout=0.005))
        is_over = None in items
        yield [item for item in items if item is not None]


class Fake:
    """Answers every call with one request; a script for a method goes first, then the default answer."""

    def __init__(self) -> None:
        self.address = ""
        self.asked: list[Asked] = []
        self.scripts: dict[str, deque[Any]] = defaultdict(deque)
        self.batching = Batching()
        # What answers a method where there is no script.
        self.rules: dict[str, Callable[[Any], Any]] = {}
        # By default a Watch sends with a lock held, and what waits for its sending needs that lock where another Watch
        # ends: both wait for ever. So each Watch has a thread of its own, and holds no lock while it sends.
        self.health = health.HealthServicer(experimental_non_blocking=False)
        # Whether it says to callers who send an API key that it asks for none.
        self.ignores_keys = False

    def script(self, method: str, *answers: Failing | Batching | Message | Callable[[Any], Any]) -> None:
        """Give these answers to the next calls of `method`."""
        self.scripts[method].extend(answers)

    def requests(self, method: str) -> list[Any]:
        """What `method` was asked."""
        return [each.request for each in self.asked if each.method == method]

    def answer_items(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Remember the call with its items, each as it comes, and answer them."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        config = next(messages).config
        asked = Asked("BatchTranslate", config, metadata, context.time_remaining())
        self.asked.append(asked)
        script = self.scripts["BatchTranslate"].popleft() if self.scripts["BatchTranslate"] else self.batching
        request_id = metadata.get(REQUEST_ID, "none-sent")
        if isinstance(script, Failing):
            script.abort(context, request_id)
        received: SimpleQueue[Any] = SimpleQueue()

        def receive() -> None:
            with suppress(Exception):  # of a stream that was cancelled
                for message in messages:
                    asked.items.append(message.item)
                    received.put(message.item)
            received.put(None)

        def end() -> None:
            if script.ending is not None:
                script.ending.abort(context, request_id)

        Thread(target=receive, daemon=True).start()
        yield from script.run(received, config, end)

    def answer(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        """Remember the call and answer it."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        self.asked.append(Asked(method, request, metadata, context.time_remaining()))
        request_id = metadata.get(REQUEST_ID, "none-sent")
        answer = self.scripts[method].popleft() if self.scripts[method] else DEFAULTS[method]
        if method in self.rules and answer is DEFAULTS[method]:
            answer = self.rules[method](request)
        if isinstance(answer, Failing):
            answer.abort(context, request_id)
        is_ignored = self.ignores_keys and "authorization" in metadata
        context.set_trailing_metadata(((REQUEST_ID, request_id), *[("x-api-key", "ignored")] * is_ignored))
        reply = answer(request) if callable(answer) else answer
        return abort_at(reply, context, request_id) if isinstance(reply, Iterator) else reply


def translate(request: translation_service_pb2.TranslateRequest) -> translation_service_pb2.TranslateResponse:
    """Upper case, with everything that was asked for."""
    detected = None if request.source_language_code else 0.75
    wants = request.output_config
    return translation_service_pb2.TranslateResponse(
        translations=[
            translation_service_pb2.Translation(
                translated_text=text.upper(),
                source_language_code=request.source_language_code or "en",
                target_language_code=request.target_language_code,
                detection_confidence=detected,
                model="models/en-pt",
                score=-0.5 if wants.include_score else None,
                alternatives=[
                    translation_service_pb2.TranslationAlternative(translated_text=f"{text} #{number}", score=-1.0)
                    for number in range(request.alternative_count)
                ],
                segments=[
                    translation_service_pb2.TranslatedSegment(
                        source_span=common_pb2.TextSpan(end_offset=len(text)),
                        target_span=common_pb2.TextSpan(end_offset=len(text)),
                        alignment=align(text) if wants.include_alignment else (),
                    )
                ]
                * (wants.include_segments or wants.include_alignment),
                warnings=[
                    common_pb2.Warning(
                        code=common_pb2.WARNING_CODE_UNKNOWN_CHARACTERS,
                        message="no piece for ☃",
                        source_span=common_pb2.TextSpan(start_offset=text.index("☃"), end_offset=text.index("☃") + 1),
                    )
                ]
                if "☃" in text
                else [],
            )
            for text in request.contents
        ],
        usage=common_pb2.Usage(character_count=sum(map(len, request.contents))),
    )


def translate_document(
    request: translation_service_pb2.TranslateDocumentRequest,
) -> translation_service_pb2.TranslateDocumentResponse:
    """Upper case, with everything that was asked for; what is no text comes back as it is."""
    text = request.document.decode(errors="replace")
    whole = translation_service_pb2.TranslateRequest()
    whole.CopyFrom(request.config)
    whole.contents.append(text)
    reply = translate(whole)
    translated = reply.translations[0].translated_text
    reply.translations[0].translated_text = ""
    is_text = "\ufffd" not in text and "\0" not in text
    return translation_service_pb2.TranslateDocumentResponse(
        document=translated.encode() if is_text else request.document,
        translation=reply.translations[0],
        usage=reply.usage,
        mime_type=request.mime_type or "application/x-subrip",
        source_text=text if request.include_text else "",
        translated_text=translated if request.include_text else "",
    )


def align(text: str) -> list[translation_service_pb2.AlignedPair]:
    """Each word with itself."""
    spans = [
        common_pb2.TextSpan(start_offset=each.start(), end_offset=each.end()) for each in re.finditer(r"\w+", text)
    ]
    return [translation_service_pb2.AlignedPair(source_span=each, target_span=each, probability=0.5) for each in spans]


def summarise(request: summarisation_service_pb2.SummariseRequest) -> summarisation_service_pb2.SummariseResponse:
    """The first line of each article, or of the one in a file."""
    document = request.document.content.decode(errors="replace")
    return summarisation_service_pb2.SummariseResponse(
        summaries=[
            summarisation_service_pb2.Summary(
                text=text.split("\n")[0],
                source_language_code="en",
                target_language_code=request.target_language_code or "en",
                model="models/minilm",
                method=summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE,
                sentences=[
                    summarisation_service_pb2.SummarySentence(
                        text=text.split("\n")[0],
                        summary_span=common_pb2.TextSpan(end_offset=len(text.split("\n")[0])),
                        rank_score=1.0,
                        citations=[
                            summarisation_service_pb2.Citation(
                                source_span=common_pb2.TextSpan(end_offset=len(text.split("\n")[0])), support_score=1.0
                            )
                        ],
                    )
                ]
                * request.output_config.include_citations,
                source_text=document if request.output_config.include_source_text else "",
            )
            for text in (request.contents or [document])
        ]
    )


def stream_summarise(
    request: summarisation_service_pb2.StreamSummariseRequest,
) -> Iterator[summarisation_service_pb2.StreamSummariseResponse]:
    """The answer of `summarise`, word by word."""
    reply = summarise(request.request)
    for index, summary in enumerate(reply.summaries):
        yield summarisation_service_pb2.StreamSummariseResponse(
            content_index=index, progress=common_pb2.Progress(completed_count=1, total_count=2)
        )
        yield summarisation_service_pb2.StreamSummariseResponse(
            content_index=index, progress=common_pb2.Progress(completed_count=2, total_count=2)
        )
        for word in re.findall(r"\s*\S+", summary.text):
            yield summarisation_service_pb2.StreamSummariseResponse(content_index=index, text_delta=word)
        summary.text = ""
        yield summarisation_service_pb2.StreamSummariseResponse(content_index=index, summary=summary)
    yield summarisation_service_pb2.StreamSummariseResponse(usage=common_pb2.Usage(character_count=1))


def stream_translate(
    request: translation_service_pb2.StreamTranslateRequest,
) -> Iterator[translation_service_pb2.StreamTranslateResponse]:
    """The answer of `translate`, word by word."""
    reply = translate(request.request)
    for index, translation in enumerate(reply.translations):
        for word in re.findall(r"\s*\S+|\s+$", translation.translated_text):
            yield translation_service_pb2.StreamTranslateResponse(content_index=index, text_delta=word)
        yield translation_service_pb2.StreamTranslateResponse(
            content_index=index,
            progress=common_pb2.Progress(completed_count=index + 1, total_count=len(reply.translations)),
        )
        translation.translated_text = ""
        yield translation_service_pb2.StreamTranslateResponse(content_index=index, translation=translation)
    yield translation_service_pb2.StreamTranslateResponse(usage=reply.usage)


def detect(request: translation_service_pb2.DetectLanguageRequest) -> translation_service_pb2.DetectLanguageResponse:
    """English, rather."""
    guesses = [
        translation_service_pb2.DetectedLanguage(language_code="en", confidence=0.75, supported=True),
        translation_service_pb2.DetectedLanguage(language_code="pt", confidence=0.125, supported=True),
        translation_service_pb2.DetectedLanguage(language_code="und", confidence=0.125),
    ]
    return translation_service_pb2.DetectLanguageResponse(
        detections=[translation_service_pb2.LanguageDetection(languages=guesses) for _ in request.contents]
    )


MODEL = model_service_pb2.Model(
    name="models/en-pt", display_name="English to Portuguese", tasks=[model_service_pb2.TASK_TRANSLATE],
    state=model_service_pb2.MODEL_STATE_READY, max_input_tokens=256, compute_type="int8", device="cpu", revision="abc",
    license="MPL-2.0", size_bytes=17_000_000, source_language_codes=["en"], target_language_codes=["pt"],
    memory_bytes=23_000_000, last_used_time=timestamp_pb2.Timestamp(seconds=1_700_000_000),
)  # fmt: skip
LANGUAGES = [
    model_service_pb2.Language(
        language_code="en", display_name="English", native_name="English", target_language_codes=["pt"],
        pivot_target_language_codes=["de"],
        tasks=[model_service_pb2.TASK_TRANSLATE],
    ),
    model_service_pb2.Language(
        language_code="pt", display_name="Portuguese", native_name="português", target_language_codes=["en"]
    ),
]  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "Translate": translate,
    "TranslateDocument": translate_document,
    "ListGlossaries": translation_service_pb2.ListGlossariesResponse(
        glossaries=[
            translation_service_pb2.Glossary(
                name="glossaries/press", language_codes=["en", "pt"], entry_count=120, revision="abc"
            )
        ]
    ),
    "Summarise": summarise,
    "StreamSummarise": stream_summarise,
    "StreamTranslate": stream_translate,
    "BatchTranslate": None,  # see `Batching`
    "DetectLanguage": detect,
    "ListModels": model_service_pb2.ListModelsResponse(models=[MODEL]),
    "GetModel": model_service_pb2.GetModelResponse(model=MODEL),
    "LoadModel": model_service_pb2.LoadModelResponse(model=MODEL),
    "UnloadModel": model_service_pb2.UnloadModelResponse(model=MODEL),
    "ReloadConfiguration": model_service_pb2.ReloadConfigurationResponse(changed_models=["models/en-fi"]),
    "ListLanguages": model_service_pb2.ListLanguagesResponse(languages=LANGUAGES),
    "CountTokens": lambda request: model_service_pb2.CountTokensResponse(
        token_counts=[len(text) for text in request.contents], max_input_tokens=256
    ),
    "GetServerInfo": model_service_pb2.GetServerInfoResponse(
        version="1.2.3", limits=[model_service_pb2.Limit(name="translate.contents", value=1024)], active_request_count=1
    ),
}


def abort_at(parts: Iterator[Any], context: grpc.ServicerContext, request_id: str) -> Iterator[Any]:
    """Yield the parts of a reply; one that is `Failing` ends it so."""
    for part in parts:
        if isinstance(part, Failing):
            part.abort(context, request_id)
        yield part


def make_servicer(base: type, fake: Fake) -> Any:
    """A servicer with every method of `base` that the fake answers."""

    def make_method(name: str) -> Callable[..., Any]:
        if name == "BatchTranslate":
            return lambda self, messages, context: fake.answer_items(messages, context)
        return lambda self, request, context: fake.answer(name, request, context)

    abstract: frozenset[str] = getattr(base, "__abstractmethods__", frozenset())
    names = {name for name in dir(base) if name in DEFAULTS} | abstract
    return type("Fake" + base.__name__, (base,), {name: make_method(name) for name in names})()


@contextmanager
def serving(fake: Fake, *, with_health: bool = True, address: str = "127.0.0.1:0", **options: Any) -> Iterator[Fake]:
    """`fake` behind a port while the block runs; `credentials` make it speak TLS."""
    credentials = options.pop("credentials", None)
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0), *options.items()])
    translation_service_pb2_grpc.add_TranslationServiceServicer_to_server(
        make_servicer(translation_service_pb2_grpc.TranslationServiceServicer, fake), server
    )
    summarisation_service_pb2_grpc.add_SummarisationServiceServicer_to_server(
        make_servicer(summarisation_service_pb2_grpc.SummarisationServiceServicer, fake), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        make_servicer(model_service_pb2_grpc.ModelServiceServicer, fake), server
    )
    model_service_pb2_grpc.add_ModelAdminServiceServicer_to_server(
        make_servicer(model_service_pb2_grpc.ModelAdminServiceServicer, fake), server
    )
    if with_health:
        health_pb2_grpc.add_HealthServicer_to_server(fake.health, server)
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    fake.address = address if address.startswith("unix:") else f"127.0.0.1:{port}"
    try:
        yield fake
    finally:
        server.stop(None).wait()
