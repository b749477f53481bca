import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from polygist_service.text.alignment import AlignedPair
from polygist_service.text.documents import read_layout
from polygist_service.text.documents.base import MARKDOWN, BlockKind, Output, Splitting
from polygist_service.text.documents.inline import OBJECT

MARKS = (
    *("*", "**", "_", "__", "~~", "`", "``", "[", "]", "](u)", '](u "t")', "![", "<b>", "</b>", "<br>", "<i", ">"),
    *("\\", "&amp;", "# ", "- ", "1. ", "> ", "|", "\n|-|-|\n", "\n---\n", "\n===\n", "```\n", "    ", "\t", "\n"),
    *("\n\n", "  \n", "\r\n", "\r", "$x$", "$$", "{{a}}", "{% b %}", "{#c}", ":tada:", "[^1]", "[^1]: ", "\n: "),
    *("[a]: /u 'T'\n", "[a]", "[a][]", "^[", "http://a.b", "---\ntitle: ", "\n---\n", "word"),
    *("Two words. ", "São ", "日本語", "\u2028", "\0", "\U000f0000", "@me", "#12", "."),
)
# What other programs know; it is read in another way than by the parser that tells the tree here.
DIALECTS = (
    *(
        "!!! note\n",
        '\n??? tip "T"\n    ',
        ":::a[b]\n",
        "\n:::\n",
        "{% raw %}",
        "{% endraw %}",
        "%%",
        "![[",
        "]]",
        "[[",
    ),
    *(
        "\n*[a]: b\n",
        '{"title": "a\\u00e9"}\n',
        "+++\ntitle = 'a'\n+++\n",
        "lang: en\n",
        "export const a\n",
        "**a**: b\n",
    ),
)
TEXT = st.one_of(
    st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=4)), max_size=30).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)
ANY = st.one_of(TEXT, st.lists(st.sampled_from((*MARKS, *DIALECTS)), max_size=20).map("".join))
OUTPUT = st.one_of(st.lists(st.sampled_from((*MARKS, " ")), max_size=8).map("".join), st.text(max_size=12))
PARSER = (
    MarkdownIt("gfm-like", {"linkify": False, "strikethrough_single_tilde": True})
    .use(footnote_plugin, move_to_end=False)
    .use(deflist_plugin)
)


def parse(text, splitting=Splitting.AUTOMATIC, language="en"):
    return read_layout(text, MARKDOWN).split(language, splitting)


def rebuild(document, outputs, language=""):
    """Return the text, and the rebuilder; outputs are texts, or texts with what each of their words stands for."""
    rebuilder = document.rebuild(language)
    parts = [rebuilder.add(each if isinstance(each, Output) else Output(each)) for each in outputs]
    return "".join([*parts, rebuilder.finish()]), rebuilder


def translate(text, words, **options):
    """Return a text of which each sentence is written as `words` says: what it reads -> words, each with its own."""
    document = parse(text, **options)
    outputs = [align(segment.text, words.get(segment.text, segment.text)) for segment in document.segments]
    return rebuild(document, outputs)[0]


def align(source, written):
    """Return an output of which each word names the word that it was written for: "casa‹house velha‹old"."""
    pairs, parts, length = [], [], 0
    for part in written.split(" "):
        word, _, own = part.partition("‹")
        start = source.find(own or word)
        if start >= 0:
            pairs.append(AlignedPair((start, start + len(own or word)), (length, length + len(word)), 0.9))
        parts.append(word)
        length += len(word) + 1
    return Output(" ".join(parts), tuple(pairs))


def outline(text):
    """Return the tree of a text without its words; marks of a line in any order."""
    found = []
    for token in PARSER.parse(text.removeprefix("\ufeff")):
        found.append(
            (token.type, token.tag, token.hidden, token.content if token.type in ("fence", "html_block") else "")
        )
        inner = [each for each in token.children or () if each.type not in ("text", "softbreak", "text_special")]
        found += sorted(
            (
                each.type,
                str(each.attrs.get("href", each.attrs.get("src", ""))),
                each.content if each.tag == "code" else "",
            )
            for each in inner
        )
    return found


