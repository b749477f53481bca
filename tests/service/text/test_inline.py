"""Inline elements: they nest as they did, each edge stands once, and none in a word."""

import re
import time
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from polygist_service.text.alignment import AlignedPair, Alignment
from polygist_service.text.documents.arrangement import arrange
from polygist_service.text.documents.inline import FIRST_OBJECT, Arrangement, Edge, Inline, Placement
from polygist_service.text.documents.inline_tags import Tag, divide, write
from polygist_service.text.documents.word_links import find_words
from polygist_service.text.segmentation import Span

KEPT, KEPTS = (chr(FIRST_OBJECT + at) for at in range(2))
WORDS = ("the", "car", "2", "12,5", "“red”", "well-known", "H2O", "(no)", "Porto,", "o", "—", "é", "水は", KEPT, KEPTS)
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


def elements_around(arrangement: Arrangement, inlines: Sequence[Inline], at: int) -> list[Inline]:
    """Return the elements around the character at a place of what was written."""
    around = {index for index, each in enumerate(inlines) if not each.begins}
    for each in arrangement.placements:
        if each.at <= at and each.edge is not Edge.EMPTY:
            around = around | {each.index} if each.edge is Edge.OPENING else around - {each.index}
    return [each for index, each in enumerate(inlines) if index in around]


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
        arrangement = arrange(text, own.inlines, written, alignment)
        check(arrangement, own.inlines, written, text)
        filled = arrange(text, own.inlines, written, alignment, filled=range(len(own.inlines)))
        check(filled, own.inlines, written, text)
        for kept in (KEPT, KEPTS):
            if text.count(kept) == written.count(kept) == 1 and written.index(kept) not in arrangement.strays:
                around = [each for each in own.inlines if each.start <= text.index(kept) < each.end]
                assert elements_around(arrangement, own.inlines, written.index(kept)) == around
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


# A sentence, what is written of it with its tags, and which words come from which; "0-1" is: the first one gave the
# second one.
PLACED = (
    ("The <b>car</b> is <i>red</i>.", "O <b>carro</b> é <i>vermelho</i>.", "0-0 1-1 2-2 3-3"),
    ("<b>The car</b> is red.", "<b>O carro</b> é vermelho.", "0-0 1-1 2-2 3-3"),
    ("The <b>red car</b>, <i>here</i>!", "<i>Aqui</i>, o <b>carro vermelho</b>!", "0-1 1-3 2-2 3-0"),
    ("A <b>very <i>fast</i> car</b>", "Um <b>carro muito <i>rápido</i></b>", "0-0 1-2 2-3 3-1"),
    # Marks and spaces are inside where they were.
    ('Say "<b>go home</b>" now.', "Diz «<b>vá para casa</b>» agora.", "0-0 1-1 1-2 2-3 3-4"),
    ('Say <b>"go home"</b> now.', "Diz <b>«vá para casa»</b> agora.", "0-0 1-1 1-2 2-3 3-4"),
    ("It is<b> good. </b>Really.", "É<b> bom. </b>Mesmo.", "1-0 2-1 3-2"),
    (
        "Two <b>words</b>, <i>and, so,</i> on.",
        "<b>Palavras</b> duas, <i>e, assim,</i> por diante.",
        "0-1 1-0 2-2 3-3 4-4",
    ),
    # Numbers and names go with their own, whatever else they were looked at for.
    ("In <b>Porto</b> of <i>2,001</i>.", "<b>Porto</b> em <i>2.001</i>.", "1-0 1-1 0-1 1-2"),
    ("It is <b>$5</b> or <i>10</i>%.", "É <b>5 dólares</b> ou <i>10</i>%.", "1-0 3-1 4-3 5-4 6-5"),
    ("He has <b>15</b> thousand.", "Ele tem <b>15,000</b>.", "0-0 1-1"),
    # Parts of a word.
    ("So H<sub>2</sub>SO<sub>4</sub> is", "Então H<sub>2</sub>SO<sub>4</sub> é", "0-0 1-1 2-2"),
    ("It is un<b>believ</b>able.", "É <b>inacreditável</b>.", "1-0 2-1"),
    ("The 2<sup>nd</sup>.", "O 2.<sup>º</sup>.", "0-0 1-1 1-2"),
    ("The 2<sup>nd</sup>.", "O 2<sup>o</sup>.", "0-0 1-1"),
    ("<b>Ann</b>'s <i>new</i> book", "O <i>novo</i> livro de <b>Ann</b>", "0-3 1-1 2-2"),
    # What has no words stands at those beside it.
    ("The page<img>, <img>my text.", "A página<img>, o <img>meu texto.", "0-0 1-1 2-3 3-4"),
    ("The <a><img></a>page <b></b>is", "A <a><img></a>página <b></b>é", "0-0 1-1 2-2"),
    ("Yes<b>,</b> now <i>—</i> here", "Sim<b>,</b> agora <i>—</i> aqui", "0-0 1-1 2-2"),
    # No word was written of these.
    ("The <b>very <i>big</i></b> dog", "O <b><i></i></b>cão", "0-0 3-1"),
    # Other scripts.
    ("The <b>water</b> is cold", "<b>水</b>是冷的", "1-0 2-1 3-2"),
)


