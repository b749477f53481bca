"""Installed models as files that can be carried to another machine: ``NAME.tar.zst``."""

import os
import sys
from pathlib import Path

from polygist_service.errors import StoreError
from polygist_service.store.folders import flush
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
# What an archive has around its files: headers, and the zeros at its end.
AROUND_FILES = 1 << 20


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


def read_archive(path: Path, folder: Path, report: Progress) -> Path:
    """Unpack an archive into `folder`, which is empty; returns the folder of the model, not yet verified.

    Raises:
        StoreError: it is no such archive, is cut short, or holds what a model has not: links, folders, paths that lead
            elsewhere, more than a model.
    """
    size = path.stat().st_size
    most, seen = MOST_RATIO * size + AROUND_FILES, 0
    try:
        with tarfile.open(path, "r:zst") as archive:
            for count, member in enumerate(archive, 1):
                seen += member.size
                if not member.isfile() or member.name.count("/") != 1 or count > MOST_FILES or seen > most:
                    raise StoreError(f"{path} holds {member.name!r}, which no exported model does; export it anew")
                archive.extract(member, folder, filter="data")
                report(f"import {path.name}", seen, None)
    except (tarfile.TarError, zstd.ZstdError, EOFError) as error:
        raise StoreError(f"{path} is no exported model, or is cut short ({error}); export it anew") from error
    folders = [each for each in folder.iterdir() if each.is_dir()]
    if len(folders) != 1:
        raise StoreError(f"{path} holds {len(folders)} models; an exported model is one")
    return folders[0]
