"""Routes between the real starter models and two tiny pairs more, in a real server."""

import shutil
from pathlib import Path

import pytest
from polygist_client import Client, LanguagePairUnsupported
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.store import Store

from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.model

MARIAN = Path(__file__).parents[1] / "parity" / "marian"
TEXT = "Der alte Markt war nahe der Brücke.\n\n2. Die Schule war neu."


@pytest.fixture(scope="module")
def served(starter_home, tmp_path_factory):
    """A server with en-pt and pt-en, and random models that say they are de-en and en-fi."""
    folder = tmp_path_factory.mktemp("routes")
    store = Store(folder / "home")
    for name in ("en-pt", "pt-en"):
        copied = folder / "copies" / name
        shutil.copytree((starter_home / "models" / name).resolve(), copied)
        store.import_(copied)
    for name, source, target in (("de-en", "de", "en"), ("en-fi", "en", "fi")):
        store.pull([f"path:{MARIAN}"], options=PullOptions(name=name, sources=(source,), targets=(target,)))
    with ServerProcess(store.home, folder / "log") as process:
        process.wait_until_serving()
        yield process.address


@pytest.mark.parametrize(
    ("source", "target", "written", "model", "pivots"),
    [
        ("en", "pt", "pt", "en-pt", ()),
        ("en", "pt-BR", "pt", "en-pt", ()),
        ("eng_Latn", "__pt__", "pt", "en-pt", ()),
        ("de-AT", "en", "en", "de-en", ()),
        ("de", "pt", "pt", "en-pt", ("en",)),
        ("de", "fi", "fi", "en-fi", ("en",)),
        ("pt-BR", "fi", "fi", "en-fi", ("en",)),
    ],
)
def test_a_route_is_taken_and_told(served, source, target, written, model, pivots):
    with Client(served) as client:
        done = client.translate(TEXT, to=target, source=source)
    assert (done.target, done.model, done.pivots) == (written, f"models/{model}", pivots)
    assert [bool(line) for line in done.text.split("\n")] == [True, False, True]
    assert ("pivoted" in {warning.code for warning in done.warnings}) == bool(pivots)


@pytest.mark.parametrize(
    ("source", "target", "options", "message"),
    [
        ("de", "pt", {"pivot": False}, "en"),
        ("de", "pt", {"model": "de-en"}, "de->en"),
        ("fi", "en", {}, "fi"),
        ("en", "pt-Cyrl", {}, "pt-Cyrl"),
    ],
)
def test_a_route_that_there_is_not_is_refused_with_what_there_is(served, source, target, options, message):
    with Client(served) as client, pytest.raises(LanguagePairUnsupported, match=message) as caught:
        client.translate(TEXT, to=target, source=source, **options)
    assert caught.value.metadata["source"] == source


def test_languages_tell_what_is_reached_directly_and_what_through_another(served):
    with Client(served) as client:
        languages = {language.code: language for language in client.list_languages()}
    assert (set(languages["de"].targets), set(languages["de"].pivot_targets)) == ({"en"}, {"pt", "fi"})
    assert set(languages["en"].targets) == {"pt", "fi"}
