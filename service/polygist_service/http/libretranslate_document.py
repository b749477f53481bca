"""The OpenAPI document of what is served of LibreTranslate's API."""

from collections.abc import Mapping
from typing import Any

from polygist import __version__

JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
DETECTED: Schema = {
    "type": "object",
    "properties": {
        "confidence": {"type": "number", "minimum": 0, "maximum": 100},
        "language": {**TEXT, "description": "A code, as in /languages."},
    },
    "required": ["confidence", "language"],
}
LANGUAGE: Schema = {
    "type": "object",
    "properties": {
        "code": TEXT,
        "name": {**TEXT, "description": "In English."},
        "targets": {**TEXTS, "description": "The codes of the languages that it can be translated to."},
    },
    "required": ["code", "name", "targets"],
}
ERROR: Schema = {"type": "object", "properties": {"error": {**TEXT, "description": "What happened."}}}

KEY = {**TEXT, "description": "The API key, where the server asks for one. The header Authorization does as well."}
SOURCE = {**TEXT, "description": "The language of the text; auto: it is detected."}
TARGET = {**TEXT, "description": "The language to write."}
Q = {"anyOf": [TEXT, TEXTS], "description": "A text, or several in JSON."}
TRANSLATE: Schema = {
    "type": "object",
    "properties": {
        "q": Q,
        "source": SOURCE,
        "target": TARGET,
        "format": {**TEXT, "enum": ["text", "html"], "default": "text"},
        "alternatives": {"type": "integer", "minimum": 0, "default": 0, "description": "How many other translations."},
        "api_key": KEY,
    },
    "required": ["q", "source", "target"],
}
FILE: Schema = {
    "type": "object",
    "properties": {"file": {**TEXT, "format": "binary"}, "source": SOURCE, "target": TARGET, "api_key": KEY},
    "required": ["file", "source", "target"],
}
DETECT: Schema = {"type": "object", "properties": {"q": Q, "api_key": KEY}, "required": ["q"]}
TRANSLATED: Schema = {
    "type": "object",
    "description": "Lists where q was one, each in its order.",
    "properties": {
        "translatedText": {"anyOf": [TEXT, TEXTS]},
        "detectedLanguage": {"anyOf": [DETECTED, {"type": "array", "items": DETECTED}], "description": "With auto."},
        "alternatives": {"anyOf": [TEXTS, {"type": "array", "items": TEXTS}], "description": "Where asked for."},
    },
    "required": ["translatedText"],
}


def build_document() -> dict[str, Any]:
    """Return the document."""
    url = {"type": "object", "properties": {"translatedFileUrl": {**TEXT, "format": "uri"}}}
    anything: Schema = {"type": "object"}
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "polygist, as LibreTranslate",
            "version": __version__,
            "summary": "Translates texts and files.",
            "description": "For programs that speak LibreTranslate's API. /openapi.json has all that this server does.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "LibreTranslate", "description": "Calls of LibreTranslate's API."}],
        "paths": {
            "/translate": {"post": post("translate", "Translate texts.", TRANSLATE, TRANSLATED, JSON, FORM, PARTS)},
            "/translate_file": {
                "post": post("translateFile", "Translate a file; tells where it is.", FILE, url, PARTS)
            },
            "/download_file/{name}": {"get": describe_download()},
            "/detect": {
                "post": post(
                    "detect",
                    "Tell the language of texts.",
                    DETECT,
                    {"type": "array", "items": DETECTED},
                    JSON,
                    FORM,
                    PARTS,
                )
            },
            "/languages": {"get": get("languages", "List the languages.", {"type": "array", "items": LANGUAGE})},
            "/frontend/settings": {"get": get("settings", "Tell what a page has to know.", anything)},
            "/health": {"get": get("health", "Tell that the server is there.", anything)},
        },
        "components": {"schemas": {"Error": ERROR}},
    }


def get(name: str, text: str, answer: Schema) -> Schema:
    """Return an operation without a body."""
    return {
        "operationId": name,
        "description": text,
        "tags": ["LibreTranslate"],
        "parameters": [],
        "responses": {
            "200": {"description": "The answer.", "content": {JSON: {"schema": answer}}},
            "default": {
                "description": "Why there is no answer.",
                "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }


def post(name: str, text: str, body: Schema, answer: Schema, *kinds: str) -> Schema:
    """Return an operation with a body of some kinds."""
    content: Mapping[str, Schema] = {kind: {"schema": body} for kind in kinds}
    return {**get(name, text, answer), "requestBody": {"required": True, "content": content}}


def describe_download() -> Schema:
    """Return the operation that fetches a file."""
    operation = get("downloadFile", "Fetch a translated file, for half an hour.", {})
    operation["parameters"] = [{"name": "name", "in": "path", "required": True, "schema": TEXT}]
    operation["responses"]["200"]["content"] = {"application/octet-stream": {"schema": {**TEXT, "format": "binary"}}}
    return operation
