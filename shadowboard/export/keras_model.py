"""A model of Keras 3: dense layers called layer1, layer2, … with two outputs by name."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray

from shadowboard.export.graph import IMAGES, LOGITS, PROBABILITIES
from shadowboard.layout import PIXELS
from shadowboard.quiet_tensorflow import tf


def keras_model(weights: Mapping[str, NDArray[Any]], activation: str) -> bytes:
    """For `keras.models.load_model`; it answers `{"logits": …, "probabilities": …}`."""
    keras = tf.keras
    layers = len(weights) // 2
    values = images = keras.Input((PIXELS,), name=IMAGES)
    for i in range(1, layers + 1):
        own = [weights[f"layer{i}/weights"], weights[f"layer{i}/biases"]]
        kind = None if i == layers or activation == "none" else activation
        layer = keras.layers.Dense(len(own[1]), kind, name=f"layer{i}")
        values = layer(values)
        layer.set_weights(own)
    outputs = {LOGITS: values, PROBABILITIES: keras.layers.Softmax(name=PROBABILITIES)(values)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        keras.Model(images, outputs, name="shadowboard").save(path)
        return path.read_bytes()
