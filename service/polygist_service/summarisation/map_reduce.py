"""Articles of any length through a model with a window: parts, then what was written about the parts, and so on.

A level is a text cut into chunks of whole sentences that fit the window. The model writes about each chunk, and what it
wrote, joined, is the text of the next level. The last level has one chunk, or its outputs are together as short as the
summary is to be, or the model does not shorten. All chunks of a level are decoded at the same time, and a mistake about
one does not reach the next, as it would if one summary were refined chunk by chunk.
"""

import math
from collections.abc import AsyncGenerator, Callable, Container, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cache, partial

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.interface import Decoding, HeldModel, Hypothesis, ModelInfo, Partial, Result
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.lengths import LengthTarget, allot
from polygist_service.summarisation.planning import Plan
from polygist_service.summarisation.tfidf import TfidfVectors
from polygist_service.summarisation.types import Form
from polygist_service.text.documents.base import Document, Segment
from polygist_service.text.languages import display_name, serving
from polygist_service.text.repetition import is_loop
from polygist_service.text.segmentation import Span
from polygist_service.text.words import count_words
from polygist_service.translation.types import Progress

# A chunk ends with a paragraph where at least this share of the window is full by then, else with a sentence.
PARAGRAPH_SHARE = 0.5
# With a query, parts of the article that are less than this share as near to it as the nearest one are left out.
QUERY_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, or what it was cut into, and what it takes of a window in tokens."""

    segment: Segment
    cost: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sentences that fit the model's window together; `hard_splits` are where one alone did not."""

    text: str
    token_count: int
    word_count: int
    hard_splits: tuple[Span, ...] = ()


def cut_sentence(document: Document, sentence: Segment, *, window: int, count: Callable[[str], int]) -> list[Piece]:
    """Cut a sentence into pieces that each have fewer than `window` tokens, and count theirs.

    Args:
        document: that the sentence is of.
        sentence: one of its segments.
        window: of the model.
        count: tokens of a text.
    """
    # Each text is tokenised once: to learn whether it fits is to know what it costs.
    count = cache(count)
    pieces = document.cut(sentence, lambda text: count(text) < window)
    # One more for the space between two: some vocabularies spend a token on it.
    return [Piece(piece, count(piece.text) + 1) for piece in pieces]


def pack(pieces: Sequence[Piece], window: int) -> list[Chunk]:
    """Pack the pieces of a document into chunks that fit `window` tokens, in order.

    Args:
        pieces: in the order of the document.
        window: of the model.
    """
    blocks = [piece.segment.block for piece in pieces]
    paragraphs = {at for at in range(1, len(blocks)) if blocks[at] != blocks[at - 1]}
    parts: list[Sequence[Piece]] = []
    start = used = 0
    for at, piece in enumerate(pieces):
        while at > start and used + piece.cost > window:
            border = find_border(pieces, start, at, paragraphs=paragraphs, window=window)
            parts.append(pieces[start:border])
            start, used = border, sum(each.cost for each in pieces[border:at])
        used += piece.cost
    if pieces:
        parts.append(pieces[start:])
    return [join(part) for part in parts]


def find_border(pieces: Sequence[Piece], start: int, end: int, *, paragraphs: Container[int], window: int) -> int:
    """Return where the chunk ends that begins at `start` and cannot hold the piece at `end`.

    That is before the last of `paragraphs`, the indices of pieces that begin one, which leaves the window full enough;
    else before `end`.
    """
    used = sum(piece.cost for piece in pieces[start:end])
    for at in range(end, start, -1):
        if used < PARAGRAPH_SHARE * window:
            break
        if at in paragraphs:
            return at
        used -= pieces[at - 1].cost
    return end


def join(part: Sequence[Piece]) -> Chunk:
    """Return pieces that stand together as a chunk."""
    segments = [piece.segment for piece in part]
    text = " ".join(segment.text for segment in segments)
    return Chunk(
        text,
        token_count=sum(piece.cost for piece in part),
        word_count=count_words(text),
        hard_splits=tuple(segment.span for segment in segments if segment.hard_split),
    )


