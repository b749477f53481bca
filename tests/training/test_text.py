"""Pairs of sentences: what training makes of them."""

import pytest

pytest.importorskip("torch", reason="torch is missing; `make training-test` installs it")

import click
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from tests.service.store.student import make_vocabulary
from tests.training.student import make_pairs, write_pairs
from training.text import LONGEST, MULTIPLE, draw_batches, encode_pairs, read_pairs, vary

LENGTHS = st.lists(st.tuples(st.integers(1, LONGEST), st.integers(1, LONGEST)), min_size=1, max_size=200)


@given(LENGTHS, st.integers(LONGEST + MULTIPLE, 5000), st.integers(0, 3))
def test_every_pair_is_in_one_batch_and_none_is_too_large(lengths, most_tokens, seed):
    measured = np.array(lengths)
    batches = draw_batches(measured, most_tokens, seed)
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(-(-measured[at, 1] // MULTIPLE) * MULTIPLE for at in batch)
        assert len(batch) * longest <= most_tokens


def test_another_seed_is_another_order():
    lengths = np.array([[5, 5]] * 100)
    assert draw_batches(lengths, 20, 1) == draw_batches(lengths, 20, 1) != draw_batches(lengths, 20, 2)


def test_tokens_come_back_as_they_were_put_in():
    vocabulary = SentencePieceProcessor(model_proto=make_vocabulary(3))
    pairs = make_pairs(20)
    sources, targets = encode_pairs(vocabulary, pairs).read(range(20))
    assert [
        (vocabulary.decode(a[:-1]), vocabulary.decode(b[:-1])) for a, b in zip(sources, targets, strict=True)
    ] == pairs
    assert all(row[-1] == 0 and 0 not in row[:-1] for row in sources + targets)


def test_pairs_that_are_empty_or_too_long_on_a_side_are_left_out():
    vocabulary = SentencePieceProcessor(model_proto=make_vocabulary(3))
    (good,) = make_pairs(1)
    corpus = encode_pairs(vocabulary, [("", good[1]), good, (good[0], ""), (good[0], f"{good[1]} " * LONGEST)])
    assert len(corpus) == 1


def test_both_sides_are_varied_alike():
    pairs = [(f"The first, then number {at}.", f"The first, then number {at}.") for at in range(2000)]
    varied = list(vary(pairs, seed=1))
    assert all(source == target for source, target in varied)
    changed = [pair for pair, before in zip(varied, pairs, strict=True) if pair != before]
    assert 0.2 < len(changed) / len(pairs) < 0.32
    kinds = {source.count(".") for source, _ in changed} | {source.isupper() for source, _ in changed}
    assert kinds == {0, 1, 2}
    assert varied == list(vary(pairs, seed=1))


def test_pairs_of_the_other_direction_are_turned_round(tmp_path):
    path = write_pairs(tmp_path / "pairs.tsv", [("a", "b")])
    assert (read_pairs(path), read_pairs(path, turned=True)) == ([("a", "b")], [("b", "a")])


@pytest.mark.parametrize("line", ["no tab", "two\ttabs\there"])
def test_a_line_that_is_no_pair_is_named(tmp_path, line):
    path = tmp_path / "pairs.tsv"
    path.write_text(f"a\tb\n{line}\n")
    with pytest.raises(click.ClickException, match=r"pairs.tsv, line 2 has \d tabs.*training.translate"):
        read_pairs(path)
