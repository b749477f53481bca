"""Kept phrases, placeholders and terms on the wire: in every call, with spans of what could not be kept."""

import re

import pytest
from polygist.v1 import common_pb2

from tests.service.echo import EN_PT, EchoEngine, pair
from tests.service.harness import serving
from tests.service.rpc.test_alignment import cut, read_pairs
from tests.service.rpc.test_batch_translate import batch, config, item
from tests.service.rpc.test_stream_translate import join, stream
from tests.service.rpc.test_translate import make

PRESCRIBED = {
    "do_not_translate_phrases": ["Ann Lee"],
    "placeholder_syntaxes": [common_pb2.PLACEHOLDER_SYNTAX_BRACES, common_pb2.PLACEHOLDER_SYNTAX_PRINTF],
    "glossary_config": {"entries": [{"source_term": "old deal", "target_term": "acordo antigo"}]},
}
TEXT = "Here \U0001f642 the old deal of {name}. Then Ann Lee wrote %d letters."
MARKED = {
    "text/html": "<p>Here the <b>old</b> deal of <i>{name}</i>. Then <b>Ann</b> Lee wrote %d letters.</p>",
    "text/markdown": "Here the **old** deal of *{name}*. Then **Ann** Lee wrote %d letters.",
}
LOST, UNAPPLIED = common_pb2.WARNING_CODE_PLACEHOLDER_LOST, common_pb2.WARNING_CODE_GLOSSARY_TERM_NOT_APPLIED


def losing(pattern):
    """A model that writes nothing for what matches, and a word behind each segment."""
    return lambda text: f"{re.sub(pattern, '', text)} sim"


def told(translation, text, **encoding):
    return {(warning.code, cut(text, warning.source_span, **encoding)) for warning in translation.warnings}


async def test_each_call_keeps_the_same():
    async with serving(EchoEngine(answer=losing("\\Z"))) as service:
        reply = await service.translation.Translate(make(TEXT, TEXT, **PRESCRIBED))
        assert join(await stream(service, make(TEXT, TEXT, **PRESCRIBED)), 2) == reply
        answers = await batch(service, config(**PRESCRIBED), item("a", TEXT), item("b", "Ann Lee and {name}"))
    translation = reply.translations[0]
    expected = "Here \U0001f642 the acordo antigo of {name}. sim Then Ann Lee wrote %d letters. sim"
    assert translation.translated_text == reply.translations[1].translated_text == expected
    assert not translation.warnings
    assert answers["a"].translation.translated_text == expected
    assert answers["b"].translation.translated_text == "Ann Lee and {name} sim"


@pytest.mark.parametrize("mime_type", sorted(MARKED))
async def test_what_marks_part_is_kept(mime_type):
    async with serving(EchoEngine(answer=losing("\\Z"))) as service:
        reply = await service.translation.Translate(make(MARKED[mime_type], mime_type=mime_type, **PRESCRIBED))
    text = re.sub(r"</?\w+>|\*", "", reply.translations[0].translated_text)
    assert text == "Here the acordo antigo of {name}. sim Then Ann Lee wrote %d letters. sim"


@pytest.mark.parametrize(
    ("encoding", "codec", "unit"),
    [
        (common_pb2.ENCODING_TYPE_UTF8, "utf-8", 1),
        (common_pb2.ENCODING_TYPE_UTF16, "utf-16-le", 2),
        (common_pb2.ENCODING_TYPE_UTF32, "utf-32-le", 4),
    ],
)
async def test_what_is_lost_is_told_with_its_span(encoding, codec, unit):
    engine = EchoEngine(
        pair("en", "pt", aligns=False), answer=losing(r"XQ\d|Tavrik|Brynox|47|Ann Lee|old deal|acordo antigo")
    )
    async with serving(engine) as service:
        reply = await service.translation.Translate(make(TEXT, output_config={"encoding_type": encoding}, **PRESCRIBED))
    (translation,) = reply.translations
    assert told(translation, TEXT, codec=codec, unit=unit) >= {
        (LOST, "{name}"), (LOST, "Ann Lee"), (LOST, "%d"), (UNAPPLIED, "old deal"),
    }  # fmt: skip
    for kept in ("{name}", "Ann Lee", "%d"):
        assert translation.translated_text.count(kept) == 1


async def test_words_that_were_put_in_are_aligned():
    text = "We saw the old deal of {name} here."
    engine = EchoEngine(EN_PT, answer=losing("\\Z"))
    async with serving(engine) as service:
        request = make(text, output_config={"include_alignment": True}, **PRESCRIBED)
        (translation,) = (await service.translation.Translate(request)).translations
    assert translation.translated_text == "We saw the acordo antigo of {name} here. sim"
    ((*found,),) = read_pairs(text, translation)
    assert ("old deal", "acordo antigo") in found or {("old", "acordo"), ("deal", "antigo")} <= set(found)
    assert any("name" in one and "name" in other for one, other in found)


async def test_terms_that_do_not_occur_change_nothing():
    text = "The town is old. It has {braces} and %d no more."
    engine = EchoEngine(answer=losing("\\Z"))
    terms = {"glossary_config": {"entries": [{"source_term": f"t{at} x", "target_term": "y"} for at in range(50)]}}
    async with serving(engine) as service:
        plain = await service.translation.Translate(make(text))
        read, engine.segments = engine.segments, []
        assert await service.translation.Translate(make(text, **terms)) == plain
    assert sorted(engine.segments) == sorted(read)


async def test_no_number_is_put_right_in_what_is_kept():
    text = "They felt it in an area with 2.4 million people."
    async with serving(EchoEngine(answer=losing("\\Z"))) as service:
        reply = await service.translation.Translate(make(text, do_not_translate_phrases=["million people"]))
    assert "million people" in reply.translations[0].translated_text
