"""Models that are carried from one machine to another."""

import io
import shutil
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from polygist_service.errors import StoreError
from polygist_service.store.archives import zstd
from polygist_service.store.store import Outcome, Store

MARIAN = Path(__file__).parents[2] / "parity" / "nllb"


@pytest.fixture
def here(tmp_path):
    """A store with one installed model."""
    store = Store(tmp_path / "here")
    store.pull([f"path:{MARIAN}"])
    return store


@pytest.fixture
def there(tmp_path):
    """An empty store on another machine."""
    return Store(tmp_path / "there")


@pytest.fixture
def archive(here, tmp_path):
    return here.export("nllb", tmp_path)


def test_an_archive_brings_the_same_model(here, there, archive):
    assert archive.name == "nllb.tar.zst"
    pulled = there.import_(archive)
    assert pulled.outcome is Outcome.INSTALLED
    (before,), (after,) = here.installed(), there.installed()
    assert (after.revision, after.description) == (before.revision, before.description)
    there.verify("nllb")
    assert there.import_(archive).outcome is Outcome.RENEWED


def test_a_copied_folder_does_as_well(here, there):
    assert there.import_(here.find("nllb").folder).model.revision == here.find("nllb").revision


def test_a_damaged_model_is_not_exported(here, tmp_path):
    (here.find("nllb").folder / "model.bin").write_bytes(b"other")
    with pytest.raises(StoreError, match=r"nllb is damaged: model.bin has changed"):
        here.export("nllb", tmp_path)
    assert not list(tmp_path.glob("*.tar.zst*"))


def test_a_folder_whose_files_changed_is_refused(here, there):
    folder = here.find("nllb").folder
    (folder / "tokenizer.json").write_bytes(b"{}")
    with pytest.raises(StoreError, match=r"tokenizer.json has changed"):
        there.import_(folder)
    assert there.installed() == ()


def test_an_import_takes_the_size_of_the_model_once(there, archive):
    taken = []

    def measure(*_: object) -> None:
        files = [path for path in there.home.rglob("*") if path.is_file() and not path.parent.is_symlink()]
        taken.append(sum(path.stat().st_size for path in files))

    pulled = Store(there.home, try_model=measure).import_(archive, measure)
    assert pulled.model.size_bytes <= max(taken) < 1.2 * pulled.model.size_bytes  # with its manifest


@pytest.mark.parametrize("kept", [0, 10, 1000, 30_000])
def test_an_archive_that_is_cut_short_is_refused(there, archive, kept):
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(StoreError, match=r"export it anew|no readable manifest|is damaged|holds 0 models"):
        there.import_(archive)
    assert there.installed() == ()


@pytest.mark.parametrize("at", [0, 5, 500, 20_000])
def test_an_archive_that_was_damaged_on_its_way_is_refused(there, archive, at):
    content = bytearray(archive.read_bytes())
    content[at] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(StoreError, match=r"export it anew|no readable manifest|has changed|is damaged|holds 0 models"):
        there.import_(archive)
    assert there.installed() == ()


def test_an_archive_that_another_program_wrote_in_several_frames_is_read(here, there, archive):
    content = zstd.decompress(archive.read_bytes())
    frames = [content[at : at + 20_000] for at in range(0, len(content), 20_000)]
    assert len(frames) > 2
    archive.write_bytes(b"".join(map(zstd.compress, frames)))
    assert there.import_(archive).model.revision == here.find("nllb").revision


def pack(path, *members):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    path.write_bytes(zstd.compress(packed.getvalue()))
    return path


