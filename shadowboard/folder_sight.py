"""What is in the folder of another program at a moment: its complete checkpoints, and what is the matter.

Nothing in it is written, moved or deleted. Needs no TensorFlow.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from shadowboard import keras_file
from shadowboard.bundle import open_bundle
from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.given_network import GivenCheckpoint, GivenNetwork
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.listing import MOST_STEPS, Checkpoint, Stamp, files_in, list_checkpoints, newest_files
from shadowboard.records import SavedCheckpoint
from shadowboard.watched import WatchedConfig

_WRITING_SECONDS = 3.0  # as long as what is incomplete may still be in the writing

_UNKNOWN = -1  # step
# What counters are called, the best one first.
_COUNTERS = [re.compile(name) for name in (r"global_step", r"\bstep\b", r"iterations?\b", r"save_counter")]


@dataclass(frozen=True)
class FolderSight:
    """`checkpoints`: by ascending step; `stamps`: which writing of each it is.

    `problem`: why there are no (more) of them, in a sentence; or empty.
    """

    checkpoints: list[Checkpoint] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    problem: str = ""


def sight_of(config: WatchedConfig, networks: Mapping[str, GivenNetwork]) -> FolderSight:
    """What is in the folder of a watched run; `networks`: those that this process has been given, by name."""
    sight = look(Path(config.folder))
    if not config.network:
        return sight
    network = networks.get(config.network, GivenNetwork(config.network))
    given: list[Checkpoint] = [
        GivenCheckpoint(checkpoint.prefix, checkpoint.step, network) for checkpoint in sight.checkpoints
    ]
    return replace(sight, checkpoints=given)


def as_recorded(checkpoint: Checkpoint, stamp: Stamp) -> SavedCheckpoint:
    """What the store keeps of that writing of a checkpoint."""
    return SavedCheckpoint(checkpoint.step, checkpoint.bytes, stamp.written_at)


def look(folder: Path) -> FolderSight:
    """The checkpoints in `folder` whose files are complete, whatever their base name.

    The step is the number at the end of the name, or else the counter inside.
    """
    try:
        candidates = [*_of_tensorflow(folder), *_of_keras(folder)]
        if not candidates:
            newest_files(folder)  # has the words for it
    except CheckpointMissing as error:
        return FolderSight(problem=str(error))
    found: dict[int, tuple[Checkpoint, Stamp]] = {}
    problems = []
    for candidate in candidates:
        if (stamp := candidate.stamp) is None:  # deleted since the listing
            continue
        try:
            step = _step(candidate, stamp)
        except CheckpointMissing:  # deleted just now
            continue
        except CheckpointDamaged as error:
            step = str(error)
        if isinstance(step, str):
            if abs(time.time() - stamp.written_at) > _WRITING_SECONDS:  # another machine's clock may be ahead
                problems.append(step)
        elif step is None:
            problems.append(
                f"{candidate.prefix.name} tells no step; expected <name>-<step>.index, or a counter in it "
                "such as global_step."
            )
        else:
            found.setdefault(step, (replace(candidate, step=step), stamp))
    in_order = [found[step] for step in sorted(found)]
    return FolderSight([c for c, _ in in_order], [stamp for _, stamp in in_order], " ".join(problems[:1]))


def _of_tensorflow(folder: Path) -> list[Checkpoint]:
    numbered = {checkpoint.prefix: checkpoint for checkpoint in list_checkpoints(folder)}
    try:
        return [numbered.get(prefix, Checkpoint(prefix, _UNKNOWN)) for prefix in newest_files(folder)]
    except CheckpointMissing:  # which is no matter where Keras has written
        return []


def _of_keras(folder: Path) -> list[Checkpoint]:
    try:
        paths = sorted(path for path, _ in files_in(folder, keras_file.ENDS))
    except FileNotFoundError:  # it is told by what looks for TensorFlow's
        return []
    return [KerasCheckpoint(path, _number(path.name)) for path in paths]


def _number(name: str) -> int:
    """The step at the end of `<name>-<step>.weights.h5`."""
    for end in keras_file.ENDS:
        name = name.removesuffix(end)
    found = re.search(r"-([0-9]{1,15})$", name)
    return int(found.group(1)) if found else _UNKNOWN


@lru_cache(maxsize=100_000)  # each is looked at every second, and hardly ever changes
def _step(checkpoint: Checkpoint, stamp: Stamp) -> int | str | None:
    """The step of a complete checkpoint, if it tells one. `stamp` is another when it is written anew.

    As text, why a file of Keras cannot be read: it is read whole for that, and not again. Raises
    CheckpointMissing, and CheckpointDamaged of TensorFlow's, whose data files have times of their own.
    """
    del stamp
    if not isinstance(checkpoint, KerasCheckpoint):
        counted = _counted(checkpoint.prefix)
    else:
        try:
            counted = keras_file.step_in(checkpoint.prefix)
        except CheckpointDamaged as error:
            return str(error)
    return counted if checkpoint.step == _UNKNOWN else checkpoint.step


def _counted(prefix: Path) -> int | None:
    bundle = open_bundle(prefix)
    counters = [
        name
        for name, entry in bundle.entries.items()
        if entry.shape == () and "int" in entry.dtype and entry.stored and not entry.sliced
    ]
    for pattern in _COUNTERS:
        for name in filter(pattern.search, counters):
            (values,) = bundle.blocks(name)
            if 0 <= values[0] < MOST_STEPS:
                return int(values[0])
    return None
