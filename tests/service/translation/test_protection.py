"""What a model would lose, taken out and put back; without a model, by a vocabulary of plain letters."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.alignment import AlignedPair
from polygist_service.translation.protection import protect
from polygist_service.translation.restoration import restore

# Letters as the Portuguese vocabulary of the starter set has them, and no signs to speak of.
KNOWN = re.compile(r"[A-Za-z0-9áéãõçêíóôúâàÁÉ .,;:!?'\"()&%$/+=-]")


class Vocabulary:
    """Knows some characters, and of a word's spellings the one in small letters best."""

    def unknown_spans(self, text):
        return [found.span() for found in re.finditer(r"[^A-Za-z0-9áéãõçêíóôúâàÁÉ .,;:!?'\"“”‘’–—…()&%$/+=\s-]+", text)]

    def likelihood(self, text):
        return -1.0 * len(text) - 0.5 * sum(map(str.isupper, text))


VOCABULARY = Vocabulary()


def read(text, **options):
    return protect(text, VOCABULARY, **options).text


def come_back(text, write=lambda text: text, language="pt"):
    """What is shown where a model writes `write` of what it reads, word for word."""
    protected = protect(text, VOCABULARY)
    written = write(protected.text)
    words = [found.span() for found in re.finditer(r"\w+|[^\w\s]", protected.text)]
    there = [found.span() for found in re.finditer(r"\w+|[^\w\s]", written)]
    return restore(protected, written, tuple(map(AlignedPair, words, there)), language)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Clean prose is read as it is.", "Clean prose is read as it is."),
        ("See https://example.org/a?b=c now.", "See XQ1 now."),
        ("Write to ann@example.org and #tags in C#.", "Write to XQ1 and XQ2 in XQ3."),
        ("Jürgen Müller met Öberg.", "Jurgen Muller met Oberg."),
        ("Uma emergência, uma EMERGÊNCIA.", "Uma emergência, uma emergência."),
        ("Êxito total.", "êxito total."),
        ("10⁶ metres of CO₂, η² and 5 km²", "10 metres of XQ1, XQ2 and 5 XQ3"),
        ("★★★★☆ Great <br>one<br>two", "Great one two"),
        ("Run `ls -l /tmp` with --all and %(name)s.", "Run XQ1 with XQ2 and XQ3."),
        ("½ cup, 1½ cups", "1/2 cup, 1 1/2 cups"),
        ("The word 東 京 means Tokyo.", "The word XQ1 means Tokyo."),
        ("a → b", "a - b"),
        ("» Home › the dog’s house »", "Home - the dog’s house"),
        ("🎉 Party 🎉", "Party"),
        ("great ™.", "great."),
        ("We paid ₹500 for it.", "We paid 500 for it."),
        ("Click <b>Save</b> now.", "Click Save now."),
        ("TNFα and IL-1β", "TNF and IL-1"),
        ("kkkkkk Gooooool!", "XQ1 Gol!"),
        ("soft\u00adhyphen\u200b", "softhyphen"),
        ("XQ1 and 東京", "XQ1 and XQ2"),
    ],
)
def test_what_the_model_reads(text, shown):
    assert read(text) == shown


def test_a_line_in_capitals_is_read_as_a_sentence():
    assert read("ATENÇÃO: VEJA HTTPS://EXAMPLE.ORG/A JÁ") == "Atenção: veja XQ1 já"


def test_without_placeholders_everything_comes_back_by_its_place():
    assert read("See https://example.org/a now.", with_placeholders=False) == "See now."


@pytest.mark.parametrize(
    "text",
    [
        "See https://example.org/a?b=c, or write to ann@example.org.",
        "Jürgen Müller met Björn Öberg in Malmö.",
        "In 2019² the rule changed; sales grew 12%¹.",
        "½ cup, 1½ cups and 1/2 more? ¼",
        "🎉 Party 🎉 tonight 🎉!",
        "It → is ← here ™, for ₹500 or 12‰.",
        "東京 is Tokyo (東京), Москва is Moscow.",
        "Use {name} and `ls -l` in C#.",
        "“Printed” quotes…",
        "<p>Tags</p> of <b>all</b> kinds",
    ],
)
def test_a_model_that_copies_gives_back_the_very_text(text):
    restored = come_back(text)
    assert (restored.text, restored.lost, restored.unsure) == (text, (), ())


def test_a_name_comes_back_also_where_it_was_copied_badly():
    assert come_back("Ela viu Jörgen.", lambda _: "She saw Jorgergen.", "en").text == "She saw Jörgen."


def test_a_word_that_was_translated_stays_translated():
    assert come_back("Ela viu Índia.", lambda _: "She saw India.", "en").text == "She saw India."
    assert come_back("Êxito total.", lambda _: "total success.", "en").text == "Total success."


def test_a_shouted_word_is_shouted_in_the_translation():
    assert come_back("Uma EMERGÊNCIA.", lambda _: "An emergency.", "en").text == "An EMERGENCY."


def test_a_placeholder_that_is_missing_or_there_twice_is_told():
    text = "See https://example.org now."
    assert come_back(text, lambda _: "Veja agora.").lost == ("https://example.org",)
    assert come_back(text, lambda _: "Veja XQ1 e XQ1 agora.").lost[0] == "https://example.org"


def test_without_alignment_the_place_is_unsure():
    protected = protect("It is 🎉 here.", VOCABULARY)
    restored = restore(protected, "É aqui.", (), "pt")
    assert restored.unsure == ("🎉",)
    assert "🎉" in restored.text


def test_nothing_is_left_to_translate_of_signs_and_other_scripts():
    assert protect("東京", VOCABULARY).is_empty
    assert protect("https://example.org", VOCABULARY).is_empty
    assert protect("x" * 5000, VOCABULARY).is_empty
    assert not protect("a 東京", VOCABULARY).is_empty


# No letter stands in a row of its own: a drawn-out word ("βββ") is read and written short.
PIECES = st.sampled_from(
    ["a", "B ", "Müller ", "🎉", " 東京 ", "10⁶", "½ ", "<b>", "#x ", "→", " ", ".", "\u200b", "Ê", "βa"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_sign_is_lost_by_a_model_that_copies(text):
    protected = protect(text, VOCABULARY)
    shown = "".join(
        [
            protected.head,
            protected.tail,
            *(each.own for each in (*protected.placeholders, *protected.signs)),
            protected.text,
        ]
    )
    for sign in ("🎉", "東京", "⁶", "→", "β", "#", "<b>"):
        assert shown.count(sign) == text.count(sign)
    restored = come_back(text)
    assert restored.lost or not any(restored.text.count(sign) != text.count(sign) for sign in ("🎉", "→", "⁶"))


@pytest.mark.parametrize("text", ["a" + "\u0301" * 50_000, "a" + "\u0e31" * 5_000, "ж" * 50_000, "ж\u0301" * 20_000])
def test_a_word_of_marks_is_read_in_time_that_grows_with_its_length(text):
    start = time.process_time()
    protect(text, VOCABULARY)
    assert time.process_time() - start < 2
