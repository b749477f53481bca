"""The log: lines on standard error, written by a thread of their own; who logs neither waits nor fails."""

import io
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from queue import SimpleQueue
from typing import Any

import structlog

log = structlog.get_logger(__name__)

STANDARD_ERROR = 2
# Lines that come within so many seconds are written together: the thread is woken less often.
GATHER_SECONDS = 0.02
MOST_GATHERED = 256
# At the end: what is queued gets so long to be written.
LAST_SECONDS = 2.0
# Libraries that would log what is in a caller's page or headers, and that these are none, no fault of the server.
QUIET = (
    "trafilatura",
    "justext",
    "htmldate",
    "courlan",
    "python_multipart",
    "opentelemetry.trace",
    "opentelemetry.util.re",
)


class LogWriter:
    """Writes lines to a file descriptor, which need not be read, have room or be open.

    A line that finds the queue full, or that cannot be written, is dropped and counted.

    Args:
        descriptor: where the lines go.
        capacity: how many lines may wait.
    """

    def __init__(self, descriptor: int, *, capacity: int) -> None:
        self._descriptor = descriptor
        self._capacity = capacity
        # Its put may be interrupted by a put of the same thread, when a finaliser logs; so may what the lock guards.
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._lock = threading.RLock()
        self._refused = self._lost = 0
        self._torn = False
        self._thread = threading.Thread(target=self._serve, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue one line, given without its end."""
        if self._queue.qsize() < self._capacity:
            self._queue.put(line)
        else:
            with self._lock:
                self._refused += 1

    debug = info = warning = error = critical = write  # what structlog calls

    def dropped(self) -> Mapping[str, int]:
        """How many lines were dropped, by reason."""
        return {"queue_full": self._refused, "not_written": self._lost}

    def close(self, seconds: float = LAST_SECONDS) -> None:
        """Return once all that is queued is written, within `seconds`."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _serve(self) -> None:
        """Write until closed, and say when lines were dropped and writing goes on again."""
        told = self.dropped()
        while True:
            lines = [self._queue.get()]
            time.sleep(GATHER_SECONDS)
            lines += [self._queue.get() for _ in range(min(self._queue.qsize(), MOST_GATHERED))]
            text = [f"{line}\n".encode(errors="backslashreplace") for line in lines if line is not None]
            is_written = all([self._write(piece) for piece in join_lines(text)])
            if None in lines:
                return
            dropped = self.dropped()
            if is_written and dropped != told:
                log.warning("log_lines_dropped", **dropped)
                told = dropped

    def _write(self, piece: bytes) -> bool:
        """Write whole lines; return whether that was possible."""
        data = memoryview(b"\n" + piece if self._torn else piece)  # so that the rest of a line stands alone
        written = 0
        try:
            while written < len(data):
                try:
                    written += os.write(self._descriptor, data[written:])
                except BlockingIOError:  # whoever shares it has made it so
                    poll = select.poll()
                    poll.register(self._descriptor, select.POLLOUT)
                    poll.poll()
        except OSError:
            self._lost += bytes(data[written:]).count(b"\n")
        if written:
            self._torn = data[written - 1] != ord("\n")
        return written == len(data)


def join_lines(lines: list[bytes]) -> Iterator[bytes]:
    """Yield lines together as far as a pipe takes them in one piece, so that no other process writes in between."""
    piece = b""
    for line in lines:
        if piece and len(piece) + len(line) > select.PIPE_BUF:
            yield piece
            piece = b""
        piece += line
    if piece:
        yield piece


@contextmanager
def logging_to(descriptor: int, *, form: str, level: str, capacity: int) -> Iterator[LogWriter]:
    """Log to a file descriptor while the block runs, whoever has something to say; all is written when it has ended.

    That is structlog and `logging`, warnings, exceptions that nothing catches, and what is printed on `sys.stderr`.

    Args:
        descriptor: where the lines go.
        form: ``json``, one object a line, or ``console``.
        level: least level that is written, as `logging` names it.
        capacity: how many lines may wait to be written.
    """
    writer, handler, root = LogWriter(descriptor, capacity=capacity), StandardHandler(), logging.getLogger()
    before = structlog.get_config()
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook, root.level)
    is_terminal = form == "console" and os.isatty(descriptor)
    configure_structlog(writer, form=form, level=level, colors=is_terminal)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    sys.excepthook = log_uncaught
    threading.excepthook = log_uncaught_in_thread
    sys.unraisablehook = log_unraisable
    try:
        with redirect_stderr(LoggedStream()):
            yield writer
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook, _ = hooks
        logging.captureWarnings(False)
        root.setLevel(hooks[-1])
        root.removeHandler(handler)
        structlog.configure(**before)
        writer.close()


def configure_structlog(writer: LogWriter, *, form: str, level: str, colors: bool) -> None:
    """Have structlog give its lines to `writer`."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=colors)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )


class StandardHandler(logging.Handler):
    """Makes lines of the log of what `logging` is told: by gRPC, asyncio, and of warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        try:
            message = record.getMessage()
        except Exception:  # of a caller whose arguments do not fit
            message = str(record.msg)
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)  # structlog knows no other
        log.log(level, message, logger=record.name, exc_info=record.exc_info)


class LoggedStream(io.TextIOBase):
    """Stands in for `sys.stderr`: what is printed there becomes lines of the log."""

    def __init__(self) -> None:
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Log each line as it ends."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, lines):
            log.warning("printed", line=line)
        return len(text)


def log_uncaught(cls: type[BaseException], error: BaseException, trace: Any) -> None:
    """See `sys.excepthook`."""
    log.critical("uncaught_exception", exc_info=(cls, error, trace))


def log_uncaught_in_thread(uncaught: threading.ExceptHookArgs) -> None:
    """See `threading.excepthook`."""
    if uncaught.exc_type is not SystemExit:
        name = uncaught.thread.name if uncaught.thread else None
        log.error("uncaught_exception", thread=name, exc_info=tuple(uncaught)[:3])


def log_unraisable(unraised: "sys.UnraisableHookArgs") -> None:
    """See `sys.unraisablehook`."""
    message = f"{unraised.err_msg or 'exception ignored in'}: {unraised.object!r}"
    raised = (unraised.exc_type, unraised.exc_value, unraised.exc_traceback)
    log.error("unraisable_exception", message=message, exc_info=raised)
