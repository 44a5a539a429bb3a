"""How a run goes from one state to another, and who may take it there."""

from contextlib import suppress
from threading import Barrier, Thread

import pytest

from shadowboard.configuration import RunConfig
from shadowboard.errors import LeaseLost, RunBusy, RunMissing
from shadowboard.records import Metric, State
from shadowboard.store import Store
from tests.shadowboard.test_store import claimed


def test_only_the_holder_writes(store: Store) -> None:
    run = claimed(store, "old")
    store.add_progress(run.id, "old", 20, 100.0, [Metric(20, 0.5)])
    stale = store.run(run.id)
    assert store.take_over(stale, "new")
    assert not store.take_over(stale, "third")
    for write in (
        lambda: store.heartbeat(run.id, "old"),
        lambda: store.add_progress(run.id, "old", 40, 1.0, [Metric(40, 9.0)]),
        lambda: store.add_checkpoint(run.id, "old", 40, 1),
        lambda: store.begin_at(run.id, "old", 0),
        lambda: store.release(run.id, "old", "finished", ""),
    ):
        with pytest.raises(LeaseLost, match="taken over"):
            write()
    assert store.run(run.id).worker == "new"
    assert [m.step for m in store.metrics(run.id)] == [20]
    assert store.checkpoints(run.id) == []


def test_a_run_that_beats_cannot_be_taken(store: Store) -> None:
    run = claimed(store)
    seen = store.run(run.id)
    store.heartbeat(run.id, "w")
    assert not store.take_over(seen, "thief")


def test_a_stop_reaches_the_worker_and_is_forgotten_after(store: Store) -> None:
    run = claimed(store)
    assert not store.heartbeat(run.id, "w")
    store.request_stop(run.id)
    assert store.heartbeat(run.id, "w")
    store.release(run.id, "w", "stopped", "Stopped at step 3.")
    ended = store.run(run.id)
    assert (ended.state, ended.message, ended.worker, ended.stop_requested) == (
        "stopped",
        "Stopped at step 3.",
        None,
        False,
    )
    assert ended.finished_at is not None
    with pytest.raises(RunBusy, match="neither queued nor in training"):
        store.request_stop(run.id)


def test_a_stop_outlives_the_worker_that_did_not_hear_it(store: Store) -> None:
    run = claimed(store, "died")
    store.request_stop(run.id)
    assert store.take_over(store.run(run.id), "next")
    assert store.heartbeat(run.id, "next")


def test_a_queued_run_stops_at_once(store: Store) -> None:
    run = store.create_run(RunConfig())
    store.request_stop(run.id)
    assert store.run(run.id).state == "stopped"
    assert store.claim("w") is None


def test_a_run_whose_worker_is_silent_is_stopped_for_good(store: Store) -> None:
    run = claimed(store)
    store.add_progress(run.id, "w", 20, 1.0, [Metric(20, 0.5)])
    store.request_stop(run.id)
    silent = store.run(run.id)
    store.heartbeat(run.id, "w")
    assert not store.stop_silent(silent)
    silent = store.run(run.id)
    assert store.stop_silent(silent)
    assert not store.stop_silent(silent)
    stopped = store.run(run.id)
    assert (stopped.state, stopped.worker, stopped.stop_requested) == ("stopped", None, False)
    assert stopped.message == "Stopped at step 20 while nothing was heard of its worker."
    assert stopped.finished_at is not None
    with pytest.raises(LeaseLost):
        store.add_progress(run.id, "w", 40, 1.0, [Metric(40, 0.4)])
    store.requeue(run.id)  # nor is it the old worker's again when it goes on
    assert store.claim("next") is not None
    with pytest.raises(LeaseLost):
        store.release(run.id, "w", "finished", "")
    assert store.run(run.id).worker == "next"


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_an_ended_run_goes_back_into_the_queue(store: Store, state: State) -> None:
    run = claimed(store)
    store.add_checkpoint(run.id, "w", 10, 1)
    store.release(run.id, "w", state, "why")
    store.requeue(run.id)
    again = store.run(run.id)
    assert (again.state, again.message, again.finished_at) == ("queued", "", None)
    assert again.latest_checkpoint == 10
    assert store.claim("next") == store.run(run.id)


@pytest.mark.parametrize("state", ["queued", "training", "finished", "diverged"])
def test_any_other_run_does_not(store: Store, state: State) -> None:
    run = store.create_run(RunConfig()) if state == "queued" else claimed(store)
    if state not in {"queued", "training"}:
        store.release(run.id, "w", state, "")
    before = store.run(run.id)
    with pytest.raises(RunBusy, match=f"is {state}; only a run that was stopped or has failed"):
        store.requeue(run.id)
    assert store.run(run.id) == before
    with pytest.raises(RunMissing):
        store.requeue("x")


def test_a_run_is_claimed_or_deleted_but_never_both(store: Store) -> None:
    ids = [store.create_run(RunConfig()).id for _ in range(20)]
    barrier, claims, deleted = Barrier(2), [], []

    def claim() -> None:
        barrier.wait()
        while run := store.claim("w"):
            claims.append(run.id)

    thread = Thread(target=claim)
    thread.start()
    barrier.wait()
    for run_id in reversed(ids):  # they meet in the middle
        with suppress(RunBusy):
            store.delete_run(run_id)
            deleted.append(run_id)
    thread.join()
    assert sorted(claims + deleted) == sorted(ids)
    assert {run.id for run in store.runs(state="training")} == set(claims)


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_an_ended_run_can_be_taken_again(store: Store, state: State) -> None:
    run = claimed(store)
    store.release(run.id, "w", state, "why")
    assert store.take_over(store.run(run.id), "again")
    taken = store.run(run.id)
    assert (taken.state, taken.message, taken.finished_at) == ("training", "", None)
