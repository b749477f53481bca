"""What others may have written, read as what it is meant for; what is wrong with it, said."""

import json
import reprlib
from collections.abc import Callable, Hashable, Iterable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

ResultT = TypeVar("ResultT")

# Of a value that is told, so many characters and levels.
MOST_SHOWN, MOST_LEVELS = 200, 4


def must_be(wanted: str, test: Callable[[Any], object] = lambda _: True) -> WrapValidator:
    """Refuse a value of another type, and one that fails `test`, in the words that say what it must be."""

    def check(value: Any, parse: ValidatorFunctionWrapHandler) -> Any:
        try:
            parsed = parse(value)
        except ValidationError:
            raise ValueError(wanted) from None
        if not test(parsed):
            raise ValueError(wanted)
        return parsed

    return WrapValidator(check)


def one_of(names: Iterable[str]) -> WrapValidator:
    """Refuse a text that is none of `names`."""
    known = sorted(names)
    return must_be(f"one of {', '.join(known)}", known.__contains__)


def read_as(kind: type[ResultT], values: object) -> ResultT:
    """Return JSON values as a dataclass, strictly: no text is a number, and nothing is left over.

    Raises:
        ValueError: a value is missing, of another type, out of its bounds or not known; names the field and the value.
    """
    try:
        read: ResultT = adapter(cast(Hashable, kind)).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        row = error.errors(include_url=False)[0]
        raise ValueError(explain(row)) from None
    return read


def explain(row: Any) -> str:
    """Return what is wrong with a field, as a row of a ValidationError tells it."""
    place = ".".join(map(str, row["loc"])) or "it"
    match row["type"]:
        case "missing" | "missing_argument":
            return f"{place} is missing"
        case "unexpected_keyword_argument" | "extra_forbidden":
            return f"{place} is not known"
    wanted = str(row["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    return f"{place} is {show(row['input'])}, it must be {wanted}"


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what reads a dataclass."""
    return TypeAdapter(kind)


def show(value: object) -> str:
    """Return a value as it is written, however large and deep it is: the beginning of one that is long."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring, short.maxother, short.maxlong = MOST_LEVELS, MOST_SHOWN, MOST_SHOWN, MOST_SHOWN
    return short.repr(value)
