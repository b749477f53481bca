import random
from types import SimpleNamespace

import pytest
from polygist_client.results import Notice, Span, Translation

from bench.fidelity import kept_phrases, terms
from bench.fidelity.documents.marked_sentences import MIME_TYPES, mark, unmark

SENTENCE = "Where the river ends & Anna Lee waits, 12 boats left; they'd gone."


def answering(text, *warnings):
    """A client that answers so, whatever it is asked."""
    return SimpleNamespace(translate=lambda *_, **__: Translation(text, "en", "pt", "models/en-pt", warnings=warnings))


@pytest.mark.parametrize("mime_type", MIME_TYPES)
def test_a_sentence_is_the_same_behind_its_marks(mime_type):
    marked = {mark(SENTENCE, mime_type, random.Random(seed), "Anna Lee") for seed in range(9)}
    assert {unmark(text, mime_type) for text in marked} == {SENTENCE}
    assert len(marked) > 1 or mime_type == "text/plain"


def test_each_group_has_its_samples():
    text = "we saw Anna there with 12 boats and Peter Hill behind the garden walls near the river"
    draw = random.Random(1)
    samples = {group: kept_phrases.make_sample(group, "en", text, draw) for group in kept_phrases.COUNTS}
    assert samples["name kept"].kept[0] in ("Anna", "Peter Hill")
    assert samples["words kept"].kept[0] in text
    assert samples["placeholder for a number"].kept[0] in kept_phrases.FOR_NUMBERS
    assert len(samples["several placeholders"].kept) == 2
    for sample in samples.values():
        assert all(kept in sample.text for kept in sample.kept)
    assert kept_phrases.make_sample("name kept", "en", "no name here", draw) is None


def test_what_is_lost_has_to_be_told_at_its_place():
    sample = kept_phrases.Sample("name kept", "en", "we saw Anna there", ("Anna",), is_phrase=True)

    def judge(text, *warnings):
        return kept_phrases.try_sample(answering(text, *warnings), sample, "text/plain", random.Random(1))

    assert not judge("vimos Anna").fault
    assert judge("vimos Ana").fault
    assert judge("vimos Anna Anna").fault
    assert not judge("vimos Ana").is_warned
    assert judge("vimos Ana", Notice("placeholder-lost", "", Span(7, 11))).is_warned
    assert not judge("vimos Ana", Notice("placeholder-lost", "", Span(0, 2))).is_warned


def test_terms_are_words_that_stand_in_the_same_pairs():
    pairs = [(f"the house is {word} now", f"a casa fica {word}z agora") for word in ("abcde", "bcdef", "cdefg")]
    pairs += [("nothing there at all today", "nada por aqui neste dia")] * 3
    found = {(each.term, each.target) for each in terms.find_terms("en", pairs)}
    assert ("house", "agora") in found or ("house", "casa") in found
    assert not any(term.startswith("abc") for term, _ in found)


def test_a_term_is_applied_in_its_plural_too():
    sample = terms.Sample("en", "the deal is old", "deal", "pacto", "o pacto")

    def judge(text, *warnings):
        return terms.try_sample(answering(text, *warnings), sample, "text/plain", random.Random(1))

    assert not judge("os pactos").fault
    assert judge("o acordo").fault
    assert judge("o acordo", Notice("glossary-term-not-applied", "", Span(4, 8))).is_warned
