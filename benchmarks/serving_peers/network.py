"""The network that every peer serves: both sets of weights of one checkpoint, read with NumPy.

784 → 500 → 10 with ReLU. For one image at a time NumPy is the quickest choice a peer has: TensorFlow spends
more time on its calls than on the products. The peers' environments have nothing else in common.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
PIXELS = 784


class Network:
    """Both sets of weights of `weights.npz`: w1 [784, 500], b1 [500], w2 [500, 10], b2 [10] each."""

    def __init__(self, file: Path | str) -> None:
        with np.load(file) as arrays:
            self._sets = {
                kind: [arrays[f"{kind}/{name}"] for name in ("w1", "b1", "w2", "b2")]
                for kind in ("raw", "ema")
            }

    def read(self, image: object) -> dict[str, list[float]]:
        """Ten probabilities by either set of weights, of an image of 784 numbers in any shape."""
        pixels: Floats = np.asarray(image, np.float32).reshape(PIXELS)
        return {kind: _probabilities(pixels, *weights).tolist() for kind, weights in self._sets.items()}


def _probabilities(pixels: Floats, w1: Floats, b1: Floats, w2: Floats, b2: Floats) -> Floats:
    logits = np.maximum(pixels @ w1 + b1, 0) @ w2 + b2
    powers = np.exp(logits - logits.max())
    probabilities: Floats = powers / powers.sum()
    return probabilities


def arguments() -> tuple[Path, int]:
    """What every peer is started with: the folder of weights.npz, where it may write, and its port."""
    _, folder, port = sys.argv
    return Path(folder), int(port)
