"""Where sentences and lines end beside what is prescribed of words."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist.v1 import common_pb2, translation_service_pb2
from polygist_service.text.documents.base import Splitting
from polygist_service.text.documents.plain import PlainLayout
from polygist_service.translation.terms.messages import open_choices

from tests.service.echo import EchoEngine
from tests.service.harness import serving

BRACES, MUSTACHE = ["PLACEHOLDER_SYNTAX_BRACES"], ["PLACEHOLDER_SYNTAX_MUSTACHE"]
CHOICE = "{n, plural, one {One file. It is new.} other {# files. They are new.}}"
LINES = "{n, plural,\n  one {One file}\n\n  other {# files}\n}"


async def translate(text, source="en", **fields):
    request = translation_service_pb2.TranslateRequest(
        contents=[text], source_language_code=source, target_language_code="pt", **fields
    )
    engine = EchoEngine(answer=lambda segment: segment.replace("You have", "Tem").replace("like", "ama"))
    async with serving(engine) as service:
        answer = await service.translation.Translate(request)
    return answer.translations[0]


@pytest.mark.parametrize("mime_type", ["text/plain", "text/html", "text/markdown"])
async def test_no_sentence_ends_inside_of_it(mime_type):
    config = {"include_segments": True}
    fields = {"mime_type": mime_type, "output_config": config}
    band = await translate("We like the Where Are You? Band. We like Yahoo! Answers.", **fields,
                           do_not_translate_phrases=["Where Are You? Band", "Yahoo! Answers"])  # fmt: skip
    assert band.translated_text == "We ama the Where Are You? Band. We ama Yahoo! Answers."
    assert len(band.segments) == 2
    choice = await translate(f"You have {CHOICE} now.", **fields, placeholder_syntaxes=BRACES)
    assert choice.translated_text == f"Tem {CHOICE} now."
    [told] = choice.warnings
    assert told.code == common_pb2.WARNING_CODE_UNTRANSLATED
    assert (told.source_span.start_offset, told.source_span.end_offset) == (9, 9 + len(CHOICE))
    tag = await translate("You have {{#if a. B }} it.", **fields, placeholder_syntaxes=MUSTACHE)
    assert (tag.translated_text, len(tag.segments)) == ("Tem {{#if a. B }} it.", 1)


async def test_what_is_never_translated_has_no_language():
    text = "Bonjour tout le monde, comment allez-vous?"
    answer = await translate(text, source="", do_not_translate_phrases=[text])
    assert (answer.translated_text, answer.source_language_code) == (text, "und")
    name = "Santa Casa da Misericórdia de Lisboa"
    answer = await translate(f"{name}: you have the contact of all.", source="", do_not_translate_phrases=[name])
    assert answer.source_language_code == "en"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            "{n, plural, one {You have # file. You have it.} other {You have {n} files.}}",
            "{n, plural, one {Tem # file. Tem it.} other {Tem {n} files.}}",
        ),
        (
            "{g, select, a {} b {{n, plural, offset:1 =0 {You have} other { You have '{'it'}' }}}}.",
            "{g, select, a {} b {{n, plural, offset:1 =0 {Tem} other { Tem '{'it'}' }}}}.",
        ),
        ("{n, plural,\n one {You have # file}\n\n other {# A}\n}", "{n, plural,\n one {Tem # file}\n\n other {# A}\n}"),
    ],
)  # fmt: skip
async def test_the_texts_of_a_choice_are_sentences_where_nothing_is_said_around_it(text, written):
    answer = await translate(text, placeholder_syntaxes=BRACES)
    assert (answer.translated_text, list(answer.warnings)) == (written, [])


@given(st.text("{}',# \n.nA plura", max_size=60))
@example("{n, plural, one {A. {n, plural, a {a. A}}} b {b\nA}} a")
def test_segments_stay_apart_whatever_the_message(text):
    whole = f"{{n, plural, one {{{text}}} other {{A}}}}"
    for each in (text, whole, f"A {whole}\n{whole}"):
        document = PlainLayout(each).split("en", Splitting.AUTOMATIC)
        opened = list(open_choices(document.segments, each, language="en", over_lines=[]))
        assert all(one.end <= other.start for one, other in pairwise(opened))
        assert all(each[one.start : one.end] == one.text for one in opened if len(one.text) == one.end - one.start)


async def test_what_is_nested_too_deep_stays():
    text = f"{'{a, plural, one {' * 2000}x{'}}' * 2000}"
    answer = await translate(text, placeholder_syntaxes=BRACES)
    assert answer.translated_text == text
    assert {each.code for each in answer.warnings} == {common_pb2.WARNING_CODE_UNTRANSLATED}


@pytest.mark.parametrize(
    ("text", "mime_type"),
    [
        ("{a}→{b}", "text/plain"),
        ("{a}\u200b{b} 🙂{c}", "text/plain"),
        ("<p>{name}<code>x</code></p><td>{n}<code>kg</code>", "text/html"),
        ("| {a}`x` |", "text/markdown"),
    ],
)
async def test_where_nothing_is_left_to_a_model_all_stays(text, mime_type):
    answer = await translate(text, mime_type=mime_type, placeholder_syntaxes=BRACES)
    assert answer.translated_text == text


async def test_lines_with_a_part_of_a_placeholder_stay_and_are_told():
    text = f"You have one.\nYou have {LINES} there.\nYou have two."
    answer = await translate(text, placeholder_syntaxes=BRACES)
    assert answer.translated_text == f"Tem one.\nYou have {LINES} there.\nTem two."
    assert {each.code for each in answer.warnings} == {common_pb2.WARNING_CODE_UNTRANSLATED}
    # Where lines end nothing, they become spaces.
    lines = LINES.replace("\n\n", "\n")
    whole = await translate(
        f"You have {lines}", placeholder_syntaxes=BRACES, sentence_splitting="SENTENCE_SPLITTING_NONE"
    )
    assert whole.translated_text == f"Tem {' '.join(lines.split())}"
