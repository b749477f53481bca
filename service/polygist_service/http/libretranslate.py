"""LibreTranslate's API, for programs that speak it: https://docs.libretranslate.com/api/operations/translate.

Its calls become calls of the contract, with the same keys, limits and batches. An error is one line of text: the
message of ours, but for those that its programs know.
"""

import math
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from polygist.v1 import model_service_pb2
from polygist.v1.translation_service_pb2 import (
    DetectLanguageRequest,
    TranslateDocumentRequest,
    TranslateRequest,
    Translation,
)
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from polygist_service.http.errors import JSON, Failure, HttpRefusal, error_headers, http_code_of
from polygist_service.http.gateway import Gateway
from polygist_service.http.parameters import Parameters, read_parameters, refuse
from polygist_service.http.routes import MODELS, TRANSLATION
from polygist_service.text.documents.base import HTML, PLAIN
from polygist_service.text.documents.files.kinds import ENDINGS
from polygist_service.text.languages import BadTag, parse_tag
from polygist_service.wire.failures import CallFailed
from polygist_service.wire.json_messages import write_json

# Codes of its own as ours; and ours as those that its programs know.
OURS = {"pb": "pt-BR", "zt": "zh-Hant"}
THEIRS = {"zh": "zh-Hans", "no": "nb"}
AUTOMATIC, UNKNOWN = "auto", "und"
FORMATS = {"": PLAIN, "text": PLAIN, "html": HTML}
# Other programs' words, by the reasons of ours.
KEY_NEEDED = "Please contact the server operator to get an API key"
ERRORS = {"API_KEY_MISSING": (400, KEY_NEEDED), "API_KEY_INVALID": (403, "Invalid API key")}
# What it tells pages to wait before they ask while somebody writes, in milliseconds.
FRONTEND_TIMEOUT = 500

FILE_SECONDS = 30 * 60.0
MOST_FILE_BYTES = 64 << 20
LEFT_OUT_OF_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
MOST_NAME_CHARACTERS = 80

DOWNLOADS = "/download_file/"
PATHS = ("/translate", "/translate_file", "/detect", "/suggest", "/languages", "/frontend/settings", "/health")
# Fields of the contract, where a message begins with one or names one, and what callers sent in their place.
FIELDS = {
    r"^contents\b(?!\[)|\bcontents(?=\[)": "q",
    r"\b(?:config\.)?source_language_code\b": "source",
    r"\b(?:config\.)?target_language_code\b": "target",
    r"\balternative_count\b": "alternatives",
    r"^document\b": "file",
}

Answer = Callable[[Request, Parameters], Awaitable[object]]


