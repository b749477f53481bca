import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.numbers.comparison import ChangeKind, NumberChange, compare_numbers, mend_numbers
from polygist_service.text.numbers.writing import localise_number


def mend(source, target, languages="en-pt"):
    own, _, other = languages.partition("-")
    return mend_numbers(target, compare_numbers(source, own, target, other))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("1,234,567 people", "1.234.567 pessoas"),
        ("1,234,567 people", "1 234 567 pessoas"),
        ("$1,299.99", "US$ 1.299,99"),
        ("12.5 percent", "12,5%"),
        ("3.2 billion euros", "3,2 bilhões de euros"),
        ("3.2 billion euros", "3,2 mil milhões de euros"),
        ("2 trillion", "2 biliões"),
        ("$500bn", "500 bilhões de dólares"),
        ("250,000 people", "250 mil pessoas"),
        ("half a million", "500.000"),
        ("Two hundred people", "200 pessoas"),
        ("two of the 25 men", "ambos os vinte e cinco homens"),
        ("first, second, a dozen, one of them", "primeiro, a seguir, uma dezena, um deles"),
        ("5:30 p.m.", "17h30"),
        ("5 p.m.", "17h"),
        ("3 p.m.", "três da tarde"),
        ("March 5, 2024", "5 de março de 2024"),
        ("5/3/2024", "5 de março de 2024, ou 3/5/2024"),
        ("the 21st century", "o século XXI"),
        ("Louis XIV", "Luís 14"),
        ("the 5th of them", "o 5.º deles"),
        ("the 1990s", "os anos 90"),
        ("3/4 of 10⁶ m", "3/4 de 10⁶ m"),
        ("between 10 and 12%", "entre 10% e 12%"),
        ("2018-19", "2018-2019"),
        ("a 3-1 win", "uma vitória por 3-1"),
        ("It is -5.5 °C", "Faz -5,5 °C"),
        ("It is minus 5", "Faz -5"),
        ("Python 3.11 and Windows 8.1", "Python 3.11 e Windows 8.1"),
        ("within 20 feet", "a 6 metros"),
        ("one and a half hours", "uma hora e meia"),
        ("at 10:45:00", "às 10:45"),
        ("at 10:45:02", "às 10:45:02"),
        ("He drank milo and ate mila", "Bebeu milo e comeu mila"),
    ],
)
def test_what_is_right_is_no_change_in_either_direction(source, target):
    assert compare_numbers(source, "en", target, "pt") == []
    assert compare_numbers(target, "pt", source, "en") == []


@pytest.mark.parametrize(
    ("source", "wrong", "right"),
    [
        (
            "The population is 1,234,567 people.",
            "A população é de 13.267 pessoas.",
            "A população é de 1.234.567 pessoas.",
        ),
        ("Only 244,890 were counted.", "Apenas 244,890 foram contados.", "Apenas 244.890 foram contados."),
        (
            "The price rose from $1,299.99 to $1,349.50 in the year 2023.",
            "O preço subiu de $1,299 para $1,349,50 no ano 2023.",
            "O preço subiu de $1.299,99 para $1.349,50 no ano 2023.",
        ),
        ("It fell to -5.5 °C.", "Caiu para -5.5 °C.", "Caiu para -5,5 °C."),
        ("It fell to -5.5 °C.", "Caiu para 5,5 °C.", "Caiu para -5,5 °C."),
        ("It is 3.844 x 10⁶ m.", "São 3.844 x 106 m.", "São 3,844 x 10⁶ m."),
        ("It cost 3.2 billion.", "Custou 3,2 milhões.", "Custou 3,2 bilhões."),
        ("It cost 1.5 million.", "Custou 1,5.", "Custou 1,5 milhão."),
        ("It rose 12.5%.", "Subiu 12,5.", "Subiu 12,5%."),
        ("820,000 people", "880 mil pessoas", "820.000 pessoas"),
        ("It opens at 4.40 am.", "Abre às 4h00.", "Abre às 4h40."),
        ("It opens at 2:50 p.m. on Monday.", "Abre às 2:50 p.m. na segunda.", "Abre às 14h50 na segunda."),
        ("It opens at 2:50 p.m.", "Abre às 2:50 p.m.", "Abre às 14h50."),
        ("From 10 p.m. to 4 a.m.", "Das 10h às 4h.", "Das 22h às 4h."),
        ("It costs £500.", "Custa 500 euros.", "Custa 500 libras esterlinas."),
        ("It costs £12.50.", "Custa R$ 12,50.", "Custa £ 12,50."),
        ("It costs £12.50.", "Custa 12,50.", "Custa £12,50."),
        ("At 10:45:02,456 it broke.", "Às 10:45:04,456 quebrou.", "Às 10:45:02,456 quebrou."),
        ("At 07:15:59 it broke.", "Às 07:15:58 quebrou.", "Às 07:15:59 quebrou."),
    ],
)
def test_what_was_changed_is_mended_where_its_place_is_certain(source, wrong, right):
    assert mend(source, wrong) == right
    assert compare_numbers(source, "en", right, "pt") == []