def address(token):
    return str(token.attrs.get("href", token.attrs.get("src", "")))


def find_outside(text, pairs):
    """Return what stands between spans, of which some are in others."""
    at, found = 0, []
    for start, end in pairs:
        if start >= at:
            found.append(text[at:start])
            at = end
    return [*found, text[at:]]


@given(ANY, st.sampled_from(Splitting), st.integers(1, 30))
@example("- a\n\n  b *c\n  d* e. F\n> g\nh\n", Splitting.AUTOMATIC, 30)
@example('---\ntitle: "A \\"b\\""\n---\r\n# c [d](e "f g")\r\n', Splitting.NONE, 3)
@settings(deadline=None)
def test_a_document_of_its_own_words_is_itself(text, splitting, window):
    document = parse(text, splitting)
    assert [each.start for each in document.segments] == sorted(each.start for each in document.segments)
    segments = [piece for each in document.segments for piece in document.cut(each, lambda part: len(part) <= window)]
    document = document.with_segments(segments)
    segments = document.segments
    rebuilt, rebuilder = rebuild(document, [segment.text for segment in segments])
    assert rebuilt == text
    assert rebuilder.spans == [segment.span for segment in segments]
    for segment in segments:
        start, end = document.source_span(segment, (0, len(segment.text)))
        assert segment.start <= start < end <= segment.end


@given(TEXT, st.lists(OUTPUT, min_size=1, max_size=5))
@example("**[a]** b\n\n[a]: /u 'T'\n", ["x *y", "#"])
@example("a *b* c", ["\U000f0000 - 1. x"])
@settings(deadline=None, max_examples=150)
def test_whatever_is_written_the_rest_and_the_tree_stay(text, outputs):
    document = parse(text)
    written = [outputs[at % len(outputs)] for at in range(len(document.segments))]
    rebuilt, rebuilder = rebuild(document, written)
    assert outline(rebuilt) == outline(text)
    if "![" not in text:  # an image of which the words were the label is given that
        before = find_outside(text, (segment.span for segment in document.segments))
        assert find_outside(rebuilt, rebuilder.spans) == before
    for at, (start, end) in enumerate(rebuilder.spans):
        low, high = rebuilder.target_span(at, (0, len(written[at])))
        assert start <= low <= high <= end


@given(TEXT)
@example("a\n1\\. *b*\nc **d\ne** f\n- g")
@example("[*a* b][c]\n\n[c]: <d>\n\n| e | `f` |\n|---|---|\n| g | h\\|i |")
@settings(deadline=None, max_examples=150)
def test_the_tree_of_a_document_in_other_words_is_the_same(text):
    document = parse(text)
    for write in (str.upper, lambda words: " ".join(reversed(words.split(" "))), lambda words: f"{words} {words}"):
        rebuilt, _ = rebuild(document, [write(segment.text) for segment in document.segments])
        assert outline(rebuilt) == outline(text)


@given(ANY, ANY)
@settings(deadline=None, max_examples=60)
def test_parts_that_are_joined_are_the_document(text, other):
    layout = read_layout(f"{text}\n\n# Title\n\n{other}", MARKDOWN)
    passages = layout.passages
    assert all(one.end <= other.start for one, other in pairwise(passages))
    starts = sorted({0, *(passage.start for passage in passages[1::2]), len(layout.text)})
    parts = [layout.part(low, high) for low, high in pairwise(starts)]
    assert "".join(part.text for part in parts) == layout.text
    documents = [part.split("en", Splitting.AUTOMATIC) for part in parts]
    whole = layout.split("en", Splitting.AUTOMATIC)
    assert [each.text for document in documents for each in document.segments] == [each.text for each in whole.segments]
    for part, document in zip(parts, documents, strict=True):
        assert rebuild(document, [segment.text for segment in document.segments])[0] == part.text


