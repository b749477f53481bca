"""Subtitles: nothing but words changes, sentences go on over cues, and what is written can be read."""

import re
import time
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polygist_service.errors import InvalidDocument
from polygist_service.notices import NoticeKind
from polygist_service.text.documents.files import read_file
from polygist_service.text.documents.files.base import ReadOptions, TranslatedText
from polygist_service.text.documents.files.subtitles.cues import is_srt, is_vtt

SRT, VTT = "application/x-subrip", "text/vtt"
OPTIONS = ReadOptions(unpacked_bytes=1, members=1)
WORDS = re.compile(r"<[^>]*>|&\w+;|[^<&]+")
FIRST, SECOND = "1\n00:00:01,000 --> 00:00:02,000\n", "2\n00:00:02,000 --> 00:00:03,000\n"
TIMES = ("00:00:01,000 --> 00:00:03,000", "00:00:03,100 --> 00:00:05,000", "00:00:05,050 --> 00:00:08,000")


def read(text, mime_type=SRT):
    return read_file(text.encode() if isinstance(text, str) else text, mime_type, OPTIONS)


def change(page, how):
    """Return a page with other words, tags and references as they are."""
    return "".join(part if part[0] in "<&" else how(part) for part in WORDS.findall(page))


def write(text, how, language="pt", mime_type=SRT):
    """Return a file with other words, and the notices about it."""
    file = read(text, mime_type)
    written = file.write([TranslatedText(change(each.text, how)) for each in file.texts], language)
    return written.document.decode(), list(written.notices)


def replace_all(text, answers, language="pt", mime_type=SRT):
    """Return a file of which each paragraph became what `answers` has for it."""
    file = read(text, mime_type)
    texts, at = [], 0
    for each in file.texts:
        segments, parts, moved = [], [], 0
        for found in re.finditer(r"<p>(.*)</p>\n", each.text):
            new = answers[at]
            segments.append((found.span(1), (found.start(1) + moved, found.start(1) + moved + len(new))))
            moved += len(new) - len(found[1])
            parts.append(f"<p>{new}</p>\n")
            at += 1
        texts.append(TranslatedText("".join(parts), segments=segments))
    written = file.write(texts, language)
    return written.document.decode(), list(written.notices)


def srt(*texts, times=TIMES):
    return "\n\n".join(f"{at}\n{time}\n{text}" for at, (time, text) in enumerate(zip(times, texts, strict=False), 1))


def paragraphs(text, mime_type=SRT):
    return re.findall("<p>(.*)</p>", "".join(each.text for each in read(text, mime_type).texts))


HARD_SRT = (
    "\ufeff1\r\n00:00:01,000 --> 00:00:03,000  X1:100 X2:200 Y1:10 Y2:20\r\n<i>We thought\r\nit was R&B</i>\r\n\r\n\r\n"
    '00:00:03.100-->00:00:05,5\r\n- Hi.\r\n- JOHN: Hello, <font color="#ff0">you</FONT> two &amp; <3\r\n'
    "3\r\n0:07 --> 0:09\r\n{\\an8}♪ la la ♪\r\n\r\nand more\r\n\r\n4\r\n00:00:09,000 --> 00:00:10,000\r\n\r\n7\r\n"
    "00:00:02,000 --> 00:00:01,000\r\n[door opens] Who is 42?"
)
HARD_VTT = (
    "WEBVTT - title\nKind: captions\nLanguage: en\n\nSTYLE\n::cue(b) { color: red }\n\nREGION\nid:fred\n\n"
    "NOTE a --> b\nof no matter\n\n1 - intro\n00:01.000 --> 00:03.000 position:10%,line-left align:left\n"
    "<v Fred>Hi &amp; <c.yellow.bg_blue>bye</c>\nmy&nbsp;friend</v>\n\n00:00:03.500 --> 00:00:05.000\n"
    "Some <00:00:04.000>words <00:00:04.500><c>sung</c>\n\n00:00:06.000 --> 00:00:07.000\n- <v Mary>No.\n- <v Fred>Yes"
)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("text", "mime_type"), [(HARD_SRT, SRT), (HARD_VTT, VTT)])
def test_all_but_words_stays(text, mime_type, newline):
    text = re.sub("\r?\n", newline, text)
    same, notices = write(text, str, mime_type=mime_type)
    assert (same, notices) == (text, [])
    shouted, _ = write(text, str.upper, mime_type=mime_type)
    assert "42" in shouted or "SUNG" in shouted
    outside = "Language: en" if mime_type == VTT else "X1"
    assert shouted.replace("Language: pt", "Language: en").casefold() == text.casefold(), outside


