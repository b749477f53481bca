"""The `Translator` without a server: its events, and that a stream and a unary answer are the same text."""

import asyncio
import re
import threading
from collections import defaultdict
from contextlib import aclosing, asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.context import CallContext
from polygist_service.errors import InferenceFailed, UndeterminedLanguage, UnsupportedLanguagePair
from polygist_service.notices import NoticeKind
from polygist_service.text.documents.base import MARKDOWN, PLAIN, Splitting
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.guards import Guard
from polygist_service.translation.routing import Routes
from polygist_service.translation.translator import Translator
from polygist_service.translation.types import DecodingPreset, Delta, Progress, Translation, TranslationRequest

from tests.service.echo import ENCODER, EchoEngine, multilingual, pair
from tests.service.harness import DETECTOR
from tests.service.one_model import ME, text_pool

ENGLISH, PORTUGUESE = "The museum opens at nine in the morning.", "O museu abre às nove horas da manhã."
CONTENT = st.lists(st.sampled_from(["One two.", " ", "\n", "\n\n", "12", "a" * 5, "b " * 80, "🙂"]), max_size=8).map(
    "".join
)


@asynccontextmanager
async def translating(*models, **engine_options):
    """A translator on an engine without models, and that engine."""
    engine = EchoEngine(*models, **engine_options)
    async with text_pool() as pool:
        languages = LanguageResolver(DETECTOR, pool)
        yield Translator(engine, routes=Routes(engine), languages=languages, pool=pool), engine


async def collect(translator, request):
    """All events, and the deltas of each content joined."""
    events, texts = [], defaultdict(str)
    async with aclosing(translator.events(request, ME)) as stream:
        async for at, event in stream:
            events.append((at, event))
            if isinstance(event, Delta):
                texts[at] += event.text
    return events, texts


@given(
    st.lists(CONTENT, min_size=1, max_size=5),
    st.sampled_from(Splitting),
    st.sampled_from([("en", "pt"), ("pt", "fr"), ("en", "en")]),
)
def test_the_stream_joined_is_the_unary_text(contents, splitting, languages):
    source, target = languages
    request = TranslationRequest(contents, target, source=source, splitting=splitting)

    async def run():
        async with translating(pair("en", "pt"), pair("pt", "en"), pair("en", "fr")) as (translator, _):
            return await collect(translator, request), await translator.translate(request, ME)

    (events, texts), translations = asyncio.run(run())
    assert [event for _, event in events if isinstance(event, Translation)] == translations
    assert [texts[at] for at in range(len(contents))] == [translation.text for translation in translations]


async def test_contents_come_one_after_the_other_whatever_route_they_take():
    contents = [PORTUGUESE, "12", ENGLISH, PORTUGUESE]
    async with translating() as (translator, _):
        request = TranslationRequest(contents, "en")
        events, texts = await collect(translator, request)
    told = [(at, event) for at, event in events if not isinstance(event, Progress)]
    assert [at for at, _ in told] == sorted(at for at, _ in told)
    assert [at for at, event in told if isinstance(event, Translation)] == [0, 1, 2, 3]
    assert texts == {0: f"[{PORTUGUESE}]", 1: "12", 2: ENGLISH, 3: f"[{PORTUGUESE}]"}
    progress = [event for _, event in events if isinstance(event, Progress)]
    assert progress == [Progress(1, 2), Progress(2, 2)]


async def test_segments_come_as_they_finish():
    """The fake engine finishes the last segment first, and takes its time for each."""
    async with translating(delay=0.01) as (translator, engine):
        request = TranslationRequest([f"{ENGLISH} Two. Three."], "pt", source="en")
        async with aclosing(translator.events(request, ME)) as events:
            assert await anext(events) == (0, Delta(f"[{ENGLISH}]"))
            assert engine.held == ["en-pt"]
        assert engine.held == []


async def test_a_segment_is_tokenised_once():
    async with translating() as (translator, engine):
        counted = []
        hold = engine.hold

        @asynccontextmanager
        async def counting(model, context):
            async with hold(model, context) as held:
                tokenise = held.tokenise
                held.tokenise = lambda text, options: (counted.append(text), tokenise(text, options))[1]
                yield held

        engine.hold = counting
        await translator.translate(TranslationRequest(["One. Two.", "Three."], "pt", source="en"), ME)
    assert sorted(counted) == ["One.", "Three.", "Two."]