TRANSLATIONS = [
    ("# The *old* house #", {"The old house": "A‹The casa‹house velha‹old"}, "# A casa *velha* #"),
    ("A **red** house.", {"A red house.": "Uma‹A casa‹house vermelha.‹red"}, "Uma casa **vermelha**."),
    (
        "The [old *house*](u) fell.",
        {"The old house fell.": "A‹The casa‹house velha‹old caiu.‹fell."},
        "A [*casa* velha](u) caiu.",
    ),
    ("Use `a b` now.", {"Use \U000f0000 now.": "Agora‹now. usa‹Use \U000f0000."}, "Agora usa `a b`."),
    (
        "One[^1] two.\n\n[^1]: Three.",
        {"One two.": "Um‹One dois.‹two.", "Three.": "Três."},
        "Um[^1] dois.\n\n[^1]: Três.",
    ),
    ("See [here].\n\n[here]: /u", {"See here.": "Vê‹See aqui.‹here."}, "Vê [aqui][here].\n\n[here]: /u"),
    ("[Here][] it is\n\n[here]: /u", {"Here it is": "Aqui‹Here está‹is"}, "[Aqui][Here] está\n\n[here]: /u"),
    (
        '![A cat](c.png "On a mat") sat',
        {"A cat": "Um gato", "On a mat": "Num tapete", "sat": "sentou"},
        '![Um gato](c.png "Num tapete") sentou',
    ),
    (
        "| a | Big `x` |\n|:--|--:|\n| b \\| c | d |",
        {"Big \U000f0000": "\U000f0000 grande|", "b | c": "B | C"},
        "| a | `x` grande\\| |\n|:--|--:|\n| B \\| C | d |",
    ),
    ("- [x] done\n  1) two", {"done": "- feito", "two": "# dois"}, "- [x] - feito\n  1) \\# dois"),
    ("> [!NOTE]\n> Take care", {"Take care": "Cuidado"}, "> [!NOTE]\n> Cuidado"),
    ("line one  \nline two\\\nthree", {"line one": "um", "line two": "dois", "three": "três"}, "um  \ndois\\\ntrês"),
    ("a&nbsp;b &lt;c>", {"a\xa0b <c>": "A\xa0B <C>"}, "A&nbsp;B &lt;C>"),
    (
        "plain",
        {"plain": "1. a *b* _c_ <d> &amp; [e](f) `g` \\* snake_case 2 * 3"},
        "1\\. a \\*b\\* \\_c\\_ \\<d> \\&amp; \\[e](f) \\`g\\` \\\\\\* snake_case 2 * 3",
    ),
    (
        "Title\n===\n\nTerm\n: Def",
        {"Title": "Título", "Term": "Termo", "Def": "- Definição"},
        "Título\n===\n\nTermo\n: \\- Definição",
    ),
    (
        "see <kbd>Ctrl</kbd> <b>now</b> :tada:",
        {"see \U000f0000 now": "agora‹now vê‹see \U000f0000"},
        "<b>agora</b> vê <kbd>Ctrl</kbd> :tada:",
    ),
    (
        "Sum $a_b$ is {{ n }}.",
        {"Sum \U000f0000 is \U000f0001.": "\U000f0001‹is é a soma \U000f0000."},
        "{{ n }} é a soma $a_b$.",
    ),
    ("## Title {#id .c}", {"Title": "Título"}, "## Título {#id .c}"),
    ("the end", {"the end": "![ e [2]."}, "!\\[ e \\[2&#93;."),
    ("in town.\n\n[1]: http://x", {"in town.": "em [1]."}, "em \\[1&#93;.\n\n[1]: http://x"),
    (
        "It is [open].\n\n[open]: /u",
        {"It is open.": "É‹is aberto][‹open ."},
        "É [aberto&#93;\\[][open] .\n\n[open]: /u",
    ),
    ("a _b_ c", {"a b c": "x‹a b‹b"}, "x _b_"),
]


