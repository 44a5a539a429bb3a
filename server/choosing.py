"""Which checkpoint a request means: `latest`, `best` or a number."""

from collections.abc import Sequence
from pathlib import Path

from server.datasets import Datasets
from server.restoring import Choice, Restorer
from server.results import Result, stored_result
from shadowboard.checkpoints import BASE, Checkpoint
from shadowboard.errors import CheckpointMissing
from shadowboard.records import Run
from shadowboard.store import Store

LATEST = "latest"
BEST = "best"


def choose(
    store: Store, restorer: Restorer, run: Run, step: str, averages: Sequence[str | None], judged: str
) -> Choice:
    """The checkpoint that `step` means to someone who needs its `averages` (None: the raw weights).

    `latest` passes over checkpoints in which any of them is damaged; `best` goes by the weights `judged`
    (empty: raw). Raises CheckpointMissing, CheckpointUnsuitable.
    """
    if step == LATEST:
        return restorer.newest_good(run, averages)
    return Choice(restorer.find(run, best_step(store, restorer, run, judged) if step == BEST else int(step)))


def best_step(store: Store, restorer: Restorer, run: Run, average: str) -> int:
    """The checkpoint of the highest validation accuracy among those evaluated; of equals the earliest.

    `average` is empty for the raw weights. Raises CheckpointMissing where none has been evaluated.
    """
    there = {checkpoint.step for checkpoint in restorer.checkpoints(run)}
    scores = [
        score
        for score in store.scores(run.id)
        if score.average == average and score.split == "validation" and score.step in there
    ]
    if not scores:
        raise CheckpointMissing(
            f"No checkpoint of the run {run.id} has been evaluated with these weights yet; "
            "ask for the latest, or for a step by its number."
        )
    return max(scores, key=lambda score: (score.correct, -score.step)).step


def choose_evaluation(
    store: Store, datasets: Datasets, restorer: Restorer, run: Run, step: str, average: str, split: str
) -> tuple[Choice, Result | None]:
    """The checkpoint to evaluate, and its evaluation where the store has one.

    What has been evaluated need not be readable any more, nor, asked for by its number, be there at all.
    Raises CheckpointMissing, CheckpointUnsuitable, DatasetError.
    """

    def stored(number: int) -> Result | None:
        return stored_result(store, datasets, run, number, average, split)

    if step == LATEST:
        newest = restorer.newest(run)
        if result := stored(newest.step):
            return Choice(newest), result
    elif step != BEST and (result := stored(int(step))):
        try:
            return Choice(restorer.find(run, int(step))), result
        except CheckpointMissing:
            return Choice(Checkpoint(Path(f"{BASE}-{int(step)}"), int(step))), result
    choice = choose(store, restorer, run, step, [average or None], average)
    return choice, stored(choice.checkpoint.step)