@pytest.mark.parametrize(
    ("text", "mime_type", "is_at_once"),
    [
        (ENGLISH, PLAIN, True),
        (
            " ".join(f"In {city} {ENGLISH}" for city in ["Lisbon", "Porto", "Braga", "Faro", "Beja", "Leiria"]),
            PLAIN,
            False,
        ),
        (ENGLISH, MARKDOWN, False),
        ("The prices are 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5 and 9.5 euros.", PLAIN, False),
    ],
)
async def test_only_short_plain_texts_with_few_numbers_are_assessed_on_the_event_loop(
    text, mime_type, is_at_once, monkeypatch
):
    threads, assess = set(), Guard.assess

    def note_thread(*arguments, **options):
        threads.add(threading.current_thread())
        return assess(*arguments, **options)

    monkeypatch.setattr(Guard, "assess", note_thread)
    async with translating() as (translator, _):
        await translator.translate(TranslationRequest((text,), "pt", source="en", mime_type=mime_type), ME)
    assert (threads == {threading.current_thread()}) is is_at_once


async def test_the_context_reaches_the_engine():
    context = CallContext("them", deadline=asyncio.get_running_loop().time() + 60, request_id="r-1")
    async with translating() as (translator, engine):
        await translator.translate(TranslationRequest([ENGLISH, PORTUGUESE], "pt"), context)
    assert set(engine.contexts) == {context}


async def test_one_model_at_a_time_is_held_on_the_way_through_a_pivot():
    async with translating(pair("pt", "en"), pair("en", "fr"), ENCODER) as (translator, engine):
        most = []
        hold = engine.hold

        @asynccontextmanager
        async def watching(model, context):
            async with hold(model, context) as held:
                most.append(len(engine.held))
                yield held

        engine.hold = watching
        (translation,) = await translator.translate(TranslationRequest([PORTUGUESE], "fr"), ME)
    assert (translation.text, translation.pivots, most) == (f"[[{PORTUGUESE}]]", ("en",), [1, 1])
    assert NoticeKind.PIVOTED in {notice.kind for notice in translation.notices}


async def test_alternatives_are_whole_texts():
    async with translating() as (translator, _):
        preset = DecodingPreset(alternative_count=2, scores=True)
        request = TranslationRequest(["One.\n\nTwo."], "pt", source="en", decoding=preset)
        (translation,) = await translator.translate(request, ME)
    assert [each.text for each in translation.alternatives] == ["[One.]bb*\n\n[Two.]bb*", "[One.]bb**\n\n[Two.]bb**"]
    assert translation.text == "[One.]bb\n\n[Two.]bb"


async def test_a_failure_ends_all_at_once():
    async with translating(multilingual("en", "pt", "de"), delay=0.05) as (translator, engine):
        engine.answer = lambda segment: 1 // 0 if segment == "Zwei." else segment
        request = TranslationRequest([f"{ENGLISH} " * 20, "Das Museum öffnet um neun Uhr am Morgen. Zwei."], "pt")
        with pytest.raises(ZeroDivisionError):
            await translator.translate(request, ME)
        assert engine.held == []
        with pytest.raises(UndeterminedLanguage, match=r"contents\[1\]: language not detected"):
            await translator.translate(TranslationRequest([ENGLISH, "ᏣᎳᎩ"], "pt"), ME)


async def test_a_character_that_does_not_fit_fails_loudly():
    async with translating(pair("en", "pt", max_input_tokens=1)) as (translator, _):
        with pytest.raises(InferenceFailed, match="window"):
            await translator.translate(TranslationRequest(["a"], "pt", source="en"), ME)


GERMAN = "Das Museum öffnet am Morgen um neun Uhr, an Feiertagen aber erst um zehn Uhr."
ENGLISH_BLOCK = "The museum opens at nine in the morning, and on public holidays at ten o'clock."
PORTUGUESE_BLOCK = "O museu abre às nove horas da manhã, e nos dias feriados só às dez horas."
BLOCKS = st.lists(
    st.sampled_from([ENGLISH_BLOCK, PORTUGUESE_BLOCK, GERMAN, "Marlow", "12 — 13", "* * *", "\n", "  ", "One. Two."]),
    min_size=1,
    max_size=8,
).map("\n\n".join)


