"""A study in the foreground: its runs trained one after the other, and all that they save evaluated."""

import gc
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from shadowboard.claims import Claims
from shadowboard.database import Database
from shadowboard.dataset import load_dataset
from shadowboard.errors import LeaseLost, RunMissing
from shadowboard.lease import Watch
from shadowboard.records import Run
from shadowboard.store import Store
from shadowboard.studies import Member, Study
from shadowboard.study import StudyReport, report_of
from shadowboard.study_text import StudyDisplay
from shadowboard.unevaluated import evaluate_missing
from worker.loop import run_once, take_over, worker_name
from worker.training import Advanced, Event, Saved

_POLL_SECONDS = 0.5
_SHOW_SECONDS = 1.0  # between looks at the store for the bar alone


def study_in_foreground(
    store: Store,
    url: str,
    study: Study,
    run_folder: Callable[[str], Path],
    *,
    stop: threading.Event,
    as_json: bool,
) -> StudyReport:
    """Train and evaluate what is left of `study` until nothing is, or `stop` is set; how it stands then.

    Other workers and servers on the same store share the work. What is interrupted goes back to the queue.
    Runs that are deleted meanwhile are skipped; raises StudyMissing where the study itself is.
    """
    with closing(Claims(Database(url))) as claims, claims.beating(), StudyDisplay(as_json=as_json) as display:
        return _Foreground(store, claims, study, run_folder, display, stop).work()


class _Foreground:
    def __init__(
        self,
        store: Store,
        claims: Claims,
        study: Study,
        run_folder: Callable[[str], Path],
        display: StudyDisplay,
        stop: threading.Event,
    ) -> None:
        self._store, self._claims, self._study = store, claims, study
        self._run_folder, self._display, self._stop = run_folder, display, stop
        self._worker, self._watch = worker_name(), Watch()
        self._dataset = load_dataset(study.plan.config.data)
        self._shown_at = 0.0

    def work(self) -> StudyReport:
        self._display.began(self._report())
        while not self._stop.is_set():
            members = self._store.studies.members(self._study.id)
            if run := self._next(members):
                with suppress(LeaseLost, RunMissing):  # another worker has it by now, or it is deleted
                    self._train(run)
                gc.collect()  # a compiled loop and its images hang together in a circle
            elif any(run.state == "training" for _, run in members) or self._evaluate(members):
                self._show(None, 0.0)
                self._stop.wait(_POLL_SECONDS)
            else:
                break
        self._store.studies.one(self._study.id)  # deleted meanwhile, there is nothing to report
        found = self._report()
        self._display.tell_missing(found)
        return found

    def _next(self, members: list[Member]) -> Run | None:
        """A run that this worker has got hold of: one whose worker is gone, else the next in the queue."""
        runs = [run for _, run in members]
        if run := take_over(self._store, self._watch.stalled(runs), self._worker):
            return run
        if self._watch.unheard(runs):
            return None  # within a lease it is known whether its worker is gone
        for _, run in members:
            if run.state == "queued" and self._store.take_over(run, self._worker):
                return self._store.run(run.id)
        return None

    def _train(self, run: Run) -> None:
        began, speed = time.monotonic(), 0.0

        def observe(event: Event) -> None:
            nonlocal speed
            if isinstance(event, Advanced):
                speed = event.steps_per_second
                self._show(run, speed)
            elif isinstance(event, Saved):
                self._evaluate_missing(run)

        folder = self._run_folder(run.id)
        run_once(self._store, run, self._worker, folder, self._stop, interrupted="queued", observe=observe)
        if not self._stop.is_set():
            self._evaluate_missing(run)  # what a worker that was killed has left
            found = self._report()
            for member in found.members:
                if member.run.id == run.id:  # else it is deleted
                    self._display.ended(found, member, time.monotonic() - began)

    def _evaluate(self, members: list[Member]) -> int:
        """Evaluate whatever others have trained; how much of it somebody else is at."""
        left = 0
        for _, run in members:
            with suppress(RunMissing):
                left += self._evaluate_missing(run)
        return left

    def _evaluate_missing(self, run: Run) -> int:
        folder = self._run_folder(run.id)
        return evaluate_missing(self._store, self._claims, run, folder, self._dataset, self._stop.is_set)

    def _show(self, run: Run | None, speed: float) -> None:
        if time.monotonic() - self._shown_at >= _SHOW_SECONDS:
            self._shown_at = time.monotonic()
            self._display.progressed(self._report(), run, speed)

    def _report(self) -> StudyReport:
        return report_of(self._store.studies, self._study)
