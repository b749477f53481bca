"""Summaries that real models of every family write, over gRPC; what they write has no meaning."""

import resource
from contextlib import aclosing
from itertools import product

import pytest
from polygist_client import (
    AsyncClient,
    CapabilityUnsupported,
    Delta,
    Finished,
    ModelNotFound,
    Progress,
)

from tests.service.summarisation.writers import WRITERS, install_writers, serving_home

FORMS, LENGTHS = ("paragraph", "tldr", "key-points", "headline"), ("short", "medium", "long")
MOST_GROWTH = 256 << 20


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    install_writers(home, tmp_path_factory.mktemp("copies"))
    return home


@pytest.fixture
async def client(home):
    async with serving_home(home) as server, AsyncClient(server.address) as client:
        yield client


def check(summary, form, length):
    """What holds of any summary of a form and length."""
    lines = summary.text.split("\n")
    sentences = [sentence.text for sentence in summary.sentences]
    assert sentences
    assert summary.method == "abstractive"
    most = {"paragraph": (1, 3, 6), "tldr": (1, 2, 4), "key-points": (3, 5, 7), "headline": (1, 1, 1)}
    assert len(sentences) <= most[form][LENGTHS.index(length)]
    assert len(set(sentences)) == len(sentences)
    if form == "key-points":
        assert lines == sentences
    else:
        assert summary.text == " ".join(sentences)
    if form == "headline":
        assert len(lines) == 1
        assert not summary.text.endswith(".")


@pytest.mark.parametrize("name", WRITERS)
async def test_every_form_and_length_streams_as_it_is_answered(client, article, name):
    for form, length in product(FORMS, LENGTHS):
        wanted = {"source": "en", "model": name, "type": form, "length": length, "sentences": True}
        summary = await client.summarise(article, **wanted)
        check(summary, form, length)
        assert summary.chunk_count > 10
        events = [event async for event in client.stream_summarise(article, **wanted)]
        assert events[-1] == Finished(0, summary)
        assert "".join(event.text for event in events if isinstance(event, Delta)) == summary.text
        progress = [event for event in events if isinstance(event, Progress)]
        assert [event.completed for event in progress] == list(range(1, len(progress) + 1))
        assert progress[-1].total == len(progress) >= summary.chunk_count


@pytest.mark.parametrize("name", WRITERS)
async def test_figures_and_queries(client, article, name):
    wanted = {"source": "en", "model": name, "sentences": True}
    assert len((await client.summarise(article, max_sentences=2, **wanted)).sentences) <= 2
    short = await client.summarise(article, max_words=12, **wanted)
    assert len(short.text.split()) <= 12 or "length-target-missed" in [notice.code for notice in short.warnings]
    focused = await client.summarise(article, query="ferry", **wanted)
    assert focused.chunk_count >= 1


async def test_what_goes_wrong_is_told(client, article):
    with pytest.raises(CapabilityUnsupported):
        await client.summarise(article, source="en", model="bart", method="extractive")
    with pytest.raises(CapabilityUnsupported):
        await client.summarise(article, source="de", model="bart")
    with pytest.raises(ModelNotFound):
        await client.summarise(article, source="en", model="none")


async def test_fifty_thousand_words_end_in_bounded_memory_with_progress(client, article):
    words = article.split()
    text = "\n\n".join(article.replace("the", f"the {at}") for at in range(50_000 // len(words) + 1))
    assert len(text.split()) >= 50_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    last = Progress(0, 0, 0)
    async with aclosing(client.stream_summarise(text, source="en", model="bart", sentences=True)) as events:
        async for event in events:
            if isinstance(event, Progress):
                assert last.completed < event.completed <= event.total
                last = event
    assert isinstance(event, Finished)
    assert 0 < len(event.result.sentences) <= 3
    assert event.result.chunk_count > 2000
    assert last.completed == last.total >= event.result.chunk_count
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before < MOST_GROWTH
