"""Characters that vocabularies lack, and the typography of quotes."""

import pytest
from polygist_service.text.characters import FRACTION, is_latin, near_letters, restore_typography, typed_fraction


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("Müller", "Muller"),
        ("Łukasz Żak", "Lukasz Zak"),
        ("Þór Æsir", "Thor Aesir"),
        ("Straße", "Strasse"),
        ("Nguyễn", "Nguyen"),
        ("Mu\u0308ller", "Muller"),
        ("Москва", "Москва"),
    ],
)
def test_a_letter_is_read_as_the_nearest_one(word, near):
    assert near_letters(word) == near


def test_only_latin_letters_are_near_latin_ones():
    assert is_latin("Ñandú 12!")
    assert not is_latin("α")


@pytest.mark.parametrize(("text", "typed"), [("½", "1/2"), ("1½", "1 1/2"), ("2 ¾", "2 3/4")])
def test_a_fraction_is_typed_in_plain_figures(text, typed):
    assert typed_fraction(FRACTION.fullmatch(text)) == typed


@pytest.mark.parametrize(
    ("source", "written", "printed"),
    [
        ("He said “no”.", 'Disse "não".', "Disse “não”."),
        ("He said «no».", 'Disse "não".', "Disse «não»."),
        ("It’s “his ‘own’ idea”…", "É \"a 'própria' ideia dele\"...", "É “a ‘própria’ ideia dele”…"),
        ("The dog’s bone", "d'água", "d’água"),
        ("Casa › O cão", 'Home › the dog\'s "house"', 'Home › the dog\'s "house"'),
        ('He said "no".', 'Disse "não".', 'Disse "não".'),
        ('“One” and "two"', '"Um" e "dois"', '"Um" e "dois"'),
        ("plain", '"quoted"...', '"quoted"...'),
    ],
)
def test_printed_quotes_come_back_printed(source, written, printed):
    assert restore_typography(source, written) == printed
