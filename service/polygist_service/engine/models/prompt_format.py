"""How a text enters a model: between the tokens of languages and of ends, after the words that the model expects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from polygist_service.engine.interface import Decoding
from polygist_service.errors import InferenceFailed

TEXT, SOURCE, TARGET = "{text}", "{source}", "{target}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One segment as a model takes it: what its encoder reads, and what its decoder is made to begin with."""

    tokens: Sequence[str]
    prefix: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of things in a `Prompt`.

    Attributes:
        source: tokens, and ``{source}``, ``{target}`` and ``{text}`` in their places; for the encoder.
        target: the same without a text, for the decoder.
        languages: the token of each language, where languages enter as tokens.
        text_prefix: words before every text.
    """

    source: Sequence[str] = (TEXT,)
    target: Sequence[str] = ()
    languages: Mapping[str, str] = field(default_factory=dict)
    text_prefix: str = ""

    def lay_out(self, tokens: Sequence[str], options: Decoding) -> Prompt:
        """Put the tokens of a text in their place; raises InferenceFailed where a language has no token."""
        laid: list[str] = []
        for part in self.source:
            laid += tokens if part == TEXT else [self._fill(part, options)]
        return Prompt(laid, [self._fill(part, options) for part in self.target])

    def _fill(self, part: str, options: Decoding) -> str:
        if part not in (SOURCE, TARGET):
            return part
        language = options.source if part == SOURCE else options.target
        if language not in self.languages:
            known = ", ".join(sorted(self.languages)[:10])
            raise InferenceFailed(f"the model has no token for language {language!r}; it has: {known}")
        return self.languages[language]


PLAIN = Layout()
