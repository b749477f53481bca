"""An engine without models: translations are the source between brackets, vectors come from the words."""

import asyncio
import zlib
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
from polygist_service.engine.interface import Decoding, Encoding, Hypothesis, ModelInfo, Result, Role, State
from polygist_service.errors import InferenceFailed, ModelLoading, NotFound

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
)
DIMENSION = 32


class EchoEngine:
    """Answers as `engine.api.Engine` does; tokens are words.

    Args:
        models: what is installed.
        answer: what a segment becomes.
        delay: seconds before each result.

    `options`, `segments` and `ran` (names of models) tell what was submitted, `held` which models are
    held now, `free` that none is any more.
    """

    def __init__(self, *models: ModelInfo, answer: Callable[[str], str] = "[{}]".format, delay: float = 0.0) -> None:
        self._models = {model.name: model for model in models or (EN_PT, ENCODER, PT_EN)}
        self._answer = answer
        self._delay = delay
        self.options: list[Decoding | Encoding] = []
        self.segments: list[str] = []
        self.ran: list[str] = []
        self.held: list[str] = []
        self.free = asyncio.Event()

    async def submit(self, model, segments, *, options, caller, deadline=None):
        info = self.model(model)
        if info.state is not State.READY:
            raise ModelLoading(f"model {model} is loading")
        self.options.append(options)
        self.segments += segments
        self.ran.append(model)
        for index in reversed(range(len(segments))):
            if self._delay:
                await asyncio.sleep(self._delay)
            yield index, self._result(info, segments[index], options)

    def _result(self, info, segment, options):
        count = len(segment.split())
        if count >= info.max_input_tokens:
            raise InferenceFailed("a segment is longer than the window")
        if isinstance(options, Encoding):
            return Result(count, vector=embed(segment))
        note = f"{'s' if options.shortlist else ''}{options.beam_size if options.beam_size > 1 else ''}"
        texts = [f"{self._answer(segment)}{note}{'*' * rank}" for rank in range(options.hypothesis_count)]
        return Result(
            count,
            tuple(
                Hypothesis(
                    text if self._answer(segment) else "",
                    count,
                    -0.5 * (rank + 1) if options.scores else None,
                    limited=0 < options.max_output_tokens <= count,
                )
                for rank, text in enumerate(texts)
            ),
        )

    @asynccontextmanager
    async def hold(self, model, *, deadline=None):
        if self.model(model).state is State.FAILED:
            raise InferenceFailed(f"model {model} does not load")
        self.held.append(model)
        self.free.clear()
        try:
            yield model
        finally:
            self.held.remove(model)
            if not self.held:
                self.free.set()

    async def encode(self, model, sentences, *, caller, deadline=None):
        self.model(model)
        return np.stack([embed(sentence) for sentence in sentences])

    def models(self):
        return tuple(self._models[name] for name in sorted(self._models))

    def model(self, name):
        if name not in self._models:
            raise NotFound(f"models/{name}", f"no model {name!r} here; this server has: {', '.join(self._models)}")
        return self._models[name]

    def counter(self, model):
        self.model(model)
        return lambda text: len(text.split())

    def unknown_spans(self, model, text):
        return [(at, at + 1) for at, character in enumerate(text) if ord(character) > 0xFFFF]


def embed(text: str) -> np.ndarray:
    """A unit vector in which equal words point the same way."""
    vector = np.full(DIMENSION, 1e-3, np.float32)
    for word in text.lower().split():
        vector[zlib.crc32(word.encode()) % DIMENSION] += 1
    return vector / np.linalg.norm(vector)
