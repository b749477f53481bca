"""Reading Bergamot's binary formats."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from polygist_service.errors import StoreError
from polygist_service.store.convert.bergamot import read_shortlist, read_student

from tests.service.store.student import OPTIONS, make_student_files, write_shortlist, write_student

FLOATS = st.floats(-4, 4, width=32)
MATRIX = arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=FLOATS)
CANDIDATES = st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=4), max_size=6)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("bergamot") / "file.bin"


@given(matrix=MATRIX, name=st.sampled_from(["Wemb", "encoder_l1_ffn_W1"]))
def test_float32_matrices_are_read_exactly(path, matrix, name):
    path.write_bytes(write_student({name: matrix}, OPTIONS, exact=frozenset([name])))
    assert np.array_equal(read_student(path).weights[name], matrix.squeeze())


@given(matrix=MATRIX.filter(lambda matrix: np.abs(matrix).max() > 1e-3), name=st.sampled_from(["Wemb", "x_W1"]))
def test_8_bit_matrices_are_read_within_half_a_step_and_in_their_shape(path, matrix, name):
    path.write_bytes(write_student({name: matrix}, OPTIONS))
    read = read_student(path).weights[name]
    assert read.shape == matrix.shape
    assert np.abs(read - matrix).max() <= np.abs(matrix).max() / 127 * 0.501


def test_options_are_read_and_activation_scales_left_out(path):
    path.write_bytes(write_student({"x_W1_QuantMultA": np.ones(1, np.float32)}, OPTIONS))
    student = read_student(path)
    assert student.weights == {}
    assert student.options["transformer-heads"] == "2"
    assert student.options["transformer-preprocess"] == ""


@given(data=st.data())
def test_a_file_that_is_cut_anywhere_is_refused(path, data):
    whole = write_student({"Wemb": np.ones((3, 4), np.float32)}, OPTIONS)
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(StoreError, match=r"file\.bin"):
        read_student(path)


def test_a_file_with_bytes_left_is_refused(path):
    path.write_bytes(make_student_files()["model"] + b"x")
    with pytest.raises(StoreError, match="1 bytes too many"):
        read_student(path)


def test_another_version_is_refused(path):
    path.write_bytes(struct.pack("<2Q", 2, 0))
    with pytest.raises(StoreError, match="version 2"):
        read_student(path)


@given(candidates=CANDIDATES)
def test_a_shortlist_is_read_as_it_was_written(path, candidates):
    path.write_bytes(write_shortlist(candidates))
    shortlist = read_shortlist(path)
    assert [shortlist[source].tolist() for source in range(len(shortlist))] == candidates


def test_a_shortlist_that_is_none_is_refused(path):
    path.write_bytes(b"lex files can be text, too; this one is not a binary one")
    with pytest.raises(StoreError, match="no binary shortlist"):
        read_shortlist(path)


def test_a_shortlist_whose_offsets_go_back_is_refused(path):
    content = bytearray(write_shortlist([[1], [2], [3]]))
    content[48:72] = struct.pack("<3Q", 0, 2, 1)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="offsets"):
        read_shortlist(path)
