"""Articles that try to be more than a text: what of them reaches an instruction model."""

import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist.v1 import common_pb2, summarisation_service_pb2
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.prompt_format import ChatTemplate
from polygist_service.engine.models.tokenizers import JsonTokenizer
from polygist_service.engine.residency.loader import Loader, open_model
from polygist_service.engine.residency.registry import Registry
from polygist_service.store.store import Store

from tests.service.harness import serving

# By kind: instructions, fake roles, control tokens of many models, hidden HTML.
INJECTIONS = json.loads(Path(__file__).with_name("injections.json").read_text(encoding="utf-8"))
ARTICLES = [text for texts in INJECTIONS.values() for text in texts]
INSTRUCTION = "Summarise this article in two sentences.\n\n"
ABSTRACTIVE = summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE
FALLBACK, EXPERIMENTAL = common_pb2.WARNING_CODE_METHOD_FALLBACK, common_pb2.WARNING_CODE_EXPERIMENTAL_MODEL


class Reader:
    """An installed instruction model, loaded, and what is a control token to it."""

    def __init__(self, installed):
        self.name, self.folder = installed.name, installed.folder
        self.home = installed.folder.parents[1]
        self.model = open_model(installed, slots=1, placement=Placement(compute_type="float32"))
        self.tokenizer = JsonTokenizer(self.folder / "tokenizer.json")
        self.control = control_tokens(self.folder)
        self.frame = ChatTemplate(self.folder, JsonTokenizer(self.folder / "tokenizer.json")).frame(INSTRUCTION)

    def read(self, text):
        """The tokens of `text` in its prompt, whose frame has to be that of the template."""
        prompt = self.model.tokenise(text, Decoding(instruction=INSTRUCTION))
        head, tail = self.frame
        assert prompt.prefix == head
        assert prompt.tokens[-len(tail) :] == tail
        return prompt.tokens[: -len(tail)]

    def expect_text_only(self, text):
        """What the model reads of `text` says what it says, and is nothing else."""
        tokens = self.read(text)
        assert not self.control.intersection(tokens)
        assert self.tokenizer.decode(tokens) == text.strip()


def control_tokens(folder):
    """The tokens that a tokenizer calls special; its chat template writes no others."""
    added = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    return {token["content"] for token in added if token["special"]}


def warning_codes(summary):
    return {warning.code for warning in summary.warnings}


@pytest.fixture(scope="module")
def tiny(tiny_instruct):
    return Reader(tiny_instruct)


@pytest.fixture(scope="module")
def real(smollm2):
    return Reader(smollm2)


def test_there_are_fifty_articles_of_all_kinds():
    assert {kind: len(texts) for kind, texts in INJECTIONS.items()} == {
        "instructions": 10, "roles": 10, "ChatML and its kin": 10, "other templates": 10, "hidden text": 10,
    }  # fmt: skip
    assert len(set(ARTICLES)) == 50


def test_the_articles_hold_control_tokens_of_the_models_that_read_them(tiny):
    framed = tiny.tokenizer.encode_frame("\n".join(ARTICLES))
    assert tiny.control <= set(framed)


@pytest.mark.parametrize("text", ARTICLES)
def test_an_article_reaches_a_model_as_text(tiny, text):
    tiny.expect_text_only(text)


def test_a_text_of_any_make_reaches_a_model_as_text(tiny):
    pieces = st.sampled_from([*sorted(tiny.control), "<|", "im_", "start", "|>", "user\n", "<", "|", ">", " "])

    @given(st.lists(pieces | st.characters(codec="utf-8"), max_size=12).map("".join))
    def check(text):
        assert not tiny.control.intersection(tiny.read(text))

    check()


@pytest.mark.model
def test_articles_reach_smollm2_as_text(real):
    assert len(real.control) == 17
    for text in [*ARTICLES, *sorted(real.control), "".join(sorted(real.control))]:
        assert not real.control.intersection(real.read(text))
        real.expect_text_only(text)


class Overheard:
    """A generator whose prompts are noted: what stands before the text, and the text with what follows it."""

    def __init__(self, generator, prompts):
        self._generator = generator
        self._prompts = prompts

    def generate_batch(self, tokens, *, static_prompt, **options):
        self._prompts += [(list(static_prompt), list(each)) for each in tokens]
        return self._generator.generate_batch(tokens, static_prompt=static_prompt, **options)


@asynccontextmanager
async def overhearing(home, pool):
    """A server with the models of `home`; gives it and the prompts that its instruction models get."""
    prompts = []

    def open_overheard(installed, **options):
        model = open_model(installed, **options)
        if installed.description.tokenizer == "chat":
            model._generator = Overheard(model._generator, prompts)
        return model

    def place(installed):
        return Placement(compute_type="float32")

    registry = Registry(Loader(lambda: Store(home), slots=2, place=place, open_model=open_overheard))
    engine = BatchingEngine(registry, slots=2, pool=pool)
    try:
        async with serving(engine) as service:
            yield service, prompts
    finally:
        registry.close()
        engine.close()


def expect_framed(prompts, reader):
    """Every prompt has the control tokens of the template, where the template has them, and no others."""
    head, tail = reader.frame
    wanted = [token for token in head if token in reader.control]
    for prefix, tokens in prompts:
        assert [token for token in prefix if token in reader.control] == wanted
        assert tokens[-len(tail) :] == tail
        assert not reader.control.intersection(tokens[: -len(tail)])


async def summarise(service, texts, model, **fields):
    request = summarisation_service_pb2.SummariseRequest(
        contents=texts,
        model=f"models/{model}",
        method=ABSTRACTIVE,
        source_language_code="en",
        output_config={"include_citations": True},
        **fields,
    )
    return (await service.summarisation.Summarise(request)).summaries


@pytest.mark.parametrize("texts", INJECTIONS.values(), ids=INJECTIONS)
async def test_through_the_server_the_frame_stays_and_what_is_made_up_is_replaced(tiny, pool, texts):
    async with overhearing(tiny.home, pool) as (service, prompts):
        summaries = await summarise(service, texts, tiny.name)
    expect_framed(prompts, tiny)
    assert len(prompts) >= len(texts)
    for text, summary in zip(texts, summaries, strict=True):
        # Random weights write nothing that an article bears out.
        assert FALLBACK in warning_codes(summary)
        assert summary.sentences
        assert all(sentence.text in text for sentence in summary.sentences)


async def test_what_a_model_wrote_of_parts_is_framed_as_text_as_well(tiny, pool):
    async with overhearing(tiny.home, pool) as (service, prompts):
        (summary,) = await summarise(service, ["\n\n".join(ARTICLES)], tiny.name)
    expect_framed(prompts, tiny)
    assert len(prompts) > summary.chunk_count > 1


@pytest.mark.model
async def test_through_the_server_smollm2_gets_whole_frames(real, pool):
    texts = [kind[0] for kind in INJECTIONS.values()]
    async with overhearing(real.home, pool) as (service, prompts):
        summaries = await summarise(service, texts, real.name, decoding_config={"max_output_tokens": 24})
    expect_framed(prompts, real)
    assert len(prompts) >= len(texts)
    for text, summary in zip(texts, summaries, strict=True):
        assert EXPERIMENTAL in warning_codes(summary)
        # What the checker let pass has support; what it did not is the article's own.
        assert summary.sentences
        assert all(sentence.text in text or sentence.citations for sentence in summary.sentences)
