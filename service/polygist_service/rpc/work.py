"""What a request asks for, as far as it tells at once: what `Admission` decides by. Reads a few fields, and no text."""

import struct
from contextlib import suppress
from typing import Any

from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_service.admission import Kind, Work
from polygist_service.limits import Limits

# These run no model, or one that only counts: they take memory.
LIGHT = (translation_service_pb2.DetectLanguageRequest, model_service_pb2.CountTokensRequest)

# How a packed file begins, and how the end of its directory does; that is no longer than this.
MEMBER, DIRECTORY_END, LONGEST_END = b"PK\3\4", b"PK\5\6", 65_557
MOST_MEMBERS = Limits().document_members


def describe_work(message: Any, *, size: int, texts: int) -> Work | None:
    """Return what a request asks for; None of one that costs next to nothing, which is never refused.

    Args:
        message: the request.
        size: characters of its texts, or bytes of its file.
        texts: how many there are.
    """
    request = getattr(message, "request", message)  # a stream's request has the unary one in it
    if isinstance(request, LIGHT):
        return Work((), size, texts)
    if isinstance(request, translation_service_pb2.TranslateDocumentRequest):
        kind = (*describe_translation(request.config), "file", request.mime_type)
        return Work(kind, size, unpacked=measure_unpacked(request.document))
    if isinstance(request, translation_service_pb2.TranslateRequest):
        return Work(describe_translation(request), size, texts)
    if isinstance(request, summarisation_service_pb2.SummariseRequest):
        unpacked = measure_unpacked(request.document.content)
        return Work(describe_summary(request), size, max(1, texts), unpacked=unpacked)
    return None


def measure_unpacked(file: bytes) -> int:
    """Return how many bytes a packed file says that it unpacks to; 0 of what is none, which is refused later.

    Read is its directory, as far as it has so many members as a file may have
    (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.12 and 4.3.16).
    """
    if not file.startswith(MEMBER):
        return 0
    unpacked, end = 0, file.rfind(DIRECTORY_END, -LONGEST_END)
    with suppress(struct.error):
        count, size = struct.unpack_from("<HI", file, end + 10)
        place = end - size
        for _ in range(min(count, MOST_MEMBERS)):
            _, member, *lengths = struct.unpack_from("<IIHHH", file, place + 20)
            unpacked, place = unpacked + member, place + 46 + sum(lengths)
    return unpacked


def describe_translation(request: translation_service_pb2.TranslateRequest) -> Kind:
    """Return the kind of a translation: by which model, and with how much effort."""
    return (
        "translate",
        request.model or f"{request.source_language_code}>{request.target_language_code}",
        request.performance_preference,
        request.decoding_config.beam_size,
        request.alternative_count,
        request.mime_type,
    )


def describe_summary(request: summarisation_service_pb2.SummariseRequest) -> Kind:
    """Return the kind of a summary: how it is made, and how much has to be written for it."""
    return (
        "summarise",
        request.method,
        request.model,
        request.target_language_code,
        request.type,
        request.length or max(request.max_sentence_count, request.max_word_count),
        request.document.mime_type or request.mime_type,
    )
