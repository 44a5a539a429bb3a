import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from shadowboard.configuration import RunConfig
from shadowboard.records import Metric, Run, Score
from shadowboard.store import Store

Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")

FIELDS = {
    "id", "name", "state", "message", "step", "steps", "steps_per_second", "stop_requested", "created_at",
    "started_at", "finished_at", "heartbeat_at", "stalled", "latest_checkpoint", "averages", "config",
}  # fmt: skip


def test_runs_are_listed_newest_first(client: httpx2.Client, make_run: Make) -> None:
    older, newer = make_run((0, 10)), make_run((), state="training")
    runs = client.get("/runs").json()["runs"]
    assert [run["id"] for run in runs] == [newer.id, older.id]
    assert runs[1] == client.get(f"/runs/{older.id}").json()
    assert set(runs[1]) == FIELDS
    assert (runs[1]["state"], runs[1]["step"], runs[1]["steps"]) == ("finished", 10, 100)
    assert runs[1]["latest_checkpoint"] == 10
    assert runs[1]["averages"] == [{"decay": 0.99, "num_updates": True, "name": "ExponentialMovingAverage"}]
    assert runs[1]["config"] == older.config.model_dump(mode="json")
    assert runs[0]["latest_checkpoint"] is None
    assert runs[0]["stalled"] is False


def test_a_posted_run_is_queued(client: httpx2.Client, store: Store) -> None:
    answer = client.post("/runs", json={"name": " mine ", "config": {"steps": 7, "hidden": [3]}})
    assert answer.status_code == 201
    run = store.run(answer.json()["id"])
    assert (run.name, run.state, run.config.steps, run.config.hidden) == ("mine", "queued", 7, (3,))


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": {"config": {"data": "mnist"}}}])
def test_every_field_is_optional(client: httpx2.Client, store: Store, body: dict[str, Any]) -> None:
    answer = client.post("/runs", **body)
    assert answer.status_code == 201
    assert store.run(answer.json()["id"]).config == RunConfig()
    assert answer.json()["name"] == "reference recipe"


def test_stopping(client: httpx2.Client, make_run: Make, store: Store) -> None:
    queued = store.create_run(RunConfig())
    answer = client.post(f"/runs/{queued.id}/stop")
    assert (answer.status_code, answer.json()["state"]) == (202, "stopped")
    training = make_run((0,), state="training")
    answer = client.post(f"/runs/{training.id}/stop")
    assert (answer.status_code, answer.json()["state"], answer.json()["stop_requested"]) == (
        202,
        "training",
        True,
    )
    assert client.post(f"/runs/{queued.id}/stop").status_code == 409


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


def test_a_run_that_is_not_heard_of_is_stalled(
    client: httpx2.Client, make_run: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shadowboard.lease.LEASE_SECONDS", 2.0)
    run = make_run((), state="training")

    def stalled() -> bool:
        return bool(client.get(f"/runs/{run.id}").json()["stalled"])

    for _ in range(12):
        store.heartbeat(run.id, "worker")
        assert not stalled()
        time.sleep(0.1)
    deadline = time.monotonic() + 30
    while not stalled():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    store.heartbeat(run.id, "worker")
    deadline = time.monotonic() + 30
    while stalled():
        assert time.monotonic() < deadline
        time.sleep(0.05)
