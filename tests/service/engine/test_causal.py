"""Instruction models run each prompt alone, so that nobody's answer depends on who else asks."""

import asyncio
from types import SimpleNamespace

import pytest
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.causal import CausalModel
from polygist_service.engine.residency.loader import open_model

from tests.service.one_model import OneModel, text_pool
from tests.service.one_model import submit as submit_to

TEXTS = [
    "the river",
    "The town council approved the new bus route on Tuesday.",
    " ".join(["people wanted a new bridge near the old market"] * 6),
    "a",
    "The school closed because every road near the river was flooded, and nobody could say for how long.",
    "o rio e a cidade",
    " ".join(["every old house near the road opened"] * 12),
    "the",
]


class Watched:
    """A loaded model whose batches are noted."""

    def __init__(self, model):
        self._model = model
        self.batches = []

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, batch, options, listener=None):
        self.batches.append(list(batch))
        return self._model.run(batch, options, listener)


def load(installed):
    return Watched(open_model(installed, slots=2, placement=Placement(compute_type="float32")))


@pytest.fixture
def submit():
    """Submits requests at the same time, each a list of texts; returns the texts of their answers."""

    async def call(model, *requests, options):
        async with text_pool() as pool:
            engine = BatchingEngine(OneModel(model), slots=2, pool=pool)

            async def ask(texts):
                stream = submit_to(engine, "tiny", texts, options=options)
                answers = {index: result.hypotheses[0].text async for index, result in stream}
                return [answers[index] for index in range(len(texts))]

            try:
                return await asyncio.gather(*map(ask, requests))
            finally:
                engine.close()

    return call


async def expect_answers_of_their_own(model, submit, texts, *, length):
    options = Decoding(max_output_tokens=length)
    alone = [(await submit(model, [text], options=options))[0][0] for text in texts]
    model.batches.clear()
    together, reversed_, *singly = await submit(model, texts, texts[::-1], *([text] for text in texts), options=options)
    assert together == alone
    assert reversed_ == alone[::-1]
    assert [answer for (answer,) in singly] == alone
    assert len(set(alone)) > 1
    assert [len(batch) for batch in model.batches] == [1] * 3 * len(texts)


async def test_prompts_of_a_request_are_answered_as_alone(tiny_instruct, submit):
    await expect_answers_of_their_own(load(tiny_instruct), submit, TEXTS, length=24)


async def test_another_instruction_leaves_nothing_behind(tiny_instruct, submit):
    """The state after the instruction is kept between calls, for this instruction only."""
    model, instructions = load(tiny_instruct), ["", "the old market", "Summarise the river, near every road."]
    wanted = [
        await submit(load(tiny_instruct), TEXTS, options=Decoding(max_output_tokens=24, instruction=each))
        for each in instructions
    ]
    for _ in range(2):
        for each, answers in zip(instructions, wanted, strict=True):
            assert await submit(model, TEXTS, options=Decoding(max_output_tokens=24, instruction=each)) == answers
    assert len({str(answers) for answers in wanted}) == 3


@pytest.mark.model
async def test_smollm2_answers_as_alone(smollm2, submit):
    await expect_answers_of_their_own(load(smollm2), submit, TEXTS[:5], length=16)


class Thinker:
    """A generator that writes tokens of our choice."""

    def __init__(self, text):
        self._tokens = list(text)

    def generate_batch(self, prompts, **_):
        return [SimpleNamespace(sequences=[self._tokens], scores=None) for _ in prompts]


class Letters:
    """A tokenizer of single characters."""

    encode = staticmethod(list)
    decode = staticmethod("".join)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<think>Hm.\n\nTwo ferries?</think>\n\nThe ferry left.", "The ferry left."),
        ("The ferry left.", "The ferry left."),
        ("<think>I never end", ""),
        ("The <think>so</think>ferry left.", "The ferry left."),
    ],
)
def test_what_a_model_thinks_aloud_is_not_shown(written, shown):
    model = CausalModel(
        Thinker(written), Letters(), frame=lambda instruction: ([], []), instruction="", max_input_tokens=99
    )
    options = Decoding(max_output_tokens=99)
    (result,) = model.run([model.tokenise("the ferry", options)], options)
    assert result.hypotheses[0].text == shown
