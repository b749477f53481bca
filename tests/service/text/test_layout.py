"""What stands between the segments of plain text: cells, columns, list markers, quote marks, kinds of blocks."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text import documents
from polygist_service.text.documents.base import BlockKind, Output, Splitting

LINES = Splitting.PUNCTUATION_AND_NEWLINES
TABLE = "Item            Price    Stock\nRed apples      1.20     in stock\n"
WORDS = st.sampled_from(["apples", "the old town", "a", "São João", "日本", "12.50", "I.", "(b)", "x2", "No. 7"])
GAPS = st.sampled_from(
    [" ", "  ", "     ", "\t", "\xa0\xa0", " | ", " .... ", "....", "\n", "\r\n", "\n\n", "\n> ", "\n* "]
)
PREFIXES = st.sampled_from(["", "> ", "> > ", "  ", "\t", "1. ", "a) ", "• ", "- [ ] ", "| ", "# "])
LAID_OUT = st.lists(st.tuples(PREFIXES, WORDS, GAPS), max_size=12).map(lambda parts: "".join(map("".join, parts)))


def parse(text, splitting=Splitting.AUTOMATIC):
    return documents.parse(text, language="en", splitting=splitting)


def texts(text, splitting=Splitting.AUTOMATIC):
    return [segment.text for segment in parse(text, splitting).segments]


def rebuild(document, outputs):
    """The document with some outputs, and what stands at their spans."""
    rebuilder = document.rebuild()
    text = "".join([rebuilder.add(Output(output)) for output in outputs]) + rebuilder.finish()
    return text, [text[start:end] for start, end in rebuilder.spans]


def translate(text, words, splitting=Splitting.AUTOMATIC):
    """The text with its segments replaced by what `words` says, which leaves figures as they are."""
    document = parse(text, splitting)
    return rebuild(document, [words.get(segment.text, segment.text) for segment in document.segments])[0]


@given(LAID_OUT, st.sampled_from(Splitting))
def test_nothing_changes_where_no_segment_does(text, splitting):
    document = parse(text, splitting)
    rebuilt, shown = rebuild(document, [segment.text for segment in document.segments])
    assert rebuilt == text
    assert shown == [text[slice(*segment.span)] for segment in document.segments]


@given(LAID_OUT, st.text("ab \n", max_size=9), st.sampled_from(Splitting))
def test_only_segments_and_the_spaces_of_columns_change(text, output, splitting):
    document = parse(text, splitting)
    rebuilt, shown = rebuild(document, [output] * len(document.segments))
    assert [" ".join(each.split()) for each in shown] == [" ".join(output.split())] * len(document.segments)
    spans = [segment.span for segment in document.segments]
    ends, starts = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    between = "".join(text[end:start] for end, start in zip(ends, starts, strict=True))
    assert squeeze(rebuilt.replace("a", "").replace("b", "")) == squeeze(between.replace("a", "").replace("b", ""))


def squeeze(text):
    """Text without white space and with its rules shortened."""
    return re.sub(r"([-=])\1+", r"\1", "".join(text.split()))


@given(LAID_OUT)
def test_letters_outside_of_segments_are_those_of_list_markers(text):
    ends = [0]
    for segment in parse(text).segments:
        between = text[ends[-1] : segment.start]
        assert not any(map(str.isalpha, re.sub(r"(?<!\w)\(?(?:I|b|a)[.)]\s+", "", between)))
        ends.append(segment.end)


def test_tabs_part_cells_and_stay():
    text = "Name\tAge\tCity\nAnna\t34\tLondon\nJohn Smith\t28\tNew York\n"
    assert texts(text) == ["Name", "Age", "City", "Anna", "London", "John Smith", "New York"]
    words = {"Name": "Nome", "Age": "Idade", "City": "Cidade", "London": "Londres", "New York": "Nova Iorque"}
    assert translate(text, words) == "Nome\tIdade\tCidade\nAnna\t34\tLondres\nJohn Smith\t28\tNova Iorque\n"


def test_aligned_columns_stay_aligned():
    words = {"Item": "Artigo", "Price": "Preço", "Stock": "Existências", "Red apples": "Maçãs vermelhas"}
    assert translate(TABLE, words | {"in stock": "em armazém"}) == (
        "Artigo           Preço    Existências\nMaçãs vermelhas  1.20     em armazém\n"
    )


def test_columns_stay_aligned_at_their_right_edge():
    text = "Item        Price\nBread        1.20\nOlive oil   12.50\n"
    words = {"Bread": "Pão", "Olive oil": "Azeite virgem", "Item": "Artigo", "Price": "Preço"}
    assert translate(text, words) == "Artigo         Preço\nPão             1.20\nAzeite virgem  12.50\n"


def test_bars_and_rules_grow_with_their_columns():
    text = "| Name | Town |\n|------|------|\n| Anna | Rome |\n"
    assert translate(text, {"Name": "Designation", "Town": "Vila"}) == (
        "| Designation | Vila |\n|-------------|------|\n| Anna        | Rome |\n"
    )


def test_wide_characters_take_two_columns():
    text = "one     two\nthree   four\n"
    assert translate(text, {"one": "日本", "three": "中"}) == "日本    two\n中      four\n"


def test_only_numbers_of_cells_are_number_segments():
    text = f"{TABLE}\nTotal............12.50\n\n12.50\n\n1.1  Scope\n"
    numbers = [segment.text for segment in parse(text).segments if segment.is_number]
    assert numbers == ["1.20", "12.50"]
    rows = "Version   1.2.3   2024-01-05   +1 555 0100   192.168.0.1   34   $1,299.99   5.5%"
    assert [each.text for each in parse(rows).segments if each.is_number] == ["$1,299.99", "5.5%"]
    assert all(not segment.is_number for segment in parse(text).prose())


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Sales in dollars:\n1,300.50\n1,450.75\n2,000", ["1,300.50", "1,450.75", "2,000"]),
        ("$1,299.99", ["$1,299.99"]),
        ("Price\n- $1,299.99\n* R$ 2.50", ["- $1,299.99", "R$ 2.50"]),
        ("1,299.99 - 2,500.00", ["1,299.99", "2,500.00"]),
        ("€1,299.99–€2,500.00", ["€1,299.99", "€2,500.00"]),
        ("| 1,299.99 | 2,500.00 |", ["1,299.99", "2,500.00"]),
        ("1,234,567; 2,345,678", ["1,234,567", "2,345,678"]),
        ("1,299.99 2,500.00 3,100.50", ["1,299.99", "2,500.00", "3,100.50"]),
        ("12.50  1,300.00  7", ["12.50", "1,300.00"]),
        ("12.50\n13.75\n7.20", ["12.50", "13.75", "7.20"]),
        ("7.5\n8.25\n2024\n1,300", ["7.5", "8.25", "1,300"]),
        ("EUR 1,299.99\n5.5%\n21.5 °C", ["EUR 1,299.99", "5.5%", "21.5 °C"]),
    ],
)
def test_the_numbers_of_lines_that_have_nothing_else_are_segments(text, numbers):
    assert [each.text for each in parse(text).segments if each.is_number] == numbers


@pytest.mark.parametrize(
    "text",
    [
        *("2024", "1.1", "1.1\n1.2\n1.3", "1.10\n1.11", "12/05/2024", "12.05.2024", "10:30", "1.2.3", "192.168.0.1"),
        *(
            "USB 3.1",
            "123.456.789-00",
            "12.345.678/0001-95",
            "+55 11 2345.6789",
            "12.345.678-9",
            "2018 - 2024",
            "3.5 kg",
        ),
        *("v1,300.50", "1,300.50 a day", "(11) 99999-9999", "1.1  Scope\n1.2  Terms"),
    ],
)
def test_dates_codes_and_the_numbers_of_sections_stay(text):
    assert not any(each.is_number for each in parse(text).segments)


def test_a_number_is_cut_nowhere():
    (segment,) = (each for each in parse("Total.....12.50").segments if each.is_number)
    assert parse("Total.....12.50").cut(segment, lambda text: False) == [segment]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("Total............12.50", ["Total", "12.50"]),
        ("Chapter 1 . . . . . 7", ["Chapter 1"]),
        ("Name: ________  Date: ____/____", ["Name:", "Date:"]),
        ("[ ] Yes   [x] No", ["Yes", "No"]),
        ("( ) Sim ( ) Não", ["Sim", "Não"]),
        ("Home | News | Sport", ["Home", "News", "Sport"]),
        ("Phone:\xa0\xa0\xa0Fax:", ["Phone:", "Fax:"]),
        ("*** Notice ***", ["Notice"]),
        ("│ Name │ Town │", ["Name", "Town"]),
        ("--size=N    the size of the page", ["the size of the page"]),
    ],
)
def test_what_fills_a_line_parts_its_cells(text, cells):
    assert texts(text) == texts(text, LINES) == cells


@pytest.mark.parametrize(
    "text",
    [
        "The end.  Next to it stands a house.",
        "He said:  nothing at all.",
        "Wait... what did he say?",
        "The sum (see  below) is right.",
        "The  men  of  the  town  were  asked.",
        "He was late -- as he always is --- and left.",
        "Is a || b the same as b?",
        "See item [1] of the list.",
        "Last but not least ....",
        "The members\xa0 of the council\xa0 have met.",
        "I, ________, have read the rules of the house.",
        "Corner,  Coventry.",
        "«\xa0 À demain.",
    ],
)
def test_running_text_has_no_cells(text):
    assert " ".join(texts(text)).split() == text.split()
    assert len(texts(text)) == len(re.split(r"(?<=[.?!])  ", text))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("IV) Results", "Results"),
        ("(b) the house", "the house"),
        ("a. the house", "the house"),
        ("I. Introduction", "Introduction"),
        ("1.1 Introduction", "Introduction"),
        ("1.2.3. Introduction", "Introduction"),
        ("12) Bread", "Bread"),
        ("• Bread", "Bread"),
        ("- [x] 1. Bread", "Bread"),
        ("> > - Bread", "Bread"),
        ("Q: Who?", "Who?"),
        ("## Title", "Title"),
        ("☐ Done", "Done"),
        ("§ 1.º A lei vale.", "A lei vale."),
        ("§ 2º Os bens ficam.", "Os bens ficam."),
        ("§ 12. The law holds.", "The law holds."),
        ("Art. 5.º Todos votam.", "Todos votam."),
        ("Art. 10. Todos votam.", "Todos votam."),
        ("Art. 12-B - A lei vale.", "A lei vale."),
        ("II - a casa;", "a casa;"),
        ("XIV – the house.", "the house."),
        ("V — o voto;", "o voto;"),
    ],
)
def test_list_markers_and_quote_marks_are_in_no_segment(line, words):
    assert texts(line) == [words]
    assert translate(line, {words: "x"}) == line.removesuffix(words) + "x"


@pytest.mark.parametrize(
    "line",
    [
        "A. Smith was born in London.",
        "a) 12",
        "1.1 million people live here.",
        "I think so.",
        "No. 5 is alive.",
        "p. 12 of it",
        "§ 5 of the law holds.",
        "Art. 5º da lei vale.",
        "Art. 5, inc. II, vale.",
        "I - who was not asked - left.",
        "Art. is long.",
    ],
)
def test_names_and_numbers_that_begin_a_sentence_are_no_markers(line):
    assert "".join(texts(line)).replace(" ", "") == line.replace(" ", "")


def test_a_letter_is_a_marker_beside_the_one_before_or_behind_it():
    text = "A. The house stands on a hill.\nB. The house stands by the sea.\n"
    assert texts(text) == ["The house stands on a hill.", "The house stands by the sea."]
    assert texts("I. We met in the old town hall.\nII. We met again.") == [
        "We met in the old town hall.",
        "We met again.",
    ]


def test_items_of_laws_are_markers_beside_each_other():
    assert texts("I - a casa;\nII - a rua;\nIII - o bairro.") == ["a casa;", "a rua;", "o bairro."]
    assert texts("LXXVIII - a casa;\n\nLXXIX - a rua;") == ["a casa;", "a rua;"]


def test_roman_numerals_of_headings_stay():
    assert translate("I. Introduction\nII. Methods\n", {"Introduction": "Introdução", "Methods": "Métodos"}) == (
        "I. Introdução\nII. Métodos\n"
    )


def test_leader_dots_stay():
    assert translate("Total............12.50", {"12.50": "12,50"}) == "Total............12,50"


def kinds(text):
    document = parse(text)
    return [(text[block.start : block.end].strip().partition("\n")[0], block.kind) for block in document.blocks]


def test_blocks_have_kinds():
    text = (
        "The old bridge\n\nThe bridge was closed two years ago, because of a flood that had damaged it badly.\n\n"
        "# Costs\n\n* Stone\n* Wood\n\nbread\nmilk\nwine\n\nName\tAge\n\nRESULTS\n  It works.\n\n"
        "def f():\n    return g()\n\nKind regards,\nRay\n"
    )
    assert kinds(text) == [
        ("The old bridge", BlockKind.HEADING),
        ("The bridge was closed two years ago, because of a flood that had damaged it badly.", BlockKind.PARAGRAPH),
        ("# Costs", BlockKind.HEADING),
        ("* Stone", BlockKind.LIST_ITEM),
        ("* Wood", BlockKind.LIST_ITEM),
        ("bread", BlockKind.LIST_ITEM),
        ("milk", BlockKind.LIST_ITEM),
        ("wine", BlockKind.LIST_ITEM),
        ("Name\tAge", BlockKind.ROW),
        ("RESULTS", BlockKind.HEADING),
        ("It works.", BlockKind.PARAGRAPH),
        ("def f():", BlockKind.CODE),
        ("return g()", BlockKind.CODE),
        ("Kind regards,", BlockKind.PARAGRAPH),
        ("Ray", BlockKind.PARAGRAPH),
    ]


def test_all_kinds_may_be_in_a_summary_and_each_can_be_asked_for():
    document = parse("Title\n\nThe bridge is closed.\n\n* Stone\n")
    assert [each.text for each in document.prose()] == ["Title", "The bridge is closed.", "Stone"]
    assert [each.text for each in document.prose({BlockKind.HEADING})] == ["Title"]


MILLION = 1_000_000


@pytest.mark.parametrize(
    "unit",
    ["\t", " ", ".", ". ", "> ", "\n", "-", "a  ", "a\t", "|", "a|", "_ ", "[ ] ", "\xa0", "> \n", "a" * 1000, "—", "…",
     "I", "1.", "* ", "(", "=", "·", "\u2500", "a-\n> ", "1.5 ", "1.5;", "1.5\n", "1.5-", "§ 1 ", "I - "],
)  # fmt: skip
def test_a_million_characters_take_little_time(unit):
    text = (unit * MILLION)[: MILLION // 4]
    start = time.process_time()
    document = parse(text)
    rebuild(document, [each.text + "x" for each in document.segments])
    assert time.process_time() - start < 20
