"""What the raw and the averaged weights of one checkpoint read in a drawn digit."""

from dataclasses import dataclass

import numpy as np

from server.restoring import Restorer
from shadowboard.checkpoints import Checkpoint
from shadowboard.digit_image import DigitImage
from shadowboard.evaluation import probabilities
from shadowboard.records import Run


@dataclass(frozen=True)
class Reading:
    """Ten probabilities and the digit they speak for; `average` is None for the raw weights."""

    average: str | None
    probabilities: list[float]

    @property
    def digit(self) -> int:
        """The most probable digit."""
        return int(np.argmax(self.probabilities))

    @property
    def confidence(self) -> float:
        """Its probability."""
        return self.probabilities[self.digit]


def weights_to_read(run: Run) -> list[str | None]:
    """The raw weights (None) and each average that the run keeps."""
    return [None, *(average.name for average in run.config.averages)]


def predict(restorer: Restorer, run: Run, checkpoint: Checkpoint, image: DigitImage) -> list[Reading]:
    """The readings of `image`, float32 [28, 28] in [0, 1]: the raw weights' first, then each average's.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable.
    """
    pixels = image.reshape(1, -1)
    readings = []
    for average in weights_to_read(run):
        weights = restorer.weights(checkpoint, average)
        found = probabilities(weights, pixels, run.config.activation)[0]
        readings.append(Reading(average, found.tolist()))
    return readings
