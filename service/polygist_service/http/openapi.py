"""The OpenAPI document of the HTTP interface, made from the contract and the comments in it.

https://spec.openapis.org/oas/v3.1.1
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import dedent
from typing import Any

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.rpc import code_pb2, error_details_pb2
from polygist import __version__
from polygist.v1 import common_pb2

from polygist_service.http.errors import HTTP_CODES
from polygist_service.http.forms import FLAT, MULTIPART
from polygist_service.http.routes import ROUTES, ApiRoute
from polygist_service.http.schemas import Schema, Schemas, comment_on

JSON, LINES, EVENTS = "application/json", "application/x-ndjson", "text/event-stream"
ANY = "*/*"
INSTEAD_OF_FILE = ("document", "contents")  # what a form has no fields for
DETAILS = ("ErrorInfo", "BadRequest", "PreconditionFailure", "ResourceInfo", "QuotaFailure", "RetryInfo")
EXAMPLE = "Example, in JSON:"

IN_PATH = " In a path without the collection, which stands there: en-pt of models/en-pt."
INTRODUCTION = """Summaries of articles and translations, by models that run on this server.

The same calls by HTTP as by gRPC, and what follows is the contract of both. By HTTP, messages are JSON; absent fields
have their defaults, and requests may have names of fields with underscores, too. The metadata `authorization`,
`x-request-id` and `traceparent` are headers; the deadline is the header `x-timeout-seconds`. Errors are the object
`Error`, with `status` and `details` as below and an HTTP status to match; RetryInfo stands in the header `Retry-After`,
too. A stream that fails after its first message ends with the event `error`. Programs that speak LibreTranslate's API
are served as well: /docs/libretranslate.

