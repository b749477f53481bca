"""Golden answers: recorded when a model is installed, and compared when it is loaded."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.engine import golden_answers
from polygist_service.engine.golden_answers import answer, compare, compute_chrf, compute_cosine, describe_calculation
from polygist_service.engine.golden_texts import TEXTS, choose_questions, record_answers
from polygist_service.engine.hardware import Placement, find_instruction_set, resolve
from polygist_service.engine.interface import Result
from polygist_service.engine.residency.loader import Loader, open_model
from polygist_service.errors import StoreError
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.description import InstalledModel
from polygist_service.store.golden_answers import GoldenAnswer, GoldenAnswers
from polygist_service.store.manifest import FILE, compute_revision, read_manifest, record_files, write_manifest
from polygist_service.store.store import Store
from sacrebleu.metrics import CHRF
from structlog.testing import capture_logs

PARITY = Path(__file__).parents[2] / "parity"
TEXT = st.text(alphabet="aábc de", max_size=30)
AVX2 = "fpu sse2 avx avx2 fma"


@pytest.fixture(scope="module")
def pulled(tmp_path_factory) -> Store:
    """A store with tiny models of three kinds, which have answered their golden texts."""
    store = Store(tmp_path_factory.mktemp("home"), record=record_answers)
    store.pull([f"path:{PARITY / 'marian'}"], options=PullOptions(name="de-en", sources=("de",), targets=("en",)))
    store.pull([f"path:{PARITY / 'encoder'}"], options=PullOptions(family="encoder", sources=("en",)))
    store.pull([f"path:{PARITY / 'causal-lm'}"], options=PullOptions(family="causal-lm"))
    return store


@pytest.fixture
def store(pulled, tmp_path) -> Store:
    """The same, to be damaged."""
    shutil.copytree(pulled.home, tmp_path / "home", symlinks=False)
    return Store(tmp_path / "home", record=record_answers)


def make_loader(store: Store, compute_type: str = "") -> Loader:
    """Return what loads models as a server does."""

    def place(installed: InstalledModel) -> Placement:
        return resolve("cpu", (0,), compute_type, installed.description.compute_type)

    return Loader(lambda: store, slots=1, place=place, open_model=open_model)


def load(store: Store, name: str, *, compute_type: str = "") -> None:
    """Load a model as a server does; raises StoreError where it is refused."""
    loader = make_loader(store, compute_type)
    loader.open(loader.examine(name))


def write_again(store: Store, name: str, path: str, change) -> None:
    """Change a file of a model, and make its manifest say so."""
    folder = store.home / "models" / name
    (folder / path).write_bytes(change((folder / path).read_bytes()))
    manifest = read_manifest(folder)
    (folder / FILE).unlink()
    files = record_files(folder)
    write_manifest(folder, replace(manifest, files=files, revision=compute_revision(files)))


def reverse_vocabulary(content: bytes) -> bytes:
    pieces = json.loads(content)
    return json.dumps([*pieces[:4], *reversed(pieces[4:])]).encode()


def clear_weights(content: bytes) -> bytes:
    """Put zeros into one matrix of a model, as a page that was lost would."""
    name = b"layer_0/self_attention/linear_0/weight\0"
    at = content.index(name) + len(name)
    start = at + 1 + 4 * content[at] + 1 + 4  # after its rank, dimensions, type and size
    size = int.from_bytes(content[start - 4 : start], "little")
    return content[:start] + bytes(size) + content[start + size :]


def test_models_of_every_kind_give_their_golden_answers_again(pulled):
    assert pulled.names() == ["causal-lm", "de-en", "encoder"]
    for name in pulled.names():
        golden = pulled.find(name).golden
        assert len(golden.answers) in (TEXTS, 8)
        assert all(each.vector if name == "encoder" else each.token_count for each in golden.answers)
        with capture_logs() as logs:
            load(pulled, name)
        (line,) = (each for each in logs if each["event"] == "golden_answers_given")
        assert (line["model"], line["equal"]) == (name, len(golden.answers))


@pytest.mark.parametrize(
    ("name", "path", "change"),
    [
        ("de-en", "model.bin", clear_weights),
        ("de-en", "shared_vocabulary.json", reverse_vocabulary),
        ("encoder", "model.bin", clear_weights),
        ("causal-lm", "model.bin", clear_weights),
    ],
)
def test_a_damaged_model_whose_checksums_are_right_is_refused_with_both(store, name, path, change):
    write_again(store, name, path, change)
    store.verify(name)
    with pytest.raises(StoreError) as refusal:
        load(store, name)
    message = refusal.value.message
    assert message.startswith(f"model {name} does not answer what it did when it was installed: of ")
    assert message.endswith(f"; run: polygist-server models pull --again {name}")
    recorded = str(store.find(name).golden.calculation)
    assert f"recorded with {recorded}; here with {recorded}" in message


def change_golden(store: Store, name: str, change) -> GoldenAnswers:
    folder = store.home / "models" / name
    golden = change(store.find(name).golden)
    write_manifest(folder, replace(read_manifest(folder), golden=golden.to_json()))
    return golden


def on_another_machine(golden: GoldenAnswers) -> GoldenAnswers:
    return replace(golden, calculation=replace(golden.calculation, instruction_set="NEON"))


def write_otherwise(golden: GoldenAnswers) -> GoldenAnswers:
    """What another machine may have written: one word in one of the answers is another."""
    first, *others = golden.answers
    return replace(golden, answers=(replace(first, written=first.written[:-1], score=-9.0), *others))


def test_answers_of_another_machine_are_compared_by_likeness(store):
    change_golden(store, "de-en", lambda golden: write_otherwise(on_another_machine(golden)))
    load(store, "de-en")
    change_golden(store, "encoder", on_another_machine)
    load(store, "encoder", compute_type="float32")


def test_on_the_same_machine_every_token_and_score_counts(store):
    change_golden(store, "de-en", write_otherwise)
    with pytest.raises(StoreError, match=f"{TEXTS - 1} are equal \\(all have to be\\).*; it wrote '.*', here '"):
        load(store, "de-en")
    first = store.find("de-en").golden.answers[0]
    other = replace(first, score=first.score + 0.002)
    assert compare([first], [other]).difference == (
        f"; it wrote {first.written!r} with score {first.score}, here with {other.score}"
    )
    assert compare([first], [replace(first, score=first.score + 0.0005)]).equal == 1


def test_what_another_machine_wrote_quite_otherwise_is_refused_with_both(store):
    def change(golden: GoldenAnswers) -> GoldenAnswers:
        answers = tuple(replace(each, written="zzz") for each in golden.answers)
        return on_another_machine(replace(golden, answers=answers))

    golden = change_golden(store, "de-en", change)
    here = describe_calculation(Placement(compute_type=golden.calculation.compute_type))
    with pytest.raises(StoreError) as refusal:
        load(store, "de-en")
    assert f"(chrF 0.0, at least 80); recorded with {golden.calculation}; here with {here}" in refusal.value.message
    assert "on NEON by" in refusal.value.message
    assert refusal.value.message.endswith("; if it is whole, polygist-server models record de-en")


@pytest.mark.parametrize("other", ["float32", "int8"])
def test_the_same_numbers_are_part_of_being_the_same(other):
    one = describe_calculation(Placement(compute_type="float32"))
    assert one.is_same(describe_calculation(Placement(compute_type=other))) is (other == "float32")
    assert not describe_calculation(Placement("cuda")).is_same(describe_calculation(Placement("cuda")))


def test_a_model_without_golden_answers_is_served_and_the_log_tells_the_cure(store):
    folder = store.home / "models" / "de-en"
    write_manifest(folder, replace(read_manifest(folder), golden=None))
    loader = make_loader(store)
    with capture_logs() as logs:
        for _ in range(2):  # as where a model is unloaded between two uses
            loader.open(loader.examine("de-en"))
    (line,) = (each for each in logs if each["event"] == "golden_answers_missing")
    assert line["log_level"] == "warning"
    assert line["hint"].endswith("polygist-server models record de-en")
    assert store.record("de-en").answers == store.find("de-en").golden.answers
    store.verify("de-en")
    write_again(store, "de-en", "model.bin", clear_weights)
    with pytest.raises(StoreError, match="does not answer"):
        load(store, "de-en")


def test_recording_changes_no_revision_and_leaves_a_damaged_model_alone(store):
    before = store.find("de-en")
    store.record("de-en")
    assert store.find("de-en") == before
    (store.home / "models" / "de-en" / "model.bin").write_bytes(b"")
    with pytest.raises(StoreError, match=r"model\.bin has changed"):
        store.record("de-en")


def test_golden_answers_travel_with_an_exported_model(pulled, tmp_path):
    there = Store(tmp_path / "home")
    there.import_(pulled.export("de-en", tmp_path))
    assert there.find("de-en").golden == pulled.find("de-en").golden
    load(there, "de-en")


@pytest.mark.parametrize(
    "damage", [[], {}, {"answers": []}, {"answers": [{"text": 1}]}, {"answers": [{}]}, {"answers": "abc"}]
)
def test_golden_answers_that_are_none_are_refused_with_the_cure(store, damage):
    folder = store.home / "models" / "de-en"
    values = json.loads((folder / FILE).read_text())
    if isinstance(damage, dict) and damage:
        damage = {**values["golden"], **damage}
    (folder / FILE).write_text(json.dumps({**values, "golden": damage}))
    with pytest.raises(
        StoreError, match=r"de-en (describes no model|has no readable manifest\.json) \(.*\); run: polygist-server"
    ):
        store.find("de-en")


def test_a_model_for_many_languages_is_asked_in_those_that_there_are_sentences_in(pulled):
    description = replace(
        pulled.find("de-en").description, source_languages=("en", "pt-BR", "yo"), target_languages=("pt-BR", "de", "yo")
    )
    asked = {(each.source, each.target) for each in choose_questions(description)}
    assert asked == {("en", "pt-BR"), ("en", "de"), ("pt-BR", "de")}
    description = replace(description, source_languages=("yo",), target_languages=("wo",), shortlist=True)
    questions = list(choose_questions(description))
    assert {(each.source, each.target) for each in questions} == {("yo", "wo")}
    assert [each.shortlist for each in questions] == [False] * 10 + [True] * 10


def test_a_golden_text_that_does_not_fit_the_window_is_told(pulled):
    installed = pulled.find("de-en")
    narrow = replace(installed, description=replace(installed.description, max_input_tokens=3))
    model = open_model(narrow, slots=1, placement=Placement(compute_type="float32"))
    with pytest.raises(StoreError, match="no room for one of its golden texts"):
        answer(model, narrow.description, list(choose_questions(narrow.description)))


@given(TEXT, TEXT)
def test_chrf_is_that_of_sacrebleu(hypothesis, reference):
    expected = CHRF().sentence_score(hypothesis, [reference]).score
    if "".join(hypothesis.split()) == "".join(reference.split()):
        expected = 100.0  # of nothing, too
    assert compute_chrf(hypothesis, reference) == pytest.approx(expected)


def test_vectors_that_cannot_be_compared_are_not_alike():
    one, *others = (keep_vector(np.array(each)) for each in ([1.0, 2.0], [0.0, 0.0], [1.0], [np.nan, 1.0]))
    assert compute_cosine(one, one) == pytest.approx(1)
    assert [compute_cosine(one, each) for each in others] == [0, 0, 0]


def keep_vector(vector: np.ndarray) -> str:
    return golden_answers.keep(GoldenAnswer("text"), Result(1, vector=vector.astype(np.float32))).vector


@pytest.mark.parametrize(
    ("machine", "fields", "environment", "expected"),
    [
        ("x86_64", f"vendor_id: GenuineIntel\nflags: {AVX2}", {}, "AVX2 (GenuineIntel, avx avx2 fma)"),
        ("x86_64", f"vendor_id: maker\nflags: {AVX2}", {"CT2_FORCE_CPU_ISA": ""}, "AVX2 (maker, avx avx2 fma)"),
        (
            "AMD64",
            f"vendor_id: AuthenticAMD\nflags: {AVX2} avx512f avx512_vnni",
            {"CT2_FORCE_CPU_ISA": "AVX512"},
            "AVX512 (AuthenticAMD, avx avx2 fma avx512f avx512_vnni)",
        ),
        ("x86_64", "vendor_id: maker\nflags: fpu", {"CT2_USE_MKL": "0"}, "GENERIC (maker, CT2_USE_MKL=0)"),
        ("aarch64", "CPU implementer: 0x41\nFeatures: fp asimd asimddp", {}, "NEON (0x41, asimd asimddp)"),
        ("x86_64", "", {}, ""),
    ],
)  # fmt: skip
def test_the_instruction_set_is_what_the_kernels_go_by(tmp_path, machine, fields, environment, expected):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(fields)
    assert find_instruction_set(environment, machine=machine, root=tmp_path) == expected
