"""Documents: what a model should read of a text, and what it wrote put in its place.

Each MIME type has a module here that nobody outside names: `parse` chooses it.
"""

from collections.abc import Mapping
from typing import Protocol

from polygist_service.text.documents.base import PLAIN, Document, Splitting
from polygist_service.text.documents.plain import PlainDocument


class Parse(Protocol):
    """Parses a text of one MIME type."""

    def __call__(self, text: str, *, language: str, splitting: Splitting) -> Document: ...


PARSERS: Mapping[str, Parse] = {PLAIN: PlainDocument.parse}


def parse(
    text: str,
    *,
    language: str,
    splitting: Splitting = Splitting.PUNCTUATION_AND_NEWLINES,
    mime_type: str = PLAIN,
) -> Document:
    """Parse a text into blocks and segments.

    Args:
        text: any text.
        language: canonical tag of the language that it is in, for the abbreviations.
        splitting: where segments begin.
        mime_type: one of `PARSERS`.

    Raises:
        UnicodeEncodeError: `text` holds a lone surrogate, so it is no text.
    """
    return PARSERS[mime_type](text, language=language, splitting=splitting)
