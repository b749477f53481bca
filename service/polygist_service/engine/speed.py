"""How fast a loaded model is: the same kind of work again and again, for so many seconds."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import cycle, islice, zip_longest
from random import Random

from polygist_service.engine.interface import Decoding, Encoding, Options, Role, Tokens
from polygist_service.engine.models.base import Model
from polygist_service.engine.word_alignment import SOURCES, read_examples
from polygist_service.store.description import Description
from polygist_service.text.words import count_words

# So many sentences are joined to one in turn: about 18 words on average, as in news.
JOINED = (1, 3, 2, 4)
TEXTS = 256
# What a model that follows instructions reads and writes.
PROMPT_SENTENCES, WRITTEN_TOKENS = 24, 16


@dataclass(frozen=True, slots=True)
class Text:
    """A text, as a model reads it, and its words."""

    text: str
    tokens: Tokens
    words: int


@dataclass(frozen=True, slots=True)
class Work:
    """Texts that a model is measured with.

    Attributes:
        language: that they are in.
        texts: the shortest first.
        options: how they are decoded or encoded.
        is_own: whether there are sentences in that language, else all are made of the model's golden text.
    """

    language: str
    texts: Sequence[Text]
    options: Options
    is_own: bool

    @property
    def mean_words(self) -> float:
        """Words of one text."""
        return sum(text.words for text in self.texts) / len(self.texts)

    def batches(self, size: int) -> Iterator[Sequence[Text]]:
        """Yield batches for ever, each of texts that are about as long, in an order that is always the same."""
        batches = [self.texts[at : at + size] for at in range(0, len(self.texts) - size + 1, size)] or [self.texts]
        Random(size).shuffle(batches)
        return cycle(batches)


@dataclass(frozen=True, slots=True)
class Window:
    """What was done in a stretch of time; of several slots, together.

    Attributes:
        texts, words, written: for each second; `written` are tokens.
    """

    texts: float = 0.0
    words: float = 0.0
    written: float = 0.0

    def __add__(self, other: "Window") -> "Window":
        return Window(self.texts + other.texts, self.words + other.words, self.written + other.written)


def make_work(model: Model, description: Description) -> Work:
    """Make what a model is measured with; texts that do not fit its window are left out."""
    language = next((each for each in SOURCES if each in description.source_languages), "")
    own = [part for part in zip_longest(*read_examples(language))] if language else []
    sentences = [example.text for part in own for example in part if example] or [description.golden_text]
    source = language or next(iter(description.source_languages), "")
    target = next((each for each in description.target_languages if each != source), source)
    options: Options = Encoding() if description.role == Role.ENCODER.value else Decoding(source=source, target=target)
    lengths: Sequence[int] = JOINED
    count = TEXTS
    if description.role == Role.SUMMARISATION.value:
        lengths, count = (PROMPT_SENTENCES,), 16
    if description.tokenizer == "chat":
        options = Decoding(max_output_tokens=WRITTEN_TOKENS, min_output_tokens=WRITTEN_TOKENS)
    source_texts, lengths_in_turn = cycle(sentences), islice(cycle(lengths), count)
    joined = [join_sentences(list(islice(source_texts, length))) for length in lengths_in_turn]
    read = [(text, model.tokenise(text, options)) for text in joined]
    texts = [Text(text, tokens, count_words(text)) for text, tokens in read if tokens is not None]
    return Work(source, sorted(texts, key=lambda text: len(text.tokens)), options, bool(language))


def join_sentences(sentences: Sequence[str]) -> str:
    """Make one sentence of several."""
    *before, last = sentences
    return "".join(f"{each.rstrip('.!?')}; " for each in before) + last


def measure_rate(model: Model, work: Work, *, size: int, slots: int, seconds: float) -> Window:
    """Run batches of `size` texts in so many slots for about `seconds`: each slot ends its batch, at least one.

    What a slot has done is taken by its own time. Texts are counted by the words that were read, so that it does not
    matter whether long or short ones came up.
    """
    batches, lock = work.batches(size), threading.Lock()

    def serve() -> Window:
        began, words, written = time.monotonic(), 0, 0
        while (passed := time.monotonic() - began) < seconds or not words:
            with lock:
                batch = next(batches)
            results = model.run([text.tokens for text in batch], work.options)
            words += sum(text.words for text in batch)
            written += sum(result.output_token_count for result in results)
        return Window(words / work.mean_words / passed, words / passed, written / passed)

    with ThreadPoolExecutor(slots) as pool:
        done = [pool.submit(serve) for _ in range(slots)]
        return sum((each.result() for each in done), Window())


def measure_latency(model: Model, work: Work, *, seconds: float, least: int = 3) -> list[float]:
    """Return how long a text takes that comes alone, in seconds, text by text."""
    taken, began, texts = list[float](), time.monotonic(), work.batches(1)
    while time.monotonic() < began + seconds or len(taken) < least:
        (text,) = next(texts)
        start = time.monotonic()
        model.run([text.tokens], work.options)
        taken.append(time.monotonic() - start)
    return taken


def with_one_token(work: Work) -> Work:
    """Return work of which hardly anything is written: what is left is the time of reading."""
    assert isinstance(work.options, Decoding)
    return replace(work, options=replace(work.options, max_output_tokens=1, min_output_tokens=1))


def answer_alone(model: Model, work: Work, *, seconds: float, least: int = 2) -> list[str]:
    """Return what a model makes of texts, each alone: of as many as it answers in time; of an encoder nothing."""
    ended, written, texts = time.monotonic() + seconds, list[str](), work.batches(1)
    while isinstance(work.options, Decoding) and (time.monotonic() < ended or len(written) < least):
        if len(written) == len(work.texts):
            break
        (result,) = model.run([text.tokens for text in next(texts)], work.options)
        written.append(result.hypotheses[0].text)
    return written
