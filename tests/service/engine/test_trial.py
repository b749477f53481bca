"""A model is loaded by another process before it is loaded here for the first time."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from polygist_service.cli.flags import open_store
from polygist_service.engine.hardware import Placement
from polygist_service.engine.residency.loader import Loader, open_model
from polygist_service.engine.residency.trial import (
    COPIES,
    FOLDER,
    GPU_BYTES,
    GPU_SECONDS,
    Trials,
    place_on_cpu,
    try_load,
)
from polygist_service.errors import ModelCrash, StoreError, UnsupportedCapability
from polygist_service.store.convert.inspect import read_outline
from polygist_service.store.isolation import BASE_BYTES, BASE_SECONDS, SECONDS_PER_BYTE, Bounds, Isolated
from polygist_service.store.manifest import FILE, compute_revision, read_manifest, record_files, write_manifest
from polygist_service.store.store import Store
from structlog.testing import capture_logs


@pytest.fixture
def model(tiny_home, tmp_path) -> Path:
    """The folder of the model de-en, copied into a home of its own."""
    shutil.copytree(tiny_home / "models" / "de-en", tmp_path / "home" / "models" / "de-en")
    return tmp_path / "home" / "models" / "de-en"


@pytest.fixture
def home(model) -> Path:
    return model.parents[1]


def damage(folder: Path, name: str, content: bytes) -> None:
    """Change a file of a model, and make its manifest say so."""
    (folder / name).write_bytes(content)
    manifest = read_manifest(folder)
    (folder / FILE).unlink()
    files = record_files(folder)
    write_manifest(folder, replace(manifest, files=files, revision=compute_revision(files)))


def make_deadly(folder: Path) -> None:
    """Have the weights of a model divide by zero, which no exception tells of: the process is ended by SIGFPE."""
    content = bytearray((folder / "model.bin").read_bytes())
    heads = read_outline(io.BytesIO(content))["decoder/num_heads"]
    content[heads.place : heads.place + heads.size] = bytes(heads.size)
    damage(folder, "model.bin", bytes(content))


class Server:
    """Loads the model de-en as a server does that has started with a home.

    Attributes:
        opened: how often its own process has.
    """

    def __init__(self, home: Path, **changes: str) -> None:
        self._home = home
        self._changes = changes
        self.opened = 0

    def load(self) -> None:
        """Load it, or raise what a request gets."""
        trials = Trials(self._home)
        loader = Loader(
            lambda: Store(self._home),
            slots=1,
            place=lambda installed: replace(place_on_cpu(installed).placement, **self._changes),
            open_model=self._open,
            expect_loadable=trials.expect_loadable,
        )
        loader.open(loader.examine("de-en"))

    def _open(self, installed, **options):
        self.opened += 1
        return open_model(installed, **options)


def marks(home: Path) -> set[str]:
    return {path.name for path in (home / FOLDER / "de-en").glob("*")}


def test_a_model_that_was_put_there_is_tried_once_by_another_process(home, model):
    with capture_logs() as logs:
        Server(home).load()
        Server(home).load()
        assert [each["event"] for each in logs].count("model_tried") == 1
        Server(home, compute_type="float32").load()  # that may do something else with the same files
    assert [each["event"] for each in logs].count("model_tried") == len(marks(home)) == 2


def test_a_model_that_kills_what_loads_it_is_refused_and_no_server_loads_it(home, model):
    make_deadly(model)
    server = Server(home)
    with pytest.raises(ModelCrash) as refused:
        server.load()
    assert str(refused.value) == (
        "model de-en is damaged, or made to do harm: the process that tries it, opening model.bin, was ended "
        "by SIGFPE; run: polygist-server models rm de-en, and install one that you trust"
    )
    assert (server.opened, marks(home)) == (0, set())


def test_what_does_not_load_is_refused_as_ever(home, model):
    damage(model, "source.spm", b"no model")
    server = Server(home)
    with pytest.raises(StoreError, match=r"^model de-en does not load: .*source\.spm"):
        server.load()
    assert (server.opened, marks(home)) == (0, set())


def test_where_no_mark_can_be_kept_a_server_remembers_it(home, monkeypatch):
    (home / FOLDER).write_text("")  # in the place of the folder
    trials = Trials(home)
    loadable = place_on_cpu(Store(home).find("de-en"))
    trials.expect_loadable(loadable)
    monkeypatch.setattr(Isolated, "run", None)
    trials.expect_loadable(loadable)
    with pytest.raises(TypeError):
        Trials(home).expect_loadable(loadable)


def test_an_import_tries_the_model_so_that_no_server_has_to(model, tmp_path):
    home = tmp_path / "other"
    open_store(home).import_(model)
    assert len(marks(home)) == 1
    with capture_logs() as logs:
        Server(home).load()
    assert "model_tried" not in [each["event"] for each in logs]
    make_deadly(model)
    with pytest.raises(ModelCrash, match=r"was ended by SIGFPE; install one that you trust$"):
        open_store(home).import_(model)
    Server(home).load()  # that of before is still there


def test_a_model_that_does_not_load_is_not_imported_in_the_place_of_one_that_does(model, tmp_path):
    home = tmp_path / "other"
    open_store(home).import_(model)
    good = Store(home).find("de-en").revision
    damage(model, "source.spm", b"no model")
    with pytest.raises(StoreError, match=r"^model de-en does not load: .*; nothing was installed; export it anew$"):
        open_store(home).import_(model)
    assert Store(home).find("de-en").revision == good
    Server(home).load()


def test_an_import_warns_of_what_this_machine_lacks(model, tmp_path, monkeypatch, capsys):
    def lack(self, installed):
        raise UnsupportedCapability("no float16 here")

    monkeypatch.setattr(Trials, "try_new", lack)
    open_store(tmp_path / "other").import_(model)
    assert capsys.readouterr().err == "warning: de-en: it does not load here: no float16 here\n"


def test_a_model_that_is_recorded_needs_no_trial(home):
    assert open_store(home).record("de-en") is not None
    assert len(marks(home)) == 1
    with capture_logs() as logs:
        Server(home).load()
    assert "model_tried" not in [each["event"] for each in logs]


@pytest.mark.parametrize(
    ("device", "base_bytes", "base_seconds"),
    [("cpu", BASE_BYTES, BASE_SECONDS), ("cuda", GPU_BYTES, GPU_SECONDS)],
)
def test_the_bounds_of_a_trial_are_those_of_its_device(home, monkeypatch, device, base_bytes, base_seconds):
    tried = []
    monkeypatch.setattr(Isolated, "run", lambda isolated, *order: tried.append((isolated._bounds, *order)))
    loadable = place_on_cpu(Store(home).find("de-en"))
    loadable = replace(loadable, placement=replace(loadable.placement, device=device))
    Trials(home).expect_loadable(loadable)
    size = loadable.memory_bytes
    assert tried == [(Bounds(base_seconds + size * SECONDS_PER_BYTE, base_bytes + COPIES * size), try_load, loadable)]


def test_a_trial_on_a_gpu_opens_the_model_there(model, home, monkeypatch):
    opened = []

    def fake_open(installed, *, slots, placement):
        opened.append(placement)
        return open_model(installed, slots=slots, placement=Placement())

    monkeypatch.setattr("polygist_service.engine.residency.trial.open_model", fake_open)
    monkeypatch.setattr(Isolated, "run", run_in_place)
    loadable = place_on_cpu(Store(home).find("de-en"))
    on_gpu = replace(loadable, placement=Placement("cuda", (1,), "int8_float16"))
    Trials(home).expect_loadable(on_gpu)
    assert opened == [on_gpu.placement]
    assert len(marks(home)) == 1
    Trials(home).expect_loadable(on_gpu)
    assert len(opened) == 1


def run_in_place(isolated, function, *arguments):
    """Run what another process would."""
    return function(*arguments)