def sources_of(translation, text):
    """What the segments of a translation stand for, and where their outputs stand."""
    return [
        (text[slice(*each.source_span)], translation.text[slice(*each.target_span)]) for each in translation.segments
    ]


@given(st.lists(BLOCKS, min_size=1, max_size=3), st.sampled_from(["en", "pt", "pt-BR", "de"]), st.sampled_from([0, 2]))
def test_a_text_in_several_languages_loses_nothing(contents, target, alternative_count):
    """The engine says what it read between brackets: without them the text is the source."""
    preset = DecodingPreset(alternative_count=alternative_count, scores=True)
    request = TranslationRequest(contents, target, decoding=preset)

    async def run():
        async with translating(pair("en", "pt"), pair("pt", "en"), pair("de", "en")) as (translator, _):
            try:
                return await collect(translator, request)
            except (UnsupportedLanguagePair, UndeterminedLanguage):
                return None

    if not (collected := asyncio.run(run())):
        return
    events, texts = collected
    translations = [event for _, event in events if isinstance(event, Translation)]
    assert len(translations) == len(contents)
    for at, (text, translation) in enumerate(zip(contents, translations, strict=True)):
        assert texts[at] == translation.text
        for shown in (translation.text, *(each.text for each in translation.alternatives)):
            assert re.sub(r"\[|\]b*\**", "", shown) == text
        for source, output in sources_of(translation, text):
            assert output.lstrip("[").startswith(source)
        for notice in translation.notices:
            start, end = notice.span or (0, len(text))
            assert 0 <= start < end <= len(text)
    progress = [event for _, event in events if isinstance(event, Progress)]
    assert [each.completed for each in progress] == [*range(1, len(progress) + 1)]
    assert not progress or progress[-1].completed == progress[-1].total


async def test_each_part_of_a_text_is_translated_from_its_own_language():
    text = f"{ENGLISH_BLOCK}\n\n{PORTUGUESE_BLOCK}\n\n{ENGLISH_BLOCK}\n\n{GERMAN}\n"
    before, cached = ME.usage.input_tokens, ME.usage.cached_segments
    async with translating(pair("en", "fr"), pair("pt", "fr"), pair("de", "en")) as (translator, engine):
        events, _ = await collect(translator, TranslationRequest([text], "fr"))
    *_, (_, translation) = events
    assert translation.text == f"[{ENGLISH_BLOCK}]\n\n[{PORTUGUESE_BLOCK}]\n\n[{ENGLISH_BLOCK}]\n\n[[{GERMAN}]]\n"
    assert (translation.source, translation.model, translation.pivots) == ("en", "en-fr", ())
    assert sorted(engine.ran) == ["de-en", "en-fr", "en-fr", "pt-fr"]
    assert [source for source, _ in sources_of(translation, text)] == [
        ENGLISH_BLOCK,
        PORTUGUESE_BLOCK,
        ENGLISH_BLOCK,
        GERMAN,
    ]
    told = [(notice.kind, notice.span and text[slice(*notice.span)]) for notice in translation.notices]
    assert told == [
        (NoticeKind.MIXED_LANGUAGES, PORTUGUESE_BLOCK),
        (NoticeKind.MIXED_LANGUAGES, GERMAN),
        (NoticeKind.PIVOTED, GERMAN),
    ]
    words = len(f"{ENGLISH_BLOCK} {PORTUGUESE_BLOCK} {GERMAN} {GERMAN}".split())
    assert ME.usage.input_tokens - before == words
    assert ME.usage.cached_segments - cached == 1  # what stands there twice is read once
    assert [each for _, each in events if isinstance(each, Progress)][-1] == Progress(4, 4)


