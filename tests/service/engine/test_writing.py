"""What a model writes is told while it writes, and it stops when nobody wants it any more."""

import gc
import threading
import weakref
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from polygist_service.context import CallContext
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding, Partial, Result, Unobserved
from polygist_service.engine.models.causal import CausalModel
from polygist_service.engine.models.seq2seq import SequenceToSequence
from polygist_service.engine.residency.loader import open_model
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.store import Store

from tests.service.one_model import OneModel, submit, text_pool

PARITY = Path(__file__).parents[2] / "parity"
# Among them models whose decoder is made to begin with the language, and each kind of tokenizer.
OPTIONS = {
    "bart": PullOptions(family="bart"),
    "causal-lm": PullOptions(family="causal-lm"),
    "t5": PullOptions(family="t5"),
    "pegasus": PullOptions(family="pegasus"),
    "mbart50": PullOptions(),
    "nllb": PullOptions(),
}
TEXT = "The town council approved the new bus route on Tuesday, and people wanted a new bridge near the old market."
ME = CallContext("me")
LENGTH = 40


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def opened(request, home):
    """The tiny model of a family, and options by which it writes so many tokens."""
    (pulled,) = Store(home).pull([f"path:{PARITY / request.param}"], options=OPTIONS[request.param])
    languages = pulled.model.description.language_tokens
    pair = {"source": next(iter(languages)), "target": list(languages)[-1]} if languages else {}
    model = open_model(pulled.model, slots=1, placement=Placement(compute_type="float32"))
    return model, Decoding(max_output_tokens=LENGTH, min_output_tokens=LENGTH, **pair)


class Reports(Unobserved):
    def __init__(self):
        self.target_tokens = []
        self.ran = threading.Event()

    def batch_ran(self, report):
        self.target_tokens.append(report.target_tokens)
        self.ran.set()


@asynccontextmanager
async def running(model, observer=None, registry=None):
    async with text_pool() as pool:
        engine = BatchingEngine(registry or OneModel(model), slots=1, pool=pool, observer=observer)
        try:
            yield engine
        finally:
            engine.close(10)


async def check_growth(model, options):
    """What is told grows into the result, and that is the one of `submit`."""
    async with running(model) as engine:
        whole = [result async for _, result in submit(engine, "tiny", [TEXT], options=options)]
        async with engine.hold("tiny", ME) as held:
            *starts, last = [event async for event in held.write(TEXT, options=options, context=ME)]
    assert [last] == whole
    assert all(isinstance(start, Partial) for start in starts)
    assert LENGTH - 1 <= len(starts) <= LENGTH
    text = last.hypotheses[0].text
    assert starts[-1].text == text or len(starts) < LENGTH
    for start in starts:
        # A character of several tokens is not whole before the last of them.
        settled = start.text.rstrip("\N{REPLACEMENT CHARACTER} ")
        assert text.startswith(settled)
    assert len({start.text for start in starts}) > 1


@pytest.mark.parametrize("opened", OPTIONS, indirect=True)
async def test_what_is_told_grows_into_the_result_and_that_is_the_one_of_submit(opened):
    await check_growth(*opened)


@pytest.mark.model
async def test_so_it_does_with_smollm2(smollm2):
    model = open_model(smollm2, slots=1, placement=Placement(compute_type="default"))
    await check_growth(model, Decoding(max_output_tokens=LENGTH, min_output_tokens=LENGTH))


@pytest.mark.parametrize("opened", ["causal-lm", "bart"], indirect=True)
async def test_a_beam_has_nothing_to_tell_before_its_end(opened):
    model, _ = opened
    wide = Decoding(beam_size=2, max_output_tokens=LENGTH)
    async with running(model) as engine, engine.hold("tiny", ME) as held:
        (only,) = [event async for event in held.write(TEXT, options=wide, context=ME)]
    assert isinstance(only, Result)


class Held:
    """A loaded model that writes no second token before `gate` is open."""

    def __init__(self, model):
        self._model = model
        self.gate = threading.Event()

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, batch, options, listener=None):
        def is_wanted(at):
            asked.append(at)
            return len(asked) == 1 or (self.gate.wait(10) and listener.is_wanted(at))

        asked = []
        followed = SimpleNamespace(
            stops_early=False,
            is_wanted=is_wanted,
            is_followed=listener.is_followed,
            tell=listener.tell,
            is_aligned=listener.is_aligned,
        )
        return self._model.run(batch, options, followed)


