"""GET /runs/{run_id}/agreement against scipy, over a real server, from stored evaluations alone."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from shadowboard.records import Run, Score
from shadowboard.store import Store
from shadowboard.watched import WatchedConfig

pytestmark = pytest.mark.usefixtures("no_backlog")

Make = Callable[..., Run]
EMA = "ExponentialMovingAverage"


def add(store: Store, run: Run, average: str, validation: list[int], test: list[int]) -> None:
    """At steps 0, 10, …; the test images of the last ones may be missing yet."""
    for split, n, answers in (("validation", 500, validation), ("test", 1000, test)):
        for i, correct in enumerate(answers):
            store.add_evaluation(
                run.id, Score(10 * i, average, split, n, correct, 0.1, 0.1), bytes(n), bytes(4 * n)
            )


def test_it_is_what_scipy_says_of_the_stored_evaluations(
    client: httpx2.Client, make_run: Make, store: Store
) -> None:
    run = make_run(averages=[{"decay": 0.9}, {"decay": 0.99}])
    random = np.random.default_rng(1)
    validation, test = ([50, *random.integers(470, 495, 10).tolist()] for _ in range(2))
    test = [2 * correct for correct in test]
    add(store, run, "EMA_0.99", validation, test[:-1])
    add(store, run, "", validation, test)
    found = client.get(f"/runs/{run.id}/agreement").json()
    assert (found["run"], found["claimed"], found["late_after"]) == (run.id, 0.9999, 50)
    assert list(found["averages"]) == ["EMA_0.99"]  # the other one is not evaluated
    one = found["averages"]["EMA_0.99"]
    assert (one["validation_images"], one["test_images"]) == (500, 1000)
    assert one["step"] == list(range(0, 100, 10))
    assert (one["validation"], one["test"]) == (validation[:-1], test[:-1])
    for part, first in (("overall", 0), ("late", 6)):
        x, y = validation[first:-1], test[first:-1]
        r = pearsonr(x, y)
        assert one[part]["checkpoints"] == len(x)
        assert one[part]["pearson"] == pytest.approx(r.statistic)
        assert one[part]["pearson_interval"] == pytest.approx(list(r.confidence_interval(0.95)))
        assert one[part]["spearman"] == pytest.approx(spearmanr(x, y).statistic)
        assert one[part]["as_claimed"] == (r.statistic > 0.9999)
    chosen = int(np.argmax(validation[:-1]))
    best = int(np.argmax(test[:-1]))
    for name, i in (("chosen", chosen), ("best", best), ("last", 9)):
        assert one[name] == {"step": 10 * i, "validation": validation[i], "test": test[i]}
    assert "over all 10 checkpoints of the averaged weights with decay 0.99" in one["verdict"]
    assert f"Validation chooses step {10 * chosen}, " in one["verdict"]
    assert found["raw"]["last"]["step"] == 100
    assert "over all 11 checkpoints of the raw weights" in found["raw"]["verdict"]


def test_before_anything_is_evaluated_nothing_is_told(
    client: httpx2.Client, make_run: Make, store: Store
) -> None:
    run = make_run(steps=(10,))
    add(store, run, "", [400], [])
    found = client.get(f"/runs/{run.id}/agreement").json()
    assert (found["raw"], found["averages"]) == (None, {})


def test_a_watched_run_has_its_middle_where_it_is_now(
    client: httpx2.Client, store: Store, tmp_path: Path
) -> None:
    run = store.watch(WatchedConfig(folder=str(tmp_path)))
    add(store, run, "", [50, 480, 481, 479, 483, 485], [100, 960, 961, 958, 963, 969])
    found = client.get(f"/runs/{run.id}/agreement").json()
    assert found["raw"]["overall"]["checkpoints"] == 6
    assert found["late_after"] == store.run(run.id).step // 2


def test_there_has_to_be_such_a_run(client: httpx2.Client) -> None:
    answer = client.get("/runs/zzzzzz/agreement")
    assert answer.status_code == 404
    assert "There is no run 'zzzzzz'" in answer.json()["detail"]
