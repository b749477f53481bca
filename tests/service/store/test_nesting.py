"""JSON and TOML of thousands of brackets, or numbers of thousands of digits: one error, and no traceback."""

import pytest
from polygist_service.errors import StoreError
from polygist_service.settings import read_toml
from polygist_service.store.catalogue.catalogue import read_catalogue
from polygist_service.store.convert.inspect import read_json, read_vocabulary
from polygist_service.store.manifest import read_manifest

TOML = ["a = " + "[" * 100_000, "a = " + "1" * 5_000]
JSON = ["[" * 100_000, '{"a":' * 100_000, '{"format": ' + "1" * 5_000 + "}"]


@pytest.mark.parametrize("text", TOML, ids=["deep", "long number"])
def test_hostile_toml_is_an_error_that_names_the_file(tmp_path, text):
    path = tmp_path / "hostile.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"hostile\.toml"):
        read_toml(path)
    with pytest.raises(StoreError, match=r"hostile\.toml cannot be read"):
        read_catalogue(path)


@pytest.mark.parametrize("text", JSON, ids=["deep list", "deep object", "long number"])
def test_hostile_json_is_an_error_that_names_the_file(tmp_path, text):
    for name in ("manifest.json", "config.json", "vocabulary.json"):
        (tmp_path / name).write_text(text)
    with pytest.raises(StoreError, match=r"no readable manifest\.json"):
        read_manifest(tmp_path)
    with pytest.raises(StoreError, match=r"config\.json is no JSON"):
        read_json(tmp_path / "config.json")
    with pytest.raises(StoreError, match=r"vocabulary\.json is no JSON"):
        read_vocabulary(tmp_path)
