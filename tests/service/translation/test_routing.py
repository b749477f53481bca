import string
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.engine.interface import State
from polygist_service.errors import NotFound, UnsupportedLanguagePair
from polygist_service.text.languages import is_same_language, name_few, serving
from polygist_service.translation.routing import Routes
from polygist_service.translation.types import PivotPolicy, Preference

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine, multilingual, pair
from tests.service.shelf import Shop

# Two hundred languages with codes as long as they come, of those that no standard will ever give away.
LANGUAGES = tuple(f"q{one}{two}-Latn" for one, two in product(string.ascii_lowercase[:8], string.ascii_lowercase))[:200]


def find(models, source, target, *, pivot_languages=("en",), **wanted):
    return Routes(EchoEngine(*models), pivot_languages=pivot_languages).find(source, target, **wanted)


def names(route):
    return [hop.model.name for hop in route.hops]


def test_a_route_tells_what_is_read_and_written():
    route = find([pair("de", "en-GB"), EN_PT], "de-AT", "pt-BR")
    assert [(hop.source, hop.target) for hop in route.hops] == [("de", "en-GB"), ("en", "pt")]
    assert (route.source, route.target, route.pivots, route.model.name) == ("de", "pt", ("en-GB",), "en-pt")


def test_pivot_languages_go_before_others_in_their_order():
    ways = [pair("de", code) for code in ("af", "en", "fr", "sv")] + [pair(code, "fi") for code in ("af", "en", "fr")]
    assert names(find(ways, "de", "fi")) == ["de-en", "en-fi"]
    assert names(find(ways, "de", "fi", pivot_languages=("sv", "fr", "en"))) == ["de-fr", "fr-fi"]
    assert names(find(ways, "de", "fi", pivot_languages=())) == ["de-af", "af-fi"]


def test_without_a_pivot_language_pairs_go_before_multilingual_models():
    models = [multilingual("ab", "de", name="a-many"), pair("ab", "fi"), pair("de", "nl"), pair("nl", "fi")]
    assert names(find(models, "de", "fi")) == ["de-nl", "nl-fi"]


@pytest.mark.parametrize(
    ("preference", "name"), [(Preference.DEFAULT, "b"), (Preference.SPEED, "b"), (Preference.QUALITY, "c")]
)
def test_equals_are_told_apart_by_memory_and_then_by_name(preference, name):
    sizes = {"d": 9, "c": 9, "e": 5, "b": 1, "f": 1}
    models = [pair("en", "pt", name=name, memory_bytes=size) for name, size in sizes.items()]
    assert names(find(models, "en", "pt", preference=preference)) == [name]


def test_a_failed_model_is_the_last_resort():
    failed = pair("en", "pt", name="a", state=State.FAILED)
    assert names(find([failed, EN_PT], "en", "pt")) == ["en-pt"]
    assert names(find([failed], "en", "pt")) == ["a"]
    detour = [failed, pair("en", "es"), pair("es", "pt")]
    assert names(find(detour, "en", "pt")) == ["en-es", "es-pt"]
    assert names(find(detour, "en", "pt", pivot_policy=PivotPolicy.DIRECT_ONLY)) == ["a"]


@pytest.mark.parametrize("state", [State.UNLOADED, State.LOADING])
def test_a_model_that_is_not_loaded_yet_is_as_good_as_another(state):
    models = [pair("en", "pt", state=state), multilingual("en", "pt")]
    assert names(find(models, "en", "pt")) == ["en-pt"]


def test_the_model_named_is_taken_whatever_there_is():
    named = multilingual("en", "pt", state=State.FAILED)
    assert names(find([named, EN_PT], "en", "pt", model="many")) == ["many"]
    with pytest.raises(NotFound):
        find([EN_PT], "en", "pt", model="none")


def refusal(*arguments, **wanted):
    with pytest.raises(UnsupportedLanguagePair) as caught:
        find(*arguments, **wanted)
    return caught.value


