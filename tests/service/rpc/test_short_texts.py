"""A word or a few whose language nobody names, over a real connection: answered, and said to be a guess where it is."""

import asyncio
import re

import grpc
import pytest
from polygist.v1 import common_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_service.limits import Limits
from polygist_service.observability.metrics import Metrics

from tests.service.echo import EchoEngine, multilingual, pair
from tests.service.harness import failure_of, serving
from tests.service.rpc.test_batch_translate import batch, config, item
from tests.service.rpc.test_translate import ENGLISH, codes, make, refused, translate

LABELS = ["Hello", "Hello world", "The cat", "OK", "Save", "Cancel", "Settings", "Yes", "No", "Log in", "lol", "a", "I"]
ROTULOS = ["Bom dia", "Obrigado", "Olá", "Guardar", "Não", "Sim", "Cancelar", "Definições", "Sair", "tudo bem?"]
TITLES = [
    "Bridge closed",
    "The mayor resigns",
    "Rain",
    "New ferry",
    "Schools reopen on Monday",
    "Budget",
    "Exit",
    "Home",
]


async def translate_all(texts, *, target, engine=None, **fields):
    """Each text by a request of its own."""
    async with serving(engine or EchoEngine()) as service:
        replies = [
            await service.translation.Translate(make(text, target=target, source_language_code="", **fields))
            for text in texts
        ]
    return [reply.translations[0] for reply in replies]


@pytest.mark.parametrize("fields", [{}, {"candidate_language_codes": ["en", "pt"]}], ids=["alone", "two candidates"])
@pytest.mark.parametrize(("texts", "source", "target"), [(LABELS, "en", "pt"), (ROTULOS, "pt", "en")])
async def test_labels_and_greetings_are_translated_without_naming_their_language(texts, source, target, fields):
    translations = await translate_all(texts, target=target, **fields)
    taken = {text: each.source_language_code for text, each in zip(texts, translations, strict=True)}
    assert taken == dict.fromkeys(texts, source)
    for text, translation in zip(texts, translations, strict=True):
        assert translation.translated_text == f"[{text}]"
        is_guess = translation.detection_confidence < 0.5
        assert codes(translation) == ["LOW_DETECTION_CONFIDENCE"] * is_guess


async def test_a_greeting_in_the_target_language_comes_back_as_it_is():
    for translation in await translate_all(["Bom dia", "Obrigado", "Não"], target="pt"):
        assert translation.translated_text in ("Bom dia", "Obrigado", "Não")
        assert codes(translation)[0] == "SAME_LANGUAGE"


async def test_the_warning_names_the_guess_the_next_likely_language_and_the_cure():
    (translation,) = await translate_all(["Hello"], target="pt")
    (warning,) = translation.warnings
    assert warning.code == common_pb2.WARNING_CODE_LOW_DETECTION_CONFIDENCE
    confidence = f"{translation.detection_confidence:.2f}"
    told = rf"the language is a guess: en \(confidence {confidence}\), or else [a-z]+; give source_language_code"
    assert re.fullmatch(told, warning.message)


@pytest.mark.parametrize("text", ["Danke", "Hola", "Gracias", "Hallo Welt", "Ciao", "Tack", "Xyzzy", "Dobry"])
async def test_a_short_text_that_no_model_reads_is_not_taken_for_another_language_in_silence(text):
    (translation,) = await translate_all([text], target="pt")
    assert "LOW_DETECTION_CONFIDENCE" in codes(translation)


@pytest.mark.parametrize(
    ("text", "language"), [("Guten Morgen", "de"), ("Buenas noches a todos", "es"), ("Kiitos", "fi")]
)
async def test_a_few_words_that_are_clearly_in_an_unread_language_are_refused(text, language):
    failure = await refused(make(text, source_language_code=""))
    assert (failure.reason, failure.metadata["source"]) == ("LANGUAGE_PAIR_UNSUPPORTED", language)


