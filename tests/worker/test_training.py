from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from shadowboard import checkpoints
from shadowboard.configuration import RunConfig
from shadowboard.dataset import Split, load_dataset
from shadowboard.errors import SaveFailed
from worker.training import Advanced, Changing, Ended, Event, Saved, Started, train

CONFIG = RunConfig(steps=130, batch_size=20, hidden=(16,), save_every=50)


@pytest.fixture(scope="module")
def split(small_data: Path) -> Split:
    return load_dataset(str(small_data)).train


def stop_after(events: Iterator[Event], step: int) -> list[Event]:
    """The events until `step` is reached; the training is then dropped, as a crash would."""
    seen = []
    for event in events:
        seen.append(event)
        if isinstance(event, Advanced) and event.step >= step:
            break
    return seen


def all_bytes(folder: Path) -> dict[tuple[int, str], bytes]:
    return {
        (c.step, name): value.tobytes()
        for c in checkpoints.list_checkpoints(folder)
        for name, value in checkpoints.read(c).items()
    }


def test_a_run_from_start_to_end(split: Split, tmp_path: Path) -> None:
    events = list(train(CONFIG, split, tmp_path, lambda: False))
    assert events[:2] == [Changing(), Started(0, None, [])]
    assert events[-1] == Ended("finished", 130, "")
    assert [e.checkpoint.step for e in events if isinstance(e, Saved)] == [0, 50, 100, 130]
    assert [c.step for c in checkpoints.list_checkpoints(tmp_path)] == [0, 50, 100, 130]
    advances = [e for e in events if isinstance(e, Advanced)]
    assert sum(len(e.losses) for e in advances) == 130
    assert advances[-1].step == 130
    assert np.concatenate([e.losses for e in advances])[-10:].mean() < advances[0].losses[0]
    for before, after in pairwise(events):
        if isinstance(after, Saved):
            assert before == Changing()


def test_a_crashed_run_goes_on_to_the_same_bytes(split: Split, tmp_path: Path) -> None:
    list(train(CONFIG, split, tmp_path / "whole", lambda: False))
    for step in (30, 80, 125):
        stop_after(train(CONFIG, split, tmp_path / "crashed", lambda: False), step)
    _, started, *_ = list(train(CONFIG, split, tmp_path / "crashed", lambda: False))
    assert isinstance(started, Started)
    assert started.step == 100
    assert all_bytes(tmp_path / "crashed") == all_bytes(tmp_path / "whole")


def test_a_state_file_that_a_killed_save_left_behind_is_brought_up_to_date(
    split: Split, tmp_path: Path
) -> None:
    list(train(CONFIG, split, tmp_path, lambda: False))
    checkpoints.name_newest(tmp_path, checkpoints.find(tmp_path, 100))
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-100")
    list(train(CONFIG, split, tmp_path, lambda: False))
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-130")


def test_without_any_good_checkpoint_the_run_starts_anew(split: Split, tmp_path: Path) -> None:
    list(train(CONFIG, split, tmp_path, lambda: False))
    whole = all_bytes(tmp_path)
    for data in tmp_path.glob("*.data-*"):
        data.write_bytes(b"")
    _, first, *_ = list(train(CONFIG, split, tmp_path, lambda: False))
    assert first == Started(0, None, [f"There is no readable checkpoint in {tmp_path}."])
    assert all_bytes(tmp_path) == whole


def test_a_damaged_newest_checkpoint_is_passed_over_and_written_anew(split: Split, tmp_path: Path) -> None:
    list(train(CONFIG, split, tmp_path, lambda: False))
    whole = all_bytes(tmp_path)
    data = tmp_path / "model.ckpt-130.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-100])
    _, first, *_ = events = list(train(CONFIG, split, tmp_path, lambda: False))
    assert isinstance(first, Started)
    assert first.step == 100
    assert "model.ckpt-130 is damaged" in first.notes[0]
    assert events[-1] == Ended("finished", 130, "")
    assert all_bytes(tmp_path) == whole


def test_a_stop_saves_where_it_is(split: Split, tmp_path: Path) -> None:
    asked = iter([False, False, True])
    *_, saved, ended = train(CONFIG, split, tmp_path, lambda: next(asked))
    assert isinstance(saved, Saved)
    assert ended == Ended("stopped", saved.checkpoint.step, "")
    assert 0 < saved.checkpoint.step < 50
    *_, ended = train(CONFIG, split, tmp_path, lambda: False)
    assert ended == Ended("finished", 130, "")


def test_a_finished_run_is_finished_at_once(split: Split, tmp_path: Path) -> None:
    list(train(CONFIG, split, tmp_path, lambda: False))
    events = list(train(CONFIG, split, tmp_path, lambda: False))
    assert [type(e) for e in events] == [Changing, Started, Ended]


def test_divergence_writes_no_bad_checkpoint(split: Split, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"learning_rate": 100_000.0, "save_every": 2})
    *_, ended = train(config, split, tmp_path, lambda: False)
    assert isinstance(ended, Ended)
    assert ended.state == "diverged"
    newest = checkpoints.latest(tmp_path)
    assert newest.step <= ended.step
    assert f"at step {ended.step}; the last good checkpoint is that of step {newest.step}" in ended.message
    for checkpoint in checkpoints.list_checkpoints(tmp_path):
        assert all(np.isfinite(value).all() for value in checkpoints.read(checkpoint).values())


def test_a_disk_that_refuses_ends_it_with_one_sentence(split: Split, tmp_path: Path) -> None:
    (tmp_path / "model.ckpt-0.data-00000-of-00001").mkdir()  # a folder that stands where the file has to go
    with pytest.raises(SaveFailed, match=r"step 0 could not be saved in .*: Is a directory\."):
        list(train(CONFIG, split, tmp_path, lambda: False))
