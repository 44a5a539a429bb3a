"""Evaluations as the server hands them around, and those that the store has kept."""

from dataclasses import dataclass

from server.datasets import Datasets
from shadowboard.dataset import Split
from shadowboard.evaluation import Evaluation
from shadowboard.records import Run
from shadowboard.store import Store


@dataclass(frozen=True, eq=False)
class Result:
    """An evaluation, the seconds that making it took, and whether it came out of the store."""

    evaluation: Evaluation
    seconds: float
    cached: bool


def split_of(datasets: Datasets, run: Run, split: str) -> Split:
    """The images that `validation` or `test` means for this run. Raises DatasetError."""
    return datasets.get(run.config.data).split(split)


def stored_result(
    store: Store, datasets: Datasets, run: Run, step: int, average: str, split: str
) -> Result | None:
    """The evaluation in the store, or None. Raises DatasetError."""
    found = store.evaluation(run.id, step, average, split)
    if found is None:
        return None
    labels = split_of(datasets, run, split).labels
    if len(labels) != found.score.n:  # the data's folder holds other images by now
        return None
    return Result(Evaluation.of_stored(found, labels), found.score.seconds, cached=True)
