import asyncio
import gc
import threading
import tracemalloc
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polygist_service.context import CallContext
from polygist_service.engine.cache import SentenceCache, key_maker, measure
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding, Encoding, Hypothesis, Partial, Result, State
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.models.prompt_format import Prompt
from polygist_service.engine.residency.loader import LoadableModel
from polygist_service.errors import InferenceFailed
from polygist_service.text.alignment import AlignedPair

from tests.service.echo import EN_PT, ENCODER
from tests.service.one_model import ME, OneModel, submit, text_pool
from tests.service.tiny import WORDS, load_tiny_model, write_tiny_model

GREEDY = Decoding()
LARGE = 1 << 20


class Reader:
    """Answers a segment of words with them in capitals; notes what it reads, and fails where it is told to."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def tokenise(self, text, options):
        return Prompt(text.split(), text=text)

    def batch_limits(self, options):
        return BatchLimits(segments=4, tokens=1024, mixed_segments=4)

    def most_output_tokens(self, batch, options):
        return 10

    def run(self, batch, options, listener=None):
        self.gate.wait(10)
        if any("bad" in prompt.tokens for prompt in batch):
            raise RuntimeError("bad")
        self.read += [prompt.text for prompt in batch]
        if listener and listener.is_followed(0):
            listener.tell(0, "THE")
        return [Result(len(each), (Hypothesis(each.text.upper() + "!" * options.beam_size, 1),)) for each in batch]


@asynccontextmanager
async def running(capacity=LARGE, model=None):
    model, cache = model or Reader(), SentenceCache(capacity)
    async with text_pool() as pool:
        engine = BatchingEngine(OneModel(model), slots=2, pool=pool, cache=cache)
        try:
            yield engine, model, cache
        finally:
            await asyncio.to_thread(engine.close)


def make_keys(model, options, *segments):
    return list(map(key_maker(model, options), segments))


def look_up(cache, model, options, segments):
    return cache.look_up(make_keys(model, options, *segments), segments)


async def answers(engine, segments, options=GREEDY):
    found = {}
    async for index, result in submit(engine, "tiny", segments, options=options):
        found[index] = result
    return [found[index] for index in range(len(segments))]


async def test_what_was_read_is_not_read_again():
    async with running() as (engine, model, cache):
        first = await answers(engine, ["the river", "a town"])
        second = await answers(engine, ["a town", "the bridge", "the river"])
    assert sorted(model.read) == ["a town", "the bridge", "the river"]
    assert [second[2], second[0]] == first
    state = cache.state()
    assert (state.hits, state.misses, state.entries) == (2, 3, 3)


async def test_hits_cost_no_tokens_and_are_told():
    context = CallContext("me")
    async with running() as (engine, _, _):
        await answers(engine, ["the river", "a town"])
        async for _ in submit(engine, "tiny", ["a town", "the old bridge"], options=GREEDY, context=context):
            pass
    usage = context.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_segments) == (3, 1, 1)


async def test_hits_need_no_slot():
    async with running() as (engine, model, _):
        await answers(engine, ["the river"])
        model.gate.clear()
        try:
            async with asyncio.timeout(10):
                (again,) = await answers(engine, ["the river"])
        finally:
            model.gate.set()
    assert again.hypotheses[0].text == "THE RIVER!"


async def test_other_options_are_another_answer():
    async with running() as (engine, _, _):
        (greedy,) = await answers(engine, ["the river"])
        (beam,) = await answers(engine, ["the river"], Decoding(beam_size=2))
    assert greedy != beam


async def test_nothing_is_kept_without_a_cache():
    async with running(0) as (engine, model, cache):
        for _ in range(2):
            await answers(engine, ["the river"])
    assert model.read == ["the river"] * 2
    assert cache.state().hits == cache.state().misses == cache.state().entries == 0


async def test_what_failed_is_not_kept():
    async with running() as (engine, _model, cache):
        for _ in range(2):
            with pytest.raises(InferenceFailed):
                await answers(engine, ["bad"])
        assert cache.state().entries == 0


async def test_what_is_left_is_not_kept():
    async with running() as (engine, model, cache):
        model.gate.clear()
        async with engine.hold("tiny", ME) as held:
            results = held.submit(["the river"], options=GREEDY, context=ME)
            waiting = asyncio.create_task(anext(results))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            model.gate.set()
        await answers(engine, ["a town"])
        assert cache.state().entries == 1


async def test_what_is_written_is_whole_the_second_time():
    async with running() as (engine, _, _), engine.hold("tiny", ME) as held:
        told = []
        for _ in range(2):
            async with aclosing(held.write("the river", options=GREEDY, context=ME)) as written:
                told.append([each async for each in written])
    assert told[0] == [Partial("THE"), *told[1]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
    return load_tiny_model(folder, max_input_tokens=60, slots=2, compute_type="float32")


sentences = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=12)
# Greedy: with a beam, random weights answer otherwise where a segment is padded.
presets = st.builds(Decoding, scores=st.booleans(), max_output_tokens=st.sampled_from((0, 3)))


@settings(max_examples=25)
@given(requests=st.lists(st.tuples(sentences, presets), min_size=1, max_size=4))
def test_answers_are_those_of_the_model(tiny, requests):
    async def check():
        async with running(10_000, tiny) as (engine, _model, cache):
            for segments, options in [*requests, *requests]:
                alone = [tiny.run([tiny.tokenise(each, options)], options)[0] for each in segments]
                found = await answers(engine, segments, options)
                assert [[each.text for each in result.hypotheses] for result in found] == [
                    [each.text for each in result.hypotheses] for result in alone
                ]
                assert [result.hypotheses[0].limited for result in found] == [
                    result.hypotheses[0].limited for result in alone
                ]
                assert cache.state().bytes <= 10_000

    asyncio.run(check())


@given(
    texts=st.lists(st.text(max_size=12), max_size=60),
    capacity=st.integers(0, 3000),
)
def test_bytes_are_those_of_what_is_kept_and_the_latest_stay(texts, capacity):
    cache, latest = SentenceCache(capacity), {}
    for text in texts:
        lookup = look_up(cache, EN_PT, GREEDY, [Prompt([text])])
        result = Result(1, (Hypothesis(text * 3, 1),))
        if not lookup.found:
            lookup.keep(0, result)
        if measure(result) <= capacity:
            latest.pop(text, None)
            latest[text] = measure(result)
        while sum(latest.values()) > capacity:
            del latest[next(iter(latest))]
    state = cache.state()
    assert (state.entries, state.bytes) == (len(latest), sum(latest.values()))
    assert all(look_up(cache, EN_PT, GREEDY, [Prompt([text])]).found for text in latest)


def alignment(length):
    return tuple(AlignedPair((300 + at, 301 + at), (400 + at, 401 + at), 0.1 + at) for at in range(length))


@pytest.mark.parametrize(
    "make",
    [
        lambda at: Result(1, (Hypothesis(f"a translation of about forty words, {at} " * 6, 40),)),
        lambda at: Result(1, (Hypothesis(f"uma tradução {at}", 4, -0.1 - at), Hypothesis(f"outra {at}", 4, -0.2 - at))),
        lambda at: Result(1, (Hypothesis(f"{at}", 4, alignment=alignment(10)),)),
        lambda at: Result(1, vector=np.zeros((64, 384), np.float32)[at % 64]),
    ],
    ids=("text", "alternatives", "alignment", "vector"),
)
def test_it_counts_what_memory_it_takes(make):
    cache = SentenceCache(64 << 20)
    options = Encoding() if make(0).vector is not None else GREEDY
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for at in range(500):
            look_up(cache, ENCODER, options, [[at]]).keep(0, make(at))
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.75 * cache.state().bytes < taken <= cache.state().bytes


def test_a_result_larger_than_the_cache_leaves_the_others():
    cache = SentenceCache(1000)
    for text in ("small", "large" * 1000):
        look_up(cache, EN_PT, GREEDY, [Prompt([text])]).keep(0, Result(1, (Hypothesis(text, 1),)))
    assert look_up(cache, EN_PT, GREEDY, [Prompt(["small"])]).found


def test_vectors_cannot_be_changed():
    cache, batch = SentenceCache(LARGE), np.ones((4, 8), np.float32)
    look_up(cache, ENCODER, Encoding(), [[1, 2]]).keep(0, Result(2, vector=batch[1]))
    batch[:] = 0
    ((_, kept),) = look_up(cache, ENCODER, Encoding(), [[1, 2]]).found
    assert kept.vector is not None
    assert kept.vector.tolist() == [1.0] * 8
    with pytest.raises(ValueError, match="read-only"):
        kept.vector[0] = 0


ALIGNED = Decoding(alignment=True)
DIFFERENT = [
    (EN_PT, GREEDY, Prompt(["a", "b"])),
    (replace(EN_PT, revision="another"), GREEDY, Prompt(["a", "b"])),
    (replace(EN_PT, fingerprint="another"), GREEDY, Prompt(["a", "b"])),
    (replace(EN_PT, name="another"), GREEDY, Prompt(["a", "b"])),
    *((EN_PT, replace(GREEDY, **{name: value}), Prompt(["a", "b"])) for name, value in {
        "beam_size": 2, "hypothesis_count": 2, "shortlist": True, "scores": True, "max_output_tokens": 9,
        "source": "en", "target": "pt", "instruction": "translate", "no_repeat_ngram_size": 3, "min_output_tokens": 2,
        "repetition_penalty": 1.5, "alignment": True, "no_parentheses": True,
    }.items()),
    (EN_PT, GREEDY, Prompt(["ab"])),
    (EN_PT, GREEDY, Prompt(["a,b"])),
    (EN_PT, GREEDY, Prompt(["a"], ["b"])),
    (EN_PT, GREEDY, Prompt(["a", "b"], ["c"])),
    (EN_PT, GREEDY, Prompt(["b", "a"])),
    (EN_PT, ALIGNED, Prompt(["a", "b"], text="a  b")),
    (EN_PT, ALIGNED, Prompt(["a", "b"], text="a b")),
    (ENCODER, Encoding(), [1, 2]),
    (ENCODER, Encoding(max_tokens=64), [1, 2]),
    (ENCODER, Encoding(), [12]),
]  # fmt: skip


def test_each_thing_that_an_answer_depends_on_makes_another_key():
    keys = [key for model, options, tokens in DIFFERENT for key in make_keys(model, options, tokens)]
    assert len(set(keys)) == len(keys)
    assert len({type(options).__name__ for _, options, _ in DIFFERENT}) == 2
    told = {name for _, options, _ in DIFFERENT for name in getattr(options, "__slots__", ())}
    assert told == {*Decoding.__slots__, *Encoding.__slots__}


def test_the_text_counts_where_spans_point_into_it_only():
    one, other = Prompt(["a", "b"], text="a b"), Prompt(["a", "b"], text="a  b")
    assert len({*make_keys(EN_PT, GREEDY, one, other)}) == 1


def test_a_model_that_is_described_or_placed_otherwise_has_another_fingerprint(tiny_instruct):
    same = LoadableModel(tiny_instruct, Placement())
    others = [
        LoadableModel(tiny_instruct, Placement(compute_type="float32")),
        LoadableModel(tiny_instruct, Placement(device="cuda")),
        LoadableModel(replace(tiny_instruct, revision="another"), Placement()),
        LoadableModel(
            replace(tiny_instruct, description=replace(tiny_instruct.description, no_repeat_ngram_size=5)), Placement()
        ),
    ]
    prints = {each.describe(State.READY).fingerprint for each in (same, *others)}
    assert len(prints) == 5
    assert same.fingerprint == LoadableModel(tiny_instruct, Placement()).fingerprint


def test_many_threads_may_use_it():
    cache, batch = SentenceCache(20_000), [[at] for at in range(200)]

    def work():
        for _ in range(20):
            lookup = look_up(cache, EN_PT, GREEDY, batch)
            for index, _ in lookup.missing:
                lookup.keep(index, Result(1, (Hypothesis(str(batch[index][0]), 1),)))
            assert all(result.hypotheses[0].text == str(batch[index][0]) for index, result in lookup.found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = cache.state()
    assert state.bytes <= 20_000
    assert state.bytes == sum(size for _, size in cache._entries.values())
