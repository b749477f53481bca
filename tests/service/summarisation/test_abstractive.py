from dataclasses import replace

import pytest
from polygist_service.engine.api import Decoding, Role
from polygist_service.errors import InferenceFailed
from polygist_service.notices import NoticeKind
from polygist_service.summarisation.abstractive import Abstractive
from polygist_service.summarisation.values import Form, Length, SummaryRequest
from polygist_service.translation.presets import DecodingWish

from tests.service.echo import ENCODER, EchoEngine
from tests.service.tiny import load_tiny_model, write_tiny_model

WRITER = replace(
    ENCODER, name="writer", role=Role.SUMMARISATION, source_languages=("en",), target_languages=("en",),
    max_input_tokens=20, quality_beam_size=4,
)  # fmt: skip
SENTENCES = [f"The council voted to rebuild bridge {at}." for at in range(12)]
LONG = " ".join(SENTENCES)


def first_sentence(text):
    return text.partition(".")[0] + "."


@pytest.fixture
def write(executor):
    async def call(text, *, answer=first_sentence, engine=None, **fields):
        engine = engine or EchoEngine(WRITER, answer=answer)
        call.engine = engine
        request = SummaryRequest(text=text, source="en", **fields)
        return await Abstractive(engine, executor).draft(request, engine.model("writer"), caller="me")

    return call


def texts(draft):
    return [passage.text for passage in draft.passages]


async def test_a_short_article_is_read_whole(write):
    draft = await write(" ".join(SENTENCES[:2]))
    assert texts(draft) == [SENTENCES[0]]
    assert draft.chunk_count == 1
    assert draft.passages[0].rank_score is None
    (citation,) = [each for each in draft.passages[0].citations if each.support == 1]
    assert citation.source_span == (0, len(SENTENCES[0]))


async def test_a_long_article_is_read_part_by_part_and_then_what_that_gave(write):
    draft = await write(LONG)
    # Windows of 20 words hold two sentences each: 6 parts, then 3, then 2, then 1.
    assert draft.chunk_count == 6
    assert texts(draft) == [SENTENCES[0]]
    assert len(write.engine.segments) == 6 + 3 + 2 + 1
    assert [segment for segment in write.engine.segments[:6]] == [
        " ".join(SENTENCES[at : at + 2]) for at in range(0, 12, 2)
    ]
    assert draft.output_token_count == draft.input_token_count > 0


async def test_a_model_that_does_not_shorten_comes_to_an_end(write):
    draft = await write(LONG, answer=lambda text: text, max_sentences=100)
    assert texts(draft) == SENTENCES
    assert len(write.engine.segments) == 6


async def test_a_query_leaves_out_the_parts_that_are_far_from_it(write):
    text = f"{LONG} The ferry will carry people across every hour."
    draft = await write(text, query="When does the ferry go across?")
    assert draft.chunk_count < 6
    assert any("ferry" in segment for segment in write.engine.segments)
    assert texts(await write(LONG, query="penguins")) == [SENTENCES[0]]


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"length": Length.SHORT}, 1),
        ({"length": Length.MEDIUM}, 3),
        ({"form": Form.TLDR, "length": Length.LONG}, 4),
        ({"max_sentences": 2}, 2),
        ({"max_words": 15}, 2),
        ({"form": Form.HEADLINE}, 1),
    ],
)
async def test_as_many_sentences_as_asked_for(write, fields, count):
    answer = " ".join(SENTENCES[:8])
    assert texts(await write("The council voted.", answer=lambda _: answer, **fields)) == SENTENCES[:count]


async def test_invented_sentences_have_no_citation(write):
    draft = await write("The council voted.", answer=lambda _: "Penguins won.")
    assert draft.passages[0].citations == ()


async def test_the_decoding_asked_for_is_done_and_its_limit_is_told(write):
    draft = await write("The council voted to rebuild.", decoding=DecodingWish(beam_size=3, max_output_tokens=4))
    assert write.engine.options == [Decoding(beam_size=3, max_output_tokens=4)]
    assert [notice.kind for notice in draft.notices] == [NoticeKind.OUTPUT_LIMIT_REACHED]


async def test_a_sentence_above_the_window_is_split_and_that_is_told(write):
    text = "word " * 50 + "end."
    draft = await write(text)
    assert {notice.kind for notice in draft.notices} == {NoticeKind.SEGMENT_HARD_SPLIT}
    spans = [notice.span for notice in draft.notices]
    assert " ".join(text[start:end] for start, end in spans) == text


async def test_a_model_that_writes_nothing_has_failed(write):
    with pytest.raises(InferenceFailed, match="writer wrote nothing"):
        await write(LONG, answer=lambda _: "")


async def test_a_real_encoder_decoder_writes(write, tmp_path):
    folder = write_tiny_model(tmp_path / "tiny")
    model = load_tiny_model(folder, max_input_tokens=40, slots=1, compute_type="default")

    class TinyEngine(EchoEngine):
        def _result(self, info, segment, options):
            (result,) = model.run([model.tokenise(segment, options)], options)
            return result

        def counter(self, name):
            return model.count

    engine = TinyEngine(replace(WRITER, max_input_tokens=40))
    text = " ".join(f"the river town opened a new school near every old bridge {word}." for word in "abcdefgh")
    draft = await write(text, engine=engine, decoding=DecodingWish(max_output_tokens=12))
    assert draft.passages
    assert draft.chunk_count > 1
    again = await write(text, engine=engine, decoding=DecodingWish(max_output_tokens=12))
    assert again == draft
