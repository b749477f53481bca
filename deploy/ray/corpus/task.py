"""What is to be done with every document."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from .errors import BulkError

LENGTHS = ("short", "medium", "long")
METHODS = ("extractive", "abstractive")
TYPES = ("paragraph", "tldr", "key_points", "headline")
PREFERENCES = ("speed", "quality")
MIME_TYPES = ("text/plain", "text/html", "text/markdown")
FORMATS = ("jsonl", "parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be done with every document, and how the results are written.

    Attributes:
        translate_to: the language to translate to; empty where nothing is translated.
        summarise: whether a summary is written.
        summary_language: of the summaries; empty is that of each document.
        summary_length: one of `LENGTHS`; empty is the service's default, as with all that follow.
        summary_method: one of `METHODS`.
        summary_type: one of `TYPES`.
        source_language: of all documents; empty is found out for each.
        mime_type: what the texts are.
        prefer: one of `PREFERENCES`.
        text_field: the field, or column, of the text.
        id_field: that of the id; a document without one is called by its place.
        output_format: one of `FORMATS`.
    """

    translate_to: str = ""
    summarise: bool = False
    summary_language: str = ""
    summary_length: str = ""
    summary_method: str = ""
    summary_type: str = ""
    source_language: str = ""
    mime_type: str = ""
    prefer: str = ""
    text_field: str = "text"
    id_field: str = "id"
    output_format: str = "jsonl"

    def __post_init__(self) -> None:
        if not (self.translate_to or self.summarise):
            raise BulkError("nothing is to be done; give --translate-to LANGUAGE, --summarise or both")
        for name in ("language", "length", "method", "type"):
            if not self.summarise and (given := getattr(self, f"summary_{name}")):
                raise BulkError(f"--summary-{name} {given!r}: no summary is asked for; add --summarise")
        if not self.text_field:
            raise BulkError("--text-field '' names no field; give that of the text, such as text or body")

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept beside the results."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Task":
        """Return what `to_json` was made of."""
        return cls(**given)

    def expect_same(self, other: "Task", place: str) -> None:
        """Raise BulkError where the results that are in `place` were asked for otherwise."""
        for field in fields(self):
            mine, its = getattr(self, field.name), getattr(other, field.name)
            if mine != its:
                flag = f"--{field.name.replace('_', '-')}"
                raise BulkError(
                    f"{flag} is {mine!r}, and the results in {place} were begun with {its!r};"
                    " give the same options to go on with them, or another output folder to begin anew"
                )
