"""Numbers that stand in bold before and after translation."""

from collections import Counter
from dataclasses import dataclass

from bench.fidelity.kinds import Requirement

BOLD_TARGET = 0.98


@dataclass(slots=True)
class BoldNumbers:
    """Counts them.

    Attributes:
        kept: those that are in bold in the translation too.
        lost: those that the translation has, but not in bold.
        unwritten: those that the translation does not have, as the model writes them otherwise.
    """

    kept: int = 0
    lost: int = 0
    unwritten: int = 0

    def add(self, source: Counter[str], target: Counter[str], target_bold: Counter[str]) -> None:
        """Count the bold numbers of a document, given all numbers of its translation and the bold ones of that."""
        self.kept += (source & target_bold).total()
        self.lost += ((source & target) - target_bold).total()
        self.unwritten += (source - target).total()

    def requirement(self) -> Requirement:
        """Return what their share must be."""
        asked = self.kept + self.lost
        return Requirement(
            f"Bold numbers that stay bold: {self.kept} of {asked} ({100 * self.kept / max(1, asked):.1f} %), at least "
            f"{100 * BOLD_TARGET:g} %, and {self.unwritten} more that the translation writes otherwise",
            self.kept >= BOLD_TARGET * asked,
        )