@pytest.mark.parametrize(
    ("source", "wrong", "right"),
    [
        ("São 1.234.567 pessoas.", "There are 1,235,167 people.", "There are 1,234,567 people."),
        ("Dos 8.096 casos.", "Of the 8.096 cases.", "Of the 8,096 cases."),
        ("Teve 25,5 pontos.", "He had 25,5 points.", "He had 25.5 points."),
        ("São 2,5 bilhões.", "It is 2.5 million.", "It is 2.5 billion."),
        ("Cerca de 16 700 pessoas vieram.", "About 16 700 people came.", "About 16,700 people came."),
        ("A loja fecha às 19h.", "The shop closes at 19h.", "The shop closes at 7 p.m."),
        ("Ligue para +351 914 189 827 hoje.", "Call +351 914 189 827 today.", "Call +351 914 189 827 today."),
        ("Ligue 116 123 (grátis).", "Call 116 123 (free).", "Call 116 123 (free)."),
        ("Custou 99 265,13 €.", "It cost 99, 265,13.", "It cost €99,265.13."),
        ("A mesa tem 2¼ metros.", "The table is 21-4 metres.", "The table is 2¼ metres."),
        ("São 3,4 × 10²² células.", "It is 3.4 to 1022 cells.", "It is 3.4 × 10²² cells."),
        ("Foram 17 701 pessoas.", "There were 17, 701 people.", "There were 17,701 people."),
        ("Custou 46.069,96.", "It cost 466.99.96.", "It cost 46,069.96."),
        ("Custa R $ 700,00 hoje.", "It costs $700.00 today.", "It costs R$700.00 today."),
        ("São R$ 2,5 tri em 2020.", "It is R$ 2.5 tri in 2020.", "It is R$ 2.5 trillion in 2020."),
        ("São R$ 7 bi agora.", "It is R$ 7 bi now.", "It is R$ 7 billion now."),
        ("Abre às 14h30.", "It opens at 14:30 p.m.", "It opens at 2:30 p.m."),
        ("Abre 9h-18h.", "It is open 9h-6 p.m.", "It is open 9 a.m.-6 p.m."),
        ("Abre das 10h às 22h, sempre.", "Open from 10h to 22h, always.", "Open from 10 a.m. to 10 p.m., always."),
        ("O CPF é 123.456.789-00.", "The CPF is 123,456,789-00.", "The CPF is 123.456.789-00."),
        ("CNPJ 12.345.678/0001-95", "CNPJ 12,345,678/0001-95", "CNPJ 12.345.678/0001-95"),
        ("No documento 1.500 pessoas", "In the document 1.500 people", "In the document 1,500 people"),
        ("São 3h-4h de viagem.", "It is 3h-4h of travel.", "It is 3h-4h of travel."),
        ("Fecha às 17h30.", "It closes at 5:50 p.m.", "It closes at 5:30 p.m."),
    ],
)
def test_english_is_mended_as_it_is_written(source, wrong, right):
    assert mend(source, wrong, "pt-en") == right


