"""The statistics of speed: spreads, percentiles, fairness, knees, schedules; and the charts of them."""

import random
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.speed.charts import Axis, Line, draw, find_step
from bench.speed.figures import Spread, jain, knee, mixed_lengths, percentile, poisson_schedule
from bench.speed.findings import Finding, Result, make_table, ratio_finding

SHARES = st.lists(st.floats(0.001, 1000), min_size=1, max_size=20)


def test_a_spread_is_the_median_between_the_extremes():
    spread = Spread.of([0.9, 0.7, 0.8, 1.2])
    assert (spread.median, spread.least, spread.greatest) == (pytest.approx(0.85), 0.7, 1.2)
    assert spread.least <= spread.low <= spread.median <= spread.high <= spread.greatest


def test_the_interval_narrows_with_more_rounds_and_is_the_same_each_time():
    values = [0.9, 1.2, 1.0, 0.8, 1.1]
    few, many = Spread.of(values), Spread.of(values * 20)
    assert many.high - many.low < few.high - few.low
    assert Spread.of(values) == few


def test_no_values_have_no_spread():
    with pytest.raises(ValueError, match="no values"):
        Spread.of([])


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)])
def test_a_percentile_is_a_value_that_occurred(share, value):
    values = list(range(1, 101))
    random.Random(2).shuffle(values)
    assert percentile(values, share) == value


@given(SHARES)
def test_fairness_lies_between_all_for_one_and_all_alike(shares):
    assert 1 / len(shares) <= jain(shares) * (1 + 1e-9)
    assert jain(shares) <= 1 + 1e-9
    assert jain([5.0] * len(shares)) == pytest.approx(1)


def test_one_who_gets_all_is_as_unfair_as_can_be():
    assert jain([0, 0, 0, 7]) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="nobody"):
        jain([0, 0])


@pytest.mark.parametrize(
    ("points", "load"),
    [
        ([(0.1, 0.2), (0.5, 0.6), (0.9, 0.9)], 0.9),
        ([(0.9, 3.0), (0.8, 0.5)], 0.82),
        ([(0.1, 2.0), (0.2, 0.5)], 0.0),
        ([(0.1, 0.5), (0.2, 1.5), (0.3, 0.5)], 0.15),
    ],
)
def test_a_knee_is_where_the_limit_is_first_passed(points, load):
    assert knee(points, 1.0) == pytest.approx(load)


def test_a_schedule_is_fixed_and_as_dense_as_it_should_be():
    due = poisson_schedule(50, 100, seed=3)
    assert due == poisson_schedule(50, 100, seed=3) != poisson_schedule(50, 100, seed=4)
    assert len(due) == pytest.approx(5000, rel=0.05)
    assert due[0] > 0
    assert due == sorted(due)
    assert due[-1] < 100
    gaps = [after - before for before, after in pairwise(due)]
    # Of an exponential distribution the deviation is the mean: calls come in bunches, as they do.
    mean = sum(gaps) / len(gaps)
    assert (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 == pytest.approx(mean, rel=0.1)


def test_lengths_have_the_percentiles_that_were_asked_for():
    lengths = mixed_lengths(1000, median=600, p99=4000, seed=1)
    assert percentile(lengths, 0.5) == pytest.approx(600, rel=0.01)
    assert percentile(lengths, 0.99) == pytest.approx(4000, rel=0.05)
    assert lengths != sorted(lengths)
    assert lengths == mixed_lengths(1000, median=600, p99=4000, seed=1)


@pytest.mark.parametrize(
    ("finding", "met"),
    [
        (Finding("a", 0.9, bar=0.9, aim=0.95), "yes"),
        (Finding("a", 0.96, bar=0.9, aim=0.95), "yes, the aim"),
        (Finding("a", 0.89, bar=0.9), "NO"),
        (Finding("a", 3.0, "ms", bar=2.0, is_ceiling=True), "NO"),
        (Finding("a", 0.5, "ms", bar=2.0, aim=1.0, is_ceiling=True), "yes, the aim"),
        (Finding("a", 0.5), ""),
        (Finding("a", 0.5, bar=0.1, note="sent late"), "void: sent late"),
    ],
)
def test_a_finding_says_whether_it_is_what_it_should_be(finding, met):
    assert finding.to_row("B0")[-1] == met


def test_findings_stand_beside_their_benchmark_with_their_spread():
    table = make_table({"B1": Result([ratio_finding("x / y", [0.8, 0.9, 1.0], bar=0.95)])})
    assert table.rows[0][:4] == ("B1", "x / y", "0.9", "0.8 to 1; 95 %: 0.8 to 1")


@given(st.floats(0.01, 1e6))
def test_an_axis_has_few_round_ticks_and_room_for_all(high):
    axis = Axis.over("x", [0.0, high], 100)
    assert axis.high >= high
    assert 2 <= len(axis.ticks()) <= 11
    assert find_step(high) > 0


def test_a_chart_is_well_formed_and_names_its_lines():
    lines = [Line("p50 & more", [(0.1, 0.004), (1.0, 0.02)]), Line("p99", [(0.1, 0.01), (1.0, 7.0)])]
    chart = draw("Latency", lines, across="load", up="seconds", logarithmic=("y",))
    texts = [element.text for element in ElementTree.fromstring(chart).iter() if element.text and element.text.strip()]
    assert {"Latency", "p50 & more", "p99", "load", "seconds", "0.001", "10"} <= set(texts)
