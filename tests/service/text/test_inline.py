"""Inline elements: they nest as they did, each edge stands once, and none in a word."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from polygist_service.text.alignment import AlignedPair, Alignment
from polygist_service.text.documents.arrangement import arrange
from polygist_service.text.documents.inline import Arrangement, Edge, Inline
from polygist_service.text.documents.inline_tags import Tag, divide
from polygist_service.text.documents.word_links import find_words
from polygist_service.text.segmentation import Span

WORDS = ("the", "car", "2", "12,5", "“red”", "well-known", "H2O", "(no)", "Porto,", "o", "—", "é", "水は")
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[str, list[Tag], list[Span]]:
    """Draw the text of a block, tags in it that nest, and its sentences."""
    text, spans = "", []
    for sentence in draw(st.lists(SENTENCES.filter(bool), min_size=1, max_size=3)):
        text += draw(st.sampled_from(["", " "]))
        spans.append((len(text), len(text) + len(sentence)))
        text += sentence
    places = draw(st.lists(st.integers(0, len(text)), max_size=12))
    tags: list[Tag] = []
    around: list[int] = []
    for at in sorted(places):
        kind = draw(st.sampled_from("<>.")) if around else draw(st.sampled_from("<."))
        if kind == ">":
            opening = around.pop()
            tags[opening] = replace(tags[opening], partner=len(tags))
            tags.append(Tag(at, opening))
            continue
        if kind == "<":
            around.append(len(tags))
        tags.append(Tag(at))
    for opening in reversed(around):
        tags[opening] = replace(tags[opening], partner=len(tags))
        tags.append(Tag(len(text), opening))
    return text, tags, spans


def check(arrangement: Arrangement, inlines: Sequence[Inline], written: str, text: str) -> None:
    """Check what holds of every arrangement."""
    placements = arrangement.placements
    assert [each.at for each in placements] == sorted(each.at for each in placements)
    wanted = [
        (index, edge)
        for index, each in enumerate(inlines)
        for edge, is_there in (
            (Edge.EMPTY, each.is_alone),
            (Edge.OPENING, each.begins and not each.is_alone),
            (Edge.CLOSING, each.ends and not each.is_alone),
        )
        if is_there
    ]
    assert sorted((each.index, each.edge) for each in placements) == sorted(wanted)
    around = [-1]
    for index, each in enumerate(inlines):
        if not each.begins:
            assert each.parent == around[-1]
            around.append(index)
    for each in placements:
        if each.edge is Edge.CLOSING:
            assert around.pop() == each.index
            continue
        assert inlines[each.index].parent == around[-1]
        if each.edge is Edge.OPENING:
            around.append(each.index)
    assert all(not inlines[each].ends for each in around[1:])
    cut = [span for span in find_words(written) for each in placements if span[0] < each.at < span[1]]
    assert all(written[start:end] in text for start, end in cut)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_elements_nest_as_they_did_and_each_edge_stands_once(data: st.DataObject) -> None:
    block, tags, spans = data.draw(blocks())
    divided, moved = divide(tags, spans), set[int | None]()
    for (start, end), own in zip(spans, divided, strict=True):
        text, written = block[start:end], data.draw(SENTENCES)
        words, others = find_words(text), find_words(written)
        alignment: Alignment = ()
        if words and others and data.draw(st.booleans()):
            pairs = st.tuples(st.sampled_from(words), st.sampled_from(others), st.floats(0.1, 1))
            alignment = tuple(AlignedPair(*pair) for pair in data.draw(st.lists(pairs, max_size=10)))
        check(arrange(text, own.inlines, written, alignment), own.inlines, written, text)
        same = arrange(text, own.inlines, text, alignment)
        check(same, own.inlines, text, text)
        assert not same.doubtful
        order = [
            own.closings[each.index] if each.edge is Edge.CLOSING else own.openings[each.index]
            for each in same.placements
        ]
        assert order == sorted(order)
        assert [each.at for each in same.placements] == [min(max(start, tags[at].at), end) - start for at in order]
        moved.update(order)
    gaps = [index for index in range(len(tags)) if index not in moved]
    assert not any(start < tags[index].at < end for index in gaps for start, end in spans)
