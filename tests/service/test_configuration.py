"""What is read again while a server runs: a part that hangs hinders no other, and none twice at a time."""

import asyncio

from polygist_service.app.configuration import Configuration, Part
from polygist_service.app.lifecycle import LateEnd, Threads, reload_on
from structlog.testing import capture_logs


async def test_a_part_that_hangs_hinders_no_other():
    answer = asyncio.Event()
    begun = 0

    async def hang() -> bool:
        nonlocal begun
        begun += 1
        await answer.wait()
        return True

    async def read() -> bool:
        return True

    configuration = Configuration([Part("keys", hang, 0.01), Part("models", read)])
    with capture_logs() as lines:
        for _ in range(3):
            changed, (late,) = await configuration.reload()
            assert changed == {"models": True}
            assert str(late) == "keys: not read after 0.01 s; see whether the disk they are on answers"
        assert begun == 1  # a thread that hangs is one, however often it is asked for
        answer.set()
        await asyncio.sleep(0)
        assert await configuration.reload() == ({"keys": True, "models": True}, [])
    told = [(line["event"], line["what"]) for line in lines]
    assert told.count(("not_reloaded", "keys")) == 3
    assert told.count(("reloaded", "keys")) == 2  # what came late counts, and what is newer is read after it
    assert begun == 2


async def test_a_signal_is_heeded_while_a_part_hangs():
    hangup, read, never = asyncio.Event(), asyncio.Queue(), asyncio.Event()

    async def note() -> bool:
        read.put_nowait(None)
        return False

    async def hang() -> bool:
        return await never.wait()

    configuration = Configuration([Part("keys", note), Part("models", hang)])
    task = asyncio.create_task(reload_on(hangup, configuration))
    for _ in range(2):
        hangup.set()
        await read.get()
    task.cancel()


async def test_the_end_waits_for_no_thread():
    loop, begun, end = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def hang() -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(end.wait(), loop).result()

    threads = Threads()
    hanging = loop.run_in_executor(threads, hang)
    await begun.wait()
    threads.shutdown(wait=True)
    assert not hanging.done()
    end.set()
    await hanging


async def test_a_process_that_does_not_end_is_ended_unless_it_does():
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    late = LateEnd(lambda: loop.call_soon_threadsafe(ended.set))
    with capture_logs() as lines:
        late.within(3600)
        late.within(0)
        await ended.wait()
    late.cancel()
    assert [line["event"] for line in lines] == ["cut_off"]
