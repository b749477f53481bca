"""Every limit on a request, declared once: its default, its help, its name in ``GetServerInfo``. Stdlib only."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields


def limit(default: int, name: str, help_text: str) -> int:
    """Declare a limit."""
    value: int = field(default=default, metadata={"name": name, "help": help_text})
    return value


class LimitTooLowError(ValueError):
    """A limit is below 1.

    Args:
        field: its name in `Limits`.
        value: what it is.
    """

    def __init__(self, field: str, value: int) -> None:
        super().__init__(f"{field} is {value}, it must be at least 1")
        self.field = field
        self.value = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may ask for; raises LimitTooLowError."""

    translate_contents: int = limit(1024, "translate.contents", "texts in one Translate request")
    summarise_contents: int = limit(32, "summarise.contents", "articles in one Summarise request")
    detect_contents: int = limit(1024, "detect.contents", "texts in one DetectLanguage or CountTokens request")
    request_characters: int = limit(1_000_000, "request.characters", "code points in all contents of one request")
    query_characters: int = limit(1000, "summarise.query_characters", "code points in the query of a summary")
    candidates: int = limit(500, "detect.candidates", "languages that a detection is limited to")
    name_characters: int = limit(4096, "names.characters", "code points of a code, a name, an id, a MIME type")
    alternatives: int = limit(8, "translate.alternatives", "extra hypotheses of one text")
    beam_size: int = limit(8, "decoding.beam_size", "beam of one request")
    output_tokens: int = limit(1024, "decoding.max_output_tokens", "tokens that one segment may be given")
    sentences: int = limit(100, "summarise.sentences", "sentences of one summary")
    words: int = limit(10_000, "summarise.words", "words of one summary")
    kept_phrases: int = limit(1000, "terms.kept_phrases", "phrases in one request that are carried over as they are")
    glossary_entries: int = limit(1000, "terms.glossary_entries", "terms of a glossary in one request")
    phrase_characters: int = limit(256, "terms.phrase_characters", "code points of such a phrase or term")
    document_bytes: int = limit(12 << 20, "document.bytes", "size of a file to be translated or summarised")
    document_unpacked_bytes: int = limit(128 << 20, "document.unpacked_bytes", "size of all that is packed in a file")
    document_members: int = limit(4096, "document.members", "files that are packed in a file")
    batch_items: int = limit(64, "batch.items", "items of one BatchTranslate stream that are worked on at a time")
    batch_idle_seconds: int = limit(60, "batch.idle_seconds", "time that BatchTranslate waits for its caller")
    receiving: int = limit(8, "message.receiving", "requests, and messages of streams, that are received at a time")
    message_bytes: int = limit(16 << 20, "message.bytes", "size of one message on the wire")
    deadline_seconds: int = limit(600, "request.deadline_seconds", "longest deadline; a longer one is shortened")
    queue_seconds: int = limit(60, "queue.seconds", "work that may wait before a call, at the speed measured")
    queue_bytes: int = limit(2 << 30, "queue.bytes", "memory for the texts of all calls that are being answered")
    page_size: int = limit(1000, "list.page_size", "entries of one page of a list")

    def __post_init__(self) -> None:
        for each in fields(self):
            if (value := getattr(self, each.name)) < 1:
                raise LimitTooLowError(each.name, value)

    def named(self) -> Iterator[tuple[str, int]]:
        """Name on the wire and value of each limit."""
        for each in fields(self):
            yield each.metadata["name"], getattr(self, each.name)
