"""Weights out of a checkpoint: the network's variables, raw or averaged, as one mapping."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard import checkpoints, keras_file
from shadowboard.activations import ToldWeights
from shadowboard.bundle import open_bundle
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.given_network import GivenCheckpoint, GivenWeights
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.layout import Layout, layout_of, layout_of_all, own_name, variable_names
from shadowboard.object_graph import OBJECT_GRAPH, full_names
from shadowboard.roles import FLOATS, Variable

log = logging.getLogger(__name__)


def layout_in(checkpoint: Checkpoint) -> Layout:
    """Which variables of a checkpoint, of whatever program, are the network and its averages.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (no such network in it, or one that is
    no floats).
    """
    if isinstance(checkpoint, KerasCheckpoint):
        return keras_file.layout_in(checkpoint.prefix)
    return _layout_of(checkpoint, checkpoints.variables(checkpoint))


def _layout_of(checkpoint: Checkpoint, there: Mapping[str, Variable]) -> Layout:
    if isinstance(checkpoint, GivenCheckpoint):
        return layout_of_all(there)
    names = full_names(open_bundle(checkpoint.prefix)) if OBJECT_GRAPH in there else {}
    layout = layout_of(there, names)
    for name in layout.variables:  # an average is of its variable's type
        if there[name].dtype not in FLOATS:
            raise CheckpointUnsuitable(
                f"{name} in {checkpoint.prefix.name} is {there[name].dtype}; "
                f"expected one of {', '.join(sorted(FLOATS))}."
            )
    return layout


def averages_of(checkpoint: Checkpoint) -> list[str]:
    """The names of the averages that a checkpoint holds of the network's variables."""
    return list(layout_in(checkpoint).averages)


def names_of(checkpoint: Checkpoint, average: str | None) -> tuple[str, ...]:
    """What `restore` reads, by the names in the checkpoint: weights and biases of each layer in turn.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable.
    """
    return _names(layout_in(checkpoint), average)


def _names(layout: Layout, average: str | None) -> tuple[str, ...]:
    if average is None:
        return layout.variables
    if average not in layout.averages:
        there = ", ".join(layout.averages) or "none"
        raise CheckpointUnsuitable(f"The checkpoint holds no average called {average}; it holds: {there}.")
    return layout.averages[average]


def restore(checkpoint: Checkpoint, average: str | None) -> Mapping[str, NDArray[Any]]:
    """`layer1/weights`, `layer1/biases`, … float32: raw where `average` is None, else its shadow.

    Of a network that is given, all its variables by their own names. Logs which variables are raw for want of
    an average. Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (no such network or average
    in it, or one that is no floats).
    """
    is_keras = isinstance(checkpoint, KerasCheckpoint)
    there = {} if is_keras else checkpoints.variables(checkpoint)
    layout = keras_file.layout_in(checkpoint.prefix) if is_keras else _layout_of(checkpoint, there)
    names = _names(layout, average)
    if average and (raw := [name for name in names if name in layout.variables]):
        which = ", ".join(raw)
        log.warning("%s: %s raw, for it holds no %s of these.", checkpoint.prefix.name, which, average)
    if is_keras:
        values = keras_file.read(checkpoint.prefix, names)
    else:
        values = checkpoints.read(checkpoint, names, there)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is told where it is used
        floats = [values[name].astype(np.float32, copy=False) for name in names]
    if isinstance(checkpoint, GivenCheckpoint):
        own = map(own_name, layout.variables)
        return GivenWeights(dict(zip(own, floats, strict=True)), checkpoint.network)
    restored = dict(zip(variable_names(len(names) // 2), floats, strict=True))
    return restored if layout.activation is None else ToldWeights(restored, layout.activation)
