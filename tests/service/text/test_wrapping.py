"""Paragraphs that were wrapped at a column are read as such, and wrapped again."""

import textwrap

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from polygist_service.text import documents
from polygist_service.text.documents.base import BlockKind, Output, Splitting

SWIMMING_POOL = """\
The harbour town of Brenmouth will close its old swimming pool in
March, because the roof is no longer safe and a new one would cost
more than three million pounds. The council decided this on Monday
evening, after a debate of four hours in which eleven members spoke.
Swimmers will be taken by bus to the neighbouring town of Aldport
until a new pool opens in 2028.
"""
MAIL = """\
Hi team,

the printer on the second floor will be replaced on Friday morning,
so please do not send anything to it after Thursday evening. Anna has
asked the supplier for a bigger model, which costs 900 pounds but can
also staple. If you need to print on Friday, use the one in the library
or send your files to the front desk before nine.

> Can we keep the old one as a spare? It still works when one shakes
> the toner, and I have four cartridges left in my drawer.

No, it goes back.

Regards,
Ray
"""
LETTERS = st.text("abcdefghi", min_size=3, max_size=9)
PARAGRAPH = st.lists(LETTERS, min_size=60, max_size=120).map(lambda words: f"{' '.join(words)}.")
PREFIXES = st.sampled_from(["", "> ", "> > ", "    ", ">> ", "# ", "// "])


def parse(text, splitting=Splitting.AUTOMATIC, language="en"):
    return documents.parse(text, language=language, splitting=splitting)


def texts(text, **options):
    return [segment.text for segment in parse(text, **options).segments]


def rebuild(document, outputs):
    """The document with some outputs, and what stands at their spans."""
    rebuilder = document.rebuild()
    text = "".join([rebuilder.add(Output(output)) for output in outputs]) + rebuilder.finish()
    return text, [text[start:end] for start, end in rebuilder.spans]


def wrap(words, *, width=70, prefix="", line_break="\n"):
    lines = textwrap.wrap(words, width, initial_indent=prefix, subsequent_indent=prefix, break_on_hyphens=False)
    return line_break.join(lines)


def test_sentences_go_on_in_the_next_line():
    assert texts(SWIMMING_POOL) == [
        "The harbour town of Brenmouth will close its old swimming pool in March, because the roof is no longer safe "
        "and a new one would cost more than three million pounds.",
        "The council decided this on Monday evening, after a debate of four hours in which eleven members spoke.",
        "Swimmers will be taken by bus to the neighbouring town of Aldport until a new pool opens in 2028.",
    ]


def test_a_mail_is_read_block_by_block():
    assert texts(MAIL) == [
        "Hi team,",
        "the printer on the second floor will be replaced on Friday morning, so please do not send anything to it "
        "after Thursday evening.",
        "Anna has asked the supplier for a bigger model, which costs 900 pounds but can also staple.",
        "If you need to print on Friday, use the one in the library or send your files to the front desk before nine.",
        "Can we keep the old one as a spare?",
        "It still works when one shakes the toner, and I have four cartridges left in my drawer.",
        "No, it goes back.",
        "Regards,",
        "Ray",
    ]


def test_a_translation_is_wrapped_at_the_width_of_its_source():
    document = parse(MAIL)
    outputs = {"It still works when one shakes the toner, and I have four cartridges left in my drawer.": "Ainda " * 30}
    text, shown = rebuild(document, [outputs.get(each.text, each.text).strip() for each in document.segments])
    quoted = [line for line in text.splitlines() if line.startswith(">")]
    assert quoted == [
        "> Can we keep the old one as a spare? Ainda Ainda Ainda Ainda Ainda",
        "> Ainda Ainda Ainda Ainda Ainda Ainda Ainda Ainda Ainda Ainda Ainda",
        "> Ainda Ainda Ainda Ainda Ainda Ainda Ainda Ainda Ainda Ainda Ainda",
        "> Ainda Ainda Ainda",
    ]
    assert [line for line in text.splitlines() if line not in quoted] == [
        line for line in MAIL.splitlines() if not line.startswith(">")
    ]
    assert shown[5].replace("\n> ", " ") == ("Ainda " * 30).strip()