async def test_a_text_that_is_surely_in_an_unread_language_is_refused_even_among_candidates():
    german = "Der Ausschuss trifft sich am Donnerstag in der alten Stadt, um über die Brücke zu beraten."
    failure = await refused(make(german, source_language_code=""))
    assert (failure.reason, failure.metadata["source"]) == ("LANGUAGE_PAIR_UNSUPPORTED", "de")
    assert "contents[0] is in de" in failure.message
    failure = await refused(make(german, source_language_code="", candidate_language_codes=["en", "pt"]))
    assert (failure.reason, failure.metadata["source"]) == ("LANGUAGE_UNDETERMINED", "de")
    assert "none of the candidates: en, pt" in failure.message


@pytest.mark.parametrize("text", ["Да", "Привет", "你好", "สวัสดี", "שלום", "Ναι"])
async def test_letters_that_no_read_language_has_are_not_guessed_to_be_in_one(text):
    failure = await refused(make(text, source_language_code=""))
    assert failure.reason == "LANGUAGE_PAIR_UNSUPPORTED"
    assert "this server reads: en, pt" in failure.message


async def test_a_common_language_is_guessed_rather_than_a_rare_one_where_a_model_reads_them_all():
    engine = EchoEngine(multilingual("en", "pt", "de", "fr", "es", "br", "ff", "st", "xh", "vo", "eo"))
    translations = await translate_all(["Hello world", "The cat", "Save", "Thank you"], target="de", engine=engine)
    assert {translation.source_language_code for translation in translations} == {"en"}


async def test_the_language_is_one_from_which_the_target_can_be_reached():
    """`No` and `Sim` may be in either; only from one of them there is a way, directly or through a third language."""
    english = EchoEngine(pair("en", "fr"), pair("pt", "de"))
    for engine, source in ((english, "en"), (EchoEngine(pair("en", "de"), pair("pt", "fr")), "pt")):
        translations = await translate_all(["No", "Sim", "Final"], target="fr", engine=engine)
        assert {translation.source_language_code for translation in translations} == {source}
    through = EchoEngine(pair("pt", "es"), pair("es", "fr"), pair("en", "de"))
    translations = await translate_all(["Sim", "Final"], target="fr", engine=through)
    assert {translation.source_language_code for translation in translations} <= {"pt", "es"}
    (direct,) = await translate_all(
        ["Final"], target="fr", engine=through, pivot_policy=common_pb2.PIVOT_POLICY_DIRECT_ONLY
    )
    assert direct.source_language_code == "es"


@pytest.mark.parametrize("text", ["Hello world", "The cat", ENGLISH])
async def test_where_nothing_reaches_the_target_the_pair_of_a_language_that_is_read_is_refused(text):
    failure = await refused(make(text, target="fr", source_language_code=""))
    assert (failure.reason, failure.metadata["source"], failure.metadata["target"]) == (
        "LANGUAGE_PAIR_UNSUPPORTED", "en", "fr",
    )  # fmt: skip


async def test_the_other_texts_of_a_request_tell_what_a_word_is_in():
    words = ["Sol", "Mar", "Animal", "Hotel"]
    english = ["The bridge is closed today", "Where is the station", "It rains again"]
    portuguese = ["A ponte está fechada hoje", "Onde fica a estação", "Voltou a chover"]
    engine = EchoEngine(pair("en", "fr"), pair("pt", "fr"))
    for known, source in ((english, "en"), (portuguese, "pt")):
        for texts in (words + known, known[::-1] + words):
            request = make(*texts, target="fr", source_language_code="")
            reply = await translate(request, engine)
            sources = dict(zip(texts, (each.source_language_code for each in reply.translations), strict=True))
            assert sources == dict.fromkeys(texts, source)


