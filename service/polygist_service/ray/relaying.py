"""What both ends of a relayed call agree on: its methods, and how an answer ends.

Ray's proxy passes a call on to a replica as bytes, with the metadata and the peer of gRPC's context, and brings bytes
back. Of an error it brings a text, maybe a stack trace, and no trailing metadata. So answers say how they end::

    one answer            ending with content
    a stream              message, message, …, ending
    a stream both ways    [message, message], [message, …, ending]; and there, [message, message, …]

An ending begins with a zero byte, by which no message of protobuf does: there is no field of that number. What a stream
both ways carries are many small messages, and each way costs as much as translating a sentence: they go in groups.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

SERVICES = tuple(
    service
    for module in (translation_service_pb2, summarisation_service_pb2, model_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)
# The names that replicas answer to: those of all methods, which are different ones.
METHODS = {method.name: method for service in SERVICES for method in service.methods}
CHECK = "Check"
# Metadata that a proxy adds: how many seconds the caller gives, which Ray does not pass on.
SECONDS_LEFT = "polygist-seconds-left"
MARK = b"\x00"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call has ended.

    Attributes:
        content: the answer, where there is one only.
        code: the name of the status.
        message: what went wrong.
        trailer: trailing metadata.
    """

    content: bytes = b""
    code: str = "OK"
    message: str = ""
    trailer: Sequence[tuple[str, str | bytes]] = ()

    def SerializeToString(self) -> bytes:
        """Return what goes to the proxy; Ray calls it, as on a message."""
        return MARK + pickle.dumps((self.content, self.code, self.message, self.trailer))

    @staticmethod
    def parse(answer: bytes) -> "Ending | None":
        """Return the ending that stands in an answer; None where it is a message."""
        return Ending(*pickle.loads(answer[len(MARK) :])) if answer.startswith(MARK) else None


@dataclass(frozen=True, slots=True)
class Group:
    """Messages of a stream both ways that go together, each as bytes."""

    messages: Sequence[bytes]

    def SerializeToString(self) -> bytes:
        """Return what goes from one end to the other; Ray calls it, as on a message."""
        return pickle.dumps(self.messages)

    @staticmethod
    def parse(content: bytes) -> "Group":
        """Return the group that has come."""
        return Group(pickle.loads(content))


def path_of(method: MethodDescriptor) -> str:
    """Return the full path of a method, such as ``/polygist.v1.TranslationService/Translate``."""
    return f"/{method.containing_service.full_name}/{method.name}"