class TemporaryFiles:
    """Files that can be fetched for a while by names that nobody guesses; the oldest leave where there is no room.

    Args:
        most_bytes: of all files together; one that is larger is alone.
        seconds: that each is there at most.
        clock: seconds.
    """

    def __init__(
        self,
        *,
        most_bytes: int = MOST_FILE_BYTES,
        seconds: float = FILE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._clock = clock
        self._files: dict[str, tuple[float, bytes]] = {}  # in the order in which they end

    def put(self, name: str, content: bytes) -> str:
        """Keep a file; returns what it can be fetched by, which ends with a dot and its name."""
        self._drop_old(self._most_bytes - len(content))
        key = f"{secrets.token_urlsafe(24)}.{name}"
        self._files[key] = (self._clock() + self._seconds, content)
        return key

    def find(self, key: str) -> bytes | None:
        """Return a file; None where there is none of this name, or no longer."""
        self._drop_old(math.inf)
        _, content = self._files.get(key, (0.0, None))
        return content

    def _drop_old(self, most_bytes: float) -> None:
        """Forget the files whose time is over, and the oldest others until no more than so many bytes are left."""
        now, size = self._clock(), sum(len(content) for _, content in self._files.values())
        for key, (end, content) in list(self._files.items()):
            if end > now and size <= most_bytes:
                break
            size -= len(content)
            del self._files[key]


class LibreTranslate:
    """Answers requests of LibreTranslate's API.

    Args:
        gateway: makes the calls.
        files: keeps translated files until they are fetched.
    """

    def __init__(self, gateway: Gateway, files: TemporaryFiles | None = None) -> None:
        self._gateway = gateway
        self._files = files or TemporaryFiles()

    def routes(self) -> list[BaseRoute]:
        """Return all that is served."""
        calls: Mapping[str, tuple[str, Answer]] = {
            "/translate": ("POST", self._translate),
            "/translate_file": ("POST", self._translate_file),
            "/detect": ("POST", self._detect),
            "/suggest": ("POST", self._suggest),
            "/languages": ("GET", self._list_languages),
            "/frontend/settings": ("GET", self._tell_settings),
            "/health": ("GET", self._tell_health),
        }
        download = Route(f"{DOWNLOADS}{{name}}", self._download, name="download_file")
        return [
            *[Route(path, self._respond(answer), methods=[verb]) for path, (verb, answer) in calls.items()],
            download,
        ]

    def _respond(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that tells errors in the shape of this API."""

        async def respond(request: Request) -> Response:
            body, parameters = self._gateway.body_of(request), Parameters({})
            try:
                async with body.watched():
                    read = partial(read_parameters, self._gateway, request, body)
                    parameters = await self._gateway.receive(request, body, read)
                    value = await answer(with_key(request, parameters.text("api_key")), parameters)
                    content = await self._gateway.run(request, partial(write_json, value))
            except (CallFailed, HttpRefusal) as failure:
                return to_error(failure, is_list=parameters.is_list("q"))
            return Response(content, media_type=JSON)

        return respond

    async def _translate(self, request: Request, parameters: Parameters) -> object:
        texts = parameters.texts("q", most=self._gateway.limits.translate_contents)
        source = find_language(parameters, "source")
        count = parameters.count("alternatives", most=self._gateway.limits.alternatives)
        message = TranslateRequest(
            contents=texts,
            source_language_code=source,
            target_language_code=find_language(parameters, "target"),
            mime_type=find_mime_type(parameters),
            alternative_count=count,
        )
        response = await self._gateway.call(request, TRANSLATION.methods_by_name["Translate"], message)
        answer: dict[str, list[Any]] = {"translatedText": [each.translated_text for each in response.translations]}
        if not source:
            answer["detectedLanguage"] = [to_detected_language(each) for each in response.translations]
        if count:
            answer["alternatives"] = [list_alternatives(each) for each in response.translations]
        return answer if parameters.is_list("q") else {name: values[0] for name, values in answer.items()}

    async def _translate_file(self, request: Request, parameters: Parameters) -> object:
        file = parameters.file("file")
        target = find_language(parameters, "target")
        config = TranslateRequest(source_language_code=find_language(parameters, "source"), target_language_code=target)
        message = TranslateDocumentRequest(document=file.content, name=file.name, config=config)
        response = await self._gateway.call(request, TRANSLATION.methods_by_name["TranslateDocument"], message)
        key = self._files.put(name_translated(file.name, to_their_code(target)), response.document)
        return {"translatedFileUrl": str(address_of(request, key))}

    async def _download(self, request: Request) -> Response:
        key = request.path_params["name"]
        content = self._files.find(key)
        if content is None:
            return to_error(HttpRefusal("PATH_NOT_FOUND", "there is no such file, or no longer"))
        _, _, name = key.partition(".")
        headers = {"content-disposition": f'attachment; filename="{name}"', "content-security-policy": "sandbox"}
        return Response(content, headers=headers, media_type="application/octet-stream")

    async def _detect(self, request: Request, parameters: Parameters) -> object:
        texts = parameters.texts("q", most=self._gateway.limits.detect_contents)
        message = DetectLanguageRequest(contents=texts)
        response = await self._gateway.call(request, TRANSLATION.methods_by_name["DetectLanguage"], message)
        shares: Counter[str] = Counter()
        for detection in response.detections:
            for language in detection.languages:
                shares[language.language_code] += language.confidence / len(texts)
        found = [to_confidence(code, share) for code, share in shares.most_common() if code != UNKNOWN]
        return [each for each in found if each["confidence"]] or [to_confidence("en", 0)]

    async def _suggest(self, request: Request, parameters: Parameters) -> object:
        raise HttpRefusal("SUGGESTIONS_DISABLED", "Suggestions are disabled on this server.")

    async def _list_languages(self, request: Request, parameters: Parameters) -> list[dict[str, Any]]:
        # Its programs ask for the languages without their key.
        method, found = MODELS.methods_by_name["ListLanguages"], []
        message = model_service_pb2.ListLanguagesRequest(
            task=model_service_pb2.TASK_TRANSLATE, page_size=self._gateway.limits.page_size
        )
        while True:
            page = await self._gateway.call(request, method, message, needs_key=False)
            found += page.languages
            message.page_token = page.next_page_token
            if not message.page_token:
                break
        return [
            {"code": to_their_code(each.language_code), "name": each.display_name, "targets": list_targets(each)}
            for each in found
        ]

    async def _tell_settings(self, request: Request, parameters: Parameters) -> object:
        languages, asks_for_keys = await self._list_languages(request, parameters), self._gateway.asks_for_keys
        targets = [{"code": each["code"], "name": each["name"]} for each in languages]
        return {
            "charLimit": self._gateway.limits.request_characters,
            "frontendTimeout": FRONTEND_TIMEOUT,
            "apiKeys": asks_for_keys,
            "keyRequired": asks_for_keys,
            "suggestions": False,
            "filesTranslation": True,
            "supportedFilesFormat": list(ENDINGS),
            "language": {
                "source": {"code": AUTOMATIC, "name": "Auto Detect"},
                "target": [*targets[1:2], *targets[:1], {"code": "en", "name": "English"}][0],
            },
        }

    async def _tell_health(self, request: Request, parameters: Parameters) -> object:
        return {"status": "ok"}


def routes(gateway: Gateway) -> list[BaseRoute]:
    """Return the routes of LibreTranslate's API."""
    return LibreTranslate(gateway).routes()


def address_of(request: Request, key: str) -> URL:
    """Return where a file can be fetched, as the caller sees it.

    A proxy that ends TLS says so in ``X-Forwarded-Proto``. Anybody may: who does gets an address for himself.
    """
    url = URL(str(request.url_for("download_file", name=key)))
    is_encrypted = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower() == "https"
    return url.replace(scheme="https") if is_encrypted else url


def with_key(request: Request, key: str) -> Request:
    """Return the request as if its key had come in a header; without one as it is."""
    if not key:
        return request
    headers = [(name, value) for name, value in request.scope["headers"] if name != b"authorization"]
    given = (b"authorization", f"Bearer {key}".encode())
    return Request({**request.scope, "headers": [*headers, given]}, request.receive)


def name_as_sent(message: str, *, is_list: bool) -> str:
    """Return a message in which fields have the names of this API."""
    for ours, theirs in FIELDS.items():
        message = re.sub(ours, theirs, message)
    return message if is_list else message.replace("q[0]", "q", 1)


def find_language(parameters: Parameters, name: str) -> str:
    """Return the code of a language; "" where it is to be detected. Raises HttpRefusal where it is none."""
    given = parameters.required_text(name)
    if given == AUTOMATIC and name == "source":
        return ""
    try:
        return parse_tag(OURS.get(given.lower(), given))
    except BadTag:
        raise refuse(f"{given[:MOST_NAME_CHARACTERS]} is not supported") from None


def find_mime_type(parameters: Parameters) -> str:
    """Return the MIME type of the texts; raises HttpRefusal where their format is none of this API."""
    given = parameters.text("format")
    if given not in FORMATS:
        raise refuse(f"{given[:MOST_NAME_CHARACTERS]} format is not supported")
    return FORMATS[given]


def to_their_code(code: str) -> str:
    """Return what LibreTranslate's programs call a language."""
    return THEIRS.get(code, code)


def to_confidence(code: str, share: float) -> dict[str, Any]:
    """Return a language that a text may be in, with a confidence from 0 to 100."""
    return {"confidence": float(round(100 * share)), "language": to_their_code(code)}


def to_detected_language(translation: Translation) -> dict[str, Any]:
    """Return the language that a text was in; English without confidence where it has none."""
    if translation.source_language_code == UNKNOWN:
        return to_confidence("en", 0)
    # What a document says of itself is not measured.
    share = translation.detection_confidence if translation.HasField("detection_confidence") else 1
    return to_confidence(translation.source_language_code, share)


def list_alternatives(translation: Translation) -> list[str]:
    """Return the other translations of a text, each once."""
    texts = dict.fromkeys(each.translated_text for each in translation.alternatives)
    return [text for text in texts if text not in ("", translation.translated_text)]


def list_targets(language: model_service_pb2.Language) -> list[str]:
    """Return the languages that one can be translated to; itself is among them, as text that comes back as it is."""
    codes = {language.language_code, *language.target_language_codes, *language.pivot_target_language_codes}
    return sorted(map(to_their_code, codes))


def name_translated(name: str, target: str) -> str:
    """Return the name of a translated file: letters and digits of ASCII, the language, and the ending that it had."""
    path = PurePath(name)
    stem, suffix = (LEFT_OUT_OF_NAMES.sub("_", part).strip("_") for part in (path.stem, path.suffix[1:]))
    return f"{stem[:MOST_NAME_CHARACTERS] or 'file'}_{target}" + (f".{suffix[:MOST_NAME_CHARACTERS]}" if suffix else "")


def serves(path: str) -> bool:
    """Whether a path is of this API, in whose shape whatever goes wrong there is to be told."""
    return path in PATHS or path.startswith(DOWNLOADS)


def to_error(failure: Failure, *, is_list: bool = False) -> Response:
    """Return an error in the shape of this API; `is_list` where there were several texts."""
    code, message = ERRORS.get(failure.reason, (http_code_of(failure), name_as_sent(failure.message, is_list=is_list)))
    return Response(write_json({"error": message}), code, headers=error_headers(failure), media_type=JSON)