def test_a_value_that_came_through_in_a_foreign_form_is_only_miswritten():
    (change,) = compare_numbers("It rose 2.5%.", "en", "Subiu 2.5%.", "pt")
    assert change == NumberChange(ChangeKind.MISWRITTEN, (8, 12), "2.5%", (6, 9), "2,5")
    (change,) = compare_numbers("Only 244,890 came.", "en", "Só 244,890 vieram.", "pt")
    assert change == NumberChange(ChangeKind.CHANGED, (5, 12), "244,890", (3, 10), "244.890")


def test_european_portuguese_counts_thousands_of_millions():
    change = compare_numbers("It cost 3.2 billion.", "en", "Custou 3,2 milhões.", "pt-PT")
    assert mend_numbers("Custou 3,2 milhões.", change) == "Custou 3,2 mil milhões."


def test_a_number_that_is_not_there_has_no_place():
    assert compare_numbers("It has 27 rooms.", "en", "Tem quartos.", "pt") == [
        NumberChange(ChangeKind.LOST, (7, 9), "27")
    ]
    assert compare_numbers("It has rooms.", "en", "Tem 27 quartos.", "pt") == [
        NumberChange(ChangeKind.ADDED, None, "27")
    ]


def test_two_numbers_in_no_order_are_not_mended():
    source, target = "From 17 to 238 of them.", "De 951 a 46 deles."
    assert [change.replacement for change in compare_numbers(source, "en", target, "pt")] == [None] * 4
    assert mend(source, target) == target


def test_one_language_on_both_sides_changes_nothing_by_itself():
    assert compare_numbers("1,234.5 at 5.000", "en", "1,234.5 at 5.000", "en-GB") == []


def test_unknown_languages_raise_no_alarm_for_separators():
    assert compare_numbers("1,234 and 5.5", "en", "1.234 5,5", "xx") == []
    assert compare_numbers("25,000 people and five dogs", "en", "25-тысячную толпу", "ru") == []


@pytest.mark.parametrize(
    ("cell", "right"),
    [
        ("12.50", "12,50"),
        ("1,234", "1.234"),
        ("$1,299.99", "$1.299,99"),
        ("12.5%", "12,5%"),
        ("(1,234.5)", "(1.234,5)"),
        (" -0.5 ", " -0,5 "),
        ("EUR 1,000", "EUR 1.000"),
        ("2024", "2024"),
        ("2024-03-05", "2024-03-05"),
        ("03/05/2024", "03/05/2024"),
        ("1.2.3", "1.2.3"),
        ("192.168.0.1", "192.168.0.1"),
        ("+351 912 345 678", "+351 912 345 678"),
        ("555-1234", "555-1234"),
        ("5:30 PM", "5:30 PM"),
        ("v1.2", "v1.2"),
        ("A1.5", "A1.5"),
        ("", ""),
    ],
)
def test_a_cell_that_is_a_number_is_written_as_the_target_does(cell, right):
    assert localise_number(cell, "en", "pt") == right


