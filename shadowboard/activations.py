"""Activation functions of networks that other programs train, as their checkpoints tell them."""

from collections.abc import Collection, Mapping
from typing import Any

from shadowboard.errors import CheckpointUnsuitable

_NAMES = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "linear": "none"}


class ToldWeights(dict[str, Any]):
    """Weights of dense layers; `activation`: of the hidden ones, as their checkpoint tells it."""

    def __init__(self, values: Mapping[str, Any], activation: str) -> None:
        super().__init__(values)
        self.activation = activation


def activation_of(weights: Mapping[str, Any], otherwise: str) -> str:
    """What their checkpoint tells, whatever anybody takes it to be; `otherwise` where it tells nothing."""
    return weights.activation if isinstance(weights, ToldWeights) else otherwise


def common_activation(functions: Collection[str]) -> str:
    """The one that all hidden layers have, as Shadowboard calls it; `functions`: as Keras calls theirs.

    Raises CheckpointUnsuitable where it is one that is not known here, or layers have different ones.
    """
    different = sorted({*functions})
    if len(different) != 1 or different[0] not in _NAMES:
        raise CheckpointUnsuitable(
            f"The hidden layers are {', '.join(different)}; "
            f"expected all of them to be one of {', '.join(_NAMES)}. "
            "`shadowboard watch … --network package.module:logits` reads any other."
        )
    return _NAMES[different[0]]
