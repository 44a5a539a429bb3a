"""The reference's evaluator on compat.v1, which looks when a line on standard input tells it to.

    python -m benchmarks.serving_peers.reference_evaluator FOLDER

The graph is built once. Each look opens a session, restores the averages of the newest checkpoint under the
plain names and computes the accuracy on the 5,000 validation images; it is answered by one line of JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.workload import CLASSES, HIDDEN, PIXELS, read_mnist
from shadowboard.quiet_tensorflow import tf

v1 = tf.compat.v1


def main(folder: str) -> None:
    """Look whenever told to."""
    data = read_mnist()[1]
    with tf.Graph().as_default():
        images = v1.placeholder(tf.float32, [None, PIXELS])
        labels = v1.placeholder(tf.int64, [None])
        hidden = tf.nn.relu(_layer(images, "layer1", PIXELS, HIDDEN))
        logits = _layer(hidden, "layer2", HIDDEN, CLASSES)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))
        saver = v1.train.Saver(v1.train.ExponentialMovingAverage(0.99).variables_to_restore())
        feed = {images: data.images, labels: data.labels}
        for _ in sys.stdin:
            began = time.perf_counter()
            with v1.Session() as session:
                newest = tf.train.get_checkpoint_state(folder).model_checkpoint_path
                step = int(Path(newest).name.rpartition("-")[2])
                saver.restore(session, newest)
                share = float(session.run(accuracy, feed))
            seconds = time.perf_counter() - began
            print(json.dumps({"step": step, "accuracy": share, "seconds": seconds}), flush=True)


def _layer(values: Any, name: str, inputs: int, units: int) -> Any:
    """A dense layer. TensorFlow ships no types."""
    with v1.variable_scope(name):
        return tf.matmul(values, v1.get_variable("weights", [inputs, units])) + v1.get_variable(
            "biases", [units]
        )


if __name__ == "__main__":
    main(sys.argv[1])