async def test_the_text_of_the_parts_comes_in_order_whichever_route_is_the_faster():
    text = "\n\n".join([PORTUGUESE_BLOCK, ENGLISH_BLOCK, ENGLISH_BLOCK, PORTUGUESE_BLOCK, PORTUGUESE_BLOCK])
    async with translating(pair("en", "fr"), pair("pt", "fr"), delay=0.005) as (translator, _):
        events, texts = await collect(translator, TranslationRequest([text, ENGLISH], "fr"))
    assert texts[0] == text.replace("O ", "[O ").replace("The ", "[The ").replace(".", ".]")
    assert [at for at, event in events if isinstance(event, Translation)] == [0, 1]


async def test_a_part_without_a_model_comes_back_with_a_warning():
    text = f"{ENGLISH_BLOCK}\n\n{GERMAN}\n\n{ENGLISH_BLOCK}"
    async with translating() as (translator, _):
        (translation,) = await translator.translate(TranslationRequest([text], "pt"), ME)
    assert translation.text == f"[{ENGLISH_BLOCK}]\n\n{GERMAN}\n\n[{ENGLISH_BLOCK}]"
    told = [(notice.kind, text[slice(*notice.span)]) for notice in translation.notices]
    assert told == [(NoticeKind.MIXED_LANGUAGES, GERMAN), (NoticeKind.UNTRANSLATED, GERMAN)]
    assert "no model for de->pt" in translation.notices[1].message


async def test_most_of_a_text_may_be_what_no_model_reads_but_not_all_of_it():
    async with translating() as (translator, _):
        mostly = f"{GERMAN}\n\n{GERMAN}\n\n{ENGLISH_BLOCK}"
        (translation,) = await translator.translate(TranslationRequest([mostly], "pt"), ME)
        assert translation.text == f"{GERMAN}\n\n{GERMAN}\n\n[{ENGLISH_BLOCK}]"
        assert (translation.source, translation.model) == ("de", "en-pt")
        for all_of_it in (f"{GERMAN}\n\n{GERMAN}", f"{GERMAN}\n\n{GERMAN}\n\n{PORTUGUESE_BLOCK}"):
            with pytest.raises(UnsupportedLanguagePair, match="de"):
                await translator.translate(TranslationRequest([all_of_it], "pt"), ME)


async def test_a_text_that_is_in_the_target_language_but_for_a_part_is_no_error():
    text = f"{PORTUGUESE_BLOCK}\n\n{GERMAN}\n\n{PORTUGUESE_BLOCK}"
    async with translating() as (translator, _):
        (translation,) = await translator.translate(TranslationRequest([text], "pt"), ME)
    assert (translation.text, translation.source, translation.model) == (text, "pt", None)
    assert [notice.kind for notice in translation.notices] == [NoticeKind.MIXED_LANGUAGES, NoticeKind.UNTRANSLATED]


async def test_the_language_given_is_that_of_all_parts():
    text = f"{ENGLISH_BLOCK}\n\n{PORTUGUESE_BLOCK}"
    async with translating() as (translator, _):
        (translation,) = await translator.translate(TranslationRequest([text], "pt", source="en"), ME)
    assert translation.text == f"[{ENGLISH_BLOCK}]\n\n[{PORTUGUESE_BLOCK}]"
    assert translation.notices == ()


async def test_candidates_limit_the_languages_of_parts_too():
    text = f"{ENGLISH_BLOCK}\n\n{GERMAN}\n\n{ENGLISH_BLOCK}\n\n{PORTUGUESE_BLOCK}"
    async with translating() as (translator, _):
        request = TranslationRequest([text], "pt", candidates=frozenset(("en", "pt")))
        (translation,) = await translator.translate(request, ME)
    assert translation.text == f"[{ENGLISH_BLOCK}]\n\n[{GERMAN}]\n\n[{ENGLISH_BLOCK}]\n\n{PORTUGUESE_BLOCK}"


async def test_scores_and_alternatives_of_a_text_in_several_languages_are_of_the_whole():
    text = f"{ENGLISH_BLOCK}\n\n{PORTUGUESE_BLOCK}"
    async with translating() as (translator, _):
        preset = DecodingPreset(alternative_count=1, scores=True)
        (translation,) = await translator.translate(TranslationRequest([text], "pt", decoding=preset), ME)
    assert translation.score == -0.5
    (alternative,) = translation.alternatives
    assert (alternative.text, alternative.score) == (f"[{ENGLISH_BLOCK}]b*\n\n{PORTUGUESE_BLOCK}", -1.0)
