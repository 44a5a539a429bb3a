import time
from types import SimpleNamespace

import pytest

from shadowboard import lease
from shadowboard.configuration import RunConfig
from shadowboard.lease import Watch
from shadowboard.store import Store


def test_only_a_standing_beat_is_stalled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    # Not the module's own: event loops in other threads go by it.
    monkeypatch.setattr(lease, "time", SimpleNamespace(monotonic=lambda: now))
    alive, dead = store.create_run(RunConfig(), worker="a"), store.create_run(RunConfig(), worker="d")
    watch = Watch()
    for _ in range(6):
        assert watch.stalled(store.runs(state="training")) == []
        now += 0.9
        store.heartbeat(alive.id, "a")
    assert [run.id for run in watch.unheard(store.runs(state="training"))] == [dead.id]
    assert [run.id for run in watch.stalled(store.runs(state="training"))] == [dead.id]


def test_another_worker_of_a_run_is_yet_to_be_heard(store: Store) -> None:
    run = store.create_run(RunConfig(), worker="a")
    watch = Watch()
    for heard in (False, True):
        watch.stalled([store.run(run.id)])
        assert bool(watch.unheard([store.run(run.id)])) is not heard
        store.heartbeat(run.id, "a")
    assert store.take_over(store.run(run.id), "b")
    watch.stalled([store.run(run.id)])
    assert watch.unheard([store.run(run.id)])


def test_the_wall_clock_plays_no_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create_run(RunConfig(), worker="w")
    watch = Watch()
    watch.stalled([store.run(run.id)])
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert watch.stalled([store.run(run.id)]) == []
