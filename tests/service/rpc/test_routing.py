"""Which models a text goes through, and what its caller is told of that."""

import asyncio
from dataclasses import replace

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polygist.v1 import common_pb2, model_service_pb2, summarisation_service_pb2
from polygist_service.engine.interface import State

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine, multilingual, pair
from tests.service.harness import failure_of, serving
from tests.service.rpc.test_batch_translate import batch, config, item
from tests.service.rpc.test_summarise import ARTICLE
from tests.service.rpc.test_translate import PORTUGUESE, codes, make, translate
from tests.service.shelf import Shop
from tests.service.translation.test_routing import LANGUAGES

DE_EN, EN_DE, FR_EN, EN_FI = pair("de", "en"), pair("en", "de"), pair("fr", "en"), pair("en", "fi")
DE_PT = pair("de", "pt")
MANY = multilingual("de", "en", "fr", "ja", "pt")
DIRECT_ONLY = {"pivot_policy": "PIVOT_POLICY_DIRECT_ONLY"}
SPEED = {"performance_preference": "PERFORMANCE_PREFERENCE_SPEED"}
QUALITY = {"performance_preference": "PERFORMANCE_PREFERENCE_QUALITY"}
SMALL, LARGE = pair("en", "pt", name="small", memory_bytes=10), pair("en", "pt", name="large", memory_bytes=90)
EN_BR, EN_PORTUGAL = pair("en", "pt-BR"), pair("en", "pt-PT")
EN_ZH, EN_HANT, EN_LATN = pair("en", "zh"), pair("en", "zh-Hant"), pair("en", "sr-Latn")
FAILED_EN_PT = pair("en", "pt", state=State.FAILED)

