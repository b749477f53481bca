import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.text.segmentation import MOST_CHARACTERS, split_long, split_sentences

TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" .!?…\"'”)\n\r\u2028🙂\u0301\u200dDr")),
    max_size=200,
)


def sentences(text, language="en"):
    return [text[start:end].strip() for start, end in split_sentences(text, language)]


@given(TEXT, st.sampled_from(["en", "pt", "pt-BR", "zh-Hans", "und"]))
@example("🙂 One. 🙂 Two.", "en")
def test_spans_cover_the_text_without_gap_or_overlap(text, language):
    end = 0
    for start, stop in split_sentences(text, language):
        assert start == end < stop
        end = stop
    assert end == len(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Mr. Jones met Dr. Ruth A. Hall at No. 7 of the street."),
        ("en", "It opens on Feb. 3 (see p. 12)."),
        ("pt", "O Sr. Costa e a Dra. Lima moram na Av. Brasil."),
        ("pt-BR", "Veja o art. 5 e a pág. 12, p.ex. Aqui."),
        ("fr", "Le texte de J. R. Martin est long."),
        ("en", 'He asked why." '),
    ],
)
def test_an_abbreviation_ends_no_sentence(language, text):
    assert sentences(text, language) == [text.strip()]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ar", "قال مدير المكتبة د. أحمد سالم إنه يريد ذلك."),
        ("ar", "كتب ج. ر. تولكين هذه الرواية."),
        ("fa", "این را د. رضایی گفت."),
        ("hi", "निदेशक डॉ. राम शर्मा ने कहा।"),
        ("hi", "यह यू.के. में हुआ।"),
        ("bn", "ড. ইউনূস এ কথা বলেন।"),
        ("ta", "இதை டாக்டர். ராமன் கூறினார்."),
        ("th", "ศ.ดร. สมชาย กล่าว"),
        ("my", "ဝါဒ နှင့် ဒေါက်တာ. အောင် ပြောသည်။"),
        ("am", "ፕሬዝዳንት ሚር. ትራምፕ ተናገሩ።"),
        ("tr", "Müdür Dr. Ayşe Yılmaz ve Av. Can Er teşekkür etti."),
        ("tr", "Doç. Dr. Ali Kaya konuştu."),
        ("pl", "Mówił prof. Jan Nowak z ul. Polnej (str. 12)."),
        ("nl", "Dhr. Jansen en mevr. De Vries zijn er."),
        ("sv", "Mötet med dr. Berg börjar kl. 10.30 i dag."),
        ("da", "Ifølge hr. Holm åbner den kl. 9 og lukker f.eks. Søndag."),
        ("fi", "Kokous prof. Virtasen kanssa alkaa klo. 9."),
        ("cs", "Řekl to MUDr. Jan Novák (viz č. 5)."),
        ("hu", "Ezt dr. Kovács és ifj. Nagy mondta."),
        ("uk", "Це сказав проф. Шевченко на вул. Садовій."),
        ("bg", "Каза го проф. Иванов от ул. Шипка."),
        ("el", "Ο κ. Παπαδόπουλος και ο Δρ. Νίκου μίλησαν."),
        ("sr", "Рекао је др. Петровић."),
        ("sr-Latn", "Rekao je dr. Petrović."),
        ("ro", "A spus dl. Popescu (nr. 5)."),
        ("id", "Kata Dr. Budi dan Tn. Agus."),
        ("vi", "Theo TS. Nguyễn Văn An."),
        ("sw", "Alisema Bw. Juma."),
        ("zu", "Kusho uMnu. Albence, Mrs. Kirchner, Dr. Malar."),
        ("eo", "Tion diris Dr. Petro kaj Mrs. Kirchner."),
    ],
)
def test_a_title_ends_no_sentence_in_any_language(language, text):
    assert sentences(text, language) == [text]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ps", "هغه کور و. دوی راغلل.", ["هغه کور و.", "دوی راغلل."]),
        ("ar", "عام ١٩٩٠ م. ثم رحل.", ["عام ١٩٩٠ م.", "ثم رحل."]),
        ("hi", "पुल बंद है. लोग दुखी हैं।", ["पुल बंद है.", "लोग दुखी हैं।"]),
        ("ko", "할 수 있는 것. 나는 갔다.", ["할 수 있는 것.", "나는 갔다."]),
        ("lo", "ຂົວປິດ. ຄົນໂສກເສົ້າ.", ["ຂົວປິດ.", "ຄົນໂສກເສົ້າ."]),
        ("tr", "Bu iyi bir av. Sonra gittik.", ["Bu iyi bir av.", "Sonra gittik."]),
        ("fo", "Hann tosaði hjá ST. Ri segði nei.", ["Hann tosaði hjá ST.", "Ri segði nei."]),
        ("pl", "To jest ok. Potem poszli.", ["To jest ok.", "Potem poszli."]),
    ],
)
def test_what_is_no_title_ends_a_sentence_in_any_language(language, text, expected):
    assert sentences(text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "No. It was late.", ["No.", "It was late."]),
        ("en", "So do I. We left.", ["So do I.", "We left."]),
        ("pt", "Gosto do mar. Nado muito.", ["Gosto do mar.", "Nado muito."]),
        ("en", 'He said "Go." ” She went.', ['He said "Go." ”', "She went."]),
        ("en", "The work of Dr.\nJones", ["The work of Dr.", "Jones"]),
        ("ja", "今日は晴れ。明日は雨。", ["今日は晴れ。", "明日は雨。"]),
        ("ja", "晴れです。「明日は雨。」と話した。", ["晴れです。", "「明日は雨。」", "と話した。"]),
        ("zh", "他来了。（见第二页）她走了？好！", ["他来了。", "（见第二页）她走了？", "好！"]),
        ("my", "မိုးရွာပြီး၊ ရေကြီးသည်။ တံတားပိတ်သည်။", ["မိုးရွာပြီး၊ ရေကြီးသည်။", "တံတားပိတ်သည်။"]),
        ("hi", "वर्षा हुई। पुल बंद है। क्यों?", ["वर्षा हुई।", "पुल बंद है।", "क्यों?"]),
        ("hi", "वर्षा हुई | पुल बंद है|", ["वर्षा हुई |", "पुल बंद है|"]),
        ("as", "বৰষুণ হ'ল৷ দলং বন্ধ৷", ["বৰষুণ হ'ল৷", "দলং বন্ধ৷"]),
        ("hy", "Անձրև եկավ։ Կամուրջը փակ է։", ["Անձրև եկավ։", "Կամուրջը փակ է։"]),
        ("hy", "Անձրև եկավ: Կամուրջը փակ է:", ["Անձրև եկավ:", "Կամուրջը փակ է:"]),
        ("am", "ዝናብ ዘነበ። ድልድዩ ተዘጋ፡፡ ለምን፧", ["ዝናብ ዘነበ።", "ድልድዩ ተዘጋ፡፡", "ለምን፧"]),
        ("ur", "بارش ہوئی۔ پل بند ہے۔ کیوں؟", ["بارش ہوئی۔", "پل بند ہے۔", "کیوں؟"]),
        ("km", "ភ្លៀងធ្លាក់។ ស្ពានបិទ។", ["ភ្លៀងធ្លាក់។", "ស្ពានបិទ។"]),
        ("el", "Έβρεξε. Γιατί; Η γέφυρα έκλεισε.", ["Έβρεξε.", "Γιατί;", "Η γέφυρα έκλεισε."]),
    ],
)
def test_a_sentence_ends(language, text, expected):
    assert sentences(text, language) == expected


