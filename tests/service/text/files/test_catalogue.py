"""Catalogues of messages: what is read of them, and what of them is written. polib reads what came, too."""

import re
import time

import polib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polygist_service.errors import InvalidDocument
from polygist_service.notices import NoticeKind
from polygist_service.text.documents.files import read_file
from polygist_service.text.documents.files.base import ReadOptions, TranslatedText
from polygist_service.text.documents.files.catalogue.formats import FORMATS
from polygist_service.text.documents.files.kinds import GETTEXT

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
RUSSIAN = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
HEAD = """# Licence.
#, fuzzy
msgid ""
msgstr ""
"Project-Id-Version: tool 1\\n"
"Language: \\n"
"Content-Type: text/plain; charset=CHARSET\\n"
"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\\n"
"""


def read(document, target="pt", **options):
    document = document if isinstance(document, bytes) else document.encode()
    return read_file(document, GETTEXT, ReadOptions(unpacked_bytes=1, members=1, target=target, **options))


def write(document, translate="{} sim".format, target="pt", **options):
    """What comes of a catalogue whose messages a function translates, as text, and the kinds of notices."""
    file = read(document, target, **options)
    written = file.write([TranslatedText(translate(each.text)) for each in file.texts], target)
    return written.document.decode(), [each.notice.kind for each in written.notices]


def translated(entry, translate="{} sim".format, target="pt", **options):
    """The last entry of the catalogue that one entry makes, by polib, and the kinds of notices."""
    text, kinds = write(HEADER + entry, translate, target, **options)
    return polib.pofile(text)[-1], kinds


def texts(entry, **options):
    return [each.text for each in read(HEADER + entry, **options).texts]


def test_what_was_lost_in_a_text_makes_its_message_fuzzy():
    file = read(HEADER + 'msgid "Open"\nmsgstr ""\n\nmsgid "Close"\nmsgstr ""\n')
    written = file.write([TranslatedText("Abrir", is_doubtful=True), TranslatedText("Fechar")], "pt")
    first, second = polib.pofile(written.document.decode())
    assert (first.msgstr, first.fuzzy, second.msgstr, second.fuzzy) == ("Abrir", True, "Fechar", False)


def test_lines_of_messages_with_marks_end_where_they_did():
    own = "<i>Note</i>\\nThe new %s is <b>here</b>\\n\\n  * one\\n  * two:\\nand a\\nline <a\\nhref='x'>three</a>\\n"
    file = read(HEADER + f'#, c-format\nmsgid "{own}"\nmsgstr ""\n')
    (text,) = file.texts
    assert text.text.count("<br id=line") == 4
    written = file.write([TranslatedText(text.text.replace("two", "dois"))], "pt").document.decode()
    assert polib.pofile(written)[-1].msgstr == own.replace("\\n", "\n").replace("two", "dois")


def test_only_what_is_translated_is_written():
    source = (
        HEAD
        + """
# A translator's comment
#. of the program
#: a.c:10 b.c:20
#, fuzzy, c-format
#| msgid "Goodbye %s"
msgctxt "at the end"
msgid "Hello %s"
msgstr "Adeus %s"

msgid   "kept"
msgstr "mantido"

#, fuzzy
#~| msgid "ancient"
#~ msgid "old"
#~ msgstr "velho"

#, no-wrap
msgid "twice"
msgstr ""

msgctxt "other"
msgid "twice"
msgstr ""
"""
    )
    text, kinds = write(source, {"Hello %s": "Olá %s", "twice": "duas vezes"}.get)
    assert text == (
        source.replace("#, fuzzy\nmsgid", "msgid")
        .replace("Language: ", "Language: pt")
        .replace("=CHARSET", "=UTF-8")
        .replace("nplurals=INTEGER; plural=EXPRESSION", text.partition("Plural-Forms: ")[2].partition(";\\n")[0])
        .replace('#, fuzzy, c-format\n#| msgid "Goodbye %s"\n', "#, c-format\n")
        .replace("Adeus %s", "Olá %s")
        .replace('"twice"\nmsgstr ""', '"twice"\nmsgstr "duas vezes"')
    )
    assert kinds == []
    marked, _ = write(source, {"Hello %s": "Olá %s", "twice": "duas vezes"}.get, mark_fuzzy=True)
    assert [entry.flags for entry in polib.pofile(marked) if not entry.obsolete] == [
        ["fuzzy", "c-format"], [], ["fuzzy", "no-wrap"], ["fuzzy"],
    ]  # fmt: skip
    assert polib.pofile(marked)[0].previous_msgid == "Goodbye %s"
    assert [entry.msgstr for entry in polib.pofile(write(source, retranslate=True)[0])][:2] == [
        "Hello %s sim",
        "kept sim",
    ]
    assert write(text, mark_fuzzy=True)[0] == text  # nothing is left to do


