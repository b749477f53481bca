"""The language of an input, told once from its beginning, and the terms that are chosen by it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

from polygist_client import Client, DetectedLanguage, GlossaryFile, InvalidInput, LanguageUndetermined
from polygist_client.cli.answers import Work
from polygist_client.cli.formats import MIME_TYPES, Format
from polygist_client.cli.inputs import Input
from polygist_client.cli.records import Record
from polygist_client.cli.session import Session

# Looks at the first records of an input and settles what the work needs to know; returns all of them again.
Prepare = Callable[[Client, Input, Iterator[Record], Work], tuple[Iterator[Record], Work]]

DETECTED_CHARACTERS = 100_000
CONFIDENT = 0.5  # below, a detection is a guess, for the server too, which warns of it


def keep_as_is(client: Client, source: Input, records: Iterator[Record], work: Work) -> tuple[Iterator[Record], Work]:
    """Settle nothing."""
    return records, work


def detect_once(session: Session) -> Prepare:
    """Settle the language of a source from its beginning, so that a short line is not taken for another language."""

    def prepare(client: Client, source: Input, records: Iterator[Record], work: Work) -> tuple[Iterator[Record], Work]:
        """Return all records again, and the work with their language; raises LanguageUndetermined."""
        if work.options.get("source"):
            return records, work
        sample, records = take_sample(records)
        best = detect(client, source.name, sample, work)
        if best is None or best.confidence < CONFIDENT:
            return records, work  # the server knows the target, too, and goes by the lines before each one
        session.detail(f"{source.name}: language {best.code} detected, confidence {best.confidence:.2f}")
        return records, work.with_options(source=best.code, candidates=())

    return prepare


def take_sample(records: Iterator[Record]) -> tuple[str, Iterator[Record]]:
    """Return the texts of the first records, and all of the records again."""
    head, characters = [], 0
    for record in records:
        head.append(record)
        characters += 1 + sum(len(text.text) for text in record.texts)
        if characters >= DETECTED_CHARACTERS:
            break
    return "\n".join(text.text for record in head for text in record.texts), chain(head, records)


def detect(client: Client, name: str, sample: str, work: Work) -> DetectedLanguage | None:
    """Detect the language of an input.

    Args:
        client: asks.
        name: of the input.
        sample: the beginning of it.
        work: whose candidates may be found.

    Returns:
        The likeliest language; None where there is nothing to tell one from, and nothing to translate.

    Raises:
        LanguageUndetermined: nobody can tell.
    """
    if not any(map(str.isalpha, sample)):
        return None
    best = client.detect_language(sample, max_candidates=1, candidates=work.options.get("candidates", ())).best
    if best.code == "und":
        raise undetermined(name)
    return best


def undetermined(name: str) -> LanguageUndetermined:
    """Make the error about an input whose language nobody can tell."""
    return LanguageUndetermined(f"cannot tell the language of {name}", reason="LANGUAGE_UNDETERMINED")


def choose_terms(client: Client, name: str, sample: str, work: Work, format: Format = "text") -> Work:
    """Choose the terms of a glossary of one's own by the language of an input, which may have to be told first.

    Args:
        client: tells the language.
        name: of the input.
        sample: the beginning of it.
        work: whose glossary it is.
        format: what the sample is.

    Raises:
        InvalidInput: the glossary has no terms from that language.
        LanguageUndetermined: nobody can tell the language.
    """
    if work.glossary is None:
        return work
    source, sample = work.options.get("source"), sample[:DETECTED_CHARACTERS]
    if not source and any(map(str.isalpha, sample)):
        source = tell_language(client, name, sample, work, format)
    return with_terms(work, source)


def tell_language(client: Client, name: str, sample: str, work: Work, format: Format) -> str:
    """Tell the language of an input, in doubt one that the glossary has; see `choose_terms`."""
    assert work.glossary is not None
    given, mime_type = work.options.get("candidates", ()), MIME_TYPES[format]
    best = client.detect_language(sample, candidates=given, max_candidates=1, mime_type=mime_type).best
    if best.confidence >= CONFIDENT and best.code != "und":
        return best.code
    others = other_languages(work.glossary, work.options["to"])
    if len(others) == 1:
        return others[0]
    code = client.detect_language(sample, candidates=others, max_candidates=1, mime_type=mime_type).best.code
    if code == "und":
        raise undetermined(name)
    return code


def with_terms(work: Work, source: str | None) -> Work:
    """Return the work with the terms of its glossary from a language; without where that is None or the target."""
    assert work.glossary is not None
    to = work.options["to"]
    if source is None or base_of(source) == base_of(to):
        return replace(work, glossary=None)
    return replace(work.with_options(terms=work.glossary.terms(source, to)), glossary=None)


def other_languages(glossary: GlossaryFile, to: str) -> list[str]:
    """List the languages of a glossary beside `to`; raises InvalidInput where there is none, or not `to`."""
    place = glossary.column_of(to)
    others = [code for at, code in enumerate(glossary.languages) if at != place and base_of(code) != base_of(to)]
    if place is None or not others:
        have = ", ".join(glossary.languages)
        raise InvalidInput(f"{glossary.name} has no terms to {to}; its languages: {have}", field="glossary")
    return others


def base_of(code: str) -> str:
    """Return the language of a code, without its region."""
    return code.replace("_", "-").partition("-")[0].lower()
