import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.addresses import find_addresses


def addresses(text):
    return [text[start:end] for start, end in find_addresses(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("At https://www.example.gov/bridges?state=ohio&year=2025 today.", "https://www.example.gov/bridges?state=ohio&year=2025"),
        ("(See https://en.wikipedia.org/wiki/Foo_(disambiguation).)", "https://en.wikipedia.org/wiki/Foo_(disambiguation)"),
        ("“https://example.org/a”, he said", "https://example.org/a"),
        ("Is it www.example.com?", "www.example.com"),
        ("Ask example.gov/faq?x=1!", "example.gov/faq?x=1"),
        ("Open localhost:8080/health, please", "localhost:8080/health"),
        ("Try 127.0.0.1:50051.", "127.0.0.1:50051"),
        ("Escreva para joao.silva+x@example.com.br.", "joao.silva+x@example.com.br"),
        ("Acesse exemplo.com.br/página.", "exemplo.com.br/página"),
        ("Voir http://müller.example/straße;", "http://müller.example/straße"),
        ("Смотри https://пример.рф/путь?x=%D0%B0.", "https://пример.рф/путь?x=%D0%B0"),
        ("mailto:a@example.org?subject=Hi%20you.", "mailto:a@example.org?subject=Hi%20you"),
        ("Follow @example_news!", "@example_news"),
        ("EXAMPLE.COM's owner", "EXAMPLE.COM"),
        ("[a page](https://example.org/a_(b))**bold**", "https://example.org/a_(b)"),
        ("ftp://ftp.example.org/pub/: the files", "ftp://ftp.example.org/pub/"),
        ("It is doi:10.1000/182.", "doi:10.1000/182"),
        ("git clone git@example.com:owner/polygist.git", "git@example.com:owner/polygist.git"),
    ],
)  # fmt: skip
def test_an_address_goes_as_far_as_its_reader_would_copy(text, expected):
    assert addresses(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "It ended.It began again.",
        "They met J.K.Larsson of the U.S.A. at 5 p.m.in May.",
        "Node.js and ASP.NET run on .NET 8.0.1, e.g.this one.",
        "what?when? and/or 3:4, 1.234,5 or 10.am @ noon",
        "https:// and www. are no addresses, nor is http://.",
        "Preço: R$ 1.299,99 (art. 5.º)",
    ],
)
def test_other_tokens_with_dots_are_no_address(text):
    assert addresses(text) == []


def test_two_that_a_comma_parts_are_two():
    assert addresses("https://a.example,https://b.example") == ["https://a.example", "https://b.example"]


def test_one_in_another_is_part_of_it():
    whole = "https://archive.example/2020/https://example.com/a@b.org"
    assert addresses(f"Read {whole} now") == [whole]


@given(
    st.lists(
        st.sampled_from(["https://", "www.", "a", "@", ".", ".com", "/", "(", ")", " ", "'s", "é", ":8", "?", ","])
    )
)
def test_spans_are_in_order_apart_and_free_of_space(parts):
    text, last = "".join(parts), 0
    for start, end in find_addresses(text):
        assert last <= start < end <= len(text)
        assert not any(map(str.isspace, text[start:end]))
        last = end


@pytest.mark.parametrize(
    "pattern",
    ["a", "a/", "#a", "/a", "a.", "a@", "@", "(", "http://", "https://a(", "a-", "1.", "a'", ",", "a.com ", "x.com's "],
)
def test_the_work_is_linear(pattern):
    text = pattern * (500_000 // len(pattern))
    for hostile in (text, f"https://a.com/{text}", "a" * 70 + text):
        began = time.process_time()
        find_addresses(hostile)
        assert time.process_time() - began < 2
