import pytest
from polygist_service.summarisation.grounding.facts import find_inner, find_names, split_words


def names(text, *, inner=(), language="en"):
    return [" ".join(name) for name in find_names(text, inner=set(inner), language=language)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Yesterday the mayor met Maria Brown of the Bank of England.", ["Maria Brown", "Bank", "England"]),
        ("The mayor's office is on Jean-Claude's street.", ["Jean Claude"]),
        ('She said: "Our bridge is old." They left (See below!) — Then came rain.', []),
        ("NATO and the EU met in the U.S. on Monday.", ["NATO", "EU", "US", "Monday"]),
        ("On Monday Mr. Smith saw St. Mary's.", ["Monday", "Smith", "St", "Mary"]),
        ("I think that I am J. Smith.", ["Smith"]),
        ("A ponte de São Paulo caiu.", ["São Paulo"]),
        ("the bridge fell", []),
        ("", []),
    ],
)
def test_capitals_inside_a_sentence_are_names(text, found):
    assert names(text) == found


def test_a_known_name_is_one_at_the_start_too():
    assert names("Smith left.") == []
    assert names("Smith left.", inner=["smith"]) == ["Smith"]


def test_known_names_are_those_inside_a_sentence():
    assert find_inner(split_words("Yesterday Smith met the EU; Nobody saw Brown.")) == {"smith", "eu", "brown"}


def test_capitals_of_a_title_say_nothing():
    assert names("Mayor Opens Bridge In Northern Valley With NATO") == ["NATO"]
    assert names("THE MAYOR OPENS A BRIDGE") == []


def test_german_nouns_are_no_names():
    assert names("Der Bau der Brücke kostet die EU viel Geld.", language="de-AT") == ["EU"]
