"""One run in the foreground: shown as it goes, both kinds of weights evaluated at each checkpoint."""

import threading
import time
from functools import cached_property
from pathlib import Path

from shadowboard.dataset import SPLITS, Dataset, load_dataset
from shadowboard.errors import RunBusy
from shadowboard.evaluation import evaluate
from shadowboard.lease import Watch
from shadowboard.records import Run
from shadowboard.store import Store
from shadowboard.terminal import Accuracies, TrainingDisplay
from worker.loop import run_once
from worker.trainer import State
from worker.training import Advanced, Event, Saved, Started

_POLL_SECONDS = 0.5


def take(store: Store, run_id: str, worker: str) -> Run:
    """Get hold of a run that was stopped, or whose worker is gone. Raises RunMissing, RunBusy."""
    run, watch = store.run(run_id), Watch()
    first = (run.worker, run.beat)
    _ = run.recipe  # there has to be one
    while True:
        if run.state in {"finished", "diverged"}:
            raise RunBusy(f"The run {run.id} is {run.state}; there is nothing to go on with.")
        if run.state == "training" and (run.worker, run.beat) != first:
            raise RunBusy(f"The run {run.id} is in training by {run.worker}; it can be stopped on its page.")
        free = run.state != "training" or watch.stalled([run])
        if free and store.take_over(run, worker):
            return store.run(run.id)
        time.sleep(_POLL_SECONDS)
        run = store.run(run.id)


def train_in_foreground(
    store: Store, run: Run, worker: str, folder: Path, *, stop: threading.Event, as_json: bool
) -> Run:
    """Train a run that `worker` holds until it ends or `stop` is set, and show how it goes."""
    with TrainingDisplay(run, as_json=as_json) as display:
        show = _Show(store, run, display)
        ended = run_once(store, run, worker, folder, stop, interrupted="stopped", observe=show.event)
    display.ended(ended, show.accuracies)
    return ended


class _Show:
    """Hands a run's events to the display, the checkpoints evaluated and the evaluations stored."""

    def __init__(self, store: Store, run: Run, display: TrainingDisplay) -> None:
        self._store, self._run, self._display = store, run, display
        self._loss: float | None = None
        self._speed = 0.0
        self.accuracies: Accuracies | None = None

    def event(self, event: Event) -> None:
        match event:
            case Started(step, _, notes, start):
                for note in notes:
                    self._display.note(note)
                if start:
                    self._display.started(start)
                if step:
                    self._display.note(f"Goes on from the checkpoint of step {step:,}.")
                    self._display.advanced(step, 0.0)
            case Advanced(step, losses, speed):
                self._loss, self._speed = float(losses[-1]), speed
                self._display.advanced(step, speed)
            case Saved(_, state):
                self.accuracies = self._evaluate(state)
                self._display.evaluated(state.step, self._loss, self.accuracies, self._speed)
            case _:
                pass

    @cached_property
    def _dataset(self) -> Dataset:
        return load_dataset(self._run.config.data)

    def _evaluate(self, state: State) -> Accuracies:
        accuracies: dict[str, dict[str, float]] = {}
        kinds = {"": state.weights, **{a.name: state.average(a.name) for a in self._run.config.averages}}
        for split in SPLITS:
            images = self._dataset.split(split)
            accuracies[split] = {}
            for average, weights in kinds.items():
                began = time.monotonic()
                made = evaluate(weights, images, self._run.config.activation)
                seconds = time.monotonic() - began
                self._store.add_evaluation(self._run.id, *made.stored(state.step, average, split, seconds))
                accuracies[split][average or "raw"] = made.accuracy
        return accuracies
