"""Where a model runs, and in which numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Placement:
    """What CTranslate2 is told of the hardware.

    Attributes:
        device: ``cpu``, ``cuda`` or ``auto``.
        device_index: the devices of that kind; each gets a copy of the model.
        compute_type: as CTranslate2 names it.
    """

    device: str = "cpu"
    device_index: tuple[int, ...] = (0,)
    compute_type: str = "int8"

    def arguments(self) -> Mapping[str, Any]:
        """The keyword arguments of ``ctranslate2.Translator``, ``Encoder`` and ``Generator``."""
        return {"device": self.device, "device_index": list(self.device_index), "compute_type": self.compute_type}