def test_a_lone_surrogate_is_no_text():
    with pytest.raises(UnicodeEncodeError):
        split_sentences("a\ud800b", "en")


def cut(text, most):
    return [text[start:end] for start, end in split_long(text, lambda piece: len(piece) <= most)]


@given(st.text(st.sampled_from("ab ;,–.\u0301\u200d🙂\n")), st.integers(1, 20))
def test_pieces_fit_and_together_are_the_text(text, most):
    pieces = cut(text, most)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= most for piece in pieces)


@given(st.text(max_size=60), st.randoms(use_true_random=False))
def test_it_ends_whatever_fits_answers(text, random):
    spans = split_long(text, lambda _: random.random() < 0.5)
    assert "".join(text[start:end] for start, end in spans) == text


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("one or two; three, four five", 20, ["one or two; ", "three, four five"]),
        ("one two three, four five", 20, ["one two three, ", "four five"]),
        ("four – five six seven", 13, ["four – ", "five six ", "seven"]),
        ("one two three", 10, ["one two ", "three"]),
        ("onetwothree", 5, ["onetw", "othre", "e"]),
        ("one; two three four five six", 24, ["one; two three four ", "five six"]),
    ],
)
def test_the_best_place_wins(text, most, expected):
    assert cut(text, most) == expected


@pytest.mark.parametrize("cluster", ["e\u0301", "👩\u200d🌾", "❤\ufe0f"])
def test_no_character_is_parted_from_its_marks(cluster):
    pieces = cut(cluster * 20, 8)
    assert all(piece == cluster * (len(piece) // len(cluster)) for piece in pieces)


@pytest.mark.parametrize("text", ["x" * 300_000, "x " * 150_000, "a" + " " * 300_000 + "b", "e" + "\u0301" * 100_000])
def test_the_work_is_linear_and_no_huge_text_is_tokenised(text):
    asked = []
    split_long(text, lambda piece: asked.append(len(piece)) or len(piece) <= 200)
    assert max(asked) <= MOST_CHARACTERS
    assert sum(asked) < 20 * len(text)
