"""What a Saver writes beside a checkpoint as `.meta`: the graph, and how a checkpoint gets into it."""

from typing import Any

from google.protobuf import json_format

from shadowboard import checkpoints
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.export.graph import read_images
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.layout import variable_names
from shadowboard.listing import Checkpoint
from shadowboard.quiet_tensorflow import tf
from shadowboard.weights import names_of

v1 = tf.compat.v1


def meta_graph(checkpoint: Checkpoint, average: str | None, activation: str) -> bytes:
    """A MetaGraphDef for `tf.compat.v1.train.import_meta_graph`, whose Saver restores this checkpoint.

    The variables are called as in the network, and restored by the names that they, or their averages, have
    in the checkpoint. Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable.
    """
    content: bytes = _meta_graph(checkpoint, average, activation).SerializeToString(deterministic=True)
    return content


def meta_graph_as_json(checkpoint: Checkpoint, average: str | None, activation: str) -> bytes:
    """The same as JSON text, as protobuf writes it. Raises what `meta_graph` does."""
    found = _meta_graph(checkpoint, average, activation)
    text: str = json_format.MessageToJson(found, preserving_proto_field_name=True)
    return text.encode()


def _meta_graph(checkpoint: Checkpoint, average: str | None, activation: str) -> Any:
    if isinstance(checkpoint, KerasCheckpoint):
        raise CheckpointUnsuitable(
            f"{checkpoint.prefix.name} is a file of Keras; expected a TensorFlow checkpoint, which a "
            "MetaGraph can restore."
        )
    names = names_of(checkpoint, average)
    there = checkpoints.variables(checkpoint)
    with tf.Graph().as_default() as graph:
        variables = {
            # Of the type that is stored, for a Saver converts nothing.
            variable: v1.get_variable(
                variable,
                there[name].shape,
                tf.as_dtype(there[name].dtype),
                v1.zeros_initializer(),
                use_resource=True,
            )
            for variable, name in zip(variable_names(len(names) // 2), names, strict=True)
        }
        read_images({name: tf.cast(v, tf.float32) for name, v in variables.items()}, activation)
        saver = v1.train.Saver(dict(zip(names, variables.values(), strict=True)))
        return v1.train.export_meta_graph(graph=graph, saver_def=saver.as_saver_def())
