"""The training: state in, state and losses out, chunk by chunk through the compiled loop of program.py.

Everything that depends on the step alone (the order of the images, learning rates, decays) is computed here,
as functions of (configuration, step).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard import network
from shadowboard.averaging import average_name, decays
from shadowboard.configuration import RunConfig
from shadowboard.dataset import Split
from shadowboard.errors import CheckpointUnsuitable, ConfigurationInvalid
from shadowboard.quiet_tensorflow import tf
from shadowboard.schedule import learning_rates
from worker.program import MOMENTUM, Program, Tensors, compiled

GLOBAL_STEP = "global_step"
# The longest chunk: Python is entered once per so many steps at most.
_CAPACITY = 500
_MOST_INDICES = 4_000_000
_UPPER = np.uint64(0xFFFF_FFFF_0000_0000)


@dataclass(frozen=True)
class State:
    """The training after `step` steps: tensors by checkpoint name.

    weights: float32 by variable name; shadows and slots: float32 by the name in the checkpoint.
    """

    step: int
    weights: Tensors
    shadows: Tensors
    slots: Tensors

    def average(self, name: str) -> Tensors:
        """The shadows of one average, under the variables' plain names."""
        return {variable: self.shadows[average_name(variable, name)] for variable in self.weights}

    def tensors(self) -> Tensors:
        """What a checkpoint of this state holds; `global_step` is int64."""
        return {**self.weights, **self.shadows, **self.slots, GLOBAL_STEP: np.int64(self.step)}


@lru_cache(maxsize=2)
def _epoch_order(seed: int, epoch: int, images: int) -> NDArray[np.int32]:
    # Random above, the image's number below: sorted, the numbers stand in random order, without ties.
    keys = np.random.Philox(key=[seed, epoch]).random_raw(images) & _UPPER | np.arange(
        images, dtype=np.uint64
    )
    keys.sort()
    order = (keys & ~_UPPER).astype(np.int32)
    order.setflags(write=False)
    return order


def image_order(seed: int, images: int, start: int, stop: int) -> NDArray[np.int32]:
    """Positions start … stop of the endless stream of epochs, each a permutation of `images` images.

    An epoch's permutation is a function of (seed, epoch), by the raw output of Philox, which NumPy
    promises not to change. A batch size that does not divide an epoch lets one batch span two epochs.
    """
    parts = []
    for epoch in range(start // images, -(-stop // images)):
        first = epoch * images
        parts.append(_epoch_order(seed, epoch, images)[max(start - first, 0) : stop - first])
    return np.concatenate(parts)


class Trainer:
    """A configuration and the images it trains on, compiled."""

    def __init__(self, config: RunConfig, split: Split) -> None:
        if config.batch_size > len(split):
            raise ConfigurationInvalid(
                f"batch_size is {config.batch_size}, but there are only {len(split)} training images."
            )
        self.config = config
        self.capacity = max(1, min(_CAPACITY, _MOST_INDICES // config.batch_size))
        self._size = len(split)
        self._images = tf.constant(split.images)
        self._labels = tf.constant(split.labels.astype(np.int32))
        self._loop = compiled(Program.of(config, len(split), self.capacity))

    def initial(self, start: Mapping[str, NDArray[np.float32]] = MappingProxyType({})) -> State:
        """The state before the first step: every shadow starts at its variable's initial value.

        `start`: the initial values of variables that are not to be initialised by the seed.
        """
        given = {name: tf.constant(value) for name, value in start.items()}
        weights = network.init(self.config.hidden, self.config.seed) | given
        shadows = {average_name(v, a.name): w for a in self.config.averages for v, w in weights.items()}
        return State(0, weights, shadows, self._fresh_slots(weights))

    def _fresh_slots(self, weights: Tensors) -> Tensors:
        if self.config.optimizer == "sgd":
            return {}
        return {f"{name}/{MOMENTUM}": tf.zeros_like(w) for name, w in weights.items()}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> State:
        """The state that a checkpoint of this configuration holds. Raises CheckpointUnsuitable."""
        like = self.initial()
        wanted = like.tensors()
        for name, tensor in wanted.items():
            if name not in tensors:
                raise CheckpointUnsuitable(f"The checkpoint holds no {name}, which this configuration needs.")
            if tensors[name].shape != tensor.shape:
                raise CheckpointUnsuitable(
                    f"{name} has shape {list(tensors[name].shape)} in the checkpoint; "
                    f"this configuration needs {list(tensor.shape)}."
                )
        weights, shadows, slots = (
            {name: tf.constant(tensors[name]) for name in group}
            for group in (like.weights, like.shadows, like.slots)
        )
        return State(int(tensors[GLOBAL_STEP]), weights, shadows, slots)

    def advance(self, state: State, count: int) -> tuple[State, NDArray[np.float32]]:
        """`count` steps further (at most `capacity`): the new state and the losses, float32 [count].

        The loss of a step is the one on its batch before its update. Neither need be finite: see is_finite.
        """
        steps = np.arange(state.step, state.step + count)
        batch = self.config.batch_size
        order = image_order(self.config.seed, self._size, state.step * batch, (state.step + count) * batch)
        rates = learning_rates(self.config, self._size, steps)
        # num_updates is the step just completed.
        rows = [decays(average, steps + 1) for average in self.config.averages]
        weights, shadows, slots, losses = self._loop(
            state.weights,
            state.shadows,
            state.slots,
            tf.constant(count),
            tf.constant(_padded(order, self.capacity * batch)),
            tf.constant(_padded(rates, self.capacity)),
            [tf.constant(_padded(row, self.capacity)) for row in rows],
            self._images,
            self._labels,
        )
        return State(state.step + count, weights, shadows, slots), losses.numpy()[:count]

    def is_finite(self, state: State) -> bool:
        """Whether every weight, shadow and slot is a finite number."""
        groups = (*state.weights.values(), *state.shadows.values(), *state.slots.values())
        return all(bool(tf.reduce_all(tf.math.is_finite(tensor))) for tensor in groups)

    def first_bad_step(self, state: State, count: int) -> int:
        """The first of the `count` steps after `state` whose loss or result is not finite.

        Found by bisection over the length: the loop is deterministic, so a shorter one tells.
        """
        good, bad = 0, count
        while bad - good > 1:
            middle = (good + bad) // 2
            after, losses = self.advance(state, middle)
            if np.isfinite(losses).all() and self.is_finite(after):
                good = middle
            else:
                bad = middle
        return state.step + bad


def _padded(values: NDArray[Any], length: int) -> NDArray[Any]:
    return np.pad(values, (0, length - len(values)))
