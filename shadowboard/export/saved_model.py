"""A SavedModel: a folder with graph and values, as TensorFlow 2 and TensorFlow Serving load it."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray

from shadowboard.export.archive import zipped
from shadowboard.export.graph import IMAGES, answers
from shadowboard.layout import PIXELS
from shadowboard.quiet_tensorflow import tf

SIGNATURE = "serving_default"


def saved_model(weights: Mapping[str, NDArray[Any]], activation: str, path: str) -> bytes:
    """The folder as a ZIP archive, in which it is called `path`.

    Its signature `serving_default` takes `images` and gives `logits` and `probabilities`.
    """
    module = tf.Module()
    module.weights = {name: tf.Variable(value, name=name) for name, value in weights.items()}
    module.read = tf.function(
        lambda images: answers(module.weights, images, activation),
        input_signature=[tf.TensorSpec([None, PIXELS], tf.float32, IMAGES)],
        autograph=False,
    )
    with TemporaryDirectory() as temporary:
        tf.saved_model.save(module, temporary, {SIGNATURE: module.read})
        folder = Path(temporary)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return zipped({f"{path}/{file.relative_to(folder).as_posix()}": file.read_bytes() for file in files})