def test_what_is_read_is_what_is_said():
    assert paragraphs(HARD_SRT) == [
        "We thought it was R&amp;B",
        "Hi.",
        "Hello, <span id=2>you</span> two &amp; &lt;3",
        "la la",
        "and more",
        "door opens",
        "Who is 42?",
    ]
    assert paragraphs(HARD_VTT, VTT) == [
        "Hi &amp; <i id=1>bye</i> my&nbsp;friend",
        "Some <wbr id=4>words <wbr id=5><i id=6>sung</i>",
        "No.",
        "Yes",
    ]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("I know that", "you lied", "to me."), ["I know that<wbr> you lied<wbr> to me."]),
        (("It was...", "...hard to say.", "Mr. X"), ["It was<wbr> hard to say.<wbr> Mr. X"]),
        (("It was...", "Stop!"), ["It was...", "Stop!"]),
        (("Who is", "- Me."), ["Who is", "Me."]),
        (("We live in", "[music]", "peace"), ["We live in", "music", "peace"]),
        (("♪ Love ♪", "♪ me ♪"), ["Love", "me"]),
        (("THE END", "I went home"), ["THE END", "I went home"]),
        (("今日は", "天気がいい。"), ["今日は<wbr>天気がいい。"]),
        (("{\\an8}Sign", "Words"), ["Sign", "Words"]),
        (("{\\an8}Stop.", "words"), ["Stop.", "words"]),
        (("{\\an8}I know that", "the house", "{\\an2}is sold."), ["I know that<wbr> the house<wbr> is sold."]),
    ],
)
def test_a_sentence_goes_on_in_the_next_cue(texts, expected):
    assert paragraphs(srt(*texts)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("by someone\n\n1\n00:01,5-->00:02\nHi\nyou", ["Hi you"]),
        ("1\n0:00:01.5  --> 0:02,25\nHi.\n\nYou.\n\n1:03 -> 1:00:04\n\n9\n0:1,0 --> 0:0,5\nMe", ["Hi.", "You.", "Me"]),
        (FIRST + "In 1994\n1995\n" + SECOND + "<I>x</I >", ["In 1994 1995<wbr> x"]),
        ("\n\n1\n\n00:00:01,000 --> 00:00:02,000\n\nA\n\n2\n\n00:00:09,000 --> 00:00:10,000\n\nB\n\n", ["A", "B"]),
        (FIRST + "\u202bשלום\u202c", ["שלום"]),
        (FIRST + "{\\i1}Hi{\\i0} {\\b1}you{\\b0} all {y:i}", ["Hi<wbr id=1> <wbr id=2>you<wbr id=3> all"]),
        (FIRST + "roll\n\n" + SECOND + "roll\ning", ["roll", "roll", "ing"]),
        ("WEBVTT\n\nSTYLE\n00:01.000 --> 00:02.000\na\n3\n00:02.000 --> 00:03.000\n&lt;b\n\nb <c\n", ["a<wbr> &lt;b"]),
        (FIRST + ">> JOHN: Hi. [a\nb]\n>>> No.", ["Hi.", "a b", "No."]),
        (FIRST + "3 dogs\\Nand\\n2\\hcats in C:\\no", ["3 dogs<br id=0>and<br id=1>2&nbsp;cats in C:\\no"]),
    ],
)  # fmt: skip
def test_files_as_they_are_in_the_wild_are_read(text, expected):
    assert paragraphs(text) == expected
    assert write(text, str)[0] == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# And I love her so #", ["And I love her so"]),
        ("#And I love her\nso much#", ["And I love her so much"]),
        ("<i>#And I do#</i>\n- # So do I\n# and you #", ["And I do", "So do I", "and you"]),
        ("*And I love her so*", ["And I love her so"]),
        ("for ever #", ["for ever"]),
        ("#metoo is number #1\nof all", ["#metoo is number #1 of all"]),
        ("We are #\n1 of all", ["We are # 1 of all"]),
    ],
)
def test_signs_of_a_song_stand_around_it(text, expected):
    film = srt(text, "and the dog is big.")
    assert paragraphs(film)[: len(expected)] == expected or expected[0] in paragraphs(film)[0]
    written, _ = write(film, str.upper)
    assert written == film.replace(text, text.upper().replace("<I>", "<i>").replace("</I>", "</i>")).replace(
        "and the dog is big", "AND THE DOG IS BIG"
    )


