"""What every request has to obey, and what its fields say in the words of the domain.

`check_*` refuse, `parse_*` return a value; all raise `InvalidRequest`, which names the field.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias, TypeVar

from google.protobuf.message import Message
from polygist.v1 import common_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_service.errors import InvalidRequest, RequestTooLarge, UnsupportedMimeType
from polygist_service.limits import Limits
from polygist_service.text.documents import LAYOUTS
from polygist_service.text.documents.base import PLAIN, Splitting
from polygist_service.text.languages import BadTag, parse_tag
from polygist_service.translation.types import DecodingPreset, PivotPolicy, Preference

GLOSSARY_PREFIX = "glossaries/"
MODEL_PREFIX = "models/"
# How other services ask for detection, and what ISO 639 and answers call a language that nobody knows.
DETECTION_WORDS = {
    "auto", "auto-detect", "auto_detect", "autodetect", "automatic", "detect", "unknown", "none", "null", "*", "?",
    "und", "mul", "mis", "zxx",
}  # fmt: skip
# What a text in a message may be said to be encoded in: it is UTF-8, and ASCII is a part of that.
CHARSETS = ("utf-8", "utf8", "us-ascii")
MOST_CHARACTERS_SHOWN = 100
# RFC 9110, 5.6 and 8.3.1. The parser of Python's library is one for mail: it takes more, and fails on hostile values.
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
PARAMETER = re.compile(rf'({TOKEN})=(?:({TOKEN})|"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*)")')
MEDIA_TYPE = re.compile(
    rf"[ \t]*+(?P<type>{TOKEN}/{TOKEN})(?P<parameters>(?:[ \t]*+;[ \t]*+(?:{PARAMETER.pattern})?)*+)[ \t]*+"
)

PREFERENCES: Mapping[int, Preference] = {
    common_pb2.PERFORMANCE_PREFERENCE_UNSPECIFIED: Preference.DEFAULT,
    common_pb2.PERFORMANCE_PREFERENCE_SPEED: Preference.SPEED,
    common_pb2.PERFORMANCE_PREFERENCE_QUALITY: Preference.QUALITY,
}
PIVOT_POLICIES: Mapping[int, PivotPolicy] = {
    common_pb2.PIVOT_POLICY_UNSPECIFIED: PivotPolicy.ALLOWED,
    common_pb2.PIVOT_POLICY_DIRECT_ONLY: PivotPolicy.DIRECT_ONLY,
}
SPLITTINGS: Mapping[int, Splitting] = {
    translation_service_pb2.SENTENCE_SPLITTING_UNSPECIFIED: Splitting.AUTOMATIC,
    translation_service_pb2.SENTENCE_SPLITTING_PUNCTUATION_AND_NEWLINES: Splitting.PUNCTUATION_AND_NEWLINES,
    translation_service_pb2.SENTENCE_SPLITTING_PUNCTUATION: Splitting.PUNCTUATION,
    translation_service_pb2.SENTENCE_SPLITTING_NONE: Splitting.NONE,
}

ContentRequest: TypeAlias = translation_service_pb2.TranslateRequest | summarisation_service_pb2.SummariseRequest
MeaningT = TypeVar("MeaningT")


def parse_contents(contents: Sequence[str], *, most: int, most_characters: int) -> tuple[str, ...]:
    """Return the texts of a request: at least one, not too many, not too long together."""
    if not contents:
        raise InvalidRequest("contents", "is empty; give at least one text")
    if len(contents) > most:
        raise RequestTooLarge(
            "contents", f"{len(contents)} texts, the limit is {most}; send several requests",
            requested=len(contents), limit=most,
        )  # fmt: skip
    characters = sum(map(len, contents))
    if characters > most_characters:
        raise RequestTooLarge(
            "contents", f"{characters} characters, the limit is {most_characters}; send several requests",
            requested=characters, limit=most_characters,
        )  # fmt: skip
    return tuple(contents)


def parse_language(field: str, value: str) -> str | None:
    """Return a canonical BCP-47 tag; None for an empty field."""
    return parse_required_language(field, value) if value else None


def parse_source(field: str, value: str) -> str | None:
    """Return the canonical tag of the language of texts; None for an empty field, which asks for detection."""
    if value.strip().lower() in DETECTION_WORDS:
        raise InvalidRequest(field, f"{value!r} is no language code; leave it empty, and the language is detected")
    return parse_language(field, value)


def parse_required_language(field: str, value: str) -> str:
    """Return a canonical BCP-47 tag."""
    if not value:
        raise InvalidRequest(field, "is required; give a BCP-47 code such as pt or pt-BR")
    try:
        return parse_tag(value)
    except BadTag as error:
        raise InvalidRequest(field, str(error)) from None


def parse_candidates(values: Sequence[str], limits: Limits) -> frozenset[str]:
    """Return the canonical tags of the languages that a detection is limited to."""
    field = "candidate_language_codes"
    check_count(field, len(values), limits.candidates, "give those that are likely")
    return frozenset(parse_required_language(f"{field}[{at}]", value) for at, value in enumerate(values))


def check_count(field: str, count: int, most: int, cure: str) -> None:
    """Refuse more entries of a field than there may be."""
    if count > most:
        raise RequestTooLarge(field, f"{count} entries, the limit is {most}; {cure}", requested=count, limit=most)


def parse_mime_type(field: str, value: str, allowed: Collection[str] = LAYOUTS.keys()) -> str:
    """Return the one of `allowed` that a media type is, compared as RFC 9110 says; an empty field is text/plain.

    Parameters that say nothing here, such as ``format``, are let through; a charset other than that of every string of
    a message is not.
    """
    if not value or value in allowed:
        return value or PLAIN
    essence, charset = split_media_type(field, value, allowed)
    metadata = {"allowed": ", ".join(allowed)}
    if essence not in allowed:
        raise UnsupportedMimeType(
            field, f"{essence[:MOST_CHARACTERS_SHOWN]!r} is not supported; this version takes: {metadata['allowed']}",
            metadata=metadata,
        )  # fmt: skip
    if charset and charset not in CHARSETS:
        shown = charset[:MOST_CHARACTERS_SHOWN]
        raise UnsupportedMimeType(
            field, f"has charset {shown!r}, but strings here are UTF-8; decode the texts and leave charset out",
            metadata=metadata,
        )  # fmt: skip
    return essence


def split_media_type(field: str, value: str, allowed: Collection[str]) -> tuple[str, str]:
    """Return the media type that a value names, and its charset, both in lower case; the latter may be empty.

    Of several charsets it is the first that is not that of every string of a message.
    """
    found = MEDIA_TYPE.fullmatch(value)
    if found is None:
        names, shown = ", ".join(allowed), value[:MOST_CHARACTERS_SHOWN]
        raise UnsupportedMimeType(
            field, f"{shown!r} is no media type, such as 'text/plain; charset=utf-8'; this version takes: {names}",
            metadata={"allowed": names},
        )  # fmt: skip
    parameters = PARAMETER.findall(found["parameters"])
    charsets = [
        (token or re.sub(r"\\(.)", r"\1", quoted)).lower()
        for name, token, quoted in parameters
        if name.lower() == "charset"
    ]
    return found["type"].lower(), next(
        (each for each in charsets if each not in CHARSETS), charsets[0] if charsets else ""
    )


def parse_model(field: str, value: str) -> str | None:
    """Return the model's name without ``models/``; None for an empty field."""
    return parse_required_model(field, value) if value else None


