"""SIGKILL of a study: started again it goes on where it was, and comes to the same."""

import signal
from pathlib import Path

from shadowboard.store import Store
from shadowboard.studies import Study
from shadowboard.variants import parse_plan
from tests.faults.processes import process, run, wait_for
from tests.faults.workers import store_of, study


def raw_scores(store: Store, made: Study) -> dict[tuple[str, int], list[tuple[int, str, int]]]:
    """By variant and seed what the raw weights read right: at which step, on which images, how many."""
    return {
        (member.variant, member.seed): sorted(
            (score.step, score.split, score.correct)
            for score in store.scores(member.run.id)
            if not score.average
        )
        for member in store.studies.members(made.id)
    }


def test_a_study_that_is_killed_goes_on(tmp_path: Path, small_data: Path) -> None:
    knobs = {"steps": 3_000, "batch_size": 20, "hidden": [16], "save_every": 500, "data": str(small_data)}
    store = store_of(tmp_path)
    made = store.studies.create(parse_plan(knobs, 2, ["without_averaging"]))

    def runs() -> list[tuple[str, int]]:
        return [(member.run.state, member.run.step) for member in store.studies.members(made.id)]

    with process(study, tmp_path, made.id) as worker:
        wait_for(lambda: worker.exitcode is not None or runs()[1][1] >= 1_000, pause=0.005)
        worker.kill()
        worker.join()
        assert worker.exitcode == -signal.SIGKILL
    assert runs()[0] == ("finished", 3_000)
    assert [state for state, _ in runs()] == ["finished", "training", "queued", "queued"]
    assert run(study, tmp_path, made.id) == 0
    assert runs() == [("finished", 3_000)] * 4
    found = raw_scores(store, made)
    assert all(len(scores) == 7 * 2 for scores in found.values())
    # Averaging does not touch what is averaged: the run that was killed did as one that was not.
    for seed in (0, 1):
        assert found["full", seed] == found["without_averaging", seed]
