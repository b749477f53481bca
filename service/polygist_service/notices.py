"""What a caller should know about an answer that is not an error; becomes a ``Warning`` on the wire. Stdlib only."""

from dataclasses import dataclass
from enum import Enum


class NoticeKind(Enum):
    """The kinds of the contract's ``WarningCode`` that this version gives."""

    SEGMENT_HARD_SPLIT = 1
    OUTPUT_LIMIT_REACHED = 2
    LOW_DETECTION_CONFIDENCE = 3
    SAME_LANGUAGE = 4
    PIVOTED = 5
    REPETITION_SUPPRESSED = 6
    PLACEHOLDER_LOST = 7
    MARKUP_DEGRADED = 8
    GLOSSARY_TERM_NOT_APPLIED = 9
    LENGTH_TARGET_MISSED = 10
    UNKNOWN_CHARACTERS = 11
    METHOD_FALLBACK = 12
    NUMBER_CHANGED = 13
    MIXED_LANGUAGES = 14
    UNTRANSLATED = 15
    EXPERIMENTAL_MODEL = 16
    NO_ARTICLE = 17
    READING_SPEED_EXCEEDED = 18
    DOCUMENT_ALTERED = 19


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know; `span` is where in the source, in code points, half-open."""

    kind: NoticeKind
    message: str
    span: tuple[int, int] | None = None
