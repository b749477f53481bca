"""Whether the time that a wrong API key takes to be refused tells how much of it is right."""

import random
import time

import pytest
from polygist_service.access.access import Access
from polygist_service.errors import ApiKeyInvalid

from tests.service.access.test_access import add

pytestmark = pytest.mark.chaos

TRIES = 20_000
SERVICE = "polygist.v1.TranslationService"
# A guess at which of two times is that of the better key is right so often, where they tell nothing half of the time.
# One in twenty thousand tries that differ by nothing is beyond this once in a million times.
MOST_RIGHT = 0.52


def measure(access, header):
    """The nanoseconds that one header takes to be refused."""
    began = time.perf_counter_ns()
    try:
        access.authorise(SERVICE, header)
    except ApiKeyInvalid:
        return time.perf_counter_ns() - began
    raise AssertionError("a wrong key was taken")


def tell_apart(first, second):
    """How often a guess is right that the longer of two times, one of each kind, is of the second kind: 0.5 at least.

    It is the area under the curve of Mann and Whitney (1947): https://doi.org/10.1214/aoms/1177730491.
    """
    ranked = sorted([(each, 0) for each in first] + [(each, 1) for each in second])
    ranks = {}
    for rank, (each, _) in enumerate(ranked, 1):
        low, count = ranks.get(each, (0, 0))
        ranks[each] = (low + rank, count + 1)
    total = sum(ranks[each][0] / ranks[each][1] for each in second)
    share = (total - len(second) * (len(second) + 1) / 2) / (len(first) * len(second))
    return max(share, 1 - share)


def test_no_time_tells_how_much_of_a_key_is_right(tmp_path, figures):
    path = tmp_path / "keys.json"
    ((name, right),) = add(path, "press", "translate")
    access = Access(path)
    changed = "B" if right[-1] == "A" else "A"
    secret = right.rindex("_") + 1
    first_wrong = f"{right[:secret]}{'B' if right[secret] == 'A' else 'A'}{right[secret + 1 :]}"
    kinds = {
        "all but the last letter": right[:-1] + changed,
        "none but the name": first_wrong,
        "not even the name": right.replace("_press_", "_xress_"),
    }
    seconds = {kind: [] for kind in kinds}
    order = list(kinds)
    for _ in range(TRIES):
        random.shuffle(order)
        for kind in order:
            seconds[kind].append(measure(access, [(name, kinds[kind])]))
    near, far, unknown = seconds.values()
    figures.inputs += len(kinds) * TRIES
    figures.notes.append(
        f"the longer of two times is of the key whose last letter is wrong, not the first: {tell_apart(far, near):.3f};"
        f" of one whose name is known: {tell_apart(unknown, far):.3f} (0.5 is chance)"
    )
    assert tell_apart(far, near) < MOST_RIGHT