@pytest.mark.parametrize("opened", ["causal-lm", "bart"], indirect=True)
async def test_closing_stops_the_model_in_the_middle(opened):
    (model, options), reports = opened, Reports()
    held_back = Held(model)
    registry = OneModel(held_back)
    async with running(held_back, reports, registry) as engine:
        async with (
            engine.hold("tiny", ME) as held,
            aclosing(held.write(TEXT, options=options, context=ME)) as events,
        ):
            assert isinstance(await anext(events), Partial)
        held_back.gate.set()
        assert reports.ran.wait(10)
    assert reports.target_tokens[0] < LENGTH / 2
    # What ended early tells nothing of how long the next batch takes.
    assert registry.loaded.cost.bound(padded=100, steps=100) == 0


@pytest.mark.parametrize("opened", ["causal-lm"], indirect=True)
async def test_an_instruction_model_stops_for_whoever_leaves_although_nobody_follows_it(opened):
    (model, options), reports = opened, Reports()
    submissions = []

    class Left:
        """A model whose only caller leaves after the first token."""

        def __getattr__(self, name):
            return getattr(model, name)

        def run(self, batch, options, listener=None):
            wanted = iter([True])
            gone = SimpleNamespace(
                is_wanted=lambda at: next(wanted, False),
                is_followed=listener.is_followed,
                tell=submissions.append,
                is_aligned=listener.is_aligned,
            )
            return model.run(batch, options, gone)

    async with running(Left(), reports) as engine:
        async for _ in submit(engine, "tiny", [TEXT], options=options):
            pass
    assert reports.target_tokens[0] < LENGTH / 2
    assert submissions == []


class Broken:
    """A listener that fails."""

    stops_early = False

    def is_wanted(self, at):
        raise RuntimeError("no")

    def is_followed(self, at):
        return True

    def tell(self, at, text):
        raise RuntimeError("no")

    def is_aligned(self, at):
        return False


@pytest.mark.parametrize("opened", ["causal-lm", "bart"], indirect=True)
def test_a_listener_that_fails_costs_no_batch(opened):
    model, options = opened
    prompt = model.tokenise(TEXT, options)
    assert model.run([prompt], options, Broken()) == model.run([prompt], options)


class Keeper:
    """Stands for a native model: keeps the callback that it was given, as CTranslate2 does for a while."""

    def __init__(self):
        self.callbacks = []

    def translate_batch(self, sources, *, callback, **_):
        self.callbacks.append(callback)
        return [SimpleNamespace(hypotheses=[["a"]], scores=None) for _ in sources]

    def generate_batch(self, prompts, *, callback, **_):
        self.callbacks.append(callback)
        return [SimpleNamespace(sequences=[["a"]], scores=None) for _ in prompts]


class Letters:
    encode = staticmethod(list)
    decode = staticmethod("".join)


class Interested:
    """A listener that wants to know all, or nothing, of an output, and may or may not leave."""

    def __init__(self, *, is_followed, stops_early=False):
        self._is_followed = is_followed
        self.stops_early = stops_early

    def is_wanted(self, at):
        return True

    def is_followed(self, at):
        return self._is_followed

    def is_aligned(self, at):
        return False


def make(kind, native):
    if kind is CausalModel:
        return CausalModel(native, Letters(), frame=lambda _: ([], []), instruction="", max_input_tokens=99)
    return SequenceToSequence(native, Letters(), max_input_tokens=99)


@pytest.mark.parametrize("kind", [CausalModel, SequenceToSequence])
def test_what_the_native_model_keeps_knows_nobody_after_a_batch(kind):
    """Else a thread of the native model might be the last to know it, wait for its own end, and abort the process."""
    native, options = Keeper(), Decoding()
    model, listener = make(kind, native), Interested(is_followed=True)
    model.run([model.tokenise("abc", options)], options, listener)
    known = [weakref.ref(model), weakref.ref(listener)]
    del model, listener
    gc.collect()
    assert [each() for each in known] == [None, None]
    assert native.callbacks[0] is not None
    assert native.callbacks[0](SimpleNamespace(batch_id=0, token="b"))


def test_an_encoder_decoder_whose_outputs_nobody_follows_is_not_slowed():
    native, options = Keeper(), Decoding()
    model = make(SequenceToSequence, native)
    model.run([model.tokenise("abc", options)], options, Interested(is_followed=False))
    model.run([model.tokenise("abc", options)], options)
    assert native.callbacks == [None, None]


def test_a_long_batch_of_an_encoder_decoder_asks_who_still_wants_it():
    native, options = Keeper(), Decoding()
    model = make(SequenceToSequence, native)
    model.run([model.tokenise("abc", options)], options, Interested(is_followed=False, stops_early=True))
    assert native.callbacks != [None]
    wide = Decoding(beam_size=2)  # CTranslate2 has no callback there
    model.run([model.tokenise("abc", wide)], wide, Interested(is_followed=False, stops_early=True))
    assert native.callbacks[1] is None
