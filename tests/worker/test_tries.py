"""A run that ends every worker that takes it, beside one that does not."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from shadowboard import lease
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.records import Run
from shadowboard.store import Store
from worker import tries
from worker.loop import next_run, run_once, take_over


def lost(store: Store, run: Run, worker: str, *, at: int) -> Run:
    """The run as its worker leaves it that is lost at a step."""
    store.add_progress(run.id, worker, at, 0.0, [])
    return store.run(run.id)


def test_a_run_is_given_up_after_so_many_workers(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", "worker")  # which a command in the foreground keeps quiet
    run = store.create_run(RunConfig(), worker="0")
    store.add_checkpoint(run.id, "0", 1000, 1)
    for number in range(1, tries.MOST):
        stalled = lost(store, run, str(number - 1), at=1020)
        taken = take_over(store, [stalled], str(number))
        assert taken is not None
        assert taken.state == "training"
        assert f"this is try {number + 1} of {tries.MOST}." in taken.message
        assert "checkpoint of step 1000;" in taken.message
    stalled = lost(store, run, str(tries.MOST - 1), at=1020)
    assert take_over(store, [stalled], "last") is None
    failed = store.run(run.id)
    assert (failed.state, failed.worker) == ("failed", None)
    assert failed.message.startswith(
        "Its worker was lost 5 times after the checkpoint of step 1000, the last time at step 1020, so it is "
    )
    assert failed.message in caplog.messages[-1]
    store.requeue(run.id)  # a person wants it all the same: it is counted anew
    claimed = store.claim("after")
    assert claimed is not None
    taken = take_over(store, [lost(store, claimed, "after", at=1020)], "next")
    assert taken is not None
    assert "this is try 2 of 5." in taken.message


def test_one_that_gets_on_is_tried_for_ever(store: Store) -> None:
    run = store.create_run(RunConfig(), worker="0")
    for number in range(1, 3 * tries.MOST):
        store.add_checkpoint(run.id, str(number - 1), number, 1)
        taken = take_over(store, [store.run(run.id)], str(number))
        assert taken is not None
        assert "this is try 2 of 5." in taken.message


def test_what_a_person_writes_is_no_count() -> None:
    run = replace(a_run(), message="This is try 5 of 5.")
    assert "try 2 of 5" in str(tries.message_of_next(run))


def a_run() -> Run:
    text = {"id": "x", "name": "x", "state": "training", "message": "", "worker": "w"}
    numbers = {"step": 5, "steps_per_second": 0.0, "beat": 1, "created_at": 0.0}
    none = dict.fromkeys(("heartbeat_at", "started_at", "finished_at", "latest_checkpoint"))
    values = text | numbers | none | {"config": RunConfig(), "stop_requested": False}
    return Run(**values)  # type: ignore[arg-type]


def test_the_queue_goes_on_behind_it(
    store: Store, tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker after the other is lost past the first step; the last one trains what waits."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.0)
    knobs = {"steps": 20, "batch_size": 20, "hidden": [4], "data": str(small_data)}
    fatal = store.create_run(parse_config(knobs), worker="0")
    store.add_progress(fatal.id, "0", 60, 0.0, [])
    waiting = store.create_run(parse_config(knobs))
    taken: list[str] = []
    for number in range(1, 10):
        watch = lease.Watch()
        watch.stalled(store.runs())
        run = next_run(store, watch, f"worker {number}")
        if run is None:  # this one has given it up, and looks again in a moment
            continue
        taken.append(run.id)
        if run.id == waiting.id:
            break
        store.add_progress(run.id, f"worker {number}", 60, 0.0, [])
    assert taken == [fatal.id] * (tries.MOST - 1) + [waiting.id]
    assert run is not None
    ended = run_once(store, run, f"worker {number}", tmp_path, threading.Event(), "queued")
    assert (ended.state, store.run(fatal.id).state) == ("finished", "failed")
