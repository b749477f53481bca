"""The golden answers of a model: what it answered when it was installed, kept in its manifest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from polygist_service.store.validation import read_as

# A server that loads the model waits for all of them.
MOST_ANSWERS = 100
STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class GoldenAnswer:
    """A text, how a model was asked, and what it answered.

    Attributes:
        text: what it read.
        source, target: languages, as its description spells them; an encoder has none.
        shortlist: whether it chose among its shortlist only.
        written: its output; empty for an encoder.
        token_count: tokens of that.
        score: the mean log-probability of these.
        vector: what an encoder made of the text: 16-bit floats, little-endian, in Base64.
    """

    __pydantic_config__ = STRICT

    text: str
    source: str = ""
    target: str = ""
    shortlist: bool = False
    written: str = ""
    token_count: int = 0
    score: float = 0.0
    vector: str = ""


@dataclass(frozen=True, slots=True)
class Calculation:
    """All that the same weights may answer differently by.

    Attributes:
        compute_type: the numbers that they are calculated with, as CTranslate2 names them.
        instruction_set: see `engine.hardware.find_instruction_set`; empty where that is not known.
        software: the versions of what asks and of what calculates.
    """

    __pydantic_config__ = STRICT

    compute_type: str
    instruction_set: str
    software: str

    def is_same(self, other: "Calculation") -> bool:
        """Whether the same weights answer the same to the token."""
        return bool(self.instruction_set) and self == other

    def __str__(self) -> str:
        return f"{self.compute_type} on {self.instruction_set or 'an unknown processor'} by {self.software}"


@dataclass(frozen=True, slots=True)
class GoldenAnswers:
    """What a model answered, and how that was calculated."""

    __pydantic_config__ = STRICT

    calculation: Calculation
    answers: Annotated[tuple[GoldenAnswer, ...], Field(min_length=1, max_length=MOST_ANSWERS)]

    def to_json(self) -> dict[str, Any]:
        """What a manifest keeps."""
        return {**asdict(self.calculation), "answers": [asdict(answer) for answer in self.answers]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises ValueError, naming the field, where it is something else."""
        calculation = {key: value for key, value in values.items() if key != "answers"}
        return read_as(cls, {"calculation": calculation, "answers": values.get("answers")})