def test_words_change_and_marks_go_with_them():
    for source, words, target in TRANSLATIONS:
        assert translate(source, words) == target, source


def test_what_other_programs_know_is_kept():
    for source, target in [
        ('!!! note "A title"\n    Body.\n\n    More.\n', '!!! note "A TITLE"\n    BODY.\n\n    MORE.\n'),
        ('=== "Tab"\n\n    Body\n', '=== "TAB"\n\n    BODY\n'),
        (":::tip[A title]\nBody\n:::\n", ":::tip[A TITLE]\nBODY\n:::\n"),
        (
            "{% highlight c %}\nint a;\n\nb\n{% endhighlight %}\nx",
            "{% highlight c %}\nint a;\n\nb\n{% endhighlight %}\nX",
        ),
        ("{{< code >}}\na\n{{< /code >}}\n", "{{< code >}}\na\n{{< /code >}}\n"),
        ("%%a%% b ![[c.png]] d [[e|f]]", "%%a%% B ![[c.png]] D [[e|f]]"),
        ("*[HTML]: Words\n\n**A**: b\n**C**: d", "*[HTML]: WORDS\n\n**A**: B\n**C**: D"),
        ('{\n  "title": "Caf\\u00e9",\n  "slug": "a"\n}\nx', '{\n  "title": "CAFÉ",\n  "slug": "a"\n}\nX'),
        ("import A from 'a'\n\nexport const a = 1\n\nx", "import A from 'a'\n\nexport const a = 1\n\nX"),
        ("AT&T &amp; \\# 1\\. a.", "AT&T &amp; \\# 1\\. A."),
        ("a {{< b >}} c :dog: d", "A {{< b >}} C :dog: D"),
    ]:
        document = parse(source)
        assert rebuild(document, [" ".join(each.text.upper().split()) for each in document.segments])[0] == target


def test_wrapped_paragraphs_are_wrapped_again_at_their_width():
    text = "> This is a paragraph\r\n> that was *wrapped at\r\n> a* column.\r\nA lazy line. End\r\n"
    document = parse(text)
    assert [segment.text for segment in document.segments] == [
        "This is a paragraph that was wrapped at a column.",
        "A lazy line.",
        "End",
    ]
    words = "Este é um parágrafo que foi quebrado numa coluna - 12. de texto."
    rebuilt, _ = rebuild(document, [words, "Preguiça.", "Fim"])
    assert rebuilt.splitlines()[0] == "> Este é um parágrafo"
    assert "".join(rebuilt.replace("> ", "").split()).startswith("Esteéumparágrafo")
    assert max(map(len, rebuilt.splitlines())) <= 23
    assert rebuilt.endswith("\r\nPreguiça. Fim\r\n")
    assert [token.type for token in PARSER.parse(rebuilt)] == [token.type for token in PARSER.parse(text)]


def test_what_is_no_text_is_left_alone():
    text = (
        "<div>\nblock\n</div>\n\n```py\ncode = 'x'\n```\n\n    indented\n\n$$\nx = y\n- z\n$$\n\n[label]: http://a.b\n\n"
        "<!-- note -->\n\n***\n\n![](x.png)\n\n{{< shortcode >}}\n\n{% raw %}\n\n:::\n\n<http://a.b>\n\n`code`\n\n12\n"
    )
    assert parse(text).segments == ()


