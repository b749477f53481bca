import asyncio
import random
import threading
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from polygist_service.context import CallContext
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.interface import Decoding, State
from polygist_service.engine.residency.load_queue import Load
from polygist_service.engine.residency.loaded_model import LoadedModel
from polygist_service.engine.residency.registry import Registry
from polygist_service.errors import InferenceFailed, ModelLoading, NotFound, StoreError, UnsupportedCapability

from tests.service.echo import EN_PT
from tests.service.one_model import ME, submit, text_pool
from tests.service.shelf import Shelf, Shop
from tests.service.tiny import WORDS, load_tiny_model, write_tiny_model

GREEDY = Decoding()


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(shelf, *, open_model=None, **options):
    """A registry on a shelf."""
    registry = Registry(shelf.loader(open_model), **options)
    try:
        yield registry
    finally:
        shelf.gate.set()
        registry.close()


@asynccontextmanager
async def running(shelf, **options):
    """A registry, and the engine on it."""
    async with opened(shelf, **options) as registry, text_pool() as pool:
        engine = BatchingEngine(registry, slots=2, pool=pool)
        try:
            yield engine, registry
        finally:
            await asyncio.to_thread(engine.close)


async def until(condition):
    """Wait for what another task or thread brings about."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


def soon(seconds=0.3):
    """A deadline."""
    return asyncio.get_running_loop().time() + seconds


async def revision_of(registry, name, *, deadline=None):
    """The revision that a hold gives."""
    async with registry.hold(name, CallContext("me", deadline)) as loaded:
        await asyncio.sleep(0)
        return loaded.info.revision


async def answer(engine, name, text="the river"):
    """The best text of one segment."""
    async for _, result in submit(engine, name, [text], options=GREEDY):
        return result.hypotheses[0].text


async def answer_of(held, text="the river"):
    """The best text of one segment, by a model that is held."""
    async for _, result in held.submit([text], options=GREEDY, context=ME):
        return result.hypotheses[0].text


async def test_the_first_use_loads_once_for_all_who_wait():
    shelf = Shelf(a=100)
    async with opened(shelf) as registry:
        assert registry.info("a").state is State.UNLOADED
        shelf.gate.clear()
        waiting = [asyncio.ensure_future(revision_of(registry, "a")) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert registry.info("a").state is State.LOADING
        shelf.gate.set()
        assert await asyncio.gather(*waiting) == ["r1"] * 20
        assert registry.info("a").state is State.READY
    assert shelf.opened == ["a@r1"]


async def test_who_cannot_wait_is_told_when_to_come_back_and_the_load_goes_on():
    shelf = Shelf(a=100)
    async with opened(shelf) as registry:
        shelf.gate.clear()
        with pytest.raises(ModelLoading, match="model a is loading") as caught:
            await revision_of(registry, "a", deadline=soon())
        assert caught.value.retry_after > 0
        shelf.gate.set()
        assert await revision_of(registry, "a") == "r1"
    assert shelf.opened == ["a@r1"]


async def test_who_stops_waiting_leaves_no_use_behind():
    shelf = Shelf(a=100)
    async with opened(shelf) as registry:
        shelf.gate.clear()
        gone, stays = (asyncio.ensure_future(revision_of(registry, "a")) for _ in range(2))
        await asyncio.sleep(0.05)
        gone.cancel()
        shelf.gate.set()
        assert await stays == "r1"
        await registry.unload("a")
        assert shelf.bytes_alive == 0


async def test_who_is_cancelled_as_the_model_comes_leaves_no_use_behind():
    load, loaded = Load(), LoadedModel(None, EN_PT, unused=LoadedModel.drop)
    waiting = asyncio.ensure_future(load.wait())
    await asyncio.sleep(0)
    load.finish(loaded)
    assert loaded.is_held
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not loaded.is_held


async def test_an_unknown_name_is_answered_with_those_there_are():
    async with opened(Shelf(a=1, b=1)) as registry:
        with pytest.raises(NotFound, match="this server has: a, b"):
            await revision_of(registry, "c")


async def test_a_model_that_does_not_load_is_left_alone_for_a_while():
    shelf, clock = Shelf(a=100), Clock()
    shelf.faulty["a"] = "out of luck"
    async with opened(shelf, clock=clock) as registry:
        with pytest.raises(InferenceFailed, match="model a does not load; the server's log has the reason") as first:
            await revision_of(registry, "a")
        assert registry.info("a").state is State.FAILED
        shelf.faulty.clear()
        clock.now += 29
        with pytest.raises(InferenceFailed) as second:
            await revision_of(registry, "a")
        assert str(first.value.__cause__) == str(second.value.__cause__) == "model a does not load: out of luck"
        assert shelf.opened == []
        clock.now += 2
        assert await revision_of(registry, "a") == "r1"


async def test_a_model_that_nobody_asks_for_any_more_is_tried_again_less_and_less_often():
    shelf, clock, told = Shelf(a=100), Clock(), []
    shelf.faulty["a"] = "out of luck"
    async with opened(shelf, clock=clock, changed=lambda: told.append(registry.info("a").state)) as registry:
        with pytest.raises(InferenceFailed):
            await revision_of(registry, "a")
        for pause in (30, 60, 120, 240, 480, 600, 600):
            await until(lambda: len(told) == 2)  # its begin and its end
            told.clear()
            clock.now += pause - 1
            registry.retry_failed()
            assert told == []
            clock.now += 1
            registry.retry_failed()
            assert told == [State.FAILED]  # also while it is tried
        shelf.faulty.clear()
        await until(lambda: len(told) == 2)
        clock.now += 600
        registry.retry_failed()
        await until(lambda: registry.info("a").state is State.READY)
        assert await revision_of(registry, "a") == "r1"


async def test_a_model_is_tried_again_when_the_store_is_looked_at():
    shelf = Shelf(a=100)
    shelf.faulty["a"] = "out of luck"
    async with opened(shelf) as registry:
        with pytest.raises(InferenceFailed):
            await revision_of(registry, "a")
        shelf.faulty.clear()
        assert await registry.rescan() == ()
        await until(lambda: registry.info("a").state is State.READY)


async def test_a_model_that_is_tried_again_takes_no_room_from_one_that_is_used():
    shelf, clock = Shelf(a=100, b=100), Clock()
    shelf.faulty["a"] = "out of luck"
    async with opened(shelf, clock=clock, memory_cap=150) as registry:
        with pytest.raises(InferenceFailed):
            await revision_of(registry, "a")
        await revision_of(registry, "b")
        clock.now += 30
        registry.retry_failed()
        assert (registry.info("a").state, registry.info("b").state) == (State.UNLOADED, State.READY)


async def test_an_administrator_is_told_the_reason_and_may_try_at_once():
    shelf = Shelf(a=100)
    shelf.faulty["a"] = "out of luck"
    async with opened(shelf) as registry:
        for _ in range(2):
            with pytest.raises(StoreError, match="model a does not load: out of luck"):
                await registry.load("a")
        shelf.faulty.clear()
        assert (await registry.load("a")).state is State.READY


async def test_a_replaced_model_takes_over_at_once_and_who_holds_the_old_keeps_it():
    shelf = Shelf(a=100)
    async with running(shelf) as (engine, registry), engine.hold("a", ME) as old:
        assert await answer_of(old) == "a@r1 the river"
        shelf.put("a", revision="r2", window=3)
        await registry.load("a")
        assert engine.model("a").max_input_tokens == 3
        async with engine.hold("a", ME) as new:
            answers = [await answer(engine, "a"), await answer_of(new), await answer_of(old)]
            assert answers == ["a@r2 the river", "a@r2 the river", "a@r1 the river"]
            with pytest.raises(InferenceFailed, match="window"):
                await answer_of(new, "the old river town")
        assert await answer_of(old, "the old river town") == "a@r1 the old river town"
        assert (old.info.revision, old.count("the river")) == ("r1", 2)
        assert registry.resident_bytes() == {"a": 200}
    assert shelf.most_bytes == 200


async def test_the_old_model_goes_with_its_last_user():
    shelf = Shelf(a=100)
    async with running(shelf) as (engine, registry):
        async with engine.hold("a", ME):
            await registry.load("a")
            assert shelf.bytes_alive == 200
        await until(lambda: registry.resident_bytes() == {"a": 100})
        assert shelf.bytes_alive == 100


async def test_a_replacement_that_does_not_load_leaves_the_old_in_place():
    shelf = Shelf(a=100)
    async with running(shelf) as (engine, registry):
        await registry.load("a")
        shelf.put("a", revision="r2")
        shelf.faulty["a"] = "out of luck"
        with pytest.raises(StoreError, match="out of luck"):
            await registry.load("a")
        shelf.damaged.add("a")
        with pytest.raises(StoreError, match="damaged"):
            await registry.load("a")
        assert await answer(engine, "a") == "a@r1 the river"
        assert (engine.model("a").revision, engine.model("a").state) == ("r1", State.READY)


async def test_a_model_that_fills_the_memory_is_replaced_without_a_failed_call():
    shelf = Shelf(a=100)
    async with running(shelf, memory_cap=150) as (engine, registry):
        await registry.load("a")
        shelf.put("a", revision="r2")
        async with engine.hold("a", ME) as old:
            replacing = asyncio.ensure_future(registry.load("a"))
            calls = [asyncio.ensure_future(answer(engine, "a")) for _ in range(10)]
            await asyncio.sleep(0.1)
            assert not replacing.done()  # the old one is still held
            assert await answer_of(old) == "a@r1 the river"
        await replacing
        assert {(await call).split()[0] for call in calls} <= {"a@r1", "a@r2"}
        assert await answer(engine, "a") == "a@r2 the river"
    assert shelf.most_bytes == 100


async def test_unloading_waits_for_those_who_hold_it_and_the_next_use_loads_it_again():
    shelf = Shelf(a=100)
    async with running(shelf) as (engine, registry):
        async with engine.hold("a", ME) as held:
            unloading = asyncio.ensure_future(registry.unload("a"))
            await asyncio.sleep(0.05)
            assert not unloading.done()
            assert engine.model("a").state is State.UNLOADED
            assert await answer_of(held) == "a@r1 the river"
        assert (await unloading).state is State.UNLOADED
        assert shelf.bytes_alive == 0
        assert await answer(engine, "a") == "a@r1 the river"
    assert shelf.opened == ["a@r1", "a@r1"]


async def test_what_nobody_holds_is_unloaded_after_the_idle_time():
    shelf, clock = Shelf(a=100, b=100), Clock()
    async with opened(shelf, clock=clock, idle_unload=60) as registry:
        for name in ("a", "b"):
            await revision_of(registry, name)
        async with registry.hold("b", ME):
            clock.now += 60
            registry.unload_idle()
            assert [registry.info(name).state for name in ("a", "b")] == [State.UNLOADED, State.READY]
        clock.now += 59
        registry.unload_idle()
        assert registry.info("b").state is State.READY
        clock.now += 1
        registry.unload_idle()
        assert registry.info("b").state is State.UNLOADED
        await until(lambda: not shelf.bytes_alive)


async def test_idle_models_are_looked_for():
    shelf = Shelf(a=100)
    async with opened(shelf, idle_unload=0.02) as registry:
        watching = asyncio.ensure_future(registry.watch())
        await revision_of(registry, "a")
        await until(lambda: registry.info("a").state is State.UNLOADED)
        watching.cancel()
        await until(lambda: not shelf.bytes_alive)


async def test_the_least_recently_used_makes_room():
    shelf, clock = Shelf(a=100, b=100, c=100), Clock()
    async with opened(shelf, clock=clock, memory_cap=250) as registry:
        for name in ("a", "b", "a", "c"):
            clock.now += 1
            await revision_of(registry, name)
        assert [name for name in "abc" if registry.info(name).state is State.READY] == ["a", "c"]
    assert shelf.most_bytes <= 250


async def test_one_that_is_held_stays_though_another_was_used_later():
    shelf, clock = Shelf(a=100, b=100, c=100), Clock()
    async with opened(shelf, clock=clock, memory_cap=250) as registry, registry.hold("a", ME):
        clock.now += 1
        await revision_of(registry, "b")
        assert await revision_of(registry, "c") == "r1"
        assert registry.info("a").state is State.READY
    assert shelf.most_bytes <= 250


async def test_where_all_are_held_room_comes_with_the_first_release():
    shelf = Shelf(a=100, b=100)
    async with opened(shelf, memory_cap=150) as registry:
        async with registry.hold("a", ME):
            waiting = asyncio.ensure_future(revision_of(registry, "b"))
            await asyncio.sleep(0.05)
            with pytest.raises(ModelLoading):
                await revision_of(registry, "b", deadline=soon())
            assert not waiting.done()
        assert await waiting == "r1"
    assert shelf.most_bytes == 100


async def test_a_model_in_constant_use_gives_way_to_one_that_waits():
    """As one hold of `a` ends the next has begun: without a turn for `b`, there would never be room for it."""
    shelf = Shelf(a=100, b=100)
    async with opened(shelf, memory_cap=150) as registry:

        async def use_constantly():
            while True:
                async with registry.hold("a", ME):
                    await asyncio.sleep(0.02)

        users = [asyncio.ensure_future(use_constantly()) for _ in range(3)]
        await until(lambda: registry.info("a").state is State.READY)
        async with asyncio.timeout(10):
            assert await revision_of(registry, "b") == "r1"
        for user in users:
            user.cancel()
        await asyncio.gather(*users, return_exceptions=True)
    assert shelf.most_bytes == 100


async def test_a_model_larger_than_the_memory_is_refused_in_numbers():
    shelf = Shelf(a=3_000_000_000, b=100)
    async with opened(shelf, memory_cap=2_000_000_000) as registry:
        with pytest.raises(UnsupportedCapability, match=r"model a takes about 3.00 GB, this server may use 2.00 GB"):
            await revision_of(registry, "a")
        with pytest.raises(UnsupportedCapability):
            await registry.load("a")
        await registry.preload(["a", "b"])
        assert registry.info("b").state is State.READY
    assert shelf.opened == ["b@r1"]


async def test_preloading_stops_at_the_memory_cap_and_at_damage():
    shelf = Shelf(a=100, b=100, c=50)
    async with opened(shelf, memory_cap=150) as registry:
        await registry.preload(registry.names())
    assert shelf.opened == ["a@r1", "c@r1"]
    shelf.damaged.add("b")
    async with opened(shelf) as registry:
        with pytest.raises(StoreError, match="b is damaged"):
            await registry.preload(["b"])


async def test_another_look_at_the_store_finds_what_changed():
    shelf = Shelf(gone=1, kept=1, loaded=1, unloaded=1)
    async with running(shelf) as (engine, registry):
        await registry.preload(["gone", "kept", "loaded"])
        shelf.take("gone")
        shelf.put("new")
        for name in ("loaded", "unloaded"):
            shelf.put(name, size=1, revision="r2")
        assert await registry.rescan() == ("gone", "loaded", "new", "unloaded")
        assert await registry.rescan() == ()
        assert [model.name for model in engine.models()] == ["kept", "loaded", "new", "unloaded"]
        assert [engine.model(name).state.value for name in ("loaded", "new")] == ["ready", "unloaded"]
        assert await answer(engine, "loaded") == "loaded@r2 the river"
        assert await answer(engine, "new") == "new@r1 the river"
        with pytest.raises(NotFound):
            await answer(engine, "gone")
    assert shelf.opened[:4] == ["gone@r1", "kept@r1", "loaded@r1", "loaded@r2"]


async def test_a_look_that_fails_changes_nothing_and_is_taken_again():
    shelf = Shelf(a=1)
    async with running(shelf) as (engine, registry):
        await registry.load("a")
        shelf.malformed = "catalogue: no good"
        with pytest.raises(StoreError, match="no good"):
            await registry.rescan()
        shelf.malformed = ""
        shelf.put("a", size=1, revision="r2")
        shelf.faulty["a"] = "out of luck"
        with pytest.raises(InferenceFailed, match="out of luck"):
            await registry.rescan()
        assert await answer(engine, "a") == "a@r1 the river"
        shelf.faulty.clear()
        assert await registry.rescan() == ("a",)
        assert await answer(engine, "a") == "a@r2 the river"


async def test_a_model_that_was_just_installed_is_loaded_by_name():
    shelf = Shelf(a=1)
    async with opened(shelf) as registry:
        with pytest.raises(NotFound):
            await registry.load("b")
        shelf.put("b")
        assert (await registry.load("b")).state is State.READY


async def test_every_change_of_a_state_is_told():
    shelf, seen = Shelf(a=1), []
    async with opened(shelf, changed=lambda: seen.append(registry.info("a").state)) as registry:
        await registry.load("a")
        await registry.unload("a")
        shelf.faulty["a"] = "out of luck"
        with pytest.raises(StoreError):
            await registry.load("a")
    assert list(dict.fromkeys(seen)) == [State.LOADING, State.READY, State.UNLOADED, State.FAILED]


async def test_segments_of_all_languages_share_a_batch():
    """How many a batch may have is learnt from what batches took, so only that they are mixed is asserted."""
    shelf, batches, gate = Shelf(a=1), [], threading.Event()
    languages = ["pt", "fr", "de", "es"]
    gate.set()

    def open_model(installed, *, slots, placement):
        model = shelf.open_model(installed, slots=slots, placement=placement)
        run = model.run

        def run_noted(batch, options, listener=None):
            assert gate.wait(10)
            batches.append((options, Counter(words[-1] for words in batch)))
            return run(batch, options)

        model.run = run_noted
        return model

    async with running(shelf, open_model=open_model) as (engine, _):
        for _ in range(20):
            await answer(engine, "a")
        batches.clear()
        gate.clear()

        async def call(target):
            options = Decoding(source="en", target=target)
            return [index async for index, _ in submit(engine, "a", [f"{n} {target}" for n in "abc"], options=options)]

        calls = [asyncio.create_task(call(target)) for target in languages * 4]
        await until(lambda: engine.queued_requests() >= len(calls) - 6)  # two batches of 8 have begun
        gate.set()
        assert [sorted(indexes) for indexes in await asyncio.gather(*calls)] == [[0, 1, 2]] * len(calls)
    assert {options for options, _ in batches} == {GREEDY}
    assert sum((counts for _, counts in batches), Counter()) == dict.fromkeys(languages, 12)
    assert max(len(counts) for _, counts in batches) > 1


async def test_three_models_with_room_for_two_answer_everyone_and_never_exceed_the_memory(tmp_path):
    """Real models, 24 callers who take any of the three as they like."""
    shelf, seen = Shelf(), []
    for seed, name in enumerate("abc"):
        shelf.put(name, size=100, folder=write_tiny_model(tmp_path / name, seed=seed))

    def open_model(installed, *, slots, placement):
        loaded = load_tiny_model(installed.folder, max_input_tokens=60, slots=2, compute_type="float32")
        return shelf.count(loaded, installed.size_bytes)

    def note():
        seen.append((sum(registry.resident_bytes().values()), shelf.bytes_alive))

    choice = random.Random(5)
    async with running(shelf, open_model=open_model, memory_cap=250, changed=note) as (engine, registry):

        async def call(number):
            turns = [choice.choice("abc") for _ in range(12)]
            return [await answer(engine, name, f"the {WORDS[number % len(WORDS)]} river") for name in turns]

        answers = await asyncio.gather(*map(call, range(24)))
    assert all(text is not None for texts in answers for text in texts)
    assert len(answers) == 24
    assert all(told <= 250 and real <= 250 for told, real in seen)
    assert shelf.most_bytes == 200
    assert len(seen) > 12  # they did take turns


async def test_a_model_that_can_never_be_held_has_failed_from_the_start():
    async with opened(Shelf(small=100, large=2_000_000_000), memory_cap=30_000_000) as registry:
        await registry.preload(registry.names())
        assert (registry.info("small").state, registry.info("large").state) == (State.READY, State.FAILED)
        with pytest.raises(UnsupportedCapability, match=r"large takes about 2\.00 GB, this server may use 30 MB"):
            await revision_of(registry, "large")


async def test_the_last_use_of_a_model_is_told_even_when_it_is_unloaded():
    moments = iter([100.0, 160.0])
    async with opened(Shelf(a=1, b=1), now=lambda: next(moments)) as registry:
        await registry.preload(["a"])
        assert registry.info("a").last_used is None  # loading it is no use of it
        async with registry.hold("a", ME):
            assert registry.info("a").last_used == 100
        assert registry.info("a").last_used == 160
        await registry.unload("a")
        assert (registry.info("a").last_used, registry.info("b").last_used) == (160, None)


async def test_a_model_that_cannot_be_read_is_left_out():
    shelf = Shelf(a=1, b=1)
    shelf.unreadable["b"] = "b has no readable manifest; run: this"
    async with opened(shelf) as registry:
        assert (registry.names(), registry.damaged) == (["a"], {"b": "b has no readable manifest; run: this"})
        shelf.unreadable.clear()
        assert await registry.rescan() == ("b",)
        assert registry.names() == ["a", "b"]


async def test_a_look_keeps_what_is_served_and_cannot_be_read_any_more():
    shelf = Shelf(a=1, b=1)
    async with opened(shelf) as registry:
        shelf.put("c")
        shelf.unreadable["b"] = "b has no readable manifest; run: this"
        with pytest.raises(StoreError, match="b has no readable manifest; run: this"):
            await registry.rescan()
        assert registry.names() == ["a", "b"]


async def test_a_model_that_could_be_installed_is_named_with_how():
    shelf = Shelf(a=1)
    shelf.catalogue = Shop(names=("opus-mt-en-fr",))
    async with opened(shelf) as registry:
        with pytest.raises(NotFound, match=r"has: a; install it: polygist-server models pull opus-mt-en-fr$") as caught:
            registry.info("opus-mt-en-fr")
        assert caught.value.metadata == {"resource": "models/opus-mt-en-fr", "pull": "opus-mt-en-fr"}
        with pytest.raises(NotFound, match=r"has: a$") as caught:
            registry.info("nothing")
        assert "pull" not in caught.value.metadata
