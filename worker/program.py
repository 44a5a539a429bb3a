"""The compiled training loop.

The state (weights, shadows, slots) is threaded as tensors through one XLA-compiled loop, whose length is an
argument: one compilation serves every chunk.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from shadowboard import network
from shadowboard.averaging import average_name, update
from shadowboard.configuration import RunConfig
from shadowboard.quiet_tensorflow import tf

MOMENTUM = "Momentum"

Tensors = dict[str, Any]

_KEPT = 32  # of several MB each; a study has six


@dataclass(frozen=True)
class Program:
    """What the loop is compiled from: runs that differ in nothing of it share one compilation.

    `averages`: their names; `images`: how many there are to train on; `capacity`: the longest chunk in steps.
    """

    hidden: tuple[int, ...]
    activation: str
    optimizer: str
    momentum: float
    regularization: float
    batch_size: int
    averages: tuple[str, ...]
    images: int
    capacity: int

    @classmethod
    def of(cls, config: RunConfig, images: int, capacity: int) -> Self:
        """The program of a configuration."""
        return cls(
            config.hidden,
            config.activation,
            config.optimizer,
            config.momentum,
            config.regularization,
            config.batch_size,
            tuple(average.name for average in config.averages),
            images,
            capacity,
        )

    def steps(
        self,
        weights: Tensors,
        shadows: Tensors,
        slots: Tensors,
        count: Any,
        order: Any,
        rates: Any,
        decay_rows: list[Any],
        images: Any,
        labels: Any,
    ) -> tuple[Tensors, Tensors, Tensors, Any]:
        """`count` steps further: weights, shadows, slots, and the losses, float32 [capacity].

        order: int32 [capacity · batch_size], the images of each step in turn; rates: float32 [capacity];
        decay_rows: one for each average, float32 [capacity]; images: uint8 [images, 784]; labels: int32.
        """

        # The penalty is taken of the new weights, for the next step: a second reader of the old ones
        # would make XLA copy them.
        def body(
            i: Any, weights: Tensors, shadows: Tensors, slots: Tensors, losses: Any, penalty: Any
        ) -> tuple[Any, Tensors, Tensors, Tensors, Any, Any]:
            chosen = tf.slice(order, [i * self.batch_size], [self.batch_size])
            pixels = tf.cast(tf.gather(images, chosen), tf.float32) / 255
            entropy, gradients = self._gradients(weights, pixels, tf.gather(labels, chosen))
            losses = tf.tensor_scatter_nd_update(losses, [[i]], [entropy + penalty])
            weights, slots = self._descend(weights, slots, gradients, rates[i])
            shadows = {
                average_name(v, name): update(shadows[average_name(v, name)], w, row[i])
                for name, row in zip(self.averages, decay_rows, strict=True)
                for v, w in weights.items()
            }
            return i + 1, weights, shadows, slots, losses, self._penalty(weights)

        start = (0, weights, shadows, slots, tf.zeros([self.capacity]), self._penalty(weights))
        _, weights, shadows, slots, losses, _ = tf.while_loop(lambda i, *_: i < count, body, start)
        return weights, shadows, slots, losses

    def _penalty(self, weights: Tensors) -> Any:
        return network.penalty(weights, self.regularization)

    def _gradients(self, weights: Tensors, images: Any, labels: Any) -> tuple[Any, Tensors]:
        """The cross-entropy, and the gradients of the whole loss; ∇ ½‖W‖² is W itself."""
        with tf.GradientTape() as tape:
            tape.watch(weights)
            entropy = network.entropy(weights, images, labels, self.activation)
        gradients = tape.gradient(entropy, weights)
        for name in network.regularized(weights):
            gradients[name] += self.regularization * weights[name]
        return entropy, gradients

    def _descend(
        self, weights: Tensors, slots: Tensors, gradients: Tensors, rate: Any
    ) -> tuple[Tensors, Tensors]:
        """Plain gradient descent, or Momentum as TensorFlow's: slot = momentum · slot + gradient."""
        if self.optimizer == "sgd":
            return {name: w - rate * gradients[name] for name, w in weights.items()}, slots
        slots = {
            f"{name}/{MOMENTUM}": self.momentum * slots[f"{name}/{MOMENTUM}"] + gradients[name]
            for name in weights
        }
        return {name: w - rate * slots[f"{name}/{MOMENTUM}"] for name, w in weights.items()}, slots


@lru_cache(maxsize=_KEPT)
def compiled(program: Program) -> Any:
    """`program.steps`, compiled at its first call; kept, as TensorFlow gives no memory of one back."""
    return tf.function(program.steps, jit_compile=True, autograph=False)
