"""One look at the store every quarter of a second, for all who want to know what has changed in it."""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

from shadowboard.errors import RunMissing, StoreUnavailable
from shadowboard.lease import Watch
from shadowboard.records import Cursor, Run, State
from shadowboard.store import Store

log = logging.getLogger(__name__)

_BUSY_SECONDS = 0.25
_IDLE_SECONDS = 1.0
_SHARED = 16  # of these one may be megabytes: all that a run has

T = TypeVar("T")


class Entry(NamedTuple):
    """What a list of runs says of one of them."""

    name: str
    state: State
    stop_requested: bool
    stalled: bool


@dataclass(frozen=True)
class Sight:
    """The store at one moment.

    `runs`: those in training, those watched, and while anybody follows the list all of them; None for one
    that is gone. `entries`: the list, by id; None while nobody follows it. `number`: a later one has a
    greater.
    """

    end: Cursor = field(default_factory=Cursor)
    runs: Mapping[str, Run | None] = field(default_factory=dict)
    stalled: frozenset[str] = frozenset()
    entries: Mapping[str, Entry] | None = None
    number: int = field(default=0, compare=False)


class Listed(NamedTuple):
    """The list of runs at a moment, by id, and the number of the first sight that is no older."""

    entries: Mapping[str, Entry]
    since: int


class Watcher:
    """The server's only poller. Lives in the event loop; the looking itself is done in a thread."""

    def __init__(self, store: Store, on_runs: Callable[[], None]) -> None:
        """`on_runs` is called when there may be checkpoints that there were not."""
        self.sight = Sight()
        self.closed = False
        self.changed = asyncio.Event()
        """Set at the next change: take it first, then look at `sight` and the store, then wait for it."""
        self._store = store
        self._on_runs = on_runs
        self._watch = Watch()
        self._watched: Counter[str] = Counter()
        self._followers = 0
        self._looking = threading.Lock()  # what is seen in turn is numbered in turn
        self._number = 0
        self._listed = 0  # the number of the last list that was not taken from a sight
        self._shared: dict[Hashable, asyncio.Future[Any]] = {}

    @contextmanager
    def watching(self, run_id: str) -> Iterator[None]:
        """Keep an eye on a run even while it is not in training."""
        self._watched[run_id] += 1
        try:
            yield
        finally:
            self._watched[run_id] -= 1
            if not self._watched[run_id]:
                del self._watched[run_id]

    @contextmanager
    def following(self) -> Iterator[None]:
        """Keep an eye on the list of all runs."""
        self._followers += 1
        try:
            yield
        finally:
            self._followers -= 1

    async def listed(self) -> Listed:
        """The list as it was at this moment or before: what differs from it later is news to the caller."""
        if self.sight.entries is not None:
            return Listed(self.sight.entries, self.sight.number)
        return await self.shared("listed", partial(self._list, self.sight.stalled))

    def close(self) -> None:
        """Wake everybody for the last time."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._shared = {}
        self.changed.set()
        self.changed = asyncio.Event()

    async def shared(self, key: Hashable, read: Callable[[], T]) -> T:
        """`read()`, done in a thread, and once for all who ask for `key` before the next change.

        Unless many keys are asked for meanwhile: only the last few are kept.
        """
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(asyncio.to_thread(read))
            if len(self._shared) > _SHARED:  # whoever waits for the oldest still has it
                del self._shared[next(iter(self._shared))]
        reading: asyncio.Future[T] = self._shared[key]
        if reading.done() and not reading.exception():
            return reading.result()
        try:
            return await asyncio.shield(reading)
        except StoreUnavailable:
            self._shared.pop(key, None)  # the next one may be luckier
            raise

    async def watch(self) -> None:
        """Look, tell, sleep; until cancelled."""
        failing = False
        while True:
            try:
                sight = await asyncio.to_thread(self._look, list(self._watched), self._followers > 0)
                failing = False
            except StoreUnavailable as error:
                if not failing:
                    log.warning("%s", error)
                failing = True
            else:
                self._tell(sight)
            busy = self._watched or self._followers or self.sight.runs
            await asyncio.sleep(_BUSY_SECONDS if busy else _IDLE_SECONDS)

    def _list(self, stalled: frozenset[str]) -> Listed:
        """Not amid a look: that would then show an older list as a newer one."""
        with self._looking:
            self._number += 1
            self._listed = self._number
            return Listed(_entries(self._store.runs(), stalled), self._number)

    def _look(self, watched: Sequence[str], followed: bool) -> Sight:
        with self._looking:
            self._number += 1
            return self._seen(watched, followed, self._number)

    def _seen(self, watched: Sequence[str], followed: bool, number: int) -> Sight:
        end = self._store.cursor()
        found = self._store.runs(state=None if followed else "training")
        stalled = frozenset(run.id for run in self._watch.stalled(found))
        runs: dict[str, Run | None] = {run.id: run for run in found}
        for run_id in watched:
            if run_id not in runs:
                try:
                    run = self._store.run(run_id)
                    runs[run_id] = run if run.id == run_id else None  # another one's name
                except RunMissing:
                    runs[run_id] = None
                except StoreUnavailable:  # it cannot be read, which holds no other up: it is as it was
                    if run_id in self.sight.runs:
                        runs[run_id] = self.sight.runs[run_id]
        # What is as it was stays the same object, so that all who wake up see at a glance what is not.
        before = self.sight
        runs = {key: _same(before.runs.get(key), run) for key, run in runs.items()}
        entries = _same(before.entries, _entries(found, stalled)) if followed else None
        return Sight(end, _same(before.runs, runs), stalled, entries, number)

    def _tell(self, sight: Sight) -> None:
        before, self.sight = self.sight, sight
        is_first = before.number < self._listed < sight.number  # after a list, which it may differ from
        if _live(before) != _live(sight):
            self._on_runs()
        if before != sight or is_first:
            self._wake()


def _entries(runs: Sequence[Run], stalled: frozenset[str]) -> Mapping[str, Entry]:
    return {run.id: Entry(run.name, run.state, run.stop_requested, run.id in stalled) for run in runs}


def _same(before: T, now: T) -> T:
    return before if before == now else now


def _live(sight: Sight) -> tuple[int, set[tuple[str, str]]]:
    return sight.end.checkpoint, {(run.id, run.state) for run in sight.runs.values() if run}
