from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_
from hypothesis import strategies as st
from scipy.stats import binomtest

from shadowboard.records import Run, Score
from shadowboard.store import Store

Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")

EMA = "ExponentialMovingAverage"
Results = dict[tuple[int, str, str], int]
"""Step, average, split → images read right, of a hundred."""


def evaluate(store: Store, run: Run, results: Results) -> None:
    for (step, average, split), correct in results.items():
        store.add_evaluation(run.id, Score(step, average, split, 100, correct, 1.0, 0.1), b"a", b"abcd")


def share(correct: int | None) -> dict[str, Any] | None:
    if correct is None:
        return None
    interval = binomtest(correct, 100).proportion_ci(0.95, method="wilson")
    return {
        "n": 100,
        "correct": correct,
        "accuracy": correct / 100,
        "accuracy_interval": [pytest.approx(interval.low, abs=1e-9), pytest.approx(interval.high, abs=1e-9)],
    }


def point(results: Results, step: int, average: str) -> dict[str, Any]:
    splits = {split: share(results.get((step, average, split))) for split in ("validation", "test")}
    return {"step": step, **splits}


def expected(results: Results, average: str) -> dict[str, Any] | None:
    steps = sorted({step for step, name, _ in results if name == average})
    if not steps:
        return None
    judged = {
        step: results[step, average, "validation"]
        for step in steps
        if (step, average, "validation") in results
    }
    best = max(judged, key=lambda step: (judged[step], -step)) if judged else steps[-1]
    return {
        "final": point(results, steps[-1], average),
        "best": point(results, best, average),
        "evaluated": sum(name == average for _, name, _ in results),
    }


KEYS = st.tuples(
    st.sampled_from([0, 10, 20, 30]),
    st.sampled_from(["", EMA, "EMA_0.9"]),
    st.sampled_from(["validation", "test"]),
)


@settings_(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.dictionaries(KEYS, st.integers(0, 100)), max_size=3))
def test_scores_are_those_of_the_final_and_the_best_step(
    client: httpx2.Client, make_run: Make, store: Store, runs: list[Results]
) -> None:
    made = {make_run().id: results for results in runs}
    for run_id, results in made.items():
        evaluate(store, store.run(run_id), results)
    found = {entry["run"]: entry for entry in client.get("/runs/scores").json()["runs"]}
    for run_id, results in made.items():
        if not results:
            assert run_id not in found
            continue
        averages = {name: expected(results, name) for name in (EMA, "EMA_0.9")}
        assert found[run_id]["raw"] == expected(results, "")
        assert found[run_id]["averages"] == {name: score for name, score in averages.items() if score}


RESULTS = {
    (0, "", "validation"): 50, (0, EMA, "validation"): 50,
    (10, "", "validation"): 80, (10, EMA, "validation"): 70,
    (20, "", "validation"): 70, (20, EMA, "validation"): 70, (10, EMA, "test"): 60,
}  # fmt: skip


def test_the_best_checkpoint_is_the_one_that_evaluate_takes(
    client: httpx2.Client, make_run: Make, store: Store
) -> None:
    run = make_run((0, 10, 20))
    evaluate(store, run, RESULTS)
    found = client.get(f"/runs/{run.id}/best").json()
    assert found["run"] == run.id
    assert (found["raw"]["step"], found["raw"]["validation"]["correct"], found["raw"]["test"]) == (
        10,
        80,
        None,
    )
    assert found["averages"] == [found["promoted"]]
    best = found["promoted"]
    assert (best["step"], best["weights"], best["average"]) == (10, "ema", EMA)
    assert best["checkpoint"] == "model.ckpt-10"
    history = client.get(f"/runs/{run.id}/history").json()["evaluations"]
    assert best["validation"] in history
    assert best["test"] in history


def test_the_best_of_what_is_left(client: httpx2.Client, make_run: Make, store: Store, settings: Any) -> None:
    run = make_run((0, 10, 20))
    evaluate(store, run, RESULTS)
    (settings.run_folder(run.id) / "model.ckpt-10.index").unlink()
    found = client.get(f"/runs/{run.id}/best").json()
    assert (found["raw"]["step"], found["promoted"]["step"]) == (20, 20)


def test_a_run_without_averages_promotes_its_raw_weights(
    client: httpx2.Client, make_run: Make, store: Store
) -> None:
    run = make_run((0,), averages=[])
    evaluate(store, run, {(0, "", "validation"): 5})
    found = client.get(f"/runs/{run.id}/best").json()
    assert found["promoted"] == found["raw"]
    assert (found["raw"]["weights"], found["raw"]["average"], found["averages"]) == ("raw", None, [])


def test_nothing_is_best_while_nothing_is_evaluated(client: httpx2.Client, make_run: Make) -> None:
    answer = client.get(f"/runs/{make_run((0,)).id}/best")
    assert answer.status_code == 404
    assert "has been evaluated" in answer.json()["detail"]
