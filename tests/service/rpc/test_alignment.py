"""Word alignment on the wire: pairs of words, at their places in what was sent and in what is answered."""

import re
from dataclasses import replace
from itertools import pairwise

from polygist.v1 import model_service_pb2

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine, pair
from tests.service.harness import failure_of, serving
from tests.service.rpc.test_batch_translate import batch, config, item
from tests.service.rpc.test_stream_translate import join, stream
from tests.service.rpc.test_translate import make

ALIGNED = {"output_config": {"include_alignment": True}}
WRAPPED = (
    "> The committee of the old town will\n> meet on Thursday because the roof of\n> the hall has to be mended soon.\n"
)
# The engine answers each text with its own words, so every word belongs to itself; emoji it does not know.
TEXTS = [
    "One two three. Four five!",
    "It is \U0001f642 nice, isn't it?",
    "Write to anna.lee@example.org before 12:30.",
    "Chapter one\t12\tthe end\r\n\r\n  * A list: its item",
    "THE OLD TOWN IS CLOSED. The NEW one is not.",
    "It is open. It is closed. It is open.",
    "東京タワーは高い",
    " ".join(f"word{number}" for number in range(150)),
    WRAPPED,
    "\U0001f642 \U0001f642",
    "",
]


def cut(text, span, codec="utf-32-le", unit=4):
    return text.encode(codec)[span.start_offset * unit : span.end_offset * unit].decode(codec)


def read_pairs(text, translation, **encoding):
    """The words of each segment that belong together; raises where one is not inside its segment."""
    found = []
    for segment in translation.segments:
        spans = [(each.source_span, each.target_span) for each in segment.alignment]
        for inner in spans:
            for part, whole in zip(inner, (segment.source_span, segment.target_span), strict=True):
                assert whole.start_offset <= part.start_offset < part.end_offset <= whole.end_offset
        targets = [span for _, span in spans]
        assert all(one.end_offset <= other.start_offset for one, other in pairwise(targets))
        assert all(0 < each.probability <= 1 for each in segment.alignment)
        found.append(
            [(cut(text, one, **encoding), cut(translation.translated_text, other, **encoding)) for one, other in spans]
        )
    return found


async def test_every_word_comes_with_its_own():
    engine = EchoEngine()
    async with serving(engine) as service:
        reply = await service.translation.Translate(make(*TEXTS, **ALIGNED))
        assert join(await stream(service, make(*TEXTS, **ALIGNED)), len(TEXTS)) == reply
        answers = await batch(service, config(**ALIGNED), *(item(str(at), text) for at, text in enumerate(TEXTS)))
    assert [answers[str(at)].translation for at in range(len(TEXTS))] == list(reply.translations)
    pairs = {text: read_pairs(text, each) for text, each in zip(TEXTS, reply.translations, strict=True)}
    flat = [pair for each in pairs.values() for segment in each for pair in segment]
    assert [(one, other) for one, other in flat if " ".join(one.replace("\n> ", " ").split()) != other] == []
    assert pairs[TEXTS[0]] == [[(word, word) for word in each] for each in (["One", "two", "three"], ["Four", "five"])]
    assert [word for word, _ in pairs[TEXTS[1]][0]] == ["It", "is", "nice", "isn't", "it"]
    assert "anna.lee@example.org" in [word for word, _ in pairs[TEXTS[2]][0]]
    assert [word for word, _ in pairs[TEXTS[6]][0]] == ["東京タワーは高い"]
    assert len({word for segment in pairs[TEXTS[7]] for word, _ in segment}) == 150
    assert sum(len(segment) for segment in pairs[WRAPPED]) == 21


async def test_alignment_implies_segments_and_is_there_only_when_asked_for():
    engine = EchoEngine()
    async with serving(engine) as service:
        plain = await service.translation.Translate(make("One.", output_config={"include_segments": True}))
        aligned = await service.translation.Translate(make("One.", **ALIGNED))
    assert [len(each.translations[0].segments) for each in (plain, aligned)] == [1, 1]
    assert not plain.translations[0].segments[0].alignment
    assert [options.alignment for options in engine.options] == [False, True]


