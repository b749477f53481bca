"""Tokens in and out of text: SentencePiece for the translation models, WordPiece for the sentence encoder."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import sentencepiece
import tokenizers

from polygist_service.engine.api import Span

# What stands for a character of printed text in a vocabulary that was made from typed text.
TYPED = {
    **dict.fromkeys("‘’‚‛′‹›", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("–−‐‑", "-"),
    **dict.fromkeys("—―", " - "),
    "\u00ad": "",
}


class SentencePieceTokenizer:
    """The pieces of a SentencePiece model; printed quotes and dashes that it lacks are read as typed ones.

    Args:
        path: the ``.spm`` file.
    """

    def __init__(self, path: Path) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self._unknown_id: int = self._processor.unk_id()
        self._lacking: dict[str, bool] = {}
        self._typed: dict[int, str] = {}
        self._typed = str.maketrans({printed: typed for printed, typed in TYPED.items() if self._has_unknown(printed)})

    def encode(self, text: str) -> list[str]:
        """Split `text` into pieces, without end-of-sentence."""
        pieces: list[str] = self._processor.encode(text.translate(self._typed), out_type=str)
        return pieces

    def decode(self, pieces: Sequence[str]) -> str:
        """Join pieces to text."""
        text: str = self._processor.decode(list(pieces))
        return text

    def count(self, text: str) -> int:
        """Number of pieces of `text`."""
        return len(self.encode(text))

    def unknown_spans(self, text: str) -> list[Span]:
        """Spans of `text` for which the vocabulary has no piece.

        Characters are looked up one by one and remembered, since a text uses few different ones; a run is then
        tried together with the character before it, as a combining mark alone may lack a piece that the composed
        letter has.
        """
        lacking = {character for character in set(text) if not character.isspace() and self._lacks(character)}
        if not lacking:
            return []
        spans = []
        for is_lacking, run in groupby(range(len(text)), key=lambda at: text[at] in lacking):
            positions = list(run)
            start, end = positions[0], positions[-1] + 1
            if is_lacking and self._has_unknown(text[max(0, start - 1) : end]):
                spans.append((start, end))
        return spans

    def _lacks(self, character: str) -> bool:
        if character not in self._lacking:
            self._lacking[character] = self._has_unknown(character)
        return self._lacking[character]

    def _has_unknown(self, text: str) -> bool:
        return self._unknown_id in self._processor.encode(text.translate(self._typed))


class WordPieceTokenizer:
    """The ids of a ``tokenizer.json``, with its start and end tokens.

    Args:
        path: the ``tokenizer.json`` file.
    """

    def __init__(self, path: Path) -> None:
        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def encode(self, text: str, *, max_tokens: int) -> list[int]:
        """Token ids of `text`; beyond `max_tokens` the rest is left out and the end token stays last."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids if len(ids) <= max_tokens else [*ids[: max_tokens - 1], ids[-1]]

    def count(self, text: str) -> int:
        """Number of tokens of `text`, start and end included."""
        return len(self._tokenizer.encode(text).ids)

    def unknown_spans(self, text: str) -> list[Span]:
        """Spans of `text` that became the unknown token."""
        encoding = self._tokenizer.encode(text)
        unknown = self._tokenizer.token_to_id("[UNK]")
        return [span for token, span in zip(encoding.ids, encoding.offsets, strict=True) if token == unknown]
