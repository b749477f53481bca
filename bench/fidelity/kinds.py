"""What was tried of one kind of text, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polygist_client import Client

from bench.quality.report import Table
from bench.quality.sets import DataFolder

COLUMNS = ("group", "cases", "right", "right, %", "wrong but warned", "wrong in silence")


@dataclass(frozen=True, slots=True)
class Case:
    """One input that was tried.

    Attributes:
        group: what it is an example of, such as "initials".
        source: the input.
        fault: what came, and what is right; empty where that is what came.
        is_warned: whether the answer says that something may be wrong.
    """

    group: str
    source: str
    fault: str = ""
    is_warned: bool = False


@dataclass(frozen=True, slots=True)
class Requirement:
    """What all cases of a kind together must show, beside the share of right ones."""

    statement: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """All cases of one kind.

    Attributes:
        name: such as "Sentence borders".
        cases: in the order in which they were tried.
        target: the least share of them that has to be right.
        allows_silence: whether a wrong one may be without a warning.
        notes: what to know when reading its table.
        further: requirements beside the target.
    """

    name: str
    cases: Sequence[Case]
    target: float
    allows_silence: bool = True
    notes: tuple[str, ...] = ()
    further: tuple[Requirement, ...] = ()

    @property
    def wrong(self) -> list[Case]:
        """Those that did not come out right."""
        return [case for case in self.cases if case.fault]

    @property
    def is_met(self) -> bool:
        """Whether the target and all further requirements are met."""
        return self.is_target_met and all(requirement.is_met for requirement in self.further)

    @property
    def is_target_met(self) -> bool:
        """Whether enough are right, and where it is asked for all others are warned about."""
        is_right = len(self.cases) - len(self.wrong) >= self.target * len(self.cases)
        return is_right and (self.allows_silence or all(case.is_warned for case in self.wrong))

    def table(self) -> Table:
        """A row for each group, and one for all."""
        groups = list(dict.fromkeys(case.group for case in self.cases))
        rows = [row(group, [case for case in self.cases if case.group == group]) for group in groups]
        silence = "" if self.allows_silence else ", and a warning for every other one"
        verdict = f"Target: {100 * self.target:g} % right{silence}: {'met' if self.is_target_met else 'MISSED'}."
        further = (f"{one.statement}: {'met' if one.is_met else 'MISSED'}." for one in self.further)
        return Table(self.name, COLUMNS, (*rows, row("all", self.cases)), (verdict, *further, *self.notes))


# Tries all cases of a kind on a running server; `data` is the folder of public sets, None where none was given.
Measure = Callable[[Client, DataFolder | None], Kind]


def row(group: str, cases: Sequence[Case]) -> tuple[str, int, int, float, int, int]:
    """Return the counts of some cases."""
    wrong = [case for case in cases if case.fault]
    warned = sum(case.is_warned for case in wrong)
    right = len(cases) - len(wrong)
    return group, len(cases), right, 100 * right / max(1, len(cases)), warned, len(wrong) - warned
