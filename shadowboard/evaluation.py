"""Weights + images → Evaluation: what each image was read as, and how often that was right."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard.errors import CheckpointUnsuitable
from shadowboard.intervals import wilson_interval
from shadowboard.network import CLASSES, Weights, logits
from shadowboard.quiet_tensorflow import tf

# Bounds the memory of one forward pass; large enough to keep the matrix products efficient.
_CHUNK = 5_000

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "sigmoid": lambda values: 1 / (1 + np.exp(-values)),
    "none": lambda values: values,
}

_WHITE = np.array(255, np.float32)

_BINS = 15  # of the calibration error, as Guo et al. have them


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The reading of N images by one set of weights.

    labels, predictions: uint8 [N]; confidences: float32 [N], the probability of the predicted digit, 0 where
    the logits are not finite; loss: mean cross-entropy in nats.
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
    def mean_confidence(self) -> float:
        """The mean probability of the predicted digits."""
        return float(self.confidences.mean(dtype=np.float64))

    @property
    def calibration_error(self) -> float:
        """How far confidence and accuracy are apart, from 0 to 1.

        The expected calibration error with 15 bins of equal width, each with its upper edge (Guo, Pleiss, Sun
        & Weinberger 2017, eq. (3)).
        """
        bins = np.searchsorted(np.arange(1, _BINS) / _BINS, self.confidences)
        gaps = np.bincount(bins, (self.predictions == self.labels) - self.confidences.astype(np.float64))
        return float(np.abs(gaps).sum() / self.n)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """int64 [10, 10]: how many images of digit (row) were read as digit (column)."""
        pairs = self.labels.astype(np.int64) * CLASSES + self.predictions
        return np.bincount(pairs, minlength=CLASSES * CLASSES).reshape(CLASSES, CLASSES)


def probabilities(
    weights: Weights, images: NDArray[np.float32], activation: str = "relu"
) -> NDArray[np.float32]:
    """float32 [N, 10] of images float32 [N, 784] in [0, 1]: the softmax of the logits.

    In NumPy, which reads a single image ten times as fast as TensorFlow does operation by operation; of many,
    each is read as if it were alone, to the same bits. Raises CheckpointUnsuitable where the weights are so
    large that these are no finite numbers.
    """
    layers = len(weights) // 2
    # Products of a vector each: those of a matrix are shared among threads, and wait where training has the
    # cores, a hundred times as long as they take.
    values = images[:, np.newaxis]
    with np.errstate(all="ignore"):
        for i in range(1, layers + 1):
            values = values @ np.asarray(weights[f"layer{i}/weights"])
            values += np.asarray(weights[f"layer{i}/biases"])
            if i < layers:
                values = _ACTIVATIONS[activation](values)
        values = values[:, 0]
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        shares: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    if not np.isfinite(shares).all():
        raise CheckpointUnsuitable("The weights are too large to read with: their logits are not finite.")
    return shares


def evaluate(
    weights: Weights, images: NDArray[np.uint8], labels: NDArray[np.uint8], activation: str = "relu"
) -> Evaluation:
    """Read images uint8 [N, 784] (N > 0) with `weights` and compare with labels uint8 [N].

    The first evaluation of a network's shape compiles it, which takes some 0.2 s; compiled, the forward pass
    takes half as long.
    """
    predictions, confidences, losses = [], [], []
    for start in range(0, len(images), _CHUNK):
        chosen = slice(start, start + _CHUNK)
        values = _compiled(activation)(weights, images[chosen], _WHITE)
        losses.append(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels[chosen].astype(np.int32), values).numpy()
        )
        predictions.append(tf.argmax(values, 1).numpy().astype(np.uint8))
        confidences.append(np.nan_to_num(tf.reduce_max(tf.nn.softmax(values), 1).numpy()))
    return Evaluation(
        labels,
        np.concatenate(predictions),
        np.concatenate(confidences),
        float(np.concatenate(losses).mean(dtype=np.float64)),
    )


@cache
def _compiled(activation: str) -> Callable[[Weights, NDArray[np.uint8], NDArray[np.float32]], Any]:
    """Logits of images as they are stored, a quarter of the bytes to hand over, divided by white.

    White is an argument, for XLA multiplies by the reciprocal of a constant, which is not the same number.
    """

    def of_bytes(weights: Weights, images: Any, white: Any) -> Any:
        return logits(weights, tf.cast(images, tf.float32) / white, activation)

    compiled: Callable[[Weights, NDArray[np.uint8], NDArray[np.float32]], Any] = tf.function(
        of_bytes, jit_compile=True, autograph=False
    )
    return compiled
