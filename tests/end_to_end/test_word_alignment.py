"""Which words became which, by the starter models: every pair is of whole words, inside its segment, in both texts."""

import re

import pytest
from icu4py.breakers import WordBreaker
from polygist_client import Client

pytestmark = pytest.mark.model

WRAPPED = """> The committee of the old town will meet on Thursday, because the
> roof of the hall has to be mended soon, and nobody knows who is go-
> ing to pay the 12,500 dollars that the work is expected to cost.
"""
ENGLISH = [
    "The red house near the river was sold for $1,250,000 in 2019. Nobody knows why!",
    "Write to anna.lee@example.org, or see https://example.org/news?a=1 before 12:30.",
    "Jürgen Müller met Björn Öberg in Malmö; Ağrı is far away from Łódź.",
    "We walked through 東京 in the rain ☔ for hours → at last we were home 🙂!",
    "THE OLD BRIDGE IS CLOSED UNTIL MONDAY. The NEW one opens in March.",
    "Sooooo nice… «It’s fine», he said — and left (at 5 o’clock).",
    "Name\t12.5\tthe end\r\n\r\n  * A list: its first item\n",
    WRAPPED,
    "He saw " + ", ".join(f"the {number}th house and the old dog of its owner" for number in range(2, 13)) + ".",
    "no no no no no no no no no no no no no no no no no no no no no no no no",
    "It is open. It is closed. It is open.",
    "",
]
PORTUGUESE = [
    "A casa vermelha perto do rio foi vendida por R$ 1.250.000,00 em 2019. Ninguém sabe por quê!",
    "Escreva para anna.lee@example.org às 12h30; o João não está em São Paulo.",
    "A PONTE VELHA ESTÁ FECHADA ATÉ SEGUNDA-FEIRA.",
]


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address) as client:
        yield client


def bounds(text):
    """Where the words of a text begin, and where they end."""
    starts, ends, at = set(), set(), 0
    for word in WordBreaker(text, "root"):
        starts.add(at)
        at += len(word)
        ends.add(at)
    return starts, ends


def check_places(text, translation):
    """Raise where a pair is not of whole words, or not inside its segment."""
    both = (text, translation.text)
    edges = [bounds(each) for each in both]
    for segment in translation.segments:
        behind = 0
        for pair in segment.alignment:
            spans, outer = (pair.source_span, pair.target_span), (segment.source_span, segment.target_span)
            for span, whole, (starts, ends), each in zip(spans, outer, edges, both, strict=True):
                assert whole.start <= span.start < span.end <= whole.end
                # A word that was cut at the end of a line is one, too.
                assert span.start in starts and span.end in ends, (span.of(each), each)  # noqa: PT018
                assert span.of(each).strip() == span.of(each)
            assert pair.target_span.start >= behind
            behind = pair.target_span.end
            assert 0 < pair.probability <= 1


def copies(text, translation):
    """For each word with a digit, an @ or letters beyond Latin that is once in both texts, whether it is its own."""
    words, others = (re.findall(r"\S*[\w/]", each) for each in (text, translation.text))
    for word in words:
        if (words.count(word), others.count(word)) == (1, 1) and re.search(r"[\d@/]|[^\x00-\xff]", word):
            place = translation.text.index(word)
            for pair in translation.alignment:
                if place <= pair.target_span.start < place + len(word):
                    yield text.index(word) <= pair.source_span.start < text.index(word) + len(word)


def test_pairs_are_whole_words_at_their_places(client):
    for options in ({}, {"prefer": "quality"}):
        right = []
        for texts, source, target in ((ENGLISH, "en", "pt"), (PORTUGUESE, "pt", "en")):
            found = client.translate(texts, to=target, source=source, alignment=True, **options)
            for text, translation in zip(texts, found, strict=True):
                check_places(text, translation)
                right += copies(text, translation)
                assert bool(translation.alignment) is bool(text)
        assert len(right) > 8
        assert sum(right) / len(right) > 0.9
    plain = client.translate(ENGLISH[:8], to="pt", source="en", prefer="quality")
    assert [each.text for each in plain] == [
        each.text for each in client.translate(ENGLISH[:8], to="pt", source="en", alignment=True, prefer="quality")
    ]