async def test_offsets_are_in_the_encoding_asked_for():
    text = "É \U0001f642 one é.\nTwo \U0001f642\U0001f642 é."
    encodings = {"UTF8": ("utf-8", 1), "UTF16": ("utf-16-le", 2), "UTF32": ("utf-32-le", 4)}
    async with serving(EchoEngine()) as service:
        for name, (codec, unit) in encodings.items():
            wanted = {"include_alignment": True, "encoding_type": f"ENCODING_TYPE_{name}"}
            (translation,) = (await service.translation.Translate(make(text, output_config=wanted))).translations
            pairs = read_pairs(text, translation, codec=codec, unit=unit)
            assert pairs == [[(word, word) for word in each] for each in (["É", "one", "é"], ["Two", "é"])]


async def test_what_is_written_again_in_another_way_is_aligned_all_the_same():
    def answer(text):
        if len(text) > 60:
            return ""  # so it is written by halves
        return text.replace("12", "21") if "ducks" in text else text

    texts = [
        "The council of the town will close the old pool in the spring because the roof is not safe today",
        "They saw 12 ducks",
    ]
    async with serving(EchoEngine(answer=answer)) as service:
        reply = await service.translation.Translate(make(*texts, **ALIGNED))
    for text, translation in zip(texts, reply.translations, strict=True):
        (pairs,) = read_pairs(text, translation)
        words = re.findall(r"\w+", text)
        # The engine writes the width of its beam behind each answer.
        assert [(one, other.rstrip("b")) for one, other in pairs] == [(word, word) for word in words]


async def test_the_alignment_goes_through_both_models_of_a_pivot():
    engine = EchoEngine(pair("de", "en"), EN_PT, answer=lambda text: " ".join(reversed(text.split())))
    async with serving(engine) as service:
        request = make("eins zwei drei vier", source_language_code="de", **ALIGNED)
        (translation,) = (await service.translation.Translate(request)).translations
    assert translation.translated_text == "eins zwei drei vier"
    assert read_pairs("eins zwei drei vier", translation) == [[(w, w) for w in ("eins", "zwei", "drei", "vier")]]


async def test_a_model_that_cannot_align_is_refused_by_name_before_it_works():
    blind = replace(EN_PT, aligns=False)
    engine = EchoEngine(pair("de", "en"), blind, PT_EN, ENCODER)
    requests = [
        make("One.", **ALIGNED),
        make("One.", "The committee meets on Thursday.", source_language_code="", **ALIGNED),
        make("Eins.", source_language_code="de", **ALIGNED),
        make("One.", model="models/en-pt", **ALIGNED),
    ]
    async with serving(engine) as service:
        failures = [await failure_of(service.translation.Translate(request)) for request in requests]
        failures.append(await failure_of(stream(service, requests[0])))
        for fields in ({}, {"source_language_code": "", "model": "models/en-pt"}):
            failures.append(await failure_of(batch(service, config(**fields, **ALIGNED))))
        answers = await batch(
            service, config(source_language_code="", **ALIGNED), item("a", "One.", source_language_code="en")
        )
        assert answers["a"].error.reason == "CAPABILITY_UNSUPPORTED"
        # What needs no model needs no alignment.
        (kept,) = (await service.translation.Translate(make("12 \U0001f642", **ALIGNED))).translations
        listed = await service.models.ListModels(model_service_pb2.ListModelsRequest())
    assert kept.translated_text == "12 \U0001f642"
    for failure in failures:
        assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "CAPABILITY_UNSUPPORTED")
        assert failure.metadata == {"field": "output_config.include_alignment", "model": "en-pt"}
        assert failure.message.startswith("output_config.include_alignment: model en-pt ")
        assert "name a model that does: de-en, pt-en" in failure.message
    assert engine.segments == []
    assert {each.name: each.word_alignment for each in listed.models} == {
        "models/de-en": True, "models/en-pt": False, "models/pt-en": True, "models/minilm": False
    }  # fmt: skip