def test_forms_follow_the_rule_of_the_target():
    entry = '#, c-format\nmsgid "%d file"\nmsgid_plural "%d files"\nmsgstr[0] ""\nmsgstr[1] ""\n'
    forms = {"ja": ["files"], "de": ["file", "files"], "ru": ["file", "files", "files"], "ar": 6 * ["files"]}
    forms["ar"][1] = "file"
    for target, expected in forms.items():
        found, kinds = translated(entry, str, target)
        assert (list(found.msgstr_plural.values()), kinds) == ([f"%d {form}" for form in expected], []), target
    for target, rule in {"pt": "nplurals=2; plural=(n != 1)", "pt-BR": "nplurals=2; plural=(n > 1)"}.items():
        assert f'"Plural-Forms: {rule};\\n"' in write(HEADER + entry, str, target)[0]
    # Languages that CLDR does not know, private ones, and tags with more in them than it takes.
    for target, count in {"vro": 2, "x-none": 2, "qaa-Zzzz": 2, "ar-x-a": 6, "zh-Hant-TW-u-ca-chinese": 1}.items():
        found, _ = translated(entry, str, target)
        assert len(found.msgstr_plural) == count, target
    # A catalogue's own rule is obeyed, and translations that are there stay.
    own = entry.replace('msgstr[1] ""', 'msgstr[1] "arquivos"\nmsgstr[2] ""')
    text, _ = write(HEADER.replace('8\\n"', f'8\\nLanguage: ru\\nPlural-Forms: {RUSSIAN}\\n"') + own, str, "ru")
    assert list(polib.pofile(text)[0].msgstr_plural.values()) == ["%d file", "arquivos", "%d files"]
    assert RUSSIAN in text
    # A form for one that is one for 21 as well needs a place for the number.
    cases = {
        "One file": (
            {"ru": ["%d file", "%d files", "%d files"], "de": ["One file", "%d files"], "ja": ["%d files"]},
            False,
        ),
        "The file": ({"ru": ["%d files"] * 3, "de": ["The file", "%d files"], "ja": ["%d files"]}, True),
    }
    for singular, (expected, is_doubtful) in cases.items():
        for target, forms in expected.items():
            found, kinds = translated(entry.replace('%d file"', f'{singular}"'), str, target)
            told = [NoticeKind.DOCUMENT_ALTERED] * (is_doubtful and target == "ru")
            assert (list(found.msgstr_plural.values()), kinds, found.fuzzy) == (forms, told, bool(told)), target


@pytest.mark.parametrize(
    "rule",
    [
        "nplurals=2; plural=n//2;",
        "nplurals=2; plural=n;",
        "nplurals=2; plural=n%0;",
        f"nplurals=2; plural={'(' * 400}n{')' * 400};",
        f"nplurals=2; plural={'n+' * 3000}n;",
        "nplurals=2; plural=__import__('os');",
        "nplurals=2; plural=n**n**n;",
        "nplurals=0; plural=0;",
        "nplurals=99; plural=0;",
        "many",
    ],
)
def test_rules_that_are_none_are_refused(rule):
    with pytest.raises(InvalidDocument, match=r"Plural-Forms are no rule .*; leave the field out"):
        read(HEADER.replace('8\\n"', f'8\\nPlural-Forms: {rule}\\n"') + 'msgid "a"\nmsgstr ""\n')


