"""The three presets of decoding, and what a request may change in them."""

from dataclasses import dataclass
from enum import Enum

from polygist_service.engine.interface import Decoding, ModelInfo


class Preference(Enum):
    """What the caller would rather have.

    DEFAULT is greedy over the full vocabulary, so that no other caller's words are among the candidates. SPEED is
    greedy with the model's shortlist, where it has one. QUALITY is a beam search.
    """

    DEFAULT = 0
    SPEED = 1
    QUALITY = 2


@dataclass(frozen=True, slots=True)
class DecodingWish:
    """What a request says of decoding; 0 leaves a value to the preset or the model."""

    preference: Preference = Preference.DEFAULT
    beam_size: int = 0
    max_output_tokens: int = 0
    alternative_count: int = 0
    scores: bool = False

    def for_model(self, model: ModelInfo) -> Decoding:
        """The options for one model; n-best needs a beam at least as wide, so it is raised here."""
        beam = self.beam_size or (model.quality_beam_size if self.preference is Preference.QUALITY else 1)
        return Decoding(
            beam_size=max(beam, self.alternative_count + 1),
            hypothesis_count=self.alternative_count + 1,
            shortlist=self.preference is Preference.SPEED and model.has_shortlist,
            scores=self.scores,
            max_output_tokens=self.max_output_tokens,
        )
