"""Errors on the command line: one sentence with the next step or the nearest name, and the exit code."""

import errno
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

import click

from polygist_client import Language, errors
from polygist_client.options import Task

OTHER = 1
USAGE = 2
PARTIAL = 3
UNAVAILABLE = 4
INTERRUPTED = 130

# The first class that fits decides.
EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (errors.InvalidInput, USAGE),
    (errors.InvalidArgument, USAGE),
    (errors.Unavailable, UNAVAILABLE),
    (errors.DeadlineExceeded, 5),
    (errors.Unauthenticated, 6),
    (errors.PermissionDenied, 6),
    (errors.FailedPrecondition, 7),
    (errors.NotFound, 7),
)
NEXT_STEPS: tuple[tuple[type[Exception], str], ...] = (
    (errors.LanguagePairUnsupported, "try: polygist languages"),
    (errors.LanguageUndetermined, "give --from LANG"),
    (errors.ModelNotFound, "try: polygist models list"),
    (errors.GlossaryNotFound, "try: polygist glossaries"),
    (errors.ServerUnreachable, "try: polygist-server serve, or -a HOST:PORT"),
    (errors.TlsFailed, "see --tls, --ca, --cert and --key"),
    (errors.ServerNotReady, "try: polygist health --wait 60s"),
    (errors.ModelLoading, "try: polygist health --wait 60s"),
    (errors.Unauthenticated, "give --api-key-file FILE, or set POLYGIST_API_KEY"),
    (errors.DeadlineExceeded, "try: --timeout 10m"),
)
LANGUAGE_FIELDS = frozenset(
    {"target_language_code", "source_language_code", "candidate_language_codes", "display_language_code"}
)
# What requests and the Python client call what has a flag here.
FLAGS: Mapping[str, str] = {
    "target_language_code": "--to",
    "source_language_code": "--from",
    "candidate_language_codes": "--candidates",
    "display_language_code": "--in",
    "sentence_splitting": "--splitting",
    "sentence_order": "--order",
    "performance_preference": "--prefer",
    "decoding_config.beam_size": "--beam",
    "decoding_config.max_output_tokens": "--max-output-tokens",
    "alternative_count": "--alternatives",
    "max_candidate_count": "-n",
    "output_config.include_score": "--scores",
    "output_config.include_segments": "--segments",
    "output_config.include_alignment": "--alignment",
    "output_config.include_citations": "--citations",
    "output_mime_type": "--markdown",
    "mime_type": "--format",
    "config.source_language_code": "--from",
    "config.target_language_code": "--to",
    "glossary_config.glossary": "--glossary",
    "glossary_config.entries": "--glossary",
    "do_not_translate_phrases": "--keep",
    "placeholder_syntaxes": "--placeholders",
    "catalogue_config.mark_fuzzy": "--mark-fuzzy",
    "catalogue_config.retranslate": "--retranslate",
    "pivot_policy": "--no-pivot",
    "max_sentence_count": "--max-sentences",
    "max_word_count": "--max-words",
    "length and max_sentences": "--length and --max-sentences",
    "length and max_words": "--length and --max-words",
    "max_sentences and max_words": "--max-sentences and --max-words",
    "max_sentences": "--max-sentences",
    "max_words": "--max-words",
    "(timeout)": "(--timeout)",
    "cert and key belong": "--cert and --key belong",
    "give cert and key": "give --cert and --key",
    "give tls or ca": "give --tls or --ca",
    "trust_network": "--trust-network",
    **{f"but {name} is given": f"but --{name} is given" for name in ("tls", "ca", "cert")},
}
FILE_OPTIONS = frozenset({"ca", "cert", "key"})
FIELD = re.compile("|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w])(?:\[\d+\])?" for name in FLAGS))
# What the server advises to say of a file.
SAID_CHARSET = re.compile(r"mime_type '[^' ]*; charset=([\w.-]+)'")
# After one of these the next input would fail in the same way.
FATAL = (errors.Unavailable, errors.Unauthenticated, errors.PermissionDenied)
# What may happen to one input and leave the others alone.
FAILURES = (errors.PolygistError, click.ClickException, OSError)


