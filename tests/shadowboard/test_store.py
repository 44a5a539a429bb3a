from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import Connection, event, func, select, update

from shadowboard.configuration import RunConfig
from shadowboard.errors import RunBusy, RunMissing, StoreUnavailable
from shadowboard.records import Cursor, Metric, Run, Score
from shadowboard.schema import checkpoints, evaluations, readings, runs, training_metrics
from shadowboard.store import Store
from shadowboard.variants import parse_plan
from shadowboard.watched import WatchedConfig


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
    for limit, newest in ((1, ids[:1:-1]), (None, ids[::-1])):
        found, unreadable, total = store.newest_runs(limit)
        assert ([run.id for run in found], unreadable, total) == (newest, [], 3)
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


def test_saved_runs_come_newest_first_each_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(store.saved_runs()) == []
    times = [5.0, 7.0, 7.0, 7.0, 6.0]
    saved = []
    for now in times:
        monkeypatch.setattr("shadowboard.store.time.time", lambda now=now: now)
        saved.append(claimed(store))
        store.add_checkpoint(saved[-1].id, "w", 0, 10)
    store.create_run(RunConfig())
    expected = sorted(saved, key=lambda run: (-run.created_at, run.id))
    assert [run.id for run in store.saved_runs()] == [run.id for run in expected]


def test_an_unknown_run_is_named(store: Store) -> None:
    with pytest.raises(RunMissing, match="no run 'x'"):
        store.run("x")


def test_the_oldest_queued_run_is_claimed_first(store: Store) -> None:
    first, second = store.create_run(RunConfig()), store.create_run(RunConfig())
    taken = [store.claim("a"), store.claim("b"), store.claim("c")]
    assert [run.id if run else None for run in taken] == [first.id, second.id, None]


def test_a_name_is_changed(store: Store) -> None:
    run = store.create_run(RunConfig(), "before")
    store.rename_run(run.id, "after")
    assert store.run("after").id == run.id
    with pytest.raises(RunMissing, match="no run 'before'"):
        store.run("before")
    with pytest.raises(RunMissing, match="no run 'x'"):
        store.rename_run("x", "y")


def test_finished_runs_are_those_that_were_evaluated(store: Store) -> None:
    made = [claimed(store) for _ in range(4)]
    first, second, stopped, empty = (run.id for run in made)
    for run_id in (first, second, stopped):
        store.add_evaluation(run_id, Score(0, "", "validation", 2, 1, 0.5, 0.01), b"", b"")
    assert list(store.finished_runs()) == []
    for run_id in (first, second, empty):
        store.release(run_id, "w", "finished", "")
    store.release(stopped, "w", "stopped", "")
    assert [run.id for run in store.finished_runs()] == [second, first]


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


