"""Whether the server says rightly how it is."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest

from shadowboard.errors import StoreUnavailable
from shadowboard.records import Run
from shadowboard.settings import Settings

Make = Callable[..., Run]
FIELDS = {"ready", "database", "evaluator", "checkpoint", "last_error"}


def loaded(client: httpx2.Client) -> None:
    client.get("/evaluate")  # it waits for TensorFlow


def not_ready(client: httpx2.Client) -> Any:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"]
    body = answer.json()
    assert set(body) == FIELDS | {"type", "title", "status", "detail"}
    assert body["ready"] is False
    assert client.get("/healthz").json() == {"status": "ok"}  # whatever is the matter
    return body


def test_ready(make_run: Make, client: httpx2.Client, no_backlog: None) -> None:
    make_run((0, 10))
    run = make_run((0, 20))
    make_run()
    loaded(client)
    for _ in range(500):
        body = client.get("/readyz").json()
        if body["evaluator"] == "idle":
            break
        time.sleep(0.02)
    assert body == {
        "ready": True,
        "database": "ok",
        "evaluator": "idle",
        "checkpoint": {"run": run.id, "step": 20},
        "last_error": None,
    }


def test_without_a_checkpoint(make_run: Make, client: httpx2.Client) -> None:
    loaded(client)
    body = not_ready(client)
    assert body["detail"].startswith("There is no run yet")
    assert body["checkpoint"] is None
    run = make_run()
    assert not_ready(client)["detail"] == f"The run {run.id} has no checkpoint yet."


def test_a_damaged_checkpoint_is_not_usable(
    make_run: Make, settings: Settings, client: httpx2.Client, no_backlog: None
) -> None:
    run = make_run((0, 10))
    loaded(client)
    folder = settings.run_folder(run.id)

    def damage(step: int) -> None:
        data: Path = folder / f"model.ckpt-{step}.data-00000-of-00001"
        data.write_bytes(bytes(data.stat().st_size))

    damage(10)
    for _ in range(3):
        found = client.get("/readyz").json()["checkpoint"]
    assert found["step"] in {0, 10}  # 10: its weights were read before
    damage(0)


def test_a_run_whose_checkpoints_are_gone_is_passed_over(
    make_run: Make, settings: Settings, client: httpx2.Client, no_backlog: None
) -> None:
    old, new = make_run((0,)), make_run((10,))
    loaded(client)
    shutil.rmtree(settings.run_folder(new.id))
    assert client.get("/readyz").json()["checkpoint"] == {"run": old.id, "step": 0}
    shutil.rmtree(settings.run_folder(old.id))
    assert not_ready(client)["detail"] == f"The checkpoints of the run {new.id} are gone."


def test_while_tensorflow_loads(
    make_run: Make, serving: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run((0,))
    loading = Event()
    monkeypatch.setattr("server.engine.EngineLoader._load_tensorflow", lambda self: loading.wait(60))
    with serving() as client:
        body = not_ready(client)
        assert (body["evaluator"], body["database"], body["checkpoint"]) == ("loading", "ok", None)
        assert "still loading" in body["detail"]
        loading.set()


def test_tensorflow_that_does_not_load(
    make_run: Make, serving: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object) -> None:
        raise ImportError("no such library")

    monkeypatch.setattr("server.engine.EngineLoader._load_tensorflow", fail)
    with serving() as client:
        client.get("/evaluate")
        body = not_ready(client)
    assert body["evaluator"] == "failed"
    assert body["last_error"] == body["detail"] == "TensorFlow could not be loaded: no such library."


def test_a_database_that_is_gone(
    make_run: Make, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run((0,))
    loaded(client)

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("The database cannot be read.")

    monkeypatch.setattr("shadowboard.store.Store.saved_runs", fail)
    body = not_ready(client)
    assert (body["database"], body["detail"]) == ("unavailable", "The database cannot be read.")
    monkeypatch.setattr("shadowboard.store.Store.checkpoints", fail)
    assert client.get("/metrics").status_code == 200


def test_the_last_error_is_told(make_run: Make, settings: Settings, serving: Callable[[], Any]) -> None:
    good = make_run((0,))
    bad = make_run((10,))
    data = settings.run_folder(bad.id) / "model.ckpt-10.data-00000-of-00001"
    data.write_bytes(bytes(data.stat().st_size))
    assert good.id != bad.id
    with serving() as client:
        loaded(client)
        for _ in range(500):
            body = client.get("/readyz").json()
            if body["last_error"]:
                break
            time.sleep(0.02)
    assert "model.ckpt-10" in body["last_error"]
    assert str(settings.home) not in body["last_error"]
