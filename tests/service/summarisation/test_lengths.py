import pytest
from polygist_service.summarisation.lengths import keep_within, sentence_limit, word_limit
from polygist_service.summarisation.values import Form, Length, Method, SummaryRequest

PICKED, WRITTEN = Method.EXTRACTIVE, Method.ABSTRACTIVE


@pytest.mark.parametrize(
    ("form", "method", "counts"),
    [
        (Form.PARAGRAPH, PICKED, (1, 3, 6)),
        (Form.KEY_POINTS, PICKED, (3, 5, 7)),
        (Form.TLDR, PICKED, (1, 1, 1)),
        (Form.TLDR, WRITTEN, (1, 2, 4)),
        (Form.HEADLINE, WRITTEN, (1, 1, 1)),
    ],
)
def test_sentences_by_form_and_length(form, method, counts):
    requests = [SummaryRequest(text="", source="en", form=form, length=length) for length in Length]
    assert tuple(sentence_limit(request, method) for request in requests) == counts


def test_figures_win_over_the_length():
    def request(**fields):
        return SummaryRequest(text="", source="en", length=Length.LONG, **fields)

    assert sentence_limit(request(max_sentences=2), PICKED) == 2
    assert sentence_limit(request(max_words=40), PICKED) == 0
    assert word_limit(request(max_words=40)) == 40
    assert word_limit(request(form=Form.HEADLINE)) == 22
    assert word_limit(request(form=Form.HEADLINE, max_words=5)) == 5


@pytest.mark.parametrize(
    ("count", "max_words", "kept"),
    [(0, 0, 3), (2, 0, 2), (0, 5, 2), (0, 4, 1), (0, 1, 1), (3, 5, 2), (1, 100, 1)],
)
def test_written_sentences_stay_within_both_limits(count, max_words, kept):
    sentences = ["One two.", "Three four five.", "Six."]
    assert keep_within(sentences, count=count, max_words=max_words) == sentences[:kept]
    assert keep_within([], count=count, max_words=max_words) == []
