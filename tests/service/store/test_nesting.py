"""JSON and TOML of thousands of brackets, or numbers of thousands of digits: one error, and no traceback."""

import click
import pytest
from polygist_service.cli.flags import read_settings
from polygist_service.errors import StoreError
from polygist_service.settings import read_toml
from polygist_service.store.catalogue.catalogue import read_catalogue
from polygist_service.store.convert.inspect import read_json, read_vocabulary
from polygist_service.store.manifest import read_manifest

TOML = ["a = " + "[" * 100_000, "a = " + "1" * 5_000]
KEYS = ".".join("a" * 3_000)
JSON = ["[" * 100_000, '{"a":' * 100_000, '{"format": ' + "1" * 5_000 + "}"]


@pytest.mark.parametrize("text", TOML, ids=["deep", "long number"])
def test_hostile_toml_is_an_error_that_names_the_file(tmp_path, text):
    path = tmp_path / "hostile.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"hostile\.toml"):
        read_toml(path)
    with pytest.raises(StoreError, match=r"hostile\.toml cannot be read"):
        read_catalogue(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{KEYS} = 1", "the file has unknown keys: a;"),
        (f"[sources.x]\nkind.{KEYS} = 1", "sources.x.kind is {"),
        (f"[families.marian]\nlanguage_token = '{'(a' * 3_000}{')' * 3_000}'", "cannot be read: maximum recursion"),
        ("[models.en-pt]\nmemory_mb = -1", "models.en-pt.memory_mb is -1; it must be a whole number of at least 1"),
    ],
    ids=["keys", "value", "regular expression", "negative"],
)
def test_hostile_tables_are_an_error_that_names_the_key(tmp_path, text, told):
    (tmp_path / "hostile.toml").write_text(text)
    with pytest.raises(StoreError) as refused:
        read_catalogue(tmp_path / "hostile.toml")
    assert told in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_setting_that_is_nested_without_end_is_an_error(tmp_path):
    (tmp_path / "hostile.toml").write_text(f"slots.{KEYS} = 1")
    with pytest.raises(click.UsageError, match=r"slots: \{'a': .* is no whole number"):
        read_settings(tmp_path / "hostile.toml", {})


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
