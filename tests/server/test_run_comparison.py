"""GET /runs/{run_id}/comparison against GET /compare of each checkpoint, on a real server."""

from collections.abc import Callable

import httpx2
import numpy as np
import pytest

from shadowboard.dataset import Dataset
from shadowboard.records import Run, Score
from shadowboard.store import Store

pytestmark = pytest.mark.usefixtures("no_backlog")

Make = Callable[..., Run]


def test_it_is_what_compare_says_of_each_checkpoint(
    client: httpx2.Client, make_run: Make, store: Store, mnist: Dataset
) -> None:
    run = make_run(steps=(0, 30, 60, 90), averages=[{"decay": 0.9}, {"decay": 0.99}])
    ask = {"run": run.id, "average": "EMA_0.99"}
    alone = [client.get("/compare", params={**ask, "step": step}).json() for step in (0, 30, 60)]
    found = client.get(f"/runs/{run.id}/comparison", params={"average": "EMA_0.99"}).json()
    assert (found["run"], found["split"], found["average"], found["n"]) == (
        run.id,
        "validation",
        "EMA_0.99",
        5000,
    )
    assert found["step"] == [0, 30, 60]  # the last one is not evaluated
    for i, one in enumerate(alone):
        assert found["only_raw"][i] == one["paired"]["only_raw"]
        assert found["only_ema"][i] == one["paired"]["only_ema"]
        assert found["p_value"][i] == pytest.approx(one["difference"]["p_value"])
    assert found["overall"]["checkpoints"] == 2
    assert found["overall"]["accuracy"] == pytest.approx(
        np.mean([one["difference"]["accuracy"] for one in alone[1:]])
    )
    low, high = found["overall"]["interval"]
    assert found["overall"]["better"] == ("ema" if low > 0 else "raw" if high < 0 else None)
    assert (found["late"], found["late_after"]) == (None, 50)
    assert found["verdict"].startswith("Averaging with decay 0.99 ")
    assert "over the 2 checkpoints so far" in found["verdict"]
    client.get("/compare", params={**ask, "step": 90})
    whole = client.get(f"/runs/{run.id}/comparison", params={"average": "EMA_0.99"}).json()
    assert "over the 3 checkpoints of the run" in whole["verdict"]
    assert whole["late"]["checkpoints"] == 2
    other = client.get(f"/runs/{run.id}/comparison", params={"split": "test"}).json()
    assert (other["average"], other["step"], other["overall"], other["verdict"]) == (
        "ExponentialMovingAverage", [], None, None,
    )  # fmt: skip


def test_without_an_average_there_is_nothing_to_compare(client: httpx2.Client, make_run: Make) -> None:
    run = make_run(steps=(10,), averages=[])
    answer = client.get(f"/runs/{run.id}/comparison")
    assert answer.status_code == 422
    assert "keeps no average" in answer.json()["detail"]


def test_readings_come_by_step_however_many(store: Store) -> None:
    from shadowboard.configuration import RunConfig

    run = store.create_run(RunConfig())
    steps = list(range(0, 2300, 10))
    for step in reversed(steps):
        for i, average in enumerate(("", "A", "B")):
            if (step, average) != (50, "A"):
                store.add_evaluation(
                    run.id, Score(step, average, "test", 1, 1, 0.0, 0.0), bytes([i, step % 256]), b""
                )
    found = list(store.paired_readings(run.id, "A", "test"))
    assert [one.step for one in found] == [step for step in steps if step != 50]
    assert all(
        (one.raw, one.averaged) == (bytes([0, one.step % 256]), bytes([1, one.step % 256])) for one in found
    )
    assert list(store.paired_readings(run.id, "A", "validation")) == []