async def test_a_file_of_short_titles_is_answered_over_a_stream():
    async with serving(EchoEngine()) as service:
        answers = await batch(
            service,
            config(source_language_code=""),
            *(item(str(at), title) for at, title in enumerate(TITLES)),
        )
    assert {key: answer.error.message for key, answer in answers.items() if answer.HasField("error")} == {}
    assert {answer.translation.source_language_code for answer in answers.values()} == {"en"}


@pytest.mark.parametrize("limits", [2, 64], ids=["two at a time", "all at a time"])
async def test_a_word_in_a_stream_is_in_what_the_items_before_it_are_in_whichever_is_done_first(limits):
    known = ["A ponte está fechada hoje", "Onde fica a estação", "Voltou a chover", "Bom dia a todos"]
    engine = EchoEngine(pair("en", "fr"), pair("pt", "fr"), delay=0.001)
    words = ["Hotel", "Animal", "Final"]
    async with serving(engine, limits=Limits(batch_items=limits)) as service:
        runs = []
        for texts in (words, [*known, *words], [*known, *words]):
            items = [item(text, text) for text in texts]
            answers = await batch(service, config(target="fr", source_language_code=""), *items)
            runs.append({text: answers[text].translation for text in words})
    assert {each.source_language_code for each in runs[0].values()} == {"en"}
    assert {each.source_language_code for each in runs[1].values()} == {"pt"}
    assert runs[1] == runs[2]


@pytest.mark.parametrize(("text", "target"), [("Tchau", "en"), ("hahaha", "pt"), ("ha ha ha", "pt")])
async def test_a_word_is_not_refused_as_one_of_a_language_of_few(text, target):
    (translation,) = await translate_all([text], target=target)
    assert translation.source_language_code in ("en", "pt")
    assert "LOW_DETECTION_CONFIDENCE" in codes(translation)


@pytest.mark.parametrize("text", ["你好", "我爱你", "你好，世界", "登录"])
async def test_a_word_in_chinese_characters_is_told_to_be_chinese(text):
    async with serving(EchoEngine()) as service:
        request = translation_service_pb2.DetectLanguageRequest(contents=[text])
        reply = await service.translation.DetectLanguage(request)
    assert reply.detections[0].languages[0].language_code == "zh"


async def test_the_first_lines_of_a_file_are_in_what_its_later_ones_are_in():
    words = ["Hotel", "Animal", "Final"]
    known = ["A ponte está fechada hoje", "Onde fica a estação", "Voltou a chover", "Bom dia a todos"]
    engine = EchoEngine(pair("en", "fr"), pair("pt", "fr"))
    async with serving(engine) as service:
        items = [item(text, text) for text in [*words, *known]]
        answers = await batch(service, config(target="fr", source_language_code=""), *items)
        # Without end: what is known by then has to do.
        long = [item(str(at), text) for at, text in enumerate([*words, *known * 10, *words])]
        others = await batch(service, config(target="fr", source_language_code=""), *long)
    for found in (answers, others):
        assert {each.translation.source_language_code for each in found.values()} == {"pt"}


async def test_whoever_waits_for_each_answer_gets_it_though_no_other_texts_come():
    async with serving(EchoEngine()) as service:
        call = service.translation.BatchTranslate()
        await call.write(config(source_language_code=""))
        for text in ("Hello", "The cat"):
            await call.write(item(text, text))
            answer = await asyncio.wait_for(call.read(), 30)
            assert (answer.item_id, answer.translation.source_language_code) == (text, "en")
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_an_item_that_fails_or_names_its_language_keeps_nobody_waiting():
    async with serving(EchoEngine(delay=0.001)) as service:
        answers = await batch(
            service,
            config(source_language_code=""),
            item("named", ENGLISH, source_language_code="en"),
            item("no such", "Hello", source_language_code="no such"),
            item("digits", "12"),
            item("last", "Hello world"),
        )
    assert answers["no such"].HasField("error")
    assert answers["last"].translation.translated_text == "[Hello world]"


