"""What is reckoned with for a request before it is worked on."""

import io
import zipfile

from hypothesis import given
from hypothesis import strategies as st
from polygist.v1 import summarisation_service_pb2, translation_service_pb2
from polygist_service.rpc.work import describe_work, measure_unpacked


def pack(*members, comment=b""):
    """A packed file with members of these sizes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, size in enumerate(members):
            archive.writestr(f"word/{number}.xml", b"a" * size)
        archive.comment = comment
    return packed.getvalue()


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=10),
    st.binary(max_size=50).map(lambda text: text.replace(b"P", b"")),
)
def test_a_packed_file_is_as_long_as_what_is_in_it(sizes, comment):
    assert measure_unpacked(pack(*sizes, comment=comment)) == sum(sizes)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_what_is_damaged_is_no_error(tail, kept):
    assert measure_unpacked(b"PK\3\4" + tail) >= 0
    assert measure_unpacked(b"PK\3\4" + tail + b"PK\5\6" + tail) >= 0
    assert measure_unpacked(pack(1000, 2000)[:kept]) in (0, 3000)
    assert measure_unpacked(b"The old market.") == 0


def test_what_a_packed_file_takes_is_not_told_by_its_size_alone():
    text, packed = b"a" * 1000, pack(1_000_000)
    for size, files in ((1000, text), (len(packed), packed)):
        requests = [
            translation_service_pb2.TranslateDocumentRequest(document=files),
            summarisation_service_pb2.SummariseRequest(document={"content": files}),
        ]
        for request in requests:
            work = describe_work(request, size=size, texts=0)
            assert work.memory > (45_000_000 if files is packed else 100_000)
            assert work.characters == size
