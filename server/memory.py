"""The memory of a process with many threads."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # of malloc.h
_ARENAS = 2


def share_arenas() -> None:
    """Let threads take their memory from few arenas, of which each keeps what was once free in it.

    Of glibc alone (mallopt(3)), which else makes eight arenas for each core: with fifty dashboards the server
    then grows for hours, though what it holds does not.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