def link(name, kind, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


@pytest.mark.parametrize(
    "member",
    [
        (tarfile.TarInfo("../evil"), b"x"),
        (tarfile.TarInfo("/etc/evil"), b"x"),
        (tarfile.TarInfo("nllb/../../evil"), b"x"),
        (tarfile.TarInfo("evil"), b"x"),
        link("nllb/model.bin", tarfile.SYMTYPE, "/etc/passwd"),
        link("nllb/model.bin", tarfile.LNKTYPE, "/etc/passwd"),
        link("nllb/pipe", tarfile.FIFOTYPE, ""),
        (tarfile.TarInfo("nllb/zeros"), bytes(300 << 20)),
        (tarfile.TarInfo("nllb/\u00e9\0"), b"x"),
    ],
    ids=["up", "absolute", "up inside", "no folder", "symlink", "hard link", "pipe", "bomb", "NUL"],
)
def test_an_archive_with_anything_else_is_refused(there, tmp_path, member):
    archive = pack(tmp_path / "evil.tar.zst", member)
    with pytest.raises(StoreError, match=r"no exported model|no readable manifest"):
        there.import_(archive)
    assert there.installed() == ()
    assert not list(tmp_path.rglob("evil"))


def test_a_name_that_leads_elsewhere_is_refused(here, there, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in here.find("nllb").folder.iterdir():
        content = path.read_bytes()
        if path.name == "manifest.json":
            content = content.replace(b'"name": "nllb"', b'"name": "../nllb"', 1)
        (folder / path.name).write_bytes(content)
    with pytest.raises(StoreError, match="cannot be a folder's name"):
        there.import_(folder)


def make_header(kind, size, name="nllb/model.bin"):
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def make_sparse_header():
    """A file of holes, whose header goes on in the block behind it."""
    header = bytearray(make_header(tarfile.GNUTYPE_SPARSE, 0))
    header[482] = 1
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 8 * ord(" "))
    return bytes(header)


LONG = 64 << 20
LONG_NAME = make_header(tarfile.GNUTYPE_LONGNAME, LONG) + b"a" * LONG
HOLES = (b"%011o\0" % 1 * 42 + b"\1").ljust(512, b"\0")
FACT = make_header(tarfile.XHDTYPE, 10) + b"10 path=a\n".ljust(512, b"\0")
UNENDING = {
    "extended": make_header(tarfile.XHDTYPE, LONG) + f"{LONG} a=".encode().ljust(LONG, b"a"),
    "global": make_header(tarfile.XGLTYPE, LONG) + f"{LONG} a=".encode().ljust(LONG, b"a"),
    "long name": LONG_NAME,
    "chain": FACT * 10_000,
    "holes": make_sparse_header() + HOLES * 10_000,
}


@pytest.mark.parametrize("kind", UNENDING)
def test_a_header_without_end_is_not_kept_in_memory(there, tmp_path, kind):
    archive = tmp_path / "nllb.tar.zst"
    archive.write_bytes(zstd.compress(UNENDING[kind] + make_header(tarfile.REGTYPE, 0) + bytes(1024)))
    tracemalloc.start()
    try:
        with pytest.raises(StoreError, match="a header is longer than 65536 bytes"):
            there.import_(archive)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 << 20
    assert there.installed() == ()


def test_an_import_needs_room_for_one_model(there, archive, monkeypatch):
    monkeypatch.setattr(shutil, "copyfile", None)
    there.import_(archive)
    there.verify("nllb")
    assert not (there.home / "work").exists()


@pytest.mark.parametrize("damage", ["an extra file", "a nested manifest", "no model"])
def test_what_is_wrong_with_an_archive_does_not_cost_the_model_that_is_installed(
    here, there, archive, tmp_path, damage
):
    there.import_(archive)
    copy = tmp_path / "copy" / "nllb"
    shutil.copytree(here.find("nllb").folder, copy)
    manifest = copy / "manifest.json"
    if damage == "an extra file":
        (copy / "extra").touch()
    elif damage == "a nested manifest":
        manifest.write_text("[" * 100_000)
    else:
        manifest.write_text(manifest.read_text().replace('"family": "', '"family": "\\n', 1))
    bad = pack(
        tmp_path / "bad.tar.zst",
        *((tarfile.TarInfo(f"nllb/{path.name}"), path.read_bytes()) for path in copy.iterdir()),
    )
    with pytest.raises(StoreError, match=r"bad\.tar\.zst.*; export it anew where it is installed, or get") as caught:
        there.import_(bad)
    assert "models rm" not in str(caught.value)
    there.verify("nllb")
