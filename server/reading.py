"""What sets of weights read in drawn digits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowboard.evaluation import probabilities
from shadowboard.network import Weights


@dataclass(frozen=True)
class Reading:
    """Ten probabilities and the digit they speak for; `average` is None for the raw weights."""

    average: str | None
    probabilities: list[float]

    @property
    def digit(self) -> int:
        """The most probable digit."""
        return self.probabilities.index(self.confidence)

    @property
    def confidence(self) -> float:
        """Its probability."""
        return max(self.probabilities)


def read(
    sets: Sequence[tuple[str | None, Weights]], images: NDArray[np.float32], activation: str
) -> list[list[Reading]]:
    """What each set of weights reads in each of the images, float32 [N, 28, 28] in [0, 1]; by image.

    `sets`: the name of an average, None for the raw weights, with its weights. One forward pass a set.
    Raises CheckpointUnsuitable where weights are too large to read with.
    """
    averages, weights = zip(*sets, strict=True)
    found = probabilities(weights, images.reshape(len(images), -1), activation).tolist()
    return [[Reading(*reading) for reading in zip(averages, rows, strict=True)] for rows in found]
