"""A summary is told sentence by sentence: while the model writes, the checker checks and others are translated.

Whatever happens at which time, the stream joined is the answer of the unary call.
"""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.interface import Partial, Role
from polygist_service.errors import InferenceFailed
from polygist_service.notices import NoticeKind
from polygist_service.summarisation.grounding.checker import GroundingChecker
from polygist_service.summarisation.summariser import Summariser
from polygist_service.summarisation.types import Form, Length, Method, SummaryRequest, SummaryResult
from polygist_service.translation.detection import LanguageResolver
from polygist_service.translation.types import Delta, Progress, Translation

from tests.service.echo import ENCODER, EchoEngine, EchoModel
from tests.service.summarisation.checkers import CitingChecker, ReplacingChecker

WRITER = replace(
    ENCODER, name="writer", role=Role.SUMMARISATION, source_languages=("en",), target_languages=("en",),
    max_input_tokens=500, quality_beam_size=2,
)  # fmt: skip
SENTENCES = [
    "The council of Marlow voted on Tuesday to rebuild the old bridge over the river.",
    "Until the work is done, a ferry will carry people across every twenty minutes.",
    "Half of the four million pounds will come from the county, half from the town.",
    "A school trip to the museum was cancelled because nobody could cross the river.",
]
ARTICLE = " ".join(SENTENCES)
WRITTEN = SENTENCES[:3]
ME = CallContext("me")


class Gate:
    """Lets through what is before it, and holds back the rest until it is open."""

    def __init__(self):
        self.opened, self.reached = asyncio.Event(), asyncio.Event()

    async def wait(self):
        self.reached.set()
        await self.opened.wait()


class GatedEngine(EchoEngine):
    """An engine whose model writes no end before the gate is open."""

    def __init__(self, *models, gate, **options):
        super().__init__(*models, **options)
        self.gate = gate

    def hold(self, model, context):
        return self._gated(super().hold(model, context))

    def _gated(self, holding):
        engine = self

        class Gated(EchoModel):
            async def write(self, segment, *, options, context):
                async with aclosing(super().write(segment, options=options, context=context)) as events:
                    async for event in events:
                        if not isinstance(event, Partial):
                            await engine.gate.wait()
                        yield event

        class Holding:
            async def __aenter__(self):
                held = await holding.__aenter__()
                return Gated(engine, held.info)

            async def __aexit__(self, *raised):
                return await holding.__aexit__(*raised)

        return Holding()


class GatedChecker(CitingChecker):
    """Passes the first sentence, the others once the gate is open."""

    def __init__(self, gate):
        self._gate = gate

    async def check(self, sentences, article, **rest):
        async with aclosing(super().check(sentences, article, **rest)) as checks:
            yield await anext(checks)
            await self._gate.wait()
            async for check in checks:
                yield check


class Translations:
    """Translates the first sentence at once, of whichever article it is, the others once the gate is open."""

    def __init__(self, gate=None):
        self._gate = gate
        self._first = None

    def check_route(self, request):
        pass

    async def events(self, request, context):
        for at, text in enumerate(request.contents):
            self._first = self._first or text
            if text != self._first and self._gate:
                await self._gate.wait()
            yield at, Delta(f"<{text}>")
            yield at, Translation(f"<{text}>", request.source, "pt")


class English:
    languages = ("en",)

    def rank(self, text, *, candidates=None):
        return [("en", 0.9)]


def answer(_):
    return " ".join(WRITTEN)


@pytest.fixture
def build(pool):
    def build(engine=None, *, checker=None, translations=None):
        return Summariser(
            engine or EchoEngine(WRITER, ENCODER, answer=answer),
            translator=translations or Translations(),
            checker=checker or CitingChecker(),
            languages=LanguageResolver(English(), pool),
            pool=pool,
        )

    return build


def request(text=ARTICLE, **fields):
    return SummaryRequest(contents=[text], source="en", method=Method.ABSTRACTIVE, **fields)


async def first_delta(summariser, wanted, gate):
    """The events up to the first text, which comes before the gate is open, and all of them."""
    events = []
    async with aclosing(summariser.events(await summariser.plan(wanted, ME), ME)) as stream, asyncio.timeout(30):
        async for _, event in stream:
            events.append(event)
            if isinstance(event, Delta):
                break
        before = list(events)
        assert not gate.opened.is_set()
        gate.opened.set()
        events += [event async for _, event in stream]
    return before, events


def check_whole(events):
    *others, result = events
    assert "".join(event.text for event in others if isinstance(event, Delta)) == result.text
    assert len(result.sentences) == 3
    return result


async def test_a_sentence_is_told_while_the_model_writes_the_next_ones(build):
    gate = Gate()
    engine = GatedEngine(WRITER, ENCODER, gate=gate, answer=answer)
    before, events = await first_delta(build(engine), request(), gate)
    assert before == [Progress(1, 1), Delta(SENTENCES[0])]
    assert [event for event in events if isinstance(event, Progress)] == [Progress(1, 1)]
    assert check_whole(events).text == " ".join(WRITTEN)


async def test_it_is_told_before_the_others_are_checked(build):
    gate = Gate()
    before, events = await first_delta(build(checker=GatedChecker(gate)), request(), gate)
    assert before[-1] == Delta(SENTENCES[0])
    check_whole(events)


@pytest.mark.parametrize("method", [Method.ABSTRACTIVE, Method.EXTRACTIVE])
async def test_it_is_told_before_the_others_are_translated(build, method):
    gate = Gate()
    wanted = replace(request(target="pt"), method=method, max_sentences=3)
    before, events = await first_delta(build(translations=Translations(gate)), wanted, gate)
    assert before[-1].text.startswith("<")
    result = check_whole(events)
    assert result.text.count("<") == 3


