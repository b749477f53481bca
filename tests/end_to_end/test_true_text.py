"""Characters, addresses and numbers of the real world, through the starter models."""

import pytest
from polygist_client import Client

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address) as client:
        yield client


def to_portuguese(client, text, **options):
    return client.translate(text, to="pt", source="en", **options)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "Details are at https://www.example.gov/bridges?state=ohio&year=2025 for every county.",
            ["https://www.example.gov/bridges?state=ohio&year=2025"],
        ),
        (
            "Write to anna.lee@example.org or see www.example.org/news.",
            ["anna.lee@example.org", "www.example.org/news"],
        ),
        ("The distance is 10⁶ metres.", ["10⁶ metros"]),
        ("In 2019² the rule changed; sales grew 12%¹.", ["2019²", "12%¹"]),
        ("Jürgen Müller met Björn Öberg in Malmö.", ["Jürgen Müller", "Björn Öberg", "Malmö"]),
        ("We walked through 東京 in the rain ☔ for hours.", ["東京", "☔"]),
        ("The family 👨‍👩‍👧 is here → at last.", ["👨‍👩‍👧", "→"]),
        ("He said “it is fine” and left…", ["“", "”", "…"]),
        ("The ticket costs ₹500 or €12.", ["₹500", "€12"]),
        ("Add ½ cup of milk and 2 g of CO₂.", ["½", "CO₂"]),
    ],
)
def test_what_the_vocabulary_lacks_comes_through(client, text, kept):
    translation = to_portuguese(client, text)
    assert [each for each in kept if each not in translation.text] == []
    assert translation.warnings == ()


@pytest.mark.parametrize("prefer", ["speed", "quality"])
@pytest.mark.parametrize("name", ["John Smith", "Ryan Kent", "Newport", "Dr. Smith", "Anna Brown", "Peter Jackson"])
def test_a_bare_name_is_not_explained_in_parentheses(client, name, prefer):
    """The model would write "John Smith (em inglês)", as its original does."""
    translation = to_portuguese(client, name, prefer=prefer)
    assert name.split()[-1] in translation.text
    assert "(" not in translation.text
    assert translation.warnings == ()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("The population is 1,234,567 people. Only 244,890 were counted.", ["1.234.567", "244.890"]),
        (
            "The population is 1,234,567 people according to the census office of the country. The price rose from "
            "$1,299.99 to $1,349.50 in the year 2023.",
            ["1.234.567", "1.299,99", "1.349,50", "2023"],
        ),
        ("The bridge is 2.5 km long and cost $3.2 billion.", ["2,5", "3,2"]),
    ],
)
def test_numbers_keep_their_values(client, text, right):
    translation = to_portuguese(client, text)
    assert [each for each in right if each not in translation.text] == []
    assert translation.warnings == ()
    if len(text) > 60:
        (summary,) = client.summarise([text], to="pt", source="en", max_sentences=3)
        assert [each for each in right if each not in summary.text] == []


def test_leaders_keep_what_stands_beside_them(client):
    assert to_portuguese(client, "Total............12.50").text == "Total............12,50"


def test_capitals_that_the_vocabulary_lacks_are_read_as_small_letters(client):
    text = client.translate("Íris e Óscar moram em Évora. Êxito total.", to="en", source="pt").text
    assert text.startswith("Íris and Óscar live in Évora.")
    assert "success" in text.lower()


def test_lines_in_capitals_are_translated_as_their_twins(client):
    for line, twin in [
        ("THE PRESIDENT VISITED PARIS ON MONDAY", "The president visited Paris on Monday"),
        ("EMERGENCY EXIT ON THE SECOND FLOOR", "Emergency exit on the second floor"),
    ]:
        shouted, plain = to_portuguese(client, [line, twin])
        assert shouted.text == plain.text.upper()


@pytest.mark.parametrize("text", ["東京は大きい。", "Съешь ещё этих мягких булок."])
def test_a_text_in_unknown_letters_comes_back_with_a_warning(client, text):
    translation = to_portuguese(client, text)
    assert translation.text == text
    assert [warning.code for warning in translation.warnings] == ["untranslated"]


@pytest.mark.parametrize("text", ["x" * 900_000, "\u200b" * 500_000, "<s></s>" * 50_000], ids=["word", "zero", "tags"])
def test_what_is_no_text_comes_back_at_once(client, text):
    assert to_portuguese(client, text, timeout=60).text == text


@pytest.mark.parametrize("text", ["ha " * 30, "no no no no no no", "porque", "O", "very " * 200])
def test_nothing_becomes_three_times_as_long(client, text):
    for to, source in (("pt", "en"), ("en", "pt")):
        translation = client.translate(text, to=to, source=source)
        assert 0 < len(translation.text.strip()) <= max(12, 3 * len(text))
