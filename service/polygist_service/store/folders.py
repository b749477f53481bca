"""The folders of a store on disk, and how a model appears in them: whole, or not at all.

    HOME/models/NAME               a link to the build in use
    HOME/models/.builds/NAME-xxxx  a build; without a link nobody sees it
    HOME/work/xxxx                 what the pull that runs has in between
    HOME/downloads                 files of the Hub, kept until their model is installed, so that a pull can go on
    HOME/lock                      held by the process that changes anything

A link is replaced in one step, so a crash leaves the old build or the new one. What a dead process left behind is
known by having no link, and is removed by the next one that holds the lock.
"""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from polygist.files import flush, keep_to_owner

from polygist_service.errors import StoreError

# A download that nobody went on with for so long is given up.
KEPT_SECONDS = 7 * 24 * 3600
# What only the folder of a model has.
SIGNS = ("manifest.json", "model.bin")
LOST_AND_FOUND = "lost+found"
ARCHIVE = ".tar.zst"


class Folders:
    """The folders below `home`; nothing is made before something is installed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._models = home / "models"
        self._builds = self._models / ".builds"
        self._work = home / "work"
        self.downloads = home / "downloads"

    def names(self) -> list[str]:
        """Names of the installed models, damaged or not, sorted."""
        return sorted(path.name for path in self._visible() if not tell_stray(path, self._builds))

    def strays(self) -> dict[str, str]:
        """What lies beside the models and is none, by name, and what it is instead."""
        found = {path.name: tell_stray(path, self._builds) for path in self._visible()}
        return {name: what for name, what in sorted(found.items()) if what}

    def _visible(self) -> list[Path]:
        if not self._models.is_dir():
            return []
        return [path for path in self._models.iterdir() if not path.name.startswith(".")]

    def model(self, name: str) -> Path:
        """The folder of an installed model."""
        return self._models / name

    @contextmanager
    def open_workspace(self, wait: Callable[[], None]) -> Iterator[Path]:
        """Hold the lock, remove what dead processes left, and give an empty folder for downloads.

        Args:
            wait: called once if another process holds the lock, before waiting for it.
        """
        # A new name each time: the pip of a killed pull may live on for a while and write where it was told to.
        workspace = self._work / secrets.token_hex(4)
        self._builds.mkdir(parents=True, exist_ok=True)
        keep_to_owner(self.home / "lock")  # who may open it may hold it; earlier versions let everyone
        lock = FileLock(self.home / "lock", mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            wait()
            lock.acquire()
        try:
            self._remove_leftovers()
            workspace.mkdir(parents=True)
            yield workspace
        finally:
            shutil.rmtree(self._work, ignore_errors=True)
            lock.release()

    def _remove_leftovers(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)
        for begun in self.downloads.glob("*/*"):
            if time.time() - begun.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(begun, ignore_errors=True)
        linked = {path.resolve() for path in self._models.iterdir() if path.is_symlink()}
        for build in self._builds.iterdir():
            if build.resolve() in linked:
                continue
            if build.is_dir() and not build.is_symlink():
                shutil.rmtree(build)
            else:
                build.unlink()

    @contextmanager
    def build(self, name: str) -> Iterator[Path]:
        """Give an empty folder that becomes the model `name` when the block ends, and vanishes if it fails."""
        build = self._new_build(name)
        build.mkdir()
        try:
            yield build
        except BaseException:
            shutil.rmtree(build, ignore_errors=True)
            raise
        self._publish(name, build)

    def _new_build(self, name: str) -> Path:
        return self._builds / f"{name}-{secrets.token_hex(4)}"

    def _publish(self, name: str, build: Path) -> None:
        for path in [*build.iterdir(), build, self._builds]:
            flush(path)
        # failpoint: store.publish
        target = self._models / name
        replaced = target.resolve() if target.is_symlink() else None
        if target.is_dir() and replaced is None:  # copied here by hand
            replaced = target.rename(self._new_build(name))
        link = self._builds / f"{build.name}.link"
        link.symlink_to(Path(self._builds.name, build.name))
        # failpoint: store.link
        link.replace(target)
        flush(self._models)
        # failpoint: store.discard
        if replaced is not None:
            self._discard(replaced)

    def remove(self, name: str) -> None:
        """Remove the installed model `name`; from one moment to the next nobody sees it."""
        target = self._models / name
        if target.is_symlink():
            build = target.resolve()
            target.unlink()
        else:
            build = target.rename(self._new_build(name))
        flush(self._models)
        self._discard(build)

    def _discard(self, build: Path) -> None:
        """Delete a build, unless it lies elsewhere: a link that somebody else made may lead anywhere."""
        if build.resolve().parent == self._builds.resolve():
            shutil.rmtree(build, ignore_errors=True)


def tell_stray(path: Path, builds: Path) -> str:
    """Say what an entry beside the models is, where it is no model; empty for a model, however damaged.

    Archives that were put there, what a file system or an interpreter leaves, and copies under way are no models. What
    has the files of one is, as is a link that a pull has made, and a folder that cannot be looked into may be.
    """
    if path.is_symlink() and os.path.abspath(path.parent / path.readlink().parent) == os.path.abspath(builds):
        return ""
    try:
        if not path.exists():
            return "a link that leads nowhere"
        if not path.is_dir():
            return "an archive, to be installed with models import" if path.name.endswith(ARCHIVE) else "a file"
        if any((path / name).exists() for name in SIGNS):
            return ""
    except PermissionError:
        return "" if path.name != LOST_AND_FOUND else "the file system's own folder"
    except OSError as error:  # a link to itself
        return f"a link that leads nowhere ({error.strerror})"
    return "a folder without a model"


@contextmanager
def clear_disk_errors(home: Path) -> Iterator[None]:
    """Turn errors of the operating system into a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        cures = {
            errno.ENOSPC: "the disk is full: free some space",
            errno.EDQUOT: "the quota is used up: free some space",
            errno.EROFS: "the file system is read-only: make it writable",
            errno.EACCES: "this user may not: change its owner or mode",
            errno.EPERM: "this user may not: change its owner or mode",
            errno.ENOENT: "there is no such folder: make it",
            errno.ENOTDIR: "a file is where a folder should be: move it",
            errno.EISDIR: "a folder is where a file should be: move it",
        }
        cure = cures.get(error.errno or 0, error.strerror or str(error))
        place = Path(os.fsdecode(error.filename or home))
        elsewhere = f", or set POLYGIST_HOME to another folder than {home}" if place.is_relative_to(home) else ""
        raise StoreError(f"cannot use {place}: {cure}{elsewhere}") from error
