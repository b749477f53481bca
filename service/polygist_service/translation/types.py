"""What goes into the `Translator` and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from polygist_service.engine.interface import Decoding, ModelInfo
from polygist_service.notices import Notice
from polygist_service.text.alignment import Alignment
from polygist_service.text.documents.base import PLAIN, Splitting
from polygist_service.text.segmentation import Span
from polygist_service.translation.terms.types import Terms


class Preference(Enum):
    """What the caller would rather have.

    DEFAULT is greedy over the full vocabulary, so that no other caller's words are among the candidates. SPEED is
    greedy with the model's shortlist, where it has one. QUALITY is a beam search.
    """

    DEFAULT = 0
    SPEED = 1
    QUALITY = 2


class PivotPolicy(Enum):
    """What to do where no model serves a pair directly: translate through another language, or refuse."""

    ALLOWED = 0
    DIRECT_ONLY = 1


@dataclass(frozen=True, slots=True)
class DecodingPreset:
    """What a request says of decoding; 0 leaves a value to the preset or the model."""

    preference: Preference = Preference.DEFAULT
    beam_size: int = 0
    max_output_tokens: int = 0
    alternative_count: int = 0
    scores: bool = False
    alignment: bool = False

    def for_model(self, model: ModelInfo) -> Decoding:
        """The options for one model; n-best needs a beam at least as wide, so it is raised here."""
        beam = self.beam_size or (model.quality_beam_size if self.preference is Preference.QUALITY else 1)
        return Decoding(
            beam_size=max(beam, self.alternative_count + 1),
            hypothesis_count=self.alternative_count + 1,
            shortlist=self.preference is Preference.SPEED and model.has_shortlist,
            scores=self.scores,
            max_output_tokens=self.max_output_tokens,
            alignment=self.alignment,
        )


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    """Texts to translate.

    Attributes:
        source: the language of all of them; None is detected for each.
        model: a model's name; None is routed by the pair and `pivot_policy`.
        candidates: languages that the detection is limited to; empty for no limit.
        mime_type: what kind of documents the texts are.
        terms: what is prescribed of words.
    """

    contents: Sequence[str]
    target: str
    source: str | None = None
    model: str | None = None
    splitting: Splitting = Splitting.AUTOMATIC
    decoding: DecodingPreset = field(default_factory=DecodingPreset)
    pivot_policy: PivotPolicy = PivotPolicy.ALLOWED
    candidates: frozenset[str] = frozenset()
    mime_type: str = PLAIN
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True)
class TranslatedSegment:
    """Where a segment stands in the source and in the translation, in code points.

    Attributes:
        alignment: the words of the translation with those of the source; empty where not asked for.
    """

    source_span: Span
    target_span: Span
    score: float | None
    alignment: Alignment = ()


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
        token_count: of the text, as far as models wrote it.
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
    token_count: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How many parts are done of those known so far."""

    completed: int
    total: int


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of a text; it is never taken back."""

    text: str


# What happens to a content while it is translated: its text comes, then the whole of it.
Event = Progress | Delta | Translation
