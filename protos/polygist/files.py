"""Files that whoever runs a command names, read so that none of them holds up what reads it; and files put on the disk.

A pipe waits for who writes it and a device may give bytes without end: neither is read.
"""

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 64 << 20
# What else a path may lead to.
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
# Windows has no O_NONBLOCK, and other systems no O_BINARY.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_plain(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a plain file to read it; never waits for another process.

    Raises:
        OSError: it cannot be opened, or is something else, which is told.
    """
    name = os.fspath(path)
    expect_plain(os.stat(name), name)  # before it is opened too, which who writes a pipe would notice
    number = os.open(name, FLAGS)
    try:
        expect_plain(os.fstat(number), name)
        return open(number, "rb")
    except BaseException:
        os.close(number)
        raise


def expect_plain(found: os.stat_result, name: str) -> None:
    """Raise OSError where a file is no plain one."""
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise OSError(errno.EINVAL, f"{kind}, not a plain file", name)


def read_plain(path: str | os.PathLike[str], *, most: int = MOST_BYTES, takes_pipe: bool = False) -> bytes:
    """Read a plain file.

    Args:
        path: of the file.
        most: bytes that it may have.
        takes_pipe: whether a pipe is read too, however long that waits: for what is read once, by a command that
            somebody has started with it.

    Raises:
        OSError: it cannot be opened, is something else or larger, which is told.
    """
    is_pipe = takes_pipe and stat.S_ISFIFO(os.stat(path).st_mode)
    with open(path, "rb") if is_pipe else open_plain(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {most >> 20} MiB", os.fspath(path))
    return content


def flush(path: str | os.PathLike[str]) -> None:
    """Write what the system still keeps of a file or folder to the disk; raises OSError."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def write_whole(path: Path, content: bytes, *, workspace: Path | None = None) -> None:
    """Put a file in the place of what has its name: for good, and what reads it sees the old content or the new.

    It keeps mode and owner of the file that it replaces; a new one is for its owner alone. Where it cannot be written,
    the old content stays, and nothing else is left.

    Args:
        path: of the file; where it is a link, the link is replaced.
        content: of it.
        workspace: the folder that it is written in first, on the same disk; by default that of the file.

    Raises:
        OSError: it cannot be written.
    """
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=workspace or path.parent)  # for its owner alone
    try:
        with open(number, "wb") as file:
            if path.exists():
                before = path.stat()
                os.chmod(name, stat.S_IMODE(before.st_mode))
                with suppress(OSError, AttributeError):  # of another user; Windows has no owners
                    os.chown(name, before.st_uid, before.st_gid)
            file.write(content)
            file.flush()
            os.fsync(number)
        os.replace(name, path)
        flush(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def keep_to_owner(path: Path) -> None:
    """Take away what others may do with a file of this user, where it is there; a link is left alone."""
    with suppress(OSError):
        number = os.open(path, FLAGS | getattr(os, "O_NOFOLLOW", 0))
        try:
            mode = os.fstat(number).st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
                os.chmod(number, stat.S_IRUSR | stat.S_IWUSR)
        finally:
            os.close(number)