async def wait_for(reached):
    async with asyncio.timeout(30):
        await reached.wait()


@pytest.mark.parametrize("stage", ["writing", "checking", "translating"])
async def test_leaving_at_any_stage_leaves_nothing_behind(build, stage):
    gate = Gate()
    engine = EchoEngine(WRITER, ENCODER, answer=answer)
    if stage == "writing":
        engine = GatedEngine(WRITER, ENCODER, answer=answer, gate=gate)
    summariser = build(
        engine,
        checker=GatedChecker(gate) if stage == "checking" else None,
        translations=Translations(gate) if stage == "translating" else None,
    )
    plans = await summariser.plan(replace(request(target="pt"), contents=[ARTICLE] * 3), ME)
    before = asyncio.all_tasks()
    async with aclosing(summariser.events(plans, ME)) as stream, asyncio.timeout(30):
        async for _, event in stream:
            if isinstance(event, Delta):
                break
        await wait_for(gate.reached)
    assert engine.held == []
    assert asyncio.all_tasks() == before


async def test_a_caller_of_the_unary_call_that_leaves_leaves_nothing_behind(build):
    gate = Gate()
    engine = GatedEngine(WRITER, ENCODER, answer=answer, gate=gate)
    before = asyncio.all_tasks()
    call = asyncio.create_task(build(engine).summarise(request(), ME))
    await wait_for(gate.reached)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert engine.held == []
    assert asyncio.all_tasks() == before


class Failing(EchoModel):
    async def write(self, segment, *, options, context):
        yield Partial(f"{SENTENCES[0]} {SENTENCES[1]}")
        raise InferenceFailed("the model failed")


class HoldingEngine(EchoEngine):
    def __init__(self, *models, held, **options):
        super().__init__(*models, **options)
        self._held = held

    def hold(self, model, context):
        holding, held, engine = super().hold(model, context), self._held, self

        class Holding:
            async def __aenter__(self):
                return held(engine, (await holding.__aenter__()).info)

            async def __aexit__(self, *raised):
                return await holding.__aexit__(*raised)

        return Holding()


async def test_a_model_that_fails_in_the_middle_ends_the_stream_behind_what_was_certain(build):
    engine = HoldingEngine(WRITER, ENCODER, held=Failing)
    summariser = build(engine)
    plans, told = await summariser.plan(request(), ME), []

    async def listen():
        async for _, event in summariser.events(plans, ME):
            told.append(event)

    with pytest.raises(InferenceFailed, match="the model failed"):
        await listen()
    assert told in ([Progress(1, 1)], [Progress(1, 1), Delta(SENTENCES[0])])
    assert engine.held == []


class Circling(EchoModel):
    """Begins well, goes round in circles, and writes something else without repetitions."""

    def _result(self, segment, options):
        result = super()._result(segment, options)
        text = f"{SENTENCES[0]} {'And so on and on and on it went. ' * 30}"
        if options.no_repeat_ngram_size:
            text = f"The council voted. {SENTENCES[1]} {SENTENCES[2]}"
        return replace(result, hypotheses=(replace(result.hypotheses[0], text=text),))


async def test_what_was_told_stands_where_a_text_went_round_in_circles(build):
    engine = HoldingEngine(WRITER, ENCODER, held=Circling)
    summariser, wanted = build(engine), request(max_sentences=4)
    events = [event async for _, event in summariser.events(await summariser.plan(wanted, ME), ME)]
    assert events[:2] == [Progress(1, 1), Delta(SENTENCES[0])]
    result = events[-1]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == result.text
    assert NoticeKind.REPETITION_SUPPRESSED in {notice.kind for notice in result.notices}
    assert [result] == await summariser.summarise(wanted, ME)


pieces = st.sampled_from(
    [*SENTENCES, "Here is a summary:", "\n- ", "\n", "In 1984 the U.S. paid 3.5 million.", "Penguins won 9 cups.", "on"]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    st.lists(pieces, min_size=1, max_size=10).map(" ".join),
    st.sampled_from(Form),
    st.sampled_from(Length),
    st.sampled_from(["", "pt"]),
    st.sampled_from(["grounding", "citing", "replacing"]),
    st.booleans(),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_stream_joined_is_the_unary_answer(text, form, length, target, checker, markdown):
    pool = TextPool(1)
    engine = EchoEngine(WRITER, ENCODER, answer=lambda _: text)
    checkers = {
        "grounding": GroundingChecker(engine, pool),
        "citing": CitingChecker(),
        "replacing": ReplacingChecker(2),
    }
    summariser = Summariser(
        engine,
        translator=Translations(),
        checker=checkers[checker],
        languages=LanguageResolver(English(), pool),
        pool=pool,
    )
    wanted = request(form=form, length=length, target=target or None, markdown=markdown)

    async def both():
        try:
            (unary,) = await summariser.summarise(wanted, ME)
        except InferenceFailed as failure:
            unary = str(failure)
        try:
            events = [event async for _, event in summariser.events(await summariser.plan(wanted, ME), ME)]
        except InferenceFailed as failure:
            return unary, str(failure), []
        return unary, events[-1], events[:-1]

    try:
        unary, result, events = asyncio.run(both())
    finally:
        pool.close()
    assert result == unary
    if isinstance(result, SummaryResult):
        assert "".join(event.text for event in events if isinstance(event, Delta)) == result.text
        for sentence in result.sentences:
            assert markdown or result.text[slice(*sentence.summary_span)] == sentence.text
