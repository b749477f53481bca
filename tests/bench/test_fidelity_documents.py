from collections import Counter

import pytest

from bench.fidelity.documents import markdown_structure
from bench.fidelity.documents.html_structure import find_byte_fault, find_tree_fault
from bench.fidelity.html_pages import count_bold, hand_made_pages
from bench.fidelity.inline_tags import REPORTED, TUNING, MarkedSentence, read_contents, read_sentences
from bench.fidelity.wrapped_documents import FORMATS, visible_text

PAGE = """<!DOCTYPE html>
<html>
 <body class="a">
  <p title="Yes">The <b>red <i>big</i></b> car &amp; the <a href="/x">house</a>.<!-- one --></p>
  <ul><li>One<li><code>a  b</code> two</ul>
  <p translate="no">Stays</p> <img alt=x src=y>
 </body>
</html>"""


def test_an_element_is_right_with_the_words_that_were_marked_and_no_others():
    sentence = MarkedSentence(
        "nested",
        "en",
        "<b>The <i>old</i> city</b> of <a href='/p'>Porto</a>",
        ("[a] cidade velha", "velha", "[o/do] porto"),
    )

    def faults(text):
        return [bool(case.fault) for case in sentence.judge(text)]

    assert faults("A <b>cidade <i>velha</i></b> <a href='/p'>do Porto</a>.") == [False, False, False]
    assert faults("<b>A <i>cidade</i> velha,</b> do <a href='/p'>Porto</a>") == [False, True, False]
    assert faults("A <b>cidade</b> <b><i>velha</i></b> <a href='/x'>do Porto</a>") == [False, False, True]
    assert faults("<b>A cidade velha do</b> Porto") == [True, True, True]


def test_marked_sentences_have_a_mark_for_each_element_and_no_sentence_is_in_both_files():
    reported, tuning = list(read_sentences(REPORTED)), list(read_sentences(TUNING))
    for sentence in (*reported, *tuning):
        assert len(read_contents(sentence.source)) == len(sentence.elements), sentence.source
        assert all(len(texts) == 1 for texts in read_contents(sentence.source).values()), sentence.source
    assert not {each.source for each in reported} & {each.source for each in tuning}
    for language in ("en", "pt"):
        assert sum(len(each.elements) for each in reported if each.language == language) >= 150


def test_a_page_whose_words_alone_have_changed_is_the_same():
    page = (
        PAGE.replace("<html>", '<html lang="pt">')
        .replace('"Yes"', '"Sim &quot;sim&quot;"')
        .replace("The <b>red <i>big</i></b> car &amp; the <a", "A <a")
        .replace("house</a>", "casa</a> e o carro <b><i>grande</i> vermelho</b>")
        .replace("<code>a  b</code> two", "dois <code>a  b</code>")
        .replace("alt=x", 'alt="um x"')
    )
    assert find_tree_fault(PAGE, page) == find_byte_fault(PAGE, page) == ""


# Which of the tree and the letters differs.
@pytest.mark.parametrize(
    ("right", "wrong", "kinds"),
    [
        ("<i>big</i>", "big", "tree, letters"),
        ("One", "", "letters"),
        ("<b>red <i>big</i></b>", "<b>red</b> <i>big</i>", "tree"),
        ("<b>red <i>big</i></b>", "<b>red</b><b> <i>big</i></b>", "tree, letters"),
        ('class="a"', "class='a'", "letters"),
        ('class="a"', 'class="b"', "tree, letters"),
        ('<p title="Yes">', "<p>", "tree, letters"),
        ('<a href="/x">', '<a href="/y">', "tree, letters"),
        ("<!-- one -->", "<!-- um -->", "tree, letters"),
        ("<!-- one -->", "", "tree, letters"),
        ("<li>One", "<li>One</li>", "letters"),
        ("a  b", "a b", "letters"),
        ("Stays", "Fica", "letters"),
        ("<ul><li>One<li>", "<li><ul>One<li>", "tree, letters"),
        (".<!-- one --></p>\n", ".<!-- one --></p> ", "letters"),
        ("<p title", "<p  title", "letters"),
        (">The <b>", "> The <b>", "letters"),
        ("&amp;", "&amp;amp;", "letters"),
        ("alt=x", "alt=um x", "tree, letters"),
        ("<!DOCTYPE html>", "<!doctype html>", "letters"),
        ("</html>", "</html>\n", "letters"),
    ],
)
def test_what_is_lost_of_a_page_is_found(right, wrong, kinds):
    assert right in PAGE
    page = PAGE.replace(right, wrong, 1)
    faults = {"tree": find_tree_fault(PAGE, page), "letters": find_byte_fault(PAGE, page)}
    assert ", ".join(kind for kind, fault in faults.items() if fault) == kinds, faults


