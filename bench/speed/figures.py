"""Figures of many values: percentiles, ratios with their spread, fairness, knees, and when calls are due."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
SEED = 20


@dataclass(frozen=True, slots=True)
class Spread:
    """Several figures for the same thing.

    Attributes:
        low, high: the 95 % confidence interval of the median, by the percentile bootstrap (Efron, 1979).
    """

    median: float
    least: float
    greatest: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """The same for the same values; raises ValueError where there are none."""
        if not (ordered := sorted(values)):
            raise ValueError("no values")
        sample = np.asarray(ordered, dtype=float)
        picks = np.random.default_rng(SEED).integers(len(sample), size=(RESAMPLES, len(sample)))
        low, high = np.percentile(np.median(sample[picks], axis=1), (2.5, 97.5))
        return cls(statistics.median(ordered), ordered[0], ordered[-1], float(low), float(high))


def percentile(values: Iterable[float], share: float) -> float:
    """The least value that so large a share (0 to 1) of all is not above; raises ValueError where there are none."""
    if not (ordered := sorted(values)):
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def jain(values: Sequence[float]) -> float:
    """Jain's index of fairness: 1 where all have got the same, 1/n where one has got all (Jain, Chiu and Hawe, 1984).

    Raises:
        ValueError: nobody has got anything.
    """
    squares = sum(value * value for value in values)
    if not squares:
        raise ValueError("nobody has got anything")
    return sum(values) ** 2 / (len(values) * squares)


def knee(points: Iterable[tuple[float, float]], limit: float) -> float:
    """The greatest load up to which a latency stays within a limit.

    Between the last point within it and the first beyond, the latency is taken to rise evenly.

    Args:
        points: load and latency, in any order.
        limit: of the latency.

    Returns:
        0.0 where even the least load is beyond the limit.
    """
    last: tuple[float, float] | None = None
    for load, latency in sorted(points):
        if latency > limit:
            if last is None:
                return 0.0
            return last[0] + (load - last[0]) * (limit - last[1]) / (latency - last[1])
        last = load, latency
    return last[0] if last else 0.0


def poisson_schedule(rate: float, seconds: float, *, seed: int) -> list[float]:
    """When calls are due, in seconds from the start, with `rate` of them in a second on average; the same each time."""
    generator = np.random.default_rng(seed)
    due: list[float] = []
    at = float(generator.exponential(1 / rate))
    while at < seconds:
        due.append(at)
        at += float(generator.exponential(1 / rate))
    return due


def mixed_lengths(count: int, *, median: float, p99: float, seed: int) -> list[int]:
    """Lengths of articles in words, by a log-normal distribution of which two percentiles are given; the same always.

    They are its quantiles in random order, so that few of them have its shape.
    """
    normal = statistics.NormalDist(math.log(median), math.log(p99 / median) / statistics.NormalDist().inv_cdf(0.99))
    lengths = [round(math.exp(normal.inv_cdf((at + 0.5) / count))) for at in range(count)]
    return [int(length) for length in np.random.default_rng(seed).permutation(lengths)]
