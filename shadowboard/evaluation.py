"""Weights + images → Evaluation: what each image was read as, and how often that was right."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard.activations import activation_of
from shadowboard.batches import batches
from shadowboard.dataset import Split, as_float
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.given_network import GivenWeights
from shadowboard.intervals import wilson_interval
from shadowboard.layout import CLASSES, PIXELS
from shadowboard.network import Weights, logits
from shadowboard.quiet_tensorflow import tf
from shadowboard.records import Score, StoredEvaluation

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "sigmoid": lambda values: 1 / (1 + np.exp(-values)),
    "none": lambda values: values,
}

_FIRST = "layer1/weights"
_FEW = PIXELS // 3  # with fewer inked pixels, to pick out their weights is quicker than to take all

_CHUNK = 1_000  # images that a function somebody gave is handed at once, whatever memory it takes for each

_BINS = 15  # of the calibration error, as Guo et al. have them

_STORED_FLOAT = "<f4"  # whatever the byte order of the machine that reads it again


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

    @classmethod
    def of_stored(cls, found: StoredEvaluation, labels: NDArray[np.uint8]) -> "Evaluation":
        """What the store has kept, of images with these labels: as many as were read."""
        loss = math.nan if found.score.loss is None else found.score.loss
        predictions, confidences = (
            np.frombuffer(found.predictions, np.uint8),
            np.frombuffer(found.confidences, _STORED_FLOAT),
        )
        return cls(labels, predictions, confidences, loss)

    def stored(self, step: int, average: str, split: str, seconds: float) -> StoredEvaluation:
        """What the store keeps of it. `average`: empty for raw weights; `seconds`: what making it took.

        A loss that is no finite number is kept as none: no database and no JSON has one.
        """
        loss = self.loss if math.isfinite(self.loss) else None
        score = Score(step, average, split, self.n, self.correct, loss, seconds)
        return StoredEvaluation(
            score, self.predictions.tobytes(), self.confidences.astype(_STORED_FLOAT).tobytes()
        )

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
    sets: Sequence[Weights], images: NDArray[np.float32], activation: str = "relu"
) -> NDArray[np.float32]:
    """float32 [N, S, 10] of images float32 [N, 784] in [0, 1] and S sets of weights: softmaxes of the logits.

    In NumPy, which reads a single image ten times as fast as TensorFlow does operation by operation. Raises
    CheckpointUnsuitable where the weights are so large that these are no finite numbers; `require_finite` has
    looked at all of them, for here those of pixels without ink are left out.
    """
    inked = np.flatnonzero(images.any(axis=0))
    return _shares(np.stack([_logits_of(weights, images, inked, activation) for weights in sets], axis=1))


def _logits_of(
    weights: Weights, images: NDArray[np.float32], inked: NDArray[np.intp], activation: str
) -> NDArray[np.float32]:
    """Logits [N, 10]; `inked`: the pixels that are not blank in all images."""
    if isinstance(weights, GivenWeights):
        return weights.network.logits(weights, images)
    activation = activation_of(weights, activation)
    if len(inked) < _FEW:  # blank pixels add nothing; of a digit a fifth is inked
        images = images[:, inked]
        weights = {**weights, _FIRST: np.asarray(weights[_FIRST]).take(inked, axis=0)}
    # Products of a vector each: those of a matrix are shared among threads, and wait where training has the
    # cores, a hundred times as long as they take.
    with np.errstate(all="ignore"):
        return _logits(weights, images[:, np.newaxis], activation)[:, 0]


def _shares(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The softmax of logits [N, S, 10]. Raises CheckpointUnsuitable."""
    with np.errstate(all="ignore"):
        powers = np.exp(values - values.max(axis=2, keepdims=True))
        shares: NDArray[np.float32] = powers / powers.sum(axis=2, keepdims=True)
    if not np.isfinite(shares).all():
        raise CheckpointUnsuitable("The weights are too large to read with: their logits are not finite.")
    return shares


def require_finite(weights: Weights) -> None:
    """Raises CheckpointUnsuitable where a weight is no finite number."""
    for name, values in weights.items():
        if not np.isfinite(values).all():
            raise CheckpointUnsuitable(f"{name} holds values that are no finite numbers, to read with.")


def _logits(weights: Weights, values: NDArray[np.float32], activation: str) -> NDArray[np.float32]:
    layers = len(weights) // 2
    for i in range(1, layers + 1):
        values = values @ np.asarray(weights[f"layer{i}/weights"])
        values += np.asarray(weights[f"layer{i}/biases"])
        if i < layers:
            values = _ACTIVATIONS[activation](values)
    return values


def evaluate(weights: Weights, split: Split, activation: str = "relu") -> Evaluation:
    """Read the images of a split, of which there is at least one, with `weights`."""
    return _judged(_read(weights, split, activation), split.labels)


def _judged(values: NDArray[np.float32], labels: NDArray[np.uint8]) -> Evaluation:
    """What logits [N, 10] read images with these labels as.

    In NumPy and a row for each digit: TensorFlow, operation by operation, takes several times as long.
    """
    rows = np.ascontiguousarray(values.T)
    with np.errstate(all="ignore"):
        shifted = rows - rows.max(axis=0)
        sums = np.exp(shifted).sum(axis=0)
        if np.isnan(sums).any():  # a logit that is no number is never the largest
            rows = np.where(np.isnan(rows), -np.inf, rows)
        losses = np.log(sums) - shifted[labels, np.arange(len(labels))]
        return Evaluation(
            labels,
            rows.argmax(axis=0).astype(np.uint8),
            np.nan_to_num(1 / sums),
            float(losses.mean(dtype=np.float64)),
        )


def _read(weights: Weights, split: Split, activation: str) -> NDArray[np.float32]:
    """Logits float32 [N, 10] of the images of a split."""
    if isinstance(weights, GivenWeights):
        return _read_by_given(weights, split)
    activation = activation_of(weights, activation)
    first = weights[_FIRST]
    if not np.isfinite(first).all():  # what is left out below would be no zero then
        return np.asarray(logits(weights, tf.constant(as_float(split.images)), activation))
    values = np.empty((len(split), CLASSES), np.float32)
    for batch in batches(split):
        inked = {**weights, _FIRST: tf.gather(first, batch.pixels)}
        values[batch.places] = logits(inked, batch.values, activation)
    return values


def _read_by_given(weights: GivenWeights, split: Split) -> NDArray[np.float32]:
    chunks = [split.images[start : start + _CHUNK] for start in range(0, len(split), _CHUNK)]
    return np.concatenate([weights.network.logits(weights, as_float(chunk)) for chunk in chunks])
