"""Documents: what a model should read of a text, and what it wrote put in its place.

Each MIME type has a module here that nobody outside names: `read_layout` chooses it.
"""

from collections.abc import Callable, Mapping

from polygist_service.errors import InvalidDocument, InvalidRequest
from polygist_service.text.documents.base import HTML, MARKDOWN, PLAIN, Document, Layout, Splitting
from polygist_service.text.documents.html.document import HtmlLayout
from polygist_service.text.documents.markdown.document import MarkdownLayout
from polygist_service.text.documents.plain import PlainLayout

LAYOUTS: Mapping[str, Callable[[str], Layout]] = {
    PLAIN: PlainLayout,
    HTML: HtmlLayout.read,
    MARKDOWN: MarkdownLayout.read,
}


def read_layout(text: str, mime_type: str = PLAIN) -> Layout:
    """Read the structure of a text.

    Args:
        text: any text.
        mime_type: one of `LAYOUTS`.

    Raises:
        InvalidDocument: it is nested too deep, or has too many parts, to be what it says.
    """
    return LAYOUTS[mime_type](text)


def read_content(content: tuple[int, str], mime_type: str = PLAIN) -> Layout:
    """Read the structure of one of the contents of a request.

    Args:
        content: its index, and the text.
        mime_type: one of `LAYOUTS`.

    Raises:
        InvalidRequest: the text is not what the request says, see `read_layout`; names the content.
    """
    at, text = content
    try:
        return read_layout(text, mime_type)
    except InvalidDocument as error:
        raise InvalidRequest(f"contents[{at}]", error.message) from None


def parse(
    text: str,
    *,
    language: str,
    splitting: Splitting = Splitting.PUNCTUATION_AND_NEWLINES,
    mime_type: str = PLAIN,
) -> Document:
    """Parse a text into blocks and segments; see `read_layout`, and `base.Layout.split`.

    Raises:
        UnicodeEncodeError: `text` holds a lone surrogate, so it is no text.
    """
    return read_layout(text, mime_type).split(language, splitting)
