"""Whether the numbers and names of a written sentence are in the article."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from polygist_service.summarisation.article import Article
from polygist_service.summarisation.names import Name, find_inner, find_names, split_words
from polygist_service.text.numbers import claim_numbers, state_numbers


class Facts:
    """The numbers and names of one article.

    Args:
        article: where they stand.
    """

    def __init__(self, article: Article) -> None:
        self._numbers = state_numbers(article.text)
        self._inner: set[str] = set()
        self._places: defaultdict[str, set[int]] = defaultdict(set)
        for at, sentence in enumerate(article.sentences):
            # A sentence may be judged by itself: what it says is said, whatever stands around it.
            self._numbers |= state_numbers(sentence.text)
            words = split_words(sentence.text)
            self._inner |= find_inner(words)
            for word in words:
                self._places[word.text.lower()].add(at)

    def find_missing(self, sentences: Sequence[str], *, language: str, numbers_only: bool = False) -> list[list[str]]:
        """The numbers and names of each of `sentences` that the article does not have.

        A number is in the article where its value is, whatever its spelling. A name is where all its words stand in
        one sentence of the article: parts of a longer name are.

        Args:
            sentences: those of one summary: what is a name in one is a name at another's start.
            language: of the sentences.
            numbers_only: leave names alone: other languages spell them otherwise.
        """
        inner = self._inner.union(*(find_inner(split_words(sentence)) for sentence in sentences))
        return [
            [
                *(number.text for number in claim_numbers(sentence) if self._numbers.isdisjoint(number.readings)),
                *(() if numbers_only else self._missing_names(find_names(sentence, inner=inner, language=language))),
            ]
            for sentence in sentences
        ]

    def _missing_names(self, names: Iterator[Name]) -> Iterator[str]:
        for name in names:
            places = [self._places.get(word.lower(), set()) for word in name]
            if not set.intersection(*sorted(places, key=len)):
                yield " ".join(name)
