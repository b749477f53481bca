"""What every request has to obey: sizes, codes, enums, and the fields that this version refuses by name."""

from collections.abc import Collection, Mapping, Sequence

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message

from polygist_service.errors import InvalidRequest, RequestTooLarge, UnsupportedField, UnsupportedMimeType
from polygist_service.text.languages import BadTag, parse_tag

MODEL_PREFIX = "models/"


def parse_contents(contents: Sequence[str], *, most: int, most_characters: int) -> tuple[str, ...]:
    """The texts of a request: at least one, not too many, not too long together."""
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


def parse_language(field: str, value: str, *, required: bool = False) -> str | None:
    """A canonical BCP-47 tag, or None where the field is empty and may be."""
    if not value:
        if required:
            raise InvalidRequest(field, "is required; give a BCP-47 code such as pt or pt-BR")
        return None
    try:
        return parse_tag(value)
    except BadTag as error:
        raise InvalidRequest(field, str(error)) from None


def parse_languages(field: str, values: Sequence[str]) -> frozenset[str]:
    """Canonical tags of a repeated field."""
    tags = (parse_language(f"{field}[{at}]", value, required=True) for at, value in enumerate(values))
    return frozenset(tag for tag in tags if tag)


def parse_mime_type(value: str, *, allowed: Collection[str] = ("text/plain",), field: str = "mime_type") -> str:
    """The MIME type, text/plain where the field is empty."""
    if value and value not in allowed:
        names = ", ".join(allowed)
        raise UnsupportedMimeType(
            field, f"{value!r} is not supported; this version takes: {names}", metadata={"allowed": names}
        )
    return value or "text/plain"


def parse_model(value: str, *, field: str = "model") -> str | None:
    """The model's name without ``models/``, or None where the field is empty."""
    if not value:
        return None
    if not value.startswith(MODEL_PREFIX) or value == MODEL_PREFIX:
        raise InvalidRequest(field, f"{value!r} is not a model name; write models/NAME, as ListModels does")
    return value.removeprefix(MODEL_PREFIX)


def parse_range(field: str, value: int, *, most: int, least: int = 0) -> int:
    """A number within its limits."""
    if not least <= value <= most:
        raise InvalidRequest(field, f"{value} is out of range; {least} to {most} are allowed")
    return value


def parse_enum(field: str, value: int, enum: EnumDescriptor) -> int:
    """A value that the enum has; proto3 lets any number through."""
    if value not in enum.values_by_number:
        names = ", ".join(enum.values_by_name)
        raise InvalidRequest(field, f"{value} is not one of {names}")
    return value


def refuse_fields(request: Message, refused: Mapping[str, str]) -> None:
    """Refuse every set field of `refused`, a map from a dotted path to what to do instead."""
    for path, cure in refused.items():
        message, (*parents, name) = request, path.split(".")
        for parent in parents:
            message = getattr(message, parent)
        if any(descriptor.name == name for descriptor, _ in message.ListFields()):
            raise UnsupportedField(path, f"is not honoured by this version; {cure}")
