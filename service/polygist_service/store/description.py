"""What a model is, to those who run it: read from the catalogue and the model's own files, kept in its manifest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from polygist_service.store.golden_answers import GoldenAnswers
from polygist_service.store.validation import must_be, one_of, read_as
from polygist_service.text.languages import BadTag, parse_tag

ROLES = ("translation", "summarisation", "encoder")
TOKENIZERS = ("sentencepiece", "pieces", "json", "chat")
COMPUTE_TYPES = (
    "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32",
)  # fmt: skip
# More than any model has or does.
MOST = 10_000_000


def is_language(tag: str) -> bool:
    """Whether a text is a canonical language tag, or stands for any language."""
    try:
        return tag == "und" or parse_tag(tag) == tag
    except BadTag:
        return False


# What is told to people, on terminals, too.
Line = Annotated[str, must_be("a text on one line, without control characters", str.isprintable)]
LanguageTag = Annotated[str, must_be("a language code such as en or pt-BR", is_language)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Number = Annotated[float, Field(ge=-MOST, le=MOST)]


@dataclass(frozen=True)
class Description:
    """One installed model.

    Attributes:
        role: one of `ROLES`.
        family: the family that its rules come from.
        license: SPDX expression or the licence's name.
        source_languages, target_languages: BCP-47; an encoder has no target languages.
        language_tokens: the vocabulary's token of each language, where languages enter as tokens.
        tokenizer: the kind of its tokenizer files, one of `TOKENIZERS`.
        source_layout: what the encoder reads: tokens, and ``{source}``, ``{target}`` and ``{text}`` in their places.
        target_layout: what the decoder is made to begin with, in the same way.
        text_prefix: words before every text.
        end_tokens: what ends an output; empty for the model's own end of sentence.
        max_input_tokens: the window, what the layout adds left out.
        max_output_tokens: at most so many; 0 goes by the length of the source.
        min_output_tokens, no_repeat_ngram_size, repetition_penalty, length_penalty: as CTranslate2 takes them.
        quality_beam_size: the beam of the QUALITY preset.
        shortlist: whether it has a vocabulary map.
        compute_type: of the stored weights, as CTranslate2 names it: one of `COMPUTE_TYPES`, or ``default``.
        int8_limit: the largest magnitude of its weights where they are 8-bit; 0 where nobody wrote it down.
        experimental: whether it is unfit to be the server's own choice.
        runs_as: the compute type that it is loaded with; empty for what suits the device.
        encoder_positions, decoder_positions: how many its weights hold encodings for; 0 for a side without, as one with
            relative or rotary positions, which no length ends.
        aligns: whether its attention tells which words became which; None goes by the family.
        alignment_layer, alignment_heads: the attention that does: the first heads of a layer of its decoder.
        alignment_share: of what share of words it told the right ones; None where that was not measured.
        pooling: how an encoder's states become one vector: ``mean`` or ``cls``.
        golden_text: a text that the loaded model must have an answer to.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Line
    display_name: Line
    role: Annotated[str, one_of(ROLES)]
    family: Line
    license: Line
    source_languages: tuple[LanguageTag, ...]
    target_languages: tuple[LanguageTag, ...]
    tokenizer: Annotated[str, one_of(TOKENIZERS)]
    max_input_tokens: Annotated[Count, Field(ge=1)]
    language_tokens: Mapping[str, str] = field(default_factory=dict)
    source_layout: tuple[str, ...] = ("{text}",)
    target_layout: tuple[str, ...] = ()
    text_prefix: str = ""
    end_tokens: tuple[str, ...] = ()
    max_output_tokens: Count = 0
    min_output_tokens: Count = 0
    no_repeat_ngram_size: Count = 0
    repetition_penalty: Number = 1.0
    length_penalty: Number = 1.0
    quality_beam_size: Count = 2
    shortlist: bool = False
    compute_type: Annotated[str, one_of((*COMPUTE_TYPES, "default", ""))] = "int8"
    int8_limit: Count = 0
    experimental: bool = False
    runs_as: str = ""
    encoder_positions: Count = 0
    decoder_positions: Count = 0
    aligns: bool | None = None
    alignment_layer: Annotated[int, Field(ge=-1, le=MOST)] = -1
    alignment_heads: Count = 1
    alignment_share: Number | None = None
    pooling: Annotated[str, one_of(("mean", "cls"))] = "mean"
    golden_text: str = "The library opens at nine in the morning and closes at six in the evening."

    def to_json(self) -> dict[str, Any]:
        """What a manifest keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises ValueError, naming the field, where it is something else."""
        return read_as(cls, values)


@dataclass(frozen=True)
class InstalledModel:
    """A model on this machine.

    Attributes:
        revision: the digest over the checksums of its files.
        golden: what it answered when it was installed; None where nobody asked it.
    """

    name: str
    description: Description
    folder: Path
    revision: str
    size_bytes: int
    golden: GoldenAnswers | None = None


@dataclass(frozen=True)
class Inventory:
    """What the folder of the models holds.

    Attributes:
        models: that can be read, sorted by name.
        damaged: the others, by name, each with what is wrong and the cure.
        strays: what lies there and is no model, by name, and what it is instead.
    """

    models: tuple[InstalledModel, ...]
    damaged: Mapping[str, str] = field(default_factory=dict)
    strays: Mapping[str, str] = field(default_factory=dict)
