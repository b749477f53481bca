"""Whether 8-bit products are cut off on this processor, and how large 8-bit weights may be for that.

x86 processors without VNNI add pairs of products in 16 bits, and CTranslate2 reads states as 0 to 255 there: weights up
to 64 fit (2 * 255 * 64 < 2**15), those up to 127 do not. With VNNI sums have 32 bits. On arm64 states have signs, and
two products fit 16 bits (2 * 127 * 127 < 2**15), so weights may be as large as 8 bits hold.
"""

import platform
from pathlib import Path

from polygist_service.store.description import InstalledModel

LARGEST, LARGEST_WITHOUT_VNNI = 127, 64
X86 = ("x86_64", "amd64", "i386", "i686")
# As Linux names them; another system does not say, and is taken to be without.
VNNI = frozenset({"avx512_vnni", "avx_vnni"})


def find_int8_limit(machine: str = "", root: Path = Path("/")) -> int:
    """The largest magnitude of 8-bit weights whose products this processor adds up in full.

    Args:
        machine: the architecture, as `platform.machine` names it; empty for this one.
        root: where ``proc`` is looked up.
    """
    if (machine or platform.machine()).lower() not in X86:
        return LARGEST
    try:
        lines = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return LARGEST_WITHOUT_VNNI
    flags = [set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")]
    return LARGEST if flags and all(VNNI & each for each in flags) else LARGEST_WITHOUT_VNNI


def describe_saturation(model: InstalledModel, limit: int, *, runs_as: str = "") -> str:
    """What happens to a model whose weights are too large for a processor, and the cure; empty where they are not.

    Args:
        limit: of the processor, see `find_int8_limit`.
        runs_as: the compute type that it is loaded with; empty for its own.
    """
    description = model.description
    calculates = runs_as or description.runs_as or description.compute_type
    if not calculates.startswith("int8") or description.int8_limit <= limit:
        return ""
    return (
        f"the 8-bit weights of {model.name} go up to {description.int8_limit}, and this processor, which has no VNNI, "
        f"cuts sums off beyond {limit}: its answers are worse than they could be; convert it here, or install it in "
        f"other numbers: polygist-server models pull {model.name} --again [--compute-type float32]"
    )
