"""Documents on a server: what is sent to be translated or summarised with its markup."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from polygist_client import Client, Summary, Translation

HTML = "text/html"
MARKDOWN = "text/markdown"
OTHER = {"en": "pt", "pt": "en"}
# Of one request: far below the server's limits, so that a page of any size fits.
CHARACTERS = 200_000
CONTENTS = 256


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
