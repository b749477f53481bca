"""Where kept phrases, placeholders and terms stand in a text."""

import time
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.translation.terms.finding import WordFinder
from polygist_service.translation.terms.plurals import endings, plural
from polygist_service.translation.terms.types import PlaceholderSyntax, Term, TermMatch, Terms

MUSTACHE, BRACES, PRINTF, SHELL, URL_EMAIL = PlaceholderSyntax


def find(
    text: str,
    *,
    kept: Sequence[str] = (),
    entries: Sequence[tuple[str, str]] = (),
    syntaxes: Sequence[PlaceholderSyntax] = (),
    ignore_case: bool = False,
    source: str = "en",
    target: str = "pt",
) -> Sequence[TermMatch]:
    terms = Terms(tuple(kept), frozenset(syntaxes), tuple(Term(*entry) for entry in entries), ignore_case=ignore_case)
    return WordFinder(terms, source=source, target=target).find(text)


def found(text: str, **options: object) -> list[str]:
    return [text[match.start : match.end] for match in find(text, **options)]  # type: ignore[arg-type]


def test_whole_words() -> None:
    text = "Contract law: the contract's end, contracted, sub-contract, contract.json, --contract; A contract."
    matches = find(text, entries=[("contract", "contrato")])
    assert [text[max(0, each.start - 4) : each.end + 2] for each in matches] == [
        "Contract l",
        "the contract's",
        "; A contract.",
    ]
    assert found(text, entries=[("contract", "contrato")], ignore_case=True)[0] == "Contract"
    assert found("Libraries open. Library", entries=[("library", "biblioteca")]) == ["Libraries"]
    assert found("20°C, 100€, 5™, a °C ™", kept=["°C", "€", "™"]) == ["°C", "™"]
    assert found("Acme(R) is a (R) brand", entries=[("(R)", "®")]) == ["(R)"]
    assert found("see http://contract.com/contract and a contract", entries=[("contract", "x")]) == ["contract"]
    # A kept phrase is a name, whatever is hung on it; one that begins or ends with a mark has no border there.
    assert found("Go-based, Go's, Gone, C++, C++11, ASP.NET", kept=["Go", "C++", ".NET"]) == ["Go", "Go", "C++", ".NET"]
    assert found("Windows 10.5 and Windows 10.", kept=["Windows 10"]) == ["Windows 10"]


@pytest.mark.parametrize(
    ("text", "kept", "expected"),
    [
        ("A B C D", ["A B", "B C D", "A"], ["A", "B C D"]),
        ("data  \n plan, data\xa0plan, data plan", ["data plan"], ["data  \n plan", "data\xa0plan", "data plan"]),
        ("Cafe\u0301 Ole\u0301s, Café", ["Café", "Cafe\u0301 Olés"], ["Cafe\u0301 Ole\u0301s", "Café"]),
        ("O’Neil and O'Neil", ["O'Neil"], ["O’Neil", "O'Neil"]),
        ("हिन्दी हिन्द", ["हिन्द"], ["हिन्द"]),
        ("iPhoneの画面, iPhones", ["iPhone"], ["iPhone"]),
        ("co\u00adoperate", ["cooperate"], ["co\u00adoperate"]),
    ],
)
def test_phrases(text: str, kept: list[str], expected: list[str]) -> None:
    assert found(text, kept=kept) == expected


def test_scripts_that_part_no_words() -> None:
    """There a phrase is found where it stands; among words of other languages it is a name, and so is a longer one."""
    text = "東京タワーと東京"
    assert found(text, kept=["東京", "東京タワー"], source="ja") == ["東京タワー", "東京"]
    assert found("สวัสดีชาวโลก", kept=["ชาวโลก"], source="th") == ["ชาวโลก"]
    assert found("We like 北京大学 and 北京, 北京.", kept=["北京"]) == ["北京", "北京"]


def test_which_match_wins() -> None:
    """The longest one; of several as long, what is kept before what is translated."""
    text = "the Acme account of Acme"
    matches = find(text, kept=["Acme"], entries=[("Acme account", "conta Acme"), ("Acme", "Acme Lda."), ("Acme", "x")])
    assert [(text[each.start : each.end], each.target) for each in matches] == [
        ("Acme account", "conta Acme"),
        ("Acme", None),
    ]
    assert [each.target for each in find("A", entries=[("A", "first"), ("A", "second")])] == ["first"]


@pytest.mark.parametrize(
    ("languages", "entry", "text", "expected"),
    [
        ("en pt", ("contract", "contrato"), "contracts", "contratos"),
        ("en pt", ("purchase agreement", "contrato de compra"), "purchase agreements", "contratos de compra"),
        ("en pt", ("city", "vila medieval"), "cities", "vilas medievais"),
        ("en pt", ("box", "caixa de correio"), "boxes", "caixas de correio"),
        ("en pt", ("API", "API"), "APIs", None),
        ("en es", ("warning", "notificación"), "warnings", "notificaciones"),
        ("en fr", ("account", "compte bancaire"), "accounts", "comptes bancaires"),
        ("en de", ("account", "Konto"), "accounts", None),
        ("pt en", ("contrato social", "charter"), "contratos sociais", "charters"),
        ("pt en", ("papel", "role"), "papéis", "roles"),
        ("pt en", ("cidadão", "citizen"), "cidadãos", "citizens"),
        ("pt en", ("mês", "month"), "meses", "months"),
        ("fr en", ("contrat d'assurance", "policy"), "contrats d’assurance", "policies"),
        ("es en", ("ley", "act"), "leyes", "acts"),
        ("en pt", ("referral", "encaminhar"), "referrals", None),
    ],
)
def test_plurals(languages: str, entry: tuple[str, str], text: str, expected: str | None) -> None:
    source, target = languages.split()
    [match] = find(text, entries=[entry], source=source, target=target)
    assert (match.is_inflected, match.listed, match.target, match.inflected_target) == (True, *entry, expected)