@pytest.mark.parametrize(
    ("models", "wanted"),
    [
        ([multilingual(*LANGUAGES)], {}),
        ([multilingual(*LANGUAGES)], {"model": "many"}),
        ([multilingual(*LANGUAGES), multilingual(*LANGUAGES, name="more"), EN_PT, PT_EN], {}),
        ([multilingual(*LANGUAGES, "en"), EN_PT], {"pivot_policy": PivotPolicy.DIRECT_ONLY}),
    ],
)
@pytest.mark.parametrize(("source", "target"), [(LANGUAGES[0], "pt"), ("pt", LANGUAGES[0]), ("fi", "ja")])
def test_a_refusal_is_short_however_many_languages_there_are(models, wanted, source, target):
    error = refusal(models, source, target, **wanted)
    assert len(error.message) < 1000
    assert all(len(value) < 100 for value in error.metadata.values())
    assert source in error.message
    assert target in error.message


def test_a_refusal_tells_what_there_is_of_either_language():
    message = refusal([multilingual(*LANGUAGES[:20])], LANGUAGES[0], "pt").message
    assert "20 languages to read and 20 to write" in message
    assert f"from {LANGUAGES[0]} to: {', '.join(LANGUAGES[1:9])} and 11 more; to pt from: none" in message


def test_a_server_without_models_for_translation():
    error = refusal([ENCODER], "en", "pt")
    assert (error.message, error.metadata["nearest"]) == ("no model for en->pt; this server has: none", "")


def test_few_are_named_and_the_rest_is_counted():
    assert name_few(()) == "none"
    assert name_few({"b", "a"}) == "a, b"
    assert name_few([*map(str, range(9))], most=8) == "0, 1, 2, 3, 4, 5, 6, 7 and 1 more"


def test_a_code_is_served_by_itself_before_another():
    assert serving("pt", ("pt-PT", "pt")) == "pt"
    assert serving("pt", ("en", "pt-PT", "pt-BR")) == "pt-PT"
    assert serving("zh-TW", ("zh", "zh-Hant")) == "zh-Hant"
    assert serving("zh-Hant", ("zh",)) is None


CODES = ("de", "en", "fr", "pt", "pt-BR", "sr", "sr-Latn")
SOME_CODES = st.sets(st.sampled_from(CODES), min_size=1, max_size=3).map(sorted).map(tuple)


@given(languages=st.lists(st.tuples(SOME_CODES, SOME_CODES), min_size=1, max_size=4))
def test_what_can_be_reached_is_what_has_a_route(languages):
    models = [
        replace(EN_PT, name=f"{at}", source_languages=sources, target_languages=targets)
        for at, (sources, targets) in enumerate(languages)
    ]
    routes = Routes(EchoEngine(*models))
    for source in CODES:
        reach = {
            **dict.fromkeys(routes.reach().pivoted(source), 2),
            **dict.fromkeys(routes.reach().direct(source), 1),
        }
        for target in {code for model in models for code in model.target_languages}:
            hops = count_hops(routes, source, target)
            assert reach.get(target) == (hops if target in reach else None)
            assert target in reach or not hops or served_by_another(target, reach)


def count_hops(routes, source, target):
    if is_same_language(source, target):
        return None
    try:
        return len(routes.find(source, target).hops)
    except UnsupportedLanguagePair:
        return None


def served_by_another(target, reach):
    """Whether a language is left out because one that serves it is reached with fewer hops."""
    return serving(target, tuple(reach)) is not None


SHOP = Shop(
    pairs={
        ("fr-CA", "en"): "x",
        ("en", "fr-CH"): "y",
        ("en", "fr"): "opus-mt-en-fr",
        ("de", "en"): "opus-mt-de-en",
        ("pt", "es"): "opus-mt-pt-es",
    }
)


def refusal_with_offers(source, target, **wanted):
    """Why a pair is refused where en-pt and pt-en are installed and the catalogue has more."""
    with pytest.raises(UnsupportedLanguagePair) as caught:
        Routes(EchoEngine(EN_PT, PT_EN, offers=SHOP)).find(source, target, **wanted)
    return caught.value


