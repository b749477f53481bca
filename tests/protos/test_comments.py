"""The comments of the protos are the API reference: nothing is without one, and their examples are real messages."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, json_format, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_service.limits import Limits

from protos.generate import run_protoc

PROTOS = Path(__file__).parents[2] / "protos"
SOURCES = sorted(PROTOS.glob("polygist/v1/*.proto"))
MODULES = (translation_service_pb2, summarisation_service_pb2, model_service_pb2)
METHODS = [
    method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
EXAMPLE = "Example, in JSON:"


@pytest.fixture(scope="module")
def described(tmp_path_factory) -> list[descriptor_pb2.FileDescriptorProto]:
    """The protos with their comments, which generated code does not keep."""
    out = tmp_path_factory.mktemp("descriptors") / "contract.bin"
    run_protoc("--include_source_info", f"--descriptor_set_out={out}")
    return list(descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file)


def comments(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[Message, str]]:
    """Everything in a file that has a name, with its comment."""
    for location in file.source_code_info.location:
        path = list(location.path)
        if len(path) < 2 or len(path) % 2:
            continue
        element: Message = file
        for number, index in zip(path[::2], path[1::2], strict=True):
            field = element.DESCRIPTOR.fields_by_number[number]
            if field.message_type is None or not field.is_repeated:
                break
            element = getattr(element, field.name)[index]
        else:
            yield element, location.leading_comments


def example(comment: str) -> tuple[list[dict], list[dict]]:
    """The requests and the replies of a comment's example; a blank line stands between them."""
    sent, answered = comment.partition(EXAMPLE)[2].strip("\n ").split("\n\n")[:2]
    return read_objects(sent), read_objects(answered)


def read_objects(text: str) -> list[dict]:
    objects, decoder, text = [], json.JSONDecoder(), text.strip()
    while text:
        found, end = decoder.raw_decode(text)
        objects.append(found)
        text = text[end:].strip()
    return objects


def parse(content: dict, message: Descriptor) -> None:
    json_format.ParseDict(content, message_factory.GetMessageClass(message)())


def test_everything_has_a_comment(described):
    bare = [element.name for file in described for element, comment in comments(file) if not comment.strip()]
    assert not bare


def test_fields_say_who_sets_them(described):
    for file in described:
        for element, comment in comments(file):
            if isinstance(element, descriptor_pb2.FieldDescriptorProto) and not is_choice(element):
                assert comment.strip().startswith(("Required.", "Optional.", "Output only.")), element.name


def is_choice(field: descriptor_pb2.FieldDescriptorProto) -> bool:
    """Whether the field is one of a oneof, which says it for all of them."""
    return field.HasField("oneof_index") and not field.proto3_optional


def test_lines_are_short():
    lines = [(path.name, line) for path in SOURCES for line in path.read_text().splitlines()]
    assert not [(name, line) for name, line in lines if len(line) > 100]


def test_limits_are_those_of_the_server():
    """Each stands in brackets, ``[translate.contents: 1024]``."""
    text = " ".join(path.read_text() for path in SOURCES)
    quoted = re.findall(r"\[([a-z_]+\.[a-z_]+): ([\d,]+)( MiB)?\]", re.sub(r"\s*//\s*", " ", text))
    stated = {name: int(figure.replace(",", "")) << (20 if unit else 0) for name, figure, unit in quoted}
    assert stated == dict(Limits().named())


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_example_is_a_call(described, method: MethodDescriptor):
    comment = next(text for file in described for element, text in comments(file) if element.name == method.name)
    sent, answered = example(comment)
    assert len(sent) == 1 or method.client_streaming
    assert len(answered) == 1 or method.server_streaming
    for content in sent:
        parse(content, method.input_type)
    for content in answered:
        parse(content, method.output_type)