def test_no_words_are_a_timing():
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n{} Hi"
    assert replace_all(vtt.format("A &lt; b"), ["00:01 --&gt; 00:02 &amp; &lt;b&gt;"], mime_type=VTT)[0] == vtt.format(
        "00:01 --&gt; 00:02 &amp; &lt;b&gt;"
    ).removesuffix(" Hi")
    assert replace_all(vtt.format("a > b & c"), ["a --> b > c & d"], mime_type=VTT)[0].endswith("\na --&gt; b > c & d")
    written, _ = replace_all(FIRST + "Hi", ["0:01 --> 0:02"])
    assert paragraphs(written) == ["0:01 --\u2060&gt; 0:02"]


def test_a_file_stays_in_its_encoding():
    options = ReadOptions(unpacked_bytes=1, members=1, charset="windows-1252")
    document = srt("Für Käse").encode("cp1252")
    file = read_file(document, SRT, options)
    assert file.write([TranslatedText("<p>Pão ç</p>\n")], "pt").document == srt("Pão ç").encode("cp1252")
    written = file.write([TranslatedText("<p>Сыр</p>\n")], "ru")
    assert written.document == srt("Сыр").encode()
    assert [each.notice.kind for each in written.notices] == [NoticeKind.DOCUMENT_ALTERED]


def test_a_sentence_ends_at_a_pause_and_with_its_speaker():
    times = ("00:00:01,000 --> 00:00:03,000", "00:00:09,000 --> 00:00:10,000")
    assert paragraphs(srt("I know that", "you lied", times=times)) == ["I know that", "you lied"]
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>I know\n\n00:02.000 --> 00:03.000\n<v B>that"
    assert paragraphs(vtt, VTT) == ["I know", "that"]


def test_no_border_parts_what_stays_in_one_piece():
    film = srt("I have read it in", "the New York Times today.")
    answer = "Li isso hoje no New<wbr> York Times, e depois mais."
    for phrase in ("New York Times", "no New York", "York Times, e"):
        options = replace(
            OPTIONS, find_kept=lambda text, own=phrase: [found.span() for found in re.finditer(own, text)]
        )
        file = read_file(film.encode(), SRT, options)
        page = f"<p>{answer}</p>\n"
        segments = [((3, len(file.texts[0].text) - 5), (3, len(page) - 5))]
        written = file.write([TranslatedText(page, segments=segments)], "pt").document.decode()
        cues = [each.split("\n", 2)[2].replace("\n", " ") for each in written.split("\n\n")]
        assert " ".join(cues) == answer.replace("<wbr>", "")
        assert any(phrase in cue for cue in cues), cues