def test_front_matter_gives_its_words_and_its_language():
    text = (
        '\ufeff---\ntitle: "A \\"big\\" day"\nlang: en\ndate: 2024-01-02\ntags: [red, blue]\n'
        "description: Plain words # note\n"
        "summary: >-\n  Folded words\n  go on.\nslug: /a/b\n---\nBody\n"
    )
    layout = read_layout(text, MARKDOWN)
    assert layout.language == "en"
    assert [(passage.text, passage.kind, passage.is_hidden) for passage in layout.passages] == [
        ('A "big" day', BlockKind.HEADING, False),
        ("Plain words", BlockKind.OTHER, True),
        ("Folded words go on.", BlockKind.OTHER, True),
        ("Body", BlockKind.PARAGRAPH, False),
    ]
    outputs = ['Um dia "grande"', "Palavras: simples", "Palavras dobradas.", "Corpo"]
    rebuilt, _ = rebuild(layout.split("en", Splitting.AUTOMATIC), outputs, "pt")
    assert rebuilt == (
        '\ufeff---\ntitle: "Um dia \\"grande\\""\nlang: pt\ndate: 2024-01-02\ntags: [red, blue]\n'
        'description: "Palavras: simples" # note\nsummary: >-\n  Palavras\n  dobradas.\nslug: /a/b\n---\nCorpo\n'
    )
    assert [each.text for each in parse("---\n\nA rule above\n\n---\n").segments] == ["A rule above"]
    toml = parse('+++\ntitle = "Words"\ndraft = true\n+++\nBody')
    assert [each.text for each in toml.segments] == ["Words", "Body"]


def test_passages_say_what_is_read():
    text = "# *Big* news\n\n- item `code`\n\n| 1 | [cell](u) |\n|-|-|\n\n![Alone](x)\n\n[^n]\n\n[^n]: Note\n"
    layout = read_layout(text, MARKDOWN)
    assert [(passage.kind, passage.text) for passage in layout.passages] == [
        (BlockKind.HEADING, "Big news"),
        (BlockKind.LIST_ITEM, "item code"),
        (BlockKind.ROW, "cell"),
        (BlockKind.OTHER, "Alone"),
        (BlockKind.CAPTION, "Note"),
    ]
    assert [passage.level for passage in layout.passages][:2] == [1, 0]
    assert layout.passages[2].link_share == 1
    heading, item, *_ = layout.passages
    assert layout.source_span(heading, (0, 8)) == (3, 12)
    assert text[slice(*layout.source_span(item, (5, 9)))] == "`code`"
    document = layout.split("en", Splitting.AUTOMATIC)
    assert [document.plain_text(each) for each in document.prose((BlockKind.LIST_ITEM,))] == ["item code"]
    assert "Alone" not in [each.text for each in document.prose(tuple(BlockKind))]


def test_what_did_not_come_back_or_came_twice_is_kept_once():
    document = parse("Use `a` and **`b`** here.")
    first, second = OBJECT.findall(document.segments[0].text)
    for written in ("Nada", f"{first} {first} {second}", f"{second} {first} e tudo"):
        rebuilt, rebuilder = rebuild(document, [written])
        assert rebuilt.count("`a`") == rebuilt.count("**`b`**") == 1
        assert rebuilder.doubts


def test_hostile_texts_are_read_in_linear_time():
    repeated = (
        *("**a ", "[", "![a", "[a](", ">", "- ", "_a *b ", "<b>a ", "`a ``b ", "{% a ", "{{< ", "\\( a ", "$$\n\n"),
        *("<!-- ", "^[a ", "&a ", "[^a] ", "~~a ", "[a]: b\n", "|a", "---\n", "a\n: b\n", "![a](b) "),
    )
    texts = [each * 1500 for each in repeated]
    texts += ["*a **b " * 1500 + "b** c* " * 1500, "\n".join("  " * depth + "- a" for depth in range(200))]
    for text in texts:
        begun = time.process_time()
        document = parse(text)
        assert rebuild(document, [segment.text for segment in document.segments])[0] == text
        assert time.process_time() - begun < 5, text[:20]


def test_a_missing_output_is_an_error():
    with pytest.raises(ValueError, match="0 of 1 segments have an output"):
        parse("One.").rebuild().finish()


def test_a_sentence_that_cannot_be_written_is_told_and_kept():
    rebuilt, rebuilder = rebuild(parse("A [b](u).\n\na _b_ *c* d"), ["O b.", "__"])
    assert rebuilt == "O [b](u).\n\na _b_ *c* d"
    assert rebuilder.refused == [(11, 22)]
