"""From the sentences of a summary to its text, plain or Markdown."""

import re

from polygist_service.summarisation.types import Form
from polygist_service.text.segmentation import Span

# Characters that mean something in Markdown wherever they stand ...
INLINE = re.compile(r"[\\`*_\[\]<>&~|]")
# ... and what means something at the beginning of a block: headings, lists, rules.
BLOCK = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([#+=-])")
# Chinese and Japanese have no space between two sentences.
WIDE_END = re.compile(r"[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60][\"'”’]*\Z")
WIDE_START = re.compile(r"[\"'“‘]*[\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60]")


class Rendering:
    """The text of a summary, sentence by sentence: key points one a line, anything else as its script parts sentences.

    Args:
        form: of the summary.
        markdown: write Markdown, else plain text.

    Attributes:
        pieces: what each sentence added to the text, which is all of them joined.
        spans: the half-open span of each sentence in it, without the mark of a list.
    """

    def __init__(self, *, form: Form, markdown: bool) -> None:
        self._is_list = form is Form.KEY_POINTS
        self._markdown = markdown
        self._ends_in_line = False
        self.pieces: list[str] = []
        self.spans: list[Span] = []

    def add(self, sentence: str, *, is_line: bool = False) -> str:
        """Return what the next sentence adds to the text.

        Args:
            sentence: without markup.
            is_line: whether it is a heading, the item of a list or another thing that would be read as one sentence
                with what stands beside it: it has a line of its own.
        """
        is_wide = bool(self.pieces and WIDE_END.search(self.pieces[-1]) and WIDE_START.match(sentence))
        between = "" if is_wide else " "
        if self._is_list or is_line or self._ends_in_line:
            # Markdown shows one line break as a space.
            between = "\n\n" if self._markdown and not self._is_list else "\n"
        mark = "- " if self._is_list and self._markdown else ""
        lead = (between if self.pieces else "") + mark
        shown = escape_markdown(sentence) if self._markdown else sentence
        end = self.spans[-1][1] if self.spans else 0
        self.spans.append((end + len(lead), end + len(lead) + len(shown)))
        self.pieces.append(lead + shown)
        self._ends_in_line = is_line
        return self.pieces[-1]


def escape_markdown(text: str) -> str:
    """Return `text`, of one line, such that Markdown shows it as it is."""
    return BLOCK.sub(_escape_block, INLINE.sub(r"\\\g<0>", text))


def _escape_block(found: re.Match[str]) -> str:
    number, point, mark = found.groups()
    return f"{number}\\{point}" if number else f"\\{mark}"
