"""Deleting the folders of runs whose rows go. Apart from `checkpoints`, as it needs no TensorFlow.

A folder is marked while its row is deleted, hidden once that is done, and then emptied. Cut off anywhere, its
run is whole, or gone and found by the mark: an empty folder with the name under which it is to be hidden.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from shadowboard.errors import CheckpointError

_DELETED = ".deleted-"


def mark_deleted(runs: Path, ids: Sequence[str]) -> None:
    """Mark what these runs have in `runs`, the folder of all, before the deletion of their rows is committed.

    Where a full disk, say, does not allow that, they are deleted without.
    """
    with suppress(OSError):
        for run_id in ids:
            if (runs / run_id).exists():
                _hidden(runs / run_id).mkdir(exist_ok=True)
        descriptor = os.open(runs, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def delete_folders(runs: Path, ids: Sequence[str]) -> None:
    """Delete the folders of these runs, whose rows are gone. Raises the first CheckpointError, after all."""
    errors = []
    for run_id in ids:
        try:
            delete_folder(runs / run_id)
        except CheckpointError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def delete_folder(folder: Path) -> None:
    """Delete the folder of a run that nobody trains: hidden at once from whoever looks, then its bytes.

    Where that is cut off, `remove_deleted` ends it. Raises CheckpointError.
    """
    hidden = _hidden(folder)
    try:
        folder.rename(hidden)
    except FileNotFoundError:  # it never had a checkpoint
        return
    except OSError as error:
        raise CheckpointError(
            f"The run is deleted, but not its files: {folder} could not be removed: {error.strerror}. "
            "Delete that folder by hand."
        ) from error
    shutil.rmtree(hidden, ignore_errors=True)
    if hidden.exists():
        raise CheckpointError(
            f"The run is deleted, but not all of its files: {hidden} could not be emptied. "
            "The server tries again when it starts."
        )


def remove_deleted(runs: Path, has_row: Callable[[str], bool]) -> None:
    """End in `runs`, the folder of all, what was cut off: a run that has its row yet is whole again."""
    for hidden in runs.glob(f"{_DELETED}*"):
        folder = hidden.with_name(hidden.name.removeprefix(_DELETED))
        with suppress(OSError, CheckpointError):
            if not has_row(folder.name):
                delete_folder(folder)
                shutil.rmtree(hidden, ignore_errors=True)
            elif folder.exists():
                hidden.rmdir()
            else:
                hidden.rename(folder)


def _hidden(folder: Path) -> Path:
    return folder.with_name(_DELETED + folder.name)
