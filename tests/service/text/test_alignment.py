import re

from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.alignment import AlignedPair, Change, compose, follow, join_words, shift

WORDS = st.lists(st.text("abü 1.", min_size=1, max_size=4), max_size=8).map(" ".join)


@given(WORDS, WORDS)
def test_a_change_keeps_spans_inside_and_in_order(before, after):
    change = Change(before, after)
    spans = [change.follow(found.span()) for found in re.finditer(r"\w+", before)]
    assert all(0 <= start <= end <= len(after) for start, end in spans)
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)
    assert Change(before, before).follow((1, 2)) == (1, 2)


def test_words_that_did_not_change_are_followed_exactly():
    before, after = "He paid XQ1 to 5 of us.", "He paid a@b.org to cinco of us."
    change = Change(before, after)
    for word, there in (("paid", "paid"), ("XQ1", "a@b.org"), ("5", "cinco"), ("us", "us")):
        start, end = change.follow(re.search(word, before).span())
        assert after[start:end] == there


def test_an_alignment_goes_through_changes_shifts_and_a_second_model():
    first = (AlignedPair((0, 3), (0, 2), 0.5), AlignedPair((4, 7), (3, 6), 0.9))
    second = (AlignedPair((3, 6), (0, 4), 0.5), AlignedPair((0, 2), (5, 6)), AlignedPair((7, 8), (7, 8)))
    assert compose(first, second) == (AlignedPair((4, 7), (0, 4), 0.45), AlignedPair((0, 3), (5, 6), 0.5))
    assert shift(first[:1], 10, 20) == [AlignedPair((10, 13), (20, 22), 0.5)]
    moved = follow(first, read=("red XQ1", "red car"), written=("um dois", "um tr3s"))
    assert [each.source for each in moved] == [(0, 3), (4, 7)]
    assert [each.target for each in moved] == [(0, 2), (3, 6)]


def test_words_begin_and_end_with_what_is_seen():
    read, written = "the \u200c big \ufffd and", "o grande e\u200b"
    pairs = (AlignedPair((3, 9), (1, 8)), AlignedPair((9, 15), (8, 11)), AlignedPair((3, 5), (0, 1)))
    found = join_words(pairs, read, written)
    assert [(read[slice(*each.source)], written[slice(*each.target)]) for each in found] == [
        ("big", "grande"), ("and", "e"),
    ]  # fmt: skip