@pytest.mark.parametrize(
    ("flag", "message", "sent", "answer", "expected"),
    [
        ("c", "%s in %s", "%1$s in %2$s", "%1$s em %2$s", "%s em %s"),
        ("c", "%s in %s", "%1$s in %2$s", "em %2$s %1$s", "em %2$s %1$s"),
        ("c", "%-5.2f%% of %'d", "%1$-5.2f%% of %2$'d", "%2$'d %1$-5.2f%%", "%2$'d %1$-5.2f%%"),
        ("c", "%*d of %s", "%*d of %s", "%*d de %s", "%*d de %s"),
        ("c", "%<PRIu64> files", None, "%<PRIu64> arquivos", None),
        ("c", "%2$s has %1$d", None, "%1$d em %2$s", None),
        ("python", "%s at %s", "%1$s at %2$s", "%2$s %1$s", NoticeKind.PLACEHOLDER_LOST),
        ("python", "%(a)s and %(b)d", None, "%(b)d e %(a)s", None),
        ("python", "%(a)s and %(b)d", None, "%(b)d e %(as", NoticeKind.PLACEHOLDER_LOST),
        ("python-brace", "{} to {!r}", "{0} to {1!r}", "{1!r} e {0}", "{1!r} e {0}"),
        ("python-brace", "{{x}} {a.b[0]:>{w}}", None, "{a.b[0]:>{w}} {{x}}", None),
        ("objc", "%@ of %@", "%1$@ of %2$@", "%1$@ de %2$@", "%@ de %@"),
        ("qt", "%1 of %L2, %n left", None, "%L2 de %1, %n mais", None),
        ("sh", "$HOME of ${user}", None, "${user} e $HOME", None),
        ("php", "%'.10d is %1$s", None, "%1$s: %'.10d", None),
        ("java", "{0,number,#.##} of {1}", None, "{1} de {0,number,#.##}", None),
        ("c", "%s of %dMB", "%1$s of %2$dMB", "de%1$so %2$dMB", "de %s o %dMB"),
        ("python", "%b %d, %Y at noon", None, "%b %d, %Y ao meio-dia", None),
        ("java", "can''t open {0}", None, "n'open {0}", "n''open {0}"),
        ("c", "%*d of %s", None, "%s de %*d", NoticeKind.PLACEHOLDER_LOST),
        ("c", "%s at %m", None, "%m de %s", "%m de %s"),
        ("object-pascal", "%s of %d", None, "%d de %s", NoticeKind.PLACEHOLDER_LOST),
        ("python-brace", "so {a}", None, "{a} {", NoticeKind.PLACEHOLDER_LOST),
        ("c", "%d files", None, "arquivos", NoticeKind.PLACEHOLDER_LOST),
        ("c", "%d files", None, "100% de %d arquivos", NoticeKind.PLACEHOLDER_LOST),
        ("no-c", "100% of it {in}", None, "{in} 100% disso", None),
        ("", "{name} has %d files, 5 % of all", None, "%d arquivos de {name}, 5 % de todos", None),
        ("", "the B<--all> of I<ls>(1): E<lt>", None, "o B<--all> de I<ls>(1): E<lt>", None),
        ("", "see {name}", None, "veja", NoticeKind.PLACEHOLDER_LOST),
    ],
)
def test_placeholders_are_numbered_and_compared(flag, message, sent, answer, expected):
    entry = f'{f"#, {flag}-format" if flag else "#. said nothing"}\nmsgid "{message}"\nmsgstr ""\n'
    assert texts(entry) == [sent or message]
    found, kinds = translated(entry, lambda text: answer)
    if isinstance(expected, NoticeKind):
        assert (kinds[:1], found.fuzzy) == ([expected], True)
    else:
        assert (found.msgstr, kinds, found.fuzzy) == (expected or answer, [], False)


