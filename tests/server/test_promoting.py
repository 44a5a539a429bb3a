import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from server.promoting import promote
from server.restoring import Restorer
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, RunMissing
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store

Make = Callable[..., Run]
EMA = "ExponentialMovingAverage"


@pytest.fixture
def restorer(settings: Settings) -> Restorer:
    return Restorer(settings.run_folder, 2**20)


def score(store: Store, run: Run, average: str, split: str, correct: dict[int, int]) -> None:
    for step, count in correct.items():
        store.add_evaluation(run.id, Score(step, average, split, 10, count, 1.0, 0.1), bytes(10), bytes(40))


def test_what_is_read_with_stands_best(make_run: Make, store: Store, restorer: Restorer) -> None:
    averaged = make_run((0, 10, 20), averages=[{"decay": 0.9}, {"decay": 0.99}])
    score(store, averaged, "", "validation", {0: 1, 10: 9, 20: 3})
    score(store, averaged, EMA, "validation", {0: 6, 10: 7, 20: 7})
    raw = make_run((0, 10, 20), averages=[])
    score(store, raw, "", "validation", {0: 1, 10: 3, 20: 9})
    best = {(standing.run_id, standing.average): standing.best.step for standing in store.standings()}
    for run, average, step in ((averaged, EMA, 10), (raw, "", 20)):
        found = promote(store, restorer, run.id, "")
        assert found.checkpoint.step == best[run.id, average] == step
        assert [name for name, _ in found.sets] == [None, *(a.name for a in run.config.averages)]
        assert found.size == len(found.sets) * (784 * 8 + 8 + 8 * 10 + 10)
    assert promote(store, restorer, "", "").run == raw


def test_damaged_or_deleted_the_next_best_is_read(
    make_run: Make, store: Store, restorer: Restorer, settings: Settings
) -> None:
    run = make_run((0, 10, 20, 30))
    score(store, run, EMA, "validation", {0: 3, 10: 8, 20: 9})
    files: Path = settings.run_folder(run.id)
    data = files / "model.ckpt-20.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-50])
    found = promote(store, restorer, "", "")
    assert (found.checkpoint.step, found.note) == (10, "model.ckpt-20 is damaged, so model.ckpt-10 was read.")
    (files / "model.ckpt-10.index").unlink()
    assert promote(store, restorer, run.name, "").checkpoint.step == 0
    (files / "model.ckpt-0.index").unlink()
    found = promote(store, restorer, "", "")  # nothing that was evaluated is left
    assert found.chosen == f"Step 30 of the newest run {run.id}, its latest checkpoint."
    with pytest.raises(CheckpointMissing, match="step 10"):
        promote(store, restorer, run.id, "10")
    with pytest.raises(CheckpointDamaged, match="ckpt-20"):
        promote(store, restorer, run.id, "20")


def test_nothing_to_read_with(make_run: Make, store: Store, restorer: Restorer) -> None:
    with pytest.raises(RunMissing, match="no run yet"):
        promote(store, restorer, "", "")
    run = make_run(state="training")
    for name in ("", run.id):
        with pytest.raises(CheckpointMissing, match=f"The run {run.id} has no checkpoint yet"):
            promote(store, restorer, name, "")


def test_a_run_that_is_not_finished_is_read_at_its_latest(
    make_run: Make, store: Store, restorer: Restorer
) -> None:
    run = make_run((0, 10), state="training", averages=[])
    score(store, run, "", "validation", {0: 9, 10: 2})
    for name in ("", run.id):
        assert promote(store, restorer, name, "").checkpoint.step == 10
    found = promote(store, restorer, run.id, "best")
    assert (
        found.chosen
        == f"Step 0 of the run {run.id}: there its raw weights read the most validation images right, "
        "of the checkpoints that can be read."
    )


def test_runs_whose_checkpoints_are_gone_are_passed_over(
    make_run: Make, store: Store, restorer: Restorer, settings: Settings
) -> None:
    finished = make_run((0, 10))
    score(store, finished, EMA, "validation", {0: 9, 10: 8})
    gone = make_run((0, 10))
    score(store, gone, EMA, "validation", {0: 8, 10: 9})
    shutil.rmtree(settings.run_folder(gone.id))
    found = promote(store, restorer, "", "")
    assert (found.run, found.checkpoint.step) == (finished, 0)
    for step in ("", "latest", "best"):
        with pytest.raises(CheckpointMissing, match=f"The checkpoints of the run {gone.id} are gone"):
            promote(store, restorer, gone.id, step)
    assert promote(store, restorer, "", "latest").run == finished


def test_the_best_is_so_of_the_checkpoints_that_can_be_read(
    make_run: Make, store: Store, restorer: Restorer, settings: Settings
) -> None:
    run = make_run((0, 10))
    score(store, run, EMA, "validation", {0: 8, 10: 9})
    (settings.run_folder(run.id) / "model.ckpt-10.index").unlink()
    found = promote(store, restorer, run.id, "")
    assert found.checkpoint.step == 0
    assert found.chosen.endswith("images right, of the checkpoints that can be read.")