@pytest.mark.parametrize(
    ("source", "wrong", "right"),
    [
        ("On 2020/10/10 card 5500 5500 5500 5500.", "Em 2020/10/10 cartão 5500 5500 5500.", None),
        ("Enter 1234 1234 1234 now.", "Introduza 1234 1234 1234 1234 agora.", "Introduza 1234 1234 1234 agora."),
        ("The key is 00 11 00 11 00 11.", "A chave é 00 11 00 11.", "A chave é 00 11 00 11 00 11."),
        ("It is 12 by 12 by 12 feet.", "São 12 por 12 pés.", "São 12 por 12 por 12 pés."),
        ("It is 9 x 9 x 9 cm.", "São 9 x 9 cm.", "São 9 x 9 x 9 cm."),
        ("Look at (1)(2) again.", "Veja (1) outra vez.", "Veja (1)(2) outra vez."),
        ("Call 555-1234-555 now.", "Ligue já 555-1234.", "Ligue já 555-1234-555."),
        ("A 2.5 x 4.5 x 4.5 cm box", "Uma caixa de 2.5 x 4.5 cm", "Uma caixa de 2,5 x 4,5 x 4,5 cm"),
        ("It has 3,000 by 3,000 pixels.", "Tem 3.000 pixels.", "Tem 3.000 por 3.000 pixels."),
        ("Enter 111 111 111 now.", "Introduza 111 111 agora.", "Introduza 111 111 111 agora."),
        ("Card 4000 1111 2222 3333.", "Cartão 4000 1111 2222.", "Cartão 4000 1111 2222 3333."),
    ],
)
def test_a_run_of_numbers_is_compared_as_one(source, wrong, right):
    right = right or "Em 2020/10/10 cartão 5500 5500 5500 5500."
    assert mend(source, wrong) == right
    assert compare_numbers(source, "en", right, "pt") == []


def test_a_number_that_is_said_once_too_little_or_too_much_is_told():
    once, twice = (
        ("It has 27 rooms.", "Tem 27 quartos."),
        ("It has 27 beds and 27 rooms.", "Tem 27 camas e 27 quartos."),
    )
    (lost,) = compare_numbers(twice[0], "en", once[1], "pt")
    (added,) = compare_numbers(once[0], "en", twice[1], "pt")
    assert (lost.kind, added.kind) == (ChangeKind.LOST, ChangeKind.ADDED)
    assert lost.replacement is None
    assert added.replacement is None


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("The 2-2 draw", "O empate a dois golos"),
        ("on 18 January 2020 and 22 January 2020", "em 18 e 22 de janeiro de 2020"),
        ("the COVID-19 cases and COVID-19 deaths", "os casos e as mortes por COVID-19"),
        ("Four in 10, nine in 10", "Quatro em 10, nove em cada dez"),
        ("It is 12 by 12 by 12 feet.", "São 12 pés por 12 por 12."),
        ("In 2019 300 people left", "300 pessoas saíram em 2019"),
        ("on 10/10/2020", "a 10 de outubro de 2020"),
    ],
)
def test_what_prose_says_once_for_twice_is_no_change(source, target):
    assert compare_numbers(source, "en", target, "pt") == []
    assert compare_numbers(target, "pt", source, "en") == []


@pytest.mark.parametrize(
    "text",
    [
        "CPF 123.456.789-00",
        "CNPJ 12.345.678/0001-95",
        "inscrição estadual 110.042.490.114",
        "RG 12.345.678-9",
        "NIF n.º 501.442.600",
        "processo 1.234.567",
        "o NIF dele é 501.442.600",
        "REsp 1.234.567/SP",
        "Node.js 18.17",
        "Lei 8.078/1990",
        "arXiv:2101.00001v2",
        "libfoo.so.1.2",
        "HTTP/1.1",
        "iOS 17.2",
        "PyTorch 2.10",
        "versão 4.500",
        "v. 2.5",
    ],
)
@pytest.mark.parametrize("languages", ["en-pt", "pt-en"])
def test_a_number_that_names_something_stays_as_it_is(text, languages):
    own, other = {"en": "Look at {} again.", "pt": "Veja {} outra vez."}, languages.split("-")
    source, target = (own[language].format(text) for language in other)
    assert compare_numbers(source, other[0], target, other[1]) == []


