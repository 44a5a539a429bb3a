"""One look at the store every quarter of a second, for all who want to know what has changed in it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from shadowboard.errors import RunMissing, StoreUnavailable
from shadowboard.lease import Watch
from shadowboard.records import Cursor, Run
from shadowboard.store import Store

log = logging.getLogger(__name__)

_BUSY_SECONDS = 0.25
_IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Sight:
    """The store at one moment. `runs`: those in training and those watched, None for one that is gone."""

    end: Cursor = field(default_factory=Cursor)
    runs: dict[str, Run | None] = field(default_factory=dict)
    stalled: frozenset[str] = frozenset()


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
        self._shared: dict[tuple[Any, ...], asyncio.Future[Any]] = {}

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

    def close(self) -> None:
        """Wake everybody for the last time."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._shared = {}
        self.changed.set()
        self.changed = asyncio.Event()

    async def shared(self, read: Callable[..., Any], *arguments: Any) -> Any:
        """`read(*arguments)`, done in a thread, and once for all who ask for it before the next change."""
        key = (read, *arguments)
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(asyncio.to_thread(read, *arguments))
        try:
            return await asyncio.shield(self._shared[key])
        except StoreUnavailable:
            self._shared.pop(key, None)  # the next one may be luckier
            raise

    async def watch(self) -> None:
        """Look, tell, sleep; until cancelled."""
        failing = False
        while True:
            try:
                sight = await asyncio.to_thread(self._look, list(self._watched))
                failing = False
            except StoreUnavailable as error:
                if not failing:
                    log.warning("%s", error)
                failing = True
            else:
                self._tell(sight)
            busy = self._watched or self.sight.runs
            await asyncio.sleep(_BUSY_SECONDS if busy else _IDLE_SECONDS)

    def _look(self, watched: Sequence[str]) -> Sight:
        end = self._store.cursor()
        training = self._store.runs(state="training")
        runs: dict[str, Run | None] = {run.id: run for run in training}
        for run_id in watched:
            if run_id not in runs:
                runs[run_id] = None
                with suppress(RunMissing):
                    found = self._store.run(run_id)
                    runs[run_id] = found if found.id == run_id else None  # another one's name
        return Sight(end, runs, frozenset(run.id for run in self._watch.stalled(training)))

    def _tell(self, sight: Sight) -> None:
        before, self.sight = self.sight, sight
        if _live(before) != _live(sight):
            self._on_runs()
        if before != sight:
            self._wake()


def _live(sight: Sight) -> tuple[int, set[tuple[str, str]]]:
    return sight.end.checkpoint, {(run.id, run.state) for run in sight.runs.values() if run}
