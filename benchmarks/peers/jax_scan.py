"""JAX: one jitted call an epoch, lax.scan over its batches, the state donated.

Each batch is gathered inside the scan; shuffling a whole epoch's images before it is slower by a quarter.
"""

from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.workload import (
    BATCH,
    EMA_DECAY,
    EPOCH,
    LEARNING_RATE,
    LEARNING_RATE_DECAY,
    REGULARIZATION,
    accuracy,
    initial_layers,
    read_mnist,
    report,
    time_windows,
)

Array: TypeAlias = Any
Tree: TypeAlias = dict[str, Array]
State: TypeAlias = tuple[Tree, Tree, Array]  # layers, shadows, steps done


def loss(layers: Tree, images: Array, labels: Array) -> Array:
    """Mean cross-entropy plus L2 of the weights."""
    hidden = jax.nn.relu(images @ layers["w1"] + layers["b1"])
    logits = hidden @ layers["w2"] + layers["b2"]
    right = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    squares = sum(jnp.sum(layers[name] ** 2) for name in ("w1", "w2"))
    return -jnp.mean(right) + REGULARIZATION / 2 * squares


@partial(jax.jit, donate_argnums=0)
def epoch(state: State, order: Array, images: Array, labels: Array) -> tuple[State, Array]:
    """One epoch in the order given, int32 [550, 100]: the new state and the losses."""

    def step(state: State, chosen: Array) -> tuple[State, Array]:
        layers, shadows, count = state
        value, gradients = jax.value_and_grad(loss)(layers, images[chosen], labels[chosen])
        rate = LEARNING_RATE * LEARNING_RATE_DECAY ** (count / EPOCH)
        layers = jax.tree.map(lambda w, g: w - rate * g, layers, gradients)
        count += 1
        decay = jnp.minimum(EMA_DECAY, (1 + count) / (10 + count))
        shadows = jax.tree.map(lambda s, w: s - (1 - decay) * (s - w), shadows, layers)
        return (layers, shadows, count), value

    return jax.lax.scan(step, state, order)  # type: ignore[no-any-return]


def main() -> None:
    """Train by epochs."""
    train, validation = read_mnist()
    images, labels = jax.device_put(train.images), jax.device_put(train.labels)
    layers = jax.tree.map(jnp.asarray, initial_layers())
    state: State = (layers, jax.tree.map(jnp.copy, layers), jnp.asarray(0, jnp.int32))
    random = np.random.default_rng(0)

    def run(steps: int) -> None:
        nonlocal state
        for _ in range(steps // EPOCH):
            order = random.permutation(len(train.labels)).astype(np.int32).reshape(EPOCH, BATCH)
            state, _ = epoch(state, order, images, labels)
        jax.block_until_ready(state)

    speeds = time_windows(run)
    score = accuracy({name: np.asarray(values) for name, values in state[1].items()}, validation)
    report(f"JAX {jax.__version__}, lax.scan over an epoch", speeds, averaged_accuracy=score)


if __name__ == "__main__":
    main()
