import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist.v1 import common_pb2
from polygist_service.errors import InvalidRequest
from polygist_service.wire.offsets import Offsets

ENCODINGS = {
    common_pb2.ENCODING_TYPE_UNSPECIFIED: "utf-32-le",
    common_pb2.ENCODING_TYPE_UTF8: "utf-8",
    common_pb2.ENCODING_TYPE_UTF16: "utf-16-le",
    common_pb2.ENCODING_TYPE_UTF32: "utf-32-le",
}
UNIT_BYTES = {"utf-8": 1, "utf-16-le": 2, "utf-32-le": 4}


@given(
    text=st.text(st.characters(exclude_categories=["Cs"])),
    encoding_type=st.sampled_from(sorted(ENCODINGS)),
    data=st.data(),
)
def test_a_span_cuts_the_same_text_in_every_encoding(text, encoding_type, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    span = Offsets(text, encoding_type).span((start, end))
    codec = ENCODINGS[encoding_type]
    unit = UNIT_BYTES[codec]
    cut = text.encode(codec)[span.start_offset * unit : span.end_offset * unit]
    assert cut.decode(codec) == text[start:end]


def test_an_unknown_encoding_is_refused_by_name():
    with pytest.raises(InvalidRequest, match=r"output_config\.encoding_type: 9"):
        Offsets("text", 9)