# What is installed, what is asked for, the models that run, and the language that the reply names.
ROUTES = {
    "direct": ([EN_PT, PT_EN], "en", "pt", {}, ["en-pt"], "pt"),
    "one pair before many": ([MANY, EN_PT], "en", "pt", {}, ["en-pt"], "pt"),
    "many before a pivot": ([MANY, DE_EN, EN_PT], "de", "pt", {}, ["many"], "pt"),
    "pivot": ([DE_EN, EN_PT, PT_EN], "de", "pt", {}, ["de-en", "en-pt"], "pt"),
    "pivot over many": ([MANY, EN_FI], "ja", "fi", {}, ["many", "en-fi"], "fi"),
    "one pair before many in each hop": ([MANY, DE_EN, EN_FI], "de", "fi", {}, ["de-en", "en-fi"], "fi"),
    "english before other pivots": (
        [pair("de", "af"), pair("af", "fi"), DE_EN, EN_FI], "de", "fi", {}, ["de-en", "en-fi"], "fi"
    ),
    "any pivot": ([pair("de", "sv"), pair("sv", "fi"), EN_PT], "de", "fi", {}, ["de-sv", "sv-fi"], "fi"),
    "a pivot through one region": ([pair("de", "en-GB"), EN_PT], "de", "pt", {}, ["de-en-GB", "en-pt"], "pt"),
    "direct only": ([DE_PT, DE_EN, EN_PT], "de", "pt", DIRECT_ONLY, ["de-pt"], "pt"),
    "the small one": ([LARGE, SMALL], "en", "pt", {}, ["small"], "pt"),
    "the small one for speed": ([LARGE, SMALL], "en", "pt", SPEED, ["small"], "pt"),
    "the large one for quality": ([SMALL, LARGE], "en", "pt", QUALITY, ["large"], "pt"),
    "the region before the size": (
        [pair("en", "pt-BR", memory_bytes=90), SMALL], "en", "pt-BR", SPEED, ["en-pt-BR"], "pt-BR"
    ),
    "a region by its language": ([EN_PT, PT_EN], "en-GB", "pt-BR", {}, ["en-pt"], "pt"),
    "a language by a region": ([EN_BR], "en", "pt", {}, ["en-pt-BR"], "pt-BR"),
    "the language itself": ([EN_BR, EN_PT], "en", "pt", {}, ["en-pt"], "pt"),
    "the right region": ([EN_PORTUGAL, EN_BR], "en", "pt-BR", {}, ["en-pt-BR"], "pt-BR"),
    "the right script": ([EN_ZH, EN_HANT], "en", "zh-TW", {}, ["en-zh-Hant"], "zh-Hant"),
    "a script through a pivot": ([PT_EN, EN_LATN], "pt", "sr-Latn", {}, ["pt-en", "en-sr-Latn"], "sr-Latn"),
    "the right code of many": (
        [multilingual("en", "pt-PT", "pt-BR")], "en", "pt-BR", {}, ["many"], "pt-BR"
    ),
    "the model named": ([MANY, EN_PT], "en", "pt", {"model": "models/many"}, ["many"], "pt"),
    "a failed model is passed over": ([FAILED_EN_PT, MANY], "en", "pt", {}, ["many"], "pt"),
    "a failed model is pivoted around": (
        [pair("de", "pt", state=State.FAILED), DE_EN, EN_PT], "de", "pt", {}, ["de-en", "en-pt"], "pt"
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROUTES.values(), ids=ROUTES)
async def test_a_route(row):
    installed, source, target, fields, models, written = row
    engine = EchoEngine(*installed)
    reply = await translate(make("One.", target=target, source_language_code=source, **fields), engine)
    (translation,) = reply.translations
    assert engine.ran == models
    assert translation.model == f"models/{models[-1]}"
    assert (translation.source_language_code, translation.target_language_code) == (source, written)
    assert translation.translated_text.count("[") == len(models)
    assert codes(translation) == ["PIVOTED"] * (len(models) - 1)
    assert len(translation.pivot_language_codes) == len(models) - 1


# What is installed, what is asked for, words of the message, and the nearest pair.
REFUSALS = {
    "no model": ([EN_PT, PT_EN], "en", "fi", {}, "no model for en->fi; this server has: en->pt, pt->en", "en->pt"),
    "no reader": ([EN_PT, PT_EN], "fi", "pt", {}, "no model for fi->pt", "en->pt"),
    "three hops": ([DE_EN, EN_PT, pair("pt", "ja")], "de", "ja", {}, "no model for de->ja", "de->en"),
    "pivot refused": (
        [DE_EN, EN_PT], "de", "pt", DIRECT_ONLY, "through en: leave pivot_policy unset", "de->en"
    ),
    "no pivot to refuse": ([EN_PT], "de", "pt", DIRECT_ONLY, "no model for de->pt; this server has: en->pt", "en->pt"),
    "the model named": (
        [EN_PT, PT_EN], "en", "pt", {"model": "models/pt-en"}, "model pt-en does not translate en->pt; it has: pt->en",
        "pt->en",
    ),
    "no pivot with the model named": (
        [DE_EN, EN_PT], "de", "pt", {"model": "models/de-en"}, "it has: de->en", "de->en"
    ),
    "another script": ([EN_ZH], "en", "zh-Hant", {}, "no model for en->zh-Hant", "en->zh"),
    "the script of the language itself": ([EN_LATN], "en", "sr", {}, "no model for en->sr", "en->sr-Latn"),
    "another region": ([EN_DE, EN_PORTUGAL], "en", "pt-BR", {}, "no model for en->pt-BR", "en->pt-PT"),
    "there and back": ([EN_PT, PT_EN], "pt-BR", "pt-PT", {}, "no model for pt-BR->pt-PT", "pt->en"),
}  # fmt: skip


@pytest.mark.parametrize("row", REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal(row):
    installed, source, target, fields, message, nearest = row
    async with serving(EchoEngine(*installed)) as service:
        request = make("One.", target=target, source_language_code=source, **fields)
        failure = await failure_of(service.translation.Translate(request))
    assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED")
    assert message in failure.message
    assert failure.details == ("ErrorInfo", "PreconditionFailure")
    asked = (failure.metadata["source"], failure.metadata["target"], failure.metadata["nearest"])
    assert asked == (source, target, nearest)


async def test_a_refused_pivot_names_the_field_and_the_language():
    async with serving(EchoEngine(DE_EN, EN_PT)) as service:
        request = make("One.", source_language_code="de", **DIRECT_ONLY)
        failure = await failure_of(service.translation.Translate(request))
    assert (failure.metadata["field"], failure.metadata["pivot"]) == ("pivot_policy", "en")


async def test_a_failed_model_that_no_other_can_stand_for_says_so():
    async with serving(EchoEngine(FAILED_EN_PT)) as service:
        failure = await failure_of(service.translation.Translate(make("One.")))
    assert (failure.code, failure.reason) == ("INTERNAL", "INFERENCE_FAILED")
    assert "en-pt" in failure.message


async def test_a_multilingual_model_is_told_the_languages_as_it_spells_them():
    engine = EchoEngine(multilingual("en", "pt", "zh-Hant"), pair("en", "fi"))
    await translate(make("One.", target="pt-BR", source_language_code="en-GB"), engine)
    await translate(make("One.", target="fi"), engine)
    assert [(options.source, options.target) for options in engine.options] == [("en", "pt"), ("", "")]


async def test_each_hop_has_the_preset_of_its_model_and_the_last_one_the_alternatives():
    engine = EchoEngine(pair("de", "en", quality_beam_size=5), pair("en", "pt", quality_beam_size=4))
    request = make(
        "Eins. Zwei.", source_language_code="de", alternative_count=2, output_config={"include_score": True}, **QUALITY
    )
    (translation,) = (await translate(request, engine)).translations
    first, last = engine.options
    assert (first.beam_size, first.hypothesis_count, first.scores) == (5, 1, False)
    assert (last.beam_size, last.hypothesis_count, last.scores) == (4, 3, True)
    assert [each.translated_text for each in translation.alternatives] == [
        "[[Eins.]bbbb]bbb* [[Zwei.]bbbb]bbb*",
        "[[Eins.]bbbb]bbb** [[Zwei.]bbbb]bbb**",
    ]
    assert (translation.score, [each.score for each in translation.alternatives]) == (-0.5, [-1.0, -1.5])


async def test_the_warning_names_the_language_and_the_models():
    reply = await translate(make("Eins.", source_language_code="de"), EchoEngine(DE_EN, EN_PT))
    (translation,) = reply.translations
    assert translation.pivot_language_codes == ["en"]
    (warning,) = translation.warnings
    assert (warning.code, warning.message) == (
        common_pb2.WARNING_CODE_PIVOTED,
        "translated through en, by de-en and en-pt",
    )


async def test_structure_is_kept_through_a_pivot():
    text = "1. Eins. Zwei.\n\n  2. Drei\r\n---\n\n3.\tVier\n"
    request = make(text, "", " \n", source_language_code="de", output_config={"include_segments": True})
    reply = await translate(request, EchoEngine(DE_EN, EN_PT))
    plain = await translate(
        make(text, source_language_code="de", output_config={"include_segments": True}), EchoEngine(DE_PT)
    )
    translation, *blank = reply.translations
    assert translation.translated_text == plain.translations[0].translated_text.replace("[", "[[").replace("]", "]]")
    assert [each.translated_text for each in blank] == ["", " \n"]
    spans = [segment.source_span for segment in translation.segments]
    assert spans == [segment.source_span for segment in plain.translations[0].segments]
    written = translation.translated_text
    for segment in translation.segments:
        source = text[segment.source_span.start_offset : segment.source_span.end_offset]
        assert written[segment.target_span.start_offset : segment.target_span.end_offset] == f"[[{source}]]"


@settings(max_examples=25)
@given(
    lines=st.lists(st.sampled_from(["", "  ", "Eins.", "- Zwei, drei. Vier!", "4", "\u2014", "x" * 20]), max_size=12)
)
def test_a_pivot_keeps_the_number_and_order_of_lines(lines):
    text = "\n".join(lines)
    reply = asyncio.run(translate(make(text, source_language_code="de"), EchoEngine(DE_EN, EN_PT)))
    written = reply.translations[0].translated_text
    assert written.replace("[", "").replace("]", "") == text


async def test_tokens_of_all_hops_are_counted():
    reply = await translate(make("Eins zwei. Drei.", source_language_code="de"), EchoEngine(DE_EN, EN_PT))
    assert (reply.usage.input_token_count, reply.usage.output_token_count) == (6, 6)


async def test_an_output_above_the_next_window_is_split_and_told_of_the_source():
    text = "Kurz. " + " ".join(f"Wort{number}" for number in range(50))
    engine = EchoEngine(DE_EN, pair("en", "pt", max_input_tokens=20))
    request = make(text, source_language_code="de", output_config={"include_segments": True})
    (translation,) = (await translate(request, engine)).translations
    assert translation.translated_text.replace("[", "").replace("]", "") == text
    assert len(translation.segments) == 2
    assert set(codes(translation)) == {"PIVOTED", "SEGMENT_HARD_SPLIT"}
    for warning in translation.warnings[1:]:
        assert warning.message.startswith("in its en text: ")
        assert warning.source_span == translation.segments[1].source_span


async def test_what_only_the_second_model_notices_is_told_of_the_source():
    answers = {"Gut.": "Very \U0001f642 good."}
    engine = EchoEngine(
        replace(DE_EN, aligns=False), replace(EN_PT, aligns=False), answer=lambda text: answers.get(text, text)
    )
    text = "Eins. Gut."
    (translation,) = (await translate(make(text, source_language_code="de"), engine)).translations
    assert codes(translation) == ["PIVOTED", "UNKNOWN_CHARACTERS"]
    span = translation.warnings[1].source_span
    assert text[span.start_offset : span.end_offset] == "Gut."
    assert "en text" in translation.warnings[1].message


async def test_limits_of_both_hops_are_told():
    request = make("Eins zwei drei. Vier.", source_language_code="de", decoding_config={"max_output_tokens": 2})
    (translation,) = (await translate(request, EchoEngine(DE_EN, EN_PT))).translations
    assert codes(translation) == ["PIVOTED", "OUTPUT_LIMIT_REACHED", "OUTPUT_LIMIT_REACHED"]


@pytest.mark.parametrize("silent", ["Zwei.", "<Zwei.>"], ids=["first hop", "second hop"])
async def test_a_segment_for_which_a_model_writes_nothing_keeps_its_source(silent):
    engine = EchoEngine(DE_EN, EN_PT, answer=lambda text: "" if text == silent else f"<{text}>")
    (translation,) = (await translate(make("Eins. Zwei.", source_language_code="de"), engine)).translations
    assert translation.translated_text == "<<Eins.>> Zwei."
    assert codes(translation) == ["PIVOTED", "UNTRANSLATED"]


async def test_an_output_without_letters_goes_through_as_it_is():
    engine = EchoEngine(DE_EN, EN_PT, answer=lambda text: "12" if text == "zwölf" else f"<{text}>")
    (translation,) = (await translate(make("Eins.\nzwölf", source_language_code="de"), engine)).translations
    assert translation.translated_text == "<<Eins.>>\n12"
    assert codes(translation) == ["PIVOTED"]


async def test_texts_of_several_languages_go_their_own_ways():
    engine = EchoEngine(DE_EN, EN_PT)
    request = make(
        "Der Ausschuss trifft sich am Donnerstag in der alten Stadt.",
        "The committee will meet on Thursday in the old town.",
        source_language_code="",
    )
    german, english = (await translate(request, engine)).translations
    assert (german.translated_text[:2], german.pivot_language_codes) == ("[[", ["en"])
    assert (english.translated_text[:4], english.pivot_language_codes) == ("[The", [])


async def test_a_detected_language_is_served_by_a_region_of_it():
    engine = EchoEngine(pair("pt-BR", "en"))
    (translation,) = (await translate(make(PORTUGUESE, target="en", source_language_code=""), engine)).translations
    assert (translation.source_language_code, translation.model) == ("pt", "models/pt-BR-en")


async def test_a_text_in_none_of_two_hundred_languages_is_refused_in_few_words():
    async with serving(EchoEngine(multilingual(*LANGUAGES))) as service:
        request = make(PORTUGUESE, target=LANGUAGES[0], source_language_code="")
        failure = await failure_of(service.translation.Translate(request))
    assert (failure.reason, failure.metadata["source"]) == ("LANGUAGE_PAIR_UNSUPPORTED", "pt")
    assert failure.metadata["readable"].split(",") == list(LANGUAGES)
    assert "and 192 more" in failure.message
    assert len(failure.message) < 1000


SHOP = Shop(pairs={("de", "en"): "opus-mt-de-en", ("de", "fr"): "opus-mt-de-fr", ("en", "fr"): "opus-mt-en-fr"})
UNREAD = "Die Bibliothek öffnet um neun Uhr und schließt um sechs."


@pytest.mark.parametrize(
    ("target", "fields", "pull"),
    [
        ("pt", {}, "opus-mt-de-en"),  # from English there is a way already
        ("fr", {}, "opus-mt-de-fr"),
        ("fr", DIRECT_ONLY, "opus-mt-de-fr"),
        ("pt", DIRECT_ONLY, ""),
        ("pt", {"model": "models/en-pt"}, ""),
        ("de", {}, ""),
        ("fi", {}, ""),
    ],
)
async def test_a_text_in_a_language_that_nobody_reads_is_refused_with_the_model_that_would_read_it(
    target, fields, pull
):
    request = make(UNREAD, target=target, source_language_code="", **fields)
    async with serving(EchoEngine(EN_PT, PT_EN, offers=SHOP)) as service:
        failure = await failure_of(service.translation.Translate(request))
        if "model" not in fields and target != "de":
            request.source_language_code = "de"
            named = await failure_of(service.translation.Translate(request))
            assert dict(failure.metadata) == {**named.metadata, "field": "contents[0]", "readable": "en,pt"}
        answers = await batch(service, config(target=target, source_language_code="", **fields), item("1", UNREAD))
    assert failure.message.startswith("contents[0] is in de (confidence ")
    advice = f"; install it: polygist-server models pull {pull}" if pull else "this server reads: en, pt"
    assert failure.message.endswith(advice)
    assert failure.metadata.get("pull", "") == pull
    for answer in answers.values():
        assert answer.error.message.endswith(advice)
        assert dict(answer.error.metadata) == {**failure.metadata, "field": "content"}


async def test_a_passed_deadline_ends_both_hops():
    engine = EchoEngine(DE_EN, EN_PT, delay=0.2)
    async with serving(engine) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.translation.Translate(make("Eins.", source_language_code="de"), timeout=0.3)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(engine.free.wait(), 10)
    assert engine.held == []


async def test_a_cancelled_call_gives_its_model_back_and_starts_no_other():
    started = asyncio.Event()
    engine = EchoEngine(DE_EN, EN_PT, answer=lambda text: f"{started.set() or text}", delay=0.1)
    text = " ".join(f"Das ist Satz {number}." for number in range(100))
    async with serving(engine) as service:
        call = service.translation.Translate(make(text, source_language_code="de"))
        await asyncio.wait_for(started.wait(), 10)
        call.cancel()
        await asyncio.wait_for(engine.free.wait(), 10)
    assert engine.ran == ["de-en"]
    assert len(engine.segments) == 100


async def test_one_model_at_a_time_is_held():
    held = []
    engine = EchoEngine(DE_EN, EN_PT, answer=lambda text: f"{held.append(tuple(engine.held)) or text}")
    await translate(make("Eins.", source_language_code="de"), engine)
    assert set(held) == {("de-en",), ("en-pt",)}


async def test_a_summary_goes_through_a_pivot_and_says_so_once():
    engine = EchoEngine(EN_DE, pair("de", "pt"), ENCODER)
    # The engine writes English whatever it is asked for, and no number word of English is one of German.
    article = ARTICLE.replace("four million pounds and take eighteen months", "much and take long")
    request = summarisation_service_pb2.SummariseRequest(
        contents=[article], source_language_code="en", target_language_code="pt"
    )
    async with serving(engine) as service:
        (summary,) = (await service.summarisation.Summarise(request)).summaries
        request.pivot_policy = common_pb2.PIVOT_POLICY_DIRECT_ONLY
        failure = await failure_of(service.summarisation.Summarise(request))
    assert summary.text.startswith("[[")
    assert summary.target_language_code == "pt"
    assert [warning.code for warning in summary.warnings] == [common_pb2.WARNING_CODE_PIVOTED]
    assert (failure.reason, failure.metadata["pivot"]) == ("LANGUAGE_PAIR_UNSUPPORTED", "de")


async def test_a_pivot_policy_without_a_language_is_refused_for_summaries():
    request = summarisation_service_pb2.SummariseRequest(contents=[ARTICLE], **DIRECT_ONLY)
    async with serving(EchoEngine()) as service:
        failure = await failure_of(service.summarisation.Summarise(request))
    assert (failure.code, failure.field) == ("INVALID_ARGUMENT", "pivot_policy")


async def languages(*models, **fields):
    async with serving(EchoEngine(*models)) as service:
        reply = await service.models.ListLanguages(model_service_pb2.ListLanguagesRequest(page_size=1000, **fields))
    return {each.language_code: each for each in reply.languages}


async def test_languages_tell_direct_and_pivot_targets():
    listed = await languages(DE_EN, EN_PT, PT_EN, FR_EN, ENCODER, task="TASK_TRANSLATE")
    targets = {
        code: (list(each.target_language_codes), list(each.pivot_target_language_codes))
        for code, each in listed.items()
    }
    assert targets == {
        "de": (["en"], ["pt"]),
        "en": (["pt"], []),
        "fr": (["en"], ["pt"]),
        "pt": (["en"], []),
    }


async def test_languages_of_a_task_only():
    tswana = pair("tn", "tn", name="gist", role=ENCODER.role)
    assert {"en", "fr", "pt", "tn"} <= set(await languages(EN_PT, tswana))
    assert set(await languages(EN_PT, tswana, task="TASK_TRANSLATE")) == {"en", "pt"}
    listed = await languages(EN_PT, tswana, task="TASK_SUMMARISE")
    assert {"en", "fr", "pt", "tn"} <= set(listed)
    assert not listed["tn"].target_language_codes
    assert "tn" not in await languages(EN_PT, tswana, task="TASK_DETECT_LANGUAGE")


async def test_languages_of_a_model_that_has_two_hundred():
    listed = await languages(multilingual(*LANGUAGES, "en"), EN_PT, task="TASK_TRANSLATE")
    assert set(listed) == {*LANGUAGES, "en", "pt"}
    assert all(len(each.target_language_codes) == 200 for code, each in listed.items() if code in LANGUAGES)
    assert {tuple(listed[code].pivot_target_language_codes) for code in LANGUAGES} == {("pt",)}
    assert len(listed["en"].target_language_codes) == 201
    assert not listed["en"].pivot_target_language_codes
    assert not listed["pt"].target_language_codes
