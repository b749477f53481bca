"""Pages and Markdown in, summaries of their articles out, which cite what was sent."""

import html
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from polygist.v1 import common_pb2, summarisation_service_pb2

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine
from tests.service.harness import failure_of, serving
from tests.service.rpc.test_stream_summarise import WRITER, first_sentence, join, stream

FOLDER = Path(__file__).parents[1] / "pages"
NEWS, BLOG, LOGIN, MANUAL = (
    (FOLDER / name).read_text(encoding="utf-8") for name in ("news.html", "blog.html", "login.html", "manual.md")
)
PAGE, MARKDOWN = "text/html", "text/markdown"
WARNING, EXTRACTIVE = common_pb2.WarningCode, summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE
# What every page has beside its article, shown or not.
NEWS_NOISE = (
    "cookies", "Accept", "Tides", "Ann Lee", "Photograph", "phone of the year", "AI assistants", "bribed",
    "Grand Hotel", "touriste", "Ferry fares", "Lighthouse", "All rights", "fishing nets", "Nobody reads",
)  # fmt: skip
NEWS_SENTENCES = """\
The Harbour Bridge reopened to traffic on Monday, two years after a barge struck its eastern pier and closed it to \
cars, buses and trams.
More than 40,000 people crossed it on foot on Sunday, when the city held a street fair between its towers — and the \
mayor cut a ribbon of blue silk.
Repairs cost 61 million pounds, nearly twice what engineers had expected, as divers found cracks in three more piers.
The eastern pier was rebuilt from the river bed with granite from the old quarry.
All 212 cables were replaced; the oldest was 91 years old.
“It is the best day of my life,” said Clara Moss, the chief engineer, who slept in a hut beside the works for most of \
the winter.
Trams will run again from June, when the new rails have been tested, and ferries will stop at the end of the summer.
""".splitlines()


def make(*contents, mime_type=PAGE, **fields):
    return summarisation_service_pb2.SummariseRequest(contents=contents, mime_type=mime_type, **fields)


def fold(text):
    return re.sub(r"\s+", " ", text).strip()


def read(markup, mime_type=PAGE):
    """What a reader sees of a stretch of a page or of Markdown."""
    if mime_type == PAGE:
        return fold(html.unescape(re.sub(r"<[^>]*>", "", markup)))
    return fold(re.sub(r"[*`]|\]\([^)]*\)|\[", "", markup))


def cite(summary, source, encoding="utf-32-le", width=4):
    """What the first citation of each sentence points at."""
    encoded = source.encode(encoding)
    spans = [sentence.citations[0].source_span for sentence in summary.sentences]
    return [encoded[span.start_offset * width : span.end_offset * width].decode(encoding) for span in spans]


def warnings_of(summary):
    return [WARNING.Name(warning.code).removeprefix("WARNING_CODE_") for warning in summary.warnings]


@pytest.mark.parametrize(
    ("encoding_type", "encoding", "width"),
    [
        ("ENCODING_TYPE_UTF32", "utf-32-le", 4),
        ("ENCODING_TYPE_UTF16", "utf-16-le", 2),
        ("ENCODING_TYPE_UTF8", "utf-8", 1),
    ],
)
async def test_of_a_page_the_article_is_summarised_and_the_page_cited(encoding_type, encoding, width):
    output = {"include_citations": True, "encoding_type": encoding_type}
    request = make(f"\N{GRINNING FACE}{NEWS}", max_sentence_count=100, method=EXTRACTIVE, output_config=output)
    async with serving(EchoEngine()) as service:
        (summary,) = (await service.summarisation.Summarise(request)).summaries
    assert [fold(sentence.text) for sentence in summary.sentences] == NEWS_SENTENCES
    cited = cite(summary, request.contents[0], encoding, width)
    assert [read(markup) for markup in cited] == NEWS_SENTENCES
    assert cited[0].startswith("The <b>Harbour")
    assert (summary.source_language_code, summary.HasField("detection_confidence")) == ("en-GB", False)
    assert warnings_of(summary) == ["MIXED_LANGUAGES"]  # what the tourist said
    for before, after in pairwise(sentence.summary_span for sentence in summary.sentences):
        assert before.end_offset < after.start_offset


async def test_a_model_reads_the_article_with_its_title_and_nothing_that_is_not_seen():
    engine = EchoEngine(ENCODER, replace(WRITER, max_input_tokens=1000), EN_PT, PT_EN, answer=first_sentence)
    async with serving(engine) as service:
        for fields in ({}, {"type": "SUMMARY_TYPE_HEADLINE"}, {"query": "What did the repairs cost?"}):
            (summary,) = (await service.summarisation.Summarise(make(NEWS, **fields))).summaries
            assert summary.method == summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE
    for text in engine.segments:
        assert not [noise for noise in NEWS_NOISE if noise in text]
        assert not re.search(r"[<>]|&\w+;", text)
    assert any("Harbour bridge reopens after" in text and "What the repairs cost" in text for text in engine.segments)


