"""The catalogue: what is shipped, and what an operator's file may say."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.errors import StoreError
from polygist_service.store.catalogue.catalogue import Files, Published, merge, read_catalogue
from polygist_service.store.convert.inspect import read_vocabulary
from polygist_service.store.sources.wheels import PACKAGED

from tests.service.store.student import describe_student

TINY = describe_student({"model": b"", "vocabulary": b"", "shortlist": b"", "adapter": b""})
PARITY = Path(__file__).parents[2] / "parity"
TREES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers()),
    lambda inner: st.dictionaries(st.sampled_from("abc"), st.integers() | inner),
    max_leaves=8,
)


@pytest.fixture
def read(tmp_path):
    def read_with(text):
        path = tmp_path / "catalogue.toml"
        path.write_text(text)
        return read_catalogue(path)

    return read_with


def test_the_starter_set_translates_both_ways_and_encodes():
    starter = read_catalogue().select(["starter"])
    assert [(entry.name, entry.role) for entry in starter] == [
        ("en-pt", "translation"),
        ("pt-en", "translation"),
        ("minilm", "encoder"),
    ]


def test_files_that_come_with_polygist_are_those_of_the_catalogue():
    origins = [entry.origin for entry in read_catalogue().models.values()]
    pinned = [origin for origin in origins if isinstance(origin, Files)]
    files = [file for origin in pinned for file in origin.files if file.packaged]
    assert len(files) == 4
    for file in files:
        assert hashlib.sha256((PACKAGED / file.path).read_bytes()).hexdigest() == file.sha256


def test_an_operators_file_adds_a_model(read):
    tiny = read(TINY).entry("tiny")
    assert (tiny.license, tiny.settings["max_input_tokens"], tiny.settings["target_languages"]) == (
        "Apache-2.0",
        64,
        ("pt",),
    )


def test_an_operators_file_changes_a_single_value(read):
    before, after = read_catalogue().entry("en-pt"), read("[models.en-pt]\nquality_beam_size = 4\n").entry("en-pt")
    assert after.settings == {**before.settings, "quality_beam_size": 4}
    assert (after.origin, after.recipe) == (before.origin, before.recipe)


def test_another_checksum_is_another_recipe(read):
    text = f'[models.en-pt.files.adapter]\nsha256 = "{"0" * 64}"\n'
    assert read(text).entry("en-pt").recipe != read_catalogue().entry("en-pt").recipe


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('role = "translation"', 'role = "poet"', "models.tiny.role is 'poet'; it must be one of encoder"),
        ('family = "bergamot"', "", "models.tiny.family is missing"),
        ('family = "bergamot"', 'family = "capulet"', "models.tiny.family is 'capulet'; it must be one of bart"),
        ("max_input_tokens = 64", "max_input_tokens = 0", "models.tiny.max_input_tokens is 0.*at least 1"),
        ("max_input_tokens = 64", "max_input_tokens = true", "max_input_tokens is True"),
        ("shortlist = true", 'shortlist = "yes"', "models.tiny.shortlist is 'yes'; it must be true or false"),
        ('source_languages = ["en"]', "source_languages = [1]", r"source_languages is \[1\].*texts"),
        ('source_languages = ["en"]', 'source_languages = ["english"]', "source_languages.*'english' is no language"),
        ("shortlist = true", "shortlist = true\nshort_list = true", "models.tiny has unknown keys: short_list"),
        ('source = "tiny-student"', 'source = "moon"', "models.tiny.source is 'moon'.*tiny-student"),
        ('kind = "pypi"', 'kind = "ftp"', "sources.tiny-student.kind is 'ftp'; it must be one of path, pypi"),
        ('converter = "bergamot"', 'converter = "magic"', "converter is 'magic'; it must be one of bergamot, bert"),
        ('path = "model"', 'path = "../model"', "files.model.path is '../model'; it must be a relative path"),
        ('path = "model"', 'path = "/model"', "files.model.path is '/model'"),
        ("[models.tiny.files.model]", "[models.tiny.files.weights]", "models.tiny.files.model is missing"),
        ("[models.tiny]", '[models."../x"]', "name is '../x'.*folder's name"),
        ("e3b0c44298fc", "E3B0C44298FC", "sha256 is 'E3B0.*sha256sum"),
        ('display_name = "Tiny"', 'display_name = ""', "display_name is ''; it must be a text that is not empty"),
    ],
)
def test_a_wrong_value_is_named_with_what_belongs_there(read, old, new, message):
    assert old in TINY
    with pytest.raises(StoreError, match=message):
        read(TINY.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models = 3", "models is 3; it must be a table"),
        ('[sets]\nmine = ["en-fi"]', "sets.mine names 'en-fi'"),
        ('[sets]\nen-pt = ["minilm"]', "sets.en-pt has the name of a model"),
        ("[modells]", "unknown keys: modells"),
        ('[sources.here]\nkind = "path"\nfolder = "here"', "folder is 'here'; it must be an absolute path"),
        ("a = [", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(read, text, message):
    with pytest.raises(StoreError, match=message):
        read(text)


def test_a_selection_holds_each_model_once():
    names = [entry.name for entry in read_catalogue().select(["pt-en", "starter", "pt-en"])]
    assert names == ["pt-en", "en-pt", "minilm"]


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(StoreError, match=r"'en-fi'.*en-pt, pt-en, minilm, .*; sets starter.*hub:OWNER/REPOSITORY"):
        read_catalogue().select(["starter", "en-fi"])


@given(below=TREES, above=TREES)
def test_what_is_merged_over_a_tree_wins_and_the_rest_stays(below, above):
    merged = merge(below, above)
    assert merge(merged, above) == merged
    assert merged.keys() == below.keys() | above.keys()
    for key in below.keys() - above.keys():
        assert merged[key] == below[key]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("en-fr", "opus-mt-en-fr"),
        ("EN->FR", "opus-mt-en-fr"),
        ("en>zh", "opus-mt-en-zh"),
        ("en-pt", "en-pt"),
        ("en>pt", "en-pt"),
        ("models/en-pt", "en-pt"),
        ("Opus-MT-en-fr", "opus-mt-en-fr"),
        ("Helsinki-NLP/opus-mt-en-fr", "opus-mt-en-fr"),
        ("helsinki-nlp/opus-mt-en-fr", "opus-mt-en-fr"),
        ("https://huggingface.co/Helsinki-NLP/opus-mt-en-fr", "opus-mt-en-fr"),
        ("https://huggingface.co/Helsinki-NLP/opus-mt-en-fr/", "opus-mt-en-fr"),
        ("https://huggingface.co/Helsinki-NLP/opus-mt-en-fr/tree/main?library=transformers", "opus-mt-en-fr"),
        ("huggingface.co/Helsinki-NLP/opus-mt-en-fr.git", "opus-mt-en-fr"),
        ("hf.co/Falconsai/text_summarization", "t5-small-summaries"),
    ],
)
def test_a_model_is_found_by_what_people_call_it(given, name):
    catalogue = read_catalogue()
    assert catalogue.knows(given)
    assert catalogue.select([given]) == (catalogue.models[name],)


@pytest.mark.parametrize(
    ("given", "repository", "revision"),
    [
        ("google/new-model", "google/new-model", "main"),
        ("https://huggingface.co/google/new-model", "google/new-model", "main"),
        ("https://huggingface.co/Helsinki-NLP/opus-mt-en-fr/tree/v2", "Helsinki-NLP/opus-mt-en-fr", "v2"),
        ("opus-mt-en-fi", "Helsinki-NLP/opus-mt-en-fi", "main"),
    ],
)
def test_a_repository_that_no_table_has_is_taken_as_it_is(given, repository, revision):
    (entry,) = read_catalogue().select([given])
    assert entry.origin == Published(repository, revision)


def test_a_page_of_a_mirror_is_one_of_the_hub(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example:8443")
    (entry,) = read_catalogue().select(["https://hub.example:8443/Helsinki-NLP/opus-mt-en-fr"])
    assert entry.name == "opus-mt-en-fr"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("https://example.org/a/b", "is no page of a model on the Hub"),
        ("https://huggingface.co/gpt2", "is no page of a model on the Hub"),
        ("https://huggingface.co/datasets/a/b", "is no page of a model on the Hub"),
        ("./folder", r"models pull path:\./folder"),
        ("/folder", "models pull path:/folder"),
        ("opus.tar.zst", r"models import opus\.tar\.zst"),
    ],
)
def test_what_is_of_another_kind_is_told_with_the_command_for_it(given, problem):
    with pytest.raises(StoreError, match=problem):
        read_catalogue().select([given])


def test_what_may_mean_two_things_is_asked_about(read, tmp_path, monkeypatch):
    catalogue = read(TINY)  # from English to Portuguese, as en-pt
    with pytest.raises(StoreError, match="'en>pt' may be any of en-pt, tiny; pull one of them"):
        catalogue.select(["en>pt"])
    (tmp_path / "google" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="say path:google/model or hub:google/model"):
        catalogue.select(["google/model"])


def test_a_pair_that_no_table_has_may_be_on_the_hub():
    catalogue = read_catalogue()
    assert not catalogue.knows("en-fi")
    assert catalogue.suggest_pair("en-fi").endswith("models pull opus-mt-en-fi")
    assert catalogue.suggest_pair("startr") == ""
    assert (catalogue.guess("en", "mi"), catalogue.guess("pt-PT", "en-GB")) == ("opus-mt-en-mi", "opus-mt-pt-en")
    assert catalogue.guess("pt-BR", "pt-PT") is None


def test_a_pair_that_no_table_has_is_among_those_of_a_model_of_many_languages():
    catalogue = read_catalogue()
    assert catalogue.suggest_pair("en-ja").startswith("small100 has it among many languages: models pull small100; ")
    assert catalogue.multilingual("ja", "pt-BR") == "small100"
    assert catalogue.multilingual("en", "te") == "mbart50-many"
    assert catalogue.multilingual("en", "mi") is None  # nllb-200 would do, but forbids commercial use
    assert catalogue.multilingual("pt-BR", "pt-PT") is None


@pytest.mark.parametrize("name", ["m2m100", "small100", "mbart50"])
def test_the_languages_of_a_family_are_those_of_its_published_members(name):
    family = read_catalogue().families[name]
    vocabulary = read_vocabulary(PARITY / name)  # made with the languages that Transformers lists for them
    assert sorted(family.languages) == list(family.read_languages(vocabulary))


def test_what_a_model_writes_is_told_where_only_its_name_tells_it():
    catalogue = read_catalogue()
    for name, pair in (("opus-mt-en-zh", "en>zh"), ("opus-mt-zh-en", "zh>en")):
        sources, targets = catalogue.languages_of(catalogue.models[name])
        assert ">".join((*sources, *targets)) == pair


def test_what_is_recommended_is_free_for_all_and_fit_for_use():
    catalogue = read_catalogue()
    assert catalogue.translation("en", "fr-CA") == "opus-mt-en-fr"
    assert catalogue.translation("fr", "de") is None
    assert catalogue.reader("summarisation", "en") == "bart-large-cnn"
    assert catalogue.reader("summarisation", "pt") == "qwen2.5-1.5b"  # mt5-xlsum forbids commercial use
    assert catalogue.reader("summarisation", "fi") is None
    assert catalogue.reader("encoder", "fi") == "multilingual-minilm"
    assert catalogue.reader("encoder", "my") is None
    assert (catalogue.has("opus-mt-en-fr"), catalogue.has("opus-mt-en-fi")) == (True, False)


def test_a_catalogue_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "catalogue.toml").write_bytes(b"\xef\xbb\xbf[sets]\nmine = ['en-pt']\n")
    assert [entry.name for entry in read_catalogue(tmp_path / "catalogue.toml").select(["mine"])] == ["en-pt"]
