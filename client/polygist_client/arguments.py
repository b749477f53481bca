"""What callers give, checked before anything is sent: each error names the argument, what it is, and the cure.

TypeError is for what is of another type, InvalidInput for a value that cannot be sent.
"""

import operator
import reprlib
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any, get_args

from polygist.charsets import find_encoding

from polygist_client.errors import InvalidInput
from polygist_client.options import CallOptions, DocumentType, MimeType

# Seconds, three years: what is longer is for ever, and gRPC and the clocks of threads have no room for much more.
ENDLESS_SECONDS = 1e8
HIGHEST_INTEGER = 2**31 - 1
MOST_SHOWN = 60

LANGUAGE = "a language code such as 'pt'"
MODEL = "the name of a model such as 'en-pt'"
MODEL_PREFIX = "models/"
GLOSSARY = "the name of a glossary such as 'press'"
GLOSSARY_PREFIX = "glossaries/"
TERMS = "a dict of terms and what they become, or pairs of them"
CHARSET = "the name of an encoding such as 'windows-1252'"
DETECTED = "leave it out, and the language is detected"

Parser = Callable[[str, Any], Any]


def describe_value(value: object) -> str:
    """Show a value and its type in a few words."""
    if value is None:
        return "None"
    try:
        shown = " ".join(reprlib.repr(value).split())
    except Exception:  # of an int with more digits than Python prints, or of a class of the caller's
        shown = "a value"
    shown = shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…"
    return f"{shown} ({type(value).__name__})"


def wrong_type(field: str, value: object, wanted: str, cure: str = "") -> TypeError:
    """Make the error about an argument of another type."""
    return TypeError(f"{field} is {describe_value(value)}, it must be {wanted}{cure and f'; {cure}'}")


def text_cure(value: object) -> str:
    """Say how to make a text of `value`; empty where nobody knows."""
    if isinstance(value, bytes | bytearray | memoryview):
        return "decode it, as with .decode('utf-8')"
    if isinstance(value, PathLike):
        return "read it, as with .read_text(encoding='utf-8')"
    if isinstance(value, Mapping):
        return "give the text in it"
    if isinstance(getattr(value, "text", None), str):
        return "give its .text"
    if value is None or value != value or type(value).__name__ == "NAType":  # not a number, as pandas has it
        return "leave it out, or put '' in its place"
    return "str() makes one of it" if isinstance(value, Real) else ""


def parse_text(field: str, text: Any, wanted: str = "str", cure: str | None = None) -> str:
    """Return `text` itself; raises InvalidInput where it cannot be sent, TypeError where it is no text."""
    if not isinstance(text, str):
        raise wrong_type(field, text, wanted, text_cure(text) if cure is None else cure)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{field}: lone surrogate U+{ord(text[error.start]):04X} at position {error.start} is no Unicode text;"
            " decode the bytes again with errors='replace'",
            field=field,
        ) from None
    return text


def parse_contents(text: Any) -> list[str]:
    """Return one text or several as a list, each checked."""
    if isinstance(text, str):
        return [parse_text("contents[0]", text)]
    if isinstance(text, bytes | bytearray | memoryview | Mapping) or not isinstance(text, Iterable):
        raise wrong_type("text", text, "a str, or a list of them", text_cure(text))
    return [parse_text(f"contents[{at}]", each) for at, each in enumerate(text)]


def parse_language(field: str, code: Any, *, cure: str) -> str:
    """Return the code of a language; `cure` says what to do in place of asking for "auto"."""
    several = "make a call for each language" if isinstance(code, list | tuple | set | frozenset) else ""
    text = parse_text(field, code, LANGUAGE, several)
    if text.strip().lower() == "auto":
        raise InvalidInput(f"{field}: {text!r} is no language; {cure}", field=field)
    return text


def parse_candidates(field: str, codes: Any) -> list[str]:
    """Return the language codes that limit detection, each checked."""
    if isinstance(codes, str | bytes | bytearray | Mapping) or not isinstance(codes, Iterable):
        raise wrong_type(field, codes, "a list of language codes", "give ['en', 'pt']")
    cure = f"leave {field} out, and any language may be found"
    return [parse_language(f"{field}[{at}]", code, cure=cure) for at, code in enumerate(codes)]


def parse_model_name(field: str, name: Any) -> str:
    """Return the full name of a model: ``models/`` may be left out."""
    cure = "give its .name" if isinstance(getattr(name, "name", None), str) else ""
    text = parse_text(field, name, MODEL, cure)
    return text if not text or text.startswith(MODEL_PREFIX) else f"{MODEL_PREFIX}{text}"


