"""How large 8-bit weights may be, on processors that are made up, and what is said of models that are too large."""

from dataclasses import replace
from pathlib import Path

import pytest
from polygist_service.store.description import Description, InstalledModel
from polygist_service.store.saturation import LARGEST, LARGEST_WITHOUT_VNNI, describe_saturation, find_int8_limit

AVX2 = "fpu sse2 avx avx2 fma"
DESCRIPTION = Description(
    name="en-pt",
    display_name="En-Pt",
    role="translation",
    family="bergamot",
    license="MPL-2.0",
    source_languages=("en",),
    target_languages=("pt",),
    tokenizer="sentencepiece",
    max_input_tokens=96,
    int8_limit=127,
)


def make_processor(root: Path, *flags: str) -> Path:
    (root / "proc").mkdir()
    cores = [f"processor\t: {core}\nmodel name\t: made up\nflags\t\t: {each}\n" for core, each in enumerate(flags)]
    (root / "proc" / "cpuinfo").write_text("\n".join(cores))
    return root


@pytest.mark.parametrize(
    ("machine", "flags", "limit"),
    [
        ("x86_64", (AVX2, AVX2), LARGEST_WITHOUT_VNNI),
        ("x86_64", (f"{AVX2} avx_vnni",) * 2, LARGEST),
        ("AMD64", (f"{AVX2} avx512f avx512_vnni",), LARGEST),
        ("x86_64", (f"{AVX2} avx_vnni", AVX2), LARGEST_WITHOUT_VNNI),  # a batch may run on either core
        ("x86_64", (), LARGEST_WITHOUT_VNNI),
        ("aarch64", ("fp asimd",), LARGEST),
        ("arm64", (), LARGEST),
    ],
)
def test_weights_go_as_far_as_the_processor_can_add_up(tmp_path, machine, flags, limit):
    assert find_int8_limit(machine, make_processor(tmp_path, *flags)) == limit


def test_an_x86_system_that_says_nothing_of_its_processor_is_taken_to_be_without_vnni(tmp_path):
    assert find_int8_limit("x86_64", tmp_path) == LARGEST_WITHOUT_VNNI


def test_the_limits_are_what_fits_16_bits():
    assert 2 * 255 * LARGEST_WITHOUT_VNNI < 2**15 < 2 * 255 * LARGEST
    assert 2 * LARGEST * LARGEST < 2**15


@pytest.mark.parametrize(
    ("fields", "limit", "runs_as", "is_told"),
    [
        ({}, 64, "", True),
        ({}, 64, "int8_float32", True),
        ({}, 127, "", False),
        ({}, 64, "float32", False),
        ({"runs_as": "float32"}, 64, "", False),
        ({"int8_limit": 64}, 64, "", False),
        ({"compute_type": "float32"}, 64, "", False),
    ],
)
def test_a_model_that_saturates_here_is_told_of_with_the_cure(fields, limit, runs_as, is_told):
    model = InstalledModel("en-pt", replace(DESCRIPTION, **fields), Path("/models/en-pt"), "0" * 64, 1)
    said = describe_saturation(model, limit, runs_as=runs_as)
    assert bool(said) == is_told
    if is_told:
        assert "models pull en-pt --again" in said
