"""The checkpoints that are in a folder. Needs no TensorFlow."""

import glob
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from shadowboard.errors import CheckpointMissing

_MOST_DIGITS = 15  # of a step: not every number of more than 18 fits into a database
MOST_STEPS = 10**_MOST_DIGITS
_INDEX = ".index"
_WHOLE = ".data-00000-of-00001"


class Stamp(NamedTuple):
    """What tells whether an index file was written anew, even where it was given its old time again."""

    modified_ns: int
    size: int
    inode: int

    @property
    def written_at(self) -> float:
        """When, in seconds since 1970."""
        return self.modified_ns / 1e9


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint on disk; `prefix` is the path without `.index`, as TensorFlow's functions take it."""

    prefix: Path
    step: int

    @property
    def index(self) -> Path:
        """The file that makes it exist: whatever is written anew, its stamp is another."""
        return self.prefix.with_name(self.prefix.name + ".index")

    @property
    def stamp(self) -> Stamp | None:
        """Which writing of it is on disk at this moment; None where it is gone."""
        return stamp_of(self.index)

    @property
    def bytes(self) -> int:
        """Size on disk of the index and the data files, of those that are there."""
        name, size = self.prefix.name, 0
        files = [self.index, self.prefix.with_name(name + _WHOLE)]
        if not files[1].exists():  # to look for several, in a folder of very many files, takes long
            files += self.prefix.parent.glob(glob.escape(name) + ".data-*")
        for file in files:
            with suppress(OSError):  # deleted since the listing
                size += file.stat().st_size
        return size


def stamp_of(path: Path) -> Stamp | None:
    """Which writing of a file is on disk at this moment; None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def list_checkpoints(folder: Path) -> list[Checkpoint]:
    """The checkpoints in `folder`, whatever their base name, by ascending step.

    Raises CheckpointMissing where the folder is there and cannot be read.
    """
    try:
        return [checkpoint for checkpoint, _ in _numbered(_indices(folder))]
    except FileNotFoundError:
        return []


def has_checkpoint(folder: Path) -> bool:
    """Whether any is in `folder`: what `list_checkpoints` would tell, without a look at all of them.

    Raises CheckpointMissing as that does.
    """
    try:
        with os.scandir(folder) as entries:
            return any(
                entry.name.endswith(_INDEX)
                and _step_of(entry.name.removesuffix(_INDEX)) is not None
                and _status(entry) is not None
                for entry in entries
            )
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unreadable(folder, error) from error


def newest_files(folder: Path) -> list[Path]:
    """The prefixes of all checkpoints in any program's folder, the newest first.

    Those with a step go by it; after them come those without one, by their time. Raises CheckpointMissing
    where there are none, or where the folder is missing or cannot be read.
    """
    try:
        found = _indices(folder)
    except FileNotFoundError:
        raise CheckpointMissing(f"There is no folder {folder}.") from None
    numbered = [checkpoint.prefix for checkpoint, _ in reversed(_numbered(found))]
    known = set(numbered)
    others = sorted((modified, prefix) for prefix, modified in found if prefix not in known)
    if both := [*numbered, *(prefix for _, prefix in reversed(others))]:
        return both
    there = _first_names(folder)
    holds = f"holds {', '.join(there[:3])}{' …' if len(there) > 3 else ''}" if there else "is empty"
    raise CheckpointMissing(
        f"There is no TensorFlow checkpoint in {folder}, which {holds}; expected <name>.index with its data."
    )


def files_in(folder: Path, ends: str | tuple[str, ...]) -> list[tuple[Path, float]]:
    """The files whose names end so, with the times of their last change; links to such are files, too.

    What else has such a name, as a folder or a pipe, is none: to open that might wait for ever. Raises
    FileNotFoundError, and CheckpointMissing where the folder is there and cannot be read.
    """
    try:
        return [
            (folder / entry.name, status.st_mtime)
            for entry in list(os.scandir(folder))
            if entry.name.endswith(ends) and (status := _status(entry))
        ]
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(folder, error) from error


def _status(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """Of a file; None of all else. Raises PermissionError: then nothing in that folder can be told."""
    try:
        status = entry.stat()
    except OSError as error:
        if isinstance(error, PermissionError) and not entry.is_symlink():
            raise
        return None  # deleted since the listing, or a link that leads nowhere
    return status if stat.S_ISREG(status.st_mode) else None


def _indices(folder: Path) -> list[tuple[Path, float]]:
    """The prefixes of all index files, with their times. Raises as `files_in` does."""
    return [
        (path.with_name(path.name.removesuffix(_INDEX)), modified)
        for path, modified in files_in(folder, _INDEX)
        if path.name != _INDEX
    ]


def _numbered(found: Sequence[tuple[Path, float]]) -> list[tuple[Checkpoint, float]]:
    """Those of the prefixes that end with a step, by ascending step."""
    by_step: dict[int, tuple[Checkpoint, float]] = {}
    for prefix, modified in found:
        if (step := _step_of(prefix.name)) is None:
            continue
        # Two base names with one step: the later one is the one that is still being written.
        if step not in by_step or modified > by_step[step][1]:
            by_step[step] = (Checkpoint(prefix, step), modified)
    return [by_step[step] for step in sorted(by_step)]


def _step_of(name: str) -> int | None:
    """The step with which the name of a prefix ends; None where it ends with none."""
    step = name.rpartition("-")[2]
    return int(step) if step.isascii() and step.isdigit() and len(step) <= _MOST_DIGITS else None


def _first_names(folder: Path) -> list[str]:
    """What is in a folder, of hidden files nothing. Raises CheckpointMissing."""
    try:
        return sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError as error:
        raise _unreadable(folder, error) from error


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
