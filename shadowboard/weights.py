"""Weights out of a checkpoint: the network's variables, raw or averaged, as one mapping."""

from typing import Any

from numpy.typing import NDArray

from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.network import recognise
from shadowboard.restore_map import averages_in, variables_to_restore


def averages_of(checkpoint: Checkpoint) -> list[str]:
    """The names of the averages that a checkpoint holds of the network's variables."""
    shapes = {name: variable.shape for name, variable in checkpoints.variables(checkpoint).items()}
    return averages_in(shapes, recognise(shapes))


def restore(checkpoint: Checkpoint, average: str | None) -> dict[str, NDArray[Any]]:
    """Variable name → value: raw where `average` is None, else its shadow.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (no such network or average in it).
    """
    shapes = {name: variable.shape for name, variable in checkpoints.variables(checkpoint).items()}
    names = variables_to_restore(shapes, recognise(shapes), average).sources
    values = checkpoints.read(checkpoint, list(names.values()))
    return {variable: values[name] for variable, name in names.items()}
