"""Published weights, converted as `models pull` does it, answer as Transformers does: `make parity` runs this too."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch is missing; `make parity` installs it, with the extra [convert]")
pytest.importorskip(
    "transformers", reason="transformers is missing; `make parity` installs it, with the extra [convert]"
)

import torch
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding
from polygist_service.engine.residency.loader import open_model
from polygist_service.errors import StoreError
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.store import Store

from tests.parity.cases import CASES
from tests.parity.corpus import make_texts
from tests.parity.make import publish
from tests.parity.test_parity import LEAST_SHARE, OPTIONS, new_tokens, share, without

# Transformers recommends a library that its tokenizer for Marian does not use to encode.
pytestmark = pytest.mark.filterwarnings("ignore:Recommended")
FAMILIES = [name for name in CASES if name != "encoder"]
TEXTS = 20


def pull(tmp_path, folder, family):
    options = replace(OPTIONS.get(family, PullOptions()), compute_type="float32")
    (pulled,) = Store(tmp_path / "home").pull([f"path:{folder}"], options=options)
    return pulled.model


def agreement(family, installed, tokenizer, original):
    """The share of texts to which the installed model and the original, in Transformers, write the same."""
    model = open_model(installed, slots=1, placement=Placement(compute_type="float32"))
    matches = []
    for number, text in enumerate(make_texts(TEXTS)):
        source, target = CASES[family].pairs[number % len(CASES[family].pairs)]
        options = Decoding(source=source, target=target, max_output_tokens=new_tokens(installed))
        (result,) = model.run([model.tokenise(text, options)], options)
        wanted = CASES[family].answer(tokenizer, original, text, source, target)["written"]
        matches.append(result.hypotheses[0].text == without(installed.description.language_tokens.values(), wanted))
    return share(matches)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_converted_model_writes_what_the_published_one_does(tmp_path, family):
    published = tmp_path / family
    tokenizer, original = publish(CASES[family], published)
    assert agreement(family, pull(tmp_path, published, family), tokenizer, original) >= LEAST_SHARE


@pytest.mark.parametrize("shards", [1, 2])
def test_a_pickle_is_read_for_its_tensors(tmp_path, shards):
    published = tmp_path / "marian"
    tokenizer, original = publish(CASES["marian"], published)
    (published / "model.safetensors").unlink()
    weights = original.state_dict()
    if shards == 1:
        torch.save(weights, published / "pytorch_model.bin")
    else:
        files = {name: f"pytorch_model-0000{1 + at % 2}-of-00002.bin" for at, name in enumerate(weights)}
        for file in set(files.values()):
            torch.save({name: weights[name] for name in weights if files[name] == file}, published / file)
        (published / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": files}))
    assert agreement("marian", pull(tmp_path, published, "marian"), tokenizer, original) >= LEAST_SHARE


class Trap:
    """Runs code when a pickle is read as pickles are."""

    def __reduce__(self):
        return (print, ("code of a pickle was run",))


def test_a_pickle_with_code_is_refused(tmp_path, capfd):
    published = tmp_path / "marian"
    publish(CASES["marian"], published)
    (published / "model.safetensors").unlink()
    torch.save({"weight": Trap()}, published / "pytorch_model.bin")
    with pytest.raises(StoreError, match="cannot be converted"):
        pull(tmp_path, published, "marian")
    assert "code of a pickle" not in "".join(capfd.readouterr())
