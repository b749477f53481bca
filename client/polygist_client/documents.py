"""Files: the calls that translate and summarise one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

from polygist.v1 import common_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_client import calls, conversion, options, results
from polygist_client.arguments import DOCUMENT_PARSERS, call_options, parse_document, parse_options
from polygist_client.calls import Call
from polygist_client.errors import InvalidInput

# What gRPC may send at once; the server's own limit is lower: "document.bytes" of its limits.
MOST_BYTES = 64 << 20
# A file of any kind, as far as its sender knows.
ANY = "*/*"


def translate_document(
    document: options.Document, *, to: str, **given: Unpack[options.TranslateDocumentOptions]
) -> Call[translation_service_pb2.TranslateDocumentResponse, results.TranslatedDocument]:
    """Make the call of `Client.translate_document`."""
    chosen = parse_options("translate_document", given, options.TranslateDocumentOptions, DOCUMENT_PARSERS)
    content, name = read_bytes(document)
    texts: Any = calls.translate([], to=to, **keep_options(given, options.TranslationOptions))
    contract = translation_service_pb2
    return Call(
        service=calls.TRANSLATION,
        method="TranslateDocument",
        request=contract.TranslateDocumentRequest(
            document=content,
            mime_type=media_type(chosen),
            name=chosen.get("name", name),
            config=texts.request,
            include_text=chosen.get("include_text", False),
            catalogue_config=conversion.unless_empty(
                contract.CatalogueConfig(
                    mark_fuzzy=chosen.get("mark_fuzzy", False), retranslate=chosen.get("retranslate", False)
                )
            ),
        ),
        reply=contract.TranslateDocumentResponse,
        convert=conversion.read_document,
        options=call_options(chosen),
    )


def summarise_document(
    document: options.Document, **given: Unpack[options.SummariseDocumentOptions]
) -> Call[summarisation_service_pb2.SummariseResponse, results.Summary]:
    """Make the call of `Client.summarise_document`."""
    chosen = parse_options("summarise_document", given, options.SummariseDocumentOptions, DOCUMENT_PARSERS)
    content, name = read_bytes(document)
    whole: Any = calls.summarise("", **keep_options(given, options.SummaryOptions))
    request = whole.request
    del request.contents[:]
    request.document.CopyFrom(
        common_pb2.InputDocument(content=content, mime_type=media_type(chosen), name=chosen.get("name", name))
    )
    if chosen.get("include_text"):
        request.output_config.include_source_text = True
    return replace(whole, options=call_options(chosen))


def read_bytes(document: options.Document) -> tuple[bytes, str]:
    """Return the bytes of a file, and its name where it has one; raises InvalidInput for more than can be sent."""
    content, name = parse_document(document)
    if len(content) > MOST_BYTES:
        raise InvalidInput(
            f"document: {name or 'the file'} has {len(content)} bytes, at most {MOST_BYTES} can be sent; cut it into"
            " several",
            field="document",
        )
    return content, name


def media_type(chosen: Mapping[str, Any]) -> str:
    """Return what a file is said to be, and to be encoded in; empty where nothing is said of it.

    Raises:
        InvalidInput: an encoding is said twice.
    """
    mime_type, charset = chosen.get("mime_type", ""), chosen.get("charset", "")
    if charset and ";" in mime_type:
        raise InvalidInput(f"charset: {charset!r}, but mime_type is {mime_type!r}; give one of them", field="charset")
    return f"{mime_type or ANY}; charset={charset}" if charset else mime_type


def keep_options(given: Mapping[str, Any], kind: Any) -> Any:
    """Return those keywords that calls for texts have too."""
    return {name: value for name, value in given.items() if name in kind.__optional_keys__}
