"""What is prescribed of words is carried over by models that lose it each in their own way, or its loss is told."""

import asyncio
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.notices import NoticeKind
from polygist_service.text.alignment import AlignedPair
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.routing import Routes
from polygist_service.translation.terms.agreement import fit_article
from polygist_service.translation.terms.application import (
    INVENTED_NAMES,
    NUMBERS,
    Method,
    Showing,
    find_applied,
    find_missing,
    find_translated,
)
from polygist_service.translation.terms.types import PlaceholderSyntax, Term, TermMatch, Terms
from polygist_service.translation.translator import Translator
from polygist_service.translation.types import DecodingPreset, TranslationRequest

from tests.service.echo import EchoEngine, pair
from tests.service.harness import DETECTOR
from tests.service.one_model import ME, text_pool

LOST, UNAPPLIED = NoticeKind.PLACEHOLDER_LOST, NoticeKind.GLOSSARY_TERM_NOT_APPLIED
STAND_INS = re.compile(rf"XQ\d*|{'|'.join(INVENTED_NAMES)}|\b(?:{'|'.join(NUMBERS)})\b")
SYNTAXES = frozenset(PlaceholderSyntax)
ALIGNED, UNALIGNED = pair("en", "pt"), pair("en", "pt", aligns=False)


async def translate(text, *, answer=str, models=None, keep=(), terms=(), mime_type="text/plain", target="pt", **preset):
    """What a model that answers so, and writes a word behind that, makes of a text; and what it read."""
    models = models or (pair("en", target),)
    engine = EchoEngine(*models, answer=lambda read: f"{answer(read)} sim" if answer(read) else "")
    prescribed = Terms(tuple(keep), SYNTAXES, tuple(Term(*each) for each in terms), ignore_case=True)
    async with text_pool() as pool:
        translator = Translator(engine, routes=Routes(engine), languages=LanguageResolver(DETECTOR, pool), pool=pool)
        request = TranslationRequest(
            [text], target, source="en", terms=prescribed, mime_type=mime_type, decoding=DecodingPreset(**preset)
        )
        (translation,) = await translator.translate(request, ME)
    return translation, engine.segments


def shown(translation):
    """The text without what the engine writes behind each answer."""
    return re.sub(r"(?i) sim[b*]*", "", translation.text)


def told(translation, source):
    """The kind of each notice, and the words of the source that it points at."""
    return [(notice.kind, source[slice(*notice.span)]) for notice in translation.notices]


def losing(pattern, by=""):
    """A model that writes something else for what matches."""
    return lambda text: re.sub(pattern, by, text)


async def test_what_is_copied_is_read_as_words_and_once():
    text = "Ask Ann Lee or {name} for %d files in ${HOME}."
    translation, read = await translate(text, keep=["Ann Lee"])
    assert shown(translation) == text
    assert read == ["Ask Ann Lee or Tavrik for 47 files in Brynox."]
    assert translation.notices == ()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Set {size}px and v{version} here.", "Set Tavrik and Brynox here."),
        ("Pay R$%d to {name}'s bank.", "Pay R$47 to Tavrik's bank."),
        ("See {first}{last} there.", "See Tavrik there."),
        ("Tavrik met {name}.", "Tavrik met Brynox."),
        ("We have 47 of {count} left.", "We have 47 of 73 left."),
        # Words at a placeholder are read, and only what is no word comes with it.
        ("{b}Delete{/b} all files", "Delete all files"),
        ("You agree to our {link}terms of use{/link}.", "You agree to our terms of use."),
        ("{0}Sign in{1} or {2}create it{3}", "Sign in or create it"),
        ("{icon}Save", "Save"),
        ("Write to me@{host}.com now.", "Write to Tavrik now."),
        ("See C:\\{folder}\\file there.", "See Tavrik there."),
        (" ".join("{a}" for _ in range(8)) + " stay.", "Tavrik Brynox Xk Zq Kelvox Zorbex XQ7 XQ8 stay."),
    ],
)
async def test_what_stands_for_placeholders(text, seen):
    translation, read = await translate(text)
    assert (shown(translation), read) == (text, [seen])


@pytest.mark.parametrize("model", [ALIGNED, UNALIGNED], ids=["aligned", "unaligned"])
@pytest.mark.parametrize(
    "answer",
    [
        losing("Tavrik|Ann"),
        losing("Tavrik|Ann", r"\g<0> \g<0>"),
        losing("Tavrik|Ann", "Other"),
        losing("(Tavr|An)(ik|n)", r"\1 \2"),
        losing(r"\b(Tavrik|Ann)\b", r"\1s"),
    ],
    ids=["dropped", "doubled", "replaced", "split", "grown"],
)
async def test_what_is_lost_is_read_as_a_code(model, answer):
    text = "Ask Ann or {name} to come at once."
    translation, read = await translate(text, answer=answer, models=(model,), keep=["Ann"])
    assert shown(translation) == text
    assert read[-1] == "Ask XQ1 or XQ2 to come at once."
    assert translation.notices == ()


