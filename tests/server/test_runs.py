import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from typing import Any

import httpx2
import pytest

from shadowboard.configuration import RunConfig
from shadowboard.errors import LeaseLost
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store

Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")

FIELDS = {
    "id", "name", "state", "message", "step", "steps", "steps_per_second", "stop_requested", "created_at",
    "started_at", "finished_at", "heartbeat_at", "stalled", "latest_checkpoint", "averages", "config",
    "study",
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


def test_only_so_many_are_listed(client: httpx2.Client, make_run: Make) -> None:
    ids = [make_run().id for _ in range(3)]
    listed = client.get("/runs?limit=2").json()
    assert ([run["id"] for run in listed["runs"]], listed["total"]) == (ids[:0:-1], 3)
    assert client.get("/runs?limit=9").json() == client.get("/runs").json()
    assert client.get("/runs?limit=0").status_code == 422


def test_a_page_of_the_list_reads_no_more_than_its_runs(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    unreadable, newer = make_run(), make_run()
    with closing(sqlite3.connect(settings.home / "shadowboard.db")) as database, database:
        database.execute("UPDATE runs SET config = 'none' WHERE id = ?", [unreadable.id])
    listed = client.get("/runs?limit=1").json()
    assert ([run["id"] for run in listed["runs"]], listed["total"]) == ([newer.id], 2)
    assert (listed["unreadable"], client.get("/runs").json()["unreadable"]) == ([], [unreadable.id])


def test_renaming(client: httpx2.Client, make_run: Make, store: Store) -> None:
    run = make_run()
    answer = client.patch(f"/runs/{run.id}", json={"name": " wide & <slow> "})
    assert (answer.status_code, answer.json()["name"]) == (200, "wide & <slow>")
    assert answer.json() == client.get("/runs/wide & <slow>").json()
    assert store.run(run.id).name == "wide & <slow>"
    for body, sentence in [
        ({"name": "  "}, "name is '  '; expected a name that can be seen."),
        ({"name": 7}, "name is 7; expected a valid string."),
        ({"name": "a\0"}, "name is 'a\\x00'; expected at most 500 characters, without NUL"),
        ({"name": "a" * 501}, "expected at most 500 characters"),
        (
            {"name": "a/b"},
            "name has a slash; expected none, as a run can be asked for by its name in an address.",
        ),
        ({}, "name is missing."),
        ({"name": "a", "steps": 1}, "There is no field called steps."),
    ]:
        answer = client.patch(f"/runs/{run.id}", json=body)
        assert answer.status_code == 422
        assert sentence in answer.json()["detail"]
    assert client.patch("/runs/nobody", json={"name": "a"}).status_code == 404
    assert store.run(run.id).name == "wide & <slow>"


@pytest.mark.parametrize("name", ["scores", "best", "..", "."])
def test_a_run_of_a_name_that_means_something_else(
    client: httpx2.Client, make_run: Make, settings: Settings, name: str
) -> None:
    run, other = make_run((0,)), make_run((0,))
    client.patch(f"/runs/{run.id}", json={"name": name}).raise_for_status()
    assert set(client.get("/runs/scores").json()) == {"runs"}
    assert client.get(f"/runs/{run.id}").json()["name"] == name
    assert client.delete(f"/runs/{run.id}").status_code == 204
    assert [run["id"] for run in client.get("/runs").json()["runs"]] == [other.id]
    assert [entry.name for entry in settings.run_folder("").iterdir()] == [other.id]


def test_what_failed_is_told_without_the_folders_of_this_machine(client: httpx2.Client, store: Store) -> None:
    run = store.create_run(RunConfig(), "full")
    store.claim("worker")
    store.release(
        run.id, "worker", "failed", f"The checkpoint of step 7 could not be saved in /home/x/runs/{run.id}."
    )
    told = f"The checkpoint of step 7 could not be saved in {run.id}."
    assert client.get(f"/runs/{run.id}").json()["message"] == told
    assert client.get("/runs").json()["runs"][0]["message"] == told


def test_resuming(client: httpx2.Client, make_run: Make, store: Store) -> None:
    for state in ("stopped", "failed"):
        run = make_run((0, 10), state=state)
        answer = client.post(f"/runs/{run.id}/resume")
        assert (answer.status_code, answer.json()["state"], answer.json()["step"]) == (202, "queued", 10)
        claimed = store.claim("another")
        assert claimed is not None
        assert claimed.id == run.id
    for state in ("finished", "diverged", "training"):
        run = make_run((0,), state=state)
        answer = client.post(f"/runs/{run.id}/resume")
        assert answer.status_code == 409
        assert f"is {state}" in answer.json()["detail"]
    assert client.post("/runs/nobody/resume").status_code == 404


def test_changes_that_wait_for_the_database_leave_threads_to_those_who_read(
    serving: Any, make_run: Make, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.app._LOCK_SECONDS", 60.0)
    monkeypatch.setattr("server.routes.runs._PATIENCE_SECONDS", 2.0)
    run = make_run((0,))
    with (
        serving() as client,
        closing(sqlite3.connect(settings.home / "shadowboard.db", isolation_level=None)) as other,
        ThreadPoolExecutor(60) as threads,
    ):
        client.get(f"/evaluate?run={run.id}").raise_for_status()
        other.execute("BEGIN IMMEDIATE")
        changes = [threads.submit(client.post, "/runs") for _ in range(60)]
        wait(changes, timeout=20, return_when="FIRST_COMPLETED")
        try:
            for path in ("/runs", "/metrics", f"/evaluate?run={run.id}", f"/runs/{run.id}/history"):
                assert client.get(path, timeout=20).status_code == 200
        finally:
            other.execute("ROLLBACK")
        answers = [change.result() for change in changes]
    assert {answer.status_code for answer in answers} == {201, 503}
    assert {answer.json()["detail"] for answer in answers if answer.status_code == 503} == {
        "Too many requests like this are waiting; try again in a few seconds."
    }


def test_a_lock_that_stays_is_told(
    serving: Any, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.app._LOCK_SECONDS", 0.1)
    with (
        serving() as client,
        closing(sqlite3.connect(settings.home / "shadowboard.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        answer = client.post("/runs", timeout=20)
        other.execute("ROLLBACK")
        assert answer.status_code == 503
        assert "database is locked" in answer.json()["detail"]
        assert client.post("/runs").status_code == 201
    assert len(store.runs()) == 1


def test_a_stalled_run_stops_at_once(
    client: httpx2.Client, make_run: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shadowboard.lease.LEASE_SECONDS", 0.5)
    run = make_run((0, 10), state="training")
    deadline = time.monotonic() + 30
    while not client.get(f"/runs/{run.id}").json()["stalled"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    answer = client.post(f"/runs/{run.id}/stop")
    assert (answer.status_code, answer.json()["state"]) == (202, "stopped")
    with pytest.raises(LeaseLost):  # its worker wakes up again
        store.add_checkpoint(run.id, "worker", 20, 1)
    assert client.post(f"/runs/{run.id}/resume").json()["state"] == "queued"
