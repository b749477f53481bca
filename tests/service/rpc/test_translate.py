from dataclasses import replace

import grpc
import pytest
from polygist.v1 import common_pb2, translation_service_pb2
from polygist_service.engine.interface import State
from polygist_service.limits import Limits

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine
from tests.service.harness import failure_of, serving

ENGLISH = "The committee will meet on Thursday in the old town."
PORTUGUESE = "A comissão vai reunir-se na quinta-feira na cidade velha."


def make(*contents: str, target: str = "pt", **fields) -> translation_service_pb2.TranslateRequest:
    fields.setdefault("source_language_code", "en")
    return translation_service_pb2.TranslateRequest(contents=contents, target_language_code=target, **fields)


def make_terms(*entries: tuple[str, str]) -> translation_service_pb2.TranslateRequest:
    return make("a", glossary_config={"entries": [{"source_term": a, "target_term": b} for a, b in entries]})


async def translate(request, engine=None, **options):
    async with serving(engine or EchoEngine(), **options) as service:
        return await service.translation.Translate(request)


async def translate_one(text, engine=None, **fields):
    reply = await translate(make(text, **fields), engine)
    return reply.translations[0]


async def refused(request, engine=None, **options):
    async with serving(engine or EchoEngine(), **options) as service:
        return await failure_of(service.translation.Translate(request))


def codes(translation):
    return [common_pb2.WarningCode.Name(warning.code).removeprefix("WARNING_CODE_") for warning in translation.warnings]


async def test_order_count_and_structure_are_kept():
    reply = await translate(make("One. Two.\n\n  Three\r\n", "", "  \n ", "Four"))
    assert [translation.translated_text for translation in reply.translations] == [
        "[One.] [Two.]\n\n  [Three]\r\n",
        "",
        "  \n ",
        "[Four]",
    ]
    assert {translation.target_language_code for translation in reply.translations} == {"pt"}
    assert reply.usage.character_count == sum(map(len, ["One. Two.\n\n  Three\r\n", "", "  \n ", "Four"]))
    assert (reply.usage.input_token_count, reply.usage.output_token_count) == (4, 4)


async def test_the_language_is_detected_text_by_text():
    engine = EchoEngine(EN_PT, replace(PT_EN, target_languages=("pt", "en")))
    reply = await translate(make(ENGLISH, PORTUGUESE, "123", source_language_code=""), engine)
    sources = [translation.source_language_code for translation in reply.translations]
    assert sources == ["en", "pt", "und"]
    assert reply.translations[0].detection_confidence > 0.9
    assert not reply.translations[2].HasField("detection_confidence")


async def test_a_given_language_is_not_detected():
    translation = await translate_one(PORTUGUESE)
    assert translation.source_language_code == "en"
    assert not translation.HasField("detection_confidence")
    assert translation.model == "models/en-pt"


async def test_a_region_is_served_by_its_language_and_the_reply_says_so():
    translation = await translate_one("Hello", target="pt-BR")
    assert translation.target_language_code == "pt"


async def test_flores_codes_are_accepted():
    translation = await translate_one("Hello", target="por_Latn", source_language_code="eng_Latn")
    assert (translation.source_language_code, translation.target_language_code) == ("en", "pt")


async def test_a_text_in_the_target_language_comes_back_with_a_warning():
    translation = await translate_one(PORTUGUESE, source_language_code="")
    assert translation.translated_text == PORTUGUESE
    assert codes(translation) == ["SAME_LANGUAGE"]
    assert translation.model == ""


async def test_a_text_in_several_languages_is_translated_part_by_part_with_a_warning():
    text = f"😀 {ENGLISH}\n\n{PORTUGUESE}\n\n{ENGLISH}\n"
    translation = await translate_one(
        text,
        source_language_code="",
        output_config={"include_segments": True, "encoding_type": "ENCODING_TYPE_UTF16"},
    )
    assert translation.translated_text == f"😀 [{ENGLISH}]\n\n{PORTUGUESE}\n\n[{ENGLISH}]\n"
    assert (translation.source_language_code, translation.model) == ("en", "models/en-pt")
    assert translation.detection_confidence > 0.9
    assert codes(translation) == ["MIXED_LANGUAGES"]
    warning = translation.warnings[0]
    assert "pt" in warning.message

    def cut(whole, span):
        return whole.encode("utf-16-le")[2 * span.start_offset : 2 * span.end_offset].decode("utf-16-le")

    assert cut(text, warning.source_span) == PORTUGUESE
    pairs = [
        (cut(text, segment.source_span), cut(translation.translated_text, segment.target_span))
        for segment in translation.segments
    ]
    assert pairs == [(f"😀 {ENGLISH}", f"😀 [{ENGLISH}]"), (ENGLISH, f"[{ENGLISH}]")]


