"""What is in the folder of another program at a moment: its complete checkpoints, and what is the matter.

Nothing in it is written, moved or deleted. Needs no TensorFlow.
"""

import os
import re
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from shadowboard.bundle import open_bundle
from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.listing import Checkpoint, list_checkpoints, newest_files

_WRITING_SECONDS = 3.0  # as long as what is incomplete may still be in the writing

_MOST = 10**15  # steps: not every number of more than 18 digits fits into a database
# What counters are called, the best one first.
_COUNTERS = [re.compile(name) for name in (r"global_step", r"\bstep\b", r"iterations?\b", r"save_counter")]


@dataclass(frozen=True)
class FolderSight:
    """`checkpoints`: by ascending step; `written_at`: when each was, in s since 1970.

    `problem`: why there are no (more) of them, in a sentence; or empty.
    """

    checkpoints: list[Checkpoint] = field(default_factory=list)
    written_at: list[float] = field(default_factory=list)
    problem: str = ""


def look(folder: Path) -> FolderSight:
    """The checkpoints in `folder` whose files are complete, whatever their base name.

    The step is the number at the end of the name, or else the counter inside.
    """
    try:
        numbered = {checkpoint.prefix: checkpoint.step for checkpoint in list_checkpoints(folder)}
        prefixes = newest_files(folder)
    except CheckpointMissing as error:
        return FolderSight(problem=str(error))
    found: dict[int, tuple[Checkpoint, float]] = {}
    problems = []
    for prefix in prefixes:
        try:
            index = _index(prefix)
            step = _step(prefix, (index.st_mtime_ns, index.st_size, index.st_ino))
        except CheckpointMissing:  # deleted since the listing
            continue
        except CheckpointDamaged as error:
            if time.time() - index.st_mtime > _WRITING_SECONDS:
                problems.append(str(error))
            continue
        step = numbered.get(prefix, step)
        if step is None:
            problems.append(
                f"{prefix.name} tells no step; expected <name>-<step>.index, or a counter in it such as "
                "global_step."
            )
        else:
            found.setdefault(step, (Checkpoint(prefix, step), index.st_mtime))
    in_order = [found[step] for step in sorted(found)]
    return FolderSight([c for c, _ in in_order], [at for _, at in in_order], " ".join(problems[:1]))


@lru_cache(maxsize=10_000)  # each is looked at every second, and hardly ever changes
def _step(prefix: Path, stamp: tuple[int, ...]) -> int | None:
    """The step that a complete checkpoint tells, if it tells one. `stamp` changes when it is written anew.

    Raises CheckpointMissing, CheckpointDamaged.
    """
    del stamp
    bundle = open_bundle(prefix)
    counters = [name for name, entry in bundle.entries.items() if entry.shape == () and "int" in entry.dtype]
    for pattern in _COUNTERS:
        for name in filter(pattern.search, counters):
            (values,) = bundle.blocks(name)
            if 0 <= values[0] < _MOST:
                return int(values[0])
    return None


def _index(prefix: Path) -> os.stat_result:
    """Raises CheckpointMissing."""
    try:
        return prefix.with_name(prefix.name + ".index").stat()
    except OSError as error:
        raise CheckpointMissing(f"The checkpoint {prefix.name} is gone.") from error
