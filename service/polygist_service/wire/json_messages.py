"""Messages of the contract as JSON, by protobuf's own mapping (https://protobuf.dev/programming-guides/json).

Answers are written by protobuf's library. Requests are read here: its errors name no field, and it takes millions of
entries before anybody counts them.
"""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from polygist_service.errors import InvalidRequest
from polygist_service.limits import Limits
from polygist_service.wire.bounds import FieldBounds, Found, bound_fields, too_large

MessageT = TypeVar("MessageT", bound=Message)

# What is told of a value that is not what its field takes.
LONGEST_SHOWN = 60
INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
}
# A request within its limits has no more values by far; read, each takes twenty times the bytes that it is written in.
MOST_VALUES = 50_000
# A string, to the end where it has none: it fits wherever a quote stands, so that a text is gone through once.
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+\\?(?:"|\Z)', re.DOTALL)
INTEGER = re.compile(r"-?[0-9]{1,20}")
BODY = "body"


def to_json(message: Message) -> bytes:
    """Return a message as JSON in UTF-8."""
    return write_json(MessageToDict(message))


def write_json(value: object) -> bytes:
    """Return JSON in UTF-8, without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parse_message(text: bytes, kind: type[MessageT], limits: Limits) -> MessageT:
    """Read a message; raises InvalidRequest, naming the field, where it is none of this kind."""
    return read_message(read_object(text), kind, limits)


def read_object(text: bytes, path: str = BODY) -> dict[str, Any]:
    """Read a JSON object; raises InvalidRequest where it is none, and RequestTooLarge where it has too many values.

    Args:
        text: in UTF-8.
        path: what the error calls it.
    """
    check_count(text, path)
    try:
        # Of a name that stands twice, which parsers take differently, json keeps the last one.
        value = json.loads(text.decode("utf-8-sig"), object_pairs_hook=read_pairs, parse_constant=refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidRequest(path, f"is no UTF-8 (at byte {error.start}); send JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidRequest(path, f"is no JSON: {error.msg} ({place}); send one JSON object") from None
    except RecursionError:
        raise InvalidRequest(path, "is no request: its JSON is nested too deeply; send one JSON object") from None
    except ValueError as error:  # a name that stands twice, a number of thousands of digits
        raise InvalidRequest(path, f"is no JSON: {error}; send one JSON object") from None
    if not isinstance(value, dict):
        raise InvalidRequest(path, f"is {describe_value(value)}; send one JSON object")
    return value


def check_count(text: bytes, path: str) -> None:
    """Raise RequestTooLarge where JSON has more values than any request: told before it is read, and takes memory."""
    found = count_values(text)
    if found > MOST_VALUES and (found := count_values(STRING.sub(b"", text))) > MOST_VALUES:
        raise too_large(path, found, MOST_VALUES, "values")


def count_values(text: bytes) -> int:
    """Return how many values JSON has at most: what stands in its strings is counted as if it stood outside."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; raises ValueError where a name stands in it twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{shorten(twice)!r} stands in an object twice")
    return found


def refuse_constant(name: str) -> NoReturn:
    """Refuse what Python takes for a number, and JSON does not."""
    raise ValueError(f"{name} is no number")


def read_message(value: Mapping[str, Any], kind: type[MessageT], limits: Limits) -> MessageT:
    """Make a message of a JSON object; raises InvalidRequest, naming the field, and RequestTooLarge."""
    descriptor = cast(Descriptor, kind.DESCRIPTOR)
    return kind(**Reader().read_fields(value, descriptor, bound_fields(descriptor, limits)))