async def test_a_stream_tells_what_a_reply_does_whatever_is_asked_for():
    variants = (
        {"length": "SUMMARY_LENGTH_LONG", "output_config": {"include_citations": True}},
        {"target_language_code": "pt", "output_config": {"include_citations": True}},
        {"type": "SUMMARY_TYPE_KEY_POINTS", "output_mime_type": MARKDOWN},
        {"query": "When will trams run?", "max_sentence_count": 1},
    )
    async with serving(EchoEngine()) as service:
        for fields in variants:
            request = make(NEWS, LOGIN, NEWS, **fields)
            reply = await service.summarisation.Summarise(request)
            assert join(await stream(service, request), 3) == reply
            assert reply.summaries[0] == reply.summaries[2]
            assert not [noise for noise in NEWS_NOISE if noise in reply.summaries[0].text]
        assert reply.summaries[0].text.startswith("Trams will run again")


async def test_what_a_page_says_of_its_language_is_not_believed_where_its_text_says_another():
    request = make(BLOG, length="SUMMARY_LENGTH_LONG", output_config={"include_citations": True})
    async with serving(EchoEngine()) as service:
        (summary,) = (await service.summarisation.Summarise(request)).summaries
        (given,) = (await service.summarisation.Summarise(make(BLOG, source_language_code="pt-PT"))).summaries
    assert (summary.source_language_code, given.source_language_code) == ("pt", "pt-PT")
    assert summary.detection_confidence > 0.9
    assert not summary.warnings
    assert [read(markup) for markup in cite(summary, BLOG)] == [fold(each.text) for each in summary.sentences]
    assert "WordPress" not in summary.text
    assert "…" in read("&hellip;")


async def test_a_page_without_an_article_says_so_and_fails_no_other():
    banner = "<p>We use cookies to give you the best experience. You can change your settings at any time.</p>"
    titled = f"<title>Old bridge to close for two years</title><body><div>{banner}</div>"
    pages = (LOGIN, NEWS, "", " \n", "<div id=app></div><script>run()</script>", "<p>12 34</p>", titled)
    async with serving(EchoEngine()) as service:
        summaries = (await service.summarisation.Summarise(make(*pages))).summaries
        code = "# Code\n\n```\nThis is code, and nothing else is here to be read.\n```\n"
        (none,) = (await service.summarisation.Summarise(make(code, mime_type=MARKDOWN))).summaries
    assert [bool(summary.text) for summary in summaries] == [False, True, *[False] * 5]
    assert [warnings_of(each) for each in (summaries[0], summaries[4], summaries[6], none)] == [["NO_ARTICLE"]] * 4
    assert not any(summary.warnings for summary in summaries[2:4])
    assert (none.text, none.source_language_code) == ("", "und")


async def test_where_nothing_finds_an_article_the_page_says_what_is_about_the_matter():
    sentences = "The ferry is late again today. Fog closed the harbour at dawn, and it opened at noon."
    pages = (
        f"<nav>Home and away and all that.</nav>{'<div>' * 300}<p>{sentences}</p>{'</div>' * 300}",
        f"<p>{sentences}</p><footer>All of this is ours and will be ours for ever.</footer>",
        f"<form><label>Your name and address, please.<input></label><p>{sentences}</p></form>",
        f"<p>Ours is the best of all the newspapers.</p><main><p>{sentences}</p></main>",
        sentences,
    )
    async with serving(EchoEngine()) as service:
        request = make(*pages, max_sentence_count=5, source_language_code="en")
        summaries = (await service.summarisation.Summarise(request)).summaries
    assert [summary.text for summary in summaries] == [sentences] * len(pages)


async def test_of_markdown_the_prose_is_read():
    engine = EchoEngine(ENCODER, replace(WRITER, max_input_tokens=1000), EN_PT, PT_EN, answer=first_sentence)
    async with serving(engine) as service:
        await service.summarisation.Summarise(make(MANUAL, mime_type=MARKDOWN))
        request = make(
            MANUAL, mime_type=MARKDOWN, max_sentence_count=100, method=EXTRACTIVE,
            output_config={"include_citations": True},
        )  # fmt: skip
        (summary,) = (await service.summarisation.Summarise(request)).summaries
    seen = [sentence.text for sentence in summary.sentences]
    assert len(seen) == 5
    assert [read(markup, MARKDOWN) for markup in cite(summary, MANUAL)] == seen
    assert "Run bees --count once a week;" in summary.text
    assert any(
        "Keeping bees on a roof How to begin A hive needs sun in the morning" in text for text in engine.segments
    )
    unread = (
        "hive.png",
        "chimneys",
        "tags",
        "Hive(",
        "ten frames",
        "https:",
        "```",
        "**",
        "honey",
        "lift of the house",
    )
    assert not [noise for noise in unread for text in engine.segments if noise in text]


async def test_a_page_that_is_none_is_named():
    pages = [NEWS, "<div>" * 100_000]
    async with serving(EchoEngine()) as service:
        failure = await failure_of(service.summarisation.Summarise(make(*pages)))
    assert (failure.code, failure.reason, failure.field) == ("INVALID_ARGUMENT", "FIELD_INVALID", "contents[1]")
