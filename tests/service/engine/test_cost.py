import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.engine.cost import CostModel

SHAPES = [(1, 5), (1, 80), (4, 20), (8, 10), (8, 40), (16, 25), (32, 12), (32, 32)]


def seconds(segments, longest, *, beam_size=1):
    """What batches take of a model that writes as many tokens as it reads."""
    return 0.003 + 5e-5 * segments * longest + 8e-4 * longest + 6e-5 * longest * segments * beam_size


def teach(cost, segments, longest, taken, **fields):
    cost.add(taken, padded=segments * longest, steps=longest, segments=segments, **fields)


def taught(*shapes, batches=100):
    cost = CostModel()
    for segments, longest in itertools.islice(itertools.cycle(shapes), batches):
        teach(cost, segments, longest, seconds(segments, longest))
    return cost


def test_a_batch_is_expected_to_take_what_others_of_all_shapes_took():
    cost = taught(*SHAPES)
    for segments, longest in SHAPES:
        assert cost.expect(segments=segments, longest=longest) == pytest.approx(seconds(segments, longest), rel=0.1)


def test_scatter_does_not_lead_astray():
    cost, chance = CostModel(), random.Random(1)
    for segments, longest in itertools.islice(itertools.cycle(SHAPES), 400):
        teach(cost, segments, longest, seconds(segments, longest) * chance.uniform(0.8, 1.2))
    for segments, longest in SHAPES:
        assert cost.expect(segments=segments, longest=longest) == pytest.approx(seconds(segments, longest), rel=0.2)


def test_before_there_were_batches_something_is_expected():
    cost = CostModel()
    assert 0 < cost.segment_seconds(5, most=32) < cost.segment_seconds(50, most=32) < 1
    assert cost.most_segments(20, 1.0) > 1
    assert cost.expected_steps(10) >= 10


def test_one_batch_tells_how_fast_a_model_is():
    """Of the rest it knows the usual proportions."""
    slow = CostModel()
    teach(slow, 1, 10, 1.0)
    assert slow.expect(segments=1, longest=10) == pytest.approx(1.0, rel=0.05)
    assert slow.expect(segments=1, longest=100) > 4


@given(
    st.lists(
        st.tuples(st.floats(1e-6, 100), st.integers(1, 64), st.integers(1, 500), st.integers(0, 1000)),
        min_size=1,
        max_size=30,
    )
)
def test_no_prediction_is_negative_and_more_work_takes_no_less(batches):
    cost = CostModel()
    for taken, segments, longest, steps in batches:
        cost.add(taken, padded=segments * longest, steps=steps, segments=segments)
    small = cost.predict(padded=10, steps=1, segments=1)
    assert 0 <= small <= cost.predict(padded=20, steps=2, segments=2)
    assert cost.segment_seconds(10, most=32) >= 0
    assert cost.most_segments(10, 0.1) >= 1


@given(segments=st.integers(1, 64), longest=st.integers(1, 200))
def test_as_many_segments_as_fit_the_time(segments, longest):
    cost = taught(*SHAPES)
    most = cost.most_segments(longest, seconds(segments, longest))
    if most > 1:
        assert cost.expect(segments=most, longest=longest) <= seconds(segments, longest) * 1.0001
    assert cost.expect(segments=most + 1, longest=longest) > seconds(segments, longest) * 0.9999


def test_a_beam_costs_rows():
    cost = CostModel()
    for beam_size, (segments, longest) in itertools.islice(itertools.product((1, 2), SHAPES * 20), 320):
        teach(cost, segments, longest, seconds(segments, longest, beam_size=beam_size), beam_size=beam_size)
    expected = [cost.expect(segments=16, longest=25, beam_size=beam_size) for beam_size in (1, 2)]
    assert expected == pytest.approx([seconds(16, 25, beam_size=beam_size) for beam_size in (1, 2)], rel=0.1)


def test_outputs_are_expected_to_be_as_long_as_others_were():
    cost = CostModel()
    for _ in range(300):
        cost.add(0.1, padded=100, steps=30, segments=10)
    assert cost.expected_steps(20) == pytest.approx(60)


def test_it_forgets():
    cost = CostModel()
    for taken in [1.0] * 100 + [0.1] * 300:
        teach(cost, 8, 20, taken)
    assert cost.expect(segments=8, longest=20) == pytest.approx(0.1, rel=0.1)


def test_an_encoder_has_no_steps():
    cost = CostModel()
    for segments, longest in itertools.islice(itertools.cycle(SHAPES), 200):
        cost.add(0.001 + 1e-4 * segments * longest, padded=segments * longest, steps=0, segments=segments)
    assert cost.expected_steps(100) == 0
    assert cost.expect(segments=8, longest=40) == pytest.approx(0.033, rel=0.1)


def test_a_segment_takes_its_part_of_a_batch_of_the_usual_size():
    cost = taught((16, 20))
    assert cost.segment_seconds(20, most=32) == pytest.approx(seconds(16, 20) / 16, rel=0.1)
    assert cost.segment_seconds(20, most=1) == pytest.approx(cost.expect(segments=1, longest=20))


def test_after_the_golden_text_a_segment_is_not_expected_to_stay_alone():
    cost = CostModel()
    teach(cost, 1, 20, 0.05)
    assert cost.segment_seconds(20, most=32) < 0.05 / 2
    assert cost.segment_seconds(20, most=1) == pytest.approx(0.05, rel=0.1)


def slow_seconds(padded, steps):
    """A model that reads a token in 1 ms and writes one in 40 ms."""
    return 0.001 * padded + 0.04 * steps


def test_a_bound_is_above_what_a_batch_takes_whatever_was_seen_before():
    shapes = [(1000, 16), (50, 1000), (10, 10), (1000, 1000)]
    for seen in shapes:
        cost = CostModel()
        for _ in range(100):
            cost.add(slow_seconds(*seen), padded=seen[0], steps=seen[1], segments=1)
        for padded, steps in shapes:
            assert cost.bound(padded=padded, steps=steps) >= slow_seconds(padded, steps)


def test_a_bound_forgets():
    cost = CostModel()
    cost.add(100.0, padded=10, steps=10, segments=1)  # the disk was slow
    for _ in range(1000):
        cost.add(0.01, padded=10, steps=10, segments=1)
    assert cost.bound(padded=10, steps=10) < 0.1


def test_a_bound_of_an_encoder_goes_by_what_it_reads():
    cost = CostModel()
    assert cost.bound(padded=10, steps=0) == 0
    cost.add(0.5, padded=10, steps=0, segments=1)
    assert cost.bound(padded=1000, steps=0) == 50


def test_a_copy_knows_what_was_learnt_and_learns_by_itself():
    cost = taught(*SHAPES)
    other = cost.copy()
    assert other.expect(segments=8, longest=20) == cost.expect(segments=8, longest=20)
    for segments, longest in SHAPES * 20:
        teach(other, segments, longest, seconds(segments, longest) / 2)
    for segments, longest in SHAPES:
        assert cost.expect(segments=segments, longest=longest) == pytest.approx(seconds(segments, longest), rel=0.1)
        half = seconds(segments, longest) / 2
        assert other.expect(segments=segments, longest=longest) == pytest.approx(half, rel=0.15)
