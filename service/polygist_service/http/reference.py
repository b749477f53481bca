"""The OpenAPI documents, and pages for people that are made of them: HTML and one file of style, without scripts."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from polygist_service.http import libretranslate_document, openapi
from polygist_service.http.errors import JSON
from polygist_service.http.gateway import Gateway
from polygist_service.http.pages import MEDIA_TYPES, make_file, to_response
from polygist_service.wire.json_messages import write_json

Json = Mapping[str, Any]

STYLE = Path(__file__).with_name("reference.css")
HTML, CSS = MEDIA_TYPES[".html"], MEDIA_TYPES[".css"]
# In a text that is escaped already.
CODE = re.compile(r"`([^`\n]+)`")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}: HTTP</title>
<link rel="stylesheet" href="/docs/reference.css">
</head>
<body>
<header><h1>{title} {version}: HTTP</h1><p>{summary} <a href="{address}">The OpenAPI document</a>.</p></header>
<nav aria-label="Calls and types">{contents}</nav>
<main>
{body}
</main>
</body>
</html>
"""


def routes(gateway: Gateway) -> list[BaseRoute]:
    """Return the routes of the documents and their pages."""
    contract, libretranslate = openapi.build_document(), libretranslate_document.build_document()
    return [
        serve("/openapi.json", write_json(contract), JSON),
        serve("/spec", write_json(libretranslate), JSON),
        serve("/docs", render_page(contract, "/openapi.json").encode(), HTML),
        serve("/docs/libretranslate", render_page(libretranslate, "/spec").encode(), HTML),
        serve("/docs/reference.css", STYLE.read_bytes(), CSS),
    ]


def serve(path: str, content: bytes, media_type: str) -> BaseRoute:
    """Return the route of something that is always the same."""
    file = make_file(content, media_type)

    async def answer(request: Request) -> Response:
        return to_response(request, file)

    return Route(path, answer)


def render_page(document: Json, address: str) -> str:
    """Return the page of a document, which is at `address`."""
    information, schemas = document["info"], document["components"]["schemas"]
    calls = [(verb, path, call) for path, verbs in document["paths"].items() for verb, call in verbs.items()]
    body = [f'<section id="all"><h2>What holds for all calls</h2>{render_text(information["description"])}</section>']
    for tag in document["tags"]:
        body.append(f'<section><h2 id="{tag["name"]}">{tag["name"]}</h2>{render_text(tag["description"])}')
        mine = [each for each in calls if tag["name"] in each[2]["tags"]]
        body += [render_call(verb, path, call, document["components"]) for verb, path, call in mine]
        body.append("</section>")
    body.append('<section><h2 id="types">Types</h2>')
    body += [render_type(name, schema) for name, schema in schemas.items()]
    return PAGE.format(
        title=escape(information["title"]),
        version=escape(information["version"]),
        summary=escape(information["summary"]),
        address=escape(address),
        contents=render_contents(calls, schemas),
        body="\n".join([*body, "</section>"]),
    )


def render_contents(calls: list[tuple[str, str, Json]], schemas: Json) -> str:
    """Return the links to all calls and types."""
    paths = [f'<li><a href="#{call["operationId"]}">{escape(path)}</a>' for _, path, call in calls]
    types = [f'<li><a href="#type-{escape(name)}">{escape(name)}</a>' for name in schemas]
    return f"<h2>Calls</h2><ul>{''.join(paths)}</ul><h2>Types</h2><ul>{''.join(types)}</ul>"


def render_call(verb: str, path: str, call: Json, components: Json) -> str:
    """Return the section of one call."""
    parameters = [find(each, components) for each in call["parameters"]]
    parts = [
        f'<section id="{call["operationId"]}"><h3><code>{verb.upper()} {escape(path)}</code></h3>',
        render_text(call["description"]),
        "<h4>Parameters</h4>",
        render_entries((each["name"], f"{render_kind(each['schema'])}, {each['in']}", each) for each in parameters),
    ]
    if body := call.get("requestBody"):
        parts += ["<h4>Request</h4>", *render_contents_of(body["content"])]
    answer = call["responses"]["200"]
    parts += ["<h4>Answer</h4>", render_text(answer["description"]), *render_contents_of(answer["content"])]
    return "\n".join([*parts, "</section>"])


def render_contents_of(content: Json) -> Iterator[str]:
    """Yield what a body may be: its type, its schema and an example of it."""
    for name, media in content.items():
        kind = render_kind(media.get("x-message", media["schema"]))
        yield f"<p><code>{escape(name)}</code>: {kind}</p>"
        if properties := media["schema"].get("properties"):
            yield render_entries((name, render_kind(each), each) for name, each in properties.items())
        if (example := media.get("example")) is not None:
            text = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)
            yield f"<pre>{escape(text)}</pre>"


def render_type(name: str, schema: Json) -> str:
    """Return the section of a message or an enum."""
    heading = f'<section id="type-{escape(name)}"><h3>{escape(name)}</h3>{render_text(schema.get("description", ""))}'
    properties = schema.get("properties", {})
    return f"{heading}{render_entries((name, render_kind(each), each) for name, each in properties.items())}</section>"


def render_entries(entries: Iterable[tuple[str, str, Json]]) -> str:
    """Return a list of names, each with its type as HTML and with what describes it."""
    items = [
        f"<dt><code>{escape(name)}</code> {kind}</dt><dd>{render_text(described.get('description', ''))}</dd>"
        for name, kind, described in entries
    ]
    return f"<dl>{''.join(items)}</dl>" if items else ""


def render_kind(schema: Json) -> str:
    """Return in a few words of HTML what a schema takes."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if choices := schema.get("anyOf") or schema.get("allOf"):
        return render_kind(choices[0])
    if schema.get("type") == "array":
        return f"list of {render_kind(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {render_kind(schema['additionalProperties'])}"
    notes = [str(schema[key]) for key in ("format", "contentEncoding") if key in schema]
    return escape(", ".join([str(schema.get("type", "any")), *notes]))


def find(schema: Json, components: Json) -> Json:
    """Return what a reference to a parameter refers to, or what is none."""
    return components["parameters"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def render_text(text: str) -> str:
    """Return HTML of the little Markdown that comments are written in: paragraphs, lists, fences, code."""
    parts = []
    for index, block in enumerate(re.split(r"^```\n?", text, flags=re.MULTILINE)):
        if index % 2:
            parts.append(f"<pre>{escape(block.rstrip())}</pre>")
            continue
        for paragraph in filter(None, map(str.strip, re.split(r"\n{2,}", block))):
            marked = CODE.sub(r"<code>\1</code>", escape(paragraph))
            items = re.split(r"^- ", marked, flags=re.MULTILINE)
            parts.append(f"<p>{items[0]}</p>" if items[0] else "")
            parts.append(f"<ul>{''.join(f'<li>{item.strip()}' for item in items[1:])}</ul>" if items[1:] else "")
    return "".join(parts)
