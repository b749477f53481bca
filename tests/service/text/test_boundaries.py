import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.abbreviations import ABBREVIATIONS, lexicon
from polygist_service.text.segmentation import split_sentences

NAMES = st.sampled_from(["Larsson", "Brandt", "Okafor", "Chairman", "Senate", "Conselho", "Treasury"])
PRONOUNS = st.sampled_from(
    ["He left.", "She lives in France.", "They make paper.", "The mayor came.", "However, it rained."]
)


def sentences(text, language="en"):
    return [text[start:end].strip() for start, end in split_sentences(text, language)]


WHOLE = {
    "en": [
        "U.S. President Harold Brandt said he would sign the bill within days.",
        "J.K. Larsson of the engineers' union called the vote long overdue on Monday.",
        "Acme Inc. Chief Executive Dana Cole said so.",
        "“Who decides this?” asked a parent from the back of the hall.",
        "The band Wham! played there in 1984 before a crowd of nine hundred people.",
        "The show Jeopardy! was cancelled.",
        'He shouted "Fire!" and ran.',
        "Details are at https://www.example.gov/bridges?state=ohio&year=2025 for every county.",
        "The novel by J. R. R. Tolkien and the bill of George W. Bush.",
        "Lt. Gen. Ana Reis met Gov. Doyle at Ft. Worth.",
        "Martin Luther King Jr. Day is in January.",
        "The call is at 3 p.m. GMT or 5 p.m. Monday.",
        "In Dec. Congress passed the bill, as of Feb. 3.",
        "The method of Smith et al. Nature (2010) is old, cf. Jones for another.",
        "Use (e.g. BERT) a model, i. e. Llama.",
        "Smith & Co. & Sons and Baker Bros. Circus merged.",
        "The [George W.] Bush years, the (U.S.) President and Roe v. Wade.",
        "(Really?) he said.",
        '"Is it over?" Maria Silva asked.',
        "Guess Who? lives on.",
        "Yahoo! Mail was down.",
        "Stop! cried the man, and again stop! he cried.",
        "It runs on .NET Core and Node.js, for what?when? and Yahoo!Mail.",
        "I... I don't know.",
        "Dr. No is a film of Mr. Long.",
        "Gen. Thomas “Stonewall” Jackson was there.",
        "THE U.S. SENATE HEARD MR. SMITH OF ACME INC. CHICAGO",
        "THE MEETING IS AT 9 A.M. ON MONDAY IN THE U.K. AND IS SHORT.",
        "9 A.M. AT THE PIER",
        "THE FIRM ACME INC. OF OHIO FELL.",
        "Jeopardy! host Alex Trebek died.",
        "Yahoo! shares fell 3.5 percent.",
        "Oliver! opened in June and Kahoot! quizzes did not.",
        "See cl. 4.2, subsec. 3, doc. 5, sec. 3 and app. B for more.",
        "Heat it to 30 deg. C and wait, see qz. 7 of it.",
        "It is in J. Mach. Learn. Res. 12(3) and in Proc. CVPR, 2019.",
        "Read J. Chem. Phys. 12 and Proc. Natl. Acad. Sci. 101 first.",
        "He lives at 12 St. James St. near the river.",
        "On Mon. Congress met, and on Mon. November 5 it did not.",
        "Rome (the old one.[1] of course) fell.",
        "A. Smith and the U.S.'s debt of no. 5 and No. 10.",
    ],
    "pt": [
        "O presidente dos E.U.A. João Silva e o Exmo. Senhor Juiz.",
        "A Dra. Lima, o Eng. Rui Tavares, D. Pedro e o Gen. Castro vieram.",
        "A Cia. Aérea Nacional e a Silva Ltda. Comércio faliram.",
        "Veja o art. 5, o inc. II, a pág. 12 e o séc. XIX.",
        "Mora na R. Augusta, na Av. Paulista e na Pç. da Sé.",
        '"Quem paga?", perguntou o prefeito.',
        '"Quem paga?" perguntou o prefeito.',
        "— Quem paga? — perguntou ele.",
        "«Viva!» gritaram todos.",
        "O Yahoo! é velho e a banda Wham! tocou.",
        "Use um modelo rápido, p. ex. Llama ou p.ex. BERT.",
        "A EMPRESA ACME LTDA. É DE SÃO PAULO",
        "O SR. SILVA MORA NA AV. PAULISTA E TRABALHA NA ACME S.A. DESDE MAIO",
        "A temp. mín. 5 e máx. 30 graus, veja a cl. 4.2 do doc. 7.",
        "Jeopardy! mudou de apresentador.",
        "A lei n.° 1.920 e a Série B não mudam.",
    ],
    "de": [
        "Er kam am 3. Oktober mit Prof. Dr. Meier.",
        "Viele Städte, z. B. Berlin, und Müllers Gebr. Schmidt.",
        "Im 19. Jahrhundert war es so.",
    ],
    "es": ["La Sra. Ledesma y el Lic. Naser.", "¡Hola Srta. Ledesma!"],
    "fr": ["M. Dupont et Mme. Durand, voir fig. 3."],
    "it": ["Sono l'Ing. Mengozzi, con l'Avv. Cassioni."],
    "ru": ["Пришли А. С. Пушкин и проф. Семенов.", "Дом на ул. Ленина."],
}


@pytest.mark.parametrize(("language", "text"), [(language, text) for language in WHOLE for text in WHOLE[language]])
def test_a_sentence_stays_whole(language, text):
    assert sentences(text, language) == [text]


