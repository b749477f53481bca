"""An engine without models: translations are the source between brackets, vectors come from the words."""

import asyncio
import re
import zlib
from collections.abc import Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np
from polygist_service.context import CallContext
from polygist_service.engine.interface import (
    Decoding,
    Encoding,
    Hypothesis,
    ModelInfo,
    Offers,
    Partial,
    Result,
    Role,
    State,
)
from polygist_service.errors import InferenceFailed, ModelLoading, NotFound
from polygist_service.text.alignment import AlignedPair

from tests.service.shelf import Shop

EN_PT = ModelInfo(
    name="en-pt",
    display_name="English to Portuguese",
    role=Role.TRANSLATION,
    source_languages=("en",),
    target_languages=("pt",),
    max_input_tokens=64,
    has_shortlist=True,
    quality_beam_size=2,
    compute_type="int8",
    device="cpu",
    revision="r1",
    license="MPL-2.0",
    size_bytes=1000,
    state=State.READY,
    aligns=True,
)


def pair(source, target, **fields):
    """A model of one pair, named after it."""
    fields = {"name": f"{source}-{target}", **fields}
    return replace(EN_PT, source_languages=(source,), target_languages=(target,), **fields)


def multilingual(*languages, **fields):
    """A model that translates each of `languages` to each other."""
    fields = {"name": "many", **fields}
    return replace(EN_PT, source_languages=languages, target_languages=languages, **fields)


PT_EN = pair("pt", "en")
ENCODER = replace(
    EN_PT,
    name="minilm",
    role=Role.ENCODER,
    source_languages=("en", "pt"),
    target_languages=("en", "pt"),
    has_shortlist=False,
    license="Apache-2.0",
    aligns=False,
)
DIMENSION = 32


class EchoEngine:
    """Answers as `engine.interface.Engine` does; tokens are words.

    Args:
        models: what is installed.
        answer: what a segment becomes.
        delay: seconds before each result, which are those that it costs.
        reverses: whether the last segment is the first to finish.
        offers: what could be installed.

    `options`, `segments`, `contexts` and `ran` (names of models) tell what was submitted, `held` which models are held
    now, `free` that none is any more.
    """

    def __init__(
        self,
        *models: ModelInfo,
        answer: Callable[[str], str] = "[{}]".format,
        delay: float = 0.0,
        reverses: bool = True,
        offers: Offers | None = None,
    ) -> None:
        self.offers = offers or Shop()
        self._models = {model.name: model for model in models or (EN_PT, ENCODER, PT_EN)}
        self.answer = answer
        self.delay = delay
        self.reverses = reverses
        self.options: list[Decoding | Encoding] = []
        self.segments: list[str] = []
        self.contexts: list[CallContext] = []
        self.ran: list[str] = []
        self.held: list[str] = []
        self.free = asyncio.Event()

    @asynccontextmanager
    async def hold(self, model, context):
        if self.model(model).state is State.FAILED:
            raise InferenceFailed(f"model {model} does not load")
        self.held.append(model)
        self.free.clear()
        try:
            yield EchoModel(self, self.model(model))
        finally:
            self.held.remove(model)
            if not self.held:
                self.free.set()

    def models(self):
        return tuple(self._models[name] for name in sorted(self._models))

    def model(self, name):
        if name not in self._models:
            raise NotFound(f"models/{name}", f"no model {name!r} here; this server has: {', '.join(self._models)}")
        return self._models[name]


@dataclass(frozen=True)
class Words:
    """The tokens of a text."""

    text: str

    def __len__(self) -> int:
        return len(self.text.split())


class EchoModel:
    """Answers as `engine.interface.HeldModel` does."""

    def __init__(self, engine: EchoEngine, info: ModelInfo) -> None:
        self._engine = engine
        self.info = info

    def count(self, text):
        return len(text.split())

    def tokenise(self, text, options):
        return Words(text) if self.count(text) < self.info.max_input_tokens else None

    def unknown_spans(self, text):
        return [(at, at + 1) for at, character in enumerate(text) if ord(character) > 0xFFFF]

    def likelihood(self, text):
        return -10.0 * self.count(text)

    async def submit(self, segments, *, options, context):
        engine, texts = self._engine, [each.text if isinstance(each, Words) else each for each in segments]
        if self.info.state is not State.READY:
            raise ModelLoading(f"model {self.info.name} is loading")
        engine.options.append(options)
        engine.contexts.append(context)
        engine.segments += texts
        engine.ran.append(self.info.name)
        indices = range(len(texts))
        for index in reversed(indices) if engine.reverses else indices:
            if engine.delay:
                await asyncio.sleep(engine.delay)
            context.usage.engine_seconds += engine.delay
            result = self._result(texts[index], options)
            context.usage.count_tokens(result.input_token_count, result.output_token_count)
            yield index, result

    async def write(self, segment, *, options, context):
        async with aclosing(self.submit([segment], options=options, context=context)) as results:
            async for _, result in results:
                words = re.findall(r"\s*\S+", result.hypotheses[0].text) if options.beam_size == 1 else []
                for count in range(1, len(words) + 1):
                    await asyncio.sleep(self._engine.delay)
                    yield Partial("".join(words[:count]).strip())
                yield result

    def _result(self, segment, options):
        count = self.count(segment)
        if isinstance(options, Encoding):
            return Result(count, vector=embed(segment))
        if count >= self.info.max_input_tokens:
            raise InferenceFailed("a segment is longer than the window")
        note = f"{'s' if options.shortlist else ''}{'b' * (options.beam_size - 1)}"
        answer = self._engine.answer(segment)
        texts = [f"{answer}{note}{'*' * rank}" for rank in range(options.hypothesis_count)]
        return Result(
            count,
            tuple(
                Hypothesis(
                    text if answer else "",
                    count,
                    -0.5 * (rank + 1) if options.scores else None,
                    limited=0 < options.max_output_tokens <= count,
                    alignment=tuple(align(segment, text)) if options.alignment and self.info.aligns else (),
                )
                for rank, text in enumerate(texts)
            ),
        )


def align(source: str, text: str):
    """Each word of an answer with the word of the source that stands as far from the start."""
    words = [found.span() for found in re.finditer(r"\w+", source)]
    written = [found.span() for found in re.finditer(r"\w+", text)]
    return map(AlignedPair, words, written)


def embed(text: str) -> np.ndarray:
    """A unit vector in which equal words point the same way."""
    vector = np.full(DIMENSION, 1e-3, np.float32)
    for word in text.lower().split():
        vector[zlib.crc32(word.encode()) % DIMENSION] += 1
    return vector / np.linalg.norm(vector)
