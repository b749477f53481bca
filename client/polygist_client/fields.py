"""Pieces of requests: what the caller gave, checked and in the contract's types."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message
from polygist.v1 import common_pb2, model_service_pb2, summarisation_service_pb2

from polygist_client.errors import InvalidInput
from polygist_client.words import number_of

MessageT = TypeVar("MessageT", bound=Message)

Texts = list[str] | tuple[str, ...]


def check_text(field: str, text: str) -> str:
    """`text` itself; raises InvalidInput where it cannot be sent, TypeError where it is no text."""
    if not isinstance(text, str):
        raise TypeError(f"{field} is {type(text).__name__}, it must be str")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{field}: lone surrogate U+{ord(text[error.start]):04X} at position {error.start} is no Unicode text;"
            " decode the bytes again with errors='replace'",
            field=field,
        ) from None
    return text


def name_model(name: str | None) -> str:
    """The full name of a model: ``models/`` may be left out."""
    if not name:
        return ""
    return check_text("model", name if name.startswith("models/") else f"models/{name}")


def read_contents(text: str | Texts) -> list[str]:
    """One text or several as a list, each checked."""
    texts = [text] if isinstance(text, str) else text
    return [check_text(f"contents[{at}]", each) for at, each in enumerate(texts)]


def read_codes(codes: Sequence[str]) -> list[str]:
    """Language codes that limit detection."""
    if isinstance(codes, str):
        raise TypeError(f"candidates is the text {codes!r}, it must be a list of language codes")
    return [check_text(f"candidates[{at}]", code) for at, code in enumerate(codes)]


def read_task(given: Mapping[str, Any]) -> Any:
    """The task of a list."""
    return number_of("task", model_service_pb2.Task.DESCRIPTOR, given.get("task"))


def read_preference(given: Mapping[str, Any]) -> Any:
    """The preset."""
    return number_of("prefer", common_pb2.PerformancePreference.DESCRIPTOR, given.get("prefer"))


def read_pivot_policy(given: Mapping[str, Any]) -> Any:
    """What to do where no model serves the pair directly."""
    return common_pb2.PIVOT_POLICY_UNSPECIFIED if given.get("pivot", True) else common_pb2.PIVOT_POLICY_DIRECT_ONLY


def read_decoding(given: Mapping[str, Any]) -> common_pb2.DecodingConfig | None:
    """Beam and output limit, where they say something."""
    return unless_empty(
        common_pb2.DecodingConfig(
            beam_size=given.get("beam_size", 0), max_output_tokens=given.get("max_output_tokens", 0)
        )
    )


def read_length(given: Mapping[str, Any]) -> dict[str, Any]:
    """The one length that was given, as the field of the request."""
    fields = {"length": "length", "max_sentences": "max_sentence_count", "max_words": "max_word_count"}
    wanted = [name for name in fields if given.get(name) is not None]
    if len(wanted) > 1:
        raise InvalidInput(f"{' and '.join(wanted)} exclude each other; give one", field=wanted[0])
    if wanted == ["length"]:
        return {"length": number_of("length", summarisation_service_pb2.SummaryLength.DESCRIPTOR, given["length"])}
    return {fields[name]: given[name] for name in wanted}


def unless_empty(message: MessageT) -> MessageT | None:
    """None for a message that says nothing, so that it is not sent."""
    return message if message.ListFields() else None
