"""From code points, the domain's unit of offsets, to the ``encoding_type`` that a caller asked for."""

from bisect import bisect_left
from collections.abc import Callable, Mapping

from polygist.v1 import common_pb2

from polygist_service.errors import InvalidRequest
from polygist_service.text.segmentation import Span

Width = Callable[[str], int]

# How many units a character takes in each encoding; None where a code point is one unit.
WIDTHS: Mapping[int, Width | None] = {
    common_pb2.ENCODING_TYPE_UNSPECIFIED: None,
    common_pb2.ENCODING_TYPE_UTF32: None,
    common_pb2.ENCODING_TYPE_UTF8: lambda character: len(character.encode()),
    common_pb2.ENCODING_TYPE_UTF16: lambda character: 2 if ord(character) > 0xFFFF else 1,
}


class Offsets:
    """Converts spans of one text.

    Args:
        text: the text that the spans point into.
        encoding_type: value of ``EncodingType``.

    Raises:
        InvalidRequest: an unknown encoding type.
    """

    def __init__(self, text: str, encoding_type: int) -> None:
        if encoding_type not in WIDTHS:
            raise InvalidRequest("output_config.encoding_type", f"{encoding_type} is not an EncodingType")
        self._wide: list[int] = []
        self._extra: list[int] = [0]
        width = WIDTHS[encoding_type]
        if width is not None and not (encoding_type == common_pb2.ENCODING_TYPE_UTF8 and text.isascii()):
            for at, character in enumerate(text):
                if (more := width(character) - 1) > 0:
                    self._wide.append(at)
                    self._extra.append(self._extra[-1] + more)

    def span(self, span: Span) -> common_pb2.TextSpan:
        """The message for a half-open span of code points."""
        return common_pb2.TextSpan(start_offset=self._convert(span[0]), end_offset=self._convert(span[1]))

    def _convert(self, offset: int) -> int:
        return offset + self._extra[bisect_left(self._wide, offset)]
