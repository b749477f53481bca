import itertools

import pytest
from polygist_service.summarisation.selection import FIRST, MOST, find_candidates

PROPER = "The council voted to rebuild the bridge over river {}."


def proper(count):
    return [PROPER.format(at) for at in range(count)]


def test_fragments_and_repeats_are_no_candidates():
    sentences = ["Old bridge returns", PROPER, PROPER.replace(" ", "  "), "It rained.", *proper(2)]
    assert find_candidates(sentences, count=3) == [1, 4, 5]


@pytest.mark.parametrize(
    "boilerplate",
    [
        "By Ann Example, our correspondent in the far north",
        "Published: 14:11 on Friday the third of May",
        "Photo: the old bridge in the winter of 1962",
        "Share this story with your friends and your family",
        "News | Sport | Weather | Travel | Money",
        "Copyright 2020 The Example, no part may be copied",
        "Publicado em 3 de maio às dez da manhã",
        "Leia também a história da ponte velha do rio",
        "Foto: a ponte velha no inverno de mil novecentos",
        "© 2020 O Exemplo, todos os direitos reservados a nós",
    ],
)
def test_short_boilerplate_is_no_candidate(boilerplate):
    assert find_candidates([boilerplate, *proper(3)], count=3) == [1, 2, 3]


@pytest.mark.parametrize(
    "sentence",
    [
        "By noon the whole of the town stood in water.",
        "Share prices fell again on Monday in quiet trade.",
        "Por isso a ponte velha vai ser fechada hoje.",
        "By Ann Example, who was there when it fell, and who tells her story for the first time today.",
    ],
)
def test_a_sentence_that_begins_like_boilerplate_is_a_candidate(sentence):
    assert find_candidates([sentence, *proper(3)], count=3)[0] == 0


def test_with_too_few_proper_sentences_shorter_ones_count():
    assert find_candidates(["Rain fell.", "The bridge is shut.", *proper(1)], count=2) == [1, 2]
    assert find_candidates(["Rain.", "Wind."], count=1) == [0, 1]
    assert find_candidates([], count=3) == []


def test_of_a_long_article_the_first_and_the_best_of_each_section_are_kept():
    sentences = proper(1000)
    sentences[700] = "Nothing here shares one single word with all its neighbours anywhere."
    sentences[705] = "Penguins, penguins, penguins, penguins, penguins, penguins, penguins, penguins!"
    kept = find_candidates(sentences, count=3)
    assert len(kept) == MOST
    assert kept == sorted(set(kept))
    assert kept[:FIRST] == list(range(FIRST))
    assert max(b - a for a, b in itertools.pairwise(kept)) < 40
    assert not {700, 705} & set(kept)
    assert 705 in find_candidates(sentences, count=3, query="Where are the penguins?")