def parse_glossary_name(field: str, name: Any) -> str:
    """Return the full name of a glossary: ``glossaries/`` may be left out."""
    if isinstance(name, Mapping | PathLike):
        raise wrong_type(field, name, GLOSSARY, "give terms of your own as terms; GlossaryFile reads a file of them")
    text = parse_text(field, name, GLOSSARY, "give its .name" if isinstance(getattr(name, "name", None), str) else "")
    return text if not text or text.startswith(GLOSSARY_PREFIX) else f"{GLOSSARY_PREFIX}{text}"


def parse_terms(field: str, terms: Any) -> list[tuple[str, str]]:
    """Return terms and what they become, each checked."""
    if isinstance(terms, str | bytes | bytearray | PathLike) or not isinstance(terms, Iterable):
        is_file = callable(getattr(terms, "terms", None))
        raise wrong_type(
            field, terms, TERMS, "give its .terms('en', 'pt')" if is_file else "GlossaryFile reads a file of them"
        )
    pairs = []
    for at, pair in enumerate(terms.items() if isinstance(terms, Mapping) else terms):
        if isinstance(pair, str) or not isinstance(pair, Iterable) or len(both := tuple(pair)) != 2:
            raise wrong_type(f"{field}[{at}]", pair, "a term and what it becomes", "give ('heart rate', 'pulsação')")
        source, target = (parse_text(f"{field}[{at}]", each) for each in both)
        pairs.append((source, target))
    return pairs


def parse_texts(field: str, texts: Any, example: str) -> list[str]:
    """Return several texts, each checked."""
    if isinstance(texts, str | bytes | bytearray | Mapping) or not isinstance(texts, Iterable):
        raise wrong_type(field, texts, "a list of str", f"give [{example!r}]")
    return [parse_text(f"{field}[{at}]", each) for at, each in enumerate(texts)]


def parse_mime_type(field: str, value: Any, kind: Any = MimeType) -> str:
    """Return the MIME type of texts; raises InvalidInput with all that there are.

    Args:
        field: the argument.
        value: what it is.
        kind: the literal type that has them all.
    """
    known: tuple[str, ...] = get_args(kind)
    for each in known:
        if each == value:
            return each
    raise InvalidInput(f"{field}: {value!r} is not one of {', '.join(known)}", field=field)


def parse_document_type(field: str, value: Any) -> str:
    """Return the MIME type of a file, with the encoding that may stand behind it; raises InvalidInput."""
    essence, _, parameter = value.partition(";") if isinstance(value, str) else (value, "", "")
    name, _, charset = parameter.strip().partition("=")
    if name.lower() != "charset":
        return parse_mime_type(field, value, DocumentType)
    return f"{parse_mime_type(field, essence.strip(), DocumentType)}; charset={parse_charset(field, charset)}"


def parse_charset(field: str, label: Any) -> str:
    """Return what an encoding is called; raises InvalidInput where no text is written in one that is called so."""
    if not find_encoding(text := parse_text(field, label, CHARSET)):
        raise InvalidInput(
            f"{field}: {text[:MOST_SHOWN]!r} is not {CHARSET}; or convert the file to UTF-8", field=field
        )
    return text


def parse_document(document: Any) -> tuple[bytes, str]:
    """Return the bytes of a file, and its name where it has one.

    Raises:
        TypeError: it is neither bytes nor a path.
        OSError: it cannot be read.
    """
    if isinstance(document, PathLike):
        path = Path(document)
        return path.read_bytes(), path.name
    if isinstance(document, bytes | bytearray | memoryview):
        return bytes(document), ""
    cure = "give Path(…) for a file, or call translate for a text" if isinstance(document, str) else ""
    raise wrong_type("document", document, "bytes or a Path", cure)


def parse_seconds(field: str, seconds: Any, *, may_be_zero: bool = False) -> float:
    """Return a number of seconds; what is infinite is cut to `ENDLESS_SECONDS`, which is as good."""
    if isinstance(seconds, bool) or not isinstance(seconds, Real):
        raise InvalidInput(f"{field} is {describe_value(seconds)}, it must be a number of seconds", field=field)
    number: Any = seconds
    if number > 0 or (may_be_zero and number == 0):
        return float(number) if number < ENDLESS_SECONDS else ENDLESS_SECONDS
    least = "0 seconds or more" if may_be_zero else "above 0 seconds"
    raise InvalidInput(f"{field} is {describe_value(seconds)}, it must be {least}", field=field)


