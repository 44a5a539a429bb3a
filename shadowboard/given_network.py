"""A network that a person gives as a function, for checkpoints that hold no chain of dense layers."""

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard.activations import ToldWeights
from shadowboard.errors import CheckpointUnsuitable, ConfigurationInvalid
from shadowboard.layout import CLASSES
from shadowboard.listing import Checkpoint
from shadowboard.printable import kind_and_words

Function = Callable[[Mapping[str, Any], Any], Any]
"""(weights by their names in the checkpoint, images float32 [N, 784] in [0, 1]) → logits [N, 10]."""


@dataclass(frozen=True)
class GivenNetwork:
    """`name`: package.module:function, as it was given. `function`: None where it is not here."""

    name: str
    function: Function | None = None

    def logits(self, weights: Mapping[str, Any], images: Any) -> NDArray[np.float32]:
        """Logits [N, 10] of images float32 [N, 784]. Raises CheckpointUnsuitable."""
        if self.function is None:
            raise CheckpointUnsuitable(
                f"This run is read with {self.name}, which this server has not got: it is evaluated by "
                f"`shadowboard watch … --network {self.name}`."
            )
        try:
            found = np.asarray(self.function(weights, images), np.float32)
        except Exception as error:  # it is somebody's, and may fail in any way
            raise CheckpointUnsuitable(f"{self.name} failed: {kind_and_words(error)}.") from error
        if found.shape != (len(images), CLASSES):
            raise CheckpointUnsuitable(
                f"{self.name} gave {list(found.shape)} for {len(images)} images; expected logits "
                f"[{len(images)}, {CLASSES}]."
            )
        return found


class GivenWeights(dict[str, Any]):
    """Weights by their names in the checkpoint, with the network that they are of."""

    def __init__(self, values: Mapping[str, Any], network: GivenNetwork) -> None:
        super().__init__(values)
        self.network = network


@dataclass(frozen=True)
class GivenCheckpoint(Checkpoint):
    """A checkpoint of such a network."""

    network: GivenNetwork


def converted(weights: Mapping[str, Any], convert: Callable[[Any], Any]) -> Mapping[str, Any]:
    """The same weights in another form."""
    values = {name: convert(value) for name, value in weights.items()}
    if isinstance(weights, ToldWeights):
        return ToldWeights(values, weights.activation)
    return GivenWeights(values, weights.network) if isinstance(weights, GivenWeights) else values


def load_network(name: str) -> GivenNetwork:
    """The function `package.module:function`, from the current folder too. Raises ConfigurationInvalid."""
    module, mark, function = name.partition(":")
    if not (module and mark and function):
        raise ConfigurationInvalid(f"network is {name!r}; expected package.module:function.")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # last: it may have a server.py, and not all of ours is imported yet
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:  # whatever that module does
        file = getattr(sys.modules.get(module), "__file__", None)  # perhaps not the one that was meant
        said = f"{kind_and_words(error)}{f' ({file})' if file else ''}"
        raise ConfigurationInvalid(f"network is {name!r}, which cannot be imported: {said}.") from error
    if not callable(found):
        raise ConfigurationInvalid(f"network is {name!r}, which is no function but {type(found).__name__}.")
    return GivenNetwork(name, found)
