"""What becomes of calls of every kind, to be compared between a server and what stands in for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2
from polygist_service.ray.relaying import METHODS, path_of

METADATA = (("x-request-id", "asked-once"), ("x-other", "kept"))
# What every kind of text and of mistake is asked as; `{}` is an article.
CASES: dict[str, tuple[str, list[dict]]] = {
    "a text": ("Translate", [{"contents": ["{}"], "source_language_code": "S", "target_language_code": "T"}]),
    "many texts": ("Translate", [{"contents": ["{}"] * 9, "source_language_code": "S", "target_language_code": "T"}]),
    "nothing": ("Translate", [{}]),
    "an empty text": ("Translate", [{"contents": [""], "source_language_code": "S", "target_language_code": "T"}]),
    "an unknown language": ("Translate", [{"contents": ["{}"], "target_language_code": "xx-wrong-"}]),
    "a pair that is not served": ("Translate", [{"contents": ["{}"], "target_language_code": "ja"}]),
    "an unknown model": ("Translate", [{"contents": ["{}"], "target_language_code": "T", "model": "models/none"}]),
    "a stream": (
        "StreamTranslate",
        [{"request": {"contents": ["{}", "{}"], "source_language_code": "S", "target_language_code": "T"}}],
    ),
    "a stream that fails": ("StreamTranslate", [{"request": {"contents": ["{}"], "target_language_code": "ja"}}]),
    "items": (
        "BatchTranslate",
        [
            {"config": {"source_language_code": "S", "target_language_code": "T"}},
            *({"item": {"item_id": str(number), "content": "{}"}} for number in range(9)),
        ],
    ),
    "no item": ("BatchTranslate", [{"config": {"source_language_code": "S", "target_language_code": "T"}}]),
    "no message": ("BatchTranslate", []),
    "items without config": ("BatchTranslate", [{"item": {"item_id": "a", "content": "{}"}}]),
    "an item without an id": (
        "BatchTranslate",
        [
            {"config": {"source_language_code": "S", "target_language_code": "T"}},
            {"item": {"item_id": "a", "content": ""}},
            {"item": {"content": "without an id"}},
        ],
    ),
    "a language": ("DetectLanguage", [{"contents": ["{}"]}]),
    "a file that is none": ("TranslateDocument", [{"document": b"\0\1\2", "config": {"target_language_code": "T"}}]),
    "glossaries": ("ListGlossaries", [{}]),
    "a summary": ("Summarise", [{"contents": ["{}"]}]),
    "a stream of a summary": ("StreamSummarise", [{"request": {"contents": ["{}"]}}]),
    "models": ("ListModels", [{}]),
    "a model": ("GetModel", [{"name": "models/none"}]),
    "the server": ("GetServerInfo", [{}]),
    "languages": ("ListLanguages", [{}]),
    "tokens": ("CountTokens", [{"contents": ["{}"], "model": "models/none"}]),
    "an administrator's call": ("LoadModel", [{"name": "models/none"}]),
}


@dataclass(frozen=True)
class Outcome:
    """What a caller sees of a call; messages of a stream of items in the order of the items."""

    code: str
    message: str
    details: list[dict]
    trailer: dict[str, str | bytes]
    answers: list[Message]


def make_messages(name: str, article: str, source: str, target: str) -> tuple[MethodDescriptor, list[bytes]]:
    """Return the method of a case, and what is sent to it."""
    method_name, given = CASES[name]
    method = METHODS[method_name]
    kind = GetMessageClass(method.input_type)
    swapped = [swap(each, {"{}": article, "S": source, "T": target}) for each in given]
    return method, [kind(**each).SerializeToString() for each in swapped]


def swap(value, words):
    """A value with some of its texts in place of others."""
    if isinstance(value, dict):
        return {key: swap(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [swap(each, words) for each in value]
    return words.get(value, value) if isinstance(value, str) else value


def call(channel: grpc.Channel, method: MethodDescriptor, messages: Sequence[bytes], **options: object) -> Outcome:
    """Make a call of any kind, and return what came of it."""
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    decode = GetMessageClass(method.output_type).FromString
    made = getattr(channel, kind)(path_of(method), response_deserializer=decode)
    options = {"metadata": METADATA, "timeout": 60, **options}
    answers: list[Message] = []
    try:
        if kind == "unary_unary":
            answer, ended = made.with_call(messages[0], **options)
            answers.append(answer)
        else:
            ended = made(iter(messages) if method.client_streaming else messages[0], **options)
            for answer in ended:
                answers.append(answer)
    except grpc.RpcError as error:
        ended = error
    trailer = dict(iter(ended.trailing_metadata() or ()))
    status = status_pb2.Status.FromString(trailer.pop("grpc-status-details-bin", b""))
    return Outcome(
        ended.code().name,
        ended.details() or "",
        [json_format.MessageToDict(each) for each in status.details],
        trailer,
        sorted(map(comparable, answers), key=lambda answer: getattr(answer, "item_id", "")),
    )


def comparable(answer: Message) -> Message:
    """An answer without the times at which models were used."""
    for model in getattr(answer, "models", ()):
        model.ClearField("last_used_time")
    return answer
