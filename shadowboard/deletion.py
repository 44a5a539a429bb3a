"""Deleting the folders of runs whose rows go. Apart from `checkpoints`, as it needs no TensorFlow.

A folder is marked while its row is deleted, hidden once that is done, and then emptied. Cut off anywhere, its
run is whole, or gone and found by the mark: an empty folder with the name under which it is to be hidden. So
that a power cut brings back no row whose files are gone, the deletion of rows is on the disk before these go.
"""

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from shadowboard.errors import CheckpointError, ShadowboardError

log = logging.getLogger(__name__)

_DELETED = ".deleted-"
_YOUNG_SECONDS = 60.0  # longer than from a mark to the commit


def mark_deleted(runs: Path, ids: Sequence[str]) -> None:
    """Mark what these runs have in `runs`, the folder of all, before the deletion of their rows is committed.

    Where a full disk, say, does not allow that, they are deleted without.
    """
    with suppress(OSError):
        for run_id in ids:
            if (runs / run_id).exists():
                _hidden(runs / run_id).mkdir(exist_ok=True)
                os.utime(_hidden(runs / run_id))  # one that was left is new again
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
    _empty(hidden)


def remove_deleted(runs: Path, has_row: Callable[[str], bool]) -> None:
    """End in `runs`, the folder of all, what was cut off: a run that has its row yet is whole again.

    What cannot be ended is told in the log, and stays until the next time. Another server may be in the
    middle of the same deletion: what it has just marked is left to it.
    """
    for hidden in runs.glob(f"{_DELETED}[!.]*"):
        try:
            with suppress(FileNotFoundError):  # the other one was faster
                _end(hidden, has_row)
        except (OSError, ShadowboardError) as error:
            log.warning("The deletion that left %s could not be ended: %s", hidden, error)


def _end(hidden: Path, has_row: Callable[[str], bool]) -> None:
    folder = hidden.with_name(hidden.name.removeprefix(_DELETED))
    if has_row(folder.name):
        if not folder.exists():
            hidden.rename(folder)
        elif _is_young(hidden):
            return  # its row may be about to go
        else:
            hidden.rmdir()
        if has_row(folder.name):
            return
    delete_folder(folder)
    if hidden.exists():
        _empty(hidden)


def _is_young(mark: Path) -> bool:
    with TemporaryFile(dir=mark.parent) as new:  # for the time by the file system's own clock
        return abs(os.fstat(new.fileno()).st_mtime - mark.stat().st_mtime) < _YOUNG_SECONDS


def _empty(hidden: Path) -> None:
    """Delete what is hidden. Raises CheckpointError."""
    shutil.rmtree(hidden, ignore_errors=True)
    if hidden.exists():
        raise CheckpointError(
            f"The run is deleted, but not all of its files: {hidden} could not be emptied. "
            "The server tries again when it starts."
        )


def _hidden(folder: Path) -> Path:
    return folder.with_name(_DELETED + folder.name)
