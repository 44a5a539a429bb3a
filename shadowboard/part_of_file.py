"""A part of a file, as if it were a file of its own: what lies unpacked in an archive is read where it is."""

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Part(io.RawIOBase):
    """The `size` bytes of `file` from `start` on, to be read and sought in; the file itself stays open."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._place = 0
        self.most_at_once: int | None = None
        """Bytes that one read may take into memory; None: any number."""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Let the next read begin elsewhere. Raises ValueError for what lies before the beginning."""
        place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if place < 0:
            raise ValueError(f"there is nothing at {place}")
        self._place = place
        return place

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; below 0: all that are left. Raises ValueError where they are many."""
        left = max(0, self._size - self._place)
        wanted = left if size < 0 else min(size, left)
        if self.most_at_once is not None and wanted > self.most_at_once:
            raise ValueError(f"a part of it has {wanted:,} bytes; expected at most {self.most_at_once:,}")
        self._file.seek(self._start + self._place)
        found = self._file.read(wanted)
        self._place += len(found)
        return found

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As many bytes as fit into `buffer`; their number."""
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)