@pytest.mark.parametrize(
    "text",
    [
        '1.1 "Agreement" X',
        "3.2 A Y",
        "# 2.4 Summary",
        "(Fig. 2.3)",
        "Sec. 4.2 in",
        "No. 3.1",
        "cl. 4.2",
        "SECTIONS 4.2, 4.3 and 4.4",
        "`x = 1.5`",
        "f(1.5, 2.5)",
        "open 9.00-17.30",
        "(9.00 – 17.30)",
        "until 6.30",
        "from 9.00 to 17.30",
        "version 2.5, or 3.5 and 4.5",
    ],
)
def test_sections_code_and_times_with_a_point_are_no_decimals(text):
    assert compare_numbers(text, "en", text, "pt") == []


@pytest.mark.parametrize(
    ("source", "wrong", "right"),
    [
        ("It cost 1.5-2.5 points", "Custou 1.5-2.5 pontos", "Custou 1,5-2,5 pontos"),
        ("In 2.5 m of `x`", "Em 2.5 m de `x`", "Em 2,5 m de `x`"),
        ("A rating of 3.5/5", "Uma nota de 3.5/5", "Uma nota de 3,5/5"),
        ("At 2.5 GB it stopped", "Com 2.5 GB parou", "Com 2,5 GB parou"),
        ("A code 2.5 times faster", "Um código 2.5 vezes mais rápido", "Um código 2,5 vezes mais rápido"),
        ("From 1.52 to 1.67 m", "De 1.52 a 1.67 m", "De 1,52 a 1,67 m"),
        ("2.5 GB are left", "2.5 GB restam", "2,5 GB restam"),
        ("No deaths in 2.5 years", "Sem mortes em 2.5 anos", "Sem mortes em 2,5 anos"),
    ],
)
def test_what_is_measured_beside_such_signs_is_still_written_anew(source, wrong, right):
    assert mend(source, wrong) == right


def test_a_changed_version_is_mended_as_the_source_has_it():
    assert mend("It needs iOS 17.2 now.", "Precisa do iOS 17.3 agora.") == "Precisa do iOS 17.2 agora."


def test_a_time_with_a_point_is_the_same_with_a_letter():
    assert compare_numbers("It leaves at 6.35.", "en", "Parte às 6h35.", "pt") == []
    assert compare_numbers("Open from 9.00 to 17.30.", "en", "Aberto das 9h00 às 17h30.", "pt") == []
    assert compare_numbers("Open 9.15-17.45.", "en", "Aberto das 9h15 às 17h45.", "pt") == []


@given(st.decimals(-(10**12), 10**12, allow_nan=False, places=2))
def test_a_cell_comes_back_from_another_language(value):
    cell = f"{value:,}"
    localised = localise_number(cell, "en", "de")
    assert localise_number(localised, "de", "en") == cell
    assert compare_numbers(cell, "en", localised, "de") == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("0123456789,.:/h-– %$½⁶"), max_size=100)


@given(TEXTS, TEXTS, st.sampled_from(["en", "de", "ru", "xx"]))
def test_only_what_is_certain_is_replaced(source, target, language):
    changes = compare_numbers(source, language, target, "pt")
    for change in changes:
        assert change.source_span is None or source[slice(*change.source_span)] == change.source_text
        assert change.target_span is not None or change.replacement is None
    if not any(change.replacement for change in changes):
        assert mend_numbers(target, changes) == target


@given(TEXTS)
def test_a_copy_in_the_same_language_changes_nothing(text):
    assert compare_numbers(text, "pt", text, "pt-BR") == []


HOSTILE_RUNS = ("12-12, ", "7 7 7, ", "a1.1 ", "`1.5", "f(1.5 ", "1.5-", "1.50 to ", "sec 1.1, ", "R $ 5 ")


@pytest.mark.parametrize("text", ["1 ", "1,", "$1.", "one ", "vinte e ", "1 million ", "I", "half ", *HOSTILE_RUNS])
def test_a_hostile_pair_takes_no_more_than_its_length(text):
    # Segments are no longer than this.
    text = (text * 4000)[:4000]
    began = time.process_time()
    compare_numbers(text, "en", text[::-1], "pt")
    assert time.process_time() - began < 5
