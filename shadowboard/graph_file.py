"""The activation function, as the graph of its program tells it that a Saver writes beside a checkpoint.

The file ends in `.meta` and is a MetaGraphDef (tensorflow/core/protobuf/meta_graph.proto).
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from shadowboard.listing import Checkpoint
from shadowboard.quiet_tensorflow import tf
from shadowboard.regular_file import read_whole

_MOST_BYTES = 2 * 2**20
_MOST_NODES = 20_000
_MOST_INPUTS = 100_000
_MOST_PRODUCTS = 100  # with one layer's weights: a program may have the network several times
_MOST_STEPS = 10  # from one product back to the one before
_FARTHEST = 100  # checkpoints back, where a program saves its graph once or now and then

_READS = frozenset(["Identity", "ReadVariableOp", "Cast"])
_SUMS = frozenset(["BiasAdd", "Add", "AddV2"])
_FUNCTIONS = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid"}


def graph_file(checkpoint: Checkpoint) -> Path:
    """Where a Saver writes the graph of a checkpoint; it does so after the checkpoint."""
    return checkpoint.prefix.with_name(f"{checkpoint.prefix.name}.meta")


def activation_beside(checkpoints: Sequence[Checkpoint], variables: Sequence[str]) -> str | None:
    """The activation function of the hidden layers, as Shadowboard calls it, by the newest graph there is.

    `checkpoints`: of one training, by ascending step; `variables`: names of weights and biases of all layers
    in turn. None where no graph can be read; empty where one can, and does anything between two products but
    to add the biases and to apply one function that is known here.
    """
    for checkpoint in checkpoints[: -_FARTHEST - 1 : -1]:
        with suppress(OSError, DecodeError):  # as while it is written
            content = read_whole(graph_file(checkpoint), _MOST_BYTES)
            nodes = tf.compat.v1.MetaGraphDef.FromString(content).graph_def.node
            if not nodes:  # empty, or cut before its graph begins: a part of a file that is being copied
                continue
            if len(nodes) > _MOST_NODES or sum(len(node.input) for node in nodes) > _MOST_INPUTS:
                return ""
            return _activation(_Graph(nodes), variables) or ""
    return None


def _activation(graph: "_Graph", variables: Sequence[str]) -> str | None:
    products = [graph.products(name) for name in variables[::2]]
    if not all(0 < len(found) <= _MOST_PRODUCTS for found in products):
        return None
    functions = {
        graph.function_between(ones, bias, other)
        for (ones, others), bias in zip(pairwise(products), variables[1::2], strict=False)
        for other in others
    }
    return functions.pop() if len(functions) == 1 else None


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
        """The matrix products of something with these weights. Those of the gradient take them transposed."""
        reads, left = {weights}, [weights]
        while left:
            new = {name for name in self._gives.get(left.pop(), ()) if self._is_read_of_one(name)} - reads
            left += new
            reads |= new
        return {
            name
            for read in reads
            for name in self._gives.get(read, ())
            if self._operation(name) == "MatMul"
            and self._takes[name][1:] == [read]
            and self._takes[name][0] not in reads
            and not any(self._nodes[name].attr[side].b for side in ("transpose_a", "transpose_b"))
        }

    def function_between(self, ones: set[str], bias: str, other: str) -> str | None:
        """What is done to the sum of `bias` and one of `ones` before the product `other` takes it."""
        name, function, is_sum = self._takes[other][0], "none", False
        for _ in range(_MOST_STEPS):
            operation, takes = self._operation(name), self._takes.get(name, [])
            if name in ones:
                return function if is_sum else None
            if operation in _FUNCTIONS and function == "none" and not is_sum and len(takes) == 1:
                function = _FUNCTIONS[operation]
            elif operation in _SUMS and not is_sum and len(takes) == 2 and self._is_read(takes[1], bias):
                is_sum = True
            elif operation != "Identity" or len(takes) != 1:
                return None
            name = takes[0]
        return None

    def _is_read(self, name: str, variable: str) -> bool:
        for _ in range(_MOST_STEPS):
            if name == variable:
                return True
            if not self._is_read_of_one(name):
                return False
            name = self._takes[name][0]
        return False

    def _is_read_of_one(self, name: str) -> bool:
        return self._operation(name) in _READS and len(self._takes[name]) == 1

    def _operation(self, name: str) -> str:
        return str(self._nodes[name].op) if name in self._nodes else ""
