"""What requests prescribe of words, in the words of the domain."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from polygist.v1 import common_pb2, translation_service_pb2

from polygist_service.errors import InvalidRequest, RequestTooLarge
from polygist_service.limits import Limits
from polygist_service.translation.terms.types import PlaceholderSyntax, Term, Terms
from polygist_service.translation.terms.words import find_no_kept, find_no_phrase, find_no_target
from polygist_service.wire.validation import GLOSSARY_PREFIX, ContentRequest, check_count

# Of so many requests with different terms what was made of them is kept.
REMEMBERED = 8
# A language code takes as long to be read as so many code points, unless it is a new one.
CODE_CHARACTERS = 16
SHORTER = "give those that the texts need"
Problem = Callable[[str], InvalidRequest]
SYNTAXES: Mapping[int, PlaceholderSyntax] = {
    common_pb2.PLACEHOLDER_SYNTAX_MUSTACHE: PlaceholderSyntax.MUSTACHE,
    common_pb2.PLACEHOLDER_SYNTAX_BRACES: PlaceholderSyntax.BRACES,
    common_pb2.PLACEHOLDER_SYNTAX_PRINTF: PlaceholderSyntax.PRINTF,
    common_pb2.PLACEHOLDER_SYNTAX_SHELL: PlaceholderSyntax.SHELL,
    common_pb2.PLACEHOLDER_SYNTAX_URL_EMAIL: PlaceholderSyntax.URL_EMAIL,
}


def measure_lists(request: ContentRequest | translation_service_pb2.DetectLanguageRequest) -> int:
    """Return how long it takes to parse a request, as the `characters` that `TextPool.run` goes through.

    That is what its lists of terms and codes take; all else is quick.
    """
    length = CODE_CHARACTERS * len(request.candidate_language_codes)
    if isinstance(request, translation_service_pb2.DetectLanguageRequest):
        return length
    return length + request.glossary_config.ByteSize() + sum(map(len, request.do_not_translate_phrases))


def parse_terms(request: ContentRequest, limits: Limits) -> Terms:
    """Return what a request prescribes of words; raises InvalidRequest."""
    return read_terms(
        request.glossary_config.SerializeToString(),
        tuple(request.do_not_translate_phrases),
        tuple(request.placeholder_syntaxes),
        limits,
    )


@lru_cache(maxsize=REMEMBERED)
def read_terms(config: bytes, phrases: Sequence[str], syntaxes: Sequence[int], limits: Limits) -> Terms:
    """Return terms, with the index that they may have already: most callers send the same ones with all their texts."""
    glossary = common_pb2.GlossaryConfig.FromString(config)
    check_count("do_not_translate_phrases", len(phrases), limits.kept_phrases, SHORTER)
    check_count("glossary_config.entries", len(glossary.entries), limits.glossary_entries, SHORTER)
    return Terms(
        kept_phrases=tuple(parse_phrases("do_not_translate_phrases", phrases, limits)),
        syntaxes=frozenset(parse_syntaxes(syntaxes)),
        entries=tuple(parse_entries(glossary.entries, limits)),
        glossary=parse_glossary("glossary_config.glossary", glossary.glossary),
        ignore_case=glossary.ignore_case,
    )


def parse_phrases(field: str, phrases: Sequence[str], limits: Limits) -> Iterator[str]:
    """Yield the phrases of a repeated field."""
    for at, phrase in enumerate(phrases):
        if problem := find_problem(phrase, limits, find_no_kept):
            raise problem(f"{field}[{at}]")
        yield phrase


def find_problem(phrase: str, limits: Limits, find: Callable[[str], str]) -> Problem | None:
    """Return what makes the error about a phrase of the field at a path; None where nothing is wrong with it.

    There are hundreds of phrases, and hardly ever an error: no path is written before there is one.
    """
    length, most = len(phrase), limits.phrase_characters
    if length > most:
        message = f"{length} characters, the limit is {most}; shorten it"
        return lambda field: RequestTooLarge(field, message, requested=length, limit=most)
    if wrong := find(phrase):
        return lambda field: InvalidRequest(field, f"{phrase!r} {wrong}")
    return None


def parse_entries(entries: Sequence[common_pb2.GlossaryEntry], limits: Limits) -> Iterator[Term]:
    """Yield the terms of a request."""
    seen: dict[str, tuple[int, str]] = {}
    for at, entry in enumerate(entries):
        field = "glossary_config.entries"
        source, target = entry.source_term, entry.target_term
        if problem := find_problem(source, limits, find_no_phrase):
            raise problem(f"{field}[{at}].source_term")
        if problem := find_problem(target, limits, find_no_target):
            raise problem(f"{field}[{at}].target_term")
        first, before = seen.setdefault(source, (at, target))
        if before != target:
            raise InvalidRequest(
                f"{field}[{at}]", f"{source!r} is {before!r} in entries[{first}] and {target!r} here; leave one out"
            )
        yield Term(source, target.strip())


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
