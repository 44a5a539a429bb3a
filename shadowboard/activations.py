"""Weights whose checkpoint, or the graph beside it, tells their activation function."""

from collections.abc import Mapping
from typing import Any


class ToldWeights(dict[str, Any]):
    """Weights of dense layers; `activation`: that of the hidden ones."""

    def __init__(self, values: Mapping[str, Any], activation: str) -> None:
        super().__init__(values)
        self.activation = activation


def activation_of(weights: Mapping[str, Any], otherwise: str) -> str:
    """What their checkpoint tells, whatever anybody takes it to be; `otherwise` where it tells nothing."""
    return weights.activation if isinstance(weights, ToldWeights) else otherwise
