"""The `Translator`: texts in, translations out, nothing cut or lost on the way."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass

from polygist_service.engine.api import Decoding, Engine, Result
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.document import PlainDocument, Splitting
from polygist_service.together import run_together
from polygist_service.translation.assembly import assemble
from polygist_service.translation.routes import Route, Routes
from polygist_service.translation.sources import Source, SourceFinder
from polygist_service.translation.values import Translation, TranslationRequest


@dataclass(frozen=True, slots=True)
class Task:
    """One content on its way through a model."""

    text: str
    source: Source
    route: Route
    decoding: Decoding


class Translator:
    """Translates texts with the models of an engine.

    Args:
        engine: runs the models.
        routes: which model serves which pair.
        sources: finds the language of texts.
        executor: where splitting and joining happen.
        noticed: is told of each notice about a translation, on the executor's threads.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        routes: Routes,
        sources: SourceFinder,
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
            NotFound, UnsupportedLanguagePair, UndeterminedLanguage: see `Routes.find` and `SourceFinder.find`.
            InferenceFailed: the model failed on a segment.
        """
        sources = await self._sources.find(
            request.contents,
            given=request.source,
            readable=self._routes.readable(),
            candidates=request.candidates,
        )
        done: dict[int, Translation] = {}
        tasks: dict[int, Task] = {}
        for at, (text, source) in enumerate(zip(request.contents, sources, strict=True)):
            if source.language == "und":
                done[at] = Translation(text, request.source or "und", request.target)
            elif self._routes.same_language(source.language, request.target):
                done[at] = _echo(text, source, request.target)
            else:
                route = self._routes.find(source.language, request.target, model=request.model)
                tasks[at] = Task(text, source, route, request.decoding.for_model(route.model))
        done |= await self._run(tasks, request.splitting, caller=caller, deadline=deadline)
        return [done[at] for at in range(len(request.contents))]

    async def _run(
        self, tasks: dict[int, Task], splitting: Splitting, *, caller: str, deadline: float | None
    ) -> dict[int, Translation]:
        """Split all tasks, run their segments together model by model, and join them again."""
        loop = asyncio.get_running_loop()
        documents: dict[int, PlainDocument] = {}
        groups: dict[tuple[str, Decoding], list[int]] = defaultdict(list)
        for at, task in tasks.items():
            documents[at] = await loop.run_in_executor(self._executor, self._split, task, splitting)
            groups[task.route.model.name, task.decoding].append(at)
        outcomes = await run_together(
            self._decode(model, options, [documents[at] for at in members], caller=caller, deadline=deadline)
            for (model, options), members in groups.items()
        )
        results = {
            at: result
            for members, group in zip(groups.values(), outcomes, strict=True)
            for at, result in zip(members, group, strict=True)
        }
        return {
            at: await loop.run_in_executor(self._executor, self._join, task, documents[at], results[at])
            for at, task in tasks.items()
        }

    def _split(self, task: Task, splitting: Splitting) -> PlainDocument:
        count = self._engine.counter(task.route.model.name)
        window = task.route.model.max_input_tokens
        return PlainDocument.parse(
            task.text, language=task.route.source, splitting=splitting, fits=lambda text: count(text) < window
        )

    async def _decode(
        self,
        model: str,
        options: Decoding,
        documents: Sequence[PlainDocument],
        *,
        caller: str,
        deadline: float | None,
    ) -> list[list[Result]]:
        """The results of every segment of every document, in order."""
        segments = [segment.text for document in documents for segment in document.segments]
        results: dict[int, Result] = {}
        stream = self._engine.submit(model, segments, options=options, caller=caller, deadline=deadline)
        async with aclosing(stream):
            async for index, result in stream:
                results[index] = result
        indices = iter(range(len(segments)))
        return [[results[next(indices)] for _ in document.segments] for document in documents]

    def _join(self, task: Task, document: PlainDocument, results: Sequence[Result]) -> Translation:
        unknown = [
            (segment.start + start, segment.start + end)
            for segment in document.segments
            for start, end in self._engine.unknown_spans(task.route.model.name, task.text[segment.start : segment.end])
        ]
        translation = assemble(task.route, task.source, document, results, unknown)
        for notice in translation.notices:
            self._noticed(notice.kind)
        return translation


def _echo(text: str, source: Source, target: str) -> Translation:
    notice = Notice(NoticeKind.SAME_LANGUAGE, f"the text is in {source.language} already, it comes back as it is")
    return Translation(text, source.language, target, confidence=source.confidence, notices=(notice, *source.notices()))