@given(PARAGRAPH, st.integers(50, 100), PREFIXES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_greedily_wrapped_paragraph_is_read_as_one_and_written_as_it_was(words, width, prefix, line_break):
    text = wrap(words, width=width, prefix=prefix, line_break=line_break)
    document = parse(text)
    (segment,) = document.segments
    assert segment.text == words
    block = document.blocks[segment.block]
    start = text[: block.start]
    changed, _ = block.write(text, [segment], [segment.text])
    assert start + changed == text


@given(PARAGRAPH, PARAGRAPH, st.integers(50, 100), PREFIXES, st.sampled_from(["\n", "\r\n"]))
def test_outputs_are_wrapped_and_their_spans_hold_their_words(words, output, width, prefix, line_break):
    text = wrap(words, width=width, prefix=prefix, line_break=line_break) + line_break
    document = parse(text)
    rebuilt, (shown,) = rebuild(document, [output])
    lines = rebuilt.removesuffix(line_break).split(line_break)
    assert all(line.startswith(prefix) and len(line) <= width for line in lines)
    assert " ".join(line.removeprefix(prefix) for line in lines) == output
    assert shown.replace(line_break + prefix, " ") == output


@given(PARAGRAPH, st.integers(50, 100), PREFIXES)
def test_an_explicit_value_is_obeyed(words, width, prefix):
    text = wrap(words, width=width, prefix=prefix)
    assert len(texts(text, splitting=Splitting.PUNCTUATION_AND_NEWLINES)) == len(text.splitlines())
    assert len(texts(text, splitting=Splitting.PUNCTUATION)) == 1


@given(PARAGRAPH, st.integers(50, 100), st.integers(1, 200))
def test_pieces_of_a_wrapped_sentence_stand_where_they_say(words, width, window):
    text = wrap(words, width=width, prefix="> ")
    document = parse(text)
    (segment,) = document.segments
    pieces = document.cut(segment, lambda piece: len(piece) <= max(10, window))
    # A full stop that fits into no piece with a word is none: it stays where it stands.
    assert "".join("".join(each.text for each in pieces).split()).rstrip(".") == "".join(words.split()).rstrip(".")
    for piece in pieces:
        assert text[slice(*piece.span)].replace("\n> ", " ") == piece.text
        assert document.source_span(piece, (0, len(piece.text))) == piece.span
    rebuilt, _ = rebuild(document.with_segments(pieces), [each.text for each in pieces])
    assert rebuilt == text


@given(PARAGRAPH, st.data())
def test_a_place_in_a_segment_is_found_in_the_source(words, data):
    text = wrap(words, prefix="> > ")
    document = parse(text)
    (segment,) = document.segments
    start = data.draw(st.integers(0, len(words) - 1))
    assume(not words[start].isspace())
    low, high = document.source_span(segment, (start, start + 1))
    assert text[low:high] == words[start]


def test_places_are_found_where_white_space_was_folded():
    document = parse("One  \n  two.", Splitting.PUNCTUATION)
    (segment,) = document.segments
    assert segment.text == "One two."
    assert document.text[slice(*document.source_span(segment, (4, 8)))] == "two."


def test_a_paragraph_is_settled_when_it_is_finished():
    rebuilder = parse(f"{SWIMMING_POOL}\nThe end.").rebuild()
    assert [rebuilder.add(Output("x")) for _ in range(2)] == ["", ""]
    assert rebuilder.spans == []
    assert rebuilder.add(Output("y")) == "x x y"
    assert rebuilder.spans == [(0, 1), (2, 3), (4, 5)]
    assert rebuilder.add(Output("z")) == "\n\nz"
    assert rebuilder.finish() == ""


CUT_WORDS = """\
The committee met on Tuesday to discuss the envi-
ronmental impact of the new road, which is a well-
known problem in the region. The members of the com-
mittee agreed unanimously that they need a new long-
term plan, because many of the half-timbered and pre-
and post-war houses in this part of the old Anglo-
Saxon town and even more of them in the whole dis\u00ad
trict around it would be at risk.
"""


def test_words_that_were_cut_at_the_end_of_a_line_are_whole():
    assert texts(CUT_WORDS) == [
        "The committee met on Tuesday to discuss the environmental impact of the new road, which is a well-known "
        "problem in the region.",
        "The members of the committee agreed unanimously that they need a new long-term plan, because many of the "
        "half-timbered and pre- and post-war houses in this part of the old Anglo-Saxon town and even more of them in "
        "the whole district around it would be at risk.",
    ]


@pytest.mark.parametrize(
    ("left", "right", "word"),
    [
        ("reuniu-", "se", "reuniu-se"),
        ("qua-", "se", "quase"),
        ("fazê-", "lo", "fazê-lo"),
        ("par-", "te", "parte"),
        ("segunda-", "feira", "segunda-feira"),
        ("torna-", "-se", "torna-se"),
        ("ex-", "periência", "experiência"),
        ("pós-", "guerra", "pós-guerra"),
    ],
)
def test_portuguese_pronouns_keep_their_hyphen(left, right, word):
    text = f"a reunião de ontem durou muito tempo e no fim {left}\n{right} que todos os membros da comissão viram e\n"
    text += "ouviram, mas ninguém disse nada.\n"
    assert word in texts(text, language="pt")[0]


def test_a_compound_of_the_same_text_keeps_its_hyphen():
    rest = "was closed by the council of the town in the spring of\nthe year in which the bridge was opened again."
    assert "tide-mill" in texts(f"The tide-mill on the river is old, and so it came that the tide-\nmill {rest}")[0]
    assert "tidemill" in texts(f"The tidemill on the river is old, and so it came that the tide-\nmill {rest}")[0]


def test_chinese_lines_are_joined_without_spaces_and_wrapped_by_columns():
    lines = (
        "委员会周二开会讨论新道路对环境的影响,",
        "以及这是该地区众所周知的问题。委员会成",
        "员一致认为需要制定一项长期的道路计划。",
    )
    text = "".join(f"{line}\n" for line in lines)
    document = parse(text, language="zh")
    assert [each.text for each in document.segments] == [
        "委员会周二开会讨论新道路对环境的影响,以及这是该地区众所周知的问题。",
        "委员会成员一致认为需要制定一项长期的道路计划。",
    ]
    rebuilt, _ = rebuild(document, ["新" * 30 + "。", "旧" * 12 + "。"])
    assert rebuilt == f"{'新' * 19}\n{'新' * 11}。{'旧' * 7}\n{'旧' * 5}。\n"


def test_the_first_line_may_hang_behind_a_marker_or_a_cell():
    words = (
        "the name of the file that is read when the programme starts, and that is written when it ends, unless it is"
    )
    for first in ("* ", "12. ", "  -f     ", "FILE\t", "    "):
        rest = " " * len(first.expandtabs())
        text = first + textwrap.fill(f"{rest}{words} not.", 60, subsequent_indent=rest).removeprefix(rest)
        document = parse(text)
        assert document.segments[-1].text == f"{words} not."
        rebuilt, _ = rebuild(document, [*(each.text for each in document.segments[:-1]), "palavra " * 20])
        lines = rebuilt.splitlines()
        assert lines[0].startswith(first)
        assert all(line.startswith(f"{rest}palavra") for line in lines[1:])


def test_justified_lines_are_running_text():
    text = (
        "       List  information  about  the files of the folder, which is the\n"
        "       current one by default.  The entries are sorted  by  their  names\n"
        "       unless  one  of  the options of the next page is given, in which\n"
        "       case they are not.\n"
    )
    assert texts(text) == [
        "List information about the files of the folder, which is the current one by default.",
        "The entries are sorted by their names unless one of the options of the next page is given, in which case they "
        "are not.",
    ]


def test_white_space_at_the_ends_of_lines_is_kept_where_it_is_the_same():
    text = SWIMMING_POOL.replace("\n", " \n")
    rebuilt, _ = rebuild(parse(text), ["one " * 30, "two " * 10, "three"])
    assert all(line.endswith(" ") for line in rebuilt.splitlines())


def test_a_line_does_not_come_to_begin_like_an_item():
    document = parse(SWIMMING_POOL)
    output = "palavra " * 8 + "- " + "palavra " * 8 + "1. " + "palavra " * 9
    rebuilt, _ = rebuild(document, [output, output, output])
    assert not [line for line in rebuilt.splitlines() if line.startswith(("- ", "1. "))]


@pytest.mark.parametrize("width", range(28, 40))
def test_narrow_columns_of_several_lines_are_paragraphs(width):
    words = " ".join(SWIMMING_POOL.split())
    assert texts(textwrap.fill(words, width)) == texts(SWIMMING_POOL)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (
            "1. Open the file of the town council that was\n   saved on Monday evening.\n2. Close it.\n",
            ["Open the file of the town council that was saved on Monday evening.", "Close it."],
        ),
        (
            "- Send the letter to the mayor and the members of\n  Brenmouth's council.\n- Go home.\n",
            ["Send the letter to the mayor and the members of Brenmouth's council.", "Go home."],
        ),
        (
            "a) a ata da reunião de segunda-feira, que ficou\nguardada;\nb) o resto;\n",
            ["a ata da reunião de segunda-feira, que ficou guardada;", "o resto;"],
        ),
    ],
)
def test_an_item_of_two_lines_is_one(text, items):
    assert texts(text) == items
    assert rebuild(parse(text), items)[0] == text


