"""``polygist-server doctor``: what it finds, on machines that are made up and on this one."""

import json
import os
import shutil
import socket
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from polygist_service.addresses import Address
from polygist_service.app.doctor import machine, trial
from polygist_service.app.doctor.doctor import Doctor
from polygist_service.app.doctor.findings import State
from polygist_service.app.doctor.machine import MemoryNeed, examine_cores, examine_memory, examine_processor
from polygist_service.app.doctor.ports import examine_address, find_listener
from polygist_service.app.doctor.trial import Answer, Survey, Trial
from polygist_service.cli import app
from polygist_service.errors import InferenceFailed, StoreError
from polygist_service.settings import Settings, name_home
from polygist_service.store.manifest import FILE

from tests.service.engine.test_trial import make_deadly

AVX2 = "vendor_id : GenuineIntel\nmodel name : A processor\nflags : fpu avx avx2 fma\n"


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("quota", "slots", "state", "said"),
    [
        ("max 100000", 0, State.OK, "8 of 8 usable; 8 slots, 2 text threads"),
        ("200000 100000", 0, State.OK, "2 of 8 usable, by a quota of 2 CPUs; 2 slots"),
        ("1600000 100000", 0, State.OK, "8 of 8 usable, by a quota of 16 CPUs; 8 slots"),
        ("250000 100000", 0, State.WARNING, "a whole number of CPUs serves best"),
        ("50000 100000", 0, State.WARNING, "give a quota of 1 or more"),
        ("200000 100000", 3, State.WARNING, "3 slots fight for 2 cores: leave out --slots"),
    ],
)
def test_cores_are_those_of_the_quota(tmp_path, quota, slots, state, said):
    write(tmp_path, "proc/self/cgroup", "0::/\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", quota)
    found = examine_cores(Settings(slots=slots), root=tmp_path)
    assert (found.state, found.name) == (state, "cores")
    assert said in found.text


@pytest.mark.parametrize(
    ("settings", "sizes", "need"),
    [
        ({}, {"a": 3, "b": 4}, MemoryNeed(7, 7)),
        ({"preload": "a"}, {"a": 3, "b": 4}, MemoryNeed(3, 7)),
        ({"preload": "none"}, {"a": 3, "b": 4}, MemoryNeed(0, 7)),
        ({"preload": "c"}, {"a": 3}, MemoryNeed(0, 3)),
        ({"memory_cap": 5_000_000}, {"a": 3_000_000, "b": 4_000_000}, MemoryNeed(5_000_000, 5_000_000)),
        ({"memory_cap": 3_500_000}, {"a": 3_000_000, "b": 4_000_000}, MemoryNeed(3_000_000, 3_000_000)),
    ],
)
def test_models_need_memory_as_they_are_loaded(settings, sizes, need):
    assert MemoryNeed.of(sizes, Settings(**settings)) == need


GIGA = 1_000_000_000


@pytest.mark.parametrize(
    ("settings", "need", "state", "said"),
    [
        ({}, MemoryNeed(GIGA, GIGA), State.OK, "8.00 GB, 4.00 GB of it free; the server needs about 1.30 GB"),
        ({}, MemoryNeed(9 * GIGA, 9 * GIGA), State.FAULT, "9.30 GB: give more, or have less loaded: --preload NAMES"),
        ({}, MemoryNeed(GIGA, 9 * GIGA), State.WARNING, "9.30 GB once all models are in use: give --memory-cap 6900MB"),
        ({}, MemoryNeed(5 * GIGA, 5 * GIGA), State.WARNING, "5.30 GB: not now; stop what takes the rest"),
        ({"sentence_cache": 9 * GIGA}, MemoryNeed(), State.FAULT, "about 9.30 GB"),
        ({"memory_cap": 9 * GIGA}, MemoryNeed(), State.WARNING, "--memory-cap 9.00 GB is more than there is"),
    ],
)
def test_memory_is_held_against_what_is_needed(tmp_path, settings, need, state, said):
    write(tmp_path, "proc/meminfo", "MemTotal: 15625000 kB\nMemAvailable: 7812500 kB\n")
    write(tmp_path, "proc/self/cgroup", "0::/pod\n")
    write(tmp_path, "sys/fs/cgroup/pod/memory.max", str(8 * GIGA))
    write(tmp_path, "sys/fs/cgroup/pod/memory.current", str(5 * GIGA))
    write(tmp_path, "sys/fs/cgroup/pod/memory.stat", f"anon {4 * GIGA}\ninactive_file {GIGA}\n")
    found = examine_memory(Settings(**settings), need, root=tmp_path)
    assert (found.state, found.name) == (state, "memory")
    assert said in found.text


