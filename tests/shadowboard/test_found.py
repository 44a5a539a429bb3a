from dataclasses import replace

import pytest

from shadowboard.records import SavedCheckpoint, Score
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


def test_a_run_is_heard_of_when_its_last_checkpoint_was_saved(store: Store) -> None:
    run = store.watch(CONFIG)
    store.add_sight(run.id, CONFIG, "", [SAVED])
    store.add_sight(run.id, CONFIG, "", [replace(SAVED, step=3, saved_at=SAVED.saved_at - 9)])  # copied there
    found = store.run(run.id)
    assert (found.step, found.heartbeat_at) == (5, SAVED.saved_at)
