"""Weights + images → Evaluation: what each image was read as, and how often that was right."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from shadowboard.dataset import as_float
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.network import CLASSES, Weights, logits
from shadowboard.quiet_tensorflow import tf

# Bounds the memory of one forward pass; large enough to keep the matrix products efficient.
_CHUNK = 5_000


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The reading of N images by one set of weights.

    labels, predictions: uint8 [N]; confidences: float32 [N], the probability of the predicted digit;
    loss: mean cross-entropy in nats.
    """

    labels: NDArray[np.uint8]
    predictions: NDArray[np.uint8]
    confidences: NDArray[np.float32]
    loss: float

    @property
    def n(self) -> int:
        """How many images were read."""
        return len(self.labels)

    @cached_property
    def correct(self) -> int:
        """How many of them were read right."""
        return int(np.count_nonzero(self.predictions == self.labels))

    @property
    def accuracy(self) -> float:
        """The share read right."""
        return self.correct / self.n

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy (Wilson 1927)."""
        return wilson_interval(self.correct, self.n)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """int64 [10, 10]: how many images of digit (row) were read as digit (column)."""
        pairs = self.labels.astype(np.int64) * CLASSES + self.predictions
        return np.bincount(pairs, minlength=CLASSES * CLASSES).reshape(CLASSES, CLASSES)


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share correct / n (Wilson 1927)."""
    interval = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def probabilities(
    weights: Weights, images: NDArray[np.float32], activation: str = "relu"
) -> NDArray[np.float32]:
    """float32 [N, 10] of images float32 [N, 784] in [0, 1]: the softmax of the logits.

    Raises CheckpointUnsuitable where the weights are so large that these are no finite numbers.
    """
    values = np.asarray(tf.nn.softmax(logits(weights, tf.convert_to_tensor(images), activation)))
    if not np.isfinite(values).all():
        raise CheckpointUnsuitable("The weights are too large to read with: their logits are not finite.")
    return values


def evaluate(
    weights: Weights, images: NDArray[np.uint8], labels: NDArray[np.uint8], activation: str = "relu"
) -> Evaluation:
    """Read images uint8 [N, 784] (N > 0) with `weights` and compare with labels uint8 [N]."""
    predictions, confidences, losses = [], [], []
    for start in range(0, len(images), _CHUNK):
        chosen = slice(start, start + _CHUNK)
        values = logits(weights, as_float(images[chosen]), activation)
        losses.append(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels[chosen].astype(np.int32), values).numpy()
        )
        predictions.append(tf.argmax(values, 1).numpy().astype(np.uint8))
        confidences.append(tf.reduce_max(tf.nn.softmax(values), 1).numpy())
    return Evaluation(
        labels,
        np.concatenate(predictions),
        np.concatenate(confidences),
        float(np.concatenate(losses).mean(dtype=np.float64)),
    )
