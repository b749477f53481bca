import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.words import count_letters, count_words, split_pieces, split_terms, split_units


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("one two  three", 3),
        ("uma ação só", 3),
        ("桥在三月关闭了", 5),
        ("新しい橋の計画。", 4),
        ("ในเดือนมีนาคม", 3),
        ("သူသည် ကျောင်းသား ဖြစ်သည်။", 4),
        ("ស្ពានចាស់ត្រូវបានបិទ", 5),
        ("ຂົວເກົ່າຖືກປິດ", 4),
        ("བོད་སྐད་ཡིན།", 3),
        ("पुल मार्च में बंद है।", 5),
        ("다리는 3월에 닫혔다.", 3),
        ("2023年3月", 4),
        ("The 桥 fell。", 3),
        ("", 0),
    ],
)
def test_words_are_counted_in_every_script(text, count):
    assert count_words(text) == count


@pytest.mark.parametrize(
    "text",
    [
        "a ponte velha sobre o rio fechou",
        "старый мост через реку закрыт",
        "नदी का पुराना पुल बंद हो गया।",
        "أغلق الجسر القديم على النهر.",
        "ወንዙ ላይ ያለው ድልድይ ተዘጋ።",
        "강 위의 오래된 다리가 닫혔다.",
        "川にかかる古い橋が閉鎖された。",
        "河上的老桥已关闭。",
    ],
)
def test_what_says_the_same_has_about_as_many_letters_in_every_script(text):
    english = count_letters("the old bridge over the river was shut")
    assert 0.6 * english < count_letters(text) < 1.2 * english


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Água, 3.5 rios! Don't", ["água", "3", "5", "rios", "don", "t"]),
        ("L’État d'abord", ["l", "état", "d", "abord"]),
        ("İstanbul'da", ["istanbul", "da"]),
        ("ΟΔΟΣ οδος", ["οδοσ", "οδοσ"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("पुल मार्च में बंद है।", ["पुल", "मार्च", "में", "बंद", "है"]),
        ("桥在三月关闭了，2023年。", ["桥", "在", "三月", "关闭", "了", "2023", "年"]),
        ("สะพานเก่าถูกปิด", ["สะพาน", "เก่า", "ถูก", "ปิด"]),
        ("لیبیا می‌رود.", ["لیبیا", "می‌رود"]),
        ("The 桥's don't", ["the", "桥", "s", "don", "t"]),
        ("Bridge 🌉 shut", ["bridge", "shut"]),
        ("— … 。", []),
    ],
)
def test_terms_are_words_without_case_in_every_script(text, terms):
    assert split_terms(text) == terms


@pytest.mark.parametrize("text", ["a ponte é velha, não há ações", "Ελλάδα", "Việt Nam", "й ё", "ぱ が"])
def test_letters_are_the_same_however_their_marks_are_written(text):
    assert split_terms(unicodedata.normalize("NFD", text)) == split_terms(text)


def test_forms_of_one_word_share_pieces():
    assert set(split_pieces("мостом")) & set(split_pieces("мосту"))
    assert not set(split_pieces("мост")) & set(split_pieces("река"))
    assert split_pieces("a bridge") == ["_a_", "_bri", "brid", "ridg", "idge", "dge_"]


@given(st.text(st.sampled_from("ab é,。桥在三月关闭了ในเดือนမြို့သည်။🙂\n")))
def test_units_cover_all_but_white_space(text):
    spans = split_units(text)
    ends = [0, *(at for span in spans for at in span), len(text)]
    assert ends == sorted(ends)
    assert not "".join(text[low:high] for low, high in zip(ends[::2], ends[1::2], strict=True)).strip()
    assert all(text[start:end].strip() for start, end in spans)
