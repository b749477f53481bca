"""What is computed: the loss and its gradients, and the decoders that a run starts with."""

import pytest

pytest.importorskip("torch", reason="torch is missing; `make training-test` installs it")

import torch
from torch.nn import functional

from tests.training.student import make_pairs, write_original
from training.divergence import measure_divergence
from training.objective import (
    OutputDivergence,
    add_layer,
    ask_original,
    compare,
    compare_outputs,
    compile_comparison,
    count_kept_layers,
    diverge,
    freeze,
    join_student,
    make_batch,
    run_student,
    start_student,
)
from training.originals import find_original
from training.reference import Model, load_original, logits, project
from training.text import encode_pairs


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(1)


@pytest.fixture
def original(tmp_path):
    model, vocabulary = load_original(find_original("tiny", write_original(tmp_path / "original"), tmp_path))
    return freeze(model, torch.float32), vocabulary


def test_gradients_of_the_divergence_are_those_that_torch_finds(generator):
    """By rows, some of them at a time, and one row in the last turn."""
    embeddings = torch.randn(50, 8, generator=generator)
    model = Model({"Wemb": embeddings, "decoder_ff_logit_out_b": torch.randn(50, generator=generator)}, 2, 1, 1)
    model = freeze(model, torch.float32)
    theirs = torch.randn(65, 8, generator=generator)
    values = []
    for function in (
        lambda mine, bias: OutputDivergence.apply(mine, bias, theirs, model),
        lambda mine, bias: diverge(logits(model, theirs), project(model, mine, bias)),
    ):
        mine = torch.randn(65, 8, generator=torch.Generator().manual_seed(2)).requires_grad_()
        bias = torch.linspace(-1, 1, 50).requires_grad_()
        divergence = function(mine, bias)
        (3 * divergence).backward()
        values.append((divergence.detach(), mine.grad, bias.grad))
    for ours, expected in zip(*values, strict=True):
        torch.testing.assert_close(ours, expected)


# torch's compiler imports what torch itself has deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_kernels_made_for_a_gpu_compare_outputs_as_torch_does(generator, kind):
    """Of several numbers of rows, of which the last turn has any."""
    for rows in (64, 33, 1):
        theirs, noise = torch.randn(2, rows, 500, generator=generator)
        theirs, ours = theirs.to(kind), (theirs + 0.1 * noise).to(kind)
        expected = compare_outputs(theirs, ours, kind)
        for found, wanted in zip(compile_comparison()(theirs, ours, kind), expected, strict=True):
            torch.testing.assert_close(found, wanted)


def test_an_original_compared_with_itself_does_not_diverge(original):
    model, vocabulary = original
    corpus = encode_pairs(vocabulary, make_pairs(8))
    batch = make_batch(*corpus.read(range(8)), "cpu")
    theirs = logits(model, ask_original(model, batch, model.encoder_layers).hiddens[-1])
    assert diverge(theirs, theirs).item() == 0


def test_padding_changes_nothing(original, generator):
    """A pair alone, and beside a longer one."""
    model, vocabulary = original
    student = join_student(model, start_student(model, generator))
    sources, targets = encode_pairs(vocabulary, make_pairs(6)).read(range(6))
    together = make_batch(sources, targets, "cpu")
    for at, target in enumerate(targets):
        alone = make_batch([sources[at]], [target], "cpu")
        for compute in (
            lambda batch: ask_original(model, batch, 2).hiddens[-1],
            lambda batch: run_student(student, batch, ask_original(model, batch, 2), 2)[-1],
        ):
            torch.testing.assert_close(compute(alone)[0, : len(target)], compute(together)[at, : len(target)])


def test_an_added_layer_nearly_passes_on_what_it_gets(original, generator):
    model, vocabulary = original
    trained = start_student(model, generator)
    corpus = encode_pairs(vocabulary, make_pairs(20))
    two, three = join_student(model, trained), join_student(model, add_layer(trained))
    random = join_student(model, {name: torch.randn_like(w) for name, w in trained.items()})
    assert (two.decoder_layers, three.decoder_layers) == (2, 3)
    batch = make_batch(*corpus.read(range(20)), "cpu")
    answer = ask_original(model, batch, 2)
    before, after, other = (run_student(each, batch, answer, 2)[-1] for each in (two, three, random))
    assert (before - after).abs().mean() < 0.05 * (before - other).abs().mean()


@pytest.mark.parametrize(("trained", "kept"), [((), 2), (("encoder_l2_ffn_W1",), 1), (("encoder_l1_ffn_W1",), 0)])
def test_layers_of_the_encoder_that_are_trained_are_ours(original, generator, trained, kept):
    model, vocabulary = original
    weights = start_student(model, generator) | {name: model[name] * 2 for name in trained}
    student = join_student(model, weights)
    assert count_kept_layers(student) == kept
    same = join_student(model, start_student(model, torch.Generator().manual_seed(1)))
    corpus = encode_pairs(vocabulary, make_pairs(4))
    found, expected = (measure_divergence(model, each, corpus, "cpu") for each in (student, same))
    assert (found == expected) is (not trained)


def test_given_targets_are_learnt_whatever_the_original_would_write(original, generator):
    model, vocabulary = original
    student = join_student(model, start_student(model, generator))
    read = encode_pairs(vocabulary, make_pairs(5)).read(range(5))
    batch = make_batch(*read, "cpu", is_given=True)
    answer = ask_original(model, batch, 2)
    loss = compare(model, student, batch, answer, share=0.5, generator=generator)
    hidden = run_student(student, batch, answer, 2)[-1][batch.real_target]
    written = project(model, hidden, student["decoder_ff_logit_out_b"])
    torch.testing.assert_close(loss.divergence, functional.cross_entropy(written, batch.targets[batch.real_target]))
    assert loss.distance == 0
