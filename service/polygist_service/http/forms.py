"""Requests that are no JSON: parts of forms, with files, and parameters of a query."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from polygist_service.errors import InvalidRequest
from polygist_service.wire.json_messages import BODY, INTEGER, fields_by_name, read_object, unknown_field

MULTIPART = "multipart/form-data"
MOST_PARTS = 1000
SWITCHES = {"true": True, "false": False}
# What programs call a file of which they do not know the type: its name tells more.
# https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#escaping-a-multipart-form-data-name
ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(slots=True)
class Part:
    """A part of a form.

    Attributes:
        name: of the field.
        filename: of a file; None of a field that is none.
        media_type: as it was given; empty where it was not.
        content: its bytes.
    """

    name: str = ""
    filename: str | None = None
    media_type: str = ""
    content: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        """Its content as text; raises InvalidRequest."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise InvalidRequest(
                self.name or BODY, "is no UTF-8; send text in UTF-8, and files as parts with a name"
            ) from None


class FormReader:
    """Reads the parts of a form out of its bytes.

    Args:
        boundary: what stands between parts.
    """

    def __init__(self, boundary: bytes) -> None:
        self._parts: list[Part] = []
        self._header = bytearray()
        self._value = bytearray()
        self._is_whole = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_part_data": lambda data, start, end: self._parts[-1].content.extend(data[start:end]),
                "on_end": self._end,
            },
        )

    def read(self, content: bytes) -> list[Part]:
        """Return the parts; raises InvalidRequest where it is no form."""
        self._parser.write(content)
        self._parser.finalize()
        if not self._is_whole:
            raise InvalidRequest(BODY, "is cut off: the form has no end; send all of it")
        return self._parts

    def _begin(self) -> None:
        if len(self._parts) >= MOST_PARTS:
            raise InvalidRequest(BODY, f"has more than {MOST_PARTS} parts; send fewer")
        self._parts.append(Part())

    def _end_header(self) -> None:
        name, value = self._header.decode("latin-1").lower(), self._value.decode("utf-8", "replace")
        self._header.clear()
        self._value.clear()
        part = self._parts[-1]
        if name == "content-disposition":
            # The library reads headers as Latin-1; what comes today is UTF-8.
            _, options = parse_options_header(value.encode().decode("latin-1"))
            part.name = read_name(options.get(b"name", b""))
            if b"filename" in options:
                part.filename = read_name(options[b"filename"])
        elif name == "content-type":
            part.media_type = value

    def _end(self) -> None:
        self._is_whole = True


def read_name(given: bytes) -> str:
    """Return a name as it was before a browser wrote it into a form: quotes and line ends stood in its way."""
    name = given.decode("utf-8", "replace")
    for written, meant in ESCAPED.items():
        name = name.replace(written, meant)
    return name


def read_form(content: bytes, content_type: str) -> list[Part]:
    """Return the parts of a form; raises InvalidRequest where it is none.

    Args:
        content: its bytes.
        content_type: what the header says, with the boundary.
    """
    _, options = parse_options_header(content_type)
    if not (boundary := options.get(b"boundary")):
        raise InvalidRequest(BODY, "is a form without a boundary in its Content-Type; let your HTTP library set that")
    try:
        return FormReader(boundary).read(content)
    except FormParserError as error:
        raise InvalidRequest(BODY, f"is no form: {error}; let your HTTP library write it") from None


def read_file_request(parts: Iterable[Part], descriptor: Descriptor) -> dict[str, Any]:
    """Return a request with a file as a JSON object, in which the file's bytes stand as they are.

    Args:
        parts: ``file``; ``request``, the rest of the message as JSON; or fields of it under their names.
        descriptor: the type of the message.

    Raises:
        InvalidRequest: a part is no field, or wrong, or there twice.
    """
    request: dict[str, Any] = {}
    pairs: list[tuple[str, str]] = []
    file: Part | None = None
    for part in parts:
        if part.name == "file":
            if file:
                raise InvalidRequest("file", "is given twice; send a request for each file")
            file = part
        elif part.name == "request":
            request |= read_object(bytes(part.content), "request")
        else:
            pairs.append((part.name, part.text))
    add_fields(request, pairs, descriptor)
    if file is None:
        raise InvalidRequest("file", "is missing; send the file as a part with that name: -F file=@NAME")
    media_type = "" if file.media_type.partition(";")[0].strip().lower() == UNKNOWN_TYPE else file.media_type
    holder_name, content = FILE_FIELDS[descriptor.name]
    holder = request.setdefault(holder_name, {}) if holder_name else request
    if not isinstance(holder, dict):
        raise InvalidRequest(holder_name, "is no JSON object; give one, or leave it out")
    holder[content] = bytes(file.content)
    if media_type and not holder.keys() & {"mimeType", "mime_type"}:
        holder["mimeType"] = media_type
    if file.filename:
        holder.setdefault("name", file.filename)
    return request


# Of a message, the field that holds its file, if not it itself, and the one of the bytes therein.
FILE_FIELDS: Mapping[str, tuple[str, str]] = {
    "TranslateDocumentRequest": ("", "document"),
    "SummariseRequest": ("document", "content"),
}
# Of a message, the field whose own fields may stand beside it.
FLAT = {"TranslateDocumentRequest": "config"}


def add_fields(request: dict[str, Any], pairs: Iterable[tuple[str, str]], descriptor: Descriptor) -> None:
    """Add fields that are given as text to a JSON object; raises InvalidRequest.

    Args:
        request: what is there already.
        pairs: names and values; those of a repeated field come one by one.
        descriptor: the type of the message.
    """
    own, inner = fields_by_name(descriptor), FLAT.get(descriptor.name)
    flat = descriptor.fields_by_name[inner].message_type if inner else None
    nested = fields_by_name(flat) if flat else {}
    for name, text in pairs:
        holder = request
        if (found := own.get(name)) is None and inner and (found := nested.get(name)):
            holder = request.setdefault(inner, {})
        if found is None:
            raise unknown_field(name[:60], descriptor)
        if not isinstance(holder, dict):
            raise InvalidRequest(str(inner), "is no JSON object; give one")
        key = next((each for each in (found.name, found.json_name) if each in holder), found.json_name)
        value = read_text_value(text, found)
        if found.is_repeated:
            values = holder.setdefault(key, [])
            if isinstance(values, list):
                values.append(value)
        elif key in holder:
            raise InvalidRequest(found.name, "is given twice; give it once")
        else:
            holder[key] = value


def read_text_value(text: str, found: FieldDescriptor) -> object:
    """Return a value that was given as text as JSON has it; raises InvalidRequest where it is no JSON."""
    if found.message_type is not None:
        return read_object(text.encode("utf-8", "surrogatepass"), found.name)
    if found.type == FieldDescriptor.TYPE_BOOL:
        return SWITCHES.get(text, text)
    if found.type == FieldDescriptor.TYPE_ENUM and INTEGER.fullmatch(text):
        return int(text)
    return text
