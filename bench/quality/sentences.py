"""Sentence splitting: the boundaries found against those that people set."""

from collections.abc import Iterable
from dataclasses import dataclass

from polygist_service.text.segmentation import split_sentences

from bench.quality.report import Cell, Table
from bench.quality.sets import DataFolder

SETS = (
    ("ud_en_ewt_test", "en"),
    ("ud_en_gum_test", "en"),
    ("ud_en_pud.public", "en"),
    ("ud_pt_bosque_test", "pt"),
    ("ud_pt_gsd_test_grouped", "pt"),
    ("ud_pt_porttinari_test_grouped", "pt"),
    ("ud_pt_pud.public", "pt"),
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Boundaries that were found, that are right, and that are both; a text's end is none."""

    found: int = 0
    gold: int = 0
    both: int = 0

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(self.found + other.found, self.gold + other.gold, self.both + other.both)

    @property
    def precision(self) -> float:
        """The share of the found ones that are right."""
        return self.both / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """The share of the right ones that are found."""
        return self.both / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        total = self.found + self.gold
        return 2 * self.both / total if total else 0.0


def compare(found: Iterable[int], gold: Iterable[int]) -> Agreement:
    """Compare the starts of sentences; the one at the start of the text does not count."""
    some, others = set(found) - {0}, set(gold) - {0}
    return Agreement(len(some), len(others), len(some & others))


def measure_sentences(data: DataFolder) -> Table:
    """The table of all sets that are there."""
    rows: list[tuple[Cell, ...]] = []
    for name, language in SETS:
        records = data.records(f"sentences/{name}.jsonl")
        total = Agreement()
        for record in records:
            found = (start for start, _ in split_sentences(record["text"], language))
            total += compare(found, (start for start, _ in record["offsets"]))
        if records:
            scores = (100 * total.precision, 100 * total.recall, 100 * total.f1)
            rows.append((name, language, len(records), total.gold, *scores))
    notes = ("By the server's own function, called directly. Counted are boundaries inside texts, not their ends.",)
    columns = ("set", "language", "texts", "boundaries", "precision", "recall", "F1")
    return Table("Sentence splitting", columns, tuple(rows), notes)
