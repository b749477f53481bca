"""Files that are replaced as a whole: what reads one sees the old content or the new, never a part of it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replace_in_place(path: Path) -> Iterator[BinaryIO]:
    """Open a stream for the new content of a file, which takes place and mode of the old one when the block ends.

    Where the block fails, the old content stays, and nothing else is left. Raises OSError, where the folder is not
    there for one.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        if path.exists():
            mode = path.stat().st_mode & 0o7777
        else:
            mask = os.umask(0)
            os.umask(mask)
            mode = 0o666 & ~mask
        Path(temporary).chmod(mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