def test_memory_that_the_system_does_not_tell_is_no_fault(tmp_path):
    found = examine_memory(Settings(), MemoryNeed(), root=tmp_path)
    assert found.state is State.OK
    assert "does not tell" in found.text


@pytest.mark.parametrize(
    ("flags", "libraries", "state", "said"),
    [
        (AVX2, {"instructions": "AVX2", "int8": "MKL", "float32": "MKL"}, State.OK, "int8 by MKL, float32 by MKL"),
        (AVX2, {}, State.OK, "A processor: AVX2 kernels, the backend is told with a model; CTranslate2 4.8"),
        (AVX2.replace("avx2", ""), {}, State.WARNING, "AVX kernels"),
        (AVX2, {"instructions": "GENERIC"}, State.WARNING, "several times slower"),
        ("", {}, State.OK, "unknown kernels"),
    ],
)
def test_slow_kernels_are_warned_of(tmp_path, monkeypatch, flags, libraries, state, said):
    monkeypatch.setenv("CT2_FORCE_CPU_ISA", "")
    monkeypatch.setattr(machine, "find_instruction_set", lambda root: find(machine="x86_64", root=root))
    write(tmp_path, "proc/cpuinfo", flags)
    found = examine_processor(libraries, "4.8", root=tmp_path)
    assert found.state is state
    assert said in found.text


find = machine.find_instruction_set


@contextmanager
def listening(place, family=socket.AF_INET):
    with socket.socket(family) as other:
        other.bind(place)
        other.listen()
        yield other.getsockname()


def test_a_taken_address_is_told_with_what_has_it(tmp_path):
    with listening(("127.0.0.1", 0)) as (_, port):
        found = examine_address(Address("127.0.0.1", port), "http_listen")
    assert (found.state, found.name) == (State.FAULT, "http_listen")
    assert f"127.0.0.1:{port} is taken by process {os.getpid()}: " in found.text
    assert "another --http-listen" in found.text
    with listening(str(tmp_path / "a"), socket.AF_UNIX):
        found = examine_address(Address(path=str(tmp_path / "a")), "admin_listen")
    assert (found.state, found.figures["process"]) == (State.FAULT, os.getpid())


def test_an_address_that_is_free_is_told(tmp_path):
    with listening(("127.0.0.1", 0)) as (_, port):
        pass
    assert examine_address(Address("127.0.0.1", port), "listen").text == f"127.0.0.1:{port} is free"
    assert examine_address(Address("127.0.0.1", 0), "listen").text == "127.0.0.1:0 picks a free port"
    assert examine_address(Address(path=str(tmp_path / "a")), "listen").state is State.OK


def test_an_address_that_cannot_be_had_is_told_as_at_a_start(tmp_path):
    found = examine_address(Address(path=f"{tmp_path}/none/a"), "listen")
    assert found.state is State.FAULT
    assert "there is no folder" in found.text


def own(root: Path, process: int, inode: int, *command: str) -> None:
    """Make a process up that has a socket open."""
    write(root, f"proc/{process}/cmdline", "\0".join(command) + "\0")
    (root / f"proc/{process}/fd").mkdir()
    (root / f"proc/{process}/fd/3").symlink_to(f"socket:[{inode}]")
    (root / f"proc/{process}/fd/4").symlink_to("/dev/null")


