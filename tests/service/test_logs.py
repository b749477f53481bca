"""Who logs neither waits nor fails, whatever becomes of the lines; and all that is said becomes one."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest
import structlog
from polygist_service.app import logs
from polygist_service.app.logs import LogWriter, join_lines, logging_to

LINE = "x" * 100


def wait_for(condition):
    """Wait for what the writer's thread brings about."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def pipe():
    """The two ends of a pipe; an end that is None is closed already."""
    ends = list(os.pipe())
    yield ends
    for end in filter(None, ends):
        os.close(end)


def read_all(descriptor) -> list[str]:
    """The lines of a pipe whose other end is closed."""
    with os.fdopen(descriptor, closefd=False) as stream:
        return stream.read().splitlines()


def test_lines_are_written_in_their_order(pipe):
    writer = LogWriter(pipe[1], capacity=1000)
    for number in range(500):
        writer.write(str(number))
    writer.close()
    os.close(pipe[1])
    pipe[1] = None
    assert read_all(pipe[0]) == [str(number) for number in range(500)]
    assert writer.dropped() == {"queue_full": 0, "not_written": 0}


def test_a_pipe_that_nobody_reads_keeps_nobody(pipe):
    writer = LogWriter(pipe[1], capacity=100)
    for _ in range(5000):
        writer.write(LINE)
    writer.close(0.1)  # comes back, though nothing is read
    dropped = writer.dropped()["queue_full"]
    assert dropped > 0
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(read_all(pipe[0])))
    reader.start()
    writer.close()
    os.close(pipe[1])
    pipe[1] = None
    reader.join(30)
    assert lines == [LINE] * (5000 - dropped)


def test_a_pipe_that_was_made_not_to_block_loses_nothing(pipe):
    os.set_blocking(pipe[1], False)
    writer = LogWriter(pipe[1], capacity=5000)
    for _ in range(2000):
        writer.write(LINE)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(read_all(pipe[0])))
    reader.start()
    writer.close(30)
    os.close(pipe[1])
    pipe[1] = None
    reader.join(30)
    assert lines == [LINE] * 2000


def test_lines_for_a_closed_pipe_are_counted(pipe):
    os.close(pipe[0])
    pipe[0] = None
    writer = LogWriter(pipe[1], capacity=100)
    for _ in range(50):
        writer.write(LINE)
    writer.close()
    assert writer.dropped() == {"queue_full": 0, "not_written": 50}


def test_lines_for_a_full_disk_are_counted():
    with open("/dev/full", "wb", buffering=0) as full:
        writer = LogWriter(full.fileno(), capacity=100)
        for _ in range(50):
            writer.write(LINE)
        writer.close()
    assert writer.dropped() == {"queue_full": 0, "not_written": 50}


def test_a_line_after_half_a_line_stands_alone(pipe, monkeypatch):
    """As on a disk that is full in the midst of a line, and has room again."""
    write, room = os.write, [10]

    def write_as_there_is_room(descriptor, data):
        if not room[0]:
            raise OSError("no space left")
        count = write(descriptor, data[: room[0]])
        room[0] -= count
        return count

    monkeypatch.setattr(os, "write", write_as_there_is_room)
    writer = LogWriter(pipe[1], capacity=100)
    writer.write("a" * 20)
    wait_for(lambda: writer.dropped()["not_written"] == 1)
    room[0] = 1000
    writer.write("b" * 20)
    writer.close()
    os.close(pipe[1])
    pipe[1] = None
    assert read_all(pipe[0]) == ["a" * 10, "b" * 20]


def test_lines_are_joined_as_far_as_a_pipe_takes_them_whole():
    lines = [b"1" * 2000 + b"\n", b"2" * 2000 + b"\n", b"3" * 2000 + b"\n", b"4" * 9000 + b"\n", b"5\n"]
    assert list(join_lines(lines)) == [lines[0] + lines[1], lines[2], lines[3], lines[4]]
    assert list(join_lines([])) == []


def test_a_log_that_is_read_again_tells_what_it_lost(pipe, monkeypatch):
    monkeypatch.setattr(logs, "GATHER_SECONDS", 0)
    with logging_to(pipe[1], form="json", level="info", capacity=20):
        log = structlog.get_logger()
        for number in range(5000):
            log.info("counted", number=number)
        with os.fdopen(pipe[0], closefd=False) as stream:
            told = next(record for line in stream if (record := json.loads(line))["event"] == "log_lines_dropped")
    assert told["queue_full"] > 0
    assert (told["level"], told["not_written"]) == ("warning", 0)


def test_what_was_there_before_is_there_again(pipe):
    before = (structlog.get_config(), sys.stderr, sys.excepthook, threading.excepthook, sys.unraisablehook)
    with logging_to(pipe[1], form="console", level="debug", capacity=10):
        assert sys.stderr is not before[1]
    assert (structlog.get_config(), sys.stderr, sys.excepthook, threading.excepthook, sys.unraisablehook) == before


SAYINGS = """
import asyncio, gc, logging, sys, threading, warnings
from polygist_service.app.logs import logging_to

class Odd:
    def __del__(self):
        raise ValueError("finaliser")

def fail():
    raise ValueError("thread")

async def leave_a_task():
    async def fail():
        raise ValueError("task")
    task = asyncio.ensure_future(fail())
    await asyncio.sleep(0.01)

with logging_to(2, form="json", level="info", capacity=1000):
    logging.getLogger("grpc").error("a %s", "b")
    logging.getLogger("grpc").error("a %s %s", "b")
    logging.getLogger("odd").log(35, "between")
    logging.getLogger("quiet").debug("unheard")
    warnings.warn("old", DeprecationWarning)
    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()
    quiet = threading.Thread(target=sys.exit)
    quiet.start()
    quiet.join()
    Odd()
    asyncio.run(leave_a_task())
    gc.collect()
    print("one", "two", file=sys.stderr)
    print("no end", end="", file=sys.stderr)
print("after", file=sys.stderr)
"""


def test_all_that_is_said_becomes_a_line():
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", SAYINGS], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    *lines, after = done.stderr.splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["event"] for record in records[:3]] == ["a b", "a %s %s", "between"]
    assert [record["logger"] for record in records[:4]] == ["grpc", "grpc", "odd", "py.warnings"]
    assert [record["level"] for record in records[:4]] == ["error", "error", "warning", "warning"]
    assert "DeprecationWarning: old" in records[3]["event"]
    thread, finaliser, task, printed = records[4:]
    assert (thread["event"], thread["thread"]) == ("uncaught_exception", "worker")
    assert "ValueError: thread" in thread["exception"]
    assert finaliser["event"] == "unraisable_exception"
    assert "ValueError: finaliser" in finaliser["exception"]
    assert (task["logger"], task["level"]) == ("asyncio", "error")
    assert "ValueError: task" in task["exception"]
    assert (printed["event"], printed["line"]) == ("printed", "one two")
    assert after == "after"


CRASH = """
import sys
from polygist_service.app import lifecycle

async def serve(settings, writer):
    raise ValueError("nobody expected this")

lifecycle.serve = serve
sys.argv = ["polygist-server", "serve"]
import polygist_service
polygist_service.main()
"""


def test_a_server_that_ends_by_a_mistake_says_so_in_a_line():
    done = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 1
    (record,) = map(json.loads, done.stderr.splitlines())
    assert (record["event"], record["level"]) == ("uncaught_exception", "critical")
    assert "ValueError: nobody expected this" in record["exception"]
