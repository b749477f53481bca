"""The seams of an installed model, kept once they are found: ``HOME/seams/NAME.json``.

They are found when a model is loaded, which takes longer than all the rest of that. What is kept holds for the same
model on the same machine by the same software, and is found anew elsewhere. It lies beside the models, and nothing is
lost with it: a damaged file counts as none, and where nothing can be written nothing is kept.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polygist.files import write_whole

# All that the seams of a model depend on, by name; see `engine.residency.loader`.
Conditions = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FoundSeams:
    """The seams of a model, and under which conditions they were found."""

    conditions: Conditions
    seams: tuple[int, ...]


class KeptSeams:
    """The seams of the models installed below `home`."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "seams"

    def read(self, name: str, conditions: Conditions) -> tuple[int, ...] | None:
        """Return the seams that were found under the same conditions; None where there are none."""
        try:
            kept: Any = json.loads(self._path(name).read_text(encoding="utf-8"))
            seams = tuple(kept["seams"])
            is_same = kept["conditions"] == dict(conditions)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        is_ascending = all(type(seam) is int for seam in seams) and list(seams) == sorted(set(seams))
        return seams if is_same and is_ascending else None

    def keep(self, name: str, found: FoundSeams) -> bool:
        """Keep what was found, in place of what was kept before; returns whether it could be written."""
        text = json.dumps({"conditions": dict(found.conditions), "seams": found.seams}, indent=2) + "\n"
        try:
            self._folder.mkdir(exist_ok=True)
            write_whole(self._path(name), text.encode())  # other servers may read it now
        except OSError:
            return False
        return True

    def forget(self, name: str) -> None:
        """Remove what is kept of a model, where that can be done."""
        with suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
