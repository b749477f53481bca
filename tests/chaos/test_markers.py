"""Requests of every size at once, each with a mark of its own: each answer is of its own request, and in order."""

import asyncio
import random
from collections import Counter

import pytest
from polygist_client import AsyncClient

from tests.end_to_end.load import ANSWERED
from tests.service.echo import EchoEngine
from tests.service.harness import serving

CHANNELS, AT_ONCE = 4, 200
SEED = 28


def make_texts(chance, number):
    """Texts of one request: mostly one of one sentence, seldom many of many."""
    return [
        " ".join(f"Number {number} has part {part} of {at}." for at in range(min(40, int(chance.paretovariate(1.5)))))
        for part in range(min(8, int(chance.paretovariate(2))))
    ]


def echo(text):
    """What the engine makes of a text, sentence by sentence."""
    return " ".join(f"[{sentence}.]" for sentence in text.removesuffix(".").split(". "))


@pytest.mark.parametrize("calls", [200, pytest.param(10_000, marks=[pytest.mark.chaos, pytest.mark.timeout(1200)])])
async def test_each_answer_is_of_its_own_request(figures, calls):
    chance, turns = random.Random(SEED), asyncio.Semaphore(AT_ONCE)
    requests = [make_texts(chance, number) for number in range(calls)]
    async with serving(EchoEngine(delay=0.0005)) as service:
        clients = [AsyncClient(service.address) for _ in range(CHANNELS)]

        async def call(number):
            texts, client = requests[number], clients[number % CHANNELS]
            async with turns:
                answers = await client.translate(texts, to="pt", source="en", timeout=300)
            return ANSWERED if [each.text for each in answers] == [echo(text) for text in texts] else "mixed up"

        with figures.timed():
            seen = Counter(await asyncio.gather(*(call(number) for number in range(calls))))
        figures.count(seen)
        for client in clients:
            await client.close()
    assert seen == {ANSWERED: calls}
