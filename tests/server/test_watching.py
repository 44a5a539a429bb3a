"""The watcher: what it reads once for all, and how little of that it keeps."""

import asyncio
import gc
from collections.abc import Callable
from weakref import WeakSet

from server.watching import _SHARED, Watcher
from shadowboard.store import Store
from tests.server.conftest import in_a_loop


class Answer:
    """What was read: as large as it likes to be."""


def test_what_is_read_for_all_is_not_kept_for_ever(store: Store) -> None:
    alive: WeakSet[Answer] = WeakSet()

    def read() -> Answer:
        answer = Answer()
        alive.add(answer)
        return answer

    async def ask() -> None:
        watcher = Watcher(store, lambda: None)
        for cursor in range(200):  # on an idle server each comes with an id of its own
            await watcher.shared(cursor, read)
        gc.collect()
        assert len(alive) <= _SHARED

    in_a_loop(ask())


def test_a_key_that_gives_way_is_still_answered(store: Store) -> None:
    reads: list[int] = []

    def reader(key: int) -> Callable[[], int]:
        def read() -> int:
            reads.append(key)
            return key

        return read

    async def ask() -> None:
        watcher = Watcher(store, lambda: None)
        keys = [*range(3 * _SHARED), *range(3 * _SHARED)]
        assert await asyncio.gather(*(watcher.shared(key, reader(key)) for key in keys)) == keys
        assert await asyncio.gather(*(watcher.shared(-1, reader(-1)) for _ in range(9))) == [-1] * 9

    in_a_loop(ask())
    assert reads.count(-1) == 1
