"""What a model writes wrongly is decoded again another way, and what cannot be mended is told or held back."""

from collections import Counter

import pytest
from polygist_service.notices import NoticeKind
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.faults import localise_numbers
from polygist_service.translation.routing import Routes
from polygist_service.translation.translator import Translator
from polygist_service.translation.types import DecodingPreset, TranslationRequest

from tests.service.echo import EchoEngine, pair
from tests.service.harness import DETECTOR
from tests.service.one_model import ME, text_pool

LONG = "the council of the town will close the old pool in the spring because the roof is no longer safe today."


async def translate(text, answer, *, models=(), **preset):
    """The translation of a text by a model that answers so, and what the model had to read, in order."""
    engine = EchoEngine(*(models or (pair("en", "pt"),)), answer=answer)
    async with text_pool() as pool:
        translator = Translator(engine, routes=Routes(engine), languages=LanguageResolver(DETECTOR, pool), pool=pool)
        request = TranslationRequest([text], "pt", source="en", decoding=DecodingPreset(**preset))
        (translation,) = await translator.translate(request, ME)
    return translation, engine


def shown(translation):
    """The text without the width of the beam, which the engine writes behind each answer."""
    return translation.text.rstrip("b")


def kinds(translation):
    return [notice.kind for notice in translation.notices]


class Attempts:
    """Answers each text wrongly so many times, and then as it should."""

    def __init__(self, wrong, *, times=1, right=str.upper):
        self.wrong, self.times, self.right = wrong, times, right
        self.seen = Counter()

    def __call__(self, text):
        self.seen[text] += 1
        return self.wrong(text) if self.seen[text] <= self.times else self.right(text)


async def test_what_is_fine_is_decoded_once():
    translation, engine = await translate(LONG, str.upper)
    assert translation.text == LONG.upper()
    assert len(engine.segments) == 1
    assert kinds(translation) == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda text: "the pool the pool " * 20,
        lambda text: "na" * 60,
        lambda text: "x" * 400,
        lambda text: f"{text} {' '.join(chr(97 + n % 26) * (n % 7 + 2) for n in range(120))}",
    ],
    ids=["words", "letters", "one word", "too long"],
)
async def test_a_loop_is_decoded_again_with_penalties(wrong):
    translation, engine = await translate(LONG, Attempts(wrong))
    assert translation.text == LONG.upper()
    assert engine.options[-1].no_repeat_ngram_size > 0
    assert engine.options[-1].repetition_penalty > 1
    assert kinds(translation) == [NoticeKind.REPETITION_SUPPRESSED]


@pytest.mark.parametrize("added", ["(em inglês)", "（LES）"])
async def test_a_parenthesis_that_the_source_has_not_is_not_written(added):
    translation, engine = await translate("John Smith", Attempts(lambda text: f"{text} {added}"))
    assert translation.text == "JOHN SMITH"
    assert [options.no_parentheses for options in engine.options] == [False, True]
    assert kinds(translation) == []


@pytest.mark.parametrize("text", ["John Smith (actor) lives", "John Smith lives :("])
async def test_a_parenthesis_of_the_source_is_no_fault(text):
    translation, engine = await translate(text, str.upper)
    assert translation.text == text.upper()
    assert len(engine.segments) == 1


async def test_a_model_that_writes_parentheses_all_the_same_is_asked_once_more_only():
    translation, engine = await translate("John Smith", lambda text: f"{text} (X)")
    assert translation.text == "John Smith (X)"
    assert len(engine.segments) == 2


async def test_then_by_halves():
    whole = Attempts(lambda text: "na" * 100, times=100)
    translation, _ = await translate(LONG, lambda text: whole(text) if text == LONG else text.upper())
    assert translation.text == LONG.upper()
    assert kinds(translation) == [NoticeKind.REPETITION_SUPPRESSED]


async def test_an_output_is_never_three_times_as_long_as_its_source():
    translation, _ = await translate(LONG, lambda text: "na" * 200)
    assert translation.text == LONG
    assert kinds(translation) == [NoticeKind.UNTRANSLATED]


async def test_what_the_source_repeats_may_be_repeated():
    text = "Row, row, row, row, row, row your boat gently down the stream."
    translation, engine = await translate(text, str.upper)
    assert translation.text == text.upper()
    assert len(engine.segments) == 1


