"""Weights out of checkpoints, kept in memory while they are in use."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.network import Weights
from shadowboard.quiet_tensorflow import tf
from shadowboard.records import Run
from shadowboard.weights import restore

_CAPACITY = 256 * 2**20
_DAMAGE_SECONDS = 10.0

_Stamp = tuple[int, int, int]
_Key = tuple[Path, str | None, _Stamp]


@dataclass(frozen=True)
class Choice:
    """A checkpoint, and a sentence where it is not the one that was to be expected."""

    checkpoint: Checkpoint
    note: str | None = None


class Restorer:
    """Restores weights, the ones used last from memory; any number of threads may ask."""

    def __init__(self, run_folder: Callable[[str], Path], capacity: int = _CAPACITY) -> None:
        """`run_folder`: run id → folder of its checkpoints; `capacity`: bytes of weights to keep."""
        self._run_folder = run_folder
        self._capacity = capacity
        self._size = 0
        self._kept: OrderedDict[_Key, tuple[int, Weights]] = OrderedDict()
        self._damaged: dict[_Key, tuple[float, CheckpointDamaged]] = {}
        self._memory = threading.Lock()
        self._disk = threading.Lock()  # one restore at a time: of equal ones only the first reads

    def checkpoints(self, run: Run) -> list[Checkpoint]:
        """The run's checkpoints on disk, by ascending step."""
        return checkpoints.list_checkpoints(self._run_folder(run.id))

    def find(self, run: Run, step: int) -> Checkpoint:
        """The run's checkpoint of `step`. Raises CheckpointMissing."""
        return checkpoints.find(self._run_folder(run.id), step)

    def newest(self, run: Run) -> Checkpoint:
        """The run's newest checkpoint, good or not. Raises CheckpointMissing where it has none."""
        there = self.checkpoints(run)
        if not there:
            raise CheckpointMissing(f"The run {run.id} has no checkpoint yet.")
        return there[-1]

    def newest_good(self, run: Run, averages: Sequence[str | None]) -> Choice:
        """The newest checkpoint whose raw weights (None) or averages can all be read.

        Raises CheckpointMissing where there is none, CheckpointUnsuitable where the newest lacks an average.
        """
        damaged: list[str] = []
        for checkpoint in reversed(self.checkpoints(run)):
            try:
                for average in averages:
                    self.weights(checkpoint, average)
            except CheckpointDamaged:
                damaged.append(checkpoint.prefix.name)
            except CheckpointMissing:  # deleted since the listing
                continue
            else:
                return Choice(checkpoint, _note(damaged, checkpoint))
        if damaged:
            raise CheckpointMissing(f"The run {run.id} has no readable checkpoint: {damaged[0]} is damaged.")
        raise CheckpointMissing(f"The run {run.id} has no checkpoint yet.")

    def weights(self, checkpoint: Checkpoint, average: str | None) -> Weights:
        """The raw (None) or averaged weights as tensors.

        Raises CheckpointMissing, CheckpointDamaged (for a while without reading again) and
        CheckpointUnsuitable.
        """
        key = (checkpoint.prefix, average, _stamp(checkpoint))
        if (kept := self._recall(key)) is not None:
            return kept
        with self._disk:
            if (kept := self._recall(key)) is not None:
                return kept
            try:
                arrays = restore(checkpoint, average)
            except CheckpointDamaged as error:
                self._damaged[key] = (time.monotonic(), error)
                raise
            weights = {name: tf.constant(array) for name, array in arrays.items()}
            self._keep(key, sum(array.nbytes for array in arrays.values()), weights)
            return weights

    def _recall(self, key: _Key) -> Weights | None:
        if key in self._damaged:
            since, error = self._damaged[key]
            if time.monotonic() - since < _DAMAGE_SECONDS:
                raise error.with_traceback(None)
        with self._memory:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][1]

    def _keep(self, key: _Key, size: int, weights: Weights) -> None:
        with self._memory:
            self._kept[key] = (size, weights)
            self._size += size
            while self._size > self._capacity:
                _, (dropped, _) = self._kept.popitem(last=False)
                self._size -= dropped


def _stamp(checkpoint: Checkpoint) -> _Stamp:
    """What changes when the checkpoint is written anew. Raises CheckpointMissing."""
    index = checkpoint.prefix.with_name(checkpoint.prefix.name + ".index")
    try:
        status = index.stat()
    except OSError as error:
        raise CheckpointMissing(f"The checkpoint {checkpoint.prefix.name} is gone.") from error
    return status.st_mtime_ns, status.st_size, status.st_ino


def _note(damaged: list[str], read: Checkpoint) -> str | None:
    if not damaged:
        return None
    are = "is" if len(damaged) == 1 else "are"
    return f"{', '.join(damaged)} {are} damaged, so {read.prefix.name} was read."
