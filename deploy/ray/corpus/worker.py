"""The actor: does parts, one after the other and two at a time, with a service of its own."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from polygist_service.errors import PolygistError
from polygist_service.settings import Settings
from polygist_service.wire.failures import CallFailed

from .documents import Document, Fields
from .errors import BulkError
from .local_service import DEADLINE_SECONDS, LocalService, log_warnings_only
from .parts import Part
from .placement import Places
from .results import Result, Tally, work_in_order
from .source import open_corpus
from .state import open_state

# Of each of the parts that an actor is at. Some eight thousand tokens a core: batches are full while the longest
# document of before is still worked on.
CHARACTERS_PER_CORE = 32_000


class Worker:
    """An actor of the job.

    Args:
        places: where the corpus is, and the job's plan and results.
        digest: of the plan.
        cores: how many batches run at the same time.
        home: folder of the installed models; None is the machine's own.
    """

    def __init__(self, places: Places, digest: str, cores: int, home: str | None) -> None:
        log_warnings_only()
        self._most_characters = CHARACTERS_PER_CORE * cores
        # Raised here, it would come as a traceback of the cluster, for each actor.
        self._failure = ""
        try:
            self._state = open_state(places.output, digest)
            task = self._state.plan.task
            self._corpus = open_corpus(places.source, Fields(task.text_field, task.id_field))
            self._service = LocalService(make_settings(cores, home), task)
        except CallFailed as failure:
            self._failure = f"the service refuses what is asked for: {failure.message}"
        except (BulkError, PolygistError, OSError, ValueError) as error:
            self._failure = f"{os.uname().nodename}: {error}"

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Do some parts; returns what was counted of each and the seconds it took, or why nothing can be done.

        Args:
            batch: the numbers of the parts.
        """
        if self._failure:
            return {"tally": [""], "seconds": [0.0], "failure": [self._failure]}
        tallies, seconds = [], []
        for number in batch["part"]:
            began = time.monotonic()
            tallies.append(json.dumps(self._do(self._state.plan.parts[int(number)]).to_json()))
            seconds.append(time.monotonic() - began)
        return {"tally": tallies, "seconds": seconds, "failure": [""] * len(tallies)}

    def _do(self, part: Part) -> Tally:
        """Write the results of a part."""
        tally = Tally()
        self._state.write_part(part, count_each(self._work(part), tally), tally)
        return tally

    def _work(self, part: Part) -> Iterator[tuple[Document, Result]]:
        return work_in_order(self._corpus.read(part), self._service.submit, most_characters=self._most_characters)


def count_each(worked: Iterator[tuple[Document, Result]], tally: Tally) -> Iterator[Result]:
    """Yield results, and count them."""
    for document, result in worked:
        tally.count(document, result)
        yield result


def make_settings(cores: int, home: str | None) -> Settings:
    """Return the settings of the service in an actor: those of the machine's environment, with its share of it."""
    given: dict[str, Any] = {"slots": cores, "limits": {"deadline_seconds": DEADLINE_SECONDS}}
    if home:
        given["home"] = home
    return Settings(**given)
