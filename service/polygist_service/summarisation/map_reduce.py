"""Texts of any length through a model with a window: parts, then what was written about the parts, and so on."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeVar

from polygist_service.engine.interface import Decoding, Engine, ModelInfo, Result, Span
from polygist_service.summarisation.lengths import LengthTarget, allot
from polygist_service.summarisation.selection import count_words
from polygist_service.summarisation.tfidf import TfidfVectors
from polygist_service.summarisation.types import Article, Form, Progress, SummaryRequest, split_article
from polygist_service.text.documents.plain import PlainDocument, Segment, Splitting
from polygist_service.text.languages import display_name, serving
from polygist_service.text.repetition import is_loop

# A chunk ends with a paragraph where at least this share of the window is full by then, else with a sentence.
PARAGRAPH_SHARE = 0.5
# With a query, parts of the article that are less than this share as near to it as the nearest one are left out.
QUERY_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sentences that fit the model's window together; `hard_splits` are where one alone did not."""

    text: str
    token_count: int
    hard_splits: tuple[Span, ...] = ()

    @property
    def word_count(self) -> int:
        """Words as white space parts them."""
        return count_words(self.text)


@dataclass(frozen=True, slots=True)
class _Piece:
    segment: Segment
    cost: int
    begins_paragraph: bool


def cut(text: str, language: str, window: int, count: Callable[[str], int]) -> list[Chunk]:
    """Sentences packed into chunks below `window` tokens, in order.

    Args:
        text: any text; what has no letters is left out.
        language: of the text.
        window: of the model.
        count: tokens of a text.
    """
    splitting = Splitting.PUNCTUATION_AND_NEWLINES
    document = PlainDocument.parse(text, language=language, splitting=splitting, fits=lambda part: count(part) < window)
    pieces: list[_Piece] = []
    end = 0
    for segment in document.segments:
        # One more for the space between two: some vocabularies spend a token on it.
        cost = count(segment.text) + 1
        pieces.append(_Piece(segment, cost, len(text[end : segment.start].splitlines()) > 1))
        end = segment.end
    return [_join(part) for part in _pack(pieces, window)]


def near_query(chunks: Sequence[Chunk], query: str) -> list[Chunk]:
    """Those of `chunks` that are nearest to what the reader wants to know; all where none is near."""
    vectors = TfidfVectors.of([chunk.text for chunk in chunks])
    nearness = vectors.project(vectors.direction(query))
    return [chunk for chunk, is_near in zip(chunks, nearness >= QUERY_SHARE * nearness.max(), strict=True) if is_near]


def _pack(pieces: Sequence[_Piece], window: int) -> list[Sequence[_Piece]]:
    parts: list[Sequence[_Piece]] = []
    start = used = 0
    for at, piece in enumerate(pieces):
        while at > start and used + piece.cost > window:
            border = _border(pieces, start, at, window)
            parts.append(pieces[start:border])
            start, used = border, sum(each.cost for each in pieces[border:at])
        used += piece.cost
    return [*parts, pieces[start:]] if pieces else []


def _border(pieces: Sequence[_Piece], start: int, end: int, window: int) -> int:
    """Where the chunk that begins at `start` and cannot hold the piece at `end` ends."""
    used = sum(piece.cost for piece in pieces[start:end])
    for at in range(end, start, -1):
        if used < PARAGRAPH_SHARE * window:
            break
        if pieces[at].begins_paragraph:
            return at
        used -= pieces[at - 1].cost
    return end


def _join(part: Sequence[_Piece]) -> Chunk:
    segments = [piece.segment for piece in part]
    return Chunk(
        " ".join(segment.text for segment in segments),
        sum(piece.cost for piece in part),
        tuple((segment.start, segment.end) for segment in segments if segment.hard_split),
    )


TASKS: Mapping[Form, str] = {
    Form.PARAGRAPH: "Summarise the article below in {length}.",
    Form.TLDR: "Say in {length} what the article below is about.",
    Form.KEY_POINTS: "List the main points of the article below in {length}, one sentence a line.",
    Form.HEADLINE: "Write a headline for the article below in at most {words} words.",
}
RULES = "Use only what the article says. Write in {language}, and nothing else than that."
END = "\n\n"


