"""How far a mean of few articles may be off."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000
SEED = 20


def bootstrap_mean(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % confidence interval of the mean of `values`, by the percentile bootstrap (Efron, 1979); same each time.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values, so no interval")
    sample = np.asarray(values, dtype=float)
    picks = np.random.default_rng(SEED).integers(len(sample), size=(RESAMPLES, len(sample)))
    low, high = np.percentile(sample[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
