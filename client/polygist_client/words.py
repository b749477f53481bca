"""The contract's enum values as plain words: ``SUMMARY_TYPE_KEY_POINTS`` is "key-points"."""

from typing import Literal

from google.protobuf.descriptor import EnumDescriptor

from polygist_client.errors import InvalidInput

Preference = Literal["speed", "quality"]
Splitting = Literal["punctuation-and-newlines", "punctuation", "none"]
SummaryMethod = Literal["abstractive", "extractive"]
SummaryType = Literal["paragraph", "tldr", "key-points", "headline"]
SummaryLength = Literal["short", "medium", "long"]
SentenceOrder = Literal["offset", "rank"]
Task = Literal["translate", "summarise", "detect-language"]
Health = Literal["serving", "not-serving", "service-unknown", "unknown"]

UNSPECIFIED = "UNSPECIFIED"


def words_of(enum: EnumDescriptor) -> tuple[str, ...]:
    """Every word of `enum`, without the one for "not said"."""
    return tuple(word_of(enum, value.number) for value in enum.values if value.number)


def number_of(field: str, enum: EnumDescriptor, word: str | None) -> int:
    """The number for `word` of `enum`, 0 for None; raises InvalidInput naming `field` and the words there are."""
    if word is None:
        return 0
    words = words_of(enum)
    if word not in words:
        raise InvalidInput(f"{field}: {word!r} is not one of {', '.join(words)}", field=field)
    return enum.values_by_name[_prefix(enum) + word.upper().replace("-", "_")].number


def word_of(enum: EnumDescriptor, number: int) -> str:
    """The word for `number` of `enum`; enums may grow, so a number that this client does not know is a word too."""
    value = enum.values_by_number.get(number)
    if value is None:
        return f"unknown-{number}"
    return value.name.removeprefix(_prefix(enum)).lower().replace("_", "-")


def _prefix(enum: EnumDescriptor) -> str:
    return enum.values_by_number[0].name.removesuffix(UNSPECIFIED)