@pytest.mark.parametrize(
    ("source", "target", "pull"),
    [
        ("en", "fr", "opus-mt-en-fr"),
        ("pt", "es", "opus-mt-pt-es"),  # directly, though there might be a way through English
        ("pt", "fr", "opus-mt-en-fr"),  # the way to English is there already
        ("de", "pt", "opus-mt-de-en"),
        ("de", "fr", "opus-mt-de-en opus-mt-en-fr"),
    ],
)
def test_a_pair_that_could_be_installed_is_refused_with_how(source, target, pull):
    error = refusal_with_offers(source, target)
    word = "them" if " " in pull else "it"
    assert error.message.endswith(f"; install {word}: polygist-server models pull {pull}")
    assert error.metadata["pull"] == pull


@pytest.mark.parametrize(
    ("source", "target"), [("en", "fi"), ("fi", "fr"), ("fr", "de"), ("fr-CA", "fr-CH"), ("de-AT", "de-CH")]
)
def test_a_pair_that_nobody_has_is_refused_without(source, target):
    error = refusal_with_offers(source, target)
    assert "pull" not in error.message
    assert "pull" not in error.metadata


def test_a_pair_without_a_model_of_its_own_is_refused_with_one_of_many_languages():
    many = ("small100", frozenset(("en", "ja", "pt", "sv", "fi", "fr")))
    shop = Shop(pairs=SHOP.pairs, many=many, guesses=dict.fromkeys([("en", "ja"), ("en", "mi")], "guess"))
    routes = Routes(EchoEngine(EN_PT, PT_EN, offers=shop))
    for source, target, policy, pull in [
        ("en", "ja", PivotPolicy.ALLOWED, "small100"),
        ("ja", "pt", PivotPolicy.ALLOWED, "small100"),
        ("pt", "fr", PivotPolicy.ALLOWED, "opus-mt-en-fr"),  # two models of one pair before one of many
        ("pt", "fr", PivotPolicy.DIRECT_ONLY, "small100"),
    ]:
        with pytest.raises(UnsupportedLanguagePair) as caught:
            routes.find(source, target, pivot_policy=policy)
        assert caught.value.message.endswith(f"; install it: polygist-server models pull {pull}")
        assert caught.value.metadata["pull"] == pull


def test_a_model_that_nobody_has_looked_for_is_called_a_guess():
    routes = Routes(EchoEngine(EN_PT, PT_EN, offers=Shop(guesses={("en", "mi"): "opus-mt-en-mi"})))
    with pytest.raises(UnsupportedLanguagePair) as caught:
        routes.find("en", "mi")
    advice = "; the Hub may have a model of it: polygist-server models pull opus-mt-en-mi"
    assert caught.value.message.endswith(advice)
    assert "pull" not in caught.value.metadata  # no program should pull what may not be there


def test_who_wants_no_pivot_is_offered_none():
    assert "pull" not in refusal_with_offers("pt", "fr", pivot_policy=PivotPolicy.DIRECT_ONLY).metadata
    error = refusal_with_offers("en", "fr", pivot_policy=PivotPolicy.DIRECT_ONLY)
    assert error.metadata["pull"] == "opus-mt-en-fr"


def test_a_direct_model_is_offered_to_who_refuses_the_way_through_another_language():
    models, shop = [pair("de", "en"), pair("en", "fr")], Shop(pairs={("de", "fr"): "opus-mt-de-fr"})
    with pytest.raises(UnsupportedLanguagePair, match=r"models pull opus-mt-de-fr$") as caught:
        Routes(EchoEngine(*models, offers=shop)).find("de", "fr", pivot_policy=PivotPolicy.DIRECT_ONLY)
    assert (caught.value.metadata["pivot"], caught.value.metadata["pull"]) == ("en", "opus-mt-de-fr")
