"""Whatever the contract lets a caller send, and what it says may come of it."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_service.text.documents.files.kinds import NAMES

from tests.service.text.files.test_kinds import DOCX, PAGE, PO, SRT, VTT, XLSX
from tests.service.text.files.word_documents import make_docx

PROTOS = Path(__file__).parents[2] / "protos" / "polygist" / "v1"
METHODS: Mapping[str, MethodDescriptor] = {
    method.full_name: method
    for module in (translation_service_pb2, summarisation_service_pb2, model_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}

# What texts are made of. Each kind of document, each notation that is carried over, and what no keyboard writes.
PIECES = (
    *("The committee will meet on Thursday.", "A ferry to the old town is late, far away.", "Bom dia, minha senhora."),
    *("Guten Morgen, liebe Leute.", "今日は良い天気です。", "שלום עולם", "สวัสดีชาวโลก", "1,234.56", "3 de maio de 2026"),
    *(" ", "\n", "\n\n", "\r\n", "\t", ". ", "? ", "“", "”", "…", "a" * 300, "no stops " * 40),
    *("<p>", "</p>", "<b>", "</i>", "<a href='x'>", "<!--", "-->", "&amp;", "&#0;", "&#x110000;", "<script>"),
    *("# ", "**", "`", "```\n", "> ", "* ", "| a | b |\n|---|---|\n", "[x](y)", "![", "](", "---\n", "$$", ":::"),
    *("{name}", "{{name}}", "{% if x %}", "{n, plural, one {# day} other {# days}}", "%s", "%1$d", "${a}", "{" * 40),
    *("https://example.com/a?b=c", "a@example.com", "@ann", "\0", "\u0301", "\u200d", "\u202e", "\ufeff", "\uffff"),
    *("\U0001f600", "\U0001f469\u200d\U0001f680", "ﬀ", "İ", "ß", "𝐚", "\u2028", "\x85", "\x1b[m", "00:00:01,000 --> "),
)  # fmt: skip
FILES = (
    *(PAGE, PO, SRT, VTT, DOCX, XLSX, make_docx("<w:p><w:r><w:t>Good morning.</w:t></w:r></w:p>")),
    *("Olá, tudo bem?".encode("utf-16"), b"# A page\n\nGood *morning*.\n", b'msgid ""\nmsgstr ""\n\nmsgid "a"\nmsgid'),
    *(b"PK\x03\x04", b"%PDF-1.7", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xef\xbb\xbf", b"\0" * 64, b"\xff" * 64),
)
TAGS = ("en", "pt", "pt-BR", "de", "por_Latn", "eng_Latn", "und", "auto", "zh-Hant-TW", "x-none", "en-", "e" * 40, "")
TYPES = ("text/plain", "text/html", "text/markdown", *NAMES, "text/plain; charset=utf-8", 'a/b; c="d', "TEXT/HTML", "")
RESOURCES = ("models/en-pt", "models/pt-en", "models/minilm", "models/none", "models/", "en-pt", "models/a/b", "")

texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=40)
documents = st.sampled_from(FILES) | st.binary(max_size=60) | texts.map(str.encode)
# What fields of these names usually hold; any other text may stand there, too.
USUAL: Mapping[str, tuple[str, ...]] = {
    "target_language_code": ("pt", "pt", "pt", "pt", "pt", "pt", "pt", "pt-BR", "en", *TAGS),
    "source_language_code": ("en", "en", "en", "en", "en", "en", "en", *TAGS),
    "candidate_language_codes": TAGS,
    "display_language_code": TAGS,
    "mime_type": TYPES + TYPES[:3] * 8,
    "output_mime_type": TYPES + TYPES[:3] * 8,
    "model": RESOURCES + RESOURCES[:1] * 8,
    "glossary": ("glossaries/press", "glossaries/press", "glossaries/none", "press", ""),
    "item_id": ("1", "2", ""),
    "page_token": ("MQ==", "MA==", "LTE=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "é", ""),
    "source_term": ("ferry", "old town", "a", ".", " "),
    "target_term": ("barco", "a\nb", ""),
    "do_not_translate_phrases": ("ferry", "old town", "The", "."),
}
# Without these a request says nothing, and is refused before anything is done.
NEEDED = ("contents", "target_language_code", "request", "config", "document", "content", "name", "item_id")
# Of two fields the one that goes without the other; and what goes into no message that stands in such a field.
EITHER_OR = (("document", "contents"), ("candidate_language_codes", "source_language_code"))
AT_ODDS = {"config": {"contents", "mime_type", "alternative_count"}}


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of which a stretch was replaced by others."""
    content = draw(whole)
    start = draw(st.integers(0, len(content)))
    end = draw(st.integers(start, min(len(content), start + 40)))
    return content[:start] + draw(st.binary(max_size=12)) + content[end:]