def parse_integer(field: str, number: Any) -> int:
    """Return a whole number that a message has room for; which of them make sense is the server's to say."""
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise wrong_type(field, number, "a whole number")
    if abs(operator.index(number)) > HIGHEST_INTEGER:
        raise InvalidInput(f"{field} is {describe_value(number)}, at most {HIGHEST_INTEGER} is possible", field=field)
    return operator.index(number)


def parse_flag(field: str, value: Any) -> bool:
    """Return a truth value."""
    if not isinstance(value, Hashable) or value not in (True, False):
        raise wrong_type(field, value, "True or False")
    return bool(value)


def parse_function(field: str, function: Any) -> Any:
    """Return what can be called."""
    if not callable(function):
        raise wrong_type(field, function, "a function of one argument")
    return function


def parse_path(field: str, path: Any) -> Any:
    """Return the path of a PEM file."""
    if not isinstance(path, str | PathLike):
        raise TypeError(f"{field} is {type(path).__name__}, it must be the path of a PEM file, not what is in it")
    if "-----BEGIN" in str(path):  # which may be a secret, and is not repeated
        raise InvalidInput(f"{field} is what is in a PEM file; give the path of the file", field=field)
    if not str(path) or "\0" in str(path):
        raise InvalidInput(f"{field}: {str(path)!r} names no file; give a PEM file, or leave it out", field=field)
    return path


def parse_secret(field: str, secret: Any) -> str:
    """Return a secret, which an error does not show."""
    if not isinstance(secret, str):
        raise TypeError(f"{field} is {type(secret).__name__}, it must be str")
    return secret


def parse_metadata(field: str, metadata: Any) -> dict[str, str]:
    """Return headers with their names in lower case, whose values may be secrets."""
    if not isinstance(metadata, Mapping):
        raise TypeError(f"{field} is {type(metadata).__name__}, it must be a dict of names and texts")
    return {parse_text(field, key).lower(): parse_secret(f"{field}[{key!r}]", value) for key, value in metadata.items()}


def keep(field: str, value: Any) -> Any:
    """Return a word, which is looked up in its enum."""
    return value


PARSERS: Mapping[str, Parser] = {
    **dict.fromkeys(("timeout", "keepalive_time", "keepalive_timeout"), parse_seconds),
    "reconnect_timeout": partial(parse_seconds, may_be_zero=True),
    **dict.fromkeys(("request_id", "query", "display_language", "name"), parse_text),
    "source": partial(parse_language, cure=DETECTED),
    "to": partial(parse_language, cure="leave it out for the article's own language"),
    "candidates": parse_candidates,
    "model": parse_model_name,
    "mime_type": parse_mime_type,
    "glossary": parse_glossary_name,
    "terms": parse_terms,
    "keep": partial(parse_texts, example="Contoso"),
    "placeholders": partial(parse_texts, example="mustache"),
    **dict.fromkeys(
        ("beam_size", "max_output_tokens", "alternatives", "max_sentences", "max_words", "max_candidates"),
        parse_integer,
    ),
    **dict.fromkeys(
        (
            *("wait_for_ready", "scores", "segments", "alignment", "pivot", "markdown", "sentences", "citations"),
            *("ignore_case", "include_text", "mark_fuzzy", "retranslate", "tls", "trust_network"),
        ),
        parse_flag,
    ),
    **dict.fromkeys(("splitting", "prefer", "method", "type", "length", "order", "task"), keep),
    "on_reply": parse_function,
    **dict.fromkeys(("ca", "cert", "key"), parse_path),
    "api_key": parse_secret,
    "metadata": parse_metadata,
}
DOCUMENT_PARSERS: Mapping[str, Parser] = {
    **PARSERS, "mime_type": parse_document_type, "charset": parse_charset,
}  # fmt: skip


def parse_options(
    name: str, given: Mapping[str, Any], kind: Any, parsers: Mapping[str, Parser] = PARSERS
) -> dict[str, Any]:
    """Return the keywords of a call, checked, without those that are None, which is as good as left out.

    Args:
        name: of the method.
        given: its keywords.
        kind: the TypedDict that has them all.
        parsers: check each of them.
    """
    unknown = sorted(given.keys() - kind.__optional_keys__)
    if unknown:
        known = ", ".join(sorted(kind.__optional_keys__))
        raise TypeError(f"{name}() got an unexpected keyword argument {unknown[0]!r}; it takes {known}")
    return {field: parsers[field](field, value) for field, value in given.items() if value is not None}


def call_options(given: Mapping[str, Any]) -> CallOptions:
    """Pick those that every call has of keywords that are checked."""
    kept: Any = {name: given[name] for name in CallOptions.__optional_keys__ if name in given}
    found: CallOptions = kept
    return found
