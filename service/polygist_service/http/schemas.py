"""Messages of the contract as JSON Schemas, by protobuf's JSON mapping and with the comments of the protos.

The mapping: https://protobuf.dev/programming-guides/json. The dialect: 2020-12, which is that of OpenAPI 3.1.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

Schema = dict[str, Any]

SCALARS: Mapping[int, Schema] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}
WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
}
SYNTAX = [12]  # the field of a FileDescriptorProto whose comment is that of the whole file
# What is in brackets are names of limits, which look like those of fields.
NAMES = re.compile(r"\[[^]]*\]|[a-z0-9]+(?:_[a-z0-9]+)+")
FOR_LINTERS = re.compile(r"\(--.*?--\)", re.DOTALL)


class Schemas:
    """The schemas of all messages and enums that were asked for, and of those that these are made of.

    Attributes:
        components: by name, for ``#/components/schemas``.
    """

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def refer(self, described: Descriptor | EnumDescriptor) -> Schema:
        """Return a reference to the schema of a message or an enum."""
        name = described.full_name.removeprefix(f"{described.file.package}.")
        if name not in self.components:
            self.components[name] = {}  # stands there while a message that holds itself is described
            if isinstance(described, EnumDescriptor):
                self.components[name] = describe_enum(described)
            else:
                self.components[name] = self.describe_message(described)
        return {"$ref": f"#/components/schemas/{name}"}

    def describe_message(self, message: Descriptor) -> Schema:
        """Return the schema of an object."""
        text = comment_on(message.full_name)
        schema: Schema = {"type": "object", **({"description": text} if text else {})}
        schema["properties"] = {field.json_name: self.describe_field(field) for field in message.fields}
        # Lists are none of them: to protobuf an absent one is an empty one, which those of a config have to be.
        needed = [field.json_name for field in message.fields if says(field, "Required.") and not field.is_repeated]
        if needed:
            schema["required"] = needed
        names = [[field.json_name for field in each.fields] for each in message.oneofs if len(each.fields) > 1]
        if pairs := [pair for choice in names for pair in combinations(choice, 2)]:
            choices = "; ".join(", ".join(choice) for choice in names)
            schema["description"] = f"{text}\n\nAt most one of these is set: {choices}."
            schema["not"] = {"anyOf": [{"required": list(pair)} for pair in pairs]}
        return schema

    def describe_field(self, field: FieldDescriptor) -> Schema:
        """Return the schema of one property, with its comment."""
        schema = self.describe_type(field)
        if text := comment_on(field.full_name):
            schema = {**schema, "description": text}
        return {**schema, "readOnly": True} if says(field, "Output only.") else schema

    def describe_type(self, field: FieldDescriptor) -> Schema:
        """Return the schema of what a field holds."""
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            value = self.describe_type(message.fields_by_name["value"])
            return {"type": "object", "additionalProperties": value}
        if message is not None:
            one = WELL_KNOWN.get(message.full_name) or self.refer(message)
        elif field.enum_type is not None:
            one = self.refer(field.enum_type)
            if says(field, "Output only."):  # a server that is newer may have more of them
                one = {"anyOf": [one, {"type": "string"}]}
        else:
            one = SCALARS[field.type]
        return {"type": "array", "items": one} if field.is_repeated else one


def describe_enum(enum: EnumDescriptor) -> Schema:
    """Return the schema of an enum: its names, and what each of them means."""
    meanings = [f"- `{value.name}`: {comment_on(f'{enum.full_name}.{value.name}')}" for value in enum.values]
    text = "\n".join([comment_on(enum.full_name), "", *meanings])
    return {"type": "string", "enum": [value.name for value in enum.values], "description": text}


def says(field: FieldDescriptor, word: str) -> bool:
    """Tell whether the comment on a field begins with a word, such as ``Required.``"""
    return comment_on(field.full_name).startswith(word)


def comment_on(name: str) -> str:
    """Return the comment on an element of the contract by its full name, or on a file by its path; "" for others.

    Fields are called as they are in JSON, and what is for linters is left out.
    """
    return read_comments().get(name, "")


@cache
def read_comments() -> Mapping[str, str]:
    """Read all comments of the contract. Values of enums are named as if they were inside of these."""
    described = files("polygist.v1").joinpath("contract.binpb").read_bytes()
    found = {name: text for file in FileDescriptorSet.FromString(described).file for name, text in find_comments(file)}
    fields = {name.rpartition(".")[2] for name in found}
    return {name: write_comment(text, fields) for name, text in found.items()}


def find_comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield the name of everything that has one in a file, with its comment as it stands there."""
    for location in file.source_code_info.location:
        if location.path == SYNTAX:
            yield file.name, location.leading_comments
        names, element = [file.package], file
        path = iter(location.path)
        for number, index in zip(path, path, strict=False):
            field = element.DESCRIPTOR.fields_by_number[number]
            if field.message_type is None or not field.is_repeated:
                break
            element = getattr(element, field.name)[index]
            names.append(element.name)
        else:
            if len(location.path) % 2 == 0 and len(names) > 1:
                yield ".".join(names), location.leading_comments


def write_comment(text: str, fields: set[str]) -> str:
    """Return a comment without its margin, with `fields` named as they are in JSON."""

    def rename(match: re.Match[str]) -> str:
        first, *others = match[0].split("_")
        return first + "".join(map(str.capitalize, others)) if match[0] in fields else match[0]

    lines = (line.removeprefix(" ").rstrip() for line in FOR_LINTERS.sub("", text).splitlines())
    return NAMES.sub(rename, "\n".join(lines)).strip()
