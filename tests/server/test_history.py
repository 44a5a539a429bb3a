from collections.abc import Callable
from itertools import pairwise

import httpx2
import pytest

from shadowboard.records import Metric, Run, Score
from shadowboard.store import Store

Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")


def test_history_has_parallel_curves(client: httpx2.Client, make_run: Make, store: Store) -> None:
    constant = {"decay": 0.9, "num_updates": False}
    run = make_run((0, 10, 20, 30), averages=[{"decay": 0.99}, constant], learning_rate=0.5)
    store.add_evaluation(run.id, Score(20, "", "validation", 4, 3, None, 0.1), b"abcd", b"abcd" * 4)
    store.add_evaluation(run.id, Score(10, "EMA_0.9_constant", "test", 4, 1, 0.5, 0.1), b"abcd", b"abcd" * 4)
    found = client.get(f"/runs/{run.id}/history").json()
    assert found["run"] == run.id
    assert found["cursor"] == "m3-c4-e2"
    training = found["training"]
    assert training["step"] == [10, 20, 30]
    assert training["loss"] == [1 / 11, 1 / 21, 1 / 31]
    assert training["learning_rate"] == pytest.approx([0.5 * 0.99 ** ((s - 1) / 550) for s in (10, 20, 30)])
    assert training["decay"] == {
        "ExponentialMovingAverage": pytest.approx([11 / 20, 21 / 30, 31 / 40]),
        "EMA_0.9_constant": [0.9] * 3,
    }
    assert found["evaluations"] == [
        {"step": 10, "weights": "ema", "average": "EMA_0.9_constant", "split": "test", "n": 4, "correct": 1,
         "accuracy": 0.25, "loss": 0.5},
        {"step": 20, "weights": "raw", "average": None, "split": "validation", "n": 4, "correct": 3,
         "accuracy": 0.75, "loss": None},
    ]  # fmt: skip


def test_history_of_a_run_that_has_none(client: httpx2.Client, make_run: Make) -> None:
    run = make_run()
    found = client.get(f"/runs/{run.id}/history").json()
    assert found["training"] == {
        "step": [], "loss": [], "learning_rate": [], "decay": {"ExponentialMovingAverage": []}
    }  # fmt: skip
    assert (found["evaluations"], found["cursor"]) == ([], "m0-c0-e0")


@pytest.mark.parametrize("most", [1, 2, 3, 7, 99, 100, 1000])
def test_thinning_is_even_and_keeps_the_last(
    client: httpx2.Client, store: Store, make_run: Make, most: int
) -> None:
    run = make_run((), state="training")
    store.add_progress(run.id, "worker", 100, 1.0, [Metric(step, 1.0) for step in range(1, 101)])
    found = client.get(f"/runs/{run.id}/history?max_points={most}").json()["training"]["step"]
    assert len(found) == min(most, 100)
    assert found[-1] == 100
    assert most == 1 or found[0] == 1
    gaps = {b - a for a, b in pairwise(found)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_a_curve_of_ten_thousand_points_is_thinned_and_goes_on_at_its_end(
    client: httpx2.Client, make_run: Make, store: Store
) -> None:
    run = make_run((), state="training")
    store.add_progress(run.id, "worker", 10_000, 1.0, [Metric(step, 1.0) for step in range(1, 10_001)])
    found = client.get(f"/runs/{run.id}/history?max_points=37").json()
    assert len(found["training"]["step"]) == len(found["training"]["decay"]["ExponentialMovingAverage"]) == 37
    assert found["cursor"].startswith(f"m{max(metric.id for metric in store.metrics(run.id))}-")
