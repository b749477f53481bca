"""Files that whoever runs a command names, read so that none of them holds up what reads it, and put on the disk.

A pipe waits for who writes it and a device may give bytes without end: neither is read.
"""

import errno
import os
import stat
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
        takes_pipe: whether a pipe is read too, however long that waits: for commands that somebody sits before.

    Raises:
        OSError: it cannot be opened, is something else or larger, which is told.
    """
    with open(path, "rb") if takes_pipe else open_plain(path) as file:
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
