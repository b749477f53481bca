"""How long a summary of each form is."""

from collections.abc import Iterable, Mapping

from polygist_service.summarisation.candidates import count_words
from polygist_service.summarisation.values import Form, Length, Method, SummaryRequest

# Sentences, by form and length. A picked TLDR is one sentence: two that do not follow each other read badly.
SENTENCES: Mapping[Form, Mapping[Length, int]] = {
    Form.PARAGRAPH: {Length.SHORT: 1, Length.MEDIUM: 3, Length.LONG: 6},
    Form.KEY_POINTS: {Length.SHORT: 3, Length.MEDIUM: 5, Length.LONG: 7},
    Form.TLDR: {Length.SHORT: 1, Length.MEDIUM: 2, Length.LONG: 4},
    Form.HEADLINE: dict.fromkeys(Length, 1),
}
HEADLINE_WORDS: Mapping[Length, int] = {Length.SHORT: 12, Length.MEDIUM: 17, Length.LONG: 22}


def is_by_length(request: SummaryRequest) -> bool:
    """Whether the length in words rather than figures counts."""
    return not (request.max_sentences or request.max_words)


def sentence_limit(request: SummaryRequest, method: Method) -> int:
    """At most so many sentences; 0 where only words are limited."""
    if request.form is Form.HEADLINE or (request.form is Form.TLDR and method is Method.EXTRACTIVE):
        return 1
    if request.max_sentences:
        return request.max_sentences
    return 0 if request.max_words else SENTENCES[request.form][request.length]


def word_limit(request: SummaryRequest) -> int:
    """At most so many words; 0 is no limit."""
    if request.form is Form.HEADLINE and is_by_length(request):
        return HEADLINE_WORDS[request.length]
    return request.max_words


def keep_within(sentences: Iterable[str], *, count: int, max_words: int) -> list[str]:
    """The first sentences, at least one of them, that stay within both limits (0: none)."""
    kept: list[str] = []
    used = 0
    for sentence in sentences:
        used += count_words(sentence)
        if kept and ((count and len(kept) >= count) or (max_words and used > max_words)):
            break
        kept.append(sentence)
    return kept
