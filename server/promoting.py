"""Which checkpoint is promoted: the one to read with where nobody names another, and the sentence why."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from server.choosing import BEST, LATEST, choose, find_run
from server.restoring import Restorer
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointMissing
from shadowboard.evaluation import require_finite
from shadowboard.given_network import converted
from shadowboard.network import Weights
from shadowboard.records import Run
from shadowboard.store import Store


@dataclass(frozen=True, eq=False)
class Promotion:
    """What to read with: a checkpoint, its raw weights (None) and those of each average, and why this one."""

    run: Run
    checkpoint: Checkpoint
    sets: list[tuple[str | None, Weights]]
    chosen: str
    note: str | None

    @cached_property
    def size(self) -> int:
        """How many numbers all its weights are."""
        return sum(value.size for _, weights in self.sets for value in weights.values())


def promoting_average(run: Run) -> str:
    """The weights by which a run's checkpoints are promoted: its first average, else the raw ones (empty)."""
    return run.config.averages[0].name if run.config.averages else ""


def weights_to_read(run: Run) -> list[str | None]:
    """The raw weights (None) and each average that the run keeps."""
    return [None, *(average.name for average in run.config.averages)]


def promote(store: Store, restorer: Restorer, name: str, step: str) -> Promotion:
    """What to read with where a request names the run `name` and the `step`; each may be empty.

    Without a step it is the best checkpoint of that run where it is finished and evaluated, else its latest.
    Without a run as well it is the best of the newest finished run that is evaluated, else the latest of the
    newest run; runs whose checkpoints are gone are passed over. Raises RunMissing, CheckpointMissing,
    CheckpointDamaged, CheckpointUnsuitable.
    """
    if not step:
        for run in _finished(store, name):
            with suppress(CheckpointMissing):  # not evaluated yet, or nothing of what was is there any more
                return _promotion(store, restorer, run, BEST, "" if name else "newest finished ")
    run = find_run(store, restorer, name)
    return _promotion(store, restorer, run, step or LATEST, "" if name else "newest ")


def _finished(store: Store, name: str) -> Iterator[Run]:
    """The run `name` where it is finished; where that is empty, all that are, the newest first."""
    if not name:
        yield from store.finished_runs()
    elif (run := store.run(name)).state == "finished":
        yield run


def _promotion(store: Store, restorer: Restorer, run: Run, step: str, which: str) -> Promotion:
    average, wanted = promoting_average(run), weights_to_read(run)
    choice = choose(store, restorer, run, step, wanted, average)
    kind = "averaged" if average else "raw"
    why = {
        BEST: f": there its {kind} weights read the most validation images right, "
        "of the checkpoints that can be read",
        LATEST: ", its latest checkpoint",
    }
    step_and_run = f"Step {choice.checkpoint.step:,} of the {which}run {run.id}"
    return Promotion(
        run,
        choice.checkpoint,
        [(name, _arrays(weights)) for name, weights in zip(wanted, choice.weights, strict=True)],
        f"{step_and_run}{why.get(step, ', as asked for')}.",
        choice.note,
    )


def _arrays(weights: Weights) -> Weights:
    """The tensors as NumPy's arrays of the same memory. Raises CheckpointUnsuitable."""
    arrays = converted(weights, np.asarray)
    require_finite(arrays)
    return arrays