async def test_an_empty_output_is_decoded_again():
    translation, _ = await translate(LONG, Attempts(lambda text: ""))
    assert shown(translation) == LONG.upper()
    assert kinds(translation) == []


async def test_a_copied_source_is_decoded_again():
    translation, _ = await translate(LONG, Attempts(lambda text: text, right=lambda text: f"[{text}]"))
    assert shown(translation) == f"[{LONG}]"


async def test_a_name_that_stays_as_it_is_is_no_copy():
    translation, engine = await translate("Anna Lee, New York", lambda text: text)
    assert kinds(translation) == []
    assert len(engine.segments) == 1


async def test_letters_of_another_script_are_decoded_again():
    translation, _ = await translate(LONG, Attempts(lambda text: "город закроет бассейн " * 3))
    assert shown(translation) == LONG.upper()


async def test_a_swallowed_half_is_decoded_again():
    translation, _ = await translate(LONG, Attempts(lambda text: text[:40].upper()))
    assert shown(translation) == LONG.upper()


async def test_a_lost_placeholder_comes_back_by_its_place():
    text = "see https://example.org/page for all the details of it."
    translation, engine = await translate(text, lambda text: text.replace("XQ1", "").upper())
    assert "https://example.org/page" in translation.text
    assert translation.text.endswith("FOR ALL THE DETAILS OF IT.")
    assert "XQ1" in engine.segments[0]
    assert "XQ1" not in engine.segments[-1]


async def test_numbers_inside_an_address_are_no_numbers():
    text = "see https://example.org/10.1000/41,579.5 for the 1,500 details of it."
    translation, _ = await translate(text, lambda text: text.replace("see", "ver").replace("1,500", "1.500"))
    assert translation.text == "ver https://example.org/10.1000/41,579.5 for the 1.500 details of it."
    assert kinds(translation) == []


async def test_a_number_that_changes_is_put_right_where_its_place_is_certain():
    text = "the town counted 1,234,567 people in it."
    translation, _ = await translate(text, lambda text: "a cidade contou 13.267 pessoas nela.")
    assert translation.text == "a cidade contou 1.234.567 pessoas nela."
    assert kinds(translation) == []


async def test_a_number_that_is_lost_is_decoded_again_and_told_of():
    text = "the town counted 1,234,567 people in it."
    translation, engine = await translate(text, lambda text: "a cidade contou muitas pessoas nela.")
    assert len(engine.segments) == 2
    (notice,) = translation.notices
    assert notice.kind is NoticeKind.NUMBER_CHANGED
    assert text[slice(*notice.span)] == "1,234,567"


async def test_segments_that_are_alike_are_decoded_once():
    translation, engine = await translate("It is open. It is closed. It is open.", str.upper)
    assert translation.text == "IT IS OPEN. IT IS CLOSED. IT IS OPEN."
    assert sorted(engine.segments) == ["It is closed.", "It is open."]


async def test_what_has_nothing_to_translate_is_not_decoded():
    translation, engine = await translate(f"{'x' * 9000} https://example.org/a", str.upper)
    assert translation.text == f"{'x' * 9000} https://example.org/a"
    assert engine.segments == []


async def test_a_text_in_unknown_letters_comes_back_with_a_warning():
    # The echo vocabulary knows nothing beyond the basic plane.
    text = "\U00010330\U00010331\U00010332 \U00010333"
    translation, engine = await translate(text, str.upper)
    assert translation.text == text
    assert kinds(translation) == [NoticeKind.UNTRANSLATED]
    assert engine.segments == []


async def test_the_attempts_are_bounded():
    text = " ".join(f"word{number} and some more of it here." for number in range(300))
    _, engine = await translate(text, lambda text: "na" * 200)
    assert len(engine.segments) <= 2 * 300 + 64 + 1


def test_before_another_attempt_only_what_is_measured_is_written_anew():
    text = "In iOS 17.2 (Sec. 4.2 in all) it grew 2.5 % to 1,234.5 kg at 6.30."
    assert localise_numbers(text, "en", "pt") == "In iOS 17.2 (Sec. 4.2 in all) it grew 2,5 % to 1.234,5 kg at 6.30."
    text = "O CPF 123.456.789-00 pesa 1.234,5 kg."
    assert localise_numbers(text, "pt", "en") == "O CPF 123.456.789-00 pesa 1,234.5 kg."
