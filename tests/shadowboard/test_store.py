import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest

from shadowboard.configuration import RunConfig
from shadowboard.errors import LeaseLost, RunBusy, RunMissing, StoreUnavailable
from shadowboard.records import Cursor, Metric, Run, Score, State
from shadowboard.store import Store


def claimed(store: Store, worker: str = "w") -> Run:
    store.create_run(RunConfig())
    run = store.claim(worker)
    assert run is not None
    return run


def test_a_run_comes_back_as_it_was_queued(store: Store) -> None:
    run = store.create_run(RunConfig(seed=7, steps=10), "mine")
    assert (run.name, run.state, run.config.seed, run.latest_checkpoint) == ("mine", "queued", 7, None)
    assert store.run(run.id) == store.run("mine") == run
    assert store.create_run(RunConfig(seed=7)).name == "seed 7"


def test_runs_are_listed_newest_first(store: Store) -> None:
    ids = [store.create_run(RunConfig(seed=seed)).id for seed in range(3)]
    assert [run.id for run in store.runs()] == ids[::-1]
    assert [run.id for run in store.runs(limit=1)] == ids[:1:-1]
    assert store.runs(state="training") == []


def test_the_newest_run_with_a_checkpoint_is_preferred(store: Store) -> None:
    with pytest.raises(RunMissing, match="no run yet"):
        store.newest_run()
    first = claimed(store)
    second = store.create_run(RunConfig())
    assert store.newest_run().id == second.id
    store.add_checkpoint(first.id, "w", 0, 10)
    assert store.newest_run().id == first.id
    assert store.newest_run().latest_checkpoint == 0


def test_an_unknown_run_is_named(store: Store) -> None:
    with pytest.raises(RunMissing, match="no run 'x'"):
        store.run("x")


def test_the_oldest_queued_run_is_claimed_first(store: Store) -> None:
    first, second = store.create_run(RunConfig()), store.create_run(RunConfig())
    taken = [store.claim("a"), store.claim("b"), store.claim("c")]
    assert [run.id if run else None for run in taken] == [first.id, second.id, None]


def test_many_claimants_get_each_run_once(store: Store) -> None:
    ids = {store.create_run(RunConfig()).id for _ in range(6)}
    barrier, taken = Barrier(8), []

    def claim(name: str) -> None:
        barrier.wait()
        while run := store.claim(name):
            taken.append(run.id)

    threads = [Thread(target=claim, args=(f"w{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids)


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


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_an_ended_run_can_be_taken_again(store: Store, state: State) -> None:
    run = claimed(store)
    store.release(run.id, "w", state, "why")
    assert store.take_over(store.run(run.id), "again")
    taken = store.run(run.id)
    assert (taken.state, taken.message, taken.finished_at) == ("training", "", None)


def test_a_resumed_run_forgets_what_lay_beyond_but_no_evaluation(store: Store) -> None:
    run = claimed(store)
    store.add_progress(run.id, "w", 40, 1.0, [Metric(20, 0.5), Metric(40, 0.4)])
    for step in (0, 20, 40):
        store.add_checkpoint(run.id, "w", step, 10)
        store.add_checkpoint(run.id, "w", step, 10)
    store.add_evaluation(run.id, Score(40, "", "test", 2, 1, 0.5, 0.01), b"\1\2", b"12345678")
    store.begin_at(run.id, "w", 20)
    assert [m.step for m in store.metrics(run.id)] == [20]
    assert [c.step for c in store.checkpoints(run.id)] == [0, 20]
    assert [s.step for s in store.scores(run.id)] == [40]
    assert store.run(run.id).step == 20


def test_an_evaluation_is_stored_once_and_whole(store: Store) -> None:
    run = claimed(store)
    score = Score(5, "EMA_0.9", "validation", 2, 1, None, 0.25)
    store.add_evaluation(run.id, score, b"\1\2", b"12345678")
    store.add_evaluation(run.id, score, b"\3\4", b"")
    found = store.evaluation(run.id, 5, "EMA_0.9", "validation")
    assert found is not None
    assert (found.predictions, found.confidences) == (b"\1\2", b"12345678")
    assert (found.score.correct, found.score.loss, found.score.seconds) == (1, None, 0.25)
    assert store.evaluation(run.id, 5, "", "validation") is None
    assert len(store.scores(run.id)) == 1


def test_an_evaluation_of_no_run_is_refused(store: Store) -> None:
    with pytest.raises(RunMissing, match="gone was deleted"):
        store.add_evaluation("gone", Score(0, "", "test", 1, 1, 0.0, 0.0), b"", b"")


def test_a_reader_that_goes_on_from_its_cursor_misses_nothing(store: Store) -> None:
    run = claimed(store)
    assert store.cursor() == Cursor()
    store.add_progress(run.id, "w", 20, 1.0, [Metric(20, 0.5)])
    before = store.cursor()
    store.add_progress(run.id, "w", 40, 1.0, [Metric(40, 0.4)])
    assert [m.step for m in store.metrics(run.id, after=before.metric)] == [40]
    assert store.metrics(run.id, after=store.cursor().metric) == []


def test_the_store_outlives_its_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'er' / 's.db'}"
    store = Store(url)
    run = store.create_run(RunConfig())
    store.close()
    assert Store(url).run(run.id) == run


def test_a_new_database_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    code = f"from shadowboard.store import Store; Store({url!r}).runs()"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6


def test_a_configuration_of_another_version_is_named(store: Store, tmp_path: Path) -> None:
    run = store.create_run(RunConfig())
    with closing(sqlite3.connect(tmp_path / "shadowboard.db")) as database, database:
        database.execute("UPDATE runs SET config = '{\"speed\": 3}'")
    with pytest.raises(StoreUnavailable, match=f"The run {run.id} has a configuration that this version"):
        store.runs()


def test_a_database_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(StoreUnavailable, match=r"s\.db cannot be used: file is not a database"):
        Store(f"sqlite:///{tmp_path / 's.db'}")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        Store("no url at all")
    with pytest.raises(StoreUnavailable, match="cannot be created: Not a directory"):
        Store(f"sqlite:///{tmp_path / 's.db' / 'x' / 's.db'}")