@pytest.mark.parametrize(
    ("host", "port", "process"),
    [
        ("127.0.0.1", 50051, 7),
        ("0.0.0.0", 50051, 7),
        ("127.0.0.2", 50051, None),
        ("127.0.0.1", 8080, 8),
        ("::1", 8080, 8),
        ("127.0.0.1", 9090, 7),
    ],
)
def test_who_listens_is_read_from_proc(tmp_path, host, port, process):
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    rest = "00000000:00000000 00:00000000 00000000 0 0"
    write(tmp_path, "proc/net/tcp", f"{head} 0: 0100007F:C383 00000000:0000 0A {rest} 71\n"
                                    f" 1: 0100007F:C383 0100007F:9999 01 {rest} 72\n")  # fmt: skip
    none, mapped = "0" * 32, "0000000000000000FFFF00000100007F"
    write(tmp_path, "proc/net/tcp6", f"{head} 0: {none}:1F90 {none}:0000 0A {rest} 81\n"
                                     f" 1: {mapped}:2382 {none}:0000 0A {rest} 71\n")  # fmt: skip
    own(tmp_path, 7, 71, "/venv/bin/python", "/venv/bin/polygist-server", "serve")
    own(tmp_path, 8, 81, "nginx: master")
    found = find_listener(Address(host, port), tmp_path)
    assert (found and found.process) == process
    assert found is None or found.is_ours is (process == 7)


def test_a_server_of_ours_that_listens_is_a_warning(tmp_path, monkeypatch):
    with listening(("127.0.0.1", 0)) as (_, port):
        row = f" 0: 0100007F:{port:04X} 00000000:0000 0A 0:0 0:0 0 0 0 5\n"
        write(tmp_path, "proc/net/tcp", f"head\n{row}")
        own(tmp_path, 5, 5, "python", "-m", "polygist_service")
        found = examine_address(Address("127.0.0.1", port), "listen", root=tmp_path)
        unseen = examine_address(Address("127.0.0.1", port), "listen", root=tmp_path / "nothing")
    assert (found.state, "a polygist server (process 5: python -m" in found.text) == (State.WARNING, True)
    assert (unseen.state, "does not see" in unseen.text) == (State.FAULT, True)


