"""What a .keras file's config.json tells of its model. Needs no TensorFlow and no Keras."""

from collections.abc import Collection, Mapping
from typing import Any

from shadowboard.errors import CheckpointUnsuitable

_NAMES = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "linear": "none"}
_APART = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "ELU": "elu"}
"""Layers that are an activation function, and nothing else."""


def uses_ema(config: Any) -> bool | None:
    """Whether the optimiser keeps an average; None where there is none, or of another form."""
    optimizer = _at(_at(config, "compile_config"), "optimizer")
    told = _at(optimizer, "config")
    return bool(told.get("use_ema")) if isinstance(told, Mapping) else None


def activation(config: Any) -> str | None:
    """The hidden layers' activation function, as Shadowboard calls it; None where the file does not tell.

    Raises CheckpointUnsuitable where it is one that is not known here, or layers have different ones.
    """
    layers = _at(_at(config, "config"), "layers")
    functions: list[str] = []
    for layer in layers if isinstance(layers, list) else []:
        kind = _at(layer, "class_name")
        if kind == "Dense":
            functions.append(_function(layer))
        elif functions and (kind == "Activation" or kind in _APART):
            functions[-1] = _APART.get(kind) or _function(layer)
    hidden = functions[:-1]
    return common_activation(hidden) if hidden else None


def common_activation(functions: Collection[str]) -> str:
    """The one that all hidden layers have, as Shadowboard calls it; `functions`: as Keras calls them.

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


def _function(layer: Any) -> str:
    found = _at(_at(layer, "config"), "activation")
    found = _at(found, "config") if isinstance(found, Mapping) else found  # one of somebody's own
    return found if isinstance(found, str) else "of an unknown kind"


def _at(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, Mapping) else None