# "|" is where a sentence begins.
PARTED = {
    "en": [
        "He moved to the U.S. |She lives in France.",
        "It opened at 5 p.m. |The mayor came.",
        "He works for Acme Inc. |They make paper.",
        "He works for Acme Inc. |Maria does not.",
        "He was born in Gary, Ind. |His parents were miners.",
        "He lives at 12 Elm St. |The office is near.",
        "We sell nails, screws, etc. |Doors open at nine.",
        "Oranges have vitamin C. |Nothing else does.",
        "So do I. |Reporters left.",
        "It is 12 ft. |Nobody measured it.",
        "It was at 20 °C. |Fish died.",
        "He watched TV. |Ships passed.",
        '"Who pays?" |He asked it twice.',
        '"Who pays?" |Nobody answered.',
        "Stop! |Go away.",
        "The town is late. |1987 was worse.",
        "He left… |Then he came back.",
        "It was found.[1] |The others were not.",
        "It was found. [2, 3] |The others were not.",
        "Great!🙂 |Then we left.",
        "We left the U.S. |“Nobody cared,” he said.",
        "it was late. |i went home. |what do you think? |we can go",
        "It is for 1,000.|That is a lot.",
        "1. |The first is gone.",
        "Sales fell in Nov. |Prices rose in Dec.",
        "It was closed on Mon. |Tuesday is fine.",
        "Stop! |go away.",
        "Wow! |that is it.",
        "HE MOVED TO THE U.S. |SHE LIVES HERE.",
        "SHE IS ILL. |CALL A DOCTOR.",
        "IT OPENED AT 9 A.M. |THE MAYOR CAME.",
        "THE SHIP LEFT. |THE CREW STAYED.",
        "He met J. Smith. |Anna left.",
        "He ate it. |12 People came.",
        "It has 300 pp. |A new one has more.",
        "Rome.[1][2] |He lived there too.[citation needed] |They met.",
        "Rome.¹ |He lived there. |Is it so?[note 3] |“They met.”",
        "It was late. |— Who is there?",
    ],
    "pt": [
        "Vive nos E.U.A. |Ela mora em França.",
        "Trabalha na Acme Ltda. |Eles fazem papel.",
        "Morreu em 44 a.C. |Roma chorou.",
        "Fomos para o plano B. |Crianças ficaram.",
        "Ele vê TV. |Oliveira não.",
        "Nasceu em Roma.[1][2] |Viveu lá.[carece de fontes] |Depois saiu.",
        "MORA NOS E.U.A. |ELA MORA EM FRANÇA.",
        "Socorro! |gente caiu.",
        "Casaram em nov. |Fazia frio.",
        '"Quem paga?" |Ele perguntou de novo.',
        "Esteve em St. |“Estamos todos muito bem”, disse.",
    ],
    "da": ["Jeg bor i E.U. |Hvad med dig?"],
    "ru": ["Дождь 10 см. |Река вышла."],
    "zh": ["你好。|明天见！|好？"],
}  # fmt: skip


@pytest.mark.parametrize(("language", "text"), [(language, text) for language in PARTED for text in PARTED[language]])
def test_what_follows_begins_a_sentence(language, text):
    assert sentences(text.replace("|", ""), language) == [sentence.strip() for sentence in text.split("|")]


@given(st.sampled_from(["J.", "J.K.", "A. B."]), NAMES)
def test_no_initial_ends_a_sentence_before_a_name(initials, name):
    text = f"We met {initials} {name} there."
    assert sentences(text) == [text]


@given(st.sampled_from(["Inc.", "Ltd.", "Corp.", "U.S.", "U.N.", "Jr.", "Calif.", "Blvd."]), NAMES, PRONOUNS)
def test_what_closes_a_name_may_end_a_sentence_or_not(abbreviation, name, following):
    whole = f"It was the Orion {abbreviation} {name} again."
    assert sentences(whole) == [whole]
    assert sentences(f"It was the Orion {abbreviation} {following}") == [f"It was the Orion {abbreviation}", following]


@given(st.text(st.sampled_from("ab?!.A/=&:é"), min_size=1, max_size=20))
def test_no_boundary_lies_inside_a_token(token):
    text = f"see x{token}y now"
    inside = range(text.index("x") + 1, text.index("y now") + 1)
    assert not any(start in inside for start, _ in split_sentences(text, "en"))


@pytest.mark.parametrize("language", ABBREVIATIONS)
def test_lists_are_in_lower_case_and_without_a_last_full_stop(language):
    known = lexicon(language)
    for word in (*known.abbreviations, *known.capitalised, *known.starters, *known.lettered, *known.speech):
        assert word == word.lower()
        assert not word.endswith(".")
    assert known.certain_starters <= known.starters


@pytest.mark.parametrize("language", ABBREVIATIONS)
def test_a_word_is_taken_for_one_abbreviation_at_most(language):
    assert not lexicon(language).suppressions & lexicon(language).starters


HOSTILE = [
    "a. ",
    "A. ",
    "A.",
    "U.S. ",
    '"A" ',
    '"? Aa ',
    "?",
    "! A",
    "“A ",
    "… A",
    "...",
    ".[1] ",
    ".[",
    ".¹",
    "A.M. AA ",
    "J. Aa. ",
    "aa. 1 ",
    ". - A",
    "!🙂 ",
    "a-.",
    "。",
]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_splitting_is_linear(pattern):
    text = pattern * (200_000 // len(pattern))
    for start in ("", "Inc. ", "“Who?” "):
        began = time.process_time()
        split_sentences(start + text, "en")
        assert time.process_time() - began < 2
