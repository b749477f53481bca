"""Files to translate: requests in the words of the domain, answers as messages."""

from dataclasses import replace

from polygist.v1 import common_pb2, translation_service_pb2

from polygist_service.errors import InvalidRequest, RequestTooLarge, UnsupportedMimeType
from polygist_service.limits import Limits
from polygist_service.text.documents.files import FILES, tell_mime_type
from polygist_service.text.documents.files.base import ReadOptions
from polygist_service.translation.documents import DocumentRequest, TranslatedDocument
from polygist_service.wire.translation import parse_settings, to_translation
from polygist_service.wire.validation import parse_mime_type


def parse_document_request(
    request: translation_service_pb2.TranslateDocumentRequest, limits: Limits
) -> DocumentRequest:
    """Return what a request asks for; raises InvalidRequest."""
    config = request.config
    for field in ("contents", "mime_type", "alternative_count"):
        if getattr(config, field):
            raise InvalidRequest(f"config.{field}", "is not for files; leave it unset")
    return DocumentRequest(
        document=check_document("document", request.document, limits),
        mime_type=parse_file_type(request.document, request.mime_type, request.name),
        options=parse_settings(config, limits),
        reading=ReadOptions(
            unpacked_bytes=limits.document_unpacked_bytes,
            members=limits.document_members,
            mark_fuzzy=request.catalogue_config.mark_fuzzy,
            retranslate=request.catalogue_config.retranslate,
        ),
        most_characters=limits.request_characters,
    )


def check_document(field: str, document: bytes, limits: Limits) -> bytes:
    """Return the bytes of a file; raises InvalidRequest where there are none, or too many."""
    if not document:
        raise InvalidRequest(field, "is empty; give the bytes of a file")
    if len(document) > limits.document_bytes:
        raise RequestTooLarge(
            field, f"{len(document)} bytes, the limit is {limits.document_bytes}; send a smaller file",
            requested=len(document), limit=limits.document_bytes,
        )  # fmt: skip
    return document


def parse_file_type(document: bytes, mime_type: str, name: str) -> str:
    """Return what a file is: as said, else by its name and content; raises UnsupportedMimeType."""
    if mime_type:
        return parse_mime_type("mime_type", mime_type, FILES.keys())
    told = tell_mime_type(document, name)
    if not told:
        names = ", ".join(FILES)
        raise UnsupportedMimeType(
            "mime_type", f"nothing tells what {name or 'the file'!r} is; give one of: {names}",
            metadata={"allowed": names},
        )  # fmt: skip
    return told


def to_document_response(
    request: translation_service_pb2.TranslateDocumentRequest, wanted: DocumentRequest, result: TranslatedDocument
) -> translation_service_pb2.TranslateDocumentResponse:
    """Return the answer to `request`."""
    whole = replace(result.translation, text=result.translated_text)
    translation = to_translation(result.source_text, whole, request.config.output_config)
    translation.translated_text = ""
    return translation_service_pb2.TranslateDocumentResponse(
        document=result.document,
        translation=translation,
        usage=common_pb2.Usage(
            character_count=len(result.source_text),
            input_token_count=whole.input_token_count,
            output_token_count=whole.output_token_count,
        ),
        mime_type=wanted.mime_type,
        source_text=result.source_text if request.include_text else "",
        translated_text=result.translated_text if request.include_text else "",
    )
