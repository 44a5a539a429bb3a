"""Deleting the folder of a run. Apart from `checkpoints`, as it needs no TensorFlow."""

import shutil
from pathlib import Path

from shadowboard.errors import CheckpointError

_DELETED = ".deleted-"


def delete_folder(folder: Path) -> None:
    """Delete the folder of a run that nobody trains: hidden at once from whoever looks, then its bytes.

    Where that is cut off, `remove_deleted` ends it. Raises CheckpointError.
    """
    hidden = folder.with_name(_DELETED + folder.name)
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


def remove_deleted(folder: Path) -> None:
    """Delete what `delete_folder` could not finish in `folder`, the folder of all runs."""
    for left in folder.glob(f"{_DELETED}*"):
        shutil.rmtree(left, ignore_errors=True)
