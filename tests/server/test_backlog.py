import logging
import math
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from shadowboard import checkpoints
from shadowboard.folder_sight import as_recorded
from shadowboard.network import init
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.watched import WatchedAverage, watched_config

Make = Callable[..., Run]
EMA = "ExponentialMovingAverage"
OF_A_CHECKPOINT = [("", "validation"), (EMA, "validation"), ("", "test"), (EMA, "test")]


@pytest.fixture
def said() -> list[tuple[str, str]]:
    """The runs that the backlog complains of, and how."""
    return []


@pytest.fixture
def backlog(store: Store, settings: Settings, said: list[tuple[str, str]]) -> Any:
    from server.backlog import Backlog
    from server.restoring import Restorer

    restorer = Restorer(settings.run_folder, 2**20)
    return Backlog(store, restorer, lambda run_id, error: said.append((run_id, str(error))))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Its `now` is the time that failures are judged by."""
    from server import backlog

    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(backlog, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def taken(backlog: Any) -> list[tuple[str, int, str, str]]:
    return [job.key for job in iter(backlog.next, None)]


def folder_with(folder: Path, step: int, weights: Any) -> Path:
    folder.mkdir(exist_ok=True)
    averaged = {f"{name}/{EMA}": value for name, value in weights.items()}
    checkpoints.save(folder, step, {**weights, **averaged})
    return folder


def test_order(backlog: Any, make_run: Make) -> None:
    old = make_run((0, 10))
    live = make_run((0, 10), state="training")
    other = make_run((5,), state="training")
    new = make_run((0,))
    backlog.refresh()
    turns = [(other, 5), (live, 10), (live, 0), (new, 0), (old, 10), (old, 0)]
    assert taken(backlog) == [(run.id, step, *rest) for run, step in turns for rest in OF_A_CHECKPOINT]


def test_what_is_stored_is_not_due(backlog: Any, make_run: Make, store: Store) -> None:
    run = make_run((0,))
    stored = [Score(0, average, split, 1, 1, 1.0, 0.1) for average, split in OF_A_CHECKPOINT]
    store.add_evaluation(run.id, stored[0], b"a", b"abcd")
    backlog.refresh()
    store.add_evaluation(run.id, stored[1], b"a", b"abcd")
    assert taken(backlog) == [(run.id, 0, "", "test"), (run.id, 0, EMA, "test")]


def test_of_another_program_only_what_is_recorded_is_due(backlog: Any, store: Store, tmp_path: Path) -> None:
    """Before that, nobody knows which averages it holds: its raw numbers alone would look like a result."""
    folder = tmp_path / "theirs"
    weights = init((8,), seed=1)
    run = store.watch(watched_config(folder_with(folder, 5, weights)))
    backlog.refresh()
    assert taken(backlog) == []
    saved = checkpoints.list_checkpoints(folder)[-1]
    assert saved.stamp
    config = watched_config(folder).model_copy(update={"averages": (WatchedAverage(name=EMA),)})
    store.add_sight(run.id, config, "", [as_recorded(saved, saved.stamp)])
    folder_with(folder, 6, weights)
    backlog.refresh()
    assert taken(backlog) == [(run.id, 5, *rest) for rest in OF_A_CHECKPOINT]


def test_what_failed_is_due_again_only_when_it_is_written_anew(
    backlog: Any, make_run: Make, settings: Settings
) -> None:
    run = make_run((0,), state="training")
    backlog.refresh()
    jobs = list(iter(backlog.next, None))
    for job in jobs:
        backlog.give_up(job)
    backlog.refresh()
    assert taken(backlog) == []
    folder = settings.run_folder(run.id)
    before = checkpoints.find(folder, 0)
    times = before.index.stat()
    saved = checkpoints.save(folder, 0, {**checkpoints.read(before), "more": 1.0})
    os.utime(saved.index, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a copy that keeps times
    backlog.refresh()
    assert len(taken(backlog)) == 4


def test_what_is_put_off_is_due_again_after_a_while_each_time_longer(
    backlog: Any, make_run: Make, store: Store, clock: SimpleNamespace
) -> None:
    run = make_run((0,))
    backlog.refresh()
    assert backlog.retry_at == math.inf
    first, *others = list(iter(backlog.next, None))
    for job in others:
        store.add_evaluation(run.id, Score(0, job.average, job.split, 1, 1, 1.0, 0.1), b"a", b"abcd")
    pauses = []
    for _ in range(8):
        backlog.put_off(first)
        retry_at = backlog.retry_at
        pauses.append(retry_at - clock.now)
        clock.now = retry_at - 1
        backlog.refresh()
        assert (taken(backlog), backlog.retry_at) == ([], retry_at)
        clock.now = retry_at
        backlog.refresh()
        assert (taken(backlog), backlog.retry_at) == ([first.key], math.inf)
    assert pauses == [10, 20, 40, 80, 160, 300, 300, 300]
    store.add_evaluation(run.id, Score(0, first.average, first.split, 1, 1, 1.0, 0.1), b"a", b"abcd")
    backlog.refresh()
    assert (taken(backlog), backlog.retry_at) == ([], math.inf)


def test_a_run_whose_folder_cannot_be_read_stops_nothing(
    backlog: Any, make_run: Make, settings: Settings, said: list[tuple[str, str]]
) -> None:
    good, bad = make_run((0,)), make_run((0,))
    folder = settings.run_folder(bad.id)
    away = folder.rename(settings.home / "away")
    folder.touch()
    backlog.refresh()
    assert {run_id for run_id, *_ in taken(backlog)} == {good.id}
    assert [run_id for run_id, _ in said] == [bad.id]
    assert "cannot be read: Not a directory" in said[0][1]
    assert backlog.retry_at < math.inf
    folder.unlink()
    away.rename(folder)
    backlog.refresh()
    assert {run_id for run_id, *_ in taken(backlog)} == {good.id, bad.id}


def test_nothing_is_kept_of_runs_that_are_deleted(backlog: Any, make_run: Make, store: Store) -> None:
    runs = [make_run((0,)), make_run((0,)), make_run((0,)), make_run()]
    backlog.refresh()
    for job in iter(backlog.next, None):
        (backlog.give_up if job.run == runs[0] else backlog.put_off)(job)
    backlog.refresh()
    for run in runs:
        store.delete_run(run.id)
    backlog.refresh()
    assert (backlog._known, backlog.retry_at) == ({}, math.inf)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_checkpoints_of_live_runs_are_evaluated_as_they_come(
    client: httpx2.Client, make_run: Make, store: Store, settings: Settings
) -> None:
    done = make_run((0,))
    until(lambda: len(store.scores(done.id)) == 4)
    run = make_run((0,), state="training")
    until(lambda: len(store.scores(run.id)) == 4)
    folder = settings.run_folder(run.id)
    saved = checkpoints.save(folder, 10, checkpoints.read(checkpoints.find(folder, 0)))
    store.add_checkpoint(run.id, "worker", 10, saved.bytes)
    until(lambda: len(store.scores(run.id)) == 8)
    assert client.get(f"/evaluate?run={run.id}&ema=true").json()["cached"]


def test_what_cannot_be_evaluated_is_said_once_and_stops_nothing(
    make_run: Make,
    store: Store,
    settings: Settings,
    serving: Callable[[], Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = make_run((0,))
    damaged, _, unsuitable, empty = (
        make_run((0, 10)),
        make_run((0, 10), data=str(tmp_path / "gone")),
        make_run((0,), averages=[]),
        make_run((0,)),
    )
    data = settings.run_folder(damaged.id) / "model.ckpt-10.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    shutil.rmtree(settings.run_folder(empty.id))
    checkpoints.save(settings.run_folder(unsuitable.id), 0, {"colour": 1.0})
    caplog.set_level(logging.WARNING)
    with serving():
        until(lambda: len(store.scores(good.id)) == 4 and len(store.scores(damaged.id)) == 4)
        time.sleep(0.3)
    said = [record.getMessage() for record in caplog.records if record.name == "server.evaluating"]
    assert len(said) == 3
    assert any("model.ckpt-10 is damaged" in sentence for sentence in said)
    assert any("gone does not exist" in sentence for sentence in said)
    assert any("holds no weights; expected a chain" in sentence for sentence in said)


def test_data_that_come_back_are_evaluated_with(
    make_run: Make,
    store: Store,
    serving: Callable[[], Any],
    small_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("server.backlog._SHORTEST_SECONDS", 0.05)
    monkeypatch.setattr("server.datasets._RETRY_SECONDS", 0.0)
    run = make_run((0, 10), data=str(tmp_path / "data"), batch_size=10)
    with serving() as client:
        client.get("/evaluate")
        until(lambda: client.get("/readyz").json()["last_error"])
        until(lambda: client.get("/readyz").json()["evaluator"] == "idle")
        shutil.copytree(small_data, tmp_path / "data")
        until(lambda: len(store.scores(run.id)) == 8)
    complaints = [record for record in caplog.records if record.name == "server.evaluating"]
    assert sum("data does not exist" in record.getMessage() for record in complaints) == 1


def test_a_deleted_run_stops_nothing(make_run: Make, store: Store, serving: Callable[[], Any]) -> None:
    good, gone = make_run((0,)), make_run((0,))
    store.delete_run(gone.id)
    with serving():
        until(lambda: len(store.scores(good.id)) == 4)


def test_a_store_that_fails_is_tried_again(
    make_run: Make, store: Store, serving: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from shadowboard.errors import StoreUnavailable

    run = make_run((0,))
    monkeypatch.setattr("server.evaluating._PAUSE_SECONDS", 0.05)
    add, failures = Store.add_evaluation, []

    def flaky(self: Store, *arguments: Any) -> None:
        if len(failures) < 3:
            failures.append(1)
            raise StoreUnavailable("The database is full.")
        add(self, *arguments)

    monkeypatch.setattr(Store, "add_evaluation", flaky)
    with serving():
        until(lambda: len(store.scores(run.id)) == 4)
