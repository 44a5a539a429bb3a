"""Weights out of a checkpoint: the network's variables, raw or averaged, as one mapping."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard import checkpoints, keras_file
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.given_network import GivenCheckpoint, GivenWeights
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.layout import Layout, layout_of, layout_of_all, own_name, variable_names


def layout_in(checkpoint: Checkpoint) -> Layout:
    """Which variables of a checkpoint, of whatever program, are the network and its averages.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (no such network in it).
    """
    if isinstance(checkpoint, KerasCheckpoint):
        return keras_file.layout_in(checkpoint.prefix)
    there = checkpoints.variables(checkpoint)
    shapes = {name: variable.shape for name, variable in there.items() if variable.dtype.is_floating}
    if isinstance(checkpoint, GivenCheckpoint):
        return layout_of_all(shapes)
    return layout_of(shapes, checkpoints.full_names(checkpoint, there))


def averages_of(checkpoint: Checkpoint) -> list[str]:
    """The names of the averages that a checkpoint holds of the network's variables."""
    return list(layout_in(checkpoint).averages)


def restore(checkpoint: Checkpoint, average: str | None) -> Mapping[str, NDArray[Any]]:
    """`layer1/weights`, `layer1/biases`, … float32: raw where `average` is None, else its shadow.

    Of a network that is given, all its variables by their own names.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (no such network or average in it).
    """
    layout = layout_in(checkpoint)
    if average is not None and average not in layout.averages:
        there = ", ".join(layout.averages) or "none"
        raise CheckpointUnsuitable(f"The checkpoint holds no average called {average}; it holds: {there}.")
    names = layout.variables if average is None else layout.averages[average]
    if isinstance(checkpoint, KerasCheckpoint):
        values = keras_file.read(checkpoint.prefix, names)
    else:
        values = checkpoints.read(checkpoint, names)
    if isinstance(checkpoint, GivenCheckpoint):
        own = zip(layout.variables, names, strict=True)
        found = {own_name(variable): np.asarray(values[name], np.float32) for variable, name in own}
        return GivenWeights(found, checkpoint.network)
    ours = variable_names(len(names) // 2)
    return {our: np.asarray(values[name], np.float32) for our, name in zip(ours, names, strict=True)}
