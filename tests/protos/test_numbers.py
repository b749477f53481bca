"""Numbers, names and types of the contract never change: they are compared with a list that people read."""

from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from polygist.v1 import common_pb2, model_service_pb2, summarisation_service_pb2, translation_service_pb2

SNAPSHOT = Path(__file__).with_name("numbers.txt")
MODULES = (common_pb2, model_service_pb2, summarisation_service_pb2, translation_service_pb2)
TYPE_NAMES = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}


def describe_file(file: FileDescriptor) -> Iterator[str]:
    """One line for each message, field, enum value and RPC."""
    yield f"file {file.name} of package {file.package}"
    for message in file.message_types_by_name.values():
        yield f"message {message.name}"
        yield from map(describe_field, message.fields)
    for enum in file.enum_types_by_name.values():
        yield from describe_enum(enum)
    for service in file.services_by_name.values():
        yield from map(describe_method, service.methods)


def describe_field(field: FieldDescriptor) -> str:
    oneof, referred = field.containing_oneof, field.message_type or field.enum_type
    label = "repeated " if field.is_repeated else ""
    if oneof:
        label = "optional " if oneof.name == f"_{field.name}" else f"oneof {oneof.name} "
    kind = referred.name if referred else TYPE_NAMES[field.type]
    return f"{field.containing_type.name}.{field.name} = {field.number} {label}{kind}"


def describe_enum(enum: EnumDescriptor) -> Iterator[str]:
    for value in enum.values:
        yield f"{enum.name}.{value.name} = {value.number}"


def describe_method(method: MethodDescriptor) -> str:
    sent, answered = "stream " * method.client_streaming, "stream " * method.server_streaming
    name = f"{method.containing_service.name}.{method.name}"
    return f"rpc {name} {sent}{method.input_type.name} -> {answered}{method.output_type.name}"


def test_contract_is_the_frozen_one():
    contract = {line for module in MODULES for line in describe_file(module.DESCRIPTOR)}
    frozen = set(SNAPSHOT.read_text().splitlines())
    assert not frozen - contract, "changed or removed: clients in use would break"
    assert not contract - frozen, "new: write it down in numbers.txt"
