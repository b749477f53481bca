"""Which lengths may share a batch, found out on models whose kernels change where the test says."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.engine.interface import Decoding, Hypothesis, Result
from polygist_service.engine.models import invariance
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.models.invariance import find_seams
from polygist_service.engine.models.prompt_format import Prompt

from tests.service.tiny import WORDS, load_tiny_model, write_tiny_model

GOLDEN = Prompt(["The", "library", "opens", "at", "nine", "in", "the", "morning", "."], ("<pt>",))


class Kernels:
    """A model whose scores show by which kernel a batch was calculated, and at the will of a test how large it was."""

    def __init__(self, *seams, by_size=False):
        self._seams = seams
        self._by_size = by_size
        self.batches = []

    def __call__(self, batch):
        self.batches.append(batch)
        longest = max(map(len, batch))
        number = sum(longest >= seam for seam in self._seams) + (len(batch) if self._by_size else 0)
        return [Result(len(each), (Hypothesis(" ".join(each.tokens), 1, -1.0 - number),)) for each in batch]


@given(st.sets(st.integers(min_value=6, max_value=90), max_size=4))
def test_every_seam_is_found(seams):
    assert find_seams(Kernels(*sorted(seams)), GOLDEN, window=96) == (*sorted(seams), 96)


def test_a_window_below_the_lengths_that_are_looked_at_ends_the_last_stretch():
    assert find_seams(Kernels(15, 101), GOLDEN, window=1024) == (15, 101, 128)
    assert find_seams(Kernels(15, 101), GOLDEN, window=12) == (12,)


def test_no_text_is_longer_than_the_window():
    kernels = Kernels(15)
    find_seams(kernels, GOLDEN, window=40)
    assert max(len(prompt) for batch in kernels.batches for prompt in batch) == 39


def test_where_the_size_of_a_batch_changes_answers_no_lengths_are_mixed():
    assert find_seams(Kernels(15, by_size=True), GOLDEN, window=96) == ()


def test_where_every_length_has_a_kernel_of_its_own_no_lengths_are_mixed():
    kernels = Kernels(*range(6, 96))
    assert find_seams(kernels, GOLDEN, window=96) == ()
    assert len(kernels.batches) < 100


def test_of_a_model_that_takes_too_long_nothing_is_said():
    seconds = iter(range(1000))
    kernels = Kernels(15)
    assert find_seams(kernels, GOLDEN, window=96, clock=lambda: next(seconds)) is None
    assert len(kernels.batches) <= invariance.MOST_SECONDS


def test_the_prompt_format_stays_around_every_text():
    kernels = Kernels()
    find_seams(kernels, GOLDEN, window=96)
    for batch in kernels.batches:
        for prompt in batch:
            assert (prompt.tokens[0], prompt.tokens[-1], prompt.prefix) == ("The", ".", ("<pt>",))


@pytest.mark.parametrize(
    ("seams", "one", "other", "alike"),
    [
        ((), 7, 7, True),
        ((), 7, 8, False),
        ((15, 96), 5, 14, True),
        ((15, 96), 4, 14, False),
        ((15, 96), 3, 4, False),
        ((15, 96), 3, 3, True),
        ((15, 96), 14, 15, False),
        ((15, 96), 95, 15, True),
        ((15, 96), 96, 97, False),
        ((15, 96), 97, 97, True),
    ],
)
def test_lengths_between_two_seams_answer_alike(seams, one, other, alike):
    assert BatchLimits(8, 64, 8, seams).answer_alike(one, other) is alike


def test_a_real_model_answers_to_the_last_bit_what_it_answers_alone(tmp_path):
    model = load_tiny_model(write_tiny_model(tmp_path / "tiny"), max_input_tokens=60, compute_type="int8")
    options, choice = Decoding(scores=True, max_output_tokens=8), random.Random(1)
    golden = model.tokenise("the people wanted a new bridge near the old town", options)
    model.seams = find_seams(lambda batch: model.run(batch, options), golden, window=60)
    limits = model.batch_limits(options)
    texts = [model.tokenise(" ".join(choice.choices(WORDS, k=count)), options) for count in range(1, 24)]
    for first in texts:
        batch = [text for text in texts if limits.answer_alike(len(first), len(text))]
        alone = model.run([first], options)[0].hypotheses
        assert model.run(batch, options)[batch.index(first)].hypotheses == alone