def near_query(chunks: Sequence[Chunk], query: str) -> list[Chunk]:
    """Return those of `chunks` that are nearest to what the reader wants to know; all where none is near."""
    vectors = TfidfVectors.of([chunk.text for chunk in chunks])
    nearness = vectors.project(vectors.direction(query))
    return [chunk for chunk, is_near in zip(chunks, nearness >= QUERY_SHARE * nearness.max(), strict=True) if is_near]


TASKS: Mapping[Form, str] = {
    Form.PARAGRAPH: "Summarise the article below in {length}.",
    Form.TLDR: "Say in {length} what the article below is about.",
    Form.KEY_POINTS: "List the main points of the article below in {length}, one sentence a line.",
    Form.HEADLINE: "Write a headline for the article below in at most {words} words.",
}
RULES = "Use only what the article says. Write in {language}, and nothing else than that."
END = "\n\n"


def write_instruction(form: Form, *, words: int, sentences: int, language: str) -> str:
    """Return the instruction for a summary; what the model reads follows it.

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
        is_experimental: whether the model is.
    """

    texts: tuple[str, ...] = ()
    chunk_count: int = 1
    hard_splits: tuple[Span, ...] = ()
    is_stopped: bool = False
    had_loop: bool = False
    is_experimental: bool = False


class MapReduce:
    """One article on its way through one model, level by level.

    Args:
        plan: what is wanted.
        article: what is read first.
        target: how long the summary should be.
        held: the model.
        pool: where texts are split and counted.
        context: whose work it is.
    """

    def __init__(
        self,
        plan: Plan,
        article: Article,
        target: LengthTarget,
        *,
        held: HeldModel,
        pool: TextPool,
        context: CallContext,
    ) -> None:
        self._plan = plan
        self._article = article
        self._target = target
        self._held = held
        self._pool = pool
        self._context = context

    async def run(self) -> AsyncGenerator[Progress | Partial | Written, None]:
        """Yield progress for each part that is read, and at last what came of it all.

        A level that is one part is the last: what is written of it is the summary, and told while it grows. It may be
        another text in the end, where that went round in circles.
        """
        plan, query = self._plan, self._plan.request.query
        chunks = await self._cut(self._article)
        if query and len(chunks) > 1:
            chunks = await self._pool.call(self._context, partial(near_query, chunks, query))
        splits = tuple(span for chunk in chunks for span in chunk.hard_splits)
        is_experimental = self._held.info.is_experimental
        written = Written(chunk_count=len(chunks), hard_splits=splits, is_experimental=is_experimental)
        done = 0
        while chunks:
            language = plan.written if done else plan.language
            options = choose_options(plan, self._target, self._held.info, chunks, language=language)
            outputs, total, is_begun = [Hypothesis("", 0)] * len(chunks), done + len(chunks), False
            async with aclosing(self._decode(chunks, options)) as results:
                async for at, result in results:
                    # Who writes about a part has read it.
                    if not is_begun:
                        done += 1
                        yield Progress(done, total)
                    if isinstance(result, Partial):
                        is_begun = True
                        yield result
                    else:
                        outputs[at] = result.hypotheses[0]
            are_loops = await self._pool.run(self._context, is_loop, [output.text for output in outputs])
            if loops := [at for at, is_one in enumerate(are_loops) if is_one]:
                again = replace(options, no_repeat_ngram_size=LOOP_NGRAM)
                async with aclosing(self._submit([chunks[at] for at in loops], again)) as rewritten:
                    async for index, result in rewritten:
                        outputs[loops[index]] = result.hypotheses[0]
                written = replace(written, had_loop=True)
            settled = await self._pool.run(self._context, partial(settle, plan=plan), outputs)
            texts = tuple(text for text, _ in settled)
            written = replace(written, texts=texts, is_stopped=any(is_stopped for _, is_stopped in settled))
            chunks = await self._next_level(texts)
        yield written

    async def _decode(
        self, chunks: Sequence[Chunk], options: Decoding
    ) -> AsyncGenerator[tuple[int, Partial | Result], None]:
        """Decode a level; yield what is written of each of its chunks, and where there is one how it grows."""
        if len(chunks) == 1:
            async with aclosing(self._held.write(chunks[0].text, options=options, context=self._context)) as events:
                async for event in events:
                    yield 0, event
        else:
            async with aclosing(self._submit(chunks, options)) as results:
                async for at, result in results:
                    yield at, result

    def _submit(self, chunks: Sequence[Chunk], options: Decoding) -> AsyncGenerator[tuple[int, Result], None]:
        return self._held.submit([chunk.text for chunk in chunks], options=options, context=self._context)

    async def _next_level(self, texts: Sequence[str]) -> list[Chunk]:
        """Return what is to be read next of what was written about chunks; nothing where that is the summary."""
        if len(texts) == 1:
            return []
        read = partial(read_level, texts, plan=self._plan, target=self._target)
        article = await self._pool.call(self._context, read)
        chunks = await self._cut(article) if article else []
        return chunks if len(chunks) <= SHRINK * len(texts) else []

    async def _cut(self, article: Article) -> list[Chunk]:
        """Cut an article into chunks of whole sentences that fit the model's window, as far as sentences do."""
        document, window = article.document, self._held.info.max_input_tokens
        cut = partial(cut_sentence, document, window=window, count=self._held.count)
        pieces = await self._pool.run(self._context, cut, article.sentences)
        return await self._pool.call(self._context, lambda: pack([piece for each in pieces for piece in each], window))