"""
EVENTS_TEXT = """Server-sent events. Each `data` is one {message}; at last comes the event `end`, or where the call
fails the event `error`, whose data is an Error."""


LINES_TEXT = """ A line that cannot be read is answered with an error under its itemId, or where that cannot be read,
under lines[N], from 0; a stream of nothing else is idle. A stream that fails ends with an Error."""
FILE_TEXT = """ To a form, unless it has `Accept: application/json`, the file itself. What there is to know about it
then stands in headers, as far as it has room there: all of it is in the JSON."""
FILE_HEADERS = {
    name: {"schema": {"type": kind}, "description": f"Beside a file. {text}"}
    for name, kind, text in (
        ("x-source-language", "string", "The language of the file."),
        ("content-language", "string", "The language that it was translated to."),
        ("x-warning-count", "integer", "How many warnings there are."),
        ("x-warnings", "string", "The first of them, a JSON list of Warning; fewer than x-warning-count if over 4 kB."),
    )
}
HEALTH = "Health"
STATUS: Schema = {
    "type": "object",
    "description": "What can be answered.",
    "properties": {
        "status": {"type": "string", "enum": ["SERVING", "NOT_SERVING"]},
        "services": {
            "type": "object",
            "description": "Of each service, where none was asked for.",
            "additionalProperties": {"type": "string", "enum": ["SERVING", "NOT_SERVING"]},
        },
    },
    "required": ["status"],
}


def build_document() -> dict[str, Any]:
    """Return the document of all that stands in `ROUTES`."""
    schemas = Schemas()
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.verb.lower()] = describe_operation(route, schemas)
    paths |= describe_health()
    services = {route.method.containing_service.full_name: route.method.containing_service.name for route in ROUTES}
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "polygist",
            "version": __version__,
            "summary": "Summarises and translates articles.",
            "description": INTRODUCTION + fence(comment_on(common_pb2.DESCRIPTOR.name)),
        },
        "servers": [{"url": "/"}],
        "security": [{"apiKey": []}, {}],
        "tags": [
            *({"name": name, "description": fence(comment_on(full_name))} for full_name, name in services.items()),
            {"name": HEALTH, "description": "What machines ask, without a key."},
        ],
        "paths": paths,
        "components": {
            "schemas": {"Error": describe_error(schemas), "Health": STATUS, **dict(sorted(schemas.components.items()))},
            "parameters": describe_headers(),
            "responses": {
                "Error": {
                    "description": "Why there is no answer.",
                    "headers": {"x-request-id": {"schema": {"type": "string"}, "description": "As in the log."}},
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
            },
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "Where the server asks for API keys."}
            },
        },
    }


def describe_health() -> dict[str, Any]:
    """Return the paths that machines ask whether the process lives, and whether it can answer."""
    alive = {"type": "object", "properties": {"status": {"const": "ALIVE"}}, "required": ["status"]}
    told = {"content": {JSON: {"schema": {"$ref": "#/components/schemas/Health"}}}}
    service = {
        "name": "service",
        "in": "query",
        "description": "Optional. Full name of a service: polygist.v1.ModelService. Default: the whole server.",
        "schema": {"type": "string"},
    }
    common: Schema = {"tags": [HEALTH], "security": []}
    live: Schema = {
        "operationId": "isAlive",
        "summary": "Tell that the process lives",
        "description": "Tell that the process lives, also while it starts or stops.",
        "parameters": [],
        "responses": {"200": {"description": "It does.", "content": {JSON: {"schema": alive}}}},
    }
    ready: Schema = {
        "operationId": "isReady",
        "summary": "Tell what can be answered",
        "description": "Tell what can be answered, as `grpc.health.v1` does.",
        "parameters": [service],
        "responses": {
            "200": {"description": "The server, or the service, answers.", **told},
            "503": {"description": "It does not.", **told},
            "404": {"$ref": "#/components/responses/Error"},
        },
    }
    return {"/healthz": {"get": {**live, **common}}, "/readyz": {"get": {**ready, **common}}}


def describe_operation(route: ApiRoute, schemas: Schemas) -> Schema:
    """Return what OpenAPI calls an operation."""
    method = route.method
    text, _, _ = comment_on(method.full_name).partition(EXAMPLE)
    parameters = [{"$ref": f"#/components/parameters/{name}"} for name in describe_headers()]
    operation: Schema = {
        "operationId": method.name[0].lower() + method.name[1:],
        "summary": text.partition(".")[0].replace("\n", " "),
        "description": fence(text.strip()),
        "tags": [method.containing_service.name],
    }
    if route.verb == "GET":
        parameters = [*describe_parameters(route, schemas), *parameters]
    else:
        operation["requestBody"] = {"required": True, "content": describe_body(route, schemas)}
    operation["parameters"] = parameters
    operation["responses"] = {
        "200": describe_answer(route, schemas),
        "default": {"$ref": "#/components/responses/Error"},
    }
    return operation


def describe_parameters(route: ApiRoute, schemas: Schemas) -> list[Schema]:
    """Return the parameters of a GET: the fields of the request."""
    return [
        {
            "name": field.name if in_path else field.json_name,
            "in": "path" if in_path else "query",
            **({"required": True} if in_path else {}),
            "description": comment_on(field.full_name) + (IN_PATH if in_path else ""),
            "schema": schemas.describe_type(field),
        }
        for field in route.method.input_type.fields
        for in_path in [f"{{{field.name}}}" in route.path]
    ]


def describe_body(route: ApiRoute, schemas: Schemas) -> Schema:
    """Return what may be sent, by type."""
    sent, _ = read_examples(route.method)
    request = route.message_type
    one = schemas.refer(request)
    if route.is_exchange:
        return {LINES: describe_lines(one, request.name, sent)}
    example = sent[0]["request"] if route.is_stream else sent[0]
    body = {JSON: {"schema": one, "example": example}}
    if route.takes_files:
        body[MULTIPART] = {"schema": describe_form(request, schemas), "encoding": {"request": {"contentType": JSON}}}
    return body


def describe_form(request: Descriptor, schemas: Schemas) -> Schema:
    """Return the parts of a form that brings a file."""
    file = {
        "type": "string",
        "format": "binary",
        "description": "The file. The name and the type that it is sent with are those of the request.",
    }
    rest = {**schemas.refer(request), "description": "The request without the file."}
    inner = request.fields_by_name[FLAT[request.name]].message_type if request.name in FLAT else None
    scalars = [field for message in (request, inner) if message for field in message.fields if not field.message_type]
    fields = {each.json_name: schemas.describe_field(each) for each in scalars if each.name not in INSTEAD_OF_FILE}
    return {"type": "object", "properties": {"file": file, "request": rest, **fields}, "required": ["file"]}


def describe_answer(route: ApiRoute, schemas: Schemas) -> Schema:
    """Return what comes back where all is well."""
    answer = route.method.output_type
    one = schemas.refer(answer)
    _, answered = read_examples(route.method)
    text = comment_on(answer.full_name)
    headers = {"x-request-id": {"schema": {"type": "string"}, "description": "That of the request, or a new one."}}
    if route.is_stream:
        text = EVENTS_TEXT.format(message=answer.name)
        content = {EVENTS: {"schema": {"type": "string"}, "example": write_events(answered), "x-message": one}}
    elif route.is_exchange:
        text += LINES_TEXT
        content = {LINES: describe_lines(one, answer.name, answered)}
    else:
        content = {JSON: {"schema": one, "example": answered[0]}}
    if "document" in answer.fields_by_name:
        text += FILE_TEXT
        headers |= FILE_HEADERS
        content[ANY] = {"schema": {"type": "string", "format": "binary"}}
    return {"description": text, "headers": headers, "content": content}


def describe_lines(one: Schema, name: str, examples: Sequence[object]) -> Schema:
    """Return a body that has a message a line; how OpenAPI could say more, it does not know before 3.2."""
    lines = "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in examples)
    schema = {"type": "string", "description": f"One {name} a line."}
    return {"schema": schema, "example": lines, "x-message": one}


def write_events(messages: Sequence[object]) -> str:
    """Return a stream of server-sent events, as one that has come to its end."""
    events = [f"data: {json.dumps(each, ensure_ascii=False)}\n\n" for each in messages]
    return "".join([*events, "event: end\ndata: {}\n\n"])


def describe_headers() -> Schema:
    """Return the headers that every request may have."""
    headers = {
        "x-request-id": ("Optional. Stands in the log and in the answer; made up where missing.", {"type": "string"}),
        "x-timeout-seconds": ("Optional. The deadline, from now.", {"type": "number", "exclusiveMinimum": 0}),
        "traceparent": ("Optional. The trace that this is a part of: W3C Trace Context.", {"type": "string"}),
    }
    return {
        name: {"name": name, "in": "header", "description": text, "schema": schema}
        for name, (text, schema) in headers.items()
    }


def describe_error(schemas: Schemas) -> Schema:
    """Return the schema of errors, with the details of which the comments speak."""
    kinds = []
    for name in DETAILS:
        detail = schemas.refer(getattr(error_details_pb2, name).DESCRIPTOR)
        kind = {"type": "object", "properties": {"@type": {"const": f"type.googleapis.com/google.rpc.{name}"}}}
        kinds.append({"allOf": [detail, {**kind, "required": ["@type"]}]})
    names = [name for name, _ in code_pb2.Code.items() if name in HTTP_CODES]
    status = {
        "code": {"type": "integer", "description": "The HTTP status."},
        "message": {"type": "string", "description": "What happened, and what to do about it."},
        "status": {"type": "string", "enum": names, "description": "The status of gRPC."},
        "details": {"type": "array", "items": {"anyOf": kinds}, "description": "ErrorInfo first."},
    }
    error = {"type": "object", "properties": status, "required": ["code", "message", "status"]}
    return {
        "type": "object",
        "description": "Why there is no answer.",
        "properties": {"error": error},
        "required": ["error"],
    }


def fence(text: str) -> str:
    """Return a comment as Markdown, in which indented lines stay as they are."""
    blocks = groupby(text.split("\n"), key=lambda line: line.startswith("  "))
    parts = ((is_table, "\n".join(lines)) for is_table, lines in blocks)
    return "\n".join(f"```\n{dedent(part)}\n```" if is_table else part for is_table, part in parts)


def read_examples(method: MethodDescriptor) -> tuple[list[Any], list[Any]]:
    """Return the requests and the answers of the example in a method's comment; a blank line stands between them."""
    _, _, example = comment_on(method.full_name).partition(EXAMPLE)
    sent, answered = example.strip("\n ").split("\n\n")[:2]
    return list(read_objects(sent)), list(read_objects(answered))


def read_objects(text: str) -> Iterator[Any]:
    """Yield the JSON values that stand one after the other in a text."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:].strip()