async def test_a_guessed_language_is_a_warning():
    translation = await translate_one("Olá", target="en", source_language_code="")
    assert translation.source_language_code == "pt"
    assert codes(translation) == ["LOW_DETECTION_CONFIDENCE"]


async def test_a_sentence_above_the_window_is_split_whole_and_reported():
    words = " ".join(f"word{number}" for number in range(150))
    translation = await translate_one(words, output_config={"include_segments": True})
    assert translation.translated_text.replace("[", "").replace("]", "") == words
    assert codes(translation) == ["SEGMENT_HARD_SPLIT"] * len(translation.segments)
    first = translation.warnings[0].source_span
    assert words[first.start_offset : first.end_offset].startswith("word0 ")


# Sentences that are the same are decoded once.
FIFTY = " ".join(f"One {'very ' * count}long." for count in range(50))


async def test_what_the_vocabulary_lacks_stays_in_its_place():
    translation = await translate_one("\U0001f642 Good. It is \U0001f642 nice. Very\U0001f642 nice \U0001f642!")
    assert translation.translated_text == (
        "\U0001f642 [Good.] [It is \U0001f642 nice.] [Very\U0001f642 nice \U0001f642!]"
    )
    assert codes(translation) == []


async def test_where_no_alignment_tells_the_place_it_is_told_that_it_may_be_wrong():
    text = "Good. It is \U0001f642 nice."
    translation = await translate_one(text, EchoEngine(replace(EN_PT, aligns=False)))
    assert "\U0001f642" in translation.translated_text
    assert codes(translation) == ["UNKNOWN_CHARACTERS"]
    span = translation.warnings[0].source_span
    assert text[span.start_offset : span.end_offset] == "It is \U0001f642 nice."


async def test_an_empty_answer_keeps_the_source_and_says_so():
    engine = EchoEngine(answer=lambda text: "" if "lost" in text else text.upper())
    translation = await translate_one("Kept. It is lost. Kept.", engine)
    assert translation.translated_text == "KEPT. It is lost. KEPT."
    assert codes(translation) == ["UNTRANSLATED"]


async def test_an_output_at_its_limit_is_reported():
    translation = await translate_one("One two three. One.", decoding_config={"max_output_tokens": 2})
    assert codes(translation) == ["OUTPUT_LIMIT_REACHED"]


@pytest.mark.parametrize(
    ("encoding", "codec", "unit"),
    [("UNSPECIFIED", "utf-32-le", 4), ("UTF8", "utf-8", 1), ("UTF16", "utf-16-le", 2), ("UTF32", "utf-32-le", 4)],
)
async def test_segments_point_into_both_texts_in_the_encoding_asked_for(encoding, codec, unit):
    text = "É \U0001f642 one.\nTwo é."
    translation = await translate_one(
        text, output_config={"include_segments": True, "encoding_type": f"ENCODING_TYPE_{encoding}"}
    )

    def cut(whole, span):
        return whole.encode(codec)[span.start_offset * unit : span.end_offset * unit].decode(codec)

    pairs = [
        (cut(text, segment.source_span), cut(translation.translated_text, segment.target_span))
        for segment in translation.segments
    ]
    assert pairs == [("É \U0001f642 one.", "[É \U0001f642 one.]"), ("Two é.", "[Two é.]")]


async def test_scores_and_segments_only_when_asked_for():
    plain = await translate_one("One. Two.")
    assert not plain.HasField("score")
    assert not plain.segments
    scored = await translate_one("One. Two.", output_config={"include_score": True, "include_segments": True})
    assert scored.score == -0.5
    assert [segment.score for segment in scored.segments] == [-0.5, -0.5]


async def test_alternatives_are_whole_texts():
    engine = EchoEngine()
    translation = await translate_one("One.\nTwo.", engine, alternative_count=2, output_config={"include_score": True})
    assert [alternative.translated_text for alternative in translation.alternatives] == [
        "[One.]bb*\n[Two.]bb*",
        "[One.]bb**\n[Two.]bb**",
    ]
    assert [alternative.score for alternative in translation.alternatives] == [-1.0, -1.5]
    assert engine.options[0].beam_size == 3


