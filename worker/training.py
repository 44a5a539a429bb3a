"""One run from its first or last checkpoint to its end, as a stream of events.

The trainer knows nothing of files, the events' reader nothing of tensors; this is where they meet.
"""

import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.configuration import RunConfig
from shadowboard.dataset import Split
from shadowboard.errors import CheckpointError, CheckpointMissing, CheckpointUnsuitable, RunMissing
from shadowboard.start_from import StartFrom
from shadowboard.warm_start import WarmStart, initial_values, plan
from worker.trainer import State, Trainer

# A stop is noticed between two chunks, so a chunk must be well under a second.
_CHUNK_SECONDS = 0.3
METRIC_EVERY = 20
_SPEED_SECONDS = 3.0


@dataclass(frozen=True)
class Started:
    """Training begins at `step`, from `checkpoint` unless it is a fresh start.

    `notes` name the checkpoints that were damaged and passed over. `start`: what a fresh start takes from
    another run's checkpoint, where it is to.
    """

    step: int
    checkpoint: Checkpoint | None
    notes: list[str]
    start: WarmStart | None = None


@dataclass(frozen=True)
class Advanced:
    """Steps done since the last such event: their losses, float32 [N], the last being that of `step`."""

    step: int
    losses: NDArray[np.float32]
    steps_per_second: float


@dataclass(frozen=True)
class Changing:
    """The run's folder is about to be changed: the last moment to call it off.

    What is changed then was prepared before. So a worker that was suspended in between, and lost its run,
    finds that the next one has removed what it would have shown, and removes nothing of the next one's.
    """


@dataclass(frozen=True)
class Saved:
    """A checkpoint is on disk; `state` is what it holds."""

    checkpoint: Checkpoint
    state: State


@dataclass(frozen=True)
class Ended:
    """The last event. `message` is empty where there is nothing to say."""

    state: Literal["finished", "stopped", "diverged"]
    step: int
    message: str


Event = Started | Advanced | Changing | Saved | Ended


def _nowhere(start: StartFrom) -> Checkpoint:
    raise CheckpointMissing(f"Nobody has told where {start.where} is.")


def train(
    config: RunConfig,
    split: Split,
    folder: Path,
    should_stop: Callable[[], bool],
    find_source: Callable[[StartFrom], Checkpoint] = _nowhere,
) -> Generator[Event, None, None]:
    """Train `config` on `split`, from the newest good checkpoint in `folder` if there is one.

    Where there is none, variables start with the values of the checkpoint that `find_source` finds, if the
    configuration says so. Saves at step 0, every `save_every` steps, at the end, and where `should_stop`
    (asked between chunks) ends it early. Raises SaveFailed, CheckpointUnsuitable, ConfigurationInvalid.
    """
    trainer = Trainer(config, split)
    left = checkpoints.unfinished(folder)
    yield Changing()
    for killed in left:
        shutil.rmtree(killed, ignore_errors=True)
    state, started = _begin(trainer, folder, find_source)
    checkpoint = started.checkpoint
    yield started
    saved = state.step
    if checkpoint is None:
        yield from _save(folder, state)
    speed = _Speed()
    count, fresh = 1, True  # one step first: it compiles the loop, and its loss is the untrained network's
    while state.step < config.steps:
        if should_stop():
            if saved != state.step:
                yield from _save(folder, state)
            yield Ended("stopped", state.step, "")
            return
        to_save = config.save_every - state.step % config.save_every
        count = min(count, trainer.capacity, to_save, config.steps - state.step)
        began = time.monotonic()
        after, losses = trainer.advance(state, count)
        seconds = time.monotonic() - began
        if not (np.isfinite(losses).all() and trainer.is_finite(after)):
            bad = trainer.first_bad_step(state, count)
            yield Ended("diverged", bad, _diverged(bad, saved))
            return
        state = after
        yield Advanced(state.step, losses, speed.after(count, seconds))
        if state.step % config.save_every == 0 or state.step == config.steps:
            yield from _save(folder, state)
            saved = state.step
        count, fresh = METRIC_EVERY - 1 if fresh else _next_count(count, seconds, state.step), False
    yield Ended("finished", state.step, "")


def _begin(
    trainer: Trainer, folder: Path, find_source: Callable[[StartFrom], Checkpoint]
) -> tuple[State, Started]:
    if not checkpoints.list_checkpoints(folder):
        return _first(trainer, find_source, [])
    try:
        checkpoint, tensors, damaged = checkpoints.read_newest_good(folder)
    except CheckpointMissing as error:
        checkpoints.name_newest(folder, None)
        return _first(trainer, find_source, [str(error)])
    checkpoints.name_newest(folder, checkpoint)
    state = trainer.restore(tensors)
    return state, Started(state.step, checkpoint, [str(error) for error in damaged])


def _first(
    trainer: Trainer, find_source: Callable[[StartFrom], Checkpoint], notes: list[str]
) -> tuple[State, Started]:
    """The state of step 0, which is a function of the configuration and of the checkpoint that it names."""
    start = trainer.config.start_from
    if start is None:
        return trainer.initial(), Started(0, None, notes)
    try:
        source = find_source(start)
        report = plan(start, trainer.config.hidden, source)
        values = initial_values(report, source)
    except (RunMissing, CheckpointError) as error:
        raise CheckpointUnsuitable(
            f"This run is to start from step {start.step:,} of {start.where}, which is not possible: {error}"
        ) from error
    return trainer.initial(values), Started(0, None, notes, report)


def _save(folder: Path, state: State) -> Iterator[Event]:
    with checkpoints.saving(folder, state.step, state.tensors()) as commit:
        yield Changing()
        saved = commit()
    yield Saved(saved, state)


class _Speed:
    """Steps/s over the last few seconds of training; the first chunk, which compiles, is left out."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, float]] = deque()

    def after(self, count: int, seconds: float) -> float:
        self._chunks.append((count, seconds))
        while len(self._chunks) > 2 and sum(s for _, s in self._chunks) > _SPEED_SECONDS:
            self._chunks.popleft()
        counted = list(self._chunks)[1:] or self._chunks
        return sum(n for n, _ in counted) / max(sum(s for _, s in counted), 1e-9)


def _next_count(count: int, seconds: float, step: int) -> int:
    """So many steps as take _CHUNK_SECONDS at the last chunk's speed, ending where a metric is due."""
    steps = max(1, round(count / max(seconds, 1e-6) * _CHUNK_SECONDS))
    if steps < METRIC_EVERY:
        return steps
    return (step + steps) // METRIC_EVERY * METRIC_EVERY - step


def _diverged(step: int, saved: int) -> str:
    return (
        f"The loss or a weight is no longer a finite number at step {step}; "
        f"the last good checkpoint is that of step {saved}. A lower learning rate usually helps."
    )