async def test_another_case_is_put_right():
    translation, read = await translate("Ask Ann or {name}.", answer=str.upper, keep=["Ann"])
    assert shown(translation) == "ASK Ann OR {name}."
    assert len(read) == 1


@pytest.mark.parametrize("model", [ALIGNED, UNALIGNED], ids=["aligned", "unaligned"])
@pytest.mark.parametrize(
    "answer",
    [
        losing(STAND_INS),
        losing(STAND_INS, r"\g<0> \g<0>"),
        losing(STAND_INS, "other"),
        losing(r"XQ(\d)|Tavrik|47", r"XQ \1"),
        lambda text: "" if STAND_INS.search(text) else text,
        lambda text: "no such words",
    ],
    ids=["dropped", "doubled", "replaced", "split", "nothing", "others"],
)
async def test_what_no_model_keeps_is_put_back_and_told(model, answer):
    text = "Ask {name} for %d files in the old house."
    translation, _ = await translate(text, answer=answer, models=(model,))
    assert shown(translation).count("{name}") == shown(translation).count("%d") == 1
    assert not STAND_INS.search(shown(translation))
    assert {(LOST, "%d"), (LOST, "{name}")} <= set(told(translation, text))


async def test_a_term_that_is_written_anyway_costs_nothing():
    translation, read = await translate("The deal is old.", answer=losing("deal", "acordo"), terms=[("deal", "acordo")])
    assert shown(translation) == "The acordo is old."
    assert len(read) == 1


async def test_a_term_is_read_in_the_place_of_its_source():
    text = "The deal is old, and the second deal is new."
    translation, read = await translate(text, answer=losing("deal", "pacto"), terms=[("deal", "convénio")])
    assert shown(translation) == "The convénio is old, and the second convénio is new."
    assert read[-1] == "The convénio is old, and the second convénio is new."
    assert translation.notices == ()


async def test_a_term_that_is_translated_even_so_replaces_what_was_written():
    text = "The deal is old."
    answer = losing("deal|convénio", "pacto")
    translation, read = await translate(text, answer=answer, terms=[("deal", "convénio")])
    assert shown(translation) == "The convénio is old."
    assert len(read) == 2
    translation, read = await translate(text, answer=answer, models=(UNALIGNED,), terms=[("deal", "convénio")])
    assert shown(translation) == "The convénio is old."
    assert read[-1] == "The XQ1 is old."
    assert translation.notices == ()


async def test_a_term_that_cannot_be_applied_is_told():
    text = "Now the deal is old."
    answer = losing("deal|convénio|XQ1", "")
    terms = [("deal", "convénio")]
    translation, _ = await translate(f"A first one. {text}", answer=answer, models=(UNALIGNED,), terms=terms)
    assert told(translation, f"A first one. {text}") == [(UNAPPLIED, "deal")]
    assert "XQ" not in shown(translation)


@pytest.mark.parametrize(
    ("text", "term", "written"),
    [
        ("Deal is done here.", ("deal", "acordo"), "Acordo is done here."),
        ("The Deal is done here.", ("deal", "acordo"), "The Acordo is done here."),
        ("DEAL IS DONE HERE", ("DEAL", "acordo"), "ACORDO IS DONE HERE"),
        ("The deals are done here.", ("deal", "acordo"), "The acordos are done here."),
        ("The deal's end is near.", ("deal", "acordo"), "The acordo's end is near."),
        ("deal", ("deal", "acordo"), "acordo"),
        ("Deal!", ("deal", "acordo"), "Acordo!"),
        (
            "UK",
            ("UK", "Reino Unido da Grã-Bretanha e da Irlanda do Norte"),
            "Reino Unido da Grã-Bretanha e da Irlanda do Norte",
        ),
        ("Room 101 is full of people.", ("Room 101", "Sala 7"), "Sala 7 is full of people."),
    ],
)
async def test_a_term_has_the_form_that_the_sentence_asks_for(text, term, written):
    translation, _ = await translate(text, answer=losing("(?i)deals?", "pacto"), terms=[term])
    assert shown(translation) == written
    assert translation.notices == ()


async def test_each_alternative_has_what_is_prescribed():
    translation, _ = await translate("Ask {name} of the deal.", terms=[("deal", "acordo")], alternative_count=2)
    assert [shown(each) for each in translation.alternatives] == ["Ask {name} of the acordo."] * 2


