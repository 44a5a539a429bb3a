"""The loop with real runs on a small share of MNIST, in threads where a person would use processes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shadowboard import checkpoints, lease
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.errors import LeaseLost, StoreUnavailable
from shadowboard.records import Metric
from shadowboard.store import Store
from worker.loop import run_once, work, worker_name
from worker.training import Advanced, Event


@pytest.fixture
def config(small_data: Path) -> Callable[..., RunConfig]:
    def make(**knobs: Any) -> RunConfig:
        small = {"steps": 100, "batch_size": 20, "hidden": [16], "save_every": 50, "data": str(small_data)}
        return parse_config(small | knobs)

    return make


def wait_for(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up, "waited for a minute"
        time.sleep(0.02)


@contextmanager
def working(store: Store, folder: Path) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(store, lambda run_id: folder / run_id, stop))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


def test_queued_runs_are_trained_one_after_the_other(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig]
) -> None:
    runs = [store.create_run(config(seed=seed)) for seed in (0, 1)]
    with working(store, tmp_path):
        wait_for(lambda: all(store.run(run.id).state == "finished" for run in runs))
    for run in runs:
        ended = store.run(run.id)
        assert (ended.step, ended.latest_checkpoint, ended.worker, ended.message) == (100, 100, None, "")
        assert ended.steps_per_second > 0
        assert [c.step for c in store.checkpoints(run.id)] == [0, 50, 100]
        metrics = store.metrics(run.id)
        assert metrics[0].step == 1
        assert metrics[-1].step == 100
        assert metrics[-1].loss < metrics[0].loss


def test_a_stop_request_ends_the_run_with_a_checkpoint(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig]
) -> None:
    run = store.create_run(config(steps=50_000_000, save_every=10_000_000))
    with working(store, tmp_path):
        wait_for(lambda: store.run(run.id).step > 100)
        store.request_stop(run.id)
        wait_for(lambda: store.run(run.id).state == "stopped")
    ended = store.run(run.id)
    assert ended.message == f"Stopped at step {ended.step}."
    assert ended.latest_checkpoint == ended.step > 100


def test_an_interrupted_run_goes_back_to_the_queue_and_on(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig]
) -> None:
    run = store.create_run(config(steps=3_000, save_every=10_000_000))
    with working(store, tmp_path):
        wait_for(lambda: store.run(run.id).step > 20)
    interrupted = store.run(run.id)
    assert (interrupted.state, interrupted.worker) == ("queued", None)
    assert interrupted.latest_checkpoint == interrupted.step < 3_000
    with working(store, tmp_path):
        wait_for(lambda: store.run(run.id).state == "finished")
    steps = [m.step for m in store.metrics(run.id)]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize(
    ("knobs", "state", "message"),
    [
        ({"data": "no-such-folder"}, "failed", "no-such-folder does not exist"),
        ({"batch_size": 5_000}, "failed", "batch_size is 5000, but there are only 1100 training images"),
        ({"learning_rate": 100_000.0}, "diverged", "the last good checkpoint is that of step 0"),
    ],
)
def test_a_run_that_cannot_be_trained_says_why_and_the_worker_lives_on(
    store: Store,
    tmp_path: Path,
    config: Callable[..., RunConfig],
    knobs: dict[str, Any],
    state: str,
    message: str,
) -> None:
    bad, good = store.create_run(config(**knobs)), store.create_run(config())
    with working(store, tmp_path):
        wait_for(lambda: store.run(good.id).state == "finished")
    assert store.run(bad.id).state == state
    assert message in store.run(bad.id).message


def test_two_workers_never_train_one_run(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig]
) -> None:
    runs = [store.create_run(config(seed=seed)) for seed in range(4)]
    with working(store, tmp_path), working(store, tmp_path):
        wait_for(lambda: all(store.run(run.id).state == "finished" for run in runs))
    for run in runs:
        steps = [m.step for m in store.metrics(run.id)]
        assert steps == sorted(set(steps)), "a second worker would have written its own"


def test_a_run_whose_worker_died_is_taken_over(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1.0)
    run = store.create_run(config(), worker="died without a word")
    with working(store, tmp_path):
        wait_for(lambda: store.run(run.id).state == "finished")


@pytest.mark.parametrize(("step", "first"), [(60, "interrupted"), (0, "waiting")])
def test_an_interrupted_run_goes_before_the_queue_unless_it_died_at_its_start(
    store: Store,
    tmp_path: Path,
    config: Callable[..., RunConfig],
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    first: str,
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1.0)
    interrupted = store.create_run(config(), "interrupted", worker="died without a word")
    store.add_progress(interrupted.id, "died without a word", step, 0.0, [])
    waiting = store.create_run(config(), "waiting")
    with working(store, tmp_path):
        wait_for(lambda: {r.state for r in store.runs()} == {"finished"})
    ended = sorted(
        (store.run(run.id) for run in (interrupted, waiting)), key=lambda run: run.finished_at or 0
    )
    assert ended[0].name == first


def test_a_run_of_a_living_worker_holds_up_no_other(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig]
) -> None:
    others = store.create_run(config(), "another's", worker="alive")
    store.add_progress(others.id, "alive", 60, 0.0, [])
    waiting = store.create_run(config(), "waiting")

    def beaten_and_finished() -> bool:
        store.heartbeat(others.id, "alive")
        return store.run(waiting.id).state == "finished"

    with working(store, tmp_path):
        wait_for(beaten_and_finished)
    assert store.run(others.id).worker == "alive"


def test_a_store_that_fails_for_a_while_costs_no_run(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1.0)
    run = store.create_run(config(steps=3_000))
    progress, failures = store.add_progress, iter([True])

    def fail_once(run_id: str, worker: str, step: int, speed: float, metrics: list[Metric]) -> bool:
        if step > 500 and next(failures, False):
            raise StoreUnavailable("The database is locked.")
        return progress(run_id, worker, step, speed, metrics)

    monkeypatch.setattr(store, "add_progress", fail_once)
    with working(store, tmp_path):
        wait_for(lambda: store.run(run.id).state == "finished")
    assert next(failures, None) is None, "the failure took place"


def test_a_worker_that_lost_its_run_writes_nothing_more(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig]
) -> None:
    run = store.create_run(config(steps=100_000, save_every=1_000), worker="first")

    def lose_it_at_once(event: Event) -> None:
        if isinstance(event, Advanced):
            assert store.take_over(store.run(run.id), "second")

    with pytest.raises(LeaseLost):
        run_once(store, run, "first", tmp_path, threading.Event(), "queued", lose_it_at_once)
    assert [c.step for c in checkpoints.list_checkpoints(tmp_path)] == [0]
    after = store.run(run.id)
    assert (after.worker, after.state) == ("second", "training")


def test_what_nobody_expected_is_told_in_a_line(
    store: Store, tmp_path: Path, config: Callable[..., RunConfig]
) -> None:
    def fail(_event: Event) -> None:
        raise ArithmeticError("\x1b[2J\0 " + 70_000 * "x" + "\n  in a kernel")

    run = store.create_run(config(), worker="first")
    ended = run_once(store, run, "first", tmp_path, threading.Event(), "queued", fail)
    assert (ended.state, ended.worker) == ("failed", None)
    assert ended.message.startswith("ArithmeticError: �[2J� xxx")
    assert ended.message.endswith("xxx (the worker's log has more).")
    assert len(ended.message) < 300


def test_worker_names_differ() -> None:
    assert worker_name() != worker_name()
