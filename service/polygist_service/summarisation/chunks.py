"""The parts of a text that a model can read at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polygist_service.engine.interface import Span
from polygist_service.summarisation.candidates import count_words
from polygist_service.summarisation.tfidf import TermVectors
from polygist_service.text.documents.plain import PlainDocument, Segment, Splitting

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
    vectors = TermVectors.of([chunk.text for chunk in chunks])
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