def test_a_sentence_is_put_back_into_its_cues_so_that_they_can_be_read():
    source = srt("He is the man", "who sold the house", "to us.")
    long = "É ele o homem que, se bem me lembro,<wbr> nos vendeu a nossa casa<wbr> no ano passado."
    written, notices = replace_all(source, [long])
    cues = [each.split("\n", 2)[2].replace("\n", " ") for each in written.split("\n\n")]
    assert " ".join(cues) == long.replace("<wbr>", "")
    assert [len(cue) <= 17 * seconds for cue, seconds in zip(cues, (2, 1.9, 2.95), strict=True)] == [True] * 3
    assert not notices
    written, notices = replace_all(srt("Go", "now.", times=TIMES[1:]), [f"{'Vá embora ' * 20}<wbr>agora."])
    assert [each.notice.kind for each in notices] == [NoticeKind.READING_SPEED_EXCEEDED] * 2
    fast = srt("Nobody can read this sentence.", times=["00:00:01,000 --> 00:00:01,300"])
    _, (notice,) = replace_all(fast, ["Ninguém lê isto."])
    assert "has 16 characters for 0.3 s; 17 a second" in notice.notice.message
    assert not replace_all(srt("Nobody can read this sentence so soon."), ["Assim ninguém pode ler isto tão cedo."])[1]
    page = read(srt("Go", "now.", times=TIMES[1:])).texts[0].text
    assert [page[slice(*each.notice.span)] for each in notices] == ["Go", "now."]


def test_no_cue_is_left_empty():
    written, notices = replace_all(srt("I do", "not know", "him."), ["Não<wbr><wbr> conheço."])
    assert [each.split("\n", 2)[2] for each in written.split("\n\n")] == ["Não", "conheço.", "conheço."]
    assert [each.notice.kind for each in notices] == [NoticeKind.MARKUP_DEGRADED]


def test_placeholders_are_never_parted():
    written, _ = replace_all(srt("Press {the big key}", "to go on."), ["Prima {{ the big<wbr> key }} já."])
    assert "{{ the big key }}" in written
    plural = "{n, plural, one {# house} other {# houses}}"
    written, _ = replace_all(
        srt("It is {n} of them", "to us."), [f"São {plural.replace('# house}', '#<wbr> house}')} aqui."]
    )
    assert plural in written
    written, _ = replace_all(srt("It is {my name}", "to us."), ["これは{my<wbr> name}の家です。"], "ja")
    assert "{my name}" in written


def test_lines_are_few_and_balanced():
    cue, _ = replace_all(srt("One short line."), ["Esta é, se bem me lembro, uma linha que não cabe numa só."])
    assert cue.split("\n")[2:] == ["Esta é, se bem me lembro,", "uma linha que não cabe numa só."]
    thai, _ = replace_all(srt("One line."), ["สวัสดีชาวโลกวันนี้อากาศดีมากและเราจะไปเที่ยวทะเลด้วยกันกับเพื่อนของเรา"], "th")
    lines = thai.split("\n")[2:]
    assert len(lines) == 2
    assert max(map(len, lines)) <= 42
    kept, _ = replace_all(srt("PARIS\n1994"), ["PARIS 1994."])
    assert kept.split("\n")[2:] == ["PARIS", "1994."]


def test_lines_and_cues_end_with_words_in_scripts_without_spaces():
    written, _ = replace_all(
        srt("The weather is so good today", "that we will take a walk in the park."),
        ["今日は天気がとてもいいですから、<wbr>私たちは公園を散歩しましょう。"],
        "ja",
    )
    cues = [each.split("\n", 2)[2].split("\n") for each in written.split("\n\n")]
    assert "".join("".join(lines) for lines in cues) == "今日は天気がとてもいいですから、私たちは公園を散歩しましょう。"
    assert not [line for lines in cues for line in lines if line[0] in "、。いょ" or line.endswith("公")]


