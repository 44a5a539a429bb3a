import shutil
from pathlib import Path

import pytest

from shadowboard.deletion import delete_folder, remove_deleted
from shadowboard.errors import CheckpointError


def folder(tmp_path: Path) -> Path:
    made = tmp_path / "runs" / "k7m2xd"
    (made / ".saving-x").mkdir(parents=True)
    (made / "model.ckpt-1.index").write_bytes(b"x")
    (made.parent / "other").mkdir()
    return made


def names(runs: Path) -> set[str]:
    return {entry.name for entry in runs.iterdir()}


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    run = folder(tmp_path)
    delete_folder(run)
    assert names(run.parent) == {"other"}
    delete_folder(run)  # one that never had a checkpoint has no folder


def test_what_was_cut_off_is_hidden_at_once_and_ended_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = folder(tmp_path)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        delete_folder(run)
    monkeypatch.undo()
    assert names(run.parent) == {".deleted-k7m2xd", "other"}
    remove_deleted(run.parent, lambda run_id: False)
    assert names(run.parent) == {"other"}
    remove_deleted(tmp_path / "none", lambda run_id: False)


def test_files_that_stay_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = folder(tmp_path)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(
        CheckpointError, match=r"not all of its files: .*\.deleted-k7m2xd could not be emptied"
    ):
        delete_folder(run)
    (run.parent / "other" / "file").touch()

    def refused(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(CheckpointError, match=r"but not its files: .*other could not be removed: Permission"):
        delete_folder(run.parent / "other")