async def test_terms_and_placeholders_go_through_a_language_between():
    models = (pair("en", "fr"), pair("fr", "pt"))
    text = "Deal.\nThe deal of {name} and Ann Lee is in the house. Deal"
    translation, read = await translate(
        text, models=models, answer=losing("deal|acordo", "pacto"), keep=["Ann Lee"], terms=[("deal", "acordo")]
    )
    assert shown(translation) == "Acordo.\nThe acordo of {name} and Ann Lee is in the house. Acordo"
    assert "The Tavrik of Brynox and Ann Lee is in the house." in read
    assert not re.search("[\U000f0000-\U000ffffd]", "".join(read))


@pytest.mark.parametrize("mime_type", ["text/html", "text/markdown"])
async def test_terms_across_marks(mime_type):
    text = {"text/html": "<p>Use <b>machine</b> learning.</p>", "text/markdown": "Use **machine** learning."}[mime_type]
    translation, _ = await translate(text, terms=[("machine learning", "aprendizagem automática")], mime_type=mime_type)
    assert re.sub(r"<[^>]*>|\*", "", shown(translation)) == "Use aprendizagem automática."


async def test_no_window_cuts_what_is_kept():
    phrase = "Ann Lee of New York"
    text = f"{'word ' * 58}{phrase} {'more ' * 90}".strip()
    translation, read = await translate(text, keep=[phrase])
    assert shown(translation) == text
    assert any(phrase in segment for segment in read)


async def test_what_is_kept_more_often_than_it_was_copied_is_all_there():
    text = "Ask Ann, Ann and Ann."
    translation, _ = await translate(text, answer=losing("(?<=, )(Ann|XQ\\d)|XQ"), keep=["Ann"])
    assert shown(translation).count("Ann") == 3
    assert not STAND_INS.search(shown(translation))


@given(st.lists(st.sampled_from(["word", "{name}", "%d", "Ann Lee", "deal", "deals", "{{x}}", "47", "."]), max_size=12))
@example(["{name}", "{name}"])
def test_what_is_copied_comes_back(words):
    text = " ".join(words)
    translation, _ = asyncio.run(translate(text, keep=["Ann Lee"]))
    assert shown(translation) == text


def test_a_word_that_was_written_for_another_does_not_count():
    match = TermMatch(0, 9, "school", listed="languages")
    written = "Idiomas in schools"
    pairs = (AlignedPair((0, 9), (0, 7)), AlignedPair((10, 17), (11, 18)))
    showing = Showing(match, "school", Method.SOURCE)
    assert list(find_applied([showing], written, pairs, "en")) == [(showing, None)]
    assert list(find_applied([showing], written, (), "en")) == [(showing, (11, 18))]
    assert find_translated(match, written, pairs, ()) == (0, 7)


async def test_scripts_that_part_no_words():
    translation, read = await translate("See {name} here.", answer=lambda text: "ここでTavrikを見る", target="ja")
    assert shown(translation) == "ここで{name}を見る"
    assert set(read) == {"See Tavrik here."}
    match, pairs = TermMatch(4, 8, "契約", listed="deal"), (AlignedPair((4, 8), (3, 5)),)
    assert find_translated(match, "ナムの取引は古い", pairs, ()) == (3, 5)
    showing = Showing(match, "契約", Method.SOURCE)
    assert list(find_applied([showing], "ナムの契約は古い", pairs, "ja")) == [(showing, (3, 5))]


@pytest.mark.parametrize(
    ("text", "noun", "language", "written"),
    [
        ("ter uma sensação boa", "senso", "pt", "ter um senso boa"),
        ("pelo governo", "administração", "pt-PT", "pela administração"),
        ("As convenções", "acordos", "pt", "Os acordos"),
        ("a sensação do dia", "dia", "pt", "a dia do dia"),
        ("uma sensação", "comitê", "pt", "uma comitê"),
        ("of an agreement", "covenant", "en", "of a covenant"),
        ("A covenant", "agreement", "en", "An agreement"),
        ("a college", "university", "en", "a university"),
        ("une convention", "accord", "fr", "une accord"),
    ],
)
def test_articles_before_a_noun_that_comes_in(text, noun, language, written):
    old = re.search(r"sensação|governo|convenções|agreement|covenant|college|convention", text)
    start, article = fit_article(text, old.start(), noun, language)
    assert f"{text[:start]}{article}{noun}{text[old.end() :]}" == written


async def test_an_adjective_may_agree():
    answer = losing("public|público", "pública")
    translation, read = await translate("The public school.", answer=answer, terms=[("public", "público")])
    assert shown(translation) == "The pública school."
    assert len(read) == 2
    assert not translation.notices