def read_tags(marked: str) -> tuple[str, list[Tag], list[str]]:
    """Return a text without its tags, those, and how each is written."""
    tags: list[Tag] = []
    text, names, around = "", list[str](), list[int]()
    for name, part in re.findall(r"(<[^>]+>)|([^<]+)", marked):
        text += part
        if name.startswith("</"):
            opening = around.pop()
            tags[opening] = replace(tags[opening], partner=len(tags))
            tags.append(Tag(len(text), opening))
        elif name:
            around += [] if name == "<img>" else [len(tags)]
            tags.append(Tag(len(text)))
        names += [name] if name else []
    return text, tags, names


def place_tags(marked: str, written: str, links: str) -> tuple[str, Arrangement]:
    """Return what was written of a sentence with its tags."""
    text, tags, names = read_tags(marked)
    # A sentence of one word more, so that no element is around it.
    (own,) = divide(tags, [(-1, len(text) + 1)])
    inlines = [replace(each, start=each.start - 1, end=each.end - 1) for each in own.inlines]
    words, others = find_words(text), find_words(written)
    pairs = (tuple(map(int, link.split("-"))) for link in links.split())
    arrangement = arrange(text, inlines, written, tuple(AlignedPair(words[at], others[to]) for at, to in pairs))
    pieces = []
    for each in write(written, arrangement.placements):
        if isinstance(each, Placement):
            pieces.append(names[(own.closings if each.edge is Edge.CLOSING else own.openings)[each.index] or 0])
        else:
            pieces.append(written[slice(*each)])
    return "".join(pieces), arrangement


def test_elements_stand_at_their_words() -> None:
    for source, right, links in PLACED:
        written = re.sub("<[^>]+>", "", right)
        placed, arrangement = place_tags(source, written, links)
        assert placed == right
        assert bool(arrangement.doubtful) == ("dog" in source)
        guessed, arrangement = place_tags(source, written, "")
        assert re.sub("<[^>]+>", "", guessed) == written
        assert arrangement.doubtful


def test_an_element_that_had_a_part_of_a_word_and_has_all_of_it_is_doubtful() -> None:
    for source, written, is_doubtful in [
        ("of A<i>T&T</i>.", "de AT&T.", True),
        ("of A<i>T&T</i>.", "de um outro.", False),
        ("of <b>AT</b>&T.", "de AT&T.", False),
    ]:
        placed, arrangement = place_tags(source, written, "0-0 1-1 2-2")
        assert bool(arrangement.doubtful) == is_doubtful, placed


def test_halves_reach_to_their_end_of_the_sentence() -> None:
    text, tags, _ = read_tags("It was <b>so. Not <i>now</i> but</b> then.")
    first, second = divide(tags, [(0, 10), (11, 28)])
    assert first.inlines == [Inline(7, 10, ends=False)]
    assert second.inlines == [Inline(0, 11, begins=False), Inline(4, 7, parent=0)]
    links = (AlignedPair((7, 9), (0, 5)), AlignedPair((3, 6), (6, 9)))
    assert arrange(text[:10], first.inlines, "Assim foi.", links).placements == (Placement(0, 0, Edge.OPENING),)
    links = (AlignedPair((12, 16), (0, 5)), AlignedPair((0, 3), (6, 9)), AlignedPair((4, 7), (10, 15)))
    assert arrange(text[11:], second.inlines, "Então não agora.", links).placements == (
        Placement(10, 1, Edge.OPENING),
        Placement(15, 1, Edge.CLOSING),
        Placement(15, 0, Edge.CLOSING),
    )


def test_many_elements_take_no_time() -> None:
    text, written = "ab " * 1300, "b abc " * 650
    words, others = find_words(text), find_words(written)
    alignment = tuple(map(AlignedPair, words, reversed(others)))
    count = 10_000
    kinds = (
        [Inline(*span) for span in words],
        [Inline(at % len(text), at % len(text), is_alone=True) for at in sorted(range(count), key=len(text).__rmod__)],
        [Inline(0, len(text), parent=at - 1) for at in range(count)],
        [Inline(min(at, 1500), max(1600, len(text) - at), parent=at - 1) for at in range(count // 50)],
    )
    for inlines in kinds:
        for known in (alignment, ()):
            before = time.process_time()
            assert arrange(text, inlines, written, known).placements
            assert time.process_time() - before < 2


def test_elements_that_should_not_be_empty_get_a_word_beside_theirs() -> None:
    text, inlines = "He fell near the tree", [Inline(13, 16), Inline(13, 16, parent=0)]
    alignment = tuple(map(AlignedPair, [(0, 2), (3, 7), (8, 12), (17, 21)], [(0, 3), (4, 8), (9, 14), (17, 23)]))
    written = "Ele caiu perto a árvore"
    assert [each.at for each in arrange(text, inlines, written, alignment).placements] == [15, 15, 15, 15]
    placed = arrange(text, inlines, written, alignment, filled=(0, 1))
    assert [each.at for each in placed.placements] == [17, 17, 23, 23]
    assert placed.doubtful == (0, 1)
