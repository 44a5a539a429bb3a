"""The activation function, as the graph of its program tells it that a Saver writes beside a checkpoint.

The file ends in `.meta` and is a MetaGraphDef (tensorflow/core/protobuf/meta_graph.proto). Nothing is told by
one that cannot be read, is very large, or does between two layers what is not known here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from shadowboard.activations import common_activation
from shadowboard.listing import Checkpoint, Stamp, stamp_of
from shadowboard.quiet_tensorflow import tf
from shadowboard.regular_file import read_whole

_MOST_BYTES = 4 * 2**20
_MOST_NODES = 20_000

_READS = frozenset(["Identity", "ReadVariableOp", "Cast"])
_PLAIN = frozenset(["BiasAdd", "Add", "AddV2", "Identity"])
_RANDOM = "RandomUniform"
_DROPOUT = frozenset(["Shape", "Sub", "GreaterEqual", "Cast", "Mul", "RealDiv", "SelectV2", "Floor", _RANDOM])
"""What dropout is made of; it changes no activation function, and no evaluation has it."""
_FUNCTIONS = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Elu": "elu",
    "LeakyRelu": "leaky_relu",
    "Relu6": "relu6",
    "Selu": "selu",
    "Softmax": "softmax",
    "Softplus": "softplus",
    "Softsign": "softsign",
}
"""Operation → what Keras calls it."""


def graph_file(checkpoint: Checkpoint) -> Path:
    """Where a Saver writes the graph of a checkpoint; it is written after the checkpoint."""
    return checkpoint.prefix.with_name(f"{checkpoint.prefix.name}.meta")


def activation_beside(checkpoint: Checkpoint, weights: Sequence[str]) -> str | None:
    """The activation function of the hidden layers, as Shadowboard calls it; None where that is not told.

    `weights`: names of all layers' [inputs, units], in order. Raises CheckpointUnsuitable where it is one
    that is not known here, or layers have different ones.
    """
    path = graph_file(checkpoint)
    stamp = stamp_of(path)
    return _activation(path, stamp, tuple(weights)) if stamp else None


@lru_cache(maxsize=64)
def _activation(path: Path, stamp: Stamp, weights: tuple[str, ...]) -> str | None:
    """`stamp`: which writing of the file it is, for the cache."""
    try:
        nodes = tf.compat.v1.MetaGraphDef.FromString(read_whole(path, _MOST_BYTES)).graph_def.node
    except (OSError, DecodeError):  # as while it is written
        return None
    if len(nodes) > _MOST_NODES:
        return None
    graph = _Graph(nodes)
    products = [graph.products(name) for name in weights]
    functions = {
        graph.function_between(ones, other) for ones, others in pairwise(products) for other in others
    }
    if not all(products) or None in functions:
        return None
    return common_activation({function for function in functions if function})


class _Graph:
    """Which operations take what of which others."""

    def __init__(self, nodes: Iterable[Any]) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._takes = {
            name: [given.partition(":")[0] for given in node.input if not given.startswith("^")]
            for name, node in self._nodes.items()
        }
        self._gives: dict[str, list[str]] = {}
        for name, takes in self._takes.items():
            for given in takes:
                self._gives.setdefault(given, []).append(name)

    def products(self, weights: str) -> set[str]:
        """The matrix products with these weights. Those of the gradient take them transposed."""

        def is_read(name: str) -> bool:
            return name == weights or self._operation(name) in _READS

        return {
            name
            for name in _reached(self._gives, [weights], lambda name: not is_read(name))
            if self._operation(name) == "MatMul"
            and all(map(is_read, self._takes[name][1:]))
            and not self._nodes[name].attr["transpose_b"].b
        }

    def function_between(self, ones: Collection[str], other: str) -> str | None:
        """What is done to one of the products `ones` before the product `other` takes it, as Keras calls it.

        None where that is nothing known, or where it does not go through one function alone.
        """
        taken = self._takes[other][:1]
        behind = _reached(self._takes, taken, lambda name: name in ones)
        before = behind.intersection(ones)
        between = behind & _reached(self._gives, before, lambda name: name == other) - before
        operations = {self._operation(name) for name in between}
        functions = [name for name in between if self._operation(name) in _FUNCTIONS]
        has_dropout = any(self._operation(name) == _RANDOM for name in behind)
        known = _PLAIN | _DROPOUT if functions and has_dropout else _PLAIN
        if not before or len(functions) > 1 or not operations - _FUNCTIONS.keys() <= known:
            return None
        if not functions:
            return "linear"
        (function,) = functions
        others_way = _reached(self._takes, taken, lambda name: name == function or name in ones)
        return None if others_way & before else _FUNCTIONS[self._operation(function)]

    def _operation(self, name: str) -> str:
        return str(self._nodes[name].op) if name in self._nodes else ""


def _reached(
    ways: Mapping[str, Sequence[str]], start: Collection[str], stops: Callable[[str], bool]
) -> set[str]:
    """All that can be reached from `start`, itself too; where it `stops`, by no way that goes through it."""
    reached, left = set(start), [*start]
    while left:
        name = left.pop()
        if not stops(name):
            new = set(ways.get(name, ())) - reached
            reached |= new
            left += new
    return reached
