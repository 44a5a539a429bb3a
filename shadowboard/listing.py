"""The checkpoints that are in a folder. Needs no TensorFlow."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shadowboard.errors import CheckpointMissing

_MOST_DIGITS = 15  # of a step: not every number of more than 18 fits into a database


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint on disk; `prefix` is the path without `.index`, as TensorFlow's functions take it."""

    prefix: Path
    step: int

    @property
    def index(self) -> Path:
        """The file that makes it exist: whatever is written anew, its time is another."""
        return self.prefix.with_name(self.prefix.name + ".index")

    @property
    def bytes(self) -> int:
        """Size on disk of the index and the data files, of those that are there."""
        size = 0
        for file in self.prefix.parent.glob(self.prefix.name + ".*"):
            with suppress(FileNotFoundError):  # deleted since the listing
                size += file.stat().st_size
        return size


def list_checkpoints(folder: Path) -> list[Checkpoint]:
    """The checkpoints in `folder`, whatever their base name, by ascending step.

    Raises CheckpointMissing where the folder is there and cannot be read.
    """
    found: dict[int, tuple[float, Checkpoint]] = {}
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(folder, error) from error
    for entry in entries:
        prefix = entry.name.removesuffix(".index")
        step = prefix.rpartition("-")[2]
        is_step = step.isascii() and step.isdigit() and len(step) <= _MOST_DIGITS
        if prefix == entry.name or not is_step:
            continue
        try:
            modified = entry.stat().st_mtime
        except FileNotFoundError:  # deleted since the listing
            continue
        except OSError as error:
            raise _unreadable(folder, error) from error
        # Two base names with one step: the later one is the one that is still being written.
        if int(step) not in found or modified > found[int(step)][0]:
            found[int(step)] = (modified, Checkpoint(folder / prefix, int(step)))
    return [found[step][1] for step in sorted(found)]


def newest_files(folder: Path) -> list[Path]:
    """The prefixes of all checkpoints in any program's folder, the newest first.

    Those with a step go by it; after them come those without one, by their time. Raises CheckpointMissing
    where there are none, or where the folder is missing or cannot be read.
    """
    numbered = [checkpoint.prefix for checkpoint in reversed(list_checkpoints(folder))]
    try:
        others = {
            entry.stat().st_mtime: folder / entry.name.removesuffix(".index")
            for entry in os.scandir(folder)
            if entry.name.endswith(".index") and folder / entry.name.removesuffix(".index") not in numbered
        }
        there = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except FileNotFoundError:
        raise CheckpointMissing(f"There is no folder {folder}.") from None
    except OSError as error:
        raise _unreadable(folder, error) from error
    if found := numbered + [others[modified] for modified in sorted(others, reverse=True)]:
        return found
    holds = f"holds {', '.join(there[:3])}{' …' if len(there) > 3 else ''}" if there else "is empty"
    raise CheckpointMissing(
        f"There is no TensorFlow checkpoint in {folder}, which {holds}; expected <name>.index with its data."
    )


def _unreadable(folder: Path, error: OSError) -> CheckpointMissing:
    return CheckpointMissing(f"The folder {folder.name} of checkpoints cannot be read: {error.strerror}.")


def find(folder: Path, step: int) -> Checkpoint:
    """The checkpoint of `step`. Raises CheckpointMissing, naming the steps that there are."""
    return pick(list_checkpoints(folder), step)


def pick(there: Sequence[Checkpoint], step: int) -> Checkpoint:
    """The one of `step` among those that are there. Raises CheckpointMissing."""
    for checkpoint in there:
        if checkpoint.step == step:
            return checkpoint
    steps = ", ".join(str(c.step) for c in there[-5:]) or "none"
    raise CheckpointMissing(f"There is no checkpoint of step {step}; the newest steps are: {steps}.")


def latest(folder: Path) -> Checkpoint:
    """The newest checkpoint. Raises CheckpointMissing where there is none."""
    there = list_checkpoints(folder)
    if not there:
        raise CheckpointMissing(f"There is no checkpoint in {folder}; expected <name>-<step>.index files.")
    return there[-1]
