"""Making evaluations: those asked for at once, all others in the background."""

import logging
import math
import threading
import time
from collections import deque
from concurrent.futures import Future

from server.backlog import Backlog, Job, Key
from server.datasets import Datasets
from server.restoring import Restorer
from server.results import Result, split_of, stored_result
from shadowboard.errors import ShadowboardError, StoreUnavailable
from shadowboard.evaluation import evaluate
from shadowboard.records import Score
from shadowboard.store import Store

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 2.0  # after the store has failed


class Evaluator:
    """One thread that makes evaluations, one at a time: requests first, then the backlog.

    Equal requests that meet share one computation.
    """

    def __init__(self, store: Store, restorer: Restorer, datasets: Datasets) -> None:
        self._store = store
        self._restorer = restorer
        self._datasets = datasets
        self._backlog = Backlog(store, restorer)
        self._condition = threading.Condition()
        self._flights: dict[Key, Future[Result]] = {}
        self._requests: deque[Job] = deque()
        self._stale = True
        self._closing = False
        self._complaints: set[tuple[str, str]] = set()
        self._thread = threading.Thread(target=self._work, name="evaluator", daemon=True)

    def start(self) -> None:
        """Begin with the backlog."""
        self._thread.start()

    def close(self) -> None:
        """End, after the evaluation at hand."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(timeout=3)

    def wake(self) -> None:
        """There may be new checkpoints."""
        with self._condition:
            self._stale = True
            self._condition.notify()

    def request(self, job: Job) -> Future[Result]:
        """The result of `job`, which goes before the backlog. The future is shared: do not cancel it."""
        with self._condition:
            if job.key not in self._flights:
                self._flights[job.key] = Future()
                self._requests.append(job)
                self._condition.notify()
            return self._flights[job.key]

    def _work(self) -> None:
        while not self._closing:
            with self._condition:
                asked = self._requests.popleft() if self._requests else None
                refresh = asked is None and self._stale
                self._stale &= not refresh
            try:
                if asked is not None:
                    self._fly(asked)
                elif not self._go_on(refresh):
                    self._wait(None)
            except Exception as error:  # whatever it is, the next evaluation may be better off
                self._complain("", error)
                self._stale = True
                self._wait(_PAUSE_SECONDS)

    def _wait(self, seconds: float | None) -> None:
        """Until there is a request; without a limit in `seconds`, also until there may be new checkpoints."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._closing or self._requests or (seconds is None and self._stale), seconds
            )

    def _go_on(self, refresh: bool) -> bool:
        """Make one evaluation of the backlog; False where it is empty."""
        if refresh:
            self._backlog.refresh()
        job = self._backlog.next()
        if job is None:
            return False
        with self._condition:
            if job.key in self._flights:  # asked for meanwhile
                return True
            self._flights[job.key] = Future()
        error = self._fly(job)
        if isinstance(error, StoreUnavailable):
            raise error
        if error is not None:
            self._backlog.give_up(job)
            self._complain(job.run.id, error)
        return True

    def _fly(self, job: Job) -> Exception | None:
        """Make the evaluation and hand it, or the error, to all who wait for it."""
        result, failure = None, None
        try:
            result = stored_result(self._store, self._datasets, job.run, *job.key[1:]) or self._make(job)
        except Exception as error:
            failure = error
        with self._condition:
            flight = self._flights.pop(job.key)
        if result is not None:
            flight.set_result(result)
        else:
            flight.set_exception(failure)
        return failure

    def _make(self, job: Job) -> Result:
        split = split_of(self._datasets, job.run, job.split)
        began = time.monotonic()
        weights = self._restorer.weights(job.checkpoint, job.average or None)
        made = evaluate(weights, split.images, split.labels, job.run.config.activation)
        seconds = time.monotonic() - began
        loss = made.loss if math.isfinite(made.loss) else None
        score = Score(job.checkpoint.step, job.average, job.split, made.n, made.correct, loss, seconds)
        confidences = made.confidences.astype("<f4").tobytes()
        self._store.add_evaluation(job.run.id, score, made.predictions.tobytes(), confidences)
        return Result(made, seconds, cached=False)

    def _complain(self, run_id: str, error: Exception) -> None:
        """Log the error, each only once: a run whose data are gone has many evaluations that fail alike."""
        complaint = (run_id, str(error))
        if complaint in self._complaints:
            return
        self._complaints.add(complaint)
        if isinstance(error, ShadowboardError):
            log.warning("Evaluating in the background: %s", error)
        else:
            log.error("Evaluating in the background failed.", exc_info=error)
