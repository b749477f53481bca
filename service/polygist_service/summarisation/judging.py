"""Who decides whether a sentence that a model wrote is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from polygist_service.summarisation.article import Article
from polygist_service.summarisation.types import Citation


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is shown of one written sentence.

    Attributes:
        text: the sentence itself, or the article's own that stands in for it.
        citations: what it rests on, the best first.
        support: how well the written sentence is supported, 0 to 1.
        is_replaced: whether `text` is the article's.
        reason: why it is; empty where it is not.
    """

    text: str
    citations: tuple[Citation, ...]
    support: float
    is_replaced: bool = False
    reason: str = ""


class Judge(Protocol):
    """Holds written sentences against the article."""

    async def judge(
        self,
        sentences: Sequence[str],
        article: Article,
        *,
        language: str,
        caller: str,
        deadline: float | None = None,
    ) -> list[Verdict]:
        """One verdict for each of `sentences`, in order.

        Args:
            sentences: what a model wrote.
            article: what they are about.
            language: of the sentences; another one than the article's where the model writes it directly. What
                stands in for a sentence is in the article's language all the same.
            caller: whose work this is.
            deadline: when the answer is no longer wanted, on the event loop's clock.
        """
        ...
