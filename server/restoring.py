"""Weights out of checkpoints, kept in memory while they are in use."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from server.ranking import first_read, passed_over
from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.folder_sight import sight_of
from shadowboard.given_network import GivenNetwork, converted
from shadowboard.listing import Stamp, has_checkpoint, pick
from shadowboard.network import Weights
from shadowboard.quiet_tensorflow import tf
from shadowboard.records import Run
from shadowboard.watched import WatchedConfig
from shadowboard.weights import restore

_DAMAGE_SECONDS = 10.0

_Key = tuple[Checkpoint, str | None, Stamp]


@dataclass(frozen=True, eq=False)
class Choice:
    """A checkpoint, and a sentence where it is not the one that was to be expected.

    `weights`: those that had to be readable, in the order in which they were named.
    """

    checkpoint: Checkpoint
    note: str | None = None
    weights: Sequence[Weights] = ()


class Restorer:
    """Restores weights, the ones used last from memory; any number of threads may ask."""

    def __init__(
        self,
        run_folder: Callable[[str], Path],
        capacity: int,
        observe: Callable[[float], None] | None = None,
        networks: Mapping[str, GivenNetwork] = MappingProxyType({}),
    ) -> None:
        """`run_folder`: run id → folder of its checkpoints; `capacity`: bytes of weights to keep.

        `observe` is told the seconds that each restore from disk took. `networks`: those given, by name.
        """
        self._run_folder = run_folder
        self._capacity = capacity
        self._networks = networks
        self._observe = observe
        self._size = 0
        self._kept: OrderedDict[_Key, tuple[int, Weights]] = OrderedDict()
        self._damaged: dict[_Key, tuple[float, CheckpointDamaged]] = {}
        self._memory = threading.Lock()
        # One restore at a time: of equal ones only the first reads, and memory holds one that is half done.
        self._disk = threading.Lock()

    def checkpoints(self, run: Run) -> list[Checkpoint]:
        """The run's checkpoints on disk, by ascending step."""
        if isinstance(run.config, WatchedConfig):
            return sight_of(run.config, self._networks).checkpoints
        return checkpoints.list_checkpoints(self._run_folder(run.id))

    def has_checkpoint(self, run: Run) -> bool:
        """Whether any of the run's checkpoints is on disk. Raises CheckpointMissing: that cannot be told."""
        if run.folder is not None:
            return bool(self.checkpoints(run))
        return has_checkpoint(self._run_folder(run.id))

    def find(self, run: Run, step: int) -> Checkpoint:
        """The run's checkpoint of `step`. Raises CheckpointMissing."""
        return pick(self.checkpoints(run), step)

    def first_good(
        self, run: Run, candidates: Iterable[Checkpoint], averages: Sequence[str | None]
    ) -> Choice:
        """The first of a run's checkpoints whose raw weights (None) or averages can all be read.

        Raises CheckpointMissing where there is none, CheckpointUnsuitable where one lacks an average.
        """

        def read(checkpoint: Checkpoint) -> list[Weights]:
            return [self.weights(checkpoint, average) for average in averages]

        checkpoint, weights, damaged = first_read(run, candidates, read)
        return Choice(checkpoint, passed_over(damaged, checkpoint), weights)

    def weights(self, checkpoint: Checkpoint, average: str | None) -> Weights:
        """The raw (None) or averaged weights as tensors.

        Raises CheckpointMissing, CheckpointDamaged (for a while without reading again) and
        CheckpointUnsuitable.
        """
        if (stamp := checkpoint.stamp) is None:
            raise CheckpointMissing(f"The checkpoint {checkpoint.prefix.name} is gone.")
        key = (checkpoint, average, stamp)
        if (kept := self._recall(key)) is not None:
            return kept
        with self._disk:
            if (kept := self._recall(key)) is not None:
                return kept
            began = time.monotonic()
            try:
                arrays = restore(checkpoint, average)
            except CheckpointDamaged as error:
                self._remember(key, error)
                raise
            weights = converted(arrays, tf.constant)
            if self._observe:
                self._observe(time.monotonic() - began)
            self._keep(key, sum(array.nbytes for array in arrays.values()), weights)
            return weights

    def _recall(self, key: _Key) -> Weights | None:
        with self._memory:
            since, error = self._damaged.get(key, (0.0, None))
            if error and time.monotonic() - since < _DAMAGE_SECONDS:
                raise error.with_traceback(None)
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][1]

    def _keep(self, key: _Key, size: int, weights: Weights) -> None:
        if size > self._capacity:
            return
        with self._memory:
            self._kept[key] = (size, weights)
            self._size += size
            while self._size > self._capacity:
                _, (dropped, _) = self._kept.popitem(last=False)
                self._size -= dropped

    def _remember(self, key: _Key, error: CheckpointDamaged) -> None:
        now = time.monotonic()
        with self._memory:
            self._damaged = {k: v for k, v in self._damaged.items() if now - v[0] < _DAMAGE_SECONDS}
            self._damaged[key] = (now, error)