def test_placeholders_are_carried_over_with_what_is_glued_to_them():
    entry = '#, c-format\nmsgid "{0}"\nmsgstr ""\n'
    cases = {
        "%dMB of %s": {"%1$dMB", "%2$s"},
        "at %d%%: <b>%s</b>": {"%1$d%%", "%2$s"},
        "(%s/%s)": {"%1$s/%2$s"},
        "file%s, --%s": {"file%1$s", "%2$s"},
    }
    for message, kept in cases.items():
        (text,) = read(HEADER + entry.replace("{0}", f"look {message} here")).texts
        assert text.kept == kept, message


@pytest.mark.parametrize(
    ("message", "sent", "answer", "target", "expected"),
    [
        ("&File", "File", "arquivo", "pt", "&Arquivo"),
        ("&Run...", "Run", "Abrir.", "pt", "Ab&rir..."),
        ("E&xit", "Exit", "Sair", "pt", "&Sair"),
        ("Save &As…", "Save As", "Salvar como", "pt", "S&alvar como…"),
        ("&File", "File", "文件", "zh", "文件(&F)"),
        ("&Copy to:", "Copy to", "Copiar para", "pt", "&Copiar para:"),
        ("Q&A", "Q&A", "Q&A", "pt", "Q&A"),
        ("Open &%s", "Open &%s", "Abrir &%s", "pt", "Abrir &%s"),
        ("Name:", "Name", "Nome.", "pt", "Nome:"),
        ("  two\\n", "two", "Dois", "pt", "  dois\\n"),
        ("two", "two", "Zwei", "de", "Zwei"),
        ("Two", "Two", "iki", "tr", "İki"),
        ("It is done.", "It is done.", "Está feito.", "pt", "Está feito."),
    ],
)
def test_what_is_no_word_stays(message, sent, answer, target, expected):
    others = 'msgid "&Menu"\nmsgstr "&Menu"\n\nmsgid "&Edit"\nmsgstr "&Editar"\n\n'
    entry = f'{others}msgid "{message}"\nmsgstr ""\n'
    assert texts(entry, target=target) == [sent]
    found, _ = translated(entry, lambda text: answer, target)
    assert escape(found.msgstr) == expected


def test_what_marks_accelerators_is_told_by_the_catalogue():
    def sent(*messages, header=""):
        entries = "".join(f'msgid "{each}"\nmsgstr ""\n\n' for each in messages)
        return [each.text for each in read(HEADER.replace('8\\n"', f'8\\n{header}"') + entries).texts]

    names = ("see _name", "on %(last_updated)s", "my_name")
    assert sent(*names) == [*names]
    assert sent(*names, "_File", "Save _As", "E_xit") == ["see name", *names[1:], "File", "Save As", "Exit"]
    assert sent("&File", "_Open file", "Cu_t", "Undo|verb") == ["File", "Open file", "Cut", "Undo|verb"]
    assert sent("_File", "_my_Name", "__File") == ["File", "_my_Name", "__File"]
    assert sent("Fi~le", "E&xit", header="X-Accelerator-Marker: ~\\n") == ["File", "E&xit"]


def test_what_came_back_as_it_was_is_fuzzy_unless_it_is_names():
    for message, is_told in {
        "TODO entry found: %s": True, "file suffix (default: rst)": True, "Last updated on %(last_updated)s.": True,
        "LibreOffice Writer": False, "PDF/A": False, "%s of GNU C": False, "Status: %s": False, "font-size": False,
    }.items():  # fmt: skip
        found, kinds = translated(f'msgid "{message}"\nmsgstr ""\n', str)
        assert (found.msgstr, found.fuzzy, kinds) == (message, is_told, [NoticeKind.UNTRANSLATED] * is_told), message


