"""Tokens in and out of text: SentencePiece files, and the ``tokenizer.json`` files of the `tokenizers` library."""

import re
from collections.abc import Collection, Sequence, Set
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import Any, Protocol

import sentencepiece
import tokenizers

from polygist_service.text.segmentation import Span, strip

# What stands for a character of printed text in a vocabulary that was made from typed text.
TYPED = {
    **dict.fromkeys("‘’‚‛′‹›", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("–−‐‑", "-"),
    **dict.fromkeys("—―", " - "),
    "\u00ad": "",
}
UNKNOWN = ("<unk>", "[UNK]")
# About what a token of a vocabulary of 32,000 costs: its logarithm.
TOKEN_COST = 10.0
# No spelling with an unknown piece is the best one.
UNKNOWN_COST = 50.0


class Tokenizer(Protocol):
    """Splits text into a model's tokens and joins them again; no text becomes a control token."""

    def encode(self, text: str) -> list[str]:
        """The tokens of `text`, none for its ends."""
        ...

    def decode(self, tokens: Sequence[str]) -> str:
        """The text of tokens; control tokens leave nothing."""
        ...

    def count(self, text: str) -> int:
        """Number of tokens of `text`."""
        ...

    def unknown_spans(self, text: str) -> list[Span]:
        """Spans of `text` for which the vocabulary has no token."""
        ...

    def likelihood(self, text: str) -> float:
        """Log-probability of a few words by the vocabulary alone; by the number of tokens where it knows no other."""
        ...

    def token_spans(self, text: str) -> list[Span]:
        """The span of each of the tokens of `text` in it, without white space; empty ones where they stand for none."""
        ...

    def decoded_spans(self, tokens: Sequence[str]) -> list[Span]:
        """The span of each of `tokens` in the text that they are decoded to, without white space."""
        ...

    def tokens_with(self, characters: Set[str]) -> list[str]:
        """The tokens of outputs that show one of the characters."""
        ...


class SentencePieceTokenizer:
    """The pieces of SentencePiece models.

    Args:
        path: of the model that reads.
        target: of the model that writes; None where it is the same.
        vocabulary: the tokens that there are, where not every piece is one; None where every piece is.
        reserved: tokens that leave nothing in an output, beside the ends: the names of languages.
        reads_printed: whether printed quotes and dashes that the vocabulary lacks are read as typed ones.
    """

    def __init__(
        self,
        path: Path,
        *,
        target: Path | None = None,
        vocabulary: Collection[str] | None = None,
        reserved: Collection[str] = (),
        reads_printed: bool = True,
    ) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self._writer = sentencepiece.SentencePieceProcessor(model_file=str(target)) if target else self._processor
        self._vocabulary = None if vocabulary is None else frozenset(vocabulary)
        self._silent = frozenset({"<s>", "</s>", "<pad>", *reserved})
        self._unknown_id: int = self._processor.unk_id()
        self._lacking: dict[str, bool] = {}
        self._typed: dict[int, str] = {}
        if reads_printed:
            lacking = {printed: typed for printed, typed in TYPED.items() if self._has_unknown(printed)}
            self._typed = str.maketrans(lacking)

    def encode(self, text: str) -> list[str]:
        """See `Tokenizer`; a piece that is no token of the vocabulary stays as it is, and is unknown to the model."""
        pieces: list[str] = self._processor.encode(text.translate(self._typed), out_type=str)
        return pieces

    def decode(self, tokens: Sequence[str]) -> str:
        """See `Tokenizer`."""
        text: str = self._writer.decode([token for token in tokens if token not in self._silent])
        return text

    def count(self, text: str) -> int:
        """See `Tokenizer`."""
        return len(self.encode(text))

    def unknown_spans(self, text: str) -> list[Span]:
        """See `Tokenizer`.

        Characters are looked up one by one and remembered, since a text uses few different ones; a run is then
        tried together with the character before it, as a combining mark alone may lack a piece that the composed
        letter has.
        """
        for character in set(text).difference(self._lacking):
            self._lacking[character] = not character.isspace() and self._has_unknown(character)
        lacking = {character for character in set(text) if self._lacking[character]}
        if not lacking:
            return []
        spans = []
        for is_lacking, run in groupby(range(len(text)), key=lambda at: text[at] in lacking):
            positions = list(run)
            start, end = positions[0], positions[-1] + 1
            if is_lacking and self._has_unknown(text[max(0, start - 1) : end]):
                spans.append((start, end))
        return spans

    def likelihood(self, text: str) -> float:
        """See `Tokenizer`."""
        numbers = self._processor.encode(text.translate(self._typed))
        return sum(
            -UNKNOWN_COST if number == self._unknown_id else self._processor.get_score(number) for number in numbers
        )

    def token_spans(self, text: str) -> list[Span]:
        """See `Tokenizer`."""
        typed = text.translate(self._typed)
        # What is read as typed text may be longer or shorter: where each of its characters stands in `text`.
        places = [at for at, character in enumerate(text) for _ in character.translate(self._typed)]
        pieces = self._processor.encode(typed, return_type="proto").pieces
        spans = [strip(typed, *span) for span in read_surfaces(pieces, typed)]
        return [(places[start], places[end - 1] + 1) if start < end else (0, 0) for start, end in spans]

    def decoded_spans(self, tokens: Sequence[str]) -> list[Span]:
        """See `Tokenizer`."""
        spoken = [token for token in tokens if token not in self._silent]
        decoded = self._writer.decode(spoken, return_type="proto")
        spans = iter(read_surfaces(decoded.pieces, decoded.text))
        end, placed = 0, []
        for token in tokens:
            start, end = (end, end) if token in self._silent else next(spans)
            placed.append(strip(decoded.text, start, end))
        return placed

    def tokens_with(self, characters: Set[str]) -> list[str]:
        """See `Tokenizer`."""
        pieces = (self._writer.id_to_piece(number) for number in range(self._writer.get_piece_size()))
        known = (piece for piece in pieces if self._vocabulary is None or piece in self._vocabulary)
        return [piece for piece in known if not characters.isdisjoint(piece)]

    def _has_unknown(self, text: str) -> bool:
        typed = text.translate(self._typed)
        if self._vocabulary is None:
            return self._unknown_id in self._processor.encode(typed)
        pieces = self._processor.encode(typed, out_type=str)
        return any(piece not in self._vocabulary for piece in pieces if piece != "▁")


def read_surfaces(pieces: Sequence[Any], text: str) -> list[Span]:
    """Return the half-open spans of pieces in a text, in code points: all of it but for white space before them."""
    before = len(text.encode()[: pieces[0].begin].decode()) if pieces else 0
    return list(pairwise(accumulate((len(piece.surface) for piece in pieces), initial=before)))


class JsonTokenizer:
    """The tokens of a ``tokenizer.json``.

    Args:
        path: of the file.
        reserved: tokens that no text may become, beside those that the file calls special: the names of languages.
    """

    def __init__(self, path: Path, *, reserved: Collection[str] = ()) -> None:
        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # Special tokens in a text are text; a vocabulary may have them as pieces nevertheless, see `encode`.
        self._tokenizer.encode_special_tokens = True
        special = {token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special}
        self._reserved = frozenset({*special, *reserved}.difference(UNKNOWN))
        known = (self._tokenizer.token_to_id(token) for token in UNKNOWN)
        self._unknown_id = next((number for number in known if number is not None), None)

    def encode(self, text: str) -> list[str]:
        """See `Tokenizer`; a space after the first character of a control token in the text makes it text."""
        tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        while found := self._reserved.intersection(tokens):
            pattern = "|".join(map(re.escape, sorted(found)))
            broken = re.sub(pattern, lambda match: f"{match[0][0]} {match[0][1:]}", text)
            if broken == text:  # made by normalising, so it cannot be broken up in the text: it is left out
                return [token for token in tokens if token not in self._reserved]
            text = broken
            tokens = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return tokens

    def encode_frame(self, text: str) -> list[str]:
        """The tokens of what is not a caller's text: control tokens in it are control tokens.

        Not for use while other threads encode: the tokenizer's one switch is turned and turned back.
        """
        self._tokenizer.encode_special_tokens = False
        try:
            tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        finally:
            self._tokenizer.encode_special_tokens = True
        return tokens

    def decode(self, tokens: Sequence[str]) -> str:
        """See `Tokenizer`."""
        ids = [number for token in tokens if (number := self._tokenizer.token_to_id(token)) is not None]
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text.strip()

    def count(self, text: str) -> int:
        """See `Tokenizer`."""
        return len(self.encode(text))

    def unknown_spans(self, text: str) -> list[Span]:
        """See `Tokenizer`."""
        if self._unknown_id is None:
            return []
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        offsets = zip(encoding.ids, encoding.offsets, strict=True)
        return [span for number, span in offsets if number == self._unknown_id and span[0] < span[1]]

    def likelihood(self, text: str) -> float:
        """See `Tokenizer`."""
        return -TOKEN_COST * self.count(text)

    def token_spans(self, text: str) -> list[Span]:
        """See `Tokenizer`; none where a control token in the text had to be broken up."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [] if self._reserved.intersection(encoding.tokens) else [strip(text, *span) for span in encoding.offsets]

    def decoded_spans(self, tokens: Sequence[str]) -> list[Span]:
        """See `Tokenizer`; by the growing text, as one token alone may not be decoded as it is among others."""
        text, end, placed = self.decode(tokens), 0, []
        for count in range(1, len(tokens) + 1):
            start, end = end, max(end, min(len(text), len(self.decode(tokens[:count]))))
            placed.append(strip(text, start, end))
        return placed

    def tokens_with(self, characters: Set[str]) -> list[str]:
        """See `Tokenizer`; a token that holds but a part of a character's bytes shows none."""
        return [token for token in self._tokenizer.get_vocab() if not characters.isdisjoint(token)]


class TemplateTokenizer:
    """The ids of a ``tokenizer.json``, with its start and end tokens.

    Args:
        path: the ``tokenizer.json`` file.
    """

    def __init__(self, path: Path) -> None:
        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True

    def encode(self, text: str, *, max_tokens: int) -> list[int]:
        """Token ids of `text`; beyond `max_tokens` the rest is left out and the end token stays last."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids if len(ids) <= max_tokens else [*ids[: max_tokens - 1], ids[-1]]

    def count(self, text: str) -> int:
        """Number of tokens of `text`, with those of its ends."""
        return len(self._tokenizer.encode(text).ids)

    def likelihood(self, text: str) -> float:
        """See `Tokenizer.likelihood`."""
        return -TOKEN_COST * self.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        """Spans of `text` that became the unknown token."""
        encoding = self._tokenizer.encode(text)
        known = (self._tokenizer.token_to_id(token) for token in UNKNOWN)
        unknown = next((number for number in known if number is not None), None)
        return [span for token, span in zip(encoding.ids, encoding.offsets, strict=True) if token == unknown]
