"""Whether a message keeps to what its fields may hold, told from its bytes: before it is decoded.

To decode a message of 16 MB takes a third of a second and many times its size where it has millions of entries, and
Python's interpreter lock is held meanwhile, on whatever thread. So entries are counted and texts measured as they stand
on the wire (https://protobuf.dev/programming-guides/encoding), and that ends at the first one that is too much.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from polygist_service.errors import RequestTooLarge
from polygist_service.limits import Limits

# A message of fewer bytes can hold nothing that takes long.
SHORT_MESSAGE = 2048
# A field that is not repeated may stand in a message so often: encoders write it once. In those of a list it may so
# often in all of them together, and once in each.
MOST_UNREPEATED = 100
# The same of entries of a list without a limit of its own, and of fields that nobody knows, of a newer contract.
MOST_ENTRIES = MOST_UNKNOWN = 1000
# Number that stands for all fields that nobody knows; protobuf has none of that number.
UNKNOWN = 0
BYTES_PER_CHARACTER = 4  # of UTF-8, at most
BYTES_PER_VARINT = 10
VARINT, LENGTH_DELIMITED = 0, 2
FIXED_BYTES = {1: 8, 5: 4}


class Malformed(ValueError):
    """The bytes are no message; who decodes them says so."""


@dataclass(frozen=True, slots=True)
class FieldBounds:
    """What a field may hold.

    Attributes:
        path: its name, after those of the messages that hold it.
        most: how often it may stand in all of them together.
        characters: of one entry; None where the size of the message is the only bound.
        characters_together: of all entries.
        fields: of a message, what its own fields may hold, by number.
    """

    path: str
    most: int
    characters: int | None = None
    characters_together: int | None = None
    fields: Mapping[int, "FieldBounds"] | None = None


@dataclass(slots=True)
class Found:
    """How many entries were found of each field so far, and how many bytes they have."""

    entries: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def add(self, bounds: FieldBounds, size: int) -> None:
        """Count an entry of `size` bytes; raises RequestTooLarge where that is too much."""
        path = bounds.path
        self.entries[path] += 1
        self.bytes[path] += size
        if self.entries[path] > bounds.most:
            raise too_large(path, self.entries[path], bounds.most, "entries")
        for found, most in ((size, bounds.characters), (self.bytes[path], bounds.characters_together)):
            if most is not None and found > BYTES_PER_CHARACTER * most:
                raise too_large(path, -(-found // BYTES_PER_CHARACTER), most, "characters")


def too_large(path: str, found: int, most: int, unit: str) -> RequestTooLarge:
    """Return the refusal of a message in which so many were found before the rest was looked at."""
    return RequestTooLarge(
        path, f"{found} {unit} or more, the limit is {most}; send less in one request", requested=found, limit=most
    )


def check_bounds(message: bytes, descriptor: Descriptor, limits: Limits) -> None:
    """Refuse a message of which a field holds more than it may; raises RequestTooLarge.

    What is no message goes through, as does a message whose fields hold a little more, which is found once it is
    decoded: one character may be one byte or four.
    """
    if len(message) > SHORT_MESSAGE:
        with suppress(Malformed):
            check_fields(message, 0, len(message), bound_fields(descriptor, limits), Found())


def check_fields(message: bytes, at: int, end: int, fields: Mapping[int, FieldBounds], found: Found) -> None:
    """Count the fields of the message that stands between two places; raises RequestTooLarge, or Malformed."""
    while at < end:
        key, at = read_varint(message, at, end)
        bounds, kind, size = fields.get(key >> 3) or fields[UNKNOWN], key & 7, 0
        if kind == LENGTH_DELIMITED:
            size, at = read_varint(message, at, end)
            if at + size > end:
                raise Malformed
            if bounds.fields is not None:
                check_fields(message, at, at + size, bounds.fields, found)
            at += size
        elif kind == VARINT:
            _, at = read_varint(message, at, end)
        elif kind in FIXED_BYTES:
            at += FIXED_BYTES[kind]
        else:
            raise Malformed  # groups, which proto3 does not have
        found.add(bounds, size)


def read_varint(message: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number that stands at a place, and the place after it; raises Malformed."""
    value = 0
    for index in range(BYTES_PER_VARINT):
        if at + index >= end:
            break
        byte = message[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    raise Malformed


@lru_cache(maxsize=256)
def bound_fields(descriptor: Descriptor, limits: Limits, prefix: str = "", times: int = 1) -> Mapping[int, FieldBounds]:
    """Return what the fields of a message may hold, by number.

    Args:
        descriptor: the type of the message.
        limits: on requests.
        prefix: what stands before the names of its fields.
        times: how many of the messages there may be.
    """
    unknown = FieldBounds(f"{prefix}unknown fields", MOST_UNKNOWN + times)
    return {UNKNOWN: unknown} | {each.number: bound_field(each, limits, prefix, times) for each in descriptor.fields}


def bound_field(each: FieldDescriptor, limits: Limits, prefix: str, times: int) -> FieldBounds:
    """Return what a field may hold; see `bound_fields`."""
    path = f"{prefix}{each.name}"
    most = times * find_most_entries(each, limits) if each.is_repeated else times + MOST_UNREPEATED
    if each.message_type is not None:
        # Parts of one that is not repeated are put together, however many there are. Errors of a stream name the
        # fields of the unary request that it has in it.
        inner = most if each.is_repeated else times
        within = "" if each.name == "request" else f"{path}."
        return FieldBounds(path, most, fields=bound_fields(each.message_type, limits, within, inner))
    if each.type == FieldDescriptor.TYPE_BYTES:
        return FieldBounds(path, most)
    if each.type == FieldDescriptor.TYPE_STRING:
        longest = find_most_characters(each.name, limits)
        return FieldBounds(path, most, longest, limits.request_characters if each.name == "contents" else None)
    return FieldBounds(path, most, characters_together=most)  # any number of numbers may stand in one entry


def find_most_entries(each: FieldDescriptor, limits: Limits) -> int:
    """Return how many entries a repeated field may have."""
    found = {
        "TranslateRequest.contents": limits.translate_contents,
        "SummariseRequest.contents": limits.summarise_contents,
        "DetectLanguageRequest.contents": limits.detect_contents,
        "CountTokensRequest.contents": limits.detect_contents,
        "GlossaryConfig.entries": limits.glossary_entries,
        "do_not_translate_phrases": limits.kept_phrases,
        "candidate_language_codes": limits.candidates,
    }
    return found.get(each.full_name.removeprefix("polygist.v1."), found.get(each.name, MOST_ENTRIES))


def find_most_characters(name: str, limits: Limits) -> int:
    """Return how many characters one entry of a field of texts may have."""
    return {
        "contents": limits.request_characters,
        "content": limits.request_characters,
        "query": limits.query_characters,
        "do_not_translate_phrases": limits.phrase_characters,
        "source_term": limits.phrase_characters,
        "target_term": limits.phrase_characters,
    }.get(name, limits.name_characters)
