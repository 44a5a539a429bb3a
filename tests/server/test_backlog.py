import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shadowboard import checkpoints
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store

Make = Callable[..., Run]
EMA = "ExponentialMovingAverage"
OF_A_CHECKPOINT = [("", "validation"), (EMA, "validation"), ("", "test"), (EMA, "test")]


@pytest.fixture
def backlog(store: Store, settings: Settings) -> Any:
    from server.backlog import Backlog
    from server.restoring import Restorer

    return Backlog(store, Restorer(settings.run_folder, 2**20))


def taken(backlog: Any) -> list[tuple[str, int, str, str]]:
    return [job.key for job in iter(backlog.next, None)]


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
    time.sleep(0.02)
    folder = settings.run_folder(run.id)
    checkpoints.save(folder, 0, checkpoints.read(checkpoints.find(folder, 0)))
    backlog.refresh()
    assert len(taken(backlog)) == 4


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
    assert any("holds no layer1/weights" in sentence for sentence in said)


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