def test_styles_move_with_words_and_stay_in_their_cue():
    source = srt("<i>She saw <b>the red</b> car</i>", "and left.")
    written, _ = replace_all(source, ["Ela viu o carro <i id=1>vermelho</i><wbr> e saiu."])
    assert "<i>Ela viu o carro <b>vermelho</b></i>" in written
    written, _ = replace_all(source, ["Ela viu<wbr> e saiu do carro <i id=1>vermelho</i>."])
    first, second = written.split("\n\n")
    assert "<b>" in first
    assert "<b>" not in second


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no timing"),
        ("Hello.\nthere", "no timing"),
        ("1\n00:00:01,000 --> \nHello", "line 2: '00:00:01,000 -->'"),
        ("1\n00:00:01,000 --> 00:00:02,000 Hello you", "line 2: 'Hello you'"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n\xff\xfe\xfa", "is no UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused(text, message):
    if not text:
        assert read(text).texts == []
        return
    with pytest.raises(InvalidDocument, match=re.escape(message)):
        read(text)


def test_files_without_words_come_back():
    sprites = "WEBVTT\n\n00:00.000 --> 00:05.000\nsprite.jpg#xywh=0,0,160,90\n"
    data = "WEBVTT\nKind: metadata\n\n00:00.000 --> 00:05.000\nplain data\n"
    objects = 'WEBVTT\n\n00:00.000 --> 00:05.000\n{"name": {"first": "Ann"},\n"last": "Lee"}\n'
    for text in (sprites, data, objects, "WEBVTT", "WEBVTT\n\nNOTE\nnothing"):
        assert write(text, str.upper, mime_type=VTT) == (text, [])


def test_kinds_are_told_by_their_first_lines():
    assert is_vtt(HARD_VTT)
    assert is_vtt("\ufeffWEBVTT\r\n")
    assert not is_vtt("WEBVTTX")
    assert is_srt(HARD_SRT)
    assert is_srt("\n\n00:01 --> 00:02\nx")
    assert not is_srt("Hello\n1\n00:00:01,000 --> 00:00:02,000")


LINES = st.sampled_from(
    [
        "Hello you",
        "- Hi.",
        "<i>so",
        "it is</i>",
        "♪ la ♪",
        "[music]",
        "JOHN: No!",
        "",
        "  ",
        "and {x y}",
        "<b>a</b> b...",
        "42",
        "...then",
        "<v Ann>a",
        "<00:00:01.500>x",
        "{\\an8}up",
        "&amp; <3",
        "A > b",
        "<br>",
        "今日は",
        "<font color=red>",
        "(AH) Oh",
        "# la #",
        "*so it is*",
    ]
)
CUES = st.lists(
    st.tuples(st.sampled_from([*TIMES, "0:1-->0:2", "00:00:09.0  -->  00:00:08.0 line:1"]), st.lists(LINES))
)


@st.composite
def files(draw):
    """A file, its kind among them."""
    newline, is_vtt_file = draw(st.sampled_from(["\n", "\r\n"])), draw(st.booleans())
    blocks = ["WEBVTT\nLanguage: en"] if is_vtt_file else []
    for number, (timing, lines) in enumerate(draw(CUES)):
        head = draw(st.sampled_from([f"{number}\n", "", "\n"] if not is_vtt_file else [f"{number}\n", "", "name\n"]))
        blocks.append("\n".join([f"{head}{timing}", *lines]))
    if not is_vtt_file and len(blocks) == 0:
        blocks = ["1\n00:00:01,000 --> 00:00:03,000\nx"]
    text = draw(st.sampled_from(["\n\n", "\n\n\n", "\n"])).join(blocks) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return text.replace("\n", newline)


def outline(text):
    """Return the lines of a file that are not words, and the marks in it."""
    lines = [line for line in re.split("\r?\n", text) if "-->" in line or line.isdecimal()]
    return lines, sorted(re.findall(r"</?[A-Za-z][^<>\n]*>|<\d\d:[\d:.]+>|\{\\[^}]*\}|[♪#]", text))


@settings(max_examples=60, deadline=None)
@given(
    files(),
    st.sampled_from(
        [
            str.upper,
            lambda words: words + " mais palavras" if words.strip() else words,
            lambda words: words[: len(words) // 2],
        ]
    ),
)
@example(srt("<i>so\n\nit is</i>"), str.upper)
@example(srt("Hello you\nHello you\n&amp; <3\nA > b"), str.upper)
@example(srt("", "Hello you\n<i>so", "<00:00:01.500>x"), lambda words: words[: len(words) // 2])
def test_any_words_leave_all_else(text, how):
    assert write(text, str)[0] == text
    written, _ = write(text, how)
    lines, marks = outline(text)
    new_lines, new_marks = outline(written.replace("Language: pt", "Language: en"))
    assert [line for line in new_lines if "-->" in line] == [line for line in lines if "-->" in line]
    assert new_marks == marks
    read(written)


@st.composite
def translations(draw):
    """A file, and its paragraphs with other words, in which tags stand at other places in the same order."""
    text = draw(files())
    answers = []
    for paragraph in paragraphs(text):
        words = draw(
            st.lists(st.sampled_from(["palavra", "é,", "fim.", "{a b}", "今日は天気", "&amp;", "já"]), min_size=1)
        )
        tags = re.findall("<[^>]*>", paragraph)
        places = sorted(draw(st.lists(st.integers(0, len(words)), min_size=len(tags), max_size=len(tags))))
        parts = [f"{word} " for word in words]
        for place, tag in reversed(list(zip(places, tags, strict=True))):
            parts.insert(place, tag)
        answers.append("".join(parts).rstrip())
    return text, answers


def words_of(found):
    """Return the words of paragraphs, without marks, brackets, and dots by which a sentence goes on."""
    return re.sub(r"\s|<[^>]*>|\.\.\.|[()\[\]]", "", "".join(found))


@settings(max_examples=60, deadline=None)
@given(translations())
def test_words_come_back_in_order_and_no_cue_is_empty(case):
    text, answers = case
    written, notices = replace_all(text, answers)
    assert outline(written.replace("Language: pt", "Language: en"))[1] == outline(text)[1]
    if not any(each.notice.kind in (NoticeKind.MARKUP_DEGRADED, NoticeKind.UNTRANSLATED) for each in notices):
        assert words_of(paragraphs(written)) == words_of(answers)
    for before, after in zip(read(text).cues.cues, read(written).cues.cues, strict=True):
        has_words = [
            any(map(str.isalnum, "".join(file[slice(*line)] for line in cue.lines)))
            for file, cue in ((text, before), (written, after))
        ]
        assert has_words[0] == has_words[1]


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:01,000 --> 00:00:03,000\n" + "<i>a" * 5_000,
        "1\n00:00:01,000 --> 00:00:03,000\n" + "<" * 200_000,
        "1\n00:00:01,000 --> 00:00:03,000\n" + "[a] " * 20_000,
        "1\n00:00:01,000 --> 00:00:03,000\n" + "- a\n" * 4_000,
        "1\n00:00:01,000 --> 00:00:03,000\n" + "\r" * 50_000 + "a",
        "1\n00:00:01,000 --> 00:00:03,000\n" + "{" * 200_000,
        "1\n00:00:01,000 --> 00:00:03,000\n" + "a b" * 30_000,
        "00:00:01,000 --> 00:00:03,000\na\n" * 2_000,
        "WEBVTT\n\n" + "1\n" * 30_000,
    ],
)
def test_hostile_files_take_time_in_proportion(text):
    began = time.process_time()
    write(text, str.upper)
    assert time.process_time() - began < 5
