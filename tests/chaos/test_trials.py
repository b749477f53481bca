"""The list of trials names each test as it is called."""

import re
from collections import Counter
from pathlib import Path

from tests.chaos.trials import TRIALS

ROOT = Path(__file__).parents[2]


def test_there_are_thirty_and_each_has_tests_or_says_why_not():
    assert [trial.number for trial in TRIALS] == [f"T{number:02}" for number in range(1, 31)]
    assert not [trial.number for trial in TRIALS if not trial.tests and not trial.left]


def test_each_test_is_there_and_in_one_trial():
    names = [name for trial in TRIALS for name in trial.names()]
    assert not [name for name, count in Counter(names).items() if count > 1]
    for name in names:
        file, _, test = name.partition("::")
        assert not test or re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), name
        assert (ROOT / file).is_file()
        assert sum(trial.has(name) for trial in TRIALS) == 1, name


def test_no_long_test_is_left_out():
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name, source = path.relative_to(ROOT).as_posix(), path.read_text()
        if "mark.chaos" not in source or path == Path(__file__):
            continue
        whole = source.split("\n\n\n")
        is_long = "pytestmark" in source and "mark.chaos" in whole[0]
        for test in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE):
            (written,) = (each for each in whole if f"def {test}(" in each)
            if is_long or "mark.chaos" in written.partition(f"def {test}(")[0]:
                assert any(trial.has(f"{name}::{test}") for trial in TRIALS), (name, test)