def test_no_other_word_is_a_plural() -> None:
    assert found("the news", entries=[("new", "novo")]) == []
    text = "He contracts it, which contracts. Bolivia hopes to win, all contracts are signed, new contracts."
    assert found(text, entries=[("contract", "contrato"), ("hope", "esperança")]) == ["contracts", "contracts"]
    assert found("Stores open and libraries close.", entries=[("store", "x"), ("library", "y")]) == ["libraries"]
    assert found("os pais", entries=[("pai", "father")], source="pt", target="en") == []
    assert found("o'clock, d'oh, l'argent", entries=[("clock", "x"), ("argent", "y")]) == []
    assert found("de l’argent", entries=[("argent", "money")], source="fr", target="en") == ["argent"]


@given(st.sampled_from(["en", "pt", "es", "fr"]), st.text("abcdeilmnorstuvxyzãçéêóôú", min_size=3, max_size=8))
@example("pt", "mês")
@example("en", "woman")
def test_a_plural_begins_as_its_singular(language: str, word: str) -> None:
    """So terms are looked up by what does not change."""
    many = plural(word, language)
    assert many is None or many.rstrip(endings(language)) == word.rstrip(endings(language))


@pytest.mark.parametrize(
    ("syntax", "text", "expected"),
    [
        (MUSTACHE, "{{name}} {{{raw}}} {{#if x}}a{{/if}} {{ f({a: 1}) }} {% if a %} {single} {{open",
         ["{{name}}", "{{{raw}}}", "{{#if x}}", "{{/if}}", "{{ f({a: 1}) }}", "{% if a %}"]),
        (BRACES, "{name} {0} {0:.2f} {user.name} {x!r} {} %{n} {d, date, short} {{name}} {a, b} {see below} {\"a\": 1}",
         ["{name}", "{0}", "{0:.2f}", "{user.name}", "{x!r}", "{}", "%{n}", "{d, date, short}", "{{name}}"]),
        (PRINTF, "%s %1$d %(name)s %5.2f %@ %dMB 100%% a%d%% %Y-%m-%d %%",
         ["%s", "%1$d", "%(name)s", "%5.2f", "%@", "%d", "%%", "%d%%", "%Y-%m-%d", "%%"]),
        (PRINTF, "100% sure, 50 % discount, 5 %de, 20%discount, 100%cotton, 7%, a%20file", []),
        (SHELL, "$name ${name} $HOME. ${a:-b} $5 $5.00 US$name $10M", ["$name", "${name}", "$HOME", "${a:-b}"]),
        (URL_EMAIL, "write a@b.com or https://x.org/a.", ["a@b.com", "https://x.org/a"]),
    ],
)  # fmt: skip
def test_placeholders(syntax: PlaceholderSyntax, text: str, expected: list[str]) -> None:
    assert found(text, syntaxes=[syntax]) == expected


def test_messages_that_choose() -> None:
    """A choice between texts is kept whole, and its words are known not to be translated."""
    choice = "{n, plural, offset:1 =0 {no '{'files} one {# file of {name}} other {{n} files}}"
    text = f"You have {choice} in {{folder}}."
    assert [(text[each.start : each.end], each.has_words) for each in find(text, syntaxes=[BRACES])] == [
        (choice, True),
        ("{folder}", False),
    ]
    assert found("{n, plural, one {a file", syntaxes=[BRACES]) == []


PHRASES = st.lists(st.text("ab ", min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=6)


@given(PHRASES, st.text("ab ,", max_size=30))
@example(["a", "a b", "b a b"], "a b a b")
def test_matches_are_the_longest_and_leave_none_out(kept: list[str], text: str) -> None:
    matches = find(text, kept=kept)
    spans = [(match.start, match.end) for match in matches]
    assert spans == sorted(spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    listed = {" ".join(phrase.split()) for phrase in kept}
    assert all(" ".join(text[start:end].split()) in listed for start, end in spans)
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            is_word = not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
            stretch = text[start:end]
            if is_word and stretch == stretch.strip() and " ".join(stretch.split()) in listed:
                beside = [other for other in spans if other[0] < end and start < other[1]]
                assert any(high - low >= end - start for low, high in beside)


@given(st.text(max_size=80), st.lists(st.text(min_size=1, max_size=6), max_size=4))
def test_whatever_the_text(text: str, phrases: list[str]) -> None:
    matches = find(text, kept=phrases, entries=[(each, "x") for each in phrases], syntaxes=[*PlaceholderSyntax])
    assert all(0 <= match.start < match.end <= len(text) for match in matches)
    composed = [unicodedata.normalize("NFC", text[each.start : each.end]) for each in matches if each.listed]
    assert all(composed)


HOSTILE = r"{{ {a {n,plural, %( ${ a% {{a} {a.b % {% {a[ ${{ ' {' {{a}} %% {# {n,plural,a{ %(a {%%"


@pytest.mark.parametrize(("text", "phrases"), [*((text, 1) for text in HOSTILE.split()), ("a ", 100), ("a b{", 100)])
def test_hostile_texts(text: str, phrases: int) -> None:
    before = time.process_time()
    find(text * 10_000, kept=["a " * n + "b" for n in range(phrases)], syntaxes=[*PlaceholderSyntax])
    assert time.process_time() - before < 3
