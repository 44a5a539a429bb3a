"""A study in the foreground, really trained on a small share of MNIST."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shadowboard import unevaluated
from shadowboard.dataset import load_dataset
from shadowboard.errors import StudyMissing
from shadowboard.evaluation import evaluate
from shadowboard.listing import list_checkpoints
from shadowboard.schema import claims
from shadowboard.store import Store
from shadowboard.studies import Study
from shadowboard.study import StudyReport
from shadowboard.variants import FULL, parse_plan
from shadowboard.weights import restore
from tests.faults.processes import wait_for
from worker import studying
from worker.studying import study_in_foreground

EMA = "ExponentialMovingAverage"


@pytest.fixture
def study(store: Store, small_data: Path) -> Study:
    knobs = {"steps": 20, "batch_size": 20, "hidden": [8], "save_every": 10, "data": str(small_data)}
    return store.studies.create(parse_plan(knobs, 2, ["without_averaging"]))


@pytest.fixture
def work(store: Store, study: Study, tmp_path: Path) -> Callable[..., StudyReport]:
    """Works through the study in the foreground."""

    def work(stop: threading.Event | None = None) -> StudyReport:
        url = store._database._engine.url.render_as_string(hide_password=False)
        folder = tmp_path / "runs"
        stop = stop or threading.Event()
        return study_in_foreground(store, url, study, lambda run: folder / run, stop=stop, as_json=False)

    return work


@pytest.fixture
def slow(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first evaluation lasts until its claim has been kept alive a few times."""
    monkeypatch.setattr("shadowboard.claims._BEAT_SECONDS", 0.01)
    really, beats = unevaluated.evaluate, []

    def beat() -> int:
        with store._database.begin() as connection:
            return int(connection.execute(select(claims.c.beat)).scalar_one())

    def evaluate(*arguments: Any) -> Any:
        if not beats:
            beats.append(beat())
            wait_for(lambda: beat() > beats[0] + 3)
        return really(*arguments)

    monkeypatch.setattr(unevaluated, "evaluate", evaluate)


@pytest.mark.usefixtures("slow")
def test_a_study_is_trained_and_evaluated_to_its_end(
    store: Store, study: Study, work: Callable[..., StudyReport], tmp_path: Path, capfd: Any
) -> None:
    other = store.create_run(study.plan.config)  # not of the study: left in the queue
    found = work()
    assert found.progress.state == "finished"
    assert found.progress.states == {"finished": 4}
    assert found.progress.evaluations == found.progress.evaluations_due == 2 * 3 * 2 + 2 * 3 * 4
    assert store.run(other.id).state == "queued"
    dataset = load_dataset(study.plan.config.data)
    for variant, run in store.studies.members(study.id):
        checkpoint = list_checkpoints(tmp_path / "runs" / run.id)[-1]
        weights = restore(checkpoint, EMA if variant == FULL else None)
        expected = evaluate(weights, dataset.test).correct
        assert found.outcomes[variant][run.recipe.seed].test.correct == expected
    lines = capfd.readouterr().err.splitlines()
    told = [line for line in lines if not line.startswith(("I0000", "W0000"))]  # TensorFlow's own
    assert told.pop(0) == f"Study {study.id}, {study.name}: 0 of 4 runs have ended."
    assert [line.split(":")[0] for line in told] == [
        "run 1 of 4, without averaging, seed 0", "run 2 of 4, full recipe, seed 0",
        "run 3 of 4, without averaging, seed 1", "run 4 of 4, full recipe, seed 1",
    ]  # fmt: skip
    assert all(", test 0." in line for line in told)
    ids = [score.id for _, run in found.members for score in store.scores(run.id)]
    assert work() == found  # nothing is done twice
    assert [score.id for _, run in found.members for score in store.scores(run.id)] == ids
    assert capfd.readouterr().err == f"Study {study.id}, {study.name}: 4 of 4 runs have ended.\n"


def test_what_is_interrupted_goes_back_to_the_queue(
    store: Store, work: Callable[..., StudyReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, saves = threading.Event(), []
    really = Store.add_checkpoint

    def add_checkpoint(self: Store, *saved: Any) -> None:
        really(self, *saved)
        saves.append(saved)
        if len(saves) == 5:
            stop.set()

    monkeypatch.setattr(Store, "add_checkpoint", add_checkpoint)
    found = work(stop)
    assert found.progress.states == {"finished": 1, "queued": 3}
    assert [run.step for _, run in found.members][:2] == [20, 10]


def after_the_first_run(monkeypatch: pytest.MonkeyPatch, then: Callable[[str], object]) -> None:
    """Let somebody do this, with its id, as soon as the first run has been trained."""
    really, trained = studying.run_once, []

    def run_once(store: Store, run: Any, *rest: Any, **more: Any) -> Any:
        ended = really(store, run, *rest, **more)
        trained.append(run.id)
        if len(trained) == 1:
            then(run.id)
        return ended

    monkeypatch.setattr(studying, "run_once", run_once)


def test_a_run_that_is_deleted_meanwhile_is_skipped(
    store: Store, work: Callable[..., StudyReport], monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    after_the_first_run(monkeypatch, store.delete_run)
    found = work()
    assert found.progress.states == {"finished": 3}
    assert capfd.readouterr().err.splitlines()[-1] == "Runs of the study that were deleted: 1 of 4."


def test_of_a_study_that_is_deleted_meanwhile_there_is_no_report(
    store: Store, study: Study, work: Callable[..., StudyReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    after_the_first_run(monkeypatch, lambda _: store.studies.delete(study.id))
    with pytest.raises(StudyMissing, match=f"There is no study '{study.id}'"):
        work()
