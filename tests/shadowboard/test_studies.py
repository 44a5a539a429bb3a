"""Studies in the store: queued at once, told from other runs, stopped, resumed and deleted as one."""

import pytest

from shadowboard.configuration import RunConfig
from shadowboard.errors import RunBusy, StudyMissing
from shadowboard.records import Run, Score
from shadowboard.store import Store
from shadowboard.studies import Study
from shadowboard.variants import parse_plan

PLAN = parse_plan({"steps": 20}, 2, ["without_averaging"])
EMA = "ExponentialMovingAverage"


@pytest.fixture
def study(store: Store) -> Study:
    return store.studies.create(PLAN, "mine")


def states(store: Store, study: Study) -> list[str]:
    return [run.state for _, run in store.studies.members(study.id)]


def test_all_runs_are_queued_in_the_order_of_the_plan(store: Store, study: Study) -> None:
    assert (study.name, study.plan) == ("mine", PLAN)
    members = store.studies.members(study.id)
    assert [(variant, run.config) for variant, run in members] == list(PLAN.runs())
    assert [member.seed for member in members] == [0, 0, 1, 1]
    assert states(store, study) == ["queued"] * 4
    claimed = [store.claim("w") for _ in range(5)]
    assert [run and run.id for run in claimed] == [run.id for _, run in members] + [None]


def test_a_study_is_found_by_id_name_and_plan(store: Store, study: Study) -> None:
    same, other = store.studies.create(PLAN, "mine"), store.studies.create(parse_plan({}, 2))
    assert store.studies.one(study.id) == study
    assert store.studies.one("mine") == same  # the newer one
    assert [found.id for found in store.studies.all()] == [other.id, same.id, study.id]
    assert store.studies.of_plan(PLAN) == same
    assert store.studies.of_plan(PLAN, "another") is None
    assert store.studies.of_plan(parse_plan({"steps": 21}, 2)) is None
    with pytest.raises(StudyMissing, match="no study 'x'"):
        store.studies.one("x")


def evaluate(store: Store, run: Run, step: int, **correct: int) -> None:
    for average in (EMA, "") if run.config.averages else ("",):
        for split, images in correct.items():
            store.add_evaluation(run.id, Score(step, average, split, 100, images, 0.5, 0.1), b"", b"")


def test_what_is_known_of_its_runs_is_counted(store: Store, study: Study) -> None:
    bare, full = (run for _, run in store.studies.members(study.id)[:2])
    other = store.create_run(RunConfig(), worker="w")
    for run in (bare, full, other):
        if run.state == "queued":
            assert store.take_over(run, "w")
        for step in (0, 10):
            store.add_checkpoint(run.id, "w", step, 1)
        evaluate(store, run, 0, validation=50, test=40)
    evaluate(store, full, 10, validation=60)
    assert store.studies.saved_and_evaluated(study.id) == {bare.id: (2, 2), full.id: (2, 6)}
    found = store.studies.standings(study.id)
    assert {run: set(averages) for run, averages in found.items()} == {bare.id: {""}, full.id: {"", EMA}}
    assert (found[full.id][EMA].final.step, found[full.id][EMA].best.step) == (10, 10)
    assert [list(found[full.id].values())] == [store.standings(full.id)]
    points = store.studies.curve_points(study.id, "validation")
    assert [(p.variant, p.average, p.step, p.correct) for p in points if p.run_id == bare.id] == [
        ("without_averaging", "", 0, 50)
    ]
    assert len(points) == 5


def test_a_study_stops_and_goes_on_as_one(store: Store, study: Study) -> None:
    first = store.claim("w")
    assert first is not None
    other = store.create_run(RunConfig())
    store.studies.stop(study.id)
    assert states(store, study) == ["training", "stopped", "stopped", "stopped"]
    assert store.heartbeat(first.id, "w")  # its worker is told
    store.release(first.id, "w", "stopped", "")
    store.studies.resume(study.id)
    assert states(store, study) == ["queued"] * 4
    assert store.run(other.id).state == "queued"


def test_a_study_is_deleted_with_its_runs_alone(store: Store, study: Study) -> None:
    other = store.create_run(RunConfig())
    ids = [run.id for _, run in store.studies.members(study.id)]
    assert store.claim("w")
    with pytest.raises(RunBusy, match=f"run {ids[0]} of the study is in training"):
        store.studies.delete(study.id)
    assert len(store.runs()) == 5
    store.release(ids[0], "w", "stopped", "")
    with pytest.raises(StudyMissing, match="deletion takes no name"):
        store.studies.delete("mine")
    assert store.studies.delete(study.id) == ids
    assert [run.id for run in store.runs()] == [other.id]
    assert store.studies.all() == []


def test_a_run_that_is_deleted_leaves_its_study(store: Store, study: Study) -> None:
    store.delete_run(store.studies.members(study.id)[0].run.id)
    assert len(store.studies.members(study.id)) == 3


def test_variants_are_not_meant_where_no_run_is_named(store: Store, study: Study) -> None:
    """A recipe without one of its parts is there to be compared, not to be used."""
    for _, run in store.studies.members(study.id):
        assert store.take_over(run, "w")
        store.add_checkpoint(run.id, "w", 0, 1)
        evaluate(store, run, 0, validation=50, test=40)
        store.release(run.id, "w", "finished", "")
    full = [run.id for variant, run in reversed(store.studies.members(study.id)) if variant == "full"]
    assert [run.id for run in store.finished_runs()] == full
    assert [run.id for run in store.saved_runs()] == full
    assert store.newest_run().id == full[0]
    assert len(store.runs()) == 4
