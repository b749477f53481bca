"""The whole service within a process: its models, its scheduler and its servicers, without a port."""

import asyncio
import logging
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import structlog
from polygist_service.app.logs import QUIET
from polygist_service.app.servicers import add_services, make_interceptor
from polygist_service.app.services import Runtime
from polygist_service.context import IncomingCall
from polygist_service.rpc.dispatch import Dispatcher, HandlerTable
from polygist_service.settings import Settings
from polygist_service.text.languages import BadTag, parse_tag
from polygist_service.translation.types import PivotPolicy
from polygist_service.wire.failures import CallFailed

from .documents import Document
from .requests import Step, add_answer, add_failure, begin_result, make_steps
from .results import Result
from .task import Task

ResultT = TypeVar("ResultT")

# Nobody waits for the answers, but a call that never ended would hold its part for ever.
DEADLINE_SECONDS = 3600
BUSY = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
# So long a document is sent again while the service is busy.
PATIENCE_SECONDS = 600.0
USUAL_DELAY = 1.0
TRIAL = "One. Two."


class LocalService:
    """The service of this process; its own thread has the event loop that it lives on.

    Args:
        settings: the knobs of the server.
        task: what is done with every document.

    Raises:
        CallFailed: the service refuses what the task asks for, whatever the document.
        StoreError, UnsupportedCapability: see `Runtime`.
    """

    def __init__(self, settings: Settings, task: Task) -> None:
        self._task = task
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="service", daemon=True)
        self._thread.start()
        self._runtime: Runtime | None = None
        try:
            self._run(self._open(settings)).result()
        except BaseException:
            self.close()
            raise

    def submit(self, document: Document) -> "Future[Result]":
        """Begin with a document; the result has what failed in it."""
        return self._run(self._work(document))

    def close(self) -> None:
        """End the threads of the models, and the event loop."""
        if self._runtime:
            self._run(self._runtime.close()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, ResultT]) -> "Future[ResultT]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _open(self, settings: Settings) -> None:
        self._runtime = runtime = Runtime(settings)
        await runtime.preload()
        services, table = runtime.services, HandlerTable()
        add_services(table, services, services.in_flight)
        interceptor = make_interceptor(services.in_flight, services, services.metrics, transport="local")
        self._dispatcher = Dispatcher(interceptor, table)
        for step in make_steps(self._task, TRIAL):
            # In a language that can be worked on: whether the documents are in one is a matter of each.
            step.request.source_language_code = self._task.source_language or find_source(runtime, self._task)
            await self._call(step)

    async def _work(self, document: Document) -> Result:
        """Take all steps with a document, at the same time."""
        steps = list(make_steps(self._task, document.text))
        answers = await asyncio.gather(*map(self._call, steps), return_exceptions=True)
        result = begin_result(document)
        for step, answer in zip(steps, answers, strict=True):
            if isinstance(answer, CallFailed):
                result = add_failure(result, step, answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                result = add_answer(result, step, answer)
        return result

    async def _call(self, step: Step) -> Any:
        """Return the answer to a step; raises CallFailed."""

        async def read() -> Any:
            return step.request

        give_up = self._loop.time() + PATIENCE_SECONDS
        while True:
            try:
                incoming = IncomingCall(peer="unix:", seconds=DEADLINE_SECONDS, has_come=lambda: True)
                return await self._dispatcher.call(step.method, read, incoming)
            except CallFailed as failure:
                if failure.code not in BUSY or self._loop.time() > give_up:
                    raise
                await asyncio.sleep(failure.retry_after or USUAL_DELAY)


def find_source(runtime: Runtime, task: Task) -> str:
    """Return a language that can be translated to the one that is asked for; English where there is none."""
    wanted = task.translate_to or task.summary_language
    try:
        target = parse_tag(wanted)
    except BadTag:  # which the service itself tells best
        return "en"
    sources = runtime.services.routes.sources(target, model=None, pivot_policy=PivotPolicy.ALLOWED)
    return next(iter(sources), "en")


def log_warnings_only() -> None:
    """Have this process say what is wrong, and not each call: a job has millions."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
