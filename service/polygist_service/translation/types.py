"""What goes into the `Translator` and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from polygist_service.engine.interface import Span
from polygist_service.notices import Notice
from polygist_service.text.documents.plain import Splitting
from polygist_service.translation.presets import DecodingWish
from polygist_service.translation.routing import PivotPolicy


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    """Texts to translate; `source` None is detected per text, `model` None is routed by the pair and `pivot_policy`."""

    contents: Sequence[str]
    target: str
    source: str | None = None
    model: str | None = None
    splitting: Splitting = Splitting.PUNCTUATION_AND_NEWLINES
    decoding: DecodingWish = field(default_factory=DecodingWish)
    pivot_policy: PivotPolicy = PivotPolicy.ALLOWED
    candidates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TranslatedSegment:
    """Where a segment stands in the source and in the translation, in code points."""

    source_span: Span
    target_span: Span
    score: float | None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another translation of the whole text."""

    text: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Translation:
    """One translated text; `model` is None where nothing had to be translated.

    Attributes:
        model: the one that wrote the text, the last one where it was pivoted.
        pivots: the languages in between.
        confidence: of the detection, None where the source language was given.
        score: mean log-probability per target token, None where not asked for.
    """

    text: str
    source: str
    target: str
    confidence: float | None = None
    model: str | None = None
    pivots: tuple[str, ...] = ()
    score: float | None = None
    segments: tuple[TranslatedSegment, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    notices: tuple[Notice, ...] = ()
    input_token_count: int = 0
    output_token_count: int = 0
