"""Documents on a server: what is sent to be translated or summarised with its markup."""

from collections.abc import Iterator, Sequence
from typing import Final

from polygist_client import Client, Notice, PolygistError, Summary, Translation
from polygist_client.options import MimeType

HTML: Final = "text/html"
MARKDOWN: Final = "text/markdown"
OTHER = {"en": "pt", "pt": "en"}


def translate_documents(
    client: Client, documents: Sequence[str], mime_type: MimeType, language: str
) -> Iterator[Translation]:
    """Yield the translations of documents of one language to the other, in order.

    One that fails becomes an empty text, whose warning has the error.

    Args:
        mime_type: what the documents are.
        language: "en" or "pt".
    """
    answers = client.translate_many(
        documents, to=OTHER[language], source=language, mime_type=mime_type, on_error="return"
    )
    for answer in answers:
        if isinstance(answer, PolygistError):
            answer = Translation("", language, OTHER[language], "", warnings=(Notice("error", str(answer)),))
        yield answer


def find_error(translation: Translation) -> str:
    """Return the error in place of which there is no text, if there was one."""
    return next((notice.message for notice in translation.warnings if notice.code == "error"), "")


def summarise_document(client: Client, document: str, mime_type: MimeType, language: str, sentences: int) -> Summary:
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