@pytest.mark.parametrize(
    ("text", "term", "written", "expected"),
    [
        ("Buyer pays.", ("Buyer", "Comprador"), "O comprador paga.", "O Comprador paga."),
        ("Gadget, they say.", ("Gadget", "iPhone"), "IPhone, dizem.", "iPhone, dizem."),
        ("THE GADGET IS NEW.", ("GADGET", "iPhone"), "O IPHONE É NOVO.", "O iPhone É NOVO."),
        ("THE MARKETS ARE NEW.", ("MARKET", "feira"), "AS feiras SÃO NOVAS.", "AS FEIRAS SÃO NOVAS."),
        ("THE TOWN {name} IS OPEN", ("TOWN", "vila"), "A vila Tavrik está aberta", "A VILA {name} ESTÁ ABERTA"),
        ("The MARKET rose.", ("market", "feira"), "A feira subiu.", "A FEIRA subiu."),
        ("Market prices rose.", ("market", "feira"), "Preços de Feira subiram.", "Preços de feira subiram."),
        ("The market rose.", ("market", "feira"), "Feira subiu.", "Feira subiu."),
        ("Here: the market.", ("market", "feira"), 'Aqui: "Feira".', 'Aqui: "Feira".'),
        ("The market rose.", ("market", "feira\xa0livre"), "A feira livre subiu.", "A feira\xa0livre subiu."),
        ("The animals are here.", ("animal", "animal"), "Os Animais estão aqui.", "Os animais estão aqui."),
    ],
)
async def test_a_term_that_is_written_has_the_case_that_is_prescribed(text, term, written, expected):
    translation, read = await translate(text, answer=lambda _: written, models=(UNALIGNED,), terms=[term])
    assert translation.text.removesuffix(" SIM").removesuffix(" sim") == expected
    assert len(read) == 1


async def test_a_name_that_is_kept_and_a_part_of_a_term():
    text = "The New York Times is in New York."
    answer = losing("New York", "Nova Iorque")
    translation, read = await translate(text, answer=answer, keep=["New York"], terms=[("New York Times", "Tempos")])
    assert shown(translation) == "The Tempos is in New York."
    assert read[0] == "The New York Times is in Tavrik."


@pytest.mark.parametrize(
    ("text", "seen", "keep"),
    [
        ("THE PRICE OF {name} IS NEW.", "The price of Tavrik is new.", ()),
        ("WE LOVE iPhone AND C++ HERE.", "We love iPhone and Tavrik here.", ("iPhone", "C++")),
    ],
)
async def test_lines_in_capitals_but_for_what_is_kept(text, seen, keep):
    translation, read = await translate(text, keep=keep)
    assert (shown(translation), read) == (text, [seen])


async def test_quotes_of_a_translation_inside_those_of_the_text():
    translation, read = await translate('Is it "deal"?', terms=[("deal", '"acordo"')])
    assert (shown(translation), read) == ('Is it ""acordo""?', ['Is it "XQ1"?'])


@pytest.mark.parametrize(
    ("written", "place"), [("O conselho de administração saiu", None), ("O conselho saiu", (2, 10))]
)
def test_the_first_word_of_a_longer_translation_does_not_count(written, place):
    match = TermMatch(4, 22, "conselho", listed="board of directors")
    ends = [found.span() for found in re.finditer(r"\w+", written)][1:-1]
    pairs = tuple(AlignedPair((4, 22), span) for span in ends)
    showing = Showing(match, "conselho", Method.SOURCE)
    assert list(find_applied([showing], written, pairs, "pt")) == [(showing, place)]


def test_every_term_that_is_missing_is_told():
    showings = [Showing(TermMatch(at, at + 4, "acordo", listed="deal"), "acordo", Method.SOURCE) for at in (0, 5, 10)]
    pairs = tuple(AlignedPair(each.span, (at, at + 6)) for each, at in zip(showings, (0, 7, 14), strict=True))
    first, second, third = (each.match for each in showings)
    assert find_missing(showings, [first], "pacto_ pacto_ acordo", pairs, "pt") == [second]
    assert find_missing(showings, [first, second], "pacto_ pacto_ acordo", pairs, "pt") == []
    assert find_missing(showings, [], "acordo pacto_ pacto_", pairs, "pt") == [second, third]


async def test_a_placeholder_is_one_word_of_an_alignment():
    text = "Ask {name} at https://a.org/x now."
    translation, _ = await translate(text, models=(ALIGNED,), alignment=True)
    pairs = translation.segments[0].alignment
    words = [(text[slice(*pair.source)], translation.text[slice(*pair.target)]) for pair in pairs]
    assert {("{name}", "{name}"), ("https://a.org/x", "https://a.org/x")} <= set(words)