@contextmanager
def naming_contents(names: Sequence[str]) -> Iterator[None]:
    """Say in an error of the block which input it is about, not which place that had in the request.

    Args:
        names: of the contents, in their order, or of the file.
    """
    try:
        yield
    except errors.PolygistError as error:
        for number, name in enumerate(names):
            error.message = error.message.replace(f"contents[{number}]", name)
        if error.message.startswith("document: "):
            error.message = error.message.replace("document", names[0], 1)
        error.args = (error.message,)
        raise


def exit_code_of(error: BaseException) -> int:
    """Return the exit code for `error`."""
    if isinstance(error, click.ClickException):
        return error.exit_code
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), OTHER)


def describe(error: BaseException) -> str:
    """Describe `error` in one line, with the next step where there is one."""
    if isinstance(error, click.NoSuchOption) and error.ctx:
        nearest = suggest(error.option_name, error.possibilities or ())
        return f"No such option {error.option_name!r}{nearest} (try: {error.ctx.command_path} --help)"
    if isinstance(error, click.UsageError) and error.ctx:
        text = f"{error.format_message()} (try: {error.ctx.command_path} --help)"
    elif isinstance(error, click.ClickException):
        text = error.format_message()
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC and not error.filename:
        text = f"standard output: {error.strerror}"  # of files it is said which
    elif isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    else:
        is_of_file = isinstance(error, errors.InvalidInput) and error.field in FILE_OPTIONS
        text, step = name_flags(str(error)), next_step(error)
        text = f"--{text}" if is_of_file and not text.startswith("--") else text
        is_said = any(flag in text for flag in re.findall(r"--[\w-]+", step))
        text = f"{text} ({step})" if step and not is_said else text
    return " ".join(text.split())


def name_flags(text: str) -> str:
    """Name flags instead of the fields of requests."""
    text = SAID_CHARSET.sub(r"--charset \1", text)
    return FIELD.sub(lambda found: FLAGS[found[0].partition("[")[0]], text)


def next_step(error: BaseException) -> str:
    """Advise what to try after `error`; empty where there is no advice."""
    if isinstance(error, errors.CallFailed) and error.metadata.get("pull"):
        return ""  # the message ends with the command that helps
    if isinstance(error, errors.ServerUnreachable) and "give another address" in error.message:
        return ""
    if isinstance(error, errors.LanguagePairUnsupported) and error.metadata.get("field") == "pivot_policy":
        return "leave out --no-pivot"
    if isinstance(error, errors.LanguagePairUnsupported) and error.metadata.get("source"):
        return f"try: polygist languages --from {error.metadata['source']}"
    if isinstance(error, errors.RequestTooLarge) and "glossary_config.entries" in fields_of(error):
        return "more are for a glossary of the server: polygist-server serve --glossaries DIR"
    if isinstance(error, errors.InvalidArgument) and is_about_language(error):
        return "try: polygist languages"
    return next((step for kind, step in NEXT_STEPS if isinstance(error, kind)), "")


def is_about_language(error: BaseException) -> bool:
    """Tell whether a language that was given may be what is wrong."""
    kinds = (errors.LanguagePairUnsupported, errors.LanguageUndetermined)
    return isinstance(error, kinds) or bool(fields_of(error) & LANGUAGE_FIELDS)


def fields_of(error: BaseException) -> set[str]:
    """Return the fields of the request that an error is about, without their places in lists."""
    violations = error.field_violations if isinstance(error, errors.InvalidArgument) else ()
    return {each.field.partition("[")[0] for each in violations}


def suggest(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest of `known`, in words to stand behind a sentence; empty where none is near."""
    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


def suggest_language(word: str, languages: Sequence[Language], task: Task | None = None) -> str:
    """Suggest the nearest language, whose name may stand for its code; empty too where `word` is the code of one.

    Args:
        word: what was given.
        languages: those of the server.
        task: one that has it is suggested rather than a nearer one that has not, unless that has just this name.
    """
    names = {name.lower(): each for each in languages for name in (each.display_name, each.native_name, each.code)}
    served = {name: each for name, each in names.items() if task in each.tasks}
    near = [word.lower()] if word.lower() in names else []
    near = near or get_close_matches(word.lower(), served, n=1) or get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {names[near[0]].code!r}?" if near and names[near[0]].code != word else ""
