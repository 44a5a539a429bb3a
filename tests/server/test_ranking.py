from collections.abc import Callable
from pathlib import Path

import pytest

from server.ranking import first_read, ranked
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable
from shadowboard.listing import Checkpoint
from shadowboard.records import Run, Score
from shadowboard.store import Store

THERE = [Checkpoint(Path(f"model.ckpt-{step}"), step) for step in (0, 10, 20, 30)]
ZERO, TEN, TWENTY, THIRTY = THERE


def test_the_best_on_validation_come_first_and_of_equals_the_earliest(
    store: Store, make_run: Callable[..., Run]
) -> None:
    run = make_run()
    with pytest.raises(CheckpointMissing, match=f"The run {run.id} has no checkpoint yet"):
        ranked(store, run, "", [])
    for step, average, split, correct in [
        *((0, "", "validation", 3), (20, "", "validation", 7), (10, "", "validation", 7)),
        *((40, "", "validation", 9), (30, "", "test", 9), (30, "A", "validation", 1)),
    ]:
        store.add_evaluation(run.id, Score(step, average, split, 10, correct, None, 0.1), b"", b"")
    assert ranked(store, run, "", THERE) == [TEN, TWENTY, ZERO]
    assert ranked(store, run, "A", THERE) == [THIRTY]
    with pytest.raises(CheckpointMissing, match="has been evaluated with these weights yet"):
        ranked(store, run, "B", THERE)


def test_what_cannot_be_read_is_passed_over(make_run: Callable[..., Run]) -> None:
    run = make_run()
    outcomes = {
        0: CheckpointDamaged("d"),
        10: CheckpointMissing("m"),
        20: "read",
        30: CheckpointUnsuitable("u"),
    }

    def read(checkpoint: Checkpoint) -> str:
        outcome = outcomes[checkpoint.step]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert first_read(run, THERE, read) == (TWENTY, "read", [ZERO])
    with pytest.raises(CheckpointUnsuitable):
        first_read(run, THERE[::-1], read)
    with pytest.raises(CheckpointMissing, match=r"no readable checkpoint: model\.ckpt-0 is damaged"):
        first_read(run, [TEN, ZERO], read)
    with pytest.raises(CheckpointMissing, match="has no checkpoint yet"):
        first_read(run, [TEN], read)
