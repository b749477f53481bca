"""``make chaos``: runs the tests of all trials, or of those named (T12,T15), and prints the table of them."""

import sys
from collections.abc import Sequence

import pytest

from tests.chaos.trials import TRIALS


def main(numbers: Sequence[str]) -> int:
    """Run them; returns pytest's exit code, or 2 where there is no such trial."""
    unknown = set(numbers) - {trial.number for trial in TRIALS}
    if unknown:
        print(f"error: no trial {', '.join(sorted(unknown))}: they are T01 to T30", file=sys.stderr)
        return 2
    chosen = [trial for trial in TRIALS if trial.number in numbers or not numbers]
    # Figures of a trial are told together: its tests are run together, in the order of the trials.
    tests = list(dict.fromkeys(name for trial in chosen for name in trial.names()))
    return int(pytest.main(["-m", "not outside", "--durations", "20", "tests/chaos/test_trials.py", *tests]))


if __name__ == "__main__":
    sys.exit(main([number for part in sys.argv[1:] for number in part.split(",")]))
