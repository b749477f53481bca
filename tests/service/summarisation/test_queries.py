import pytest
from polygist_service.summarisation.selection import Likeness, Preset, find_eligible, find_shares, keep_telling, select

ARTICLE = [
    "The council voted to rebuild the old bridge over the river in March.",
    "The reason was the price of steel.",
    "Some visitors complained that there were not enough sockets in the rooms.",
    "Opening hours and prices",
    "It rained.",
]
# An article's sentences, a query, and the place of the one that has its words.
FORMS = [
    ("ru", ["Здание обошлось бюджету дорого.", "Летом на крыше откроется кафе.", "Вход бесплатный."], "кафе", 1),
    ("ru", ["Книги выдают автоматы.", "Старое здание передадут музею."], "что с музеями", 1),
    ("ar", ["زار المكتبة ثمانية آلاف شخص.", "هل ستكفي مواقف السيارات؟"], "سيارات", 1),
    ("de", ["Die Stadt will Vögel zählen.", "Der Grund waren gestiegene Stahlpreise."], "Stahl", 1),
    ("fi", ["Syynä oli teräksen hinnannousu.", "Osa valitti pysäköintipaikkojen puutetta."], "pysäköinti", 1),
    ("tr", ["Binanın alanı yirmi bin metrekare.", "Kütüphane pazartesi günleri kapalı."], "kütüphaneler", 1),
    ("zh", ["图书馆每天上午九点开放。", "部分市民抱怨停车位太少。"], "停车", 1),
    ("ja", ["館長は話した。", "駐車場が少ないという声もある。"], "駐車", 1),
    ("ko", ["철강 가격이 올랐기 때문이다.", "도서관은 월요일에 쉰다."], "월요일", 1),
    ("ko", ["도서관은 월요일에 쉰다.", "철강이 비싸졌기 때문이다."], "철강", 1),
    ("am", ["ቤተ መጻሕፍቱ ክፍት ነው።", "የመኪና ማቆሚያ ቦታ ትንሽ ነው።"], "መኪና", 1),
    ("my", ["စာအုပ်တစ်သန်းကျော် ရှိသည်။", "ကားရပ်နားရန်နေရာ နည်းလွန်းသည်။"], "ကား", 1),
]


@pytest.mark.parametrize(("language", "sentences", "query", "place"), FORMS)
def test_the_sentence_that_has_a_word_of_the_query_in_any_form_is_picked(language, sentences, query, place):
    shares = find_shares(sentences, query)
    assert [at for at, share in enumerate(shares) if share] == [place]
    assert place in find_eligible(sentences, language=language, count=1, query=query)
    selection = select(sentences, Likeness.by_words(sentences, query), preset=Preset.COVERAGE, count=1)
    assert selection.indices == (place,)


@pytest.mark.parametrize("query", ["Stadtmeister", "also", "x", "?!", ""])
def test_words_that_begin_alike_are_no_forms_of_one(query):
    assert not find_shares(["Der Grund waren gestiegene Stahlpreise.", "Als es kam, half es."], query).any()


def test_words_that_stand_anywhere_are_no_part_of_an_answer():
    assert not find_shares([f"The bridge over the river {at} is shut." for at in range(9)], "the penguins").any()
    rare, usual = find_shares(["The bridge is shut.", *["The river is high."] * 8], "the bridge")[:2]
    assert rare > 0.8 > 0.2 > usual


@pytest.mark.parametrize(
    ("language", "query", "telling"),
    [
        ("en", "What will it cost?", "cost"),
        ("pt-BR", "Quem é o prefeito?", "prefeito"),
        ("de", "Was ist der Preis?", "was ist preis"),
        ("en", "Who are they?", "Who are they?"),
        ("fi", "Mitä se maksaa?", "mitä se maksaa"),
    ],
)
def test_of_a_question_the_words_that_tell_something_count(language, query, telling):
    assert keep_telling(query, language) == telling


def test_of_those_who_ask_any_sentence_may_be_the_answer_and_a_heading_where_no_sentence_has_its_words():
    assert find_eligible(ARTICLE, language="en", count=2) == [0, 2]
    assert find_eligible(ARTICLE, language="en", count=2, query="steel") == [0, 1, 2, 4]
    assert find_eligible(ARTICLE, language="en", count=2, query="prices of steel") == [0, 1, 2, 4]
    assert find_eligible(ARTICLE, language="en", count=2, query="opening hours") == [0, 1, 2, 3, 4]