class Reader:
    """Makes of JSON what the constructor of a message takes, while it counts what is in it."""

    def __init__(self) -> None:
        self._found = Found()

    def read_fields(
        self, value: object, descriptor: Descriptor, bounds: Mapping[int, FieldBounds], prefix: str = ""
    ) -> dict[str, Any]:
        """Read a JSON object as the fields of a message.

        Args:
            value: what was given.
            descriptor: the type of the message.
            bounds: what its fields may hold.
            prefix: what stands before the names of its fields in errors.
        """
        if not isinstance(value, dict):
            raise InvalidRequest(prefix.removesuffix(".") or BODY, f"is {describe_value(value)}; give a JSON object")
        given: dict[str, Any] = {}
        oneofs: dict[str, str] = {}
        names = fields_by_name(descriptor)
        for name, each in value.items():
            field = names.get(name)
            if field is None:
                raise unknown_field(f"{prefix}{shorten(name)}", descriptor)
            path = f"{prefix}{field.name}"
            if field.name in given:
                raise InvalidRequest(path, f"is given twice, as {field.name} and as {field.json_name}; give it once")
            if each is None:  # as if it were not there
                continue
            if (
                field.containing_oneof is not None
                and (other := oneofs.setdefault(field.containing_oneof.name, path)) != path
            ):
                raise InvalidRequest(path, f"is given beside {other}, and only one of them can be; give one")
            given[field.name] = self._read_field(each, field, bounds[field.number], path)
        return given

    def _read_field(self, value: object, field: FieldDescriptor, bounds: FieldBounds, path: str) -> object:
        if not field.is_repeated:
            return self._read_value(value, field, bounds, path)
        if not isinstance(value, list):
            raise InvalidRequest(path, f"is {describe_value(value)}; give a list")
        return [self._read_value(each, field, bounds, f"{path}[{index}]") for index, each in enumerate(value)]

    def _read_value(self, value: object, field: FieldDescriptor, bounds: FieldBounds, path: str) -> object:
        if field.message_type is not None:
            self._found.add(bounds, 0)
            return self.read_fields(value, field.message_type, bounds.fields or {}, f"{path}.")
        read = SCALARS[field.type](value, field, path)
        self._found.add(bounds, size_of(read))
        return read


def size_of(value: object) -> int:
    """Return how many bytes protobuf takes for a text or bytes; of other values one."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    return len(value) if isinstance(value, bytes) else 1


def fields_by_name(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    """Return the fields of a message by both of their names."""
    return {name: each for each in descriptor.fields for name in (each.name, each.json_name)}


def unknown_field(path: str, descriptor: Descriptor) -> InvalidRequest:
    """Return the error of a name that is no field of a message."""
    fields = ", ".join(each.json_name for each in descriptor.fields) or "none"
    return InvalidRequest(path, f"is no field of {descriptor.name}; its fields are: {fields}")


def read_text(value: object, field: FieldDescriptor, path: str) -> str:
    """Read a string; raises InvalidRequest."""
    if not isinstance(value, str):
        raise InvalidRequest(path, f"is {describe_value(value)}; give a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(path, "has half of a surrogate pair, which is no character; give Unicode") from None
    return value


def read_bytes(value: object, field: FieldDescriptor, path: str) -> bytes:
    """Read bytes, which are a string of Base64 in JSON; raises InvalidRequest."""
    if isinstance(value, bytes):  # of a form, in which they stand as they are
        return value
    if isinstance(value, str):
        try:
            text = value.replace("-", "+").replace("_", "/").rstrip("=")
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            pass
    raise InvalidRequest(path, f"is {describe_value(value)}; give bytes as a string of Base64")


def read_switch(value: object, field: FieldDescriptor, path: str) -> bool:
    """Read a bool; raises InvalidRequest."""
    if not isinstance(value, bool):
        raise InvalidRequest(path, f"is {describe_value(value)}; give true or false")
    return value


def read_integer(value: object, field: FieldDescriptor, path: str) -> int:
    """Read an integer, which may be a string; raises InvalidRequest."""
    least, most = INTEGERS[field.type]
    number = None
    if (isinstance(value, str) and INTEGER.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    if number is None or not least <= number <= most:
        raise InvalidRequest(path, f"is {describe_value(value)}; give a whole number from {least} to {most}")
    return number


def read_enum(value: object, field: FieldDescriptor, path: str) -> int:
    """Read a value of an enum, by its name or its number; raises InvalidRequest."""
    assert field.enum_type is not None
    names = field.enum_type.values_by_name
    if isinstance(value, str) and value in names:
        return int(names[value].number)
    if isinstance(value, int) and not isinstance(value, bool) and -(1 << 31) <= value < 1 << 31:
        return value
    raise InvalidRequest(path, f"is {describe_value(value)}; give one of {', '.join(names)}")


# Requests have no other kinds of fields.
SCALARS: Mapping[int, Callable[[object, FieldDescriptor, str], Any]] = {
    FieldDescriptor.TYPE_STRING: read_text,
    FieldDescriptor.TYPE_BYTES: read_bytes,
    FieldDescriptor.TYPE_BOOL: read_switch,
    FieldDescriptor.TYPE_INT32: read_integer,
    FieldDescriptor.TYPE_INT64: read_integer,
    FieldDescriptor.TYPE_ENUM: read_enum,
}


def describe_value(value: object) -> str:
    """Return what JSON calls a value, with the value where it is short."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case int() | float():
            return f"the number {shorten(str(value))}"
        case str():
            return f"the string {shorten(value)!r}"
        case list():
            return "a list"
    return "an object"


def shorten(text: str) -> str:
    """Return the begin of a text that may be long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
