"""What the native libraries are told, on processors that the tests make up."""

import pytest
from polygist_service.app.native import set_environment

AVX2 = "fpu sse2 avx avx2 fma"
AVX512 = f"{AVX2} avx512f avx512dq avx512cd avx512bw avx512vl avx512_vnni"
ALWAYS = {"OMP_NUM_THREADS": "1", "GRPC_VERBOSITY": "NONE", "CT2_VERBOSE": "-3"}


@pytest.fixture
def describe(tmp_path):
    def describe(vendor, flags):
        core = f"processor\t: 0\nvendor_id\t: {vendor}\nmodel name\t: one: of two\nflags\t\t: {flags}\n\n"
        path = tmp_path / "cpuinfo"
        path.write_text(2 * core)
        return path

    return describe


@pytest.mark.parametrize(
    ("vendor", "flags", "chosen"),
    [
        ("AuthenticAMD", AVX512, {"CT2_FORCE_CPU_ISA": "AVX512"}),
        ("AuthenticAMD", AVX2, {}),
        ("AuthenticAMD", AVX512.replace(" avx512vl", ""), {}),
        ("GenuineIntel", AVX512, {}),
    ],
)
def test_wide_kernels_are_chosen_where_they_are_known_to_be_faster(describe, vendor, flags, chosen):
    environment = {}
    set_environment(environment, processor=describe(vendor, flags))
    assert environment == ALWAYS | chosen


def test_what_somebody_has_set_stays(describe):
    environment = {"OMP_NUM_THREADS": "4", "CT2_FORCE_CPU_ISA": "AVX2", "CT2_VERBOSE": "1", "GRPC_VERBOSITY": "DEBUG"}
    before = dict(environment)
    set_environment(environment, processor=describe("AuthenticAMD", AVX512))
    assert environment == before


def test_a_system_that_does_not_describe_its_processor_is_left_as_it_is(tmp_path):
    environment = {}
    set_environment(environment, processor=tmp_path / "missing")
    assert environment == ALWAYS
