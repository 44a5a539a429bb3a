"""Folders and files whose names mean something else to those who look for files."""

from pathlib import Path

import numpy as np
import pytest

from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.folder_sight import look
from shadowboard.weights import averages_of, restore
from tests.server.conftest import TINY, tensors

NAMES = ["run [lr=0.1]", "what?*", "back\\slash[a-z]", "{a,b} $HOME ~ %2e", "ünïcödé 👩‍🚀", "'\"` & | ; <x>"]


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_is_saved_found_and_read(tmp_path: Path, name: str) -> None:
    from shadowboard.configuration import parse_config

    held = tensors(parse_config(TINY), 3)
    own = tmp_path / name
    checkpoints.save(own, 2, held)
    checkpoints.save(own, 3, held)
    found, read, damaged = checkpoints.read_newest_good(own)
    assert (found.step, damaged) == (3, [])
    np.testing.assert_array_equal(read["layer1/weights"], held["layer1/weights"])
    for file in own.glob("model.ckpt-2.*"):
        file.rename(own / f"{name.replace('/', '')}-7{file.suffix}")
    (own / f"{name} beside").touch()
    assert [checkpoint.step for checkpoint in look(own).checkpoints] == [3, 7]
    (theirs,) = [checkpoint for checkpoint in look(own).checkpoints if checkpoint.step == 7]
    assert averages_of(theirs) == ["ExponentialMovingAverage"]
    np.testing.assert_array_equal(restore(theirs, None)["layer1/weights"], held["layer1/weights"])


def test_damage_is_told_by_its_own_name(tmp_path: Path) -> None:
    folder = tmp_path / "run [1]"
    saved = checkpoints.save(folder, 3, {"a": np.ones(9, np.float32)})
    data = saved.prefix.with_name(f"{saved.prefix.name}.data-00000-of-00001")
    data.write_bytes(bytes(36))
    with pytest.raises(CheckpointDamaged) as caught:
        checkpoints.read(saved)
    assert str(caught.value).startswith("The checkpoint model.ckpt-3 is damaged or cannot be read: ")
    assert "at model.ckpt-3 shard 0" in str(caught.value)
    saved.index.unlink()
    for gone in (saved, Checkpoint(tmp_path / "none [2]" / "m-1", 1)):
        with pytest.raises(CheckpointMissing, match="is gone"):
            checkpoints.read(gone)
