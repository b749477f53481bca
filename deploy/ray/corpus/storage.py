"""Folders on local disks and in object stores, in which a file is there whole or not at all."""

import json
import os
import posixpath
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import pyarrow
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, FSSpecHandler, LocalFileSystem, PyFileSystem

from .errors import BulkError
from .parts import SourceFile

STATE = "_job"  # readers of data sets pass over names that begin so
UNFINISHED = f"{STATE}/unfinished"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, of any file system that pyarrow or fsspec knows.

    Attributes:
        url: what people call it: without what is only for opening it, such as a password.
        system: the file system.
        path: of the folder there.
    """

    url: str
    system: FileSystem
    path: str

    def join(self, *names: str) -> str:
        """Return the path of something below it, as the file system has it."""
        return posixpath.join(self.path, *names)

    def lies_in(self, other: "Folder") -> bool:
        """Whether it is another folder, or below that."""
        return f"{self.url}/".startswith(f"{other.url}/")

    @property
    def is_file(self) -> bool:
        """Whether it is no folder."""
        return bool(self.system.get_file_info(self.path).type == FileType.File)

    def find(self, name: str = "") -> Iterator[SourceFile]:
        """Yield the files that are anywhere below a folder of it, by their paths below that, in order."""
        base = self.join(name) if name else self.path
        found: list[FileInfo] = self.system.get_file_info(FileSelector(base, recursive=True, allow_not_found=True))
        for info in sorted(found, key=lambda each: each.path):
            if info.type == FileType.File:
                yield describe(info, posixpath.relpath(info.path, base))

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it, in any order."""
        return cast(BinaryIO, self.system.open_input_file(self.join(name)))

    def open_unpacked(self, name: str) -> BinaryIO:
        """Open a file to read it from its beginning, without its compression, which its name tells."""
        return cast(BinaryIO, self.system.open_input_stream(self.join(name), compression="detect"))

    def read_json(self, name: str) -> Any:
        """Return what a file of JSON has; None where there is none."""
        try:
            with self.system.open_input_stream(self.join(name)) as stream:
                return json.loads(stream.readall())
        except FileNotFoundError:
            return None
        except ValueError as error:
            place = posixpath.join(self.url, name)
            raise BulkError(f"{place} is no JSON ({error}), and not what this job wrote; give another folder") from None

    def write(self, name: str, content: bytes | pyarrow.Buffer) -> None:
        """Write a file, in place of one that is there; whoever reads it finds the one or the other, whole."""
        try:
            self._write(name, content)
        except FileNotFoundError:  # as for the first file of a folder, where the file system has folders
            for folder in (self.join(UNFINISHED), posixpath.dirname(self.join(name))):
                self.system.create_dir(folder, recursive=True)
            self._write(name, content)

    def _write(self, name: str, content: bytes | pyarrow.Buffer) -> None:
        temporary = self.join(UNFINISHED, f"{posixpath.basename(name)}.{uuid.uuid4().hex}")
        with self.system.open_output_stream(temporary, compression=None) as stream:
            stream.write(content)
        if isinstance(self.system, LocalFileSystem):
            settle(temporary)
        try:
            self.system.move(temporary, self.join(name))
        except FileNotFoundError:
            self.system.delete_file(temporary)
            raise

    def remove(self, name: str) -> None:
        """Remove a file."""
        self.system.delete_file(self.join(name))

    def drop_unfinished(self) -> None:
        """Remove what was being written when a job was killed."""
        path = self.join(UNFINISHED)
        if self.system.get_file_info(path).type == FileType.Directory:
            self.system.delete_dir(path)


def settle(path: str) -> None:
    """Have a local file on the disk before it gets its name: a machine that fails leaves no empty one."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe(info: FileInfo, path: str) -> SourceFile:
    """Return what a plan remembers of a file."""
    return SourceFile(path, info.size or 0, info.mtime_ns or 0)


def open_folder(given: str, option: str) -> Folder:
    """Open the file system of a path or URL; nothing has to be there yet.

    Args:
        given: a path, or a URL that pyarrow knows (``s3://``, ``gs://``, ``abfs://``, ``hdfs://``, ``file://``) or for
            which an fsspec package is installed.
        option: what error messages call it.

    Raises:
        BulkError: there is no such file system.
    """
    if "://" not in given:
        path = os.path.abspath(os.path.expanduser(given))
        return Folder(path, LocalFileSystem(), path)
    try:
        system, path = FileSystem.from_uri(given)
    except (pyarrow.ArrowInvalid, OSError) as error:
        system, path = open_by_fsspec(given, option, error)
    return Folder(name_of(given), system, path.rstrip("/"))


def name_of(url: str) -> str:
    """Return a URL without what is only for opening it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def open_by_fsspec(given: str, option: str, why: Exception) -> tuple[FileSystem, str]:
    """Open the file system of a URL that pyarrow does not know; `why` is what it says of it."""
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(given)
    except (ImportError, ValueError, OSError) as error:
        raise BulkError(
            f"{option} {given!r} cannot be opened: {why}; {error};"
            " give a path, a URL such as s3://BUCKET/FOLDER, or install the fsspec package for it"
        ) from None
    return PyFileSystem(FSSpecHandler(system)), path
