"""Making evaluations: those asked for at once, all others in the background."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Literal

from server.backlog import Backlog, Job
from server.datasets import Datasets
from server.restoring import Restorer
from server.results import Result, split_of, stored_result
from shadowboard.claims import Claims, Key
from shadowboard.errors import (
    Busy,
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointUnsuitable,
    RunMissing,
    ShadowboardError,
    StoreUnavailable,
)
from shadowboard.evaluation import evaluate
from shadowboard.folder_sight import as_recorded
from shadowboard.found import Evaluated
from shadowboard.listing import Stamp
from shadowboard.printable import kind_and_words
from shadowboard.store import Store

log = logging.getLogger(__name__)

_WAITING = 128  # at some 0.1 s each, the last one's answer comes before clients give up
_PAUSE_SECONDS = 2.0  # after the store has failed
_LOOK_SECONDS = 0.25  # between looks at what another server is making
_COMPLAINTS = 1000  # that are remembered


class Evaluator:
    """One thread that makes evaluations, one at a time: requests first, then the backlog.

    Equal requests that meet share one computation; so do servers on one store.
    """

    def __init__(
        self,
        store: Store,
        restorer: Restorer,
        datasets: Datasets,
        claims: Claims,
        observe: Callable[[float], None] | None = None,
    ) -> None:
        """`observe` is told the seconds that each evaluation took."""
        self.last_error: str | None = None
        """What was the matter with the evaluation that failed last in the background, as a sentence."""
        self._store = store
        self._restorer = restorer
        self._datasets = datasets
        self._claims = claims
        self._observe = observe
        self._backlog = Backlog(store, restorer, self._complain)
        self._condition = threading.Condition()
        self._flights: dict[Key, Future[Result]] = {}
        self._requests: deque[Job] = deque()
        self._elsewhere: list[Job] = []  # another server has the claim
        self._look_at = 0.0  # when to look at those again
        self._stale = True
        self._busy = True
        self._closing = threading.Event()
        self._complaints: deque[tuple[str, str]] = deque(maxlen=_COMPLAINTS)
        self._thread = threading.Thread(target=self._live, name="evaluator", daemon=True)

    @property
    def state(self) -> Literal["idle", "busy", "ended"]:
        """`idle`: nothing is left to evaluate."""
        if self._closing.is_set() or not self._thread.is_alive():
            return "ended"
        return "busy" if self._busy else "idle"

    @property
    def waiting(self) -> int:
        """How many evaluations were asked for and have not begun."""
        with self._condition:
            return len(self._requests) + len(self._elsewhere)

    def start(self) -> None:
        """Begin with the backlog."""
        self._thread.start()

    def close(self) -> None:
        """End, after the evaluation at hand."""
        with self._condition:
            self._closing.set()
            self._condition.notify()
        self._thread.join(timeout=3)
        with suppress(StoreUnavailable):  # the claims run out by themselves
            self._claims.close()

    def wake(self) -> None:
        """There may be new checkpoints."""
        with self._condition:
            self._stale = True
            self._condition.notify()

    def request(self, job: Job) -> Future[Result]:
        """The result of `job`, which goes before the backlog. The future is shared: do not cancel it.

        Raises Busy where too many wait already.
        """
        with self._condition:
            if self._closing.is_set():
                raise Busy("The server is ending; try again in a few seconds.")
            if job.key not in self._flights:
                if self.waiting >= _WAITING:
                    raise Busy(f"{_WAITING} evaluations are waiting already; try again in a few seconds.")
                self._flights[job.key] = Future()
                self._requests.append(job)
                self._condition.notify()
            return self._flights[job.key]

    def _live(self) -> None:
        with self._claims.beating():
            self._work()

    def _work(self) -> None:
        while not self._closing.is_set():
            asked, refresh = self._next()
            try:
                if asked is not None:
                    self._fly(asked)
                elif not self._go_on(refresh):
                    self._rest()
            except Exception as error:  # whatever it is, the next evaluation may be better off
                self._complain("", error)
                self._stale = True
                self._pause()
        with self._condition:
            for flight in self._flights.values():
                flight.set_exception(Busy("The server is ending; try again in a few seconds."))
            self._flights = {}

    def _next(self) -> tuple[Job | None, bool]:
        """What was asked for, and whether else to look for new checkpoints."""
        with self._condition:
            if self._elsewhere and time.monotonic() >= self._look_at:
                self._requests.extend(self._elsewhere)
                self._elsewhere = []
            if self._requests:
                return self._requests.popleft(), False
            refresh, self._stale = self._stale, False
            return None, refresh

    def _rest(self) -> None:
        """Until there may be something to do."""
        with self._condition:
            self._busy = bool(self._elsewhere)
            look_at = min(self._look_at if self._elsewhere else math.inf, self._backlog.retry_at)
            seconds = None if look_at == math.inf else max(0.0, look_at - time.monotonic())
            self._condition.wait_for(lambda: self._closing.is_set() or self._requests or self._stale, seconds)
            self._stale |= time.monotonic() >= self._backlog.retry_at
            self._busy = True

    def _pause(self) -> None:
        """For a while, or until there is a request."""
        with self._condition:
            self._condition.wait_for(lambda: self._closing.is_set() or self._requests, _PAUSE_SECONDS)

    def _go_on(self, refresh: bool) -> bool:
        """Make one evaluation of the backlog; False where it is empty."""
        if refresh:
            self._backlog.refresh()
        job = self._backlog.next()
        if job is None:
            return False
        with self._condition:
            if job.key in self._flights:  # asked for meanwhile, or another server has it
                return True
            self._flights[job.key] = Future()
        error = self._fly(job)
        if isinstance(error, StoreUnavailable):
            raise error
        if error is not None:
            if isinstance(error, CheckpointDamaged | CheckpointUnsuitable):
                self._backlog.give_up(job)
            else:  # as soon as its data are there again, say, it can be made
                self._backlog.put_off(job)
            if not isinstance(error, RunMissing | CheckpointMissing):  # deleted since the listing
                self._complain(job.run.id, error)
        return True

    def _fly(self, job: Job) -> Exception | None:
        """Make the evaluation and hand it, or the error, to all who wait for it.

        Where another server is making it, they go on waiting.
        """
        claimed = False
        result, failure = None, None
        try:
            claimed = self._claims.take(job.key)
            result = self._stored(job) or (self._make(job) if claimed else None)
        except Exception as error:
            failure = error
        try:
            self._hand_out(job, result, failure)
        finally:
            if claimed:
                self._claims.release(job.key)
        return failure

    def _hand_out(self, job: Job, result: Result | None, failure: Exception | None) -> None:
        with self._condition:
            if result is None and failure is None:
                self._elsewhere.append(job)
                self._look_at = time.monotonic() + _LOOK_SECONDS
                return
            flight = self._flights.pop(job.key)
        if result is not None:
            flight.set_result(result)
        else:
            flight.set_exception(failure)

    def _stored(self, job: Job) -> Result | None:
        return stored_result(self._store, self._datasets, job.run, *job.key[1:])

    def _make(self, job: Job) -> Result:
        split = split_of(self._datasets, job.run, job.split)
        began = time.monotonic()
        stamp = self._stamp(job)
        of = Evaluated(as_recorded(job.checkpoint, stamp), job.run.config.activation) if stamp else None
        weights = self._restorer.weights(job.checkpoint, job.average or None)
        made = evaluate(weights, split, job.run.config.activation)
        seconds = time.monotonic() - began
        if self._observe:
            self._observe(seconds)
        if self._stamp(job) not in {stamp, None}:  # where it is gone by now, what was read holds
            raise CheckpointMissing(f"{job.checkpoint.prefix.name} was written anew while it was evaluated.")
        self._store.add_evaluation(
            job.run.id, *made.stored(job.checkpoint.step, job.average, job.split, seconds), of
        )
        return Result(made, seconds, cached=False)

    def _stamp(self, job: Job) -> Stamp | None:
        """The checkpoint's, if another program may write it anew; None where it is gone.

        One whose name tells no step may be that of another step by now: then raises CheckpointMissing.
        """
        if job.run.folder is None:
            return None
        if job.checkpoint.stamp and job.checkpoint not in self._restorer.checkpoints(job.run):
            raise CheckpointMissing(f"The checkpoint of step {job.checkpoint.step} is gone.")
        return job.checkpoint.stamp

    def _complain(self, run_id: str, error: Exception) -> None:
        """Log the error, each only once: a run whose data are gone has many evaluations that fail alike."""
        ours = isinstance(error, ShadowboardError)
        self.last_error = str(error) if ours else f"Unexpected {kind_and_words(error)}."
        complaint = (run_id, str(error))
        if complaint in self._complaints:
            return
        self._complaints.append(complaint)
        if ours:
            log.warning("Evaluating in the background: %s", error)
        else:
            log.error("Evaluating in the background failed.", exc_info=error)