def test_a_long_address_does_not_make_its_paragraph_wide():
    address = "https://example.org/a/very/long/path/that/is/broken/nowhere/for/it/has/no/space"
    lines = SWIMMING_POOL.splitlines()
    for places in ((1,), (1, 3), (3, 4)):
        text = "\n".join(f"{line} {address}" if at in places else line for at, line in enumerate(lines))
        assert texts(text) == texts(" ".join(text.split()))


STAY = {
    "verses": "The winter came across the hill\nAnd found the village lying still,\nIt laid its hand on roof and wall\n"
    "And let the quiet snowflakes fall.",
    "verses in small letters": "we walked along the empty shore,\nthe wind was cold, the sky was grey,\n"
    "you said you would not come before\nthe ships had left, and went away.",
    "long verses": "the moon hung low above the silent harbour,\na lantern swung along the wooden pier,\n"
    "the boats lay still, their ropes gone dark with water,\nand someone sang a song for none to hear.",
    "narrow verses": "so much depends\nupon a red wheel\nbarrow glazed with\nrain water beside\nthe white chickens.",
    "narrow verses in small letters": "i carry your letter with me\nin the pocket of my coat\n"
    "and when the evening falls\ni read it by the window\nwhile the rain comes down\nand nobody is there to see.",
    "verses in Portuguese": "vou andar pela praia vazia\no vento era frio e o céu\nera cinzento como o mar\n"
    "disseste que não vinhas\nantes dos navios partirem\ne foste embora com eles.",
    "hours": "Opening hours of the museum:\nfrom Monday to Friday 9-17\nfrom Saturday 9-12 only\n"
    "closed on Sundays always\nfree for children under 6",
    "ingredients": "two large onions, cut in rings\na pound of yellow potatoes\nhalf a bottle of white wine\n"
    "some fresh bread of yesterday\na spoon of brown sugar\nthree eggs and a lemon",
    "items with addresses": "1. Anna Maria Smith\n   14 Harbour Road\n   Brenmouth",
    "items with items": "1. Write the names of three towns\n   a) one\n   b) two",
    "addresses": "The Brenmouth Sailing Club\n14 Harbour Road\nBrenmouth\nGreat Britain",
    "lists": "two onions\na pound of potatoes\nhalf a bottle of white wine\nsome fresh bread",
    "headlines": "Council votes for the new bridge over the river\nSchool opens again after the storm\n"
    "Three houses damaged in the fire on Sunday night\nLibrary asks readers for old photographs",
    "sentences": "The museum opens at nine o'clock in the morning from Monday to Friday.\n"
    "Children may enter for free when they come with their parents or a teacher.\n"
    "The café on the first floor serves warm meals between twelve and three.",
    "items": "* the first item of the list that is long enough to reach the edge\n"
    "* the second item of the list that is long enough to reach the edge\n"
    "* the third item of the list that is long enough to reach the edge",
    "code": "    for name in names:\n        door = find_door(name)\n        door.open()\n    return door;",
    "tables": "apples      green and red     in the cellar of the house\n"
    "bread       brown and white   on the table of the kitchen\n"
    "milk        white             on the sill of the window",
    "a transcript": "por este dolor me olvidé por completo de comer\nse siente como si alguien me apretara el pecho\n"
    "todavía se siente como falta de aire",
    "paths": "usr/share/doc/polygist/README\nusr/share/doc/polygist/LICENSE\nusr/share/doc/polygist/examples/article",
}


@pytest.mark.parametrize("name", STAY)
def test_what_is_no_wrapped_paragraph_stays_line_by_line(name):
    text = STAY[name]
    assert all("\n" not in text[slice(*segment.span)] for segment in parse(text).segments)
    assert texts(text) == texts(text, splitting=Splitting.PUNCTUATION_AND_NEWLINES)


def test_two_lines_are_a_paragraph_beside_longer_ones_of_the_same_width_only():
    quoted = MAIL.partition("\n\n")[2].split("\n\n")[1]
    assert len(texts(quoted)) == 3
    assert len(texts(f"{MAIL}\n{quoted}")) == len(texts(MAIL)) + 2


def test_the_parts_of_a_document_are_told_apart_without_blank_lines():
    text = f"THE SWIMMING POOL\n{SWIMMING_POOL}* one\n* two\n"
    kinds = [block.kind for block in parse(text).blocks]
    assert kinds == [BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.LIST_ITEM]
