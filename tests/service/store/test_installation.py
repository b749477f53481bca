"""Models that are installed from repositories: what is fetched, what is refused, and what is known of them then."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Encoding
from polygist_service.engine.residency.loader import open_model
from polygist_service.errors import StoreError
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.convert.bergamot import convert_bergamot
from polygist_service.store.store import Outcome, Store

from tests.service.store.hub_pulls import OUTSIDE
from tests.service.store.student import write_files

CONVERTED = Path(__file__).parents[2] / "parity"
NLLB = "facebook/nllb-tiny"
PUBLISHED = {
    "config.json": json.dumps({"architectures": ["MarianMTModel"], "model_type": "marian"}).encode(),
    "tokenizer_config.json": b'{"tokenizer_class": "MarianTokenizer"}',
    "model.safetensors": b"weights",
    "source.spm": b"",
    "target.spm": b"",
    "vocab.json": b"{}",
    "modeling.py": b"raise SystemExit('code of a repository was run')",
}


def read_folder(name):
    return {path.name: path.read_bytes() for path in (CONVERTED / name).iterdir() if path.name != "golden.jsonl"}


def run(home, hub, *arguments, **settings):
    """``polygist-server models`` with the stand-in as the Hub."""
    kept = {key: value for key, value in os.environ.items() if not OUTSIDE.match(key)}
    environment = {**kept, "HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "POLYGIST_HOME": str(home), **settings}
    program = "import sys; from polygist_service import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, "models", *arguments],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def manifest(home, name):
    return json.loads((home / "models" / name / "manifest.json").read_text())


def test_a_converted_model_of_the_hub_is_installed_and_pinned(hub, tmp_path):
    hub.add(NLLB, read_folder("nllb"), lfs=("model.bin",), license="mit")
    done = run(tmp_path, hub, "pull", f"hub:{NLLB}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("nllb-tiny: installed, ")
    kept = manifest(tmp_path, "nllb-tiny")
    commit = hub.repositories[NLLB].revisions["main"]
    assert kept["source"] == {"kind": "hub", "repository": NLLB, "revision": commit}
    assert kept["source_files"].keys() >= {"model.bin", "config.json", "tokenizer.json", "shared_vocabulary.json"}
    assert all(len(checksum) == 64 for checksum in kept["source_files"].values())
    entry = Store(tmp_path).find("nllb-tiny").description
    assert (entry.family, entry.license) == ("nllb", "mit")
    assert entry.language_tokens["pt"] == "por_Latn"
    assert {"zh-Hans", "zh-Hant", "sr-Cyrl", "ks-Deva"} <= set(entry.target_languages)
    assert not list((tmp_path / "downloads").rglob("model.bin"))


def test_what_is_installed_stays_until_it_is_pulled_again(hub, tmp_path):
    hub.add(NLLB, read_folder("nllb"))
    run(tmp_path, hub, "pull", f"hub:{NLLB}")
    hub.add(NLLB, {**read_folder("nllb"), "README.md": b"moved on"})
    before = len(hub.requests)
    assert "already installed" in run(tmp_path, hub, "pull", f"hub:{NLLB}").stdout
    assert len(hub.requests) == before
    assert "renewed" in run(tmp_path, hub, "pull", f"hub:{NLLB}", "--again").stdout
    assert manifest(tmp_path, "nllb-tiny")["source"]["revision"] == hub.repositories[NLLB].revisions["main"]


def test_a_pull_that_breaks_goes_on_where_it_was(hub, tmp_path):
    hub.add(NLLB, read_folder("nllb"), lfs=("model.bin",))
    hub.fail(path="storage", cut=1000)
    hub.fail(path="storage", times=None, status=403)
    broken = run(tmp_path, hub, "pull", f"hub:{NLLB}")
    assert broken.returncode == 1
    assert broken.stderr.startswith("error: ")
    assert Store(tmp_path).installed() == ()
    hub.faults.clear()
    asked = len(hub.asked("tokenizer.json"))
    assert run(tmp_path, hub, "pull", f"hub:{NLLB}").returncode == 0
    assert len(hub.asked("tokenizer.json")) == asked
    assert any(request.range for request in hub.asked("storage"))
    assert [model.name for model in Store(tmp_path).installed()] == ["nllb-tiny"]


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["hub:nobody/nothing"], {}, "nobody/nothing"),
        (["hub:nllb"], {}, "write hub:OWNER/NAME"),
        ([f"hub:{NLLB}@"], {}, "write hub:OWNER/NAME or hub:OWNER/NAME@REVISION"),
        ([f"hub:{NLLB}@refs/pr/7"], {}, "refs/pr/7"),
        ([f"hub:{NLLB}"], {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE"),
        ([f"hub:{NLLB}", "--from", "klingonish-"], {}, "no language code"),
        ([f"hub:{NLLB}", "--family", "capulet"], {}, "no family 'capulet'; there are: bergamot"),
        ([f"hub:{NLLB}", "en-pt", "--name", "mine"], {}, "for one model; pull it alone"),
        (["en-pt", "--family", "marian"], {}, "described in full by the catalogue"),
        ([f"hub:{NLLB}", "--name", "../mine"], {}, "no name of a model"),
        (["nllb-200-distilled-600m"], {}, "CC-BY-NC-4.0, which forbids commercial use.*--accept-license CC-BY-NC-4.0"),
    ],
)
def test_what_cannot_be_pulled_is_one_line_with_the_cure(hub, tmp_path, arguments, settings, message):
    hub.add(NLLB, read_folder("nllb"))
    done = run(tmp_path, hub, "pull", *arguments, **settings)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert re.search(message, line), line


def test_a_licence_of_the_card_has_to_be_accepted_before_the_weights_are_fetched(hub, tmp_path):
    hub.add(NLLB, read_folder("nllb"), license="cc-by-nc-4.0")
    refused = run(tmp_path, hub, "pull", f"hub:{NLLB}")
    assert "--accept-license cc-by-nc-4.0" in refused.stderr
    assert not hub.asked("model.bin")
    accepted = run(tmp_path, hub, "pull", f"hub:{NLLB}", "--accept-license", "CC-BY-NC-4.0")
    assert "cc-by-nc-4.0" in accepted.stdout


def test_an_entry_of_a_few_lines_makes_a_member_of_a_family(hub, tmp_path):
    hub.add("Helsinki-NLP/opus-mt-xx-yy", read_folder("marian"))
    (tmp_path / "catalogue.toml").write_text(
        '[models.en-de]\nfamily = "marian"\nrepository = "Helsinki-NLP/opus-mt-xx-yy"\nlicense = "CC-BY-4.0"\n'
        'source_languages = ["en"]\ntarget_languages = ["de"]\n'
    )
    assert run(tmp_path, hub, "pull", "en-de").returncode == 0
    entry = Store(tmp_path).find("en-de").description
    assert (entry.source_languages, entry.target_languages, entry.license) == (("en",), ("de",), "CC-BY-4.0")


def test_the_name_of_an_opus_mt_model_is_enough(hub, tmp_path):
    hub.add("Helsinki-NLP/opus-mt-en-fi", read_folder("marian"), license="apache-2.0")
    assert run(tmp_path, hub, "pull", "opus-mt-en-fi").returncode == 0
    entry = Store(tmp_path).find("opus-mt-en-fi").description
    assert (entry.source_languages, entry.target_languages, entry.license) == (("en",), ("fi",), "apache-2.0")


def test_several_target_languages_are_those_of_the_vocabulary(tmp_path):
    store = Store(tmp_path)
    (pulled,) = store.pull([f"path:{CONVERTED / 'marian-multi'}"], options=PullOptions(sources=("en",)))
    assert (pulled.model.description.family, pulled.model.description.target_languages) == (
        "marian-multi",
        ("de", "pt"),
    )
    with pytest.raises(StoreError, match=r"has no token for fr; it has: de, pt"):
        store.pull([f"path:{CONVERTED / 'marian-multi'}"], options=PullOptions(sources=("en",), targets=("fr",)))
    with pytest.raises(StoreError, match=r"which languages marian-multi reads; give --from"):
        store.pull([f"path:{CONVERTED / 'marian-multi'}"])


@pytest.fixture
def converted(tmp_path, files):
    """The folder of a converted Bergamot model, as training makes it."""
    folder = tmp_path / "converted"
    folder.mkdir()
    convert_bergamot(write_files(tmp_path / "source", files), folder, compute_type="int8")
    return folder


STUDENT = PullOptions(name="xx-yy", family="bergamot", sources=("pt",), targets=("en",))


def test_a_converted_student_is_installed_with_the_candidates_of_its_words(converted, tmp_path):
    store, other = Store(tmp_path / "home"), Store(tmp_path / "other")
    (pulled,) = store.pull([f"path:{converted}"], options=STUDENT)
    assert pulled.model.description.shortlist
    assert (pulled.model.folder / "vmap.txt").read_bytes() == (converted / "vmap.txt").read_bytes()
    store.verify("xx-yy")
    carried = other.import_(store.export("xx-yy", tmp_path)).model
    assert (carried.revision, carried.description) == (pulled.model.revision, pulled.model.description)
    assert (carried.folder / "vmap.txt").exists()
    (carried.folder / "vmap.txt").unlink()
    with pytest.raises(StoreError, match=r"vmap\.txt"):
        other.verify("xx-yy")


def test_a_model_without_candidates_says_that_it_has_no_shortlist(converted, tmp_path):
    (converted / "vmap.txt").unlink()
    model = Store(tmp_path / "home").pull([f"path:{converted}"], options=STUDENT)[0].model
    assert not model.description.shortlist
    assert json.loads((model.folder / "manifest.json").read_text())["description"].get("shortlist") is not True


def test_a_manifest_that_promises_a_shortlist_without_its_file_is_not_believed(converted, tmp_path):
    """As those of models that were installed without it."""
    (converted / "vmap.txt").unlink()
    store = Store(tmp_path / "home")
    path = store.pull([f"path:{converted}"], options=STUDENT)[0].model.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["description"]["shortlist"] = True
    path.write_text(json.dumps(manifest))
    assert not store.find("xx-yy").description.shortlist


def test_a_folder_is_pulled_anew_each_time(tmp_path):
    store, folder = Store(tmp_path / "home"), f"path:{CONVERTED / 'nllb'}"
    assert [store.pull([folder])[0].outcome for _ in range(2)] == [Outcome.INSTALLED, Outcome.RENEWED]


def test_a_folder_that_holds_no_model_is_refused(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("polygist_service.store.convert.published.NEEDED", ())
    with pytest.raises(StoreError, match="empty is no published model"):
        Store(tmp_path).pull([f"path:{tmp_path / 'empty'}"], options=PullOptions(family="marian"))
    with pytest.raises(StoreError, match="is no folder"):
        Store(tmp_path).pull(["path:/nowhere"])


def test_a_model_without_its_tokenizer_is_refused(tmp_path):
    folder = tmp_path / "bare"
    folder.mkdir()
    for name, content in read_folder("nllb").items():
        if name != "tokenizer.json":
            (folder / name).write_bytes(content)
    with pytest.raises(StoreError, match=r"bare has no tokenizer.json, which the family nllb reads"):
        Store(tmp_path).pull([f"path:{folder}"], options=PullOptions(family="nllb"))


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "opus-mt-en-de"
    folder.mkdir()
    for name, content in PUBLISHED.items():
        (folder / name).write_bytes(content)
    return folder


def test_without_what_converts_the_error_names_the_command(published, tmp_path, monkeypatch):
    monkeypatch.setattr("polygist_service.store.convert.published.NEEDED", ("torch_that_nobody_has", "json"))
    with pytest.raises(StoreError, match=r"torch_that_nobody_has are not installed; run: pip install 'polygist\["):
        Store(tmp_path / "home").pull([f"path:{published}"])


def test_a_conversion_that_fails_leaves_its_last_words_and_nothing_else(published, tmp_path, monkeypatch):
    monkeypatch.setattr("polygist_service.store.convert.published.NEEDED", ("json",))
    store = Store(tmp_path / "home")
    with pytest.raises(StoreError, match=r"the model in opus-mt-en-de cannot be converted: .*Error: "):
        store.pull([f"path:{published}"])
    assert store.installed() == ()
    assert not list((tmp_path / "home" / "models" / ".builds").iterdir())


def test_a_download_that_nobody_goes_on_with_is_given_up(tmp_path):
    old, young = (tmp_path / "downloads" / "a--b" / name for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    Store(tmp_path).pull([f"path:{CONVERTED / 'nllb'}"])
    assert (old.exists(), young.exists()) == (False, True)


ENCODER = PullOptions(family="encoder", sources=("en",))


@pytest.fixture
def embedder(tmp_path):
    """A folder with a sentence encoder, and a function that writes how it pools."""
    folder = tmp_path / "embedder"
    (folder / "1_Pooling").mkdir(parents=True)
    for name, content in read_folder("encoder").items():
        (folder / name).write_bytes(content)

    def pool(*modes):
        settings = {"word_embedding_dimension": 16, **{f"pooling_mode_{mode}": True for mode in modes}}
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
        return f"path:{folder}"

    return pool


@pytest.mark.parametrize(("mode", "pooling"), [("cls_token", "cls"), ("mean_tokens", "mean")])
def test_a_sentence_encoder_pools_as_its_files_say(embedder, tmp_path, mode, pooling):
    (pulled,) = Store(tmp_path / "home").pull([embedder(mode)], options=ENCODER)
    assert pulled.model.description.pooling == pooling


def test_a_cls_encoder_gives_the_first_state(embedder, tmp_path):
    (pulled,) = Store(tmp_path / "home").pull([embedder("cls_token")], options=ENCODER)
    model = open_model(pulled.model, slots=1, placement=Placement(compute_type="float32"))
    tokens = model.tokenise("the river town", Encoding())
    (result,) = model.run([tokens], Encoding())
    native = ctranslate2.Encoder(str(pulled.model.folder), compute_type="float32")
    first = np.asarray(native.forward_batch([tokens]).last_hidden_state)[0, 0]
    assert float(result.vector @ (first / np.linalg.norm(first))) > 0.9999


@pytest.mark.parametrize("modes", [("max_tokens",), ("cls_token", "mean_tokens")])
def test_an_encoder_that_pools_otherwise_is_refused(embedder, tmp_path, modes):
    with pytest.raises(StoreError, match=r"embedder pools by pooling_mode_.*mean or cls"):
        Store(tmp_path / "home").pull([embedder(*modes)], options=ENCODER)
