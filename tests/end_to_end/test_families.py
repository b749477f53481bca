"""Models of other families in a real server: pulled, loaded and asked by the commands that an operator has."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from polygist.v1 import common_pb2, translation_service_pb2, translation_service_pb2_grpc
from polygist_client import Client, LanguagePairUnsupported
from polygist_service.text.languages import letters_outside, script_of
from polygist_service.text.repetition import has_loop
from polygist_service.translation.faults import is_swallowed, is_too_long

from tests.end_to_end.server import ServerProcess, find_free_port
from tests.hub import HubStandIn

FOLDERS = Path(__file__).parents[1] / "parity"
ROWS = 120
NEW_TOKENS = 24
PLAIN = re.compile(r"[A-Za-zãõáéíóúâêôçäöüß]+(?:[ ,.!?]+[A-Za-zãõáéíóúâêôçäöüß]+)*[.!?]?")
PROGRAMS = {"polygist": "polygist_client.cli", "polygist-server": "polygist_service"}


def run(program, *arguments, **settings):
    """One command line; its output. It must succeed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POLYGIST_", "HF_"))}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; from {PROGRAMS[program]} import main; sys.exit(main())", *arguments],
        env={**kept, **settings}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(family):
    """Texts with what Transformers writes of them, where it writes anything."""
    lines = (FOLDERS / family / "golden.jsonl").read_text(encoding="utf-8").splitlines()[:ROWS]
    return [row for row in map(json.loads, lines) if row["written"].strip()]


def is_plain(row):
    """Whether the service adds nothing of its own: no signs to protect, no circle to break, no letters to doubt.

    The models are random: what they write is often what the service would have them write again.
    """
    text, written = row["text"], row["written"]
    is_odd = has_loop(written, text) or is_too_long(written, text) or is_swallowed(written, text)
    is_odd = is_odd or bool(letters_outside(written, script_of(row["target"])))
    return PLAIN.fullmatch(text) is not None and not is_odd


@pytest.fixture
def served(tmp_path):
    """A server with a tiny NLLB and a tiny M2M-100, and where its administrators call."""
    home, admin = tmp_path / "home", f"127.0.0.1:{find_free_port()}"
    run(
        "polygist-server",
        "models",
        "--home",
        str(home),
        "pull",
        f"path:{FOLDERS / 'nllb'}",
        f"path:{FOLDERS / 'm2m100'}",
    )
    with ServerProcess(home, tmp_path / "log", "--admin-listen", admin) as process:
        process.wait_until_serving()
        yield process, home, admin


@pytest.mark.parametrize("model", ["nllb", "m2m100"])
def test_a_multilingual_model_is_told_the_languages(served, model):
    process, _, _ = served
    with grpc.insecure_channel(process.address) as channel:
        stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
        matches = [ask(stub, model, row) == row["written"].strip() for row in rows_of(model) if is_plain(row)]
    assert len(matches) >= 20
    assert sum(matches) >= 0.95 * len(matches)


def ask(stub, model, row):
    """The service's translation, with the output limit that Transformers had: it counts the forced first token too."""
    request = translation_service_pb2.TranslateRequest(
        contents=[row["text"]],
        source_language_code=row["source"],
        target_language_code=row["target"],
        model=f"models/{model}",
        sentence_splitting=translation_service_pb2.SENTENCE_SPLITTING_NONE,
        decoding_config=common_pb2.DecodingConfig(max_output_tokens=NEW_TOKENS - 1),
    )
    return stub.Translate(request).translations[0].translated_text


def test_a_new_pair_is_added_by_two_commands(served):
    process, home, admin = served
    with Client(process.address) as client:
        with pytest.raises(LanguagePairUnsupported):
            client.translate("the river", to="tlh", source="en")
        folder = f"path:{FOLDERS / 'marian'}"
        run(
            "polygist-server",
            "models",
            "--home",
            str(home),
            "pull",
            folder,
            "--name",
            "en-tlh",
            "--from",
            "en",
            "--to",
            "tlh",
        )
        run("polygist", "-a", admin, "models", "load", "en-tlh")
        translation = client.translate("the river", to="tlh", source="en")
    assert (translation.model, translation.target) == ("models/en-tlh", "tlh")
    assert translation.text


def test_a_member_of_a_family_is_added_by_one_entry(served, tmp_path):
    process, home, admin = served
    content = {path.name: path.read_bytes() for path in (FOLDERS / "marian").iterdir()}
    entry = (
        '[models.en-tlh]\nfamily = "marian"\nrepository = "Somebody/klingon"\nlicense = "CC0-1.0"\n'
        'source_languages = ["en"]\ntarget_languages = ["tlh"]\n'
    )
    (home / "catalogue.toml").write_text(entry)
    with HubStandIn() as hub, Client(process.address) as client:
        hub.add("Somebody/klingon", content, lfs=("model.bin",))
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf")}
        run("polygist-server", "models", "--home", str(home), "pull", "en-tlh", **settings)
        assert "en-tlh" in run("polygist", "-a", admin, "models", "reload")
        assert client.translate("the river", to="tlh", source="en").model == "models/en-tlh"


def test_a_summariser_with_a_small_window_reads_a_long_article_in_parts(tmp_path, article):
    home = tmp_path / "home"
    arguments = ["--family", "bart", "--name", "bart-tiny", "--from", "en", "--to", "en"]
    run("polygist-server", "models", "--home", str(home), "pull", f"path:{FOLDERS / 'bart'}", *arguments)
    with ServerProcess(home, tmp_path / "log") as process, Client(process.address) as client:
        process.wait_until_serving()
        (model,) = client.list_models()
        assert model.max_input_tokens == 159
        summary = client.summarise(article, method="abstractive", max_output_tokens=1024)
    assert summary.text
    assert summary.model == "models/bart-tiny"