def test_a_singular_is_translated_with_the_number_one():
    entry = '#, python-format\nmsgid "%(num)d hour"\nmsgid_plural "%(num)d hours"\nmsgstr[0] ""\nmsgstr[1] ""\n'
    answers = {"1 hour": "1 hora", "%(num)d hours": "%(num)d horas"}
    for one, lost in {"1 hora": 0, "uma hora": 0, "hora": 1}.items():
        found, kinds = translated(entry, {**answers, "1 hour": one}.__getitem__)
        assert found.msgstr_plural == {0: "hora" if lost else "%(num)d hora", 1: "%(num)d horas"}, one
        assert (found.fuzzy, kinds) == (bool(lost), [NoticeKind.PLACEHOLDER_LOST] * lost)
    assert texts(entry.replace(" hour", " of 2 hours", 1))[0] == "%(num)d of 2 hours"


def test_what_has_no_words_is_carried_over():
    kept = ("%s", "https://example.org/%s", "100 %", "%(a)s: {b}")
    source = HEADER + "".join(f'msgid "{each}"\nmsgstr ""\n\n' for each in (*kept, "translator-credits", "a word"))
    source += 'msgctxt "EMAIL OF TRANSLATORS"\nmsgid "Your emails"\nmsgstr ""\n'
    assert [each.text for each in read(source).texts] == ["a word"]
    found = {entry.msgid: entry.msgstr for entry in polib.pofile(write(source)[0])}
    others = {"a word": "a word sim", "translator-credits": "", "Your emails": ""}
    assert found == {each: each for each in kept} | others


def test_messages_with_marks_are_html():
    for message, mime_type in (
        ("Click <b>Save</b>.", "text/html"), ("a<br>b", "text/html"), ("Tom &amp; Jerry", "text/html"),
        ("usage: cp <file> &all", "text/plain"), ("a < b > c", "text/plain"),
    ):  # fmt: skip
        assert [each.mime_type for each in read(f'{HEADER}msgid "{message}"\nmsgstr ""\n').texts] == [mime_type]


def test_encodings():
    def header(charset):
        return HEADER.replace("UTF-8", charset)

    entry = 'msgid "caf\u00e9 one"\nmsgstr ""\n'
    latin = (header("ISO-8859-1") + entry).encode("latin-1")
    file = read(latin)
    assert [each.text for each in file.texts] == ["café one"]
    same = file.write([TranslatedText("água")], "pt")
    assert (b"\xe1gua" in same.document, b"ISO-8859-1" in same.document, same.notices) == (True, True, [])
    other = file.write([TranslatedText("вода")], "ru")
    assert "вода" in other.document.decode()
    assert b"charset=UTF-8" in other.document
    assert [each.notice.kind for each in other.notices] == [NoticeKind.DOCUMENT_ALTERED]
    assert (
        read(b"\xef\xbb\xbf" + entry.encode()).write([TranslatedText("é")], "pt").document.startswith(b"\xef\xbb\xbf")
    )
    ascii_file = read(header("ASCII") + 'msgid "water"\nmsgstr ""\n')
    for answer, charset, kinds in (("água", b"UTF-8", [NoticeKind.DOCUMENT_ALTERED]), ("agua", b"ASCII", [])):
        written = ascii_file.write([TranslatedText(answer)], "pt")
        assert charset in written.document
        assert [each.notice.kind for each in written.notices] == kinds
    sjis = (header("Shift_JIS") + 'msgid "表"\nmsgstr ""\n').encode("shift_jis")
    assert [each.text for each in read(sjis).texts] == ["表"]
    for charset, body in (("klingon", b""), ("zip", b""), ("UTF-8", b"\xff"), ("punycode", b"")):
        with pytest.raises(InvalidDocument):
            read(header(charset).encode() + body)


