from bench.fidelity.inline_tags import REPORTED, TUNING, MarkedSentence, read_contents, read_sentences


def test_an_element_is_right_with_the_words_that_were_marked_and_no_others():
    sentence = MarkedSentence(
        "nested",
        "en",
        "<b>The <i>old</i> city</b> of <a href='/p'>Porto</a>",
        ("[a] cidade velha", "velha", "[o/do] porto"),
    )

    def faults(text):
        return [bool(case.fault) for case in sentence.judge(text)]

    assert faults("A <b>cidade <i>velha</i></b> <a href='/p'>do Porto</a>.") == [False, False, False]
    assert faults("<b>A <i>cidade</i> velha,</b> do <a href='/p'>Porto</a>") == [False, True, False]
    assert faults("A <b>cidade</b> <b><i>velha</i></b> <a href='/x'>do Porto</a>") == [False, False, True]
    assert faults("<b>A cidade velha do</b> Porto") == [True, True, True]


def test_marked_sentences_have_a_mark_for_each_element_and_no_sentence_is_in_both_files():
    reported, tuning = list(read_sentences(REPORTED)), list(read_sentences(TUNING))
    for sentence in (*reported, *tuning):
        assert len(read_contents(sentence.source)) == len(sentence.elements), sentence.source
        assert all(len(texts) == 1 for texts in read_contents(sentence.source).values()), sentence.source
    assert not {each.source for each in reported} & {each.source for each in tuning}
    for language in ("en", "pt"):
        assert sum(len(each.elements) for each in reported if each.language == language) >= 150
