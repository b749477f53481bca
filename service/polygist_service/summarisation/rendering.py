"""From the sentences of a summary to its text, plain or Markdown."""

import re
from collections.abc import Collection, Sequence

from polygist_service.engine.interface import Span
from polygist_service.summarisation.types import Form

# Characters that mean something in Markdown wherever they stand ...
INLINE = re.compile(r"[\\`*_\[\]<>&~|]")
# ... and what means something at the beginning of a block: headings, lists, rules.
BLOCK = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([#+=-])")


def render_summary(
    sentences: Sequence[str], *, form: Form, markdown: bool, lines: Collection[int] = ()
) -> tuple[str, list[Span]]:
    """Join `sentences`: key points one a line, anything else with spaces.

    Args:
        sentences: those of the summary.
        form: of the summary.
        markdown: write Markdown, else plain text.
        lines: indices of headings, items of lists and other things that would be read as one sentence with what stands
            beside them: each has a line of its own.

    Returns:
        The text and the half-open span of each sentence in it, without the mark of a list.
    """
    is_list = form is Form.KEY_POINTS
    mark = "- " if is_list and markdown else ""
    pieces: list[str] = []
    spans: list[Span] = []
    length = 0
    for at, sentence in enumerate(sentences):
        between = " "
        if is_list or at in lines or at - 1 in lines:
            # Markdown shows one line break as a space.
            between = "\n\n" if markdown and not is_list else "\n"
        lead = (between if pieces else "") + mark
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
