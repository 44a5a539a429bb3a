"""The graph and its values in one file: a GraphDef whose variables have become constants."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from shadowboard.export.graph import read_images
from shadowboard.quiet_tensorflow import tf


def frozen_graph(weights: Mapping[str, NDArray[Any]], activation: str) -> bytes:
    """For `tf.import_graph_def`; to be run as `images:0` → `logits:0`, `probabilities:0`."""
    with tf.Graph().as_default() as graph:
        read_images({name: tf.constant(value, name=name) for name, value in weights.items()}, activation)
    content: bytes = graph.as_graph_def().SerializeToString(deterministic=True)
    return content