def write_instruction(form: Form, *, words: int, sentences: int, language: str) -> str:
    """The instruction for a summary; what the model reads follows it.

    Args:
        form: of the summary.
        words: about so many.
        sentences: at most so many; 0 where only words count.
        language: canonical tag of the language to write in.
    """
    length = f"about {words} words"
    if sentences:
        length = f"{sentences} sentence{'s' if sentences > 1 else ''} of together {length}"
    rules = RULES.format(language=display_name(language, "en"))
    return f"{TASKS[form].format(length=length, words=words)} {rules}{END}"


ValueT = TypeVar("ValueT")

# What is written about one part of many has at least so many words: less would leave nothing to go by.
LEAST_SHARE = 40
# A level that leaves more than this share of the chunks before it is the last: the model does not shorten.
SHRINK = 0.75
# No run of so many tokens twice: for a text that was found to go round in circles.
LOOP_NGRAM = 3
# What a whole sentence ends with, before quotes and brackets that close.
ENDS, CLOSERS = ".!?…。！？।؟", "\"'”’»)]}"


@dataclass(frozen=True, slots=True)
class Written:
    """What came of an article.

    Attributes:
        texts: what the model wrote in the end, in the order of the article; more than one where that is as long as
            the summary is to be, or where the model does not shorten.
        chunk_count: in how many parts the article was read.
        hard_splits: where a sentence of it did not fit the window.
        is_stopped: whether a text ends inside its only sentence, or at a limit that the request set.
        had_loop: whether a text had to be decoded again.
    """

    texts: tuple[str, ...] = ()
    chunk_count: int = 1
    hard_splits: tuple[Span, ...] = ()
    is_stopped: bool = False
    had_loop: bool = False
    input_token_count: int = 0
    output_token_count: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One article to be condensed by one model.

    Attributes:
        held: name of a model that is held.
        language: to write in.
        aim: how long.
    """

    request: SummaryRequest
    article: Article
    held: str
    language: str
    aim: LengthTarget
    caller: str
    deadline: float | None


class MapReduce:
    """Condenses an article, level by level.

    Args:
        engine: runs the model.
        executor: where texts are split and counted.
    """

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine = engine
        self._executor = executor

    async def condense(self, task: Task) -> AsyncGenerator[Progress | Written, None]:
        """Yield progress for each part that is read, and at last what came of it all."""
        model, count = self._engine.model(task.held), self._engine.counter(task.held)
        chunks = await self._do(_read, task, model.max_input_tokens, count)
        splits = tuple(span for chunk in chunks for span in chunk.hard_splits)
        written = Written(chunk_count=len(chunks), hard_splits=splits)
        done = 0
        while chunks:
            options = choose_options(task, model, chunks, reads_article=not done)
            results: dict[int, Result] = {}
            async with aclosing(self._decode(task, [chunk.text for chunk in chunks], options)) as stream:
                async for index, result in stream:
                    results[index] = result
                    yield Progress(done + len(results), done + len(chunks))
            done += len(chunks)
            written = _add(written, results)
            if loops := await self._do(_find_loops, results):
                again = await self._decode_again(task, chunks, loops, options)
                written = replace(_add(written, again), had_loop=True)
                results |= again
            texts, is_stopped = await self._do(_settle, task, [results[at] for at in range(len(chunks))])
            written = replace(written, texts=texts, is_stopped=is_stopped)
            chunks = await self._do(_next_level, task, texts, len(chunks), model.max_input_tokens, count)
        yield written

    def _decode(self, task: Task, texts: Sequence[str], options: Decoding) -> AsyncGenerator[tuple[int, Result], None]:
        return self._engine.submit(task.held, texts, options=options, caller=task.caller, deadline=task.deadline)

    async def _decode_again(
        self, task: Task, chunks: Sequence[Chunk], places: Sequence[int], options: Decoding
    ) -> dict[int, Result]:
        """The chunks at `places` without repetitions."""
        options = replace(options, no_repeat_ngram_size=LOOP_NGRAM)
        async with aclosing(self._decode(task, [chunks[at].text for at in places], options)) as stream:
            return {places[index]: result async for index, result in stream}

    async def _do(self, work: Callable[..., ValueT], *arguments: object) -> ValueT:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)


def choose_options(task: Task, model: ModelInfo, chunks: Sequence[Chunk], *, reads_article: bool) -> Decoding:
    """How a level is decoded: one chunk as the summary that is wanted, each of many with its share of the length."""
    words = sum(chunk.word_count for chunk in chunks)
    form, wanted, sentences = task.request.form, task.aim.words, task.aim.sentences
    if len(chunks) > 1:
        # Half of what a chunk has at most: a level has to be shorter than the one before it.
        share = max(math.ceil(wanted / len(chunks)), LEAST_SHARE)
        form, wanted, sentences = Form.PARAGRAPH, max(1, min(share, words // len(chunks) // 2)), 0
    read = task.article.language if reads_article else task.language
    options = replace(
        task.request.decoding.for_model(model),
        source=serving(read, model.source_languages) or "",
        target=serving(task.language, model.target_languages) or "",
    )
    if model.follows_instructions:
        instruction = write_instruction(form, words=wanted, sentences=sentences, language=task.language)
        options = replace(options, instruction=instruction)
    tokens = [chunk.token_count for chunk in chunks]
    return allot(options, model, words=wanted, rate=sum(tokens) / max(1, words), source_tokens=min(tokens))


def _read(task: Task, window: int, count: Callable[[str], int]) -> list[Chunk]:
    """The parts of the article that the model reads: all, or with a query those near to it."""
    chunks = cut(task.article.text, task.article.language, window, count)
    query = task.request.query
    return near_query(chunks, query) if query and len(chunks) > 1 else chunks


def _next_level(
    task: Task, texts: Sequence[str], chunk_count: int, window: int, count: Callable[[str], int]
) -> list[Chunk]:
    """What is to be read next of what was written about `chunk_count` chunks; nothing where that is the summary."""
    if chunk_count == 1:
        return []
    joined = "\n".join(texts)
    sentences = [segment.text for segment in split_article(joined, task.language)]
    if task.aim.is_met_by(sentences) and task.request.form is not Form.HEADLINE:
        return []
    chunks = cut(joined, task.language, window, count)
    return chunks if len(chunks) <= SHRINK * chunk_count else []


def _add(written: Written, results: Mapping[int, Result]) -> Written:
    return replace(
        written,
        input_token_count=written.input_token_count + sum(each.input_token_count for each in results.values()),
        output_token_count=written.output_token_count
        + sum(each.hypotheses[0].token_count for each in results.values()),
    )


def _find_loops(results: Mapping[int, Result]) -> list[int]:
    return [at for at, result in sorted(results.items()) if is_loop(result.hypotheses[0].text)]


def _settle(task: Task, results: Sequence[Result]) -> tuple[tuple[str, ...], bool]:
    """The texts without the sentences that the output limit cut, and whether a caller should know of it."""
    texts, is_stopped = [], False
    for hypothesis in (result.hypotheses[0] for result in results):
        text, is_whole = hypothesis.text, True
        if hypothesis.limited:
            text, is_whole = _keep_whole(text, task.language)
            is_stopped |= not is_whole or bool(task.request.decoding.max_output_tokens)
        texts.append(text)
    return tuple(texts), is_stopped


def _keep_whole(text: str, language: str) -> tuple[str, bool]:
    """The whole sentences of a text that was cut at its end, all of it where there is none; and which it is."""
    sentences = split_article(text, language)
    if not sentences or sentences[-1].text.rstrip(CLOSERS).endswith(tuple(ENDS)):
        return text, True
    if len(sentences) == 1:
        return text, False
    return text[: sentences[-2].end], True
