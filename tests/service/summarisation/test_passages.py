import textwrap
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.passages import (
    MOST,
    MOST_WORDS,
    MOST_WORDS_WITHOUT_END,
    cut_endless,
    drop_repeats,
    split_passages,
)
from polygist_service.text.documents.base import Splitting
from polygist_service.text.words import count_words

TALK = (
    "so yeah today we want to talk about the new bridge in the town it was closed in march because the engineers found "
    "cracks in two of the pillars and nobody knows when it will open again um the mayor said maybe in june but the "
    "builders told us it will take until october at least "
)
CONVERSA = (
    "então hoje vamos falar da ponte nova que fechou em março porque os engenheiros encontraram fendas em dois pilares "
    "e ninguém sabe quando vai abrir outra vez e o presidente da câmara disse que talvez em junho mas os construtores "
    "disseram que só em outubro"
)
WORDS = st.sampled_from(["so", "the", "bridge", "fell,", "and", "porque", "桥", "。", "mas", "opened.", "\n", "in"])


def passages(text, language="en"):
    return [text[start:end] for start, end in split_passages(text, language)]


def sentences(text, language="en"):
    return Article.parse(text, language).sentences


def test_passages_begin_where_a_speaker_would_draw_breath():
    assert passages(TALK) == [
        "so yeah today we want to talk about the new bridge in the town it was closed in march",
        "because the engineers found cracks in two of the pillars and nobody knows when it will open again",
        "um the mayor said maybe in june but the builders told us it will take until october at least",
    ]
    assert [passage.split()[0] for passage in passages(CONVERSA, "pt")] == ["então", "porque", "mas"]


@given(st.sampled_from(["um", "uma", "o", "a"]), st.integers(14, 22), st.integers(30, 60))
def test_no_portuguese_passage_begins_with_a_noun_behind_its_article(article, before, after):
    words = [f"palavra{at}" for at in range(before + after)]
    words.insert(before, f"{article} ponte")
    text = " ".join(words)
    assert not any(each.startswith("ponte") or each.endswith(f" {article}") for each in passages(text, "pt"))


def test_um_is_a_filler_in_english_and_an_article_in_portuguese():
    talk = "palavra " * 21 + "{} um palavra " + "palavra " * 30
    assert [each.split()[0] for each in passages(talk.format("word"), "en")] == ["palavra", "um", "palavra"]
    assert not any(each.startswith("um ") for each in passages(talk.format("em"), "pt"))


@given(st.lists(WORDS, max_size=300).map(" ".join))
def test_passages_are_short_and_leave_out_nothing_but_space_and_commas(text):
    spans = split_passages(text, "en")
    assert all(0 < count_words(text[start:end]) <= 2 * MOST for start, end in spans)
    ends = [0, *(at for span in spans for at in span), len(text)]
    assert ends == sorted(ends)
    between = "".join(text[low:high] for low, high in list(pairwise(ends))[::2])
    assert not between.strip(" \n,")


def test_a_transcript_is_cut_and_its_passages_have_their_places():
    cut = cut_endless(sentences(TALK * 4), TALK * 4, language="en")
    assert len(cut) > 8
    assert all(passage.hard_split and (TALK * 4)[slice(*passage.span)] == passage.text for passage in cut)
    assert len(drop_repeats(cut)) == 3


def test_passages_of_wrapped_text_have_their_places_in_it():
    text = textwrap.fill(TALK * 4, 60, subsequent_indent="  ")
    cut = cut_endless(Article.parse(text, "en", splitting=Splitting.PUNCTUATION).sentences, text, language="en")
    assert len(cut) > 8
    assert all(" ".join(text[slice(*passage.span)].split()) == passage.text for passage in cut)


def test_proper_sentences_stay_whole():
    long = "The council, " + "which met again and again, " * 9 + "voted for the bridge."
    assert 40 < count_words(long) <= MOST_WORDS
    for text in (long, f"{long} It rained. " * 3, "It rained. The bridge fell."):
        assert cut_endless(sentences(text), text, language="en") == list(sentences(text))


def test_one_endless_sentence_is_cut():
    text = "The council, " + "which met again and again, " * 20 + "voted for the bridge."
    assert len(cut_endless(sentences(text), text, language="en")) > 2


def test_a_long_sentence_among_others_is_cut_only_where_no_sentence_is_so_long():
    others = "It rained for nine days and the river rose by two metres. " * 20
    long = "The council, " + "which met again and again, " * 14 + "voted for the bridge."
    endless = "The council, " + "which met again and again, " * 30 + "voted for the bridge."
    assert not any(each.hard_split for each in cut_endless(sentences(others + long), others + long, language="en"))
    assert any(each.hard_split for each in cut_endless(sentences(others + endless), others + endless, language="en"))


def test_a_script_without_spaces_is_cut_at_its_commas():
    text = "桥在三月关闭了，因为工程师在两根柱子上发现了裂缝，没有人知道它什么时候会重新开放，市长说也许在六月，" * 3
    assert count_words(text) > MOST_WORDS_WITHOUT_END
    assert all(text[end] == "，" for _, end in split_passages(text, "zh"))


def test_a_script_without_sentence_ends_is_cut_at_its_spaces():
    phrases = ["สะพานถูกปิดเมื่อสองปีก่อนหลังจากน้ำท่วมทำให้ซุ้มโค้งสามแห่งเสียหาย", "วิศวกรแจ้งต่อสภาเมืองว่างานนี้จะใช้เงินสี่ล้านบาท"] * 4
    text = " ".join(phrases)
    cut = cut_endless(sentences(text), text, language="th")
    assert all(passage.hard_split and passage.text in phrases for passage in cut)


def test_sentences_are_never_dropped_as_repeats():
    repeated = sentences("The bridge fell on Monday. The bridge fell on Monday night.")
    assert drop_repeats(repeated) == list(repeated)
