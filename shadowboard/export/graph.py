"""The network in a graph of TensorFlow's, by the names that every exported graph has."""

from collections.abc import Mapping
from typing import Any

from shadowboard.layout import PIXELS
from shadowboard.network import logits
from shadowboard.quiet_tensorflow import tf

IMAGES = "images"
LOGITS = "logits"
PROBABILITIES = "probabilities"


def read_images(weights: Mapping[str, Any], activation: str) -> None:
    """Add to the current graph: `images` float32 [N, 784] in [0, 1] → `logits`, `probabilities` [N, 10]."""
    images = tf.compat.v1.placeholder(tf.float32, [None, PIXELS], name=IMAGES)
    for name, value in answers(weights, images, activation).items():
        tf.identity(value, name=name)


def answers(weights: Mapping[str, Any], images: Any, activation: str) -> dict[str, Any]:
    """`logits` and `probabilities` [N, 10] by name, of images float32 [N, 784]."""
    found = logits(weights, images, activation)
    return {LOGITS: found, PROBABILITIES: tf.nn.softmax(found)}
