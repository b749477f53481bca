"""What else translates with the same weights, each as a side to measure."""

from collections.abc import Sequence

from bench.speed.comparators.candidates import CANDIDATES
from bench.speed.sides import Comparator

COMPARATORS: Sequence[Comparator] = tuple(Comparator(each.name, each.open_side) for each in CANDIDATES)
