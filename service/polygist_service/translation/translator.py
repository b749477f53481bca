"""The `Translator`: texts in, translations out, nothing cut or lost on the way."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from polygist_service.concurrency import gather_all
from polygist_service.engine.interface import Engine
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.languages import is_same_language
from polygist_service.translation.detection import DetectedLanguage, LanguageResolver
from polygist_service.translation.pipeline import Journeys, Leg, assemble
from polygist_service.translation.routing import Route, Routes
from polygist_service.translation.types import Translation, TranslationRequest


@dataclass(frozen=True, slots=True)
class Task:
    """One content that needs a model, and the way that it takes."""

    text: str
    source: DetectedLanguage
    route: Route


class Translator:
    """Translates texts with the models of an engine.

    Args:
        engine: runs the models.
        routes: which models serve which pair.
        sources: finds the language of texts.
        executor: where splitting and joining happen.
        noticed: is told of each notice about a translation, on the executor's threads.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        routes: Routes,
        sources: LanguageResolver,
        executor: Executor,
        noticed: Callable[[NoticeKind], None] = lambda kind: None,
    ) -> None:
        self._engine = engine
        self._routes = routes
        self._sources = sources
        self._executor = executor
        self._noticed = noticed

    async def translate(
        self, request: TranslationRequest, *, caller: str, deadline: float | None = None
    ) -> list[Translation]:
        """Translate each content of `request`; the answers have its order and length.

        Texts without letters, and texts that are in the target language already, come back as they are.

        Raises:
            NotFound, UnsupportedLanguagePair, UndeterminedLanguage: see `Routes.find` and `LanguageResolver.find`.
            ModelLoading: a model is not ready before the deadline.
            InferenceFailed: a model failed on a segment.
        """
        sources = await self._sources.find(
            request.contents,
            given=request.source,
            readable=self._routes.readable(),
            candidates=request.candidates,
        )
        done: dict[int, Translation] = {}
        tasks: dict[int, Task] = {}
        routes: dict[str, Route] = {}
        for at, (text, source) in enumerate(zip(request.contents, sources, strict=True)):
            language = source.language
            if language == "und":
                done[at] = Translation(text, request.source or "und", request.target)
            elif is_same_language(language, request.target):
                done[at] = _echo(text, source, request.target)
            else:
                routes[language] = routes.get(language) or self._route(language, request)
                tasks[at] = Task(text, source, routes[language])
        journeys = Journeys(
            self._engine,
            self._executor,
            splitting=request.splitting,
            wish=request.decoding,
            caller=caller,
            deadline=deadline,
        )
        done |= await self._run(tasks, journeys)
        return [done[at] for at in range(len(request.contents))]

    def check_route(self, request: TranslationRequest) -> None:
        """Raise what `translate` would for want of a model, before there is anything to translate.

        `request` names its source language, and may have no contents yet.
        """
        assert request.source is not None
        if not is_same_language(request.source, request.target):
            self._route(request.source, request)

    def _route(self, language: str, request: TranslationRequest) -> Route:
        return self._routes.find(
            language,
            request.target,
            model=request.model,
            preference=request.decoding.preference,
            pivot_policy=request.pivot_policy,
        )

    async def _run(self, tasks: dict[int, Task], journeys: Journeys) -> dict[int, Translation]:
        """Send the texts of each route on their way together, and join what comes back."""
        groups: dict[Route, list[int]] = defaultdict(list)
        for at, task in tasks.items():
            groups[task.route].append(at)
        arrivals = await gather_all(
            journeys.make(route, [tasks[at].text for at in members]) for route, members in groups.items()
        )
        legs = {
            at: leg
            for members, group in zip(groups.values(), arrivals, strict=True)
            for at, leg in zip(members, group, strict=True)
        }
        loop = asyncio.get_running_loop()
        return {
            at: await loop.run_in_executor(self._executor, self._join, task, legs[at]) for at, task in tasks.items()
        }

    def _join(self, task: Task, leg: Leg) -> Translation:
        translation = assemble(task.route, task.source, leg)
        for notice in translation.notices:
            self._noticed(notice.kind)
        return translation


def _echo(text: str, source: DetectedLanguage, target: str) -> Translation:
    notice = Notice(NoticeKind.SAME_LANGUAGE, f"the text is in {source.language} already, it comes back as it is")
    return Translation(text, source.language, target, confidence=source.confidence, notices=(notice, *source.notices()))
