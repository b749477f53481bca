"""Checkers without models."""

from polygist_service.summarisation.grounding.support import Citer
from polygist_service.summarisation.types import Citation, SentenceCheck


class CitingChecker:
    """Lets every sentence pass, with the passages that share most of its wording."""

    async def check(self, sentences, article, *, language, context):
        spans = [segment.span for segment in article.sentences]
        citer = Citer([segment.text for segment in article.sentences], spans)
        async for sentence in sentences:
            yield SentenceCheck(sentence, citer.cite(sentence), 1.0)


class ReplacingChecker:
    """Lets the first sentences pass, and has the article's first sentence stand in for the others.

    `asked` tells the sentences, the article's language and theirs, of each call.
    """

    def __init__(self, passing):
        self._passing = passing
        self.asked = []

    async def check(self, sentences, article, *, language, context):
        asked = []
        self.asked.append((asked, article.language, language))
        quote = article.sentences[0]
        citation = Citation(quote.span, 1.0)
        async for sentence in sentences:
            asked.append(sentence)
            if len(asked) <= self._passing:
                yield SentenceCheck(sentence, (), 0.9)
            else:
                reason = "a number is not in the article"
                yield SentenceCheck(quote.text, (citation,), 0.2, is_replaced=True, reason=reason)
