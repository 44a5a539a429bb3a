"""Which of a run's checkpoints comes first: the best on validation, one that can be read. No TensorFlow."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.listing import Checkpoint
from shadowboard.records import Run, rank
from shadowboard.store import Store

_Read = TypeVar("_Read")


def ranked(store: Store, run: Run, average: str, there: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The checkpoints `there` that are evaluated, the best on validation first; of equals the earliest.

    `average` is empty for the raw weights. Raises CheckpointMissing where none has been evaluated.
    """
    if not there:
        raise none_good(run, [])
    by_step = {checkpoint.step: checkpoint for checkpoint in there}
    scores = [
        score
        for score in store.scores(run.id)
        if score.average == average and score.split == "validation" and score.step in by_step
    ]
    if not scores:
        raise CheckpointMissing(
            f"No checkpoint of the run {run.id} has been evaluated with these weights yet; "
            "ask for the latest, or for a step by its number."
        )
    best_first = sorted(scores, key=lambda score: rank(score.correct, score.step))
    return [by_step[score.step] for score in best_first]


def first_read(
    run: Run, candidates: Iterable[Checkpoint], read: Callable[[Checkpoint], _Read]
) -> tuple[Checkpoint, _Read, list[Checkpoint]]:
    """The first of a run's checkpoints that can be read, what was read, and the damaged ones before it.

    Raises CheckpointMissing where there is none, and what else `read` raises.
    """
    damaged: list[Checkpoint] = []
    for checkpoint in candidates:
        try:
            return checkpoint, read(checkpoint), damaged
        except CheckpointDamaged:
            damaged.append(checkpoint)
        except CheckpointMissing:  # deleted since the listing
            continue
    raise none_good(run, damaged)


def passed_over(damaged: Sequence[Checkpoint], read: Checkpoint) -> str | None:
    """The sentence that says why `read` was read; None where nothing had to be passed over."""
    if not damaged:
        return None
    are = "is" if len(damaged) == 1 else "are"
    return f"{', '.join(c.prefix.name for c in damaged)} {are} damaged, so {read.prefix.name} was read."


def none_good(run: Run, damaged: Sequence[Checkpoint]) -> CheckpointMissing:
    """What to raise where no checkpoint is left."""
    if damaged:
        said = f"The run {run.id} has no readable checkpoint: {damaged[0].prefix.name} is damaged."
    elif run.latest_checkpoint is not None:
        said = f"The checkpoints of the run {run.id} are gone."
    else:
        said = f"The run {run.id} has no checkpoint yet."
    return CheckpointMissing(said)