def parse_required_model(field: str, value: str) -> str:
    """Return the model's name without ``models/``."""
    if not value:
        raise InvalidRequest(field, "is required; ListModels names the models")
    if not value.startswith(MODEL_PREFIX) or value == MODEL_PREFIX:
        raise InvalidRequest(field, f"{value!r} is not a model name; write models/NAME, as ListModels does")
    return value.removeprefix(MODEL_PREFIX)


def parse_number(field: str, value: int, *, most: int, least: int = 0) -> int:
    """Return a number that is within its limits."""
    if not least <= value <= most:
        raise InvalidRequest(field, f"{value} is out of range; {least} to {most} are allowed")
    return value


def check_enum(request: Message, path: str) -> None:
    """Refuse a number that is no value of its enum; proto3 lets any through."""
    message, name = follow(request, path)
    enum, value = message.DESCRIPTOR.fields_by_name[name].enum_type, getattr(message, name)
    if enum is not None and value not in enum.values_by_number:
        raise InvalidRequest(path, f"{value} is not one of {', '.join(enum.values_by_name)}")


def parse_enum(request: Message, name: str, meanings: Mapping[int, MeaningT]) -> MeaningT:
    """Return what the value of an enum field means."""
    value = getattr(request, name)
    if value not in meanings:
        check_enum(request, name)
    return meanings[value]


def parse_decoding(request: ContentRequest, limits: Limits) -> DecodingPreset:
    """Return the decoding that a request asks for."""
    config = request.decoding_config
    return DecodingPreset(
        preference=parse_enum(request, "performance_preference", PREFERENCES),
        beam_size=parse_number("decoding_config.beam_size", config.beam_size, most=limits.beam_size),
        max_output_tokens=parse_number(
            "decoding_config.max_output_tokens", config.max_output_tokens, most=limits.output_tokens
        ),
    )


def check_candidates(request: ContentRequest) -> None:
    """Refuse a request that names its language, and yet the candidates to detect it among."""
    if request.source_language_code and request.candidate_language_codes:
        raise InvalidRequest(
            "candidate_language_codes", "limits detection, but source_language_code is given; leave one of them out"
        )


def follow(request: Message, path: str) -> tuple[Message, str]:
    """Return the message that holds the last field of a dotted path, and that field's name."""
    *parents, name = path.split(".")
    for parent in parents:
        request = getattr(request, parent)
    return request, name
