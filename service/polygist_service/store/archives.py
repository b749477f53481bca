"""Installed models as files that can be carried to another machine: ``NAME.tar.zst``."""

import io
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from polygist.files import flush, open_plain

from polygist_service.errors import StoreError
from polygist_service.store.manifest import FILE, Manifest, read_manifest, verify_files
from polygist_service.store.sources.wheels import Progress

if sys.version_info >= (3, 14):
    import tarfile

    from compression import zstd
else:  # the same, for versions before
    from backports import zstd
    from backports.zstd import tarfile

SUFFIX = ".tar.zst"
MOST_FILES = 64
# A model's weights are numbers, and hardly shrink: what does beyond this is no model.
MOST_RATIO = 100
LEVEL = 3
# Of a name that is told in an error.
MOST_SHOWN = 100
# What an archive has around its files: headers, and the zeros at its end.
AROUND_FILES = 1 << 20
# The header of one file with all that belongs to it: long names, times and owners take a few hundred bytes.
MOST_HEADER_BYTES = 64 << 10


def write_archive(folder: Path, target: Path, report: Progress) -> Manifest:
    """Write an installed model to `target`, which appears when it is complete; returns its manifest.

    Raises:
        StoreError: the model is damaged.
    """
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    total, done, phase = manifest.size_bytes, 0, f"export {manifest.name}"
    partial = target.with_name(f"{target.name}.part")
    try:
        packing: dict[int, int] = {
            zstd.CompressionParameter.compression_level: LEVEL,
            zstd.CompressionParameter.checksum_flag: 1,
            zstd.CompressionParameter.nb_workers: os.cpu_count() or 1,
        }
        with tarfile.open(partial, "w:zst", options=packing) as archive:
            for name in (FILE, *manifest.files):
                archive.add(folder / name, f"{manifest.name}/{name}", filter=make_anonymous)
                done += manifest.files[name].size if name in manifest.files else 0
                report(phase, done, total)
        flush(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def make_anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who owned the file here, which says nothing there."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


class BoundedStream(io.BufferedIOBase):
    """The unpacked bytes of an archive, of which no more are read than `allow` has said; skipping is no reading.

    `tarfile` keeps a header in memory however long it is, and one that packs to 98 kB may be of 3 GB.

    Args:
        stream: the bytes.
    """

    def __init__(self, stream: zstd.ZstdFile) -> None:
        super().__init__()
        self._stream = stream
        self._left = 0

    def allow(self, count: int) -> None:
        """Let `count` bytes be read from here on."""
        self._left = count

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes, fewer at the end; raises StoreError beyond what is allowed."""
        if size is None or not 0 <= size <= self._left:
            raise StoreError(f"a header is longer than {MOST_HEADER_BYTES} bytes")
        self._left -= size
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Skip to a place, as files do."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """The place, as of files."""
        return self._stream.tell()


def read_archive(path: Path, folder: Path, report: Progress) -> Path:
    """Unpack an archive into `folder`, which is empty; returns the folder of the model, not yet verified.

    Raises:
        StoreError: it is no such archive, is cut short, or holds what a model has not: links, folders, paths that lead
            elsewhere, headers without end, more than a model.
        OSError: it cannot be read, or what it holds cannot be written.
    """
    most = MOST_RATIO * path.stat().st_size + AROUND_FILES
    try:
        with open_plain(path) as packed, zstd.open(packed, "rb") as unpacked:
            unpack(BoundedStream(unpacked), folder, most=most, report=partial(report, f"import {path.name}"))
    except OSError:
        raise
    except Exception as error:  # whatever strange bytes bring about in zstd and tarfile, RecursionError among it
        raise StoreError(f"{path} is no exported model, or is cut short ({error}); export it anew") from error
    folders = [each for each in folder.iterdir() if each.is_dir()]
    if len(folders) != 1:
        raise StoreError(f"{path} holds {len(folders)} models; an exported model is one")
    return folders[0]


def unpack(stream: BoundedStream, folder: Path, *, most: int, report: Callable[[int, None], None]) -> None:
    """Write the files of a tar archive to `folder`, `most` bytes at most; raises an error for all but such files."""
    seen = 0
    stream.allow(MOST_HEADER_BYTES)
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for count, member in enumerate(archive, 1):
            seen += member.size
            is_plain = member.isfile() and not member.issparse() and member.size >= 0
            if not is_plain or member.name.count("/") != 1 or count > MOST_FILES or seen > most:
                raise StoreError(f"it holds {member.name[:MOST_SHOWN]!r}, which no exported model does")
            stream.allow(member.size)
            archive.extract(member, folder, filter="data")
            report(seen, None)
            stream.allow(MOST_HEADER_BYTES)