def test_hand_made_pages_are_the_same_as_themselves():
    for page in hand_made_pages():
        assert find_tree_fault(page.text, page.text) == find_byte_fault(page.text, page.text) == "", page.name


def test_bold_numbers_are_known_however_they_are_written():
    before, written, bold = count_bold("<b>1,250.5 <b>kg</b></b> in <strong>May 3</strong>", "<b>1.250,5</b> kg a 3")
    assert before == Counter({"12505": 1, "3": 1}) == written
    assert bold == Counter({"12505": 1})


DOCUMENT = """---
title: A day
---

# The *old* town

1. One **red** [car](/x "A car") and `a  b`.
   - [x] Two  
     lines

> It is $x$[^1], see [there][t].

| a | b |
|:--|---|
| One | **2** |

```sh
run  it
```

<div>Raw</div>

[t]: https://t.example "There"
[^1]: A note.
"""


def test_a_markdown_document_whose_words_alone_have_changed_is_the_same():
    document = (
        DOCUMENT.replace("A day", "Um dia")
        .replace("The *old* town", "A cidade *velha*")
        .replace('One **red** [car](/x "A car") and `a  b`', '`a  b` e um [carro](/x "Um carro") **vermelho**')
        .replace("see [there][t]", "veja [ali][t]")
        .replace('"There"', '"Ali"')
        .replace("| One | **2**", "| Um e dois | **2**")
        .replace("A note", "Uma nota")
    )
    assert markdown_structure.find_tree_fault(DOCUMENT, document) == ""
    assert markdown_structure.find_letter_fault(DOCUMENT, document) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "kinds"),
    [
        ("title:", "título:", "tree"),
        ("# The", "The", "tree, letters"),
        ("*old*", "old", "tree"),
        ("It is $x$[^1], see [there][t]", "$x$[^1] [][t]", "tree"),
        ("*old*", "_old_", "tree"),
        ("**red**", "** red**", "tree"),
        ("/x", "/y", "tree"),
        ("`a  b`", "`a b`", "tree"),
        ("1. One", "2. One", "tree, letters"),
        ("1. One", "1) One", "tree, letters"),
        ("- [x]", "* [x]", "tree, letters"),
        ("- [x]", "- [ ]", "tree, letters"),
        ("Two  \n", "Two\n", "tree, letters"),
        ("Two  \n", "Two\\\n", "letters"),
        ("   - [x]", "    - [x]", "letters"),
        ("$x$", "$y$", "tree"),
        ("[^1], see", "[^2], see", "tree, letters"),
        ("[there][t]", "[there][u]", "tree"),
        ("[t]: https", "[u]: https", "tree, letters"),
        ("|:--|---|", "|---|---|", "tree, letters"),
        ("|:--|---|", "|:---|---|", "letters"),
        ("run  it", "run it", "tree, letters"),
        ("<div>Raw", "<div>Cru", "tree, letters"),
        ("</div>\n\n", "</div>\n", "tree, letters"),
        ("# The *old* town\n\n", "# The *old* town\n", "letters"),
        ("A note.\n", "A note.", "letters"),
    ],
)
def test_what_is_lost_of_a_markdown_document_is_found(right, wrong, kinds):
    assert right in DOCUMENT
    document = DOCUMENT.replace(right, wrong, 1)
    faults = {
        "tree": markdown_structure.find_tree_fault(DOCUMENT, document),
        "letters": markdown_structure.find_letter_fault(DOCUMENT, document),
    }
    assert ", ".join(kind for kind, fault in faults.items() if fault) == kinds, faults


def test_bold_numbers_of_markdown_are_those_between_its_marks():
    text = "**1,250** and __3 of `4`__ in 2019\n\n* **20 %** of [**5**](/6)\n"
    assert markdown_structure.numbers(text, bold_only=True) == Counter({"1250": 1, "3": 1, "20": 1, "5": 1})
    assert markdown_structure.numbers(text) == Counter({"1250": 1, "3": 1, "2019": 1, "20": 1, "5": 1})


def test_sentences_that_were_wrapped_are_read_back():
    sentences = (
        "1. The <old> *town* of A&B.",
        "- Yes, said the mayor of _the_ town | and left.",
        "A [short] one, 5 > 4.",
    ) * 9
    for form in FORMATS:
        document = form.wrap(sentences)
        assert form.read(document) == list(sentences), form.name
        assert any(start in document for start, _ in form.marks)


def test_a_citation_says_what_a_reader_sees_of_its_passage():
    passage = "The <b>red</b>&nbsp;car<!-- x --><br>is <code>a &lt; b</code><script>no</script>, <svg>no</svg>he\n said"
    assert visible_text(passage) == "The red car is a < b, he said"
    assert visible_text("red</b> car</p>") == "red car"
