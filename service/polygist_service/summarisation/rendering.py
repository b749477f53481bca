"""From the sentences of a summary to its text, plain or Markdown."""

import re
from collections.abc import Sequence

from polygist_service.engine.interface import Span
from polygist_service.summarisation.types import Form

# Characters that mean something in Markdown wherever they stand ...
INLINE = re.compile(r"[\\`*_\[\]<>&~|]")
# ... and what means something at the beginning of a block: headings, lists, rules.
BLOCK = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([#+=-])")


def render_summary(sentences: Sequence[str], *, form: Form, markdown: bool) -> tuple[str, list[Span]]:
    """Join `sentences`: key points one a line, anything else with spaces.

    Returns:
        The text and the half-open span of each sentence in it, without the mark of a list.
    """
    is_list = form is Form.KEY_POINTS
    mark = "- " if is_list and markdown else ""
    pieces: list[str] = []
    spans: list[Span] = []
    length = 0
    for sentence in sentences:
        lead = (("\n" if is_list else " ") if pieces else "") + mark
        shown = escape_markdown(sentence) if markdown else sentence
        start = length + len(lead)
        length = start + len(shown)
        spans.append((start, length))
        pieces.append(lead + shown)
    return "".join(pieces), spans


def escape_markdown(text: str) -> str:
    """Return `text`, of one line, such that Markdown shows it as it is."""
    return BLOCK.sub(_escape_block, INLINE.sub(r"\\\g<0>", text))


def _escape_block(found: re.Match[str]) -> str:
    number, point, mark = found.groups()
    return f"{number}\\{point}" if number else f"\\{mark}"