@pytest.mark.parametrize("before", [False, True], ids=["new", "stopped before"])
def test_a_folder_that_many_watch_at_once_has_one_run(store: Store, before: bool) -> None:
    config = WatchedConfig(folder="/theirs")
    if before:
        store.request_stop(store.watch(config).id)
    store.watch(WatchedConfig(folder="/another"))
    start, watched = Barrier(12), list[Run]()

    def watch() -> None:
        start.wait()
        watched.append(store.watch(config, "ours"))

    threads = [Thread(target=watch) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(watched) == 12
    (run,) = {run.id: run for run in watched}.values()
    assert (run.name, run.state, run.folder) == ("ours", "watched", store.run(run.id).folder)
    assert len(store.runs()) == 2


def test_an_activation_that_is_given_later_is_no_more_assumed(store: Store) -> None:
    assumed = WatchedConfig(folder="/theirs")
    given = WatchedConfig(folder="/theirs", activation_from="given")
    run = store.watch(assumed)
    assert run.config.activation_is_assumed  # type: ignore[union-attr]
    assert store.watch(assumed).config == assumed
    assert (store.watch(given).id, store.watch(assumed).config) == (run.id, given)
    other = store.watch(WatchedConfig(folder="/theirs", activation="tanh", activation_from="given"))
    assert other.id != run.id
    told = given.model_copy(update={"activation": "sigmoid", "activation_from": "checkpoint"})
    store.add_sight(run.id, told, "", [])
    store.delete_run(other.id)
    for asked in (assumed, other.config):  # whatever anybody takes it to be
        assert isinstance(asked, WatchedConfig)
        assert (store.watch(asked).id, store.watch(asked).config) == (run.id, told)


def test_a_deleted_run_leaves_nothing(store: Store) -> None:
    kept, gone = claimed(store), claimed(store)
    for run in (kept, gone):
        store.add_progress(run.id, "w", 20, 1.0, [Metric(20, 0.5)])
        store.add_checkpoint(run.id, "w", 20, 1)
        store.add_evaluation(run.id, Score(20, "", "test", 2, 1, 0.5, 0.01), b"\1\2", b"12345678")
    with pytest.raises(RunBusy, match="in training; stop it first"):
        store.delete_run(gone.id)
    store.release(gone.id, "w", "stopped", "")
    store.delete_run(gone.id)
    with store._database.begin() as connection:
        for table in (runs, training_metrics, checkpoints, evaluations, readings):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 1
    assert store.evaluation(kept.id, 20, "", "test") is not None
    with pytest.raises(RunMissing, match=f"no run with the id '{gone.id}'"):
        store.delete_run(gone.id)
    with pytest.raises(RunMissing):
        store.request_stop(gone.id)


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


def test_a_reader_that_goes_on_from_its_cursor_misses_nothing(store: Store) -> None:
    run = claimed(store)
    assert store.cursor() == Cursor()
    store.add_progress(run.id, "w", 20, 1.0, [Metric(20, 0.5)])
    before = store.cursor()
    store.add_progress(run.id, "w", 40, 1.0, [Metric(40, 0.4)])
    assert [m.step for m in store.metrics(run.id, after=before.metric)] == [40]
    assert store.metrics(run.id, after=store.cursor().metric) == []


def test_a_configuration_of_another_version_is_named_and_hides_no_other(store: Store) -> None:
    older, good, newer = (store.create_run(RunConfig(seed=seed)) for seed in range(3))
    bad = [older.id, newer.id]
    with store._database.begin() as connection:
        connection.execute(update(runs).where(runs.c.id.in_(bad)).values(config='{"speed": 3}'))
    for run_id in bad:
        assert store.has_run(run_id)
        with pytest.raises(
            StoreUnavailable, match=f"^The run {run_id} has a configuration that this version cannot read.$"
        ):
            store.run(run_id)
    assert store.runs() == [store.newest_run()] == [good]
    assert store.newest_runs(1) == ([good], [newer.id], 3)
    assert store.newest_runs(2) == store.newest_runs(None) == ([good], sorted(bad), 3)
    claimed = store.claim("w")
    assert (claimed and claimed.id, store.claim("w")) == (good.id, None)
    assert store.watch(WatchedConfig(folder="/theirs")).state == "watched"


def test_the_power_may_fail_after_a_deletion(tmp_path: Path) -> None:
    """Whose files go next; what is trained may be undone, as its checkpoints stay."""
    store = Store(f"sqlite:///{tmp_path / 's.db'}")  # PostgreSQL has each commit on the disk
    levels: list[int] = []

    def committed(connection: Connection) -> None:
        levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    run, study = store.create_run(RunConfig()), store.studies.create(parse_plan({}, 2, ["without_averaging"]))
    event.listen(store._database._engine, "commit", committed)
    store.delete_run(run.id)
    store.studies.delete(study.id)
    store.create_run(RunConfig())
    normal, full = 1, 2
    assert (levels[:2], set(levels[2:])) == ([full, full], {normal})
    store.close()