def test_another_language_is_not_mixed_in():
    german = HEADER.replace('8\\n"', '8\\nLanguage: de_AT\\n"') + 'msgid "a"\nmsgstr "b"\n\nmsgid "c"\nmsgstr ""\n'
    with pytest.raises(InvalidDocument, match=r"has translations into de-AT already.*retranslate"):
        read(german)
    assert "Language: de_AT" in write(german, target="de")[0]
    assert "Language: pt_BR\\n" in write(german, target="pt-BR", retranslate=True)[0]
    assert "Language: sr@latin\\n" in write(german, target="sr-Latn", retranslate=True)[0]


def test_a_catalogue_without_a_header_gets_one():
    text, _ = write('# Licence.\nmsgid "one"\nmsgstr ""', lambda text: "água")
    assert polib.pofile(text).metadata["Content-Type"] == "text/plain; charset=UTF-8"
    assert text.endswith('\n# Licence.\nmsgid "one"\nmsgstr "água"')


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ('msgid "a', 1),
        ('msgid "a"', 1),
        ('msgid "a"\nmsgstr "b"\n"c\n', 3),
        ('"a"\n', 1),
        ('msgstr "a"\n', 1),
        ('msgid "a"\nmsgid "b"\nmsgstr ""\n', 1),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr ""\n', 3),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[1] ""\n', 3),
        ('msgid "a"\n# between\nmsgstr ""\n', 1),
        ('msgid "a"\nmsgstr "b"\n\n"c"\n', 4),
        ("<html>\n", 1),
        ('msgid "a"b"\nmsgstr ""\n', 1),
    ],
)
def test_what_is_no_catalogue_is_refused_with_its_line(document, line):
    with pytest.raises(InvalidDocument, match=rf"is no catalogue of messages: line {line} is"):
        read(document)


def test_bytes_in_escapes_are_refused():
    assert texts('msgid "a\\x41\\101\\a"\nmsgstr ""\n') == ["aAA\a"]
    with pytest.raises(InvalidDocument, match=r"line 4 has the escape .*msgcat"):
        texts('msgid "caf\\303\\251"\nmsgstr ""\n')