ANY_INT32 = st.integers(-(2**31), 2**31 - 1)


def mostly(usual: st.SearchStrategy[Any], rest: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values that get through in nineteen of twenty fields, so that many requests get through with all of theirs."""
    return st.integers(0, 19).flatmap(lambda at: rest if at == 19 else usual)


def values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    """Values of a field that is no list and no message."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_ENUM:
            return mostly(st.sampled_from([each.number for each in field.enum_type.values]), ANY_INT32)
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_INT32:
            return mostly(st.integers(0, 8), ANY_INT32)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return mostly(documents, damaged(documents))
    if field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        raise NotImplementedError(f"{field.full_name} is of a kind that no request has had yet")
    usual = RESOURCES if "Model" in field.containing_type.name else USUAL.get(field.name)
    return mostly(st.sampled_from(usual), texts) if usual else texts


@st.composite
def messages(draw: st.DrawFn, descriptor: Descriptor, *, within: str = "") -> Message:
    """Messages of a kind: what is needed, a few of the other fields, with all kinds of values.

    One in twenty lacks what is needed, or has what goes with none of the rest.
    """
    names = sorted(field.name for field in descriptor.fields)
    asked = NEEDED + (("model",) if descriptor.name == "CountTokensRequest" else ())
    needed = [name for name in names if name in asked and not descriptor.fields_by_name[name].containing_oneof]
    others = [name for name in names if name not in needed]
    chosen = {*needed, *draw(st.lists(st.sampled_from(others), max_size=4) if others else st.just([]))}
    if draw(st.integers(0, 19)) == 19:
        chosen = set(draw(st.lists(st.sampled_from(names)))) if names else chosen
    else:
        chosen -= AT_ODDS.get(within, set())
        for kept, left in EITHER_OR:
            chosen -= {left} if kept in chosen else set()
    fields = {}
    for name in sorted(chosen):
        field = descriptor.fields_by_name[name]
        one = messages(field.message_type, within=name) if field.message_type else values(field)
        fields[name] = draw(st.lists(one, min_size=1, max_size=3) if field.is_repeated else one)
    return message_factory.GetMessageClass(descriptor)(**fields)


@st.composite
def calls(draw: st.DrawFn, method: MethodDescriptor) -> list[bytes]:
    """What is sent in one call, message by message; now and then it is damaged on its way."""
    sent = [draw(messages(method.input_type))]
    if method.client_streaming:
        kind = message_factory.GetMessageClass(method.input_type)
        item, config = (method.input_type.fields_by_name[name].message_type for name in ("item", "config"))
        first = messages(config, within="config").map(lambda each: kind(config=each))
        items = st.lists(messages(item).map(lambda each: kind(item=each)), max_size=4)
        anything = st.lists(messages(method.input_type), max_size=4)
        sent = draw(mostly(st.tuples(first, items).map(lambda each: [each[0], *each[1]]), anything))
    whole = [message.SerializeToString() for message in sent]
    if whole and draw(st.integers(0, 19)) == 19:
        whole[-1] = draw(damaged(st.just(whole[-1])))
    return whole


@cache
def documented_statuses(method: str) -> frozenset[tuple[str, str]]:
    """The codes and reasons that the comment of a method names, with those of the methods that it refers to."""
    service, _, name = method.rpartition(".")
    source = (PROTOS / METHODS[method].containing_service.file.name.rpartition("/")[2]).read_text(encoding="utf-8")
    comment = re.findall(rf"((?:  //.*\n)*)  rpc {name}\(", source)[0].partition("Errors")[2].partition("Example")[0]
    reasons = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", comment)) & codes().keys()
    named = {(codes()[reason], reason) for reason in reasons}
    others = [f"{service}.{each}" for each in re.findall(r"those of (\w+)", comment, re.IGNORECASE)]
    return frozenset(named).union(*(documented_statuses(each) for each in others if each in METHODS))


@cache
def codes() -> Mapping[str, str]:
    """The code of each reason, by the table at the top of the contract."""
    found, code = {}, ""
    for line in (PROTOS / "common.proto").read_text(encoding="utf-8").partition("syntax")[0].splitlines():
        if heading := re.match(r"//   ([A-Z_]+)(?: \[|$|,)", line):
            code = heading[1]
        elif reasons := re.match(r"//     ((?:[A-Z_]+(?:, )?)+)(?:  |$)", line):
            found |= dict.fromkeys(reasons[1].split(", "), code)
    assert set(found.values()) <= set(grpc.StatusCode.__members__), found
    return found