@pytest.mark.parametrize(
    ("fields", "beam_size", "shortlist"),
    [
        ({}, 1, False),
        ({"performance_preference": "PERFORMANCE_PREFERENCE_SPEED"}, 1, True),
        ({"performance_preference": "PERFORMANCE_PREFERENCE_QUALITY"}, 2, False),
        ({"decoding_config": {"beam_size": 4}}, 4, False),
        (
            {
                "decoding_config": {"beam_size": 1},
                "performance_preference": "PERFORMANCE_PREFERENCE_QUALITY",
            },
            1,
            False,
        ),
    ],
)
async def test_presets(fields, beam_size, shortlist):
    engine = EchoEngine()
    await translate_one("One.", engine, **fields)
    assert (engine.options[0].beam_size, engine.options[0].shortlist) == (beam_size, shortlist)


@pytest.mark.parametrize(
    ("mode", "segments"),
    [
        ("UNSPECIFIED", ["One", "two.", "Three."]),
        ("PUNCTUATION_AND_NEWLINES", ["One", "two.", "Three."]),
        ("PUNCTUATION", ["One two.", "Three."]),
        ("NONE", ["One two. Three."]),
    ],
)
async def test_splitting(mode, segments):
    engine = EchoEngine()
    await translate_one("One\ntwo. Three.", engine, sentence_splitting=f"SENTENCE_SPLITTING_{mode}")
    assert engine.segments == segments


INVALID = [
    (make(), "contents", "FIELD_INVALID"),
    (make("a", target=""), "target_language_code", "FIELD_INVALID"),
    (make("a", target="english"), "target_language_code", "FIELD_INVALID"),
    (make("a", source_language_code="x"), "source_language_code", "FIELD_INVALID"),
    (make("a", mime_type="text/rtf"), "mime_type", "MIME_TYPE_UNSUPPORTED"),
    (make("a", model="en-pt"), "model", "FIELD_INVALID"),
    (make("a", model="models/minilm"), "model", "FIELD_INVALID"),
    (make("a", alternative_count=-1), "alternative_count", "FIELD_INVALID"),
    (make("a", alternative_count=9), "alternative_count", "FIELD_INVALID"),
    (make("a", decoding_config={"beam_size": 9}), "decoding_config.beam_size", "FIELD_INVALID"),
    (make("a", decoding_config={"max_output_tokens": -1}), "decoding_config.max_output_tokens", "FIELD_INVALID"),
    (make("a", performance_preference=7), "performance_preference", "FIELD_INVALID"),
    (make("a", sentence_splitting=9), "sentence_splitting", "FIELD_INVALID"),
    (make("a", output_config={"encoding_type": 9}), "output_config.encoding_type", "FIELD_INVALID"),
    (make("a", candidate_language_codes=["pt"]), "candidate_language_codes", "FIELD_INVALID"),
    (
        make("a", source_language_code="", candidate_language_codes=["en", "?"]),
        "candidate_language_codes[1]",
        "FIELD_INVALID",
    ),
    (make("a", glossary_config={"glossary": "a"}), "glossary_config.glossary", "FIELD_INVALID"),
    (make("a", do_not_translate_phrases=["a", " "]), "do_not_translate_phrases[1]", "FIELD_INVALID"),
    (make("a", do_not_translate_phrases=["a" * 257]), "do_not_translate_phrases[0]", "REQUEST_TOO_LARGE"),
    (make("a", do_not_translate_phrases=["a"] * 1001), "do_not_translate_phrases", "REQUEST_TOO_LARGE"),
    (make("a", do_not_translate_phrases=["\x00"]), "do_not_translate_phrases[0]", "FIELD_INVALID"),
    (make_terms(("€", "euro")), "glossary_config.entries[0].source_term", "FIELD_INVALID"),
    (make_terms(("a", "b"), ("c", "d\ne")), "glossary_config.entries[1].target_term", "FIELD_INVALID"),
    (make_terms(("a", "\u200b")), "glossary_config.entries[0].target_term", "FIELD_INVALID"),
    (make_terms(("a", "b"), ("a", "c")), "glossary_config.entries[1]", "FIELD_INVALID"),
    (make("a", placeholder_syntaxes=[1, 9]), "placeholder_syntaxes[1]", "FIELD_INVALID"),
    (make("a", pivot_policy=7), "pivot_policy", "FIELD_INVALID"),
    (make(*["a"] * 1025), "contents", "REQUEST_TOO_LARGE"),
    (make("a" * 1_000_001), "contents", "REQUEST_TOO_LARGE"),
]


