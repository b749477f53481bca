"""How long a summary is of each form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from polygist_service.engine.interface import Decoding, ModelInfo
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.types import Form, Length, Method, SummaryRequest
from polygist_service.text.words import count_words

# Sentences, by form and length. A picked TLDR is one sentence: two that do not follow each other read badly.
SENTENCES: Mapping[Form, Mapping[Length, int]] = {
    Form.PARAGRAPH: {Length.SHORT: 1, Length.MEDIUM: 3, Length.LONG: 6},
    Form.KEY_POINTS: {Length.SHORT: 3, Length.MEDIUM: 5, Length.LONG: 7},
    Form.TLDR: {Length.SHORT: 1, Length.MEDIUM: 2, Length.LONG: 4},
    Form.HEADLINE: dict.fromkeys(Length, 1),
}
# Words that such summaries of news have.
WORDS: Mapping[Form, Mapping[Length, int]] = {
    Form.PARAGRAPH: {Length.SHORT: 25, Length.MEDIUM: 80, Length.LONG: 173},
    Form.KEY_POINTS: {Length.SHORT: 60, Length.MEDIUM: 100, Length.LONG: 140},
    Form.TLDR: {Length.SHORT: 25, Length.MEDIUM: 50, Length.LONG: 110},
    Form.HEADLINE: {Length.SHORT: 12, Length.MEDIUM: 17, Length.LONG: 22},
}
WORDS_OF_A_SENTENCE = 27
# A shorter summary says little, however short its article is.
LEAST_WORDS = 10
# Within a tenth, a length is met.
MET = 0.9
# What a model may write beyond what is wanted, so that it can end its sentence: a factor, and so many tokens.
SLACK, EXTRA = 1.25, 16
# Limits in tokens are multiples of it: articles of like length then share batches.
STEP = 16
# More tokens a word than that has no language whose words white space parts.
MOST_TOKENS_OF_A_WORD = 4.0


@dataclass(frozen=True, slots=True)
class LengthTarget:
    """How long the summary of one article should be; `sentences` is 0 where only words count."""

    words: int
    sentences: int

    @classmethod
    def at(cls, request: SummaryRequest, *, words: int, sentences: int) -> "LengthTarget":
        """Return the length that is asked for, of an article of so many words and sentences.

        At most half of the article: a summary that repeats most of one is none. A model that writes more all the same
        is not cut for it where the request allows more.
        """
        limit = sentence_limit(request, Method.ABSTRACTIVE)
        wanted = request.max_words or request.max_sentences * WORDS_OF_A_SENTENCE
        if request.form is Form.HEADLINE or not wanted:
            wanted = word_limit(request) or WORDS[request.form][request.length]
        return cls(min(wanted, max(LEAST_WORDS, words // 2)), min(limit, max(1, sentences // 2)))

    def is_met_by(self, texts: Sequence[str]) -> bool:
        """Whether so many sentences and words are no longer than this."""
        return sum(map(count_words, texts)) <= self.words and (not self.sentences or len(texts) <= self.sentences)

    def shortfall(self, texts: Sequence[str]) -> Notice | None:
        """Return what to say of sentences that are fewer, or where only words count shorter, by over a tenth."""
        found, wanted, unit = len(texts), self.sentences, "sentences"
        if not wanted:
            found, wanted, unit = sum(map(count_words, texts)), self.words, "words"
        if found >= MET * wanted:
            return None
        message = f"the summary has {found} {unit}, {wanted} were aimed at; sentences are neither cut nor made up"
        return Notice(NoticeKind.LENGTH_TARGET_MISSED, message)


def is_by_length(request: SummaryRequest) -> bool:
    """Whether the length in words rather than figures counts."""
    return not (request.max_sentences or request.max_words)


def sentence_limit(request: SummaryRequest, method: Method) -> int:
    """Return the most sentences that are allowed; 0 where only words are limited."""
    if request.form is Form.HEADLINE or (request.form is Form.TLDR and method is Method.EXTRACTIVE):
        return 1
    if request.max_sentences:
        return request.max_sentences
    return 0 if request.max_words else SENTENCES[request.form][request.length]


def word_limit(request: SummaryRequest) -> int:
    """Return the most words that are allowed; 0 is no limit."""
    if request.form is Form.HEADLINE and is_by_length(request):
        return WORDS[Form.HEADLINE][request.length]
    return request.max_words


class Room:
    """The room that a summary has: its sentences take it one after the other, and the first one always fits.

    Args:
        count: of sentences; 0 is no limit.
        max_words: of all of them; 0 is no limit.
    """

    def __init__(self, *, count: int, max_words: int) -> None:
        self._count = count
        self._max_words = max_words
        self._taken = self._words = 0
        self._is_full = False

    @classmethod
    def of(cls, request: SummaryRequest, method: Method) -> "Room":
        """Return the room that is asked for."""
        return cls(count=sentence_limit(request, method), max_words=word_limit(request))

    def takes(self, sentence: str) -> bool:
        """Whether a sentence fits, which then takes its room; behind one that does not fit, none does."""
        self._words += count_words(sentence)
        if self._taken and (0 < self._count <= self._taken or 0 < self._max_words < self._words):
            self._is_full = True
        self._taken += not self._is_full
        return not self._is_full


def allot(options: Decoding, model: ModelInfo, *, words: int, rate: float, source_tokens: int) -> Decoding:
    """Return `options` with the limits in tokens by which a model writes about so many words.

    A limit that the request gives stays; none goes beyond the model's own, nor is more than half of the source forced.

    Args:
        options: what the request asks for.
        model: what writes. One that follows instructions is told the length, and may end when it likes.
        words: about so many.
        rate: tokens of a word.
        source_tokens: of the shortest text that is decoded so.
    """
    wanted = math.ceil(words * min(max(rate, 1.0), MOST_TOKENS_OF_A_WORD))
    most = math.ceil((SLACK * wanted + EXTRA) / STEP) * STEP
    most = options.max_output_tokens or min(most, model.max_output_tokens or most)
    least = max(1, min(wanted, source_tokens, most) // 2 // STEP * STEP)
    return replace(options, max_output_tokens=most, min_output_tokens=0 if model.follows_instructions else least)
