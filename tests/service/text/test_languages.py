import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import langcodes
import pytest
from babel import localedata
from polygist_service.text.language_id import LanguageDetector
from polygist_service.text.languages import (
    BadTag,
    display_name,
    is_right_to_left,
    matches,
    native_name,
    parse_locale,
    parse_tag,
    script_of,
)


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("pt_br", "pt-BR"),
        ("pt-BR", "pt-BR"),
        ("iw", "he"),
        ("eng_Latn", "en"),
        ("por_Latn", "pt"),
        ("zho_Hans", "zh-Hans"),
        ("arb_Arab", "ar"),
        ("cmn", "zh"),
        ("nob_Latn", "no"),
        ("es-419", "es-419"),
    ],
)
def test_a_tag_is_made_canonical(value, tag):
    assert parse_tag(value) == tag
    assert parse_tag(tag) == tag


@pytest.mark.parametrize("value", ["", "english", "xx", "und", "e", "-", "en\n", "pt-BRA", "eng_XXXX", "\x00", "é"])
def test_what_is_no_tag_is_named_with_the_cure(value):
    with pytest.raises(BadTag, match=r"give BCP-47 such as en or pt-BR") as caught:
        parse_tag(value)
    assert repr(value) in str(caught.value)


def test_a_long_value_is_not_quoted_whole():
    with pytest.raises(BadTag) as caught:
        parse_tag("x" * 10_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("requested", "served", "answer"),
    [
        ("pt-BR", "pt", True),
        ("pt", "pt-BR", True),
        ("pt-PT", "pt-BR", False),
        ("en", "pt", False),
        ("zh-Hans", "zh", True),
        ("zh-Hant", "zh", False),
        ("zh-TW", "zh", False),
        ("sr-Latn", "sr", False),
        ("und", "en", False),
    ],
)
def test_which_model_serves_what(requested, served, answer):
    assert matches(requested, served) is answer


def test_names():
    assert display_name("pt", "en") == "Portuguese"
    assert display_name("en", "pt") == "inglês"
    assert display_name("ace", "en") == "Acehnese"
    assert display_name("qaa", "en") == "qaa"
    assert native_name("pt") == "português"
    assert native_name("ace") == "Acehnese"


@pytest.mark.parametrize(
    ("tags", "answer"),
    [
        ("en pt zh-Hant my ku az pa uz und-Latn", False),
        ("ar he fa ur ps sd yi ckb ug", True),
        ("nqo nqo-GN dv ff-Adlm rhg syr", True),
        ("az-Arab ku-Arab pa-Arab uz-Arab ms-Arab", True),
        # No locale of Unicode's.
        ("arz prs pnb khw glk lad tg-Arab", True),
        ("ur-Aran men-Mend ku-Yezi wo-Gara nqo-Nkoo", True),
        ("lij fur tg-Latn xx", False),
    ],
)
def test_direction(tags, answer):
    assert {tag: is_right_to_left(tag) for tag in tags.split()} == dict.fromkeys(tags.split(), answer)


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("__pt__", "pt"),
        (">>por<<", "pt"),
        (">>cmn_Hant<<", "zh-Hant"),
        ("<2sr_Latn>", "sr-Latn"),
        ("pt_XX", "pt"),
        ("zh_CN", "zh-CN"),
    ],
)
def test_the_codes_of_families_of_models_are_read_too(code, tag):
    assert parse_tag(code) == tag


@pytest.mark.parametrize("code", ["____", "__pt", ">>pt", "<2>", "<2pt", "__>>pt<<__", "_XX"])
def test_a_half_marked_code_is_none(code):
    with pytest.raises(BadTag):
        parse_tag(code)


def test_every_language_that_is_told_of_a_text_has_a_name():
    assert not [tag for tag in LanguageDetector().languages() if display_name(tag, "en") == tag]


def test_many_threads_ask_for_the_script_of_a_language_first(monkeypatch):
    filter_attributes, ready = langcodes.Language._filter_attributes, Barrier(8)

    def filter_slowly(*arguments):
        time.sleep(0.0001)  # lets another thread go on
        return filter_attributes(*arguments)

    def ask(_):
        ready.wait()
        return script_of("mos-x-never-asked-for")

    monkeypatch.setattr(langcodes.Language, "_filter_attributes", filter_slowly)
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {"Latn"}


def test_languages_without_a_locale_are_looked_for_while_others_are_loaded(monkeypatch):
    class Slow(dict):
        def __iter__(self):
            for key in super().__iter__():
                time.sleep(0.001)  # lets another thread go on
                yield key

    def look(number):
        if number % 2:
            localedata.load(("fr", "de", "es", "it")[number // 2])
        return parse_locale(f"qa{'abcdefgh'[number]}")

    loaded = {name: localedata.load(name) for name in ("en", "pt", "nl", "da")}
    monkeypatch.setattr(localedata, "_cache", Slow(loaded))
    localedata.exists.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(look, range(8))) == [None] * 8