@pytest.mark.parametrize(("request_", "field", "reason"), INVALID, ids=[f"{row[1]}-{row[2]}" for row in INVALID])
async def test_a_bad_field_is_refused_by_name(request_, field, reason):
    failure = await refused(request_)
    assert (failure.code, failure.reason, failure.field) == ("INVALID_ARGUMENT", reason, field)
    assert failure.message.startswith(f"{field}: ")
    assert failure.details == ("ErrorInfo", "BadRequest")


async def test_limits_are_told_in_numbers():
    failure = await refused(make("a", "b", "c"), limits=Limits(translate_contents=2))
    assert (failure.metadata["requested"], failure.metadata["limit"]) == ("3", "2")


async def test_an_unserved_pair_names_the_nearest():
    failure = await refused(make("Hello", target="fi"))
    assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED")
    assert failure.metadata == {"source": "en", "target": "fi", "nearest": "en->pt"}
    assert "en->pt, pt->en" in failure.message


async def test_a_model_that_does_not_serve_the_pair_is_refused():
    failure = await refused(make("Hello", model="models/pt-en"))
    assert failure.reason == "LANGUAGE_PAIR_UNSUPPORTED"


async def test_an_unknown_model_names_those_there_are():
    failure = await refused(make("Hello", model="models/en-fi"))
    assert (failure.code, failure.reason) == ("NOT_FOUND", "MODEL_NOT_FOUND")
    assert failure.details == ("ErrorInfo", "ResourceInfo")
    assert "en-pt" in failure.message


async def test_a_language_that_no_model_reads_is_not_called_undetermined():
    failure = await refused(make("Ça va bien, merci beaucoup mes amis", source_language_code=""))
    assert (failure.reason, failure.metadata["source"]) == ("LANGUAGE_PAIR_UNSUPPORTED", "fr")


@pytest.mark.parametrize("text", ["ᏣᎳᎩ", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ. " * 20], ids=["a word", "an article"])
async def test_a_text_in_letters_of_no_known_language_is_named(text):
    failure = await refused(make(ENGLISH, text, source_language_code=""))
    assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "LANGUAGE_UNDETERMINED")
    assert failure.metadata["field"] == "contents[1]"


async def test_candidates_limit_the_detection():
    translation = await translate_one(PORTUGUESE, source_language_code="", target="en", candidate_language_codes=["pt"])
    assert translation.source_language_code == "pt"
    failure = await refused(make(PORTUGUESE, source_language_code="", candidate_language_codes=["en"]))
    assert failure.reason == "LANGUAGE_UNDETERMINED"


async def test_a_loading_model_is_unavailable_with_a_delay():
    failure = await refused(make("Hello"), EchoEngine(replace(EN_PT, state=State.LOADING), ENCODER))
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "MODEL_LOADING")
    assert failure.details == ("ErrorInfo", "RetryInfo")
    assert int(failure.trailer["grpc-retry-pushback-ms"]) > 0


async def test_invalid_utf8_is_an_invalid_argument():
    async with serving(EchoEngine()) as service:
        raw = service.channel.unary_unary("/polygist.v1.TranslationService/Translate")
        failure = await failure_of(raw(b"\x0a\x02\xff\xfe\x12\x02pt"))
    assert (failure.code, failure.reason, failure.field) == ("INVALID_ARGUMENT", "FIELD_INVALID", "request")


async def test_the_request_id_comes_back_in_the_trailer_of_answers_and_errors():
    async with serving(EchoEngine()) as service:
        call = service.translation.Translate(make("Hello"), metadata=[("x-request-id", "abc-1")])
        await call
        assert dict(iter(await call.trailing_metadata()))["x-request-id"] == "abc-1"
        assert "x-request-id" not in dict(iter(await call.initial_metadata()))
        failure = await failure_of(
            service.translation.Translate(make("Hello", target=""), metadata=[("x-request-id", "abc-2")])
        )
    assert failure.trailer["x-request-id"] == "abc-2"


async def test_a_passed_deadline_cancels_what_is_queued():
    engine = EchoEngine(delay=0.2)
    async with serving(engine) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.translation.Translate(make(FIFTY), timeout=0.3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_the_servers_longest_deadline_holds_for_everyone():
    failure = await refused(make(FIFTY), EchoEngine(delay=0.2), limits=Limits(deadline_seconds=1))
    assert (failure.code, failure.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
