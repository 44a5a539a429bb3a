import os
import shutil
from pathlib import Path

import pytest

from shadowboard.deletion import delete_folder, mark_deleted, remove_deleted
from shadowboard.errors import CheckpointError, StoreUnavailable


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


def marked(tmp_path: Path) -> Path:
    """A run that was marked long ago."""
    run = folder(tmp_path)
    mark_deleted(run.parent, [run.name])
    os.utime(run.with_name(".deleted-k7m2xd"), (1e9, 1e9))
    return run


def test_one_that_cannot_be_ended_is_told_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = folder(tmp_path)
    for name in (".deleted-", ".deleted-.", ".deleted-asked", ".deleted-kept", ".deleted-gone"):
        (run.parent / name).mkdir()
    remove = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", lambda path, **_: "kept" in path.name or remove(path))

    def has_row(run_id: str) -> bool:
        if run_id == "asked":
            raise StoreUnavailable("The database is locked.")
        return False

    remove_deleted(run.parent, has_row)
    left = {".deleted-", ".deleted-.", ".deleted-asked", ".deleted-kept"}
    assert names(run.parent) == {"k7m2xd", "other", *left}
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    said = "\n".join(sorted(caplog.messages))
    assert ".deleted-asked could not be ended: The database is locked." in said
    assert ".deleted-kept could not be emptied" in said


@pytest.mark.parametrize("stage", ["before", "hidden", "half emptied"])
def test_another_server_deletes_it_while_one_starts(tmp_path: Path, stage: str) -> None:
    run = marked(tmp_path)
    answers = iter([True, False])

    def has_row(_: str) -> bool:
        answer = next(answers)
        if answer and stage != "before":  # just after it was asked the other commits, and hides the folder
            run.rename(run.with_name(".deleted-k7m2xd"))
        if answer and stage == "half emptied":
            run.with_name(".deleted-k7m2xd").joinpath("model.ckpt-1.index").unlink()
        return answer

    remove_deleted(run.parent, has_row)
    assert names(run.parent) == {"other"}


def test_a_mark_just_made_is_left_to_who_made_it(tmp_path: Path) -> None:
    run = marked(tmp_path)
    mark_deleted(run.parent, [run.name])
    remove_deleted(run.parent, lambda run_id: True)  # a second server; the first then commits, and is killed
    assert names(run.parent) == {"k7m2xd", ".deleted-k7m2xd", "other"}
    remove_deleted(run.parent, lambda run_id: False)
    assert names(run.parent) == {"other"}
    again = marked(tmp_path / "again")
    remove_deleted(again.parent, lambda run_id: True)
    assert names(again.parent) == {"k7m2xd", "other"}
