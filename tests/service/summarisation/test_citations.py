from polygist_service.summarisation.grounding.support import Citer

SENTENCES = ["The old bridge fell into the river.", "A ferry will run all year.", "The school opens in May."]
SPANS = [(0, 35), (36, 62), (63, 87)]


def test_a_sentence_of_the_article_is_supported_in_full():
    assert [(c.source_span, c.support) for c in Citer(SENTENCES, SPANS).cite(SENTENCES[1])] == [((36, 62), 1.0)]


def test_a_sentence_merged_from_two_cites_both_best_first():
    citations = Citer(SENTENCES, SPANS).cite("The old bridge fell into the river and a ferry will run all year.")
    assert [citation.source_span for citation in citations] == [(0, 35), (36, 62)]
    assert 1 > citations[0].support >= citations[1].support > 0


def test_an_invented_sentence_has_no_or_little_support():
    citer = Citer(SENTENCES, SPANS)
    assert citer.cite("Penguins won.") == ()
    (citation,) = citer.cite("The mayor opens a school for forty young penguins.")
    assert citation.support < 0.3


def test_nothing_to_cite():
    assert Citer([], []).cite("The bridge.") == ()
    assert Citer(SENTENCES, SPANS).cite("…") == ()
