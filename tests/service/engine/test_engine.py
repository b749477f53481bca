import asyncio
import statistics
import threading
import time
from contextlib import asynccontextmanager

import pytest
from polygist_service.context import CallContext
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.seq2seq import SequenceToSequence
from polygist_service.errors import InferenceFailed

from tests.service.one_model import OneModel, submit, text_pool
from tests.service.tiny import WORDS, load_tiny_model, write_tiny_model

GREEDY = Decoding()


class Recorded:
    """A loaded model that notes the sizes of its batches, and can be held back."""

    def __init__(self, model: SequenceToSequence) -> None:
        self._model = model
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.stopped_early: list[bool] = []

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, batch, options, listener=None):
        self.gate.wait(10)
        self.sizes.append(len(batch))
        self.stopped_early.append(listener.stops_early)
        return self._model.run(batch, options, listener)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
    return load_tiny_model(folder, max_input_tokens=60, slots=2, compute_type="float32")


@asynccontextmanager
async def running(loaded):
    model = Recorded(loaded)
    async with text_pool() as pool:
        engine = BatchingEngine(OneModel(model), slots=2, pool=pool)
        try:
            yield engine, model
        finally:
            model.gate.set()
            await asyncio.to_thread(engine.close)


def wait_until(condition):
    """Wait for a condition that another thread brings about."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


async def decode(engine, *segments, options=GREEDY, caller="me"):
    """The best text of each segment, in order."""
    texts = {}
    async for index, result in submit(engine, "tiny", segments, options=options, context=CallContext(caller)):
        texts[index] = result.hypotheses[0].text
    return [texts[index] for index in range(len(segments))]


def sentence(number: int) -> str:
    """One of many different short sentences."""
    return " ".join(WORDS[(number * step) % len(WORDS)] for step in (1, 3, 5, 7)[: 1 + number % 4])


async def test_callers_share_batches_and_each_gets_its_own_answer(loaded):
    numbers = [number for number in range(400) for _ in range(5)]
    alone = {
        number: loaded.run([loaded.tokenise(sentence(number), GREEDY)], GREEDY)[0].hypotheses[0].text
        for number in set(numbers)
    }
    async with running(loaded) as (engine, model):
        turn = asyncio.Semaphore(100)

        async def call(number):
            async with turn:
                return await decode(engine, sentence(number), caller=str(number))

        answers = await asyncio.gather(*map(call, numbers))
    assert answers == [[alone[number]] for number in numbers]
    assert sum(model.sizes) == len(numbers)
    assert statistics.median(model.sizes) >= 8


async def test_64_concurrent_sentences_fill_batches(loaded):
    async with running(loaded) as (engine, model):
        for _ in range(4):
            await asyncio.gather(*(decode(engine, sentence(number)) for number in range(64)))
    assert statistics.median(model.sizes) >= 8


async def test_aligned_and_other_segments_share_batches_and_only_who_asked_is_told(loaded):
    segments, aligned = [sentence(number) for number in range(40)], Decoding(alignment=True)

    async def hypotheses(engine, options):
        results = {index: each async for index, each in submit(engine, "tiny", segments, options=options)}
        return [results[index].hypotheses[0] for index in range(len(segments))]

    async with running(loaded) as (engine, model):
        alone = await hypotheses(engine, aligned)
        model.gate.clear()
        held = [asyncio.create_task(decode(engine, sentence(99))) for _ in range(2)]  # one for each slot
        await asyncio.to_thread(wait_until, lambda: not engine.queued_requests())
        calls = [asyncio.create_task(hypotheses(engine, options)) for options in (GREEDY, aligned)]
        await asyncio.to_thread(wait_until, lambda: engine.queued_requests() == 2)
        model.sizes.clear()
        model.gate.set()
        plain, told = await asyncio.gather(*calls)
        await asyncio.gather(*held)
    assert [each.text for each in plain] == [each.text for each in told] == [each.text for each in alone]
    for each, own in zip(told, alone, strict=True):
        assert [pair[:2] for pair in each.alignment] == [pair[:2] for pair in own.alignment]
        assert [pair[2] for pair in each.alignment] == pytest.approx([pair[2] for pair in own.alignment], abs=1e-4)
    assert any(each.alignment for each in told)
    assert not any(each.alignment for each in plain)
    assert max(model.sizes) > 16  # of one of the calls alone no batch has more


async def test_results_come_as_batches_finish_and_are_all_there(loaded):
    segments = [sentence(number) for number in range(300)]
    async with running(loaded) as (engine, _):
        seen = [index async for index, _ in submit(engine, "tiny", segments, options=GREEDY)]
    assert sorted(seen) == list(range(300))


async def test_closing_cancels_what_is_queued(loaded):
    async with running(loaded) as (engine, model):
        model.gate.clear()
        stream = submit(engine, "tiny", [sentence(number) for number in range(200)], options=GREEDY)
        first = asyncio.ensure_future(anext(stream))
        await asyncio.to_thread(wait_until, engine.queued_requests)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await stream.aclose()
        model.gate.set()
        assert await decode(engine, sentence(1)) == await decode(engine, sentence(1))
    assert sum(model.sizes) < 100  # two batches were running already, the rest never ran


async def test_a_segment_above_the_window_fails_loudly(loaded):
    async with running(loaded) as (engine, _):
        with pytest.raises(InferenceFailed, match="window"):
            await decode(engine, "river " * 100)
        assert await decode(engine, "the river")


async def test_a_segments_answer_is_the_same_beside_longer_ones(loaded):
    """The batch shares the largest output limit; each segment is held to its own."""
    short, long = "the river", "the old town school bridge near the market " * 4
    async with running(loaded) as (engine, _):
        (alone,) = await decode(engine, short)
        assert (await decode(engine, short, long))[0] == alone


async def test_hypotheses_scores_and_limits(loaded):
    options = Decoding(beam_size=3, hypothesis_count=3, scores=True, max_output_tokens=5)
    async with running(loaded) as (engine, _):
        async for _, result in submit(engine, "tiny", ["the river"], options=options):
            scores = [hypothesis.score for hypothesis in result.hypotheses]
            assert scores == sorted(scores, reverse=True)
            assert all(score <= 0 for score in scores)
            assert all(hypothesis.token_count <= 5 for hypothesis in result.hypotheses)
            assert all(hypothesis.limited == (hypothesis.token_count == 5) for hypothesis in result.hypotheses)


async def test_segments_that_are_the_same_are_decoded_once(loaded):
    segments = [sentence(number % 10) for number in range(200)]
    async with running(loaded) as (engine, model):
        answers = await decode(engine, *segments)
        assert answers == [(await decode(engine, segment))[0] for segment in segments[:10]] * 20
    assert sum(model.sizes) == 10 + 10  # ten at once, and then each alone


async def test_only_what_models_have_read_and_written_counts_and_the_rest_is_told(loaded):
    segments, once, often = [sentence(number) for number in range(10)], CallContext("me"), CallContext("me")
    async with running(loaded) as (engine, _):
        for texts, context in ((segments, once), (segments * 20, often)):
            async for _ in submit(engine, "tiny", texts, options=GREEDY, context=context):
                pass
    read, written = once.usage.input_tokens, once.usage.output_tokens
    assert min(read, written) > 10
    assert once.usage.cached_segments == 0
    assert (often.usage.input_tokens, often.usage.output_tokens) == (read, written)
    assert often.usage.cached_segments == 190


async def test_a_call_knows_what_it_has_taken_of_the_slots(loaded):
    contexts = [CallContext("me"), CallContext("me")]
    async with running(loaded) as (engine, _):
        for count, context in zip((1, 100), contexts, strict=True):
            segments = [f"{sentence(number)} {sentence(number // 4)}" for number in range(count)]
            async for _ in submit(engine, "tiny", segments, options=GREEDY, context=context):
                pass
    assert 0 < contexts[0].usage.engine_seconds < contexts[1].usage.engine_seconds


async def test_only_a_batch_that_takes_long_is_asked_after_each_token_who_wants_it(loaded):
    model = Recorded(loaded)
    registry = OneModel(model)
    async with text_pool() as pool:
        engine = BatchingEngine(registry, slots=1, pool=pool)
        try:
            await decode(engine, "the river")
            for _ in range(200):  # as if the model were a large one
                registry.loaded.cost.add(1.0, padded=4, steps=4, segments=1)
            await decode(engine, "the river")
        finally:
            await asyncio.to_thread(engine.close)
    assert model.stopped_early == [False, True]
