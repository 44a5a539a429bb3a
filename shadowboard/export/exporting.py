"""Weights as a file: each format by the function that writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from shadowboard.activations import activation_of
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.export.formats import FORMATS, Format, FormatName, file_name, weights_label
from shadowboard.export.frozen_graph import frozen_graph
from shadowboard.export.keras_model import keras_model
from shadowboard.export.meta_graph import meta_graph, meta_graph_as_json
from shadowboard.export.npz import npz
from shadowboard.export.onnx_model import onnx_model
from shadowboard.export.saved_model import saved_model
from shadowboard.export.tflite import tflite
from shadowboard.given_network import GivenWeights
from shadowboard.listing import Checkpoint

_LARGEST_MESSAGE = 2**31 - 2**20  # bytes of values: what is beside them takes little


@dataclass(frozen=True, eq=False)
class Subject:
    """What is exported: the weights of a checkpoint, raw where `average` is None, and what they need.

    `source`: the label of the run or the folder. `weights`: float32 arrays by name.
    """

    source: str
    checkpoint: Checkpoint
    average: str | None
    weights: Mapping[str, NDArray[Any]]
    activation: str

    def file_name(self, name: FormatName) -> str:
        """What its file in a format is called."""
        return file_name(self.source, self.checkpoint.step, self.average, FORMATS[name])


def export(subject: Subject, name: FormatName) -> bytes:
    """The file's content.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (this format cannot hold these weights),
    PackageMissing.
    """
    subject = replace(subject, activation=activation_of(subject.weights, subject.activation))
    _check(subject.weights, FORMATS[name])
    return _WRITERS[name](subject)


def _saved_model(subject: Subject) -> bytes:
    """In a folder whose name is a number: TensorFlow Serving takes it for a version and serves the newest."""
    path = f"{subject.source}-{weights_label(subject.average)}/{subject.checkpoint.step}"
    return saved_model(subject.weights, subject.activation, path)


_WRITERS: Mapping[FormatName, Callable[[Subject], bytes]] = {
    "keras": lambda it: keras_model(it.weights, it.activation),
    "saved-model": _saved_model,
    "tflite": lambda it: tflite(it.weights, it.activation),
    "onnx": lambda it: onnx_model(it.weights, it.activation),
    "frozen-graph": lambda it: frozen_graph(it.weights, it.activation),
    "meta": lambda it: meta_graph(it.checkpoint, it.average, it.activation),
    "meta-json": lambda it: meta_graph_as_json(it.checkpoint, it.average, it.activation),
    "npz": lambda it: npz(it.weights),
}


def _check(weights: Mapping[str, NDArray[Any]], form: Format) -> None:
    """Raise CheckpointUnsuitable where the format cannot hold the weights."""
    if isinstance(weights, GivenWeights) and form.name != "npz":
        raise CheckpointUnsuitable(
            f"{form.title} holds a network, and this one is the function {weights.network.name}; "
            "expected the format npz, which holds its weights alone."
        )
    size = sum(value.nbytes for value in weights.values())
    if form.single_message and size > _LARGEST_MESSAGE:
        raise CheckpointUnsuitable(
            f"The weights have {size:,} bytes; expected at most {_LARGEST_MESSAGE:,} for {form.title}."
        )
