"""A file, whoever has put it there, also whole into memory: what is no file is told, and never waited for."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def read_whole(path: Path, most: int) -> bytes:
    """The bytes of a file. Raises as `opened` does."""
    with opened(path, most) as file:
        return file.read(os.fstat(file.fileno()).st_size)


@contextmanager
def opened(path: Path, most: int) -> Iterator[BinaryIO]:
    """A file to read, by whatever links it is reached.

    Raises OSError, with a strerror, also where it has more than `most` bytes, or is a pipe, a device or a
    folder: to open a pipe as a file is opened would wait for whoever writes into it.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb", closefd=True) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        if status.st_size > most:
            said = f"it has {status.st_size:,} bytes; expected at most {most:,}"
            raise OSError(errno.EFBIG, said, str(path))
        yield file
