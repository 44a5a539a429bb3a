"""Evaluations made where no server runs, of checkpoints that somebody else has saved."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shadowboard.claims import Claims
from shadowboard.dataset import SPLITS, load_dataset
from shadowboard.evaluation import evaluate
from shadowboard.listing import list_checkpoints
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.unevaluated import evaluate_missing
from shadowboard.weights import restore
from tests.server.conftest import run_maker

EMA = "ExponentialMovingAverage"


@pytest.fixture
def run(store: Store, tmp_path: Path, small_data: Path) -> Run:
    return run_maker(store, Settings(home=tmp_path))((0, 10), data=str(small_data))


@pytest.fixture
def make(store: Store, run: Run, tmp_path: Path) -> Callable[..., int]:
    """Makes what is missing of the run; how much is left."""
    dataset, folder = load_dataset(run.config.data), Settings(home=tmp_path).run_folder(run.id)
    return lambda stop=False: evaluate_missing(
        store, Claims(store._database), run, folder, dataset, lambda: stop
    )


def test_everything_that_is_missing_is_made_once(
    store: Store, run: Run, make: Callable[..., int], tmp_path: Path
) -> None:
    assert make(True) == 0
    assert store.scores(run.id) == []
    assert make() == 0
    scores = store.scores(run.id)
    kinds = {(score.step, score.average, score.split) for score in scores}
    assert kinds == {(step, average, split) for step in (0, 10) for average in ("", EMA) for split in SPLITS}
    newest = list_checkpoints(Settings(home=tmp_path).run_folder(run.id))[-1]
    expected = evaluate(restore(newest, EMA), load_dataset(run.config.data).test)
    found = store.evaluation(run.id, 10, EMA, "test")
    assert found is not None
    assert (found.score.n, found.score.correct) == (200, expected.correct)
    assert found.predictions == expected.predictions.tobytes()
    assert found.confidences == expected.confidences.tobytes()
    assert make() == 0
    assert store.scores(run.id) == scores


def test_what_a_server_is_evaluating_is_left_to_it(store: Store, run: Run, make: Callable[..., int]) -> None:
    server, key = Claims(store._database), (run.id, 10, "", "test")
    assert server.take(key)
    assert make() == 1
    assert store.evaluation(*key) is None
    assert len(store.scores(run.id)) == 7
    server.release(key)
    assert make() == 0
    assert store.evaluation(*key) is not None


def test_a_damaged_checkpoint_is_passed_over(
    store: Store, run: Run, make: Callable[..., int], tmp_path: Path
) -> None:
    (data,) = Settings(home=tmp_path).run_folder(run.id).glob("*-0.data*")
    data.write_bytes(b"x" * data.stat().st_size)
    assert make() == 0
    assert {score.step for score in store.scores(run.id)} == {10}