FLAGS = ["fuzzy", "no-wrap", "no-c-format", *(f"{syntax}-format" for syntax in FORMATS)]
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
WORDS = st.text(
    st.one_of(
        st.sampled_from('ab \n\t"\\%%%sdn@1{}{}(a)$*<b>&_~.:\u2028\x85é表\r\v\f\a'),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=40,
)
ENTRIES = st.lists(
    st.builds(
        polib.POEntry,
        msgid=WORDS.filter(bool),
        msgstr=st.one_of(st.just(""), WORDS),
        msgctxt=st.one_of(st.none(), WORDS),
        comment=st.sampled_from(["", "of the program"]),
        tcomment=st.sampled_from(["", "of a translator\n\nand more"]),
        flags=st.lists(st.sampled_from(FLAGS), unique=True, max_size=3),
        obsolete=st.booleans(),
        previous_msgid=st.one_of(st.none(), st.just("before")),
    ),
    max_size=6,
)


def escape(text):
    """polib's own does not know all."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def make_catalogue(entries, ending):
    lines = HEADER.splitlines()
    lines[1:] = ['msgstr ""', r'"Plural-Forms: nplurals=2; plural=(n != 1);\n"', r'"Language: pt\n"', ""]
    for entry in sorted(entries, key=lambda each: each.obsolete):
        sign = "#~ " if entry.obsolete else ""
        lines += [f"# {line}".rstrip() for line in entry.tcomment.split("\n") if entry.tcomment]
        lines += [f"#. {entry.comment}"] * bool(entry.comment)
        lines += [f"#, {', '.join(entry.flags)}"] * bool(entry.flags)
        lines += [f'{"#~" if sign else "#"}| msgid "before"'] * bool(entry.previous_msgid)
        lines += [f'{sign}msgctxt "{escape(entry.msgctxt)}"'] if entry.msgctxt is not None else []
        lines += [f'{sign}msgid ""', *(f'{sign}"{escape(piece)}"' for piece in entry.msgid.splitlines(keepends=True))]
        lines += [f'{sign}msgstr "{escape(entry.msgstr)}"', ""]
    return ending.join(lines)


def without_translations(text):
    """The lines of a catalogue that are not of translations, flags, former words or the header."""
    lines = re.sub(r'(?m)^msgstr(?:\[\d\])? ".*\r?\n?(?:".*\r?\n?)*', "", text)
    return [line for line in lines.split("\n") if not re.match('#[,|]|"Content-Type', line)]


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
@example([polib.POEntry(msgid="\r"), polib.POEntry(msgid="A::")], "\n", False, False)
def test_nothing_but_translations_is_written(entries, ending, mark_fuzzy, retranslate):
    text = make_catalogue(entries, ending)
    file = read(text, mark_fuzzy=mark_fuzzy, retranslate=retranslate)
    same = [TranslatedText(each.text, is_changed=False) for each in file.texts]
    assert file.write(same, "pt").document == text.encode()
    written = file.write([TranslatedText(each.text) for each in file.texts], "pt").document.decode()
    assert without_translations(written) == without_translations(text)
    again = read(written, retranslate=True)
    assert [entry.message for entry in again.entries] == [entry.message for entry in file.entries]
    for old, new in zip(file.entries, again.entries, strict=True):
        if file.texts and old.message and (retranslate or not old.is_translated):
            assert new.forms[0].text == old.message
        assert new.flags - {"fuzzy"} == old.flags - {"fuzzy"}


@pytest.mark.parametrize(
    "document",
    [
        'msgid ""\n' + '"a %s"\n' * 40_000 + 'msgstr ""\n',
        f'msgid "{"a" * 200_000}"\nmsgstr ""\n',
        f'msgid "{"%" * 200_000}"\nmsgstr ""\n',
        f'#, c-format\nmsgid "{"%1" * 200_000}"\nmsgstr ""\n',
        f'#, python-format\nmsgid "{"%(" * 100_000}"\nmsgstr ""\n',
        f'#, python-brace-format\nmsgid "{"{" * 60_000}"\nmsgstr ""\n',
        f'msgid "{"<a " * 60_000}"\nmsgstr ""\n',
        f'msgid "{"&_~" * 100_000}"\nmsgstr ""\n',
        f'msgid "a{" " * 200_000}a"\nmsgstr ""\n',
        "#, fuzzy, c-format\n" * 50_000 + 'msgid "a"\nmsgstr ""\n',
        "".join(f'msgid "%({number})s"\nmsgstr ""\n' for number in range(6_000)),
        f'msgid "{chr(92) * 200_000}"\nmsgstr ""\n',
    ],
    ids=range(12),
)
def test_hostile_catalogues_take_linear_time(document):
    start = time.process_time()
    file = read(document)
    file.write([TranslatedText(each.text) for each in file.texts], "pt")
    assert time.process_time() - start < 5


LINES = st.lists(
    st.sampled_from(
        [
            'msgid "a"', 'msgid ""', 'msgid_plural "b"', 'msgstr ""', 'msgstr "c"', 'msgstr[0] "d"', 'msgstr[1] ""',
            r'"e\n"', 'msgctxt "f"', "#, fuzzy, c-format", '#| msgid "g"', '#~ msgid "h"\n#~ msgstr "i"', "# k", "",
            '  msgid "l" ', 'msgid "a', "m",
        ]
    ),
    max_size=14,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_entries_are_those_that_another_parser_reads(lines):
    try:
        file = read("\n".join(lines))
    except InvalidDocument:
        return
    theirs = polib.pofile("\n".join(["#", *lines]))
    found = [
        (each.context, each.message, each.plural or "", [form.text for form in each.forms], "fuzzy" in each.flags)
        for each in file.entries
        if each.message
    ]
    assert found == [
        (each.msgctxt, each.msgid, each.msgid_plural, [*each.msgstr_plural.values()] or [each.msgstr], each.fuzzy)
        for each in theirs
        if each.msgid and not each.obsolete
    ]
