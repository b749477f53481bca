import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.grounding.facts import Facts, find_inner, find_names, split_words

TEXT = (
    "The mayor, John Smith, opened the bridge over the Elm on Monday. Smith's office paid 1,200,000 euros in 2019. "
    "The cost rose 5 per cent. Twenty-five workers of the European Union came."
)


def missing(sentence, text=TEXT, **options):
    (found,) = Facts(Article.parse(text, "en")).find_missing([sentence], language="en", **options)
    return found


def test_what_the_article_says_in_other_words_is_not_missing():
    assert missing("On Monday Mr SMITH opened it: 1.2 million for 25 workers, 5% more than in 2019.") == []


def test_other_numbers_are_missing():
    assert missing("It cost 1.3 million in 2018, 25% more.") == ["1.3 million", "2018", "25%"]


def test_other_names_are_missing():
    assert missing("On Tuesday the mayor met Jane Smith in Paris.") == ["Tuesday", "Jane Smith", "Paris"]


def test_a_name_put_together_from_two_sentences_is_missing():
    assert missing("The bridge was paid by John European.") == ["John European"]


def test_names_of_other_languages_are_left_alone():
    assert missing("Na segunda-feira vieram 25 da União Europeia, 26 do Porto.", numbers_only=True) == ["26"]


def test_numbers_of_another_language_are_read_as_that_writes_them():
    text = "The population is 1,234,567. It rose 2.5% to $1.2 billion at 5:30 p.m. in the 1990s."
    right = "São 1.234.567 pessoas, mais 2,5%, ou 1,2 bilhões de dólares, às 17h30, nos anos 90."
    wrong = "São 13.267 pessoas, mais 25%, ou 1,2 milhões, às 5h30; 1,234 delas."
    found, missed = Facts(Article.parse(text, "en")).find_missing([right, wrong], language="pt", numbers_only=True)
    assert found == []
    assert missed == ["13.267", "25%", "1,2 milhões", "5h30", "1,234"]


def test_a_thousand_of_one_language_is_no_fraction_of_another():
    facts = Facts(Article.parse("Only 244,890 people were counted.", "en"))
    assert facts.find_missing(["Foram 244.890.", "Foram 244,890."], language="pt", numbers_only=True) == [
        [],
        ["244,890"],
    ]


def test_a_name_inside_one_sentence_is_one_at_the_start_of_the_next():
    facts = Facts(Article.parse(TEXT, "en"))
    assert facts.find_missing(["Jones left."], language="en") == [[]]
    assert facts.find_missing(["Jones left.", "The mayor met Jones."], language="en") == [["Jones"], ["Jones"]]
    assert facts.find_missing(["Jones left."], language="en", before=["The mayor met Jones."]) == [["Jones"]]


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("A B.C1,0%\n'\"Es"), max_size=300))
def test_no_sentence_of_an_article_has_what_the_article_has_not(text):
    article = Article.parse(text, "en")
    found = Facts(article).find_missing([segment.text for segment in article.sentences], language="en")
    assert not any(found)


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
