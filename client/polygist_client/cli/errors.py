"""Errors on the command line: one sentence with the next step, and the exit code."""

import click

from polygist_client import errors
from polygist_client.cli.nearest import suggest

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
    (errors.ServerUnreachable, "try: polygist-server serve, or -a HOST:PORT"),
    (errors.TlsFailed, "see --tls, --ca, --cert and --key"),
    (errors.ServerNotReady, "try: polygist health --wait 60s"),
    (errors.ModelLoading, "try: polygist health --wait 60s"),
    (errors.Unauthenticated, "give --api-key-file FILE, or set POLYGIST_API_KEY"),
    (errors.DeadlineExceeded, "try: --timeout 10m"),
)
LANGUAGE_FIELDS = frozenset({"target_language_code", "source_language_code"})
# After one of these the next input would fail in the same way.
HOPELESS = (errors.Unavailable, errors.Unauthenticated, errors.PermissionDenied)
# What may happen to one input and leave the others alone.
FAILURES = (errors.PolygistError, click.ClickException, OSError)


class InputFailure(click.ClickException):
    """A file that cannot be read as what it should be."""

    exit_code = USAGE


def exit_code_of(error: BaseException) -> int:
    """The exit code for `error`."""
    if isinstance(error, click.ClickException):
        return error.exit_code
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), OTHER)


def describe(error: BaseException) -> str:
    """`error` in one line, with the next step where there is one."""
    if isinstance(error, click.NoSuchOption) and error.ctx:
        nearest = suggest(error.option_name, error.possibilities or ())
        return f"No such option {error.option_name!r}{nearest} (try: {error.ctx.command_path} --help)"
    if isinstance(error, click.UsageError) and error.ctx:
        return _in_one_line(f"{error.format_message()} (try: {error.ctx.command_path} --help)")
    if isinstance(error, click.ClickException):
        return _in_one_line(error.format_message())
    if isinstance(error, OSError) and error.filename:
        return _in_one_line(f"{error.filename}: {error.strerror}")
    step = _next_step(error)
    return _in_one_line(f"{error} ({step})" if step else str(error))


def is_about_language(error: BaseException) -> bool:
    """Whether a language that was given may be what is wrong."""
    fields = {each.field for each in error.field_violations} if isinstance(error, errors.InvalidArgument) else set()
    kinds = (errors.LanguagePairUnsupported, errors.LanguageUndetermined)
    return isinstance(error, kinds) or bool(fields & LANGUAGE_FIELDS)


def _next_step(error: BaseException) -> str:
    if isinstance(error, errors.LanguagePairUnsupported) and error.metadata.get("field") == "pivot_policy":
        return "leave out --no-pivot"
    if isinstance(error, errors.LanguagePairUnsupported) and error.metadata.get("source"):
        return f"try: polygist languages --from {error.metadata['source']}"
    if isinstance(error, errors.InvalidArgument) and is_about_language(error):
        return "try: polygist languages"
    return next((step for kind, step in NEXT_STEPS if isinstance(error, kind)), "")


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
