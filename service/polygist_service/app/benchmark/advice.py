"""Which settings to set, by what was measured."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import geometric_mean
from typing import TypeVar

from polygist_service.app.benchmark.figures import SURE_WINDOWS, ModelFigures, Rate, Report

KeyT = TypeVar("KeyT", int, str)

# What is not faster by so much is not worth a setting.
MARGIN = 1.10
# Above so much of all cores, others were at work, and the figures are too low.
BUSY = 0.05
# A lower share of equal answers is told as a change of what is answered.
ALIKE = 0.99


def advise(report: Report) -> list[str]:
    """Return what to set, the most useful first, or that the defaults are right; and what to know about it.

    A setting holds for all models, so it is advised where it is worth it for all of them together, and no model is
    slower by it than others' work makes any.
    """
    found = [*advise_slots(report), *advise_numbers(report.models), *advise_environment(report)]
    if not report.models:
        return ["nothing was measured, so there is nothing to advise"]
    if not found:
        found = ["the settings are right here: nothing that was tried is faster by a tenth"]
        if any(rate.windows < SURE_WINDOWS for rate in find_compared(report)):
            found = [
                "nothing that was tried is faster by a tenth for sure, but it was tried too briefly: more --seconds"
            ]
    return [*warn_of_others(report), *found]


def find_compared(report: Report) -> Iterator[Rate]:
    """Yield the rates that settings are advised by."""
    for model in report.models:
        yield from model.slots.values()
        yield from (each.rate for each in model.numbers.values())
    yield from (each.rate for each in report.environments)


def warn_of_others(report: Report) -> Iterator[str]:
    """Say that others were at work."""
    machine = report.machine
    if machine.others is not None and machine.others > BUSY:
        yield (
            f"other processes took {machine.others:.0%} of the cores meanwhile: the figures are too low, and what "
            "follows may be chance; measure again when the machine is idle"
        )
    elif machine.others is None and machine.load is not None and machine.load > BUSY * machine.cores:
        yield (
            f"the load average was {machine.load:.1f} before: if other processes went on, the figures are too low; "
            "measure again when the machine is idle"
        )


def advise_slots(report: Report) -> Iterator[str]:
    """Say which number of slots is faster than the one that the server has."""
    now = report.machine.slots
    best, gain = find_best({model.name: model.slots for model in report.models}, now)
    if best is not None and best != now:
        yield f"set --slots {best}: {gain:.2f} times as fast as with {now}"


def advise_numbers(models: Sequence[ModelFigures]) -> Iterator[str]:
    """Say which compute type is faster for all models."""
    tried = [model for model in models if model.compute_type in model.numbers]
    rates = {
        model.name: {
            "": model.numbers[model.compute_type].rate,
            **{kind: each.rate for kind, each in model.numbers.items()},
        }
        for model in tried
    }
    best, gain = find_best(rates, "")
    if best:
        shares = [share for model in tried if (share := model.numbers[best].same_answers) is not None]
        change = f"; {min(shares):.0%} of the answers stay as they are" if shares and min(shares) < ALIKE else ""
        yield f"set --compute-type {best}: {gain:.2f} times as fast{change}"


def advise_environment(report: Report) -> Iterator[str]:
    """Say which variables make the libraries faster that CTranslate2 calculates with."""
    rates: dict[str, Rate] = {
        " ".join(f"{name}={value}" for name, value in each.variables.items()): each.rate for each in report.environments
    }
    best, gain = find_best({report.environment_model: rates}, "")
    if best:
        yield f"set {best} in the environment of the server: {gain:.2f} times as fast"


def find_best(rates: Mapping[str, Mapping[KeyT, Rate]], now: KeyT) -> tuple[KeyT | None, float]:
    """Return the choice that is fastest for all models together, and by how much; None where that is as it is now.

    Args:
        rates: by model and choice.
        now: the choice that is made now.
    """
    known = [by for by in rates.values() if now in by]
    choices = set.intersection(*(set(by) for by in known)) - {now} if known else set()
    better: dict[KeyT, float] = {}
    for choice in choices:
        gains = [by[choice].texts / by[now].texts for by in known]
        is_sure = any(by[choice].is_above(by[now], MARGIN) for by in known)
        if (
            geometric_mean(gains) >= MARGIN
            and is_sure
            and not any(by[now].is_above(by[choice], MARGIN) for by in known)
        ):
            better[choice] = geometric_mean(gains)
    if not better:
        return None, 1.0
    best = max(better, key=lambda choice: better[choice])
    return best, better[best]
