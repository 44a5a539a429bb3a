"""One digit, read by a run's checkpoints one after the other: how its reading came about in training."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from server.promoting import weights_to_read
from server.reading import Reading, read
from shadowboard.checkpoints import Checkpoint
from shadowboard.digit_image import DigitImage
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable
from shadowboard.evaluation import require_finite
from shadowboard.records import Run
from shadowboard.weights import restore


@dataclass
class Track:
    """`readings[i]`, raw first and then each average, are of the checkpoint of `steps[i]`; by step.

    `skipped`: the steps that could not be read, each with the reason.
    """

    steps: list[int] = field(default_factory=list)
    readings: list[list[Reading]] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)


def track(
    checkpoints: Callable[[Run], Sequence[Checkpoint]],
    run: Run,
    image: DigitImage,
    most: int,
    gone: threading.Event,
) -> Track:
    """The readings of `image`, float32 [28, 28] in [0, 1], by at most `most` of the run's checkpoints.

    Past the restorer: a long run would drive all other weights out of its memory, and reading a checkpoint
    takes about a millisecond. Ends early once nobody waits for it any more.
    """
    found = Track()
    for checkpoint in thinned(checkpoints(run), most):
        if gone.is_set():
            break
        try:
            sets = [(average, restore(checkpoint, average)) for average in weights_to_read(run)]
            for _, weights in sets:
                require_finite(weights)
            readings = read(sets, image[np.newaxis], run.config.activation)[0]
        except (CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable) as error:
            found.skipped.append((checkpoint.step, str(error)))
        else:
            found.steps.append(checkpoint.step)
            found.readings.append(readings)
    return found


def thinned(checkpoints: Sequence[Checkpoint], most: int) -> list[Checkpoint]:
    """At most `most` (≥ 1) of them, evenly by index; the last is always among them."""
    last = len(checkpoints) - 1
    kept = np.linspace(last, 0, min(most, len(checkpoints))).round().astype(int)
    return [checkpoints[i] for i in kept[::-1]]
