"""Against TensorFlow's own readers, and on damaged files."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadowboard import checkpoints
from shadowboard.checkpoints import save
from shadowboard.errors import (
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointUnsuitable,
    SaveFailed,
)

EMA = "ExponentialMovingAverage"


def tensors(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(30, 20)).astype(np.float32)
    return {"layer1/weights": weights, f"layer1/weights/{EMA}": weights * 0.5, "global_step": np.int64(seed)}


def test_tensorflow_reads_what_was_saved(tmp_path: Path) -> None:
    for step in (0, 5, 10):
        save(tmp_path, step, tensors(step))
    newest = tf.train.latest_checkpoint(str(tmp_path))
    assert newest == str(tmp_path / "model.ckpt-10")
    reader = tf.train.load_checkpoint(newest)
    for name, value in tensors(10).items():
        np.testing.assert_array_equal(reader.get_tensor(name), value)
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert [Path(p).name for p in state.all_model_checkpoint_paths] == [f"model.ckpt-{s}" for s in (0, 5, 10)]
    names = {f.name for f in tmp_path.iterdir()}
    expected = {f"model.ckpt-{s}.{end}" for s in (0, 5, 10) for end in ("index", "data-00000-of-00001")}
    assert names == expected | {"checkpoint"}


def test_a_folder_can_be_moved(tmp_path: Path) -> None:
    save(tmp_path / "a", 1, tensors())
    (tmp_path / "a").rename(tmp_path / "b")
    assert tf.train.latest_checkpoint(str(tmp_path / "b")) == str(tmp_path / "b" / "model.ckpt-1")


def test_we_read_what_tensorflows_saver_wrote(tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("v", initializer=np.arange(4, dtype=np.float32), use_resource=True)
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(max_to_keep=2)
        for step in (7, 8, 9):
            saver.save(session, str(tmp_path / "other.ckpt"), global_step=step)
    assert [c.step for c in checkpoints.list_checkpoints(tmp_path)] == [8, 9]
    assert checkpoints.latest(tmp_path).prefix.name == "other.ckpt-9"
    np.testing.assert_array_equal(checkpoints.read(checkpoints.find(tmp_path, 8))["v"], np.arange(4))


def test_a_checkpoint_exists_once_its_index_does(tmp_path: Path) -> None:
    save(tmp_path, 1, tensors())
    save(tmp_path, 2, tensors())
    (tmp_path / "model.ckpt-2.index").unlink()
    assert [c.step for c in checkpoints.list_checkpoints(tmp_path)] == [1]
    with pytest.raises(CheckpointMissing, match=r"no checkpoint of step 2; the newest steps are: 1\."):
        checkpoints.find(tmp_path, 2)


def test_a_step_can_be_saved_again(tmp_path: Path) -> None:
    save(tmp_path, 1, tensors(1))
    save(tmp_path, 1, tensors(2))
    read = checkpoints.read(checkpoints.latest(tmp_path))
    np.testing.assert_array_equal(read["layer1/weights"], tensors(2)["layer1/weights"])


def test_names_that_are_not_there_are_named(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, 1, tensors())
    with pytest.raises(CheckpointUnsuitable, match=r"holds no layer9/weights; it holds global_step, layer1/"):
        checkpoints.read(checkpoint, ["layer9/weights"])


def test_empty_and_missing_folders(tmp_path: Path) -> None:
    assert checkpoints.list_checkpoints(tmp_path / "none") == []
    with pytest.raises(CheckpointMissing, match=r"expected <name>-<step>\.index"):
        checkpoints.latest(tmp_path)
    (tmp_path / "note-.index").touch()
    (tmp_path / "note-1e3.index").touch()
    (tmp_path / "note-².index").touch()
    (tmp_path / "model.ckpt-99999999999999999999.index").touch()
    assert checkpoints.list_checkpoints(tmp_path) == []


def test_a_folder_that_cannot_be_read_is_named_without_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    said = r"^The folder file of checkpoints cannot be read: Not a directory\.$"
    with pytest.raises(CheckpointMissing, match=said):
        checkpoints.list_checkpoints(tmp_path / "file")

    def refused() -> None:
        raise PermissionError(13, "Permission denied")

    # Of a folder without the right to enter.
    entry = SimpleNamespace(name="model.ckpt-1.index", stat=refused, is_symlink=lambda: False)
    monkeypatch.setattr(checkpoints.os, "scandir", lambda _: [entry])
    with pytest.raises(CheckpointMissing, match=r"^The folder run of checkpoints cannot be read: Permission"):
        checkpoints.list_checkpoints(tmp_path / "run")


@pytest.mark.parametrize("size", [0, 100])
@pytest.mark.parametrize("end", [".index", ".data-00000-of-00001"])
def test_damage_is_told_without_the_path(tmp_path: Path, end: str, size: int) -> None:
    checkpoint = save(tmp_path, 1, tensors())
    file = checkpoint.prefix.with_name(checkpoint.prefix.name + end)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(CheckpointDamaged, match="model") as caught:
        checkpoints.read(checkpoint)
    assert str(tmp_path) not in str(caught.value)
    assert "/" not in str(caught.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_noticed_and_passed_over(tmp_path: Path, data: st.DataObject) -> None:
    save(tmp_path, 1, tensors(1))
    newest = save(tmp_path, 2, tensors(2))
    end = data.draw(st.sampled_from([".index", ".data-00000-of-00001"]))
    path = newest.prefix.with_name(newest.prefix.name + end)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans(), "truncate"):
        path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
    try:
        read = checkpoints.read(newest)
    except (CheckpointDamaged, CheckpointUnsuitable):
        checkpoint, read, damaged = checkpoints.read_newest_good(tmp_path)
        assert checkpoint.step == 1
        assert "model.ckpt-2" in str(damaged[0])
        expected = tensors(1)
    else:  # some bytes of an index are padding: then nothing may have changed
        expected = tensors(2)
    for name, value in expected.items():
        np.testing.assert_array_equal(read[name], value)


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1, tensors(1))

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(SaveFailed, match=r"step 2 could not be saved in .*: No space left on device"):
        save(tmp_path, 2, tensors(2))
    monkeypatch.undo()
    assert checkpoints.read_newest_good(tmp_path)[0].step == 1
    assert not list(tmp_path.glob(".saving-*"))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaveFailed, match="Not a directory"):
        save(tmp_path / "file" / "run", 1, tensors())


def test_what_is_not_shown_is_not_there_and_can_be_called_off(tmp_path: Path) -> None:
    save(tmp_path, 1, tensors(1))
    with checkpoints.saving(tmp_path, 1, tensors(2)) as commit:
        (hidden,) = checkpoints.unfinished(tmp_path)
        assert sorted(file.name for file in hidden.iterdir()) == [
            "model.ckpt-1.data-00000-of-00001",
            "model.ckpt-1.index",
        ]
        shutil.rmtree(hidden)
        with pytest.raises(SaveFailed, match="step 1 could not be saved"):
            commit()
    assert checkpoints.unfinished(tmp_path) == []
    assert checkpoints.read(checkpoints.latest(tmp_path))["global_step"] == 1
