import asyncio
from dataclasses import replace

import pytest
from polygist_service.engine.interface import Role
from polygist_service.summarisation.grounding.checker import GroundingChecker
from polygist_service.summarisation.types import Article

from tests.service.echo import EN_PT, ENCODER, EchoEngine

TEXT = (
    "By Mary Jones\n"
    "The old bridge over the river fell on Tuesday night after two days of rain. "
    "Nobody was hurt when it came down. "
    "A ferry will run all year, the mayor John Smith told 300 people in the town hall. "
    "The school for forty children opens in May."
)
ARTICLE = Article.read(TEXT, "en")
BRIDGE, FERRY = ARTICLE.sentences[1].text, ARTICLE.sentences[3].text


def span_of(sentence):
    start = TEXT.index(sentence)
    return (start, start + len(sentence))


@pytest.fixture
def judge(executor):
    """Verdicts on sentences about the article."""

    def judge(*sentences, engine=None, article=ARTICLE, language="en"):
        guard = GroundingChecker(engine or EchoEngine(), executor)
        return asyncio.run(guard.judge(sentences, article, language=language, caller="test"))

    return judge


def test_a_copy_passes_and_needs_no_encoder(judge):
    engine = EchoEngine(EN_PT)
    (verdict,) = judge(BRIDGE.replace(" ", "\n", 1), engine=engine)
    assert not verdict.is_replaced
    assert verdict.support == 1
    assert [(each.source_span, each.support) for each in verdict.citations] == [(span_of(BRIDGE), 1.0)]


@pytest.mark.parametrize("models", [(ENCODER,), (EN_PT,)], ids=["encoder", "wording alone"])
def test_what_keeps_to_the_article_passes_with_its_source(judge, models):
    written = "The old bridge over the river fell after two days of rain."
    (verdict,) = judge(written, engine=EchoEngine(*models))
    assert verdict.text == written
    assert not verdict.is_replaced
    assert verdict.citations[0].source_span == span_of(BRIDGE)
    assert 0.6 < verdict.citations[0].support < 1


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("A ferry will run all year, the mayor told 400 people in the town hall.", "400"),
        ("A ferry will run all year, the mayor Jane Smith told 300 people in the town hall.", "Jane Smith"),
        ("A ferry will never run, the mayor seems to dislike people in boats.", "support 0."),
        (f"{'A ferry will run all year, the mayor told. ' * 3}", "repeats itself"),
    ],
)
@pytest.mark.parametrize("models", [(ENCODER,), (EN_PT,)], ids=["encoder", "wording alone"])
def test_what_the_article_does_not_say_is_replaced_by_the_nearest_sentence(judge, models, written, reason):
    (verdict,) = judge(written, engine=EchoEngine(*models))
    assert verdict.is_replaced
    assert verdict.text == FERRY
    assert reason in verdict.reason
    assert verdict.support < 1
    assert [(each.source_span, each.support) for each in verdict.citations] == [(span_of(FERRY), 1.0)]


def test_the_earlier_of_two_as_near_stands_in(judge):
    article = Article.read("The red ferry runs all year on the river. The red ferry runs all year on the lake.", "en")
    (verdict,) = judge("The red ferry runs all year on 9 seas.", article=article)
    assert verdict.text == article.sentences[0].text


def test_no_sentence_of_the_article_is_shown_twice(judge):
    wrong = "A ferry will run all year, the mayor told {} people in the town hall."
    verdicts = judge(wrong.format(400), FERRY, wrong.format(500))
    assert len({verdict.text for verdict in verdicts}) == 3
    assert FERRY in judge(*(wrong.format(at) for at in range(400, 410)))[0].text


def test_boilerplate_does_not_stand_in(judge):
    (verdict,) = judge("By Mary Jones, 51")
    assert verdict.is_replaced
    assert verdict.text != "By Mary Jones"


def test_verdicts_come_in_order(judge):
    written = [FERRY, "Penguins won the cup.", BRIDGE]
    assert [verdict.is_replaced for verdict in judge(*written)] == [False, True, False]


def test_another_language_is_held_against_numbers_and_encoder(judge):
    copied = "Um ferry will run all year, the mayor John Smith told 300 pessoas in the town hall."
    assert not judge(copied, language="pt")[0].is_replaced
    assert "400" in judge(copied.replace("300", "400"), language="pt")[0].reason
    assert judge("A escola abre cedo.", language="pt")[0].is_replaced


def test_what_nothing_can_read_does_not_pass(judge):
    english_only = replace(ENCODER, source_languages=("en",))
    (verdict,) = judge("Um ferry will run all year.", language="pt", engine=EchoEngine(english_only))
    assert verdict.is_replaced
    assert verdict.support == 0


def test_of_a_long_article_the_likely_sentences_are_encoded(judge, monkeypatch):
    engine = EchoEngine()
    encoded = []
    encode = engine.encode

    async def watched(model, sentences, **options):
        assert engine.model(model).role is Role.ENCODER
        encoded.extend(sentences)
        return await encode(model, sentences, **options)

    monkeypatch.setattr(engine, "encode", watched)
    sentences = [f"On day {at} the ferry number {at * 7} crossed the lake in fog." for at in range(1000)]
    article = Article.read(" ".join(sentences), "en")
    (verdict,) = judge("On day 777 the ferry number 5439 crossed the lake, in fog.", engine=engine, article=article)
    assert len(encoded) == 401
    assert sentences[777] in encoded
    assert not verdict.is_replaced
    start = article.text.index(sentences[777])
    assert verdict.citations[0].source_span == (start, start + len(sentences[777]))
