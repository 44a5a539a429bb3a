import json
from dataclasses import replace

import pytest
from sqlalchemy import insert

from shadowboard.errors import CheckpointMissing
from shadowboard.found import Evaluated
from shadowboard.records import SavedCheckpoint, Score
from shadowboard.run_rows import new_row
from shadowboard.schema import runs
from shadowboard.store import Store
from shadowboard.watched import WatchedConfig

CONFIG = WatchedConfig(folder="/theirs")
SAVED = SavedCheckpoint(5, 1000, 1_700_000_000.25)


@pytest.mark.parametrize(
    ("again", "anew", "stays"),
    [
        (SAVED, set(), True),
        (replace(SAVED, saved_at=SAVED.saved_at + 0.0001), set(), True),
        (SAVED, {7}, True),
        (replace(SAVED, saved_at=SAVED.saved_at + 1), set(), False),
        (replace(SAVED, bytes=1001), set(), False),
        (SAVED, {5}, False),
    ],
    ids=["the same", "as databases round", "another anew", "later", "of another size", "anew"],
)
def test_the_evaluations_of_a_checkpoint_that_is_written_anew_go(
    store: Store, again: SavedCheckpoint, anew: set[int], stays: bool
) -> None:
    run = store.watch(CONFIG)
    other = replace(SAVED, step=6)
    store.add_sight(run.id, CONFIG, "", [SAVED, other])
    for step in (5, 6):
        store.add_evaluation(run.id, Score(step, "", "test", 2, 1, 0.5, 0.01), b"\1\2", b"12345678")
    before = store.checkpoints(run.id)
    store.add_sight(run.id, CONFIG, "", [again, other], anew)
    assert [score.step for score in store.scores(run.id)] == ([5, 6] if stays else [6])
    found = store.checkpoints(run.id)
    assert found[-1] == before[-1]
    assert (found == before) is stays
    assert (found[0].bytes, found[0].saved_at) == (
        (SAVED if stays else again).bytes,
        pytest.approx(again.saved_at),
    )


def evaluate(store: Store, run_id: str, of: Evaluated | None = None, step: int = 5) -> None:
    store.add_evaluation(run_id, Score(step, "", "test", 2, 1, 0.5, 0.01), b"\1\2", b"12345678", of)


@pytest.mark.parametrize(
    "by_now",
    [replace(SAVED, saved_at=SAVED.saved_at + 1), replace(SAVED, bytes=1001)],
    ids=["later", "of another size"],
)
def test_an_evaluation_of_what_was_written_anew_meanwhile_is_refused(
    store: Store, by_now: SavedCheckpoint
) -> None:
    """The file's time and size were read before it was evaluated; then the folder was looked into."""
    run = store.watch(CONFIG)
    store.add_sight(run.id, CONFIG, "", [by_now])
    with pytest.raises(CheckpointMissing, match="step 5 is recorded as another file than was evaluated"):
        evaluate(store, run.id, Evaluated(SAVED, "relu"))
    assert store.scores(run.id) == []
    evaluate(store, run.id, Evaluated(replace(by_now, saved_at=by_now.saved_at + 0.0001), "relu"))
    assert len(store.scores(run.id)) == 1


@pytest.mark.parametrize("rewritten", [False, True])
def test_an_evaluation_that_is_there_before_its_checkpoint_is_recorded(store: Store, rewritten: bool) -> None:
    run = store.watch(CONFIG)
    evaluate(store, run.id, Evaluated(SAVED, "relu"))
    store.add_sight(run.id, CONFIG, "", [replace(SAVED, saved_at=SAVED.saved_at + rewritten)])
    assert len(store.scores(run.id)) == (0 if rewritten else 1)


def test_another_activation_leaves_no_evaluation(store: Store) -> None:
    """Whether a checkpoint tells it or somebody who watches."""
    run, other = store.watch(CONFIG), store.watch(WatchedConfig(folder="/other"))
    told = CONFIG.model_copy(update={"activation": "tanh", "activation_from": "checkpoint"})
    for step in (5, 6):
        evaluate(store, run.id, step=step)
        evaluate(store, other.id, step=step)
    store.add_sight(run.id, CONFIG.model_copy(update={"hidden": (8,)}), "", [SAVED])
    assert len(store.scores(run.id)) == 2
    store.add_sight(run.id, told, "", [replace(SAVED, step=7)])
    assert store.scores(run.id) == []
    with pytest.raises(CheckpointMissing, match=f"activation of the run {run.id} is tanh by now"):
        evaluate(store, run.id, Evaluated(SAVED, "relu"))
    given = store.watch(WatchedConfig(folder="/other", activation="sigmoid", activation_from="given"))
    assert (given.id, given.config.activation, given.config.activation_from) == (other.id, "sigmoid", "given")  # type: ignore[union-attr]
    assert store.scores(other.id) == []


def test_what_is_given_during_a_look_outlives_it(store: Store) -> None:
    run = store.watch(CONFIG)
    given = WatchedConfig(folder="/theirs", activation="tanh", activation_from="given")
    store.watch(given)
    store.add_sight(run.id, CONFIG.model_copy(update={"hidden": (8,)}), "", [SAVED])
    assert store.run(run.id).config == given.model_copy(update={"hidden": (8,)})
    assert store.watch(CONFIG).id == run.id  # nobody says otherwise


def test_of_two_runs_of_a_folder_that_of_the_given_activation_goes_on(store: Store) -> None:
    given = WatchedConfig(folder="/theirs", activation="tanh", activation_from="given")
    said = store.watch(given)
    with store._database.begin() as connection:  # as older versions made it
        connection.execute(insert(runs).values(new_row(CONFIG, "", "watched")))
    assert store.watch(given) == said
    assert sorted(run.config.activation for run in store.runs()) == ["relu", "tanh"]


@pytest.mark.parametrize(("activation", "said_by"), [("relu", "assumed"), ("tanh", "given")])
def test_who_has_said_it_in_a_configuration_of_before(activation: str, said_by: str) -> None:
    text = json.dumps({"folder": "/theirs", "activation": activation, "hidden": [8]})
    assert WatchedConfig.model_validate_json(text).activation_from == said_by


def test_a_run_is_heard_of_when_its_last_checkpoint_was_saved(store: Store) -> None:
    run = store.watch(CONFIG)
    store.add_sight(run.id, CONFIG, "", [SAVED])
    store.add_sight(run.id, CONFIG, "", [replace(SAVED, step=3, saved_at=SAVED.saved_at - 9)])  # copied there
    found = store.run(run.id)
    assert (found.step, found.heartbeat_at) == (5, SAVED.saved_at)
