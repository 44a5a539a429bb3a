from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from shadowboard.configuration import RunConfig
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store

Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")


def test_deleting(client: httpx2.Client, make_run: Make, store: Store, settings: Settings) -> None:
    run, other = make_run((0, 10)), make_run((0, 10))
    for one in (run, other):
        client.get(f"/evaluate?run={one.id}&step=10").raise_for_status()
    assert client.delete(f"/runs/{run.id}").content == b""
    for path in ("", "/history", "/checkpoints", "/best", "/events", "/checkpoints/10/variables"):
        assert client.get(f"/runs/{run.id}{path}").status_code == 404
    assert client.get(f"/evaluate?run={run.id}&step=10").status_code == 404
    assert store.scores(run.id) == []
    assert [entry.name for entry in settings.run_folder("").iterdir()] == [other.id]
    assert client.get(f"/evaluate?run={other.id}&step=10").json()["cached"] is True
    assert client.delete(f"/runs/{run.id}").status_code == 404


def test_a_name_deletes_nothing(client: httpx2.Client, make_run: Make, settings: Settings) -> None:
    runs = [make_run((0,)) for _ in range(2)]
    assert runs[0].name == runs[1].name
    answer = client.delete(f"/runs/{runs[0].name}")
    assert answer.status_code == 404
    assert "deletion takes no name, for several runs may share it." in answer.json()["detail"]
    assert client.get("/runs").json()["total"] == 2
    assert {entry.name for entry in settings.run_folder("").iterdir()} == {run.id for run in runs}


def test_only_a_run_that_nobody_trains_can_be_deleted(
    client: httpx2.Client, make_run: Make, store: Store, settings: Settings
) -> None:
    run = make_run((0,), state="training")
    answer = client.delete(f"/runs/{run.id}")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        f"The run {run.id} is in training; stop it first.",
    )
    assert (settings.run_folder(run.id) / "model.ckpt-0.index").exists()
    queued = store.create_run(RunConfig())
    assert client.delete(f"/runs/{queued.id}").status_code == 204
    assert store.claim("worker") is None


def test_files_that_cannot_be_deleted_are_told(
    serving: Any,
    make_run: Make,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = make_run((0,))
    with serving() as client:
        with monkeypatch.context() as patch:
            patch.setattr("shutil.rmtree", lambda *_, **__: None)
            answer = client.delete(f"/runs/{run.id}")
        assert answer.status_code == 500
        told = f".deleted-{run.id} could not be emptied"
        assert told in answer.json()["detail"]
        assert any(told in message for message in caplog.messages)  # as the document says of a 500
        assert client.get(f"/runs/{run.id}").status_code == 404
    with serving() as client:
        assert client.get("/runs").json()["total"] == 0
    assert list(settings.run_folder("").iterdir()) == []
