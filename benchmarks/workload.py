"""What every contender trains, and how its speed is taken.

MNIST's 55,000 training images in memory, batches of 100 reshuffled each epoch, 784 → 500 → 10 with ReLU,
plain gradient descent, L2 on the weights, a moving average of every variable after each step, all float32.
Contenders run in separate environments, so nothing but NumPy is imported here.
"""

import gzip
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PIXELS = 784
HIDDEN = 500
CLASSES = 10
BATCH = 100
EPOCH = 550
LEARNING_RATE = 0.8
LEARNING_RATE_DECAY = 0.99
REGULARIZATION = 1e-4
EMA_DECAY = 0.99
VALIDATION_SIZE = 5_000

WARM_UP = EPOCH  # compiles, fills caches
WINDOW = 2 * EPOCH
WINDOWS = 3
STEPS = WARM_UP + WINDOWS * WINDOW

Floats = NDArray[np.float32]
Layers = dict[str, Floats]  # w1 [784, 500], b1 [500], w2 [500, 10], b2 [10]


class Data(NamedTuple):
    """Images float32 [N, 784] in [0, 1] and labels int32 [N]."""

    images: Floats
    labels: NDArray[np.int32]


def read_mnist() -> tuple[Data, Data]:
    """The training and the validation split."""
    folder = Path(__file__).parent.parent / "shadowboard" / "mnist"

    def read(name: str, header: int) -> NDArray[np.uint8]:
        return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=header)

    images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, PIXELS).astype(np.float32) / np.float32(255)
    labels = read("train-labels-idx1-ubyte.gz", 8).astype(np.int32)
    first = VALIDATION_SIZE
    return Data(images[first:], labels[first:]), Data(images[:first], labels[:first])


def initial_layers(seed: int = 0) -> Layers:
    """Normal weights of stddev 0.1 cut at two standard deviations, biases 0."""
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> Floats:
        values = random.standard_normal(shape, np.float32)
        while (far := np.abs(values) > 2).any():
            values[far] = random.standard_normal(int(far.sum()), np.float32)
        return values * np.float32(0.1)

    return {
        "w1": draw(PIXELS, HIDDEN),
        "b1": np.zeros(HIDDEN, np.float32),
        "w2": draw(HIDDEN, CLASSES),
        "b2": np.zeros(CLASSES, np.float32),
    }


def accuracy(layers: Layers, data: Data) -> float:
    """The share of right answers: says that a contender trained what it claims to."""
    hidden = np.maximum(data.images @ layers["w1"] + layers["b1"], 0)
    answers = np.argmax(hidden @ layers["w2"] + layers["b2"], axis=1)
    return float(np.mean(answers == data.labels))


def time_windows(run: Callable[[int], None], window: int = WINDOW, warm_up: int = WARM_UP) -> list[float]:
    """Steps per second in each window, after a warm-up; `run(n)` returns when n more steps are done."""
    run(warm_up)
    speeds = []
    for _ in range(WINDOWS):
        start = time.perf_counter()
        run(window)
        speeds.append(window / (time.perf_counter() - start))
    return speeds


def report(
    name: str, speeds: list[float], *, steps: int = STEPS, averaged_accuracy: float | None = None
) -> None:
    """One line of JSON on standard output: the median window, the steps done, and what they led to."""
    line = {
        "name": name,
        "steps_per_second": statistics.median(speeds),
        "steps": steps,
        "averaged_accuracy": averaged_accuracy,
    }
    print(json.dumps(line), flush=True)
