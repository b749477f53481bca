"""What a request asks for, wherever it stands: in the address, in a form, or in an object of JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from polygist_service.errors import InvalidRequest
from polygist_service.http.bodies import Body
from polygist_service.http.errors import JSON, HttpRefusal
from polygist_service.http.forms import MULTIPART, read_form
from polygist_service.http.gateway import Gateway
from polygist_service.wire.json_messages import BODY, read_object

MOST_FIELDS = 100
PAIRS = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Upload:
    """A file of a form."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Parameters:
    """The values of a request by their names; who reads one that is not what it must be gets HttpRefusal.

    Attributes:
        values: texts, or anything where they came as JSON.
        files: those of a form.
    """

    values: Mapping[str, Any]
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a text; "" where there is none."""
        value = self.values.get(name)
        return "" if value is None else check_text(name, value)

    def required_text(self, name: str) -> str:
        """Return a text that has to be there."""
        return self.text(name) or miss(name)

    def is_list(self, name: str) -> bool:
        """Tell whether there are several texts of a name, or could be."""
        return isinstance(self.values.get(name), list)

    def texts(self, name: str, *, most: int) -> list[str]:
        """Return a text, or several, of which at least one has to be there."""
        given = self.values.get(name) or miss(name)
        texts = given if isinstance(given, list) else [given]
        if len(texts) > most:
            raise refuse(f"Invalid request: request ({len(texts)}) exceeds text limit ({most})")
        return [check_text(name, text) for text in texts]

    def count(self, name: str, *, most: int) -> int:
        """Return a number of nought or more; nought where there is none."""
        try:
            number = max(0, int(self.values.get(name) or 0))
        except (TypeError, ValueError, OverflowError):
            raise refuse(f"Invalid request: {name} parameter is not a number") from None
        if number > most:
            raise refuse(f"Invalid request: {name} parameter must be <= {most}")
        return number

    def file(self, name: str) -> Upload:
        """Return a file that has to be there."""
        return self.files.get(name) or miss(name)


def refuse(message: str) -> HttpRefusal:
    """Return the refusal of a request that is not what it must be."""
    return HttpRefusal(InvalidRequest.reason, message)


def miss(name: str) -> Any:
    """Refuse a request without a parameter."""
    raise refuse(f"Invalid request: missing {name} parameter")


def check_text(name: str, value: object) -> str:
    """Return a text that is one, and that is Unicode."""
    if not isinstance(value, str):
        raise refuse(f"Invalid request: {name} parameter is not a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refuse(f"Invalid request: {name} parameter has half of a surrogate pair") from None
    return value


async def read_parameters(gateway: Gateway, request: Request, body: Body) -> Parameters:
    """Read the parameters of a request; raises HttpRefusal where its body is not what it says that it is.

    Those of the address go before those of a form. An object of JSON has all of them.
    """
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip().lower()
    packed, address = await body.read(), dict(request.query_params)

    def read() -> Parameters:
        """Read the body as what it is."""
        content = body.unpack(packed)
        if kind == JSON and content:  # some say so of a GET, which has none
            return Parameters(read_object(content))
        values, files = read_parts(content, given) if kind == MULTIPART else ({}, {})
        if kind == PAIRS:
            values = read_pairs(content)
        return Parameters({**values, **address}, files)

    try:
        return await gateway.run(request, read)
    except InvalidRequest as error:
        raise refuse(f"Invalid request: {error.message}") from None


def read_pairs(content: bytes) -> dict[str, str]:
    """Read a form of names and values; raises InvalidRequest."""
    try:
        pairs = parse_qsl(content.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise InvalidRequest(BODY, f"is no form: {error}; send names and values in UTF-8") from None
    return {name: unify_line_ends(value) for name, value in reversed(pairs)}  # of several, the first


def read_parts(content: bytes, content_type: str) -> tuple[dict[str, str], dict[str, Upload]]:
    """Read the values and the files of a form of several parts; raises InvalidRequest."""
    values: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for part in read_form(content, content_type):
        if part.filename is None:
            values.setdefault(part.name, unify_line_ends(part.text))
        else:
            files.setdefault(part.name, Upload(part.filename, bytes(part.content)))
    return values, files


def unify_line_ends(text: str) -> str:
    """Return a text of a form, in which lines end with carriage return and line feed, as it was before."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
