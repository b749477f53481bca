import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.boilerplate import ends_sentence, find_boilerplate, trim_stamp

BODY = [
    "The council of Brenmouth will close its old swimming pool in March.",
    "The roof is no longer safe and a new one would cost three million pounds.",
    "Swimmers will be taken by bus to Aldport until a new pool opens in 2028.",
    "Forty people work there, and all of them were told on Monday.",
    "The pool was opened more than fifty years ago.",
    "A petition against the plan has nine thousand names.",
]


def find_among_others(*lines, place=3):
    """Which of `lines` are boilerplate when they stand among the lines of an article; none of these may be."""
    text = "\n".join([*BODY[:place], *lines, *BODY[place:]])
    sentences = Article.parse(text, "en").sentences
    found = {sentences[at].text for at in find_boilerplate(sentences)}
    assert found.isdisjoint(BODY)
    return [line for line in lines if all(sentence.text in found for sentence in Article.parse(line, "en").sentences)]


@pytest.mark.parametrize("place", [0, 3, len(BODY)])
@pytest.mark.parametrize(
    "line",
    [
        "Written by Ann Lee and Bob Ray, with photographs by Dana Cole, for the Saturday magazine",
        "By Ann Example, our correspondent in the far north",
        "By Ann Lee.",
        "Reporting by Ann Lee in Aldport; editing by Bob Ray.",
        "Ann Lee, political editor, and Bob Ray in Aldport",
        "Texto: Ana Lima e João Reis Fotos: Sofia Campos",
        "Reportagem de Ana Lima, enviada especial a Porto Velho",
        "Com informações da Agência Brasil.",
        "Photograph: Dana Cole/Reuters",
        "The pool in the year in which it was opened. It was full on every day. Photograph: Dana Cole/The Review",
        "(Left to right) Ann Lee, Bob Ray and Dana Cole at the opening of the pool in 1998",
        "Ana Lima sai do tribunal na terça-feira — Foto: Sofia Campos/Agência Lusa",
        "Foto: a ponte velha no inverno de mil novecentos",
        "We and our 823 partners store cookies on your device to show you better ads and measure how you use it.",
        "Your privacy is important to us. With your consent we use cookies. You decide what is stored on your device.",
        "Utilizamos cookies para melhorar a sua experiência e personalizar os anúncios que lhe mostramos.",
        "Home | News | Sport | Weather | Travel | Money",
        "News > UK > Politics > Local elections",
        "Você está em: Início / Notícias / Cidade",
        "Share this story with your friends and your family",
        "Partilhe este artigo no Facebook ou por e-mail.",
        "Sign up to our newsletter and get the best stories in your inbox every morning.",
        "Assine já e tenha acesso ilimitado a todas as reportagens por apenas R$ 4,90 por mês.",
        "Download our app to get alerts on your phone when something happens in your town.",
        "This article is only available to subscribers.",
        "4 min read",
        "Leitura de 5 min",
        "Published: 14:11 on Friday the third of May",
        "Publicado em 3 de maio às dez da manhã",
        "127 comments",
        "Copyright 2020 The Example, no part may be copied",
        "© 2020 O Exemplo, todos os direitos reservados a nós",
        "READ MORE: Ten beaches near Brenmouth where you can swim all year. Chosen by our readers.",
        "Leia também a história da ponte velha do rio",
        "Correction: an earlier version of this article said that the pool opened in 1968.",
        "Este artigo foi corrigido a 4 de maio para acrescentar a resposta da câmara.",
        "Story continues below advertisement",
        "Do you have a story for us? Email our reporters at tips@news.example.",
        "Ann Lee is a reporter for The Review who covers local government and transport.",
        "Ana Lima é repórter do Diário da Ria e cobre a política local.",
    ],
)
def test_what_stands_around_articles_is_found_wherever_it_stands(line, place):
    assert find_among_others(line, place=place) == [line]


@pytest.mark.parametrize(
    "sentence",
    [
        "By noon the whole of the town stood in water.",
        "By the end of the year the council will have spent two million pounds.",
        "By Ann Example, who was there when it fell, and who tells her story for the first time today.",
        "Por isso a ponte velha vai ser fechada hoje.",
        "Por causa da chuva, a ponte sobre o rio ficou fechada durante três dias.",
        "Written by Shakespeare in 1599, the play was first shown at the Globe.",
        "Publicada na quarta-feira, a lei proíbe a pesca no rio até ao fim do verão.",
        "Photographs of the fire were shown in court on Monday.",
        "Cookies are baked by the students of the college.",
        "Web sites must ask for consent before they store cookies, the court decided.",
        "Share prices fell again on Monday in quiet trade.",
        "Subscriber numbers at the paper rose for the first time in nine years.",
        "The updated plan for the harbour leaves out the hotel.",
        "Sign language will be taught in all schools of the county.",
        "Read more books and watch fewer films, the headmaster told the parents.",
        "Siga ou não o governo o conselho dos médicos, o hospital fecha em março.",
        "The bill may not be published until the summer of next year.",
        "LONDON (Reuters) - The council will close its old swimming pool in March.",
        "Agora é oficial: o treinador deixa o clube.",
        '"We use cookies to show you better ads on our website," the company wrote to its users.',
    ],
)
def test_a_sentence_that_looks_like_boilerplate_is_none(sentence):
    assert find_among_others(sentence) == []


def test_links_below_their_heading_are_found():
    links = ["Related articles", "Why did the old bridge close?", "Ten walks along the coast"]
    assert find_among_others(*links) == links


def test_an_article_about_a_reporter_keeps_its_sentences():
    assert find_among_others("Ann Lee is a reporter who was shot while she crossed the bridge.") == []


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("14h32 - O presidente da câmara chegou.", "O presidente da câmara chegou."),
        ("10:42 GMT The mayor has arrived.", "The mayor has arrived."),
        ("9.15am: The doors are open.", "The doors are open."),
        ("10:42 on Monday was the moment.", "10:42 on Monday was the moment."),
        ("2024 - A year of rain.", "2024 - A year of rain."),
    ],
)
def test_the_time_of_a_live_entry_is_trimmed(line, rest):
    (sentence,) = Article.parse(line, "en").sentences
    trimmed = trim_stamp(sentence)
    assert trimmed.text == rest == line[slice(*trimmed.span)]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("It rained.", True),
        ("“It rained.”", True),
        ("It rained (again!)", True),
        ("It rained.[12]", True),
        ("下雨了。", True),
        ("ฝนตก", True),
        ("It rained", False),
        ("Heavy rain,", False),
        ("", False),
    ],
)
def test_what_ends_a_sentence(text, ends):
    assert ends_sentence(text) is ends


@given(st.lists(st.text(alphabet="By Ann.|:/©@ cookies\nour", min_size=1, max_size=60), max_size=8).map("\n".join))
def test_what_is_found_is_among_the_sentences_of_any_text(text):
    sentences = Article.parse(text, "en").sentences
    assert find_boilerplate(sentences) <= set(range(len(sentences)))
