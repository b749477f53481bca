"""What requests prescribe of words, in the words of the domain."""

from collections.abc import Iterator, Mapping, Sequence

from polygist.v1 import common_pb2

from polygist_service.errors import InvalidRequest, RequestTooLarge
from polygist_service.limits import Limits
from polygist_service.translation.terms.types import PlaceholderSyntax, Term, Terms
from polygist_service.wire.validation import GLOSSARY_PREFIX, ContentRequest

SYNTAXES: Mapping[int, PlaceholderSyntax] = {
    common_pb2.PLACEHOLDER_SYNTAX_MUSTACHE: PlaceholderSyntax.MUSTACHE,
    common_pb2.PLACEHOLDER_SYNTAX_BRACES: PlaceholderSyntax.BRACES,
    common_pb2.PLACEHOLDER_SYNTAX_PRINTF: PlaceholderSyntax.PRINTF,
    common_pb2.PLACEHOLDER_SYNTAX_SHELL: PlaceholderSyntax.SHELL,
    common_pb2.PLACEHOLDER_SYNTAX_URL_EMAIL: PlaceholderSyntax.URL_EMAIL,
}


def parse_terms(request: ContentRequest, limits: Limits) -> Terms:
    """Return what a request prescribes of words; raises InvalidRequest."""
    glossary = request.glossary_config
    check_count("do_not_translate_phrases", len(request.do_not_translate_phrases), limits.kept_phrases)
    check_count("glossary_config.entries", len(glossary.entries), limits.glossary_entries)
    return Terms(
        kept_phrases=tuple(parse_phrases("do_not_translate_phrases", request.do_not_translate_phrases, limits)),
        syntaxes=frozenset(parse_syntaxes(request.placeholder_syntaxes)),
        entries=tuple(parse_entries(glossary.entries, limits)),
        glossary=parse_glossary("glossary_config.glossary", glossary.glossary),
        ignore_case=glossary.ignore_case,
    )


def check_count(field: str, count: int, most: int) -> None:
    """Refuse more entries of a field than there may be."""
    if count > most:
        raise RequestTooLarge(
            field, f"{count} entries, the limit is {most}; give those that the texts need", requested=count, limit=most
        )


def parse_phrases(field: str, phrases: Sequence[str], limits: Limits) -> Iterator[str]:
    """Yield the phrases of a repeated field."""
    return (parse_phrase(f"{field}[{at}]", phrase, limits) for at, phrase in enumerate(phrases))


def parse_phrase(field: str, phrase: str, limits: Limits) -> str:
    """Return a phrase: it is not blank, and not too long."""
    if not phrase.strip():
        raise InvalidRequest(field, f"{phrase!r} has no characters to be found; leave it out")
    if len(phrase) > limits.phrase_characters:
        raise RequestTooLarge(
            field, f"{len(phrase)} characters, the limit is {limits.phrase_characters}; shorten it",
            requested=len(phrase), limit=limits.phrase_characters,
        )  # fmt: skip
    return phrase


def parse_entries(entries: Sequence[common_pb2.GlossaryEntry], limits: Limits) -> Iterator[Term]:
    """Yield the terms of a request."""
    for at, entry in enumerate(entries):
        field = f"glossary_config.entries[{at}]"
        source = parse_phrase(f"{field}.source_term", entry.source_term, limits)
        yield Term(source, parse_phrase(f"{field}.target_term", entry.target_term, limits))


def parse_syntaxes(values: Sequence[int]) -> Iterator[PlaceholderSyntax]:
    """Yield the syntaxes of a request."""
    for at, value in enumerate(values):
        if value not in SYNTAXES:
            names = ", ".join(common_pb2.PlaceholderSyntax.Name(each) for each in SYNTAXES)  # type: ignore[arg-type]
            raise InvalidRequest(f"placeholder_syntaxes[{at}]", f"{value} is not one of {names}")
        yield SYNTAXES[value]


def parse_glossary(field: str, value: str) -> str | None:
    """Return the name of a glossary of the operator; None for an empty field."""
    name = value.removeprefix(GLOSSARY_PREFIX)
    if value and (not name or name == value or "/" in name):
        raise InvalidRequest(field, f"{value!r} is no glossary; give {GLOSSARY_PREFIX}NAME, as ListGlossaries does")
    return name or None