def photograph(home: Path) -> dict[str, tuple[int, int]]:
    """All files below a folder, with their sizes and times."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in [home, *home.rglob("*")]}


@pytest.fixture
def doctor(monkeypatch, capsys):
    """Run ``polygist-server doctor`` at an address that is free; returns its exit code and what it told."""
    for name in ("CT2_VERBOSE", "CT2_FORCE_CPU_ISA", "OMP_NUM_THREADS", "GRPC_VERBOSITY"):  # which it sets
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv("CT2_VERBOSE")

    def run(home: Path, *arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = app.run(["doctor", "--home", str(home), "--listen", "127.0.0.1:0", *arguments])
        out, err = capsys.readouterr()
        assert err == ""
        return code, out

    return run


def test_all_is_well_in_ten_lines_and_nothing_is_changed(doctor, tiny_home, tmp_path):
    shutil.copytree(tiny_home, tmp_path / "home", symlinks=True)
    for kept in ("seams", "tried"):
        shutil.rmtree(tmp_path / "home" / kept, ignore_errors=True)
    before = photograph(tmp_path / "home")
    code, out = doctor(tmp_path / "home")
    assert photograph(tmp_path / "home") == before
    lines = out.splitlines()
    assert code == 0, out
    assert len(lines) <= 11
    names = [line[9:].split()[0] for line in lines[:-1]]
    for name in ("cores", "libraries", "models", "memory", "listen", "loading", "processor", "translation", "summary"):
        assert name in names, out
    assert "de-en verified" in out
    assert "int8 by " in out
    assert "(de-en, de to en)" in out
    assert "extractive by words alone" in out


def test_a_library_that_does_not_load_is_told(doctor, tmp_path, monkeypatch):
    write(
        tmp_path,
        "broken/sentencepiece/__init__.py",
        'raise ImportError("libgomp.so.1: cannot open shared object file")',
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    code, out = doctor(tmp_path / "home", "--json")
    told = json.loads(out)
    assert (code, told["isWell"]) == (1, False)
    faults = [(each["name"], each["text"]) for each in told["findings"] if each["state"] == "fault"]
    assert [name for name, _ in faults] == ["libraries", "models"]
    assert "libgomp.so.1: cannot open shared object file; install it anew: pip install" in faults[0][1]
    assert faults[1][1].startswith(f"none is installed in {tmp_path / 'home'}; run: polygist-server models --home ")
    assert not (tmp_path / "home").exists()


def test_a_library_that_is_there_in_part_is_one_that_does_not_load(monkeypatch):
    def load(name):
        raise AttributeError("module 'ctranslate2' has no attribute 'Translator'")

    monkeypatch.setattr(trial, "import_module", load)
    with pytest.raises(ImportError, match="AttributeError: module 'ctranslate2' has no attribute"):
        trial.survey(Settings().model_dump())


def test_extras_are_those_that_the_settings_need():
    assert trial.find_extras(Settings()) == ["service"]
    wanted = Settings(http_listen="127.0.0.1:0", otlp_endpoint="http://127.0.0.1:4317")
    assert trial.find_extras(wanted) == ["service", "http", "otel"]
    for name in trial.SERVED_BY.values():
        assert find_spec(name)


class Examined(Doctor):
    """A doctor whose processes return what a test says."""

    def __init__(self, settings: Settings, **outcomes: object) -> None:
        super().__init__(settings)
        self._outcomes = outcomes

    def _run(self, task, cure, function, *arguments):
        if function.__name__ not in self._outcomes:
            return super()._run(task, cure, function, *arguments)
        outcome = self._outcomes[function.__name__]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


SURVEY = Survey({"ctranslate2": "4.8"}, (), (), {"de-en": 1000}, {})


def examine(home: Path, *, preload: str = "all", **outcomes: object) -> list[tuple[str, str, str]]:
    settings = Settings(home=home, listen="127.0.0.1:0", preload=preload)
    return [(each.state, each.name, each.text) for each in Examined(settings, **outcomes).examine()]


def test_a_broken_home_is_told_and_the_rest_is_looked_at_all_the_same(tiny_home, tmp_path):
    home = tmp_path / "home"
    for name in ("sound", "deadly", "torn", "changed"):
        shutil.copytree(tiny_home / "models" / "de-en", home / "models" / name)
        path = home / "models" / name / FILE
        path.write_text(path.read_text().replace('"name": "de-en"', f'"name": "{name}"'))
    make_deadly(home / "models" / "deadly")
    (home / "models" / "torn" / FILE).write_text("{")
    (home / "models" / "changed" / "model.bin").write_bytes(b"")
    (home / "models" / "notes.txt").write_text("")
    found = examine(home, preload="deadly,gone", survey=SURVEY)
    for state, name, said in [
        ("fault", "models", "torn has no readable manifest.json"),
        ("fault", "models", "changed is damaged: model.bin has changed"),
        ("warning", "models", "notes.txt is no model but a file"),
        ("fault", "models", "preload names 'gone', which is not installed"),
        ("ok", "models", "deadly, sound verified"),
        (
            "fault",
            "loading",
            "model deadly is damaged, or made to do harm: the process that tries it, opening model.bin,",
        ),
        ("ok", "translation", "(sound, de to en)"),
        ("ok", "cores", "usable"),
        ("ok", "listen", "127.0.0.1:0"),
    ]:
        assert [text for text in found if text[:2] == (state, name) and said in text[2]], (said, found)


def test_files_that_keep_a_server_from_starting_are_told(tiny_home):
    survey = Survey({"ctranslate2": "4.8"}, ["keys.json: no such file"], ["insecure"], {}, {"de-en": "no GPU"})
    found = examine(tiny_home, survey=survey, try_services=RuntimeError("gone"))
    assert ("fault", "files", "keys.json: no such file") in found
    assert ("warning", "files", "insecure") in found
    assert ("fault", "device", "de-en: no GPU") in found
    assert ("fault", "loading", "cannot be looked at: RuntimeError: gone") in found
    assert ("warning", "translation", "not tried, for what is said above") in found


def test_calls_that_fail_or_are_slow_are_told(tiny_home):
    tried = Trial({}, {"de-en": "it does not load"}, Answer(reason="no model"), Answer("a model", 11.0))
    found = examine(tiny_home, survey=SURVEY, try_services=tried)
    assert ("fault", "loading", "de-en: it does not load") in found
    assert ("fault", "translation", "failed: no model") in found
    (text,) = [text for state, name, text in found if (state, name) == ("warning", "summary")]
    assert "that is slow" in text


async def test_why_a_model_does_not_load_is_told_by_its_cause():
    async def call() -> str:
        raise InferenceFailed("the server's log has the reason") from StoreError("model minilm is damaged")

    assert await trial.measure(call) == Answer(reason="model minilm is damaged")


def test_commands_name_the_folder_where_they_would_take_another(tmp_path, monkeypatch):
    home = tmp_path / "a home"
    monkeypatch.delenv("POLYGIST_HOME", raising=False)
    (told,) = [text for state, _, text in examine(home, survey=SURVEY) if "none is installed" in text]
    assert told == f"none is installed in {home}; run: polygist-server models --home '{home}' pull starter"
    write(home, "models/torn/manifest.json", "{")
    (told,) = [text for state, _, text in examine(home, survey=SURVEY) if "no readable manifest" in text]
    assert told.endswith(f"; run: polygist-server models --home '{home}' rm torn, and install it again as it was")
    assert name_home("polygist-server models rm a && polygist-server models pull a", Path("/b")).count("--home /b") == 2
    monkeypatch.setenv("POLYGIST_HOME", str(home))
    assert not [text for _, _, text in examine(home, survey=SURVEY) if "--home" in text]


def test_glossaries_that_are_not_there_are_a_finding(doctor, tmp_path):
    code, out = doctor(tmp_path / "home", "--glossaries", str(tmp_path / "gone"), "--json")
    (told,) = [each["text"] for each in json.loads(out)["findings"] if each["name"] == "files"]
    assert (code, "gone: No such file or directory; give a folder with files NAME.tsv" in told) == (1, True)


def test_models_that_do_not_fit_now_are_not_tried(tiny_home, monkeypatch):
    monkeypatch.setattr("polygist_service.app.doctor.doctor.read_free_memory", lambda root: 1)
    found = examine(tiny_home, survey=SURVEY)
    assert [
        text for state, name, text in found if (state, name) == ("warning", "loading") and "no model was tried" in text
    ]


@pytest.mark.parametrize("place", ["home", "home/models"])
def test_a_folder_that_cannot_be_read_is_a_finding(tmp_path, place):
    write(tmp_path, place, "a file where a folder should be")
    found = examine(tmp_path / "home", survey=SURVEY)
    assert [text for state, name, text in found if (state, name) == ("fault", "models")]


def test_settings_that_are_doubtful_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("POLYGIST_NOTHING", "1")
    settings = Settings(home=tmp_path, listen="0.0.0.0:0", insecure=True)
    found = [each.text for each in Examined(settings, survey=SURVEY).examine() if each.name == "settings"]
    assert [text.partition(";")[0] for text in found] == [
        "POLYGIST_NOTHING is the name of no setting", "what is sent to listen=0.0.0.0:0 travels unencrypted",
    ]  # fmt: skip


def test_wrong_settings_are_told_as_at_a_start(doctor, tmp_path, capsys):
    assert app.run(["doctor", "--slots", "many"]) == 2
    assert "--slots: 'many' is no whole number" in capsys.readouterr().err
