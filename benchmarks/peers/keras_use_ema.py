"""Keras on TensorFlow: fit() with use_ema, compiled, 50 steps an execution, no num_updates."""

import time
from typing import Any

import keras
import numpy as np

from benchmarks.workload import (
    BATCH,
    CLASSES,
    EMA_DECAY,
    EPOCH,
    HIDDEN,
    LEARNING_RATE,
    LEARNING_RATE_DECAY,
    PIXELS,
    REGULARIZATION,
    STEPS,
    WARM_UP,
    WINDOW,
    accuracy,
    initial_layers,
    read_mnist,
    report,
)


class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Notes when each epoch ends: fit() is one call, because its end overwrites the raw weights."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keras calls this."""
        self.times.append(time.perf_counter())

    def speeds(self) -> list[float]:
        """Steps per second of each window after the warm-up."""
        ends = np.array(self.times)[WARM_UP // EPOCH - 1 :: WINDOW // EPOCH]
        return [float(WINDOW / seconds) for seconds in np.diff(ends)]


def main() -> None:
    """Train in one fit()."""
    keras.utils.set_random_seed(0)
    train, validation = read_mnist()
    half = keras.regularizers.L2(REGULARIZATION / 2)  # Keras leaves out the ½ of ½‖W‖²
    model = keras.Sequential(
        [
            keras.Input((PIXELS,)),
            keras.layers.Dense(HIDDEN, activation="relu", kernel_regularizer=half),
            keras.layers.Dense(CLASSES, kernel_regularizer=half),
        ]
    )
    names = ("w1", "b1", "w2", "b2")
    initial = initial_layers()
    model.set_weights([initial[name] for name in names])
    rate = keras.optimizers.schedules.ExponentialDecay(LEARNING_RATE, EPOCH, LEARNING_RATE_DECAY)
    model.compile(
        keras.optimizers.SGD(rate, use_ema=True, ema_momentum=EMA_DECAY),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=True,
        steps_per_execution=50,
    )
    clock = Clock()
    model.fit(
        train.images, train.labels, batch_size=BATCH, epochs=STEPS // EPOCH, callbacks=[clock], verbose=0
    )
    score = accuracy(dict(zip(names, model.get_weights(), strict=True)), validation)
    report(f"Keras {keras.__version__} fit, use_ema, jit_compile", clock.speeds(), averaged_accuracy=score)


if __name__ == "__main__":
    main()