def choose_options(
    plan: Plan, target: LengthTarget, model: ModelInfo, chunks: Sequence[Chunk], *, language: str
) -> Decoding:
    """Return how a level is decoded: one chunk as the summary that is wanted, each of many with its share of it.

    Args:
        plan: what is wanted.
        target: how long the summary should be.
        model: what writes.
        chunks: all of the level.
        language: that they are in.
    """
    words = sum(chunk.word_count for chunk in chunks)
    form, wanted, sentences = plan.request.form, target.words, target.sentences
    if len(chunks) > 1:
        # Half of what a chunk has at most: a level has to be shorter than the one before it.
        share = max(math.ceil(wanted / len(chunks)), LEAST_SHARE)
        form, wanted, sentences = Form.PARAGRAPH, max(1, min(share, words // len(chunks) // 2)), 0
    options = replace(
        plan.request.decoding.for_model(model),
        source=serving(language, model.source_languages) or "",
        target=serving(plan.written, model.target_languages) or "",
    )
    if model.follows_instructions:
        instruction = write_instruction(form, words=wanted, sentences=sentences, language=plan.written)
        options = replace(options, instruction=instruction)
    tokens = [chunk.token_count for chunk in chunks]
    return allot(options, model, words=wanted, rate=sum(tokens) / max(1, words), source_tokens=min(tokens))


def settle(output: Hypothesis, plan: Plan) -> tuple[str, bool]:
    """Return an output without the sentence that its limit cut, if another is left, and whether to tell of the limit.

    A limit is told of where the request set it, or where the only sentence ends at it.
    """
    if not output.limited:
        return output.text, False
    is_asked_for = bool(plan.request.decoding.max_output_tokens)
    sentences = Article.parse(output.text, plan.written).sentences
    if not sentences or sentences[-1].text.rstrip(CLOSERS).endswith(tuple(ENDS)):
        return output.text, is_asked_for
    if len(sentences) == 1:
        return output.text, True
    return output.text[: sentences[-2].end], is_asked_for


def read_level(texts: Sequence[str], plan: Plan, target: LengthTarget) -> Article | None:
    """Return what was written about chunks as one text to be read in its turn; None where it is the summary."""
    article = Article.parse("\n".join(texts), plan.written)
    is_met = target.is_met_by([sentence.text for sentence in article.sentences])
    return None if is_met and plan.request.form is not Form.HEADLINE else article
