"""Documents on a server: what is sent to be translated or summarised with its markup."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from polygist_client import Client, Summary, Translation

from bench.fidelity.kinds import Requirement

HTML = "text/html"
MARKDOWN = "text/markdown"
OTHER = {"en": "pt", "pt": "en"}
# Of one request: far below the server's limits, so that a page of any size fits.
CHARACTERS = 200_000
CONTENTS = 256
BOLD_TARGET = 0.98


@dataclass(slots=True)
class BoldNumbers:
    """Counts the numbers that stand in bold before and after translation.

    Attributes:
        kept: those that are in bold in the translation too.
        lost: those that the translation has, but not in bold.
        unwritten: those that the translation does not have, as the model writes them otherwise.
    """

    kept: int = 0
    lost: int = 0
    unwritten: int = 0

    def add(self, source: Counter[str], target: Counter[str], target_bold: Counter[str]) -> None:
        """Count the bold numbers of a document, given all numbers of its translation and the bold ones of that."""
        self.kept += (source & target_bold).total()
        self.lost += ((source & target) - target_bold).total()
        self.unwritten += (source - target).total()

    def requirement(self) -> Requirement:
        """Return what their share must be."""
        asked = self.kept + self.lost
        return Requirement(
            f"Bold numbers that stay bold: {self.kept} of {asked} ({100 * self.kept / max(1, asked):.1f} %), at least "
            f"{100 * BOLD_TARGET:g} %, and {self.unwritten} more that the translation writes otherwise",
            self.kept >= BOLD_TARGET * asked,
        )


def translate_documents(client: Client, documents: Sequence[str], mime_type: str, language: str) -> list[Translation]:
    """Translate documents of one language to the other, many in one request.

    Args:
        mime_type: what the documents are.
        language: "en" or "pt".
    """
    translations: list[Translation] = []
    for part in batches(documents):
        translations += client.translate(part, to=OTHER[language], source=language, mime_type=mime_type)
    return translations


def summarise_document(client: Client, document: str, mime_type: str, language: str, sentences: int) -> Summary:
    """Pick sentences of a document, each with its citations."""
    return client.summarise(
        document,
        source=language,
        mime_type=mime_type,
        method="extractive",
        max_sentences=sentences,
        sentences=True,
        citations=True,
    )


def batches(documents: Sequence[str]) -> Iterator[list[str]]:
    """Yield the documents in requests, in order."""
    borders, characters = [0], 0
    for place, document in enumerate(documents):
        characters += len(document)
        if place > borders[-1] and (characters > CHARACTERS or place - borders[-1] == CONTENTS):
            borders.append(place)
            characters = len(document)
    for start, end in pairwise([*borders, len(documents)]):
        yield list(documents[start:end])
