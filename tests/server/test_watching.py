"""The watcher: what it reads once for all, and how little of that it keeps."""

import asyncio
import gc
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import pytest
from sqlalchemy import update

from server.events import _ListReader
from server.watching import _SHARED, Watcher
from shadowboard.configuration import RunConfig
from shadowboard.records import Run
from shadowboard.schema import runs
from shadowboard.store import Store
from tests.server.conftest import in_a_loop


def test_a_run_that_cannot_be_read_stays_as_it_was_and_holds_no_other_up(store: Store) -> None:
    good, bad = (store.create_run(RunConfig()).id for _ in range(2))
    watcher = Watcher(store, lambda: None)
    watcher._tell(watcher._look([bad], False))
    before = watcher.sight.runs[bad]
    with store._database.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == bad).values(config="{}x"))
    store.rename_run(good, "renamed")
    sight = watcher._look([good, bad], False)
    assert (sight.runs[good].name, sight.runs[bad]) == ("renamed", before)  # type: ignore[union-attr]
    assert before is not None
    assert bad not in Watcher(store, lambda: None)._look([bad], False).runs  # which is not: gone


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


@pytest.mark.parametrize("then", ["stays", "is deleted"])
def test_a_list_that_is_read_amid_a_look_is_never_told_an_older_one(
    store: Store, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """A run is queued between a look, which others have asked for, and the list that a stream begins with."""
    seen, go_on = threading.Event(), threading.Event()
    runs = store.runs

    def slowly(*arguments: Any, **named: Any) -> list[Run]:
        found = runs(*arguments, **named)
        if not seen.is_set():
            seen.set()
            go_on.wait(20)
        return found

    monkeypatch.setattr(store, "runs", slowly)

    async def follow() -> tuple[str, list[str]]:
        watcher = Watcher(store, lambda: None)
        before = watcher.changed
        look = asyncio.create_task(asyncio.to_thread(watcher._look, [], True))
        await asyncio.to_thread(seen.wait, 20)
        queued = store.create_run(RunConfig()).id
        listing = asyncio.create_task(watcher.listed())
        await asyncio.sleep(0)  # it has begun
        go_on.set()
        sight, listed = await look, await listing
        assert listed.entries.keys() == {queued}
        reader = _ListReader(SimpleNamespace(tells_places=True), listed)  # type: ignore[arg-type]
        if then == "is deleted":
            store.delete_run(queued)
        told = []
        for one in (sight, watcher._look([], True)):
            changed = watcher.changed
            watcher._tell(one)
            if changed.is_set():  # as a stream waits for it
                told += [event.raw_data or "" for event in reader.news(watcher.sight)]
        assert before.is_set()
        return queued, told

    queued, told = in_a_loop(follow())
    assert told == ([] if then == "stays" else [f'{{"gone":"{queued}"}}'])
