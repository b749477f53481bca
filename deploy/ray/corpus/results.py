"""What becomes of a document, and what is counted of a part."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .documents import Document

UNREADABLE = "DOCUMENT_UNREADABLE"
# However short they are.
MOST_WAITING = 4096


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something of a document is missing.

    Attributes:
        step: what failed: ``read``, ``translate`` or ``summarise``.
        code: the name of the status, as gRPC has them.
        reason: the kind of error, for programs.
        message: what happened, and what to do about it.
    """

    step: str
    code: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What becomes of a document; these are the fields of the output.

    Attributes:
        id, file, position: see `Document`.
        source_language: what it is in, where that is known.
        translation, summary: None where it was not asked for, or failed.
        warnings: names of what the service warns of.
        errors: what failed.
        tokens_read, tokens_written: by models; not in the output.
    """

    id: str
    file: str
    position: int
    source_language: str | None = None
    translation: str | None = None
    summary: str | None = None
    warnings: tuple[str, ...] = ()
    errors: tuple[Failure, ...] = ()
    tokens_read: int = 0
    tokens_written: int = 0

    def to_row(self) -> dict[str, Any]:
        """Return it as it is written."""
        row = asdict(self)
        del row["tokens_read"], row["tokens_written"]
        return {**row, "warnings": list(self.warnings), "errors": [asdict(each) for each in self.errors]}


@dataclass(slots=True)
class Tally:
    """What is counted of one part or of many.

    Attributes:
        documents: all, those that failed included.
        failed: those of which something is missing.
        characters: code points of all texts.
        tokens_read, tokens_written: by models.
        reasons: how many documents failed for which reason.
    """

    documents: int = 0
    failed: int = 0
    characters: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def count(self, document: Document, result: Result) -> None:
        """Count one document."""
        self.documents += 1
        self.failed += bool(result.errors)
        self.characters += len(document.text)
        self.tokens_read += result.tokens_read
        self.tokens_written += result.tokens_written
        self.reasons.update({failure.reason or failure.code for failure in result.errors})

    def add(self, other: "Tally") -> None:
        """Count all that another one has."""
        self.documents += other.documents
        self.failed += other.failed
        self.characters += other.characters
        self.tokens_read += other.tokens_read
        self.tokens_written += other.tokens_written
        self.reasons.update(other.reasons)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        counts = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**counts, "reasons": dict(self.reasons)}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Tally":
        """Return what `to_json` was made of."""
        return cls(**{**given, "reasons": Counter(given["reasons"])})


def refuse(document: Document) -> Result:
    """Return the result of a document that cannot be read."""
    failure = Failure("read", "INVALID_ARGUMENT", UNREADABLE, document.problem)
    return Result(id=document.id, file=document.file, position=document.position, errors=(failure,))


def work_in_order(
    documents: Iterable[Document], submit: Callable[[Document], "Future[Result]"], *, most_characters: int
) -> Iterator[tuple[Document, Result]]:
    """Work on many documents at a time, and yield their results in the order of the documents.

    Args:
        documents: are read only as far as they are worked on.
        submit: begins with one.
        most_characters: code points that are worked on at a time, or one document that has more.
    """
    waiting: deque[tuple[Document, Future[Result] | Result]] = deque()
    characters = 0
    for document in documents:
        while waiting and (characters + len(document.text) > most_characters or len(waiting) == MOST_WAITING):
            characters -= len(waiting[0][0].text)
            yield take(waiting)
        waiting.append((document, refuse(document) if document.problem else submit(document)))
        characters += len(document.text)
    while waiting:
        yield take(waiting)


def take(waiting: "deque[tuple[Document, Future[Result] | Result]]") -> tuple[Document, Result]:
    """Wait for the first result."""
    document, result = waiting.popleft()
    return document, result if isinstance(result, Result) else result.result()
