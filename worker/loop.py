"""Claim, train, heartbeat, resume, stop: what a worker does with the runs in the store."""

import gc
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from shadowboard.dataset import load_dataset
from shadowboard.errors import LeaseLost, ShadowboardError, StoreUnavailable
from shadowboard.lease import LEASE_SECONDS, Watch
from shadowboard.listing import Checkpoint
from shadowboard.printable import kind_and_words
from shadowboard.records import Metric, Run, State
from shadowboard.start_from import StartFrom
from shadowboard.start_source import find_source
from shadowboard.store import Store
from worker import tries
from worker.training import METRIC_EVERY, Advanced, Changing, Ended, Event, Saved, Started, train

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1.0
_POLL_SECONDS = 0.5


def worker_name() -> str:
    """A name that no other worker has, now or later; it tells a person where to look."""
    return f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"


class Heart:
    """Beats for a run in a thread of its own while a `with` block lasts, and hears stop requests."""

    def __init__(self, store: Store, run_id: str, worker: str) -> None:
        self._store, self._run_id, self._worker = store, run_id, worker
        self._over = threading.Event()
        self.stop_requested = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_SECONDS):
            try:
                if self._store.heartbeat(self._run_id, self._worker):
                    self.stop_requested.set()
            except LeaseLost:
                self.stop_requested.set()  # the training thread meets LeaseLost at its next write
                return
            except ShadowboardError as error:
                log.warning("No heartbeat for run %s: %s", self._run_id, error)


def work(store: Store, run_folder: Callable[[str], Path], stop: threading.Event) -> None:
    """Take runs, queued or stalled, one after the other until `stop` is set.

    A run that `stop` interrupts saves a checkpoint and goes back to the queue.
    """
    worker, watch, complaint = worker_name(), Watch(), ""
    while not stop.is_set():
        try:
            run = next_run(store, watch, worker)
            if run is not None:
                run_once(store, run, worker, run_folder(run.id), stop, interrupted="queued")
                gc.collect()  # a compiled loop and its images hang together in a circle
                continue
            complaint = ""
        except ShadowboardError as error:
            if str(error) != complaint:  # a full disk is still full half a second later
                log.error("%s", error)
            complaint = str(error)
        stop.wait(_POLL_SECONDS)


def next_run(store: Store, watch: Watch, worker: str) -> Run | None:
    """The run that is this worker's turn, or None: a stalled one goes before the queue.

    But one that stalled before its first step goes after it: what kills workers would keep all waiting.
    """
    training = store.runs(state="training")
    stalled = watch.stalled(training)
    run = take_over(store, [run for run in stalled if run.step > 0], worker)
    if run is not None:
        return run
    if any(run.step > 0 for run in watch.unheard(training)):
        return None  # within a lease it is known whether that one is stalled
    return store.claim(worker) or take_over(store, [run for run in stalled if run.step == 0], worker)


def take_over(store: Store, stalled: Sequence[Run], worker: str) -> Run | None:
    """The first of these runs that this worker gets hold of, or None.

    Those that have lost too many workers are ended: they would keep all others waiting for ever.
    """
    for run in stalled:
        message = tries.message_of_next(run)
        if not store.take_over(run, worker, message or ""):
            continue
        if message is None:
            said = tries.message_of_last(run)
            store.release(run.id, worker, "failed", said)
            log.error("Run %s: failed. %s", run.id, said)
            continue
        log.warning("Run %s has not been heard of for %g s; it is taken over.", run.id, LEASE_SECONDS)
        return store.run(run.id)
    return None


def run_once(
    store: Store,
    run: Run,
    worker: str,
    folder: Path,
    stop: threading.Event,
    interrupted: State,
    observe: Callable[[Event], None] = lambda event: None,
) -> Run:
    """Train a run that `worker` holds until it ends, and release it: as `interrupted` where `stop` ended it.

    `observe` sees every event after it is recorded. Raises LeaseLost where another worker has taken the run,
    and StoreUnavailable; the run can then be taken up from its last checkpoint.
    """
    log.info("Run %s (%s) starts or resumes.", run.id, run.name)
    with Heart(store, run.id, worker) as heart:
        recorder = _Recorder(store, run.id, worker, heart.stop_requested)

        def should_stop() -> bool:
            return stop.is_set() or heart.stop_requested.is_set()

        def find(start: StartFrom) -> Checkpoint:
            return find_source(start, store.run, folder.with_name)  # the runs' folders lie side by side

        try:
            dataset = load_dataset(run.config.data)
            with closing(train(run.recipe, dataset.train, folder, should_stop, find)) as events:
                for event in events:
                    recorder.record(event)
                    observe(event)
            asked = heart.stop_requested.is_set()  # a person's stop goes before the process's own end
            state, message = recorder.outcome("stopped" if asked else interrupted)
        except BrokenPipeError:
            state, message = interrupted, "Stopped, for nobody reads its output any more."
        except (LeaseLost, StoreUnavailable):
            raise  # nothing can be recorded; where the run is still ours, it stalls and is taken up again
        except ShadowboardError as error:
            state, message = "failed", str(error)
        except Exception as error:
            log.exception("Run %s failed.", run.id)
            state, message = "failed", f"{kind_and_words(error)} (the worker's log has more)."
    store.release(run.id, worker, state, message)
    log.info("Run %s: %s", run.id, f"{state}. {message}".rstrip())
    return store.run(run.id)


class _Recorder:
    """Writes a run's events into the store, each under the worker's lease."""

    def __init__(self, store: Store, run_id: str, worker: str, stop_requested: threading.Event) -> None:
        self._store, self._run_id, self._worker = store, run_id, worker
        self._stop_requested = stop_requested
        self._notes: list[str] = []
        self._ended = Ended("stopped", 0, "")

    def record(self, event: Event) -> None:
        mine = (self._run_id, self._worker)
        match event:
            case Started(step, checkpoint, notes, start):
                for note in notes:
                    log.warning("Run %s: %s", self._run_id, note)
                for line in start.lines if start else []:
                    log.info("Run %s: %s", self._run_id, line)
                self._notes = notes
                self._store.begin_at(*mine, step)
                if checkpoint:  # a worker that died between saving and recording has left it unrecorded
                    self._store.add_checkpoint(*mine, checkpoint.step, checkpoint.bytes)
            case Advanced(step, losses, steps_per_second):
                metrics = _metrics(step, losses.tolist())
                if self._store.add_progress(*mine, step, steps_per_second, metrics):
                    self._stop_requested.set()
            case Changing():
                self._store.heartbeat(*mine)
            case Saved(checkpoint, _):
                self._store.add_checkpoint(*mine, checkpoint.step, checkpoint.bytes)
            case Ended():
                self._ended = event

    def outcome(self, stopped: State) -> tuple[State, str]:
        ended = self._ended
        if ended.state == "stopped":
            word = "Interrupted" if stopped == "queued" else "Stopped"
            return stopped, " ".join([f"{word} at step {ended.step}.", *self._notes])
        return ended.state, " ".join([ended.message, *self._notes]).strip()


def _metrics(step: int, losses: Sequence[float]) -> list[Metric]:
    """The mean loss up to each multiple of METRIC_EVERY and up to the last step."""
    first = step - len(losses)
    ends = [s for s in range(first + 1, step + 1) if s % METRIC_EVERY == 0 or s == step]
    windows = pairwise([first, *ends])
    return [Metric(end, fmean(losses[start - first : end - first])) for start, end in windows]
