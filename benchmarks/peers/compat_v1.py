"""The reference's training program: Session, feed_dict, tf.train's own optimiser, average and Saver."""

import tempfile
import time
from itertools import pairwise

import tensorflow as tf

from benchmarks.workload import STEPS, WARM_UP, WINDOW, accuracy, initial_layers, read_mnist, report
from tests.oracles.reference_programs import TF_AVERAGE, shuffled_order
from tests.oracles.reference_programs import train as train_reference

NAMES = {"w1": "layer1/weights", "b1": "layer1/biases", "w2": "layer2/weights", "b2": "layer2/biases"}


def main() -> None:
    """Train once, checkpoints each 1,000 steps on disk, and note the time at every window's end."""
    train, validation = read_mnist()
    initial = {NAMES[short]: values for short, values in initial_layers().items()}
    order = shuffled_order(len(train.labels), STEPS, 100)
    times = []

    def note(step: int, _loss: float) -> None:
        if step >= WARM_UP and (step - WARM_UP) % WINDOW == 0:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        values, _ = train_reference(folder, *train, order, initial, steps=STEPS, on_step=note)
    speeds = [WINDOW / (end - start) for start, end in pairwise(times)]
    score = accuracy({short: values[f"{name}/{TF_AVERAGE}"] for short, name in NAMES.items()}, validation)
    report(f"TensorFlow {tf.__version__} compat.v1, feed_dict", speeds, averaged_accuracy=score)


if __name__ == "__main__":
    main()
