"""Which run and which of its checkpoints a request means: `latest`, `best` or a number."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from server.datasets import Datasets
from server.ranking import none_good, passed_over, ranked
from server.restoring import Choice, Restorer
from server.results import Result, stored_result
from shadowboard.checkpoints import BASE, Checkpoint
from shadowboard.errors import CheckpointError, CheckpointMissing
from shadowboard.records import Run
from shadowboard.store import Store

LATEST = "latest"
BEST = "best"


def find_run(store: Store, restorer: Restorer, name: str) -> Run:
    """The run of this id or name; where it is empty, the newest whose checkpoints are there.

    Where there are none of any run, the newest run. Raises RunMissing.
    """
    if name:
        return store.run(name)
    for run in store.saved_runs():
        with suppress(CheckpointMissing):  # its folder cannot be read
            if restorer.has_checkpoint(run):
                return run
    return store.newest_run()


def choose(
    store: Store, restorer: Restorer, run: Run, step: str, averages: Sequence[str | None], judged: str
) -> Choice:
    """The checkpoint that `step` means to someone who needs its `averages` (None: the raw weights).

    `latest` and `best` pass over checkpoints in which any of them is damaged; `best` goes by the weights
    `judged` (empty: raw). Raises CheckpointMissing, CheckpointUnsuitable, and CheckpointDamaged where step
    is a number.
    """
    if step in (LATEST, BEST):
        return restorer.first_good(run, _candidates(store, restorer, run, step, judged), averages)
    checkpoint = restorer.find(run, int(step))
    return Choice(checkpoint, weights=[restorer.weights(checkpoint, average) for average in averages])


def choose_evaluations(
    store: Store,
    datasets: Datasets,
    restorer: Restorer,
    run: Run,
    step: str,
    averages: Sequence[str],
    split: str,
    damaged: Sequence[Checkpoint] = (),
) -> tuple[Choice, list[Result | None]]:
    """The checkpoint to evaluate with each of `averages` (empty: raw), and what the store has of that.

    `latest` and `best` pass over those known to be `damaged`; `best` goes by the last of the averages. What
    has been evaluated need not be readable any more, nor, asked for by its number, be there at all; of `best`
    the note says so, as whoever asks for it may want to use it. Raises CheckpointMissing, DatasetError.
    """

    def stored(number: int) -> list[Result | None]:
        return [stored_result(store, datasets, run, number, average, split) for average in averages]

    if step in (LATEST, BEST):
        for checkpoint in _candidates(store, restorer, run, step, averages[-1]):
            results = stored(checkpoint.step)
            if all(results):
                note = None
                if step == BEST:
                    note = _unreadable(restorer, checkpoint, averages) or _so_far(
                        store, restorer, run, averages[-1]
                    )
                return Choice(checkpoint, note or passed_over(damaged, checkpoint)), results
            if checkpoint not in damaged:
                return Choice(checkpoint, passed_over(damaged, checkpoint)), results
        raise none_good(run, damaged)
    results = stored(int(step))
    if all(results):
        return Choice(_found(restorer, run, int(step))), results
    return Choice(restorer.find(run, int(step))), results


def _unreadable(restorer: Restorer, checkpoint: Checkpoint, averages: Sequence[str]) -> str | None:
    """The sentence that says that what is stored of a checkpoint is all that is left of it, if it is."""
    try:
        for average in averages:
            restorer.weights(checkpoint, average or None)
    except CheckpointError:
        return f"{checkpoint.prefix.name} was evaluated before, and cannot be read any more."
    return None


def _so_far(store: Store, restorer: Restorer, run: Run, average: str) -> str | None:
    """The sentence that says that another checkpoint may turn out to be the best, if it may."""
    checkpoints = restorer.checkpoints(run)
    there, evaluated = len(checkpoints), len(ranked(store, run, average, checkpoints))
    if evaluated == there:
        return None
    return f"Of {there} checkpoints {evaluated} are evaluated so far; another may turn out to be the best."


def _found(restorer: Restorer, run: Run, step: int) -> Checkpoint:
    """The checkpoint of `step`, or, where it is gone, what it was called."""
    try:
        return restorer.find(run, step)
    except CheckpointMissing:
        return Checkpoint(Path(f"{BASE}-{step}"), step)


def _candidates(store: Store, restorer: Restorer, run: Run, step: str, average: str) -> list[Checkpoint]:
    """The checkpoints that `latest` or `best` may mean, the first of them first."""
    there = restorer.checkpoints(run)
    return there[::-1] if step == LATEST else ranked(store, run, average, there)
