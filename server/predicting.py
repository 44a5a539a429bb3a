"""Reading digits for requests: with the weights of one checkpoint, or of all of a run."""

import asyncio
import math
import threading
from time import monotonic

import numpy as np
from fastapi import Request
from numpy.typing import NDArray

from server.promoting import Promotion, promote
from server.reading import Reading, read
from server.restoring import Restorer
from server.threads import Threads
from server.tracking import Track, track
from shadowboard.digit_image import DigitImage
from shadowboard.records import Run
from shadowboard.store import Store

_FRESH_SECONDS = 0.25
_STALE_SECONDS = 0.5
_CLIENT_SECONDS = 0.25
_TRACKS_WAITING = 15
_QUICK = 2_000_000  # multiplications: half a millisecond's work

_Key = tuple[str, str]  # run and step, as asked for


class Predictor:
    """Reads digits with the weights that a request means. For one event loop.

    Which these are is looked up in a thread, at most four times a second for all who ask for the same. On a
    busy server a look takes long, for its thread waits for Python's lock: meanwhile the one before is used,
    unless it is half a second old.
    """

    def __init__(self, store: Store, restorer: Restorer, threads: Threads) -> None:
        self._store = store
        self._restorer = restorer
        self._threads = threads
        self._tracking = Threads(threads=1, waiting=_TRACKS_WAITING)  # one takes seconds on a long run
        self._seen: dict[_Key, tuple[float, Promotion]] = {}  # and when
        self._looks: dict[_Key, asyncio.Task[Promotion]] = {}

    async def promotion(self, run: str, step: str) -> Promotion:
        """What to read with, as `promote` says. Raises Busy too."""
        key = run, step
        began, seen = self._seen.get(key, (-math.inf, None))
        age = monotonic() - began
        if seen and age < _FRESH_SECONDS:
            return seen
        if key not in self._looks:
            self._looks[key] = asyncio.create_task(self._look(key))
            # There may be nobody to hear of its failure.
            self._looks[key].add_done_callback(lambda look: look.cancelled() or look.exception())
        if seen and age < _STALE_SECONDS:
            return seen
        return await asyncio.shield(self._looks[key])  # it is everybody's

    async def _look(self, key: _Key) -> Promotion:
        now = monotonic()
        try:
            found = await self._threads.run(promote, self._store, self._restorer, *key)
        except Exception:
            self._seen.pop(key, None)
            raise
        finally:
            del self._looks[key]
        self._seen = {k: seen for k, seen in self._seen.items() if now - seen[0] < _STALE_SECONDS}
        self._seen[key] = now, found
        return found

    async def read(self, promotion: Promotion, images: NDArray[np.float32]) -> list[list[Reading]]:
        """What all weights of the promotion read in the images, float32 [N, 28, 28]; as `read` says."""
        sets, activation = promotion.sets, promotion.run.config.activation
        if promotion.size * len(images) <= _QUICK:  # the way to a thread and back would take as long
            return read(sets, images, activation)
        return await self._threads.run(read, sets, images, activation)

    async def track(self, request: Request, run: Run, image: DigitImage, most: int) -> Track:
        """The image, float32 [28, 28], through training; given up soon after the client has gone.

        As `track` says; one at a time. Raises Busy where too many wait.
        """
        gone = threading.Event()
        checkpoints = self._restorer.checkpoints
        tracking = asyncio.ensure_future(self._tracking.run(track, checkpoints, run, image, most, gone))
        try:
            while not tracking.done():
                await asyncio.wait([tracking], timeout=_CLIENT_SECONDS)
                if await request.is_disconnected():
                    break
        finally:
            gone.set()
        return await tracking
