"""Files: those of requests in the words of the domain, translated ones as messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from polygist.charsets import find_encoding
from polygist.v1 import translation_service_pb2

from polygist_service.context import Usage
from polygist_service.errors import InvalidRequest, RequestTooLarge, UnsupportedMimeType
from polygist_service.limits import Limits
from polygist_service.text.documents.files.base import ReadOptions
from polygist_service.text.documents.files.input_file import InputFile
from polygist_service.text.documents.files.kinds import NAMES
from polygist_service.text.segmentation import Span
from polygist_service.translation.documents import TranslatedDocument
from polygist_service.translation.terms.finding import WordFinder
from polygist_service.translation.terms.types import Terms
from polygist_service.translation.types import TranslationRequest
from polygist_service.wire.translation import parse_settings, to_translation, to_usage
from polygist_service.wire.validation import MOST_CHARACTERS_SHOWN, split_media_type


def parse_document_request(
    request: translation_service_pb2.TranslateDocumentRequest, limits: Limits
) -> tuple[InputFile, TranslationRequest]:
    """Return what a request asks for: the file, and how to translate it; raises InvalidRequest."""
    config, catalogue = request.config, request.catalogue_config
    for field in ("contents", "mime_type", "alternative_count"):
        if getattr(config, field):
            raise InvalidRequest(f"config.{field}", "is not for files; leave it unset")
    file = parse_file(request.document, request.mime_type, request.name, limits)
    with within("config"):
        settings = parse_settings(config, limits)
    options = replace(
        file.options,
        mark_fuzzy=catalogue.mark_fuzzy,
        retranslate=catalogue.retranslate,
        target=settings.target,
        find_kept=partial(find_kept, settings.terms, settings.target),
    )
    return replace(file, options=options), settings


def find_kept(terms: Terms, target: str, text: str) -> list[Span]:
    """Return the spans of kept phrases and placeholders in a text that was translated."""
    kept = replace(terms, entries=(), glossary=None)
    return [(each.start, each.end) for each in WordFinder(kept, source=target, target=target).find(text)]


@contextmanager
def within(field: str) -> Iterator[None]:
    """Let errors about fields of a message name the field that holds the message as well."""
    try:
        yield
    except InvalidRequest as error:
        error.rename_field(f"{field}.{error.field}")
        raise


def parse_file(
    document: bytes, mime_type: str, name: str, limits: Limits, *, field: str = "document", holder: str = ""
) -> InputFile:
    """Return a file of a request.

    Args:
        document, mime_type, name: what the request says.
        limits: how much there may be of it.
        field: path of `document`.
        holder: what stands before the name of the other field in its path.

    Raises:
        InvalidRequest: it is empty or too large, or what it is said to be is no media type.
    """
    if not document:
        raise InvalidRequest(field, "is empty; give the bytes of a file")
    if len(document) > limits.document_bytes:
        raise RequestTooLarge(
            field, f"{len(document)} bytes, the limit is {limits.document_bytes}; send a smaller file",
            requested=len(document), limit=limits.document_bytes,
        )  # fmt: skip
    type_field = f"{holder}mime_type"
    essence, charset = split_media_type(type_field, mime_type, NAMES) if mime_type else ("", "")
    if charset and not find_encoding(charset):
        raise UnsupportedMimeType(
            type_field, f"charset {charset[:MOST_CHARACTERS_SHOWN]!r} is not known; convert the file to UTF-8",
            metadata={"allowed": ", ".join(NAMES)},
        )  # fmt: skip
    return InputFile(
        document=document,
        mime_type=essence,
        name=name,
        options=ReadOptions(
            unpacked_bytes=limits.document_unpacked_bytes, members=limits.document_members, charset=charset
        ),
        most_characters=limits.request_characters,
        document_field=field,
        type_field=type_field,
    )


def to_document_response(
    request: translation_service_pb2.TranslateDocumentRequest, result: TranslatedDocument, usage: Usage, limits: Limits
) -> translation_service_pb2.TranslateDocumentResponse:
    """Return the answer to `request`; raises RequestTooLarge where it does not fit into a message."""
    whole = replace(result.translation, text=result.translated_text)
    translation = to_translation(result.source_text, whole, request.config.output_config)
    translation.translated_text = ""
    response = translation_service_pb2.TranslateDocumentResponse(
        document=result.document,
        translation=translation,
        usage=to_usage([result.source_text], usage),
        mime_type=result.mime_type,
        source_text=result.source_text if request.include_text else "",
        translated_text=result.translated_text if request.include_text else "",
    )
    if (size := response.ByteSize()) > limits.message_bytes:
        raise RequestTooLarge(
            "document", f"its answer has {size} bytes, the limit is {limits.message_bytes}; ask for less, or cut it",
            requested=size, limit=limits.message_bytes,
        )  # fmt: skip
    return response
