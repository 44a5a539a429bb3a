"""A split's images in batches, each without the pixels that are blank in all of its images."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from shadowboard.dataset import Split, as_float
from shadowboard.quiet_tensorflow import tf

# Of MNIST such a batch needs 496 of the 784 pixels. Smaller ones need fewer, but take as long.
_MOST = 1_700


@dataclass(frozen=True, eq=False)
class Batch:
    """n images, and the k pixels in which any of them has ink.

    places: int64 [n], where in the split each image is; pixels: int64 [k]; values: float32 [n, k] in [0, 1].
    """

    places: NDArray[np.int64]
    pixels: Any
    values: Any


# Kept as long as the images are: of MNIST 28 MB beside their 55. With a number of its own, runs of several
# data sets that are evaluated in turn would drive each other out, and to make these takes as long as to read.
_BATCHES: WeakKeyDictionary[Split, tuple[Batch, ...]] = WeakKeyDictionary()


def batches(split: Split) -> tuple[Batch, ...]:
    """The images by how rare their rarest pixel is, so that most batches need none of the rare ones."""
    if split not in _BATCHES:
        _BATCHES[split] = _batches(split)
    return _BATCHES[split]


def _batches(split: Split) -> tuple[Batch, ...]:
    inked = split.images > 0
    rarest_first = np.argsort(inked.sum(axis=0))
    order = np.argsort(inked[:, rarest_first].argmax(axis=1))
    return tuple(
        _batch(split.images[places], places) for places in np.array_split(order, -(-len(order) // _MOST))
    )


def _batch(images: NDArray[np.uint8], places: NDArray[np.int64]) -> Batch:
    pixels = np.flatnonzero(images.any(axis=0))
    return Batch(places, tf.constant(pixels), tf.constant(as_float(images[:, pixels])))
