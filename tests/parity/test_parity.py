"""Our tokens in and greedy tokens out are those of Transformers, for a tiny member of every family.

The expected ones, and the models, come from `make.py` beside this file.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding, Encoding
from polygist_service.engine.residency.loader import open_model
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.convert.inspect import read_vocabulary
from polygist_service.store.store import Store

HERE = Path(__file__).parent
FAMILIES = sorted(path.name for path in HERE.iterdir() if (path / "golden.jsonl").exists())
# What the operator has to say, as neither files nor vocabulary tell.
OPTIONS = {
    "marian": PullOptions(sources=("en",), targets=("de",)),
    "marian-multi": PullOptions(sources=("en",)),
    "small100": PullOptions(family="small100"),
    "bart": PullOptions(family="bart"),
    "t5": PullOptions(family="t5"),
    "mt5": PullOptions(family="mt5"),
    "causal-lm": PullOptions(family="causal-lm"),
    "encoder": PullOptions(family="encoder"),
}
NEW_TOKENS = 24
LEAST_SHARE = 0.99


class Recorder:
    """A tokenizer that notes the tokens it is asked to join."""

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer
        self.joined = []

    def __getattr__(self, name):
        return getattr(self._tokenizer, name)

    def decode(self, tokens):
        self.joined.append(list(tokens))
        return self._tokenizer.decode(tokens)


def golden(family):
    return [json.loads(line) for line in (HERE / family / "golden.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def opened(request, home):
    """The model of a family, installed from its folder as an operator would, and loaded."""
    family = request.param
    (pulled,) = Store(home).pull([f"path:{HERE / family}"], options=OPTIONS.get(family, PullOptions()))
    assert pulled.model.description.family == family
    return family, pulled.model, open_model(pulled.model, slots=1, placement=Placement(compute_type="float32"))


def share(matches):
    return sum(matches) / len(matches)


@pytest.mark.parametrize("opened", [name for name in FAMILIES if name != "encoder"], indirect=True)
def test_tokens_in_and_out_are_those_of_transformers(opened):
    family, installed, model = opened
    vocabulary = read_vocabulary(installed.folder)
    ids = {token: number for number, token in enumerate(vocabulary)}
    unknown = ids.get("<unk>", ids.get("<|endoftext|>"))
    recorder = model._tokenizer = Recorder(model._tokenizer)
    rows = golden(family)
    asked, answered, written = [], [], []
    for row in rows:
        options = Decoding(source=row["source"], target=row["target"], max_output_tokens=new_tokens(installed))
        prompt = model.tokenise(row["text"], options)
        is_causal = family == "causal-lm"
        read = [*prompt.prefix, *prompt.tokens] if is_causal else prompt.tokens
        asked.append([ids.get(token, unknown) for token in read] == row["input"])
        (result,) = model.run([prompt], options)
        begun = () if is_causal else prompt.prefix
        tokens = [ids[token] for token in (*begun, *recorder.joined[-1])]
        answered.append(tokens == strip(row["output"], family, ids))
        written.append(
            result.hypotheses[0].text == without(installed.description.language_tokens.values(), row["written"])
        )
    assert len(rows) == 200
    assert share(asked) >= LEAST_SHARE
    assert share(answered) >= LEAST_SHARE
    assert share(written) >= LEAST_SHARE


def without(tokens, text):
    """Transformers' text without the names of languages, some of which it writes out."""
    for token in tokens:
        text = text.replace(token, "")
    return text.strip()


def new_tokens(installed):
    """Transformers counts what the decoder is made to begin with, the engine what comes after it."""
    return NEW_TOKENS - len(installed.description.target_layout)


def strip(output, family, ids):
    """Transformers' output without the token its decoder starts from, and without the end of sentence."""
    body = output if family == "causal-lm" else output[1:]
    ends = {ids.get("</s>"), ids.get("<|im_end|>")}
    return body[:-1] if body and body[-1] in ends else body


@pytest.mark.parametrize("opened", ["encoder"], indirect=True)
def test_vectors_are_those_of_transformers(opened):
    family, _, model = opened
    rows = golden(family)
    asked, cosines = [], []
    for row in rows:
        tokens = model.tokenise(row["text"], Encoding())
        asked.append(list(tokens) == row["input"])
        (result,) = model.run([tokens], Encoding())
        cosines.append(float(np.dot(result.vector, row["vector"])))
    assert len(rows) == 200
    assert share(asked) >= LEAST_SHARE
    assert min(cosines) >= 0.9999
