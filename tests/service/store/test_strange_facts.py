"""Whatever the small files of a published model say, it is installed or refused in one sentence."""

import json
from pathlib import Path

import pytest
from polygist_service.errors import StoreError
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.store import Store

PARITY = Path(__file__).parents[2] / "parity"
GENERATION = "generation_config.json"


@pytest.mark.parametrize(
    ("model", "family", "file", "facts", "told"),
    [
        ("bart", "", "config.json", {"architectures": True}, r"its files are not what polygist reads \(TypeError"),
        ("bart", "", "config.json", {"architectures": [1, "a"]}, r"its files are not what polygist reads \(TypeError"),
        ("marian", "marian", GENERATION, {"num_beams": 10**30}, "quality_beam_size is 1000.*it must be less than"),
        ("bart", "bart", GENERATION, {"max_length": [1]}, r"max_output_tokens is \[1\], it must be a valid integer"),
        ("bart", "bart", GENERATION, {"length_penalty": "\0"}, r"length_penalty is '\\x00', it must be a valid number"),
        ("marian", "marian", GENERATION, {"forced_bos_token_id": 10**30, "eos_token_id": ["a", -1, 2.5]}, ""),
    ],
)
def test_strange_values_are_refused_with_the_field(tmp_path, model, family, file, facts, told):
    folder = tmp_path / "strange"
    folder.mkdir()
    for path in (PARITY / model).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    known = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    (folder / file).write_text(json.dumps({**known, **facts}))
    options = PullOptions(family=family, sources=("de",), targets=("en",))
    store = Store(tmp_path / "home")
    if told:
        with pytest.raises(StoreError, match=rf"strange.*{told}"):
            store.pull([f"path:{folder}"], options=options)
        assert not store.names()
    else:
        description = store.pull([f"path:{folder}"], options=options)[0].model.description
        assert (description.target_layout, description.end_tokens) == ((), ())
