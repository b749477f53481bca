"""Models on the command line of the client: which there are, which are loaded, and where others come from."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from polygist.v1 import model_service_pb2

from tests.client.conftest import Polygist
from tests.fakes.server import MODEL, Fake


def make(name, *, state="READY", sources=("en",), targets=(), memory=0, used=None):
    """A model of the server; `used` is how long ago that was."""
    model = model_service_pb2.Model(
        name=f"models/{name}", state=f"MODEL_STATE_{state}", source_language_codes=sources,
        target_language_codes=targets, memory_bytes=memory, device="cpu", compute_type="int8",
    )  # fmt: skip
    if used is not None:
        model.last_used_time.FromDatetime(datetime.now(UTC) - used)
    return model


LOADED = make("en-pt", memory=23_000_000, used=timedelta(days=3, hours=5))
WAITING = make("minilm", memory=1_250_000_000)
UNLOADED = make("de-en", state="UNLOADED")


def answer(fake: Fake, *models):
    fake.script("ListModels", model_service_pb2.ListModelsResponse(models=models))


def test_what_is_loaded_is_listed_with_its_memory_and_last_use(polygist: Polygist, fake: Fake):
    answer(fake, UNLOADED, LOADED, WAITING, make("fr-en", state="LOADING"))
    outcome = polygist("models", "ps")
    assert outcome.code == 0
    assert [line.split("\t") for line in outcome.out.splitlines()] == [
        ["en-pt", "ready", "23 MB", "cpu int8", "3 d ago"],
        ["minilm", "ready", "1.25 GB", "cpu int8", "never"],
        ["fr-en", "loading", "-", "cpu int8", "never"],
    ]


def test_what_is_loaded_is_told_to_programs(polygist: Polygist, fake: Fake):
    answer(fake, UNLOADED, LOADED)
    (model,) = json.loads(polygist("models", "ps", "--json").out)["models"]
    assert (model["name"], model["memoryBytes"]) == ("models/en-pt", "23000000")
    assert datetime.fromisoformat(model["lastUsedTime"]) < datetime.now(UTC)
    answer(fake, UNLOADED, LOADED)
    (line,) = polygist("models", "ps", "--jsonl").out.splitlines()
    assert json.loads(line)["id"] == "models/en-pt"


@pytest.mark.parametrize(
    ("command", "key", "note"),
    [
        ("models ps", "models", "no model is loaded"),
        ("models list --task summarise", "models", "no such models"),
        ("models reload", "changedModels", "no model has changed"),
        ("languages --task summarise", "languages", "no such languages"),
    ],
)
def test_an_empty_list_is_told_to_people_and_is_one_for_programs(
    polygist: Polygist, fake: Fake, command: str, key: str, note: str
):
    fake.rules |= {
        "ListModels": lambda request: model_service_pb2.ListModelsResponse(models=[UNLOADED] * (" ps" in command)),
        "ReloadConfiguration": lambda request: model_service_pb2.ReloadConfigurationResponse(),
        "ListLanguages": lambda request: model_service_pb2.ListLanguagesResponse(),
    }
    outcome = polygist(*command.split())
    assert (outcome.code, outcome.out, outcome.err) == (0, "", f"note: {note}\n")
    assert json.loads(polygist(*command.split(), "--json").out) == {key: []}


@pytest.mark.parametrize(
    ("sources", "targets", "shown"),
    [
        (["en"], ["pt"], "en>pt"),
        (["en", "pt"], [], "en,pt"),
        (["en", "pt"], ["en", "pt"], "en,pt"),
        (["en", "fr"], ["de"], "en,fr>de"),
    ],
)
def test_languages_of_a_model_are_a_pair_only_where_there_is_one(
    polygist: Polygist, fake: Fake, sources, targets, shown
):
    answer(fake, make("some", sources=sources, targets=targets))
    assert polygist("models", "list").out.split("\t")[2] == shown


def test_a_model_is_named_as_it_may_be_given_back(polygist: Polygist, fake: Fake):
    name = polygist("models", "list").out.split("\t")[0]
    assert polygist("models", "show", name).code == 0
    assert fake.requests("GetModel")[0].name == MODEL.name


@pytest.mark.parametrize("command", ["pull", "rm", "import", "verify"])
def test_who_wants_to_install_models_here_is_told_where_that_is_done(polygist: Polygist, command):
    outcome = polygist("models", command, "opus-mt-en-fr")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"polygist-server models {command}" in outcome.err


def test_the_python_client_tells_memory_and_last_use(client, fake: Fake):
    answer(fake, LOADED, UNLOADED)
    loaded, unloaded = client.list_models()
    assert (loaded.short_name, loaded.memory_bytes) == ("en-pt", 23_000_000)
    assert loaded.last_used.tzinfo is UTC
    assert (unloaded.memory_bytes, unloaded.last_used) == (0, None)
