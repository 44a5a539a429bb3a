"""Weights out of a checkpoint: the network's variables, raw or averaged, as one mapping."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.network import recognise
from shadowboard.restore_map import averages_in, variables_to_restore
from shadowboard.roles import FLOATS, Described

log = logging.getLogger(__name__)


def averages_of(checkpoint: Checkpoint) -> list[str]:
    """The names of the averages that a checkpoint holds of the network's variables."""
    entries, variables = _network(checkpoint)
    return averages_in(entries, variables)


def restore(checkpoint: Checkpoint, average: str | None) -> dict[str, NDArray[np.float32]]:
    """Variable name → value: raw where `average` is None, else its shadow; floats of other types are cast.

    Logs which variables are raw for want of an average. Raises CheckpointMissing, CheckpointDamaged,
    CheckpointUnsuitable (no such network or average in it, or one that is no floats).
    """
    entries, variables = _network(checkpoint)
    found = variables_to_restore(entries, variables, average)
    for name in found.names:
        if entries[name].dtype not in FLOATS:
            raise CheckpointUnsuitable(
                f"{name} in {checkpoint.prefix.name} is {entries[name].dtype}; "
                f"expected one of {', '.join(sorted(FLOATS))}."
            )
    if found.fallbacks:
        log.warning("%s: %s", checkpoint.prefix.name, found.sentence)
    values = checkpoints.read(checkpoint, list(found.names))
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is told where it is used
        return {
            variable: values[name].astype(np.float32, copy=False) for variable, name in found.sources.items()
        }


def _network(checkpoint: Checkpoint) -> tuple[Mapping[str, Described], list[str]]:
    """All that the checkpoint holds by name, and which of these are the network's variables."""
    held: dict[str, Any] = {
        name: replace(variable, dtype=variable.dtype.name)
        for name, variable in checkpoints.variables(checkpoint).items()
    }
    return held, recognise({name: variable.shape for name, variable in held.items()})
