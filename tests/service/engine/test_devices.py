"""What would be passed to CTranslate2 on machines that the tests make up: no GPU was at hand."""

import ctranslate2
import pytest
from polygist_service.engine.hardware import Hardware, Placement, estimate_memory, resolve
from polygist_service.errors import UnsupportedCapability

CPU = {"int8", "int8_float32", "float32"}
AMPERE = {"int8", "int8_float16", "int8_float32", "int8_bfloat16", "float16", "bfloat16", "float32"}
OLD = {"int8", "int8_float32", "float32"}


def machine(*gpus: set[str]) -> Hardware:
    """A machine whose GPUs calculate with these types."""
    return Hardware(
        count_gpus=lambda: len(gpus), compute_types=lambda device, index: gpus[index] if device == "cuda" else CPU
    )


@pytest.mark.parametrize(
    ("wanted", "stored", "gpus", "arguments"),
    [
        (("auto", (0,), ""), "int8", [], ("cpu", [0], "int8")),
        (("auto", (0,), ""), "float32", [], ("cpu", [0], "float32")),
        (("auto", (0,), ""), "int8", [AMPERE], ("cuda", [0], "int8_float16")),
        (("cpu", (0,), ""), "int8", [AMPERE], ("cpu", [0], "int8")),
        (("cuda", (0,), ""), "int8", [OLD], ("cuda", [0], "int8_float32")),
        (("cuda", (1,), ""), "float32", [AMPERE, AMPERE], ("cuda", [1], "float32")),
        (("cuda", (0, 1), ""), "int8", [AMPERE, OLD], ("cuda", [0, 1], "int8_float32")),
        (("cuda", (0, 1), "float16"), "int8", [AMPERE, AMPERE], ("cuda", [0, 1], "float16")),
        (("cpu", (0,), ""), "float16", [], ("cpu", [0], "float32")),
        (("cuda", (0,), ""), "float16", [AMPERE], ("cuda", [0], "float16")),
        (("cpu", (0,), "auto"), "int8", [], ("cpu", [0], "auto")),
    ],
)
def test_what_ctranslate2_is_told(wanted, stored, gpus, arguments):
    placement = resolve(*wanted, stored, hardware=machine(*gpus))
    assert placement.arguments() == dict(zip(("device", "device_index", "compute_type"), arguments, strict=True))


def test_what_the_operator_asks_for_goes_over_the_models():
    assert resolve("cpu", (0,), "", "int8", runs_as="float32", hardware=machine()).compute_type == "float32"
    assert resolve("cpu", (0,), "int8", "int8", runs_as="float32", hardware=machine()).compute_type == "int8"


@pytest.mark.parametrize(
    ("wanted", "gpus", "message"),
    [
        (("cuda", (0,), ""), [], "finds no GPU"),
        (("cuda", (2,), ""), [AMPERE, AMPERE], "2 is none of cuda's; there is: 0, 1"),
        (("cpu", (1,), ""), [], "1 is none of cpu's; there is: 0"),
        (("cpu", (0,), "float16"), [], "float16 is not supported by cpu; supported: float32, int8, int8_float32"),
        (("cuda", (0, 1), "float16"), [AMPERE, OLD], "not supported by cuda:0,cuda:1"),
    ],
)
def test_what_this_machine_has_not_is_refused(wanted, gpus, message):
    with pytest.raises(UnsupportedCapability, match=message):
        resolve(*wanted, "int8", hardware=machine(*gpus))


def test_this_machine_runs_int8():
    assert "int8" in ctranslate2.get_supported_compute_types("cpu")
    assert resolve("cpu", (0,), "", "int8") == Placement("cpu", (0,), "int8")


@pytest.mark.parametrize(
    ("stored", "compute_type", "devices", "factor"),
    [
        ("int8", "int8", (0,), 1),
        ("int8", "int8_float16", (0,), 1),
        ("int8", "float16", (0,), 2),
        ("int8", "float32", (0,), 4),
        ("float16", "float32", (0,), 2),
        ("float32", "int8", (0,), 1),  # narrower is not trusted: both are there while it loads
        ("int8", "auto", (0,), 1),
        ("int8", "int8", (0, 1), 2),
    ],
)
def test_memory_grows_with_the_width_of_the_numbers(stored, compute_type, devices, factor):
    placement = Placement("cuda", devices, compute_type)
    assert estimate_memory(1000, stored_type=stored, placement=placement) == factor * 1000
