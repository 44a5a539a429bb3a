"""The evaluations that a run's checkpoints lack, made here; servers on the same store make none twice."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from shadowboard.checkpoints import Checkpoint, list_checkpoints
from shadowboard.claims import Claims, Key
from shadowboard.dataset import SPLITS, Dataset
from shadowboard.errors import CheckpointError
from shadowboard.evaluation import evaluate
from shadowboard.records import Run
from shadowboard.store import Store
from shadowboard.weights import restore

log = logging.getLogger(__name__)


def evaluate_missing(
    store: Store, claims: Claims, run: Run, folder: Path, dataset: Dataset, stopped: Callable[[], bool]
) -> int:
    """Make what is missing of the checkpoints in `folder`; how much is left, as a server is making it.

    What cannot be read is passed over, and logged. `stopped` is asked before each checkpoint. Raises
    RunMissing where the run is deleted meanwhile.
    """
    there = {(score.step, score.average, score.split) for score in store.scores(run.id)}
    left = 0
    for checkpoint in list_checkpoints(folder):
        if stopped():
            return left
        for average in ("", *(average.name for average in run.config.averages)):
            missing = [split for split in SPLITS if (checkpoint.step, average, split) not in there]
            if missing:
                left += _evaluate(store, claims, run, checkpoint, average, missing, dataset)
    return left


def _evaluate(
    store: Store,
    claims: Claims,
    run: Run,
    checkpoint: Checkpoint,
    average: str,
    splits: list[str],
    dataset: Dataset,
) -> int:
    try:
        weights = restore(checkpoint, average or None)
    except CheckpointError as error:
        log.warning("%s", error)
        return 0
    left = 0
    for split in splits:
        key: Key = (run.id, checkpoint.step, average, split)
        if not claims.take(key):
            left += 1
            continue
        try:
            if store.evaluation(*key) is None:
                began = time.monotonic()
                made = evaluate(weights, dataset.split(split), run.config.activation)
                seconds = time.monotonic() - began
                store.add_evaluation(run.id, *made.stored(checkpoint.step, average, split, seconds))
        finally:
            claims.release(key)
    return left