async def test_what_a_text_surely_says_is_the_same_alone_and_in_a_stream():
    async with serving(EchoEngine()) as service:
        unary = await service.translation.Translate(make(ENGLISH, source_language_code=""))
        answers = await batch(
            service,
            config(source_language_code=""),
            *(item(str(at), text) for at, text in enumerate([*ROTULOS, ENGLISH])),
        )
    assert answers[str(len(ROTULOS))].translation == unary.translations[0]


async def test_a_stream_answers_as_the_unary_call_does_whatever_is_guessed():
    request = make(*LABELS, source_language_code="")
    async with serving(EchoEngine()) as service:
        unary = await service.translation.Translate(request)
        wrapped = translation_service_pb2.StreamTranslateRequest(request=request)
        streamed = [
            event.translation
            async for event in service.translation.StreamTranslate(wrapped)
            if event.HasField("translation")
        ]
    told = [(each.source_language_code, each.detection_confidence, codes(each)) for each in streamed]
    assert told == [(each.source_language_code, each.detection_confidence, codes(each)) for each in unary.translations]


async def test_detection_of_a_word_names_a_language_that_it_may_well_be_in():
    async with serving(EchoEngine()) as service:
        texts = ["Hello", "Hello world", "Bom dia", "Obrigado", "Bonjour", "Guten Morgen", "ᏣᎳᎩ", "12"]
        request = translation_service_pb2.DetectLanguageRequest(contents=texts)
        reply = await service.translation.DetectLanguage(request)
    best = [detection.languages[0].language_code for detection in reply.detections]
    assert best == ["en", "en", "pt", "pt", "fr", "de", "und", "und"]
    for detection in reply.detections:
        assert detection.languages[-1].language_code == "und"
        assert sum(each.confidence for each in detection.languages) == pytest.approx(1, abs=1e-6)


async def test_candidates_limit_what_is_detected_and_do_not_make_it_surer():
    texts = ["Hello world", "Der Rat stimmte für den Wiederaufbau der Brücke."]
    async with serving(EchoEngine()) as service:
        alone, limited = [
            await service.translation.DetectLanguage(
                translation_service_pb2.DetectLanguageRequest(
                    contents=texts, max_candidate_count=100, candidate_language_codes=candidates
                )
            )
            for candidates in ((), ("en", "pt-BR"))
        ]
    for everything, some in zip(alone.detections, limited.detections, strict=True):
        known = {each.language_code: each.confidence for each in everything.languages[:-1]}
        told = {each.language_code: each.confidence for each in some.languages[:-1]}
        assert set(told) <= {"en", "pt"}
        assert all(known[code] == confidence for code, confidence in told.items())


@pytest.mark.parametrize("word", ["auto", "AUTO", "und", "detect", "mul", " auto-detect "])
async def test_asking_for_detection_by_a_word_says_what_to_leave_out(word):
    wanted = "source_language_code", f"{word!r} is no language code; leave it empty, and the language is detected"
    async with serving(EchoEngine()) as service:
        summary = summarisation_service_pb2.SummariseRequest(contents=[ENGLISH], source_language_code=word)
        for call in (
            service.translation.Translate(make(ENGLISH, source_language_code=word)),
            service.summarisation.Summarise(summary),
        ):
            failure = await failure_of(call)
            assert (failure.code, failure.reason) == ("INVALID_ARGUMENT", "FIELD_INVALID")
            assert (failure.field, failure.message) == (wanted[0], ": ".join(wanted))
        answers = await batch(service, config(), item("1", ENGLISH, source_language_code=word))
    assert answers["1"].error.message == ": ".join(wanted)


async def test_a_guess_is_counted_as_one():
    metrics = Metrics({"en", "pt"})
    async with serving(EchoEngine(), metrics=metrics) as service:
        for text in ("Hello", ENGLISH, "12"):
            await service.translation.Translate(make(text, source_language_code=""))
    samples = {
        (sample.labels["language"], sample.labels["result"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "polygist_detections_total"
    }
    assert samples == {("en", "guess"): 1, ("en", "sure"): 1}
