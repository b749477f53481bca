"""The sentences of a summary, out of what a model writes of it, while it writes."""

import re
from collections.abc import Iterable, Iterator, Sequence

from polygist_service.summarisation.article import Article
from polygist_service.summarisation.lengths import Room
from polygist_service.summarisation.types import Form, Method, SummaryRequest

# How models mark the items of a list, and what they put around a title.
MARK = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
QUOTES = "\"'“”‘’«»*# "
# What ends a headline is no full stop.
FULL_STOPS = ".。।۔"
# What may end a sentence; what closes it behind that has at most so many characters.
STOP = re.compile(r"[.!?…。！？।؟۔\n]")
CLOSING = 3
# Whether a stop ends a sentence is told by what follows it. After so many characters 99.9 % of 7,506 sentences (UD
# treebanks of English and Portuguese, the golden rules of pySBD) are those of the whole text; after 2 it is 99.7 %, and
# after 60 no more.
LOOKAHEAD = 16


class Composition:
    """The sentences that make up one summary: each once, as many as are asked for, without what announces them.

    A sentence is given once what follows has shown that it ends there, and is never taken back. Where that is depends
    on the text alone, not on the pieces in which it came.

    Args:
        request: how long the summary should be, and its form.
        language: that the model writes.
    """

    def __init__(self, request: SummaryRequest, language: str) -> None:
        self._language = language
        self._is_headline = request.form is Form.HEADLINE
        self._room = Room.of(request, Method.ABSTRACTIVE)
        self._seen: set[str] = set()
        self._announcement = ""
        # The text up to the first sentence that is not given yet, and how many stand in it.
        self._head = ""
        self._count = 0

    def add(self, text: str) -> list[str]:
        """Take the start of what a model writes, longer each time; return the sentences that are certain by now."""
        return list(self._choose(self._find_certain(leave_out_marks(text))))

    def finish(self, texts: Sequence[str]) -> list[str]:
        """Take what was written in the end; return the sentences that are still missing.

        Where that is another text than the one that was seen growing, it goes on after as many sentences as were seen.

        Args:
            texts: one, or where none was seen growing any number.
        """
        found: list[str] = []
        for text in map(leave_out_marks, texts):
            if text.startswith(self._head):
                found += [*self._find_certain(text), *self._split(text[len(self._head) :])]
            else:
                found += self._split(text)[self._count :]
            self._head = ""
        chosen = list(self._choose(found))
        if self._announcement and self._room.takes(self._announcement):
            chosen.append(self._announcement)
        return chosen

    def _find_certain(self, text: str) -> list[str]:
        """Return the sentences whose end is certain, and let the head end behind them."""
        found: list[str] = []
        for stop in STOP.finditer(text, len(self._head)):
            start, end = len(self._head), stop.end() + LOOKAHEAD
            if end > len(text):
                break
            if stop.end() <= start:  # that of an acronym, all of which has been given
                continue
            sentences = Article.parse(text[start:end], self._language).sentences
            whole = sum(sentence.end <= stop.end() - start + CLOSING for sentence in sentences[:-1])
            if whole:
                found += [sentence.text for sentence in sentences[:whole]]
                self._head = text[: start + sentences[whole].start]
        self._count += len(found)
        return found

    def _split(self, text: str) -> list[str]:
        return [sentence.text for sentence in Article.parse(text, self._language).sentences]

    def _choose(self, sentences: Iterable[str]) -> Iterator[str]:
        """Yield those of `sentences` that the summary has room for."""
        for sentence in sentences:
            if not sentence or sentence in self._seen:
                continue
            # "Here is a summary:" is none.
            is_announcement = not self._seen and sentence.endswith(":")
            self._seen.add(sentence)
            shown = entitle(sentence) if self._is_headline else sentence
            if is_announcement:
                self._announcement = shown
                continue
            self._announcement = ""
            if self._room.takes(shown):
                yield shown


def leave_out_marks(text: str) -> str:
    """Return what a model wrote without the marks of list items."""
    return "\n".join(MARK.sub("", line) for line in text.splitlines())


def entitle(sentence: str) -> str:
    """Return a sentence as a headline: one line, without quotes around it, with no full stop at its end."""
    return " ".join(sentence.split()).strip(QUOTES).rstrip(FULL_STOPS) or sentence
