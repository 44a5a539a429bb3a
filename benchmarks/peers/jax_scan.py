"""JAX: one jitted call an epoch, lax.scan over its batches, the state donated."""

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

import sys
UPFRONT = "upfront" in sys.argv

Array: TypeAlias = Any
Tree: TypeAlias = dict[str, Array]


def loss(layers: Tree, images: Array, labels: Array) -> Array:
    """Cross-entropy and L2, as in the workload."""
    hidden = jax.nn.relu(images @ layers["w1"] + layers["b1"])
    logits = hidden @ layers["w2"] + layers["b2"]
    right = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    squares = sum(jnp.sum(layers[name] ** 2) for name in ("w1", "w2"))
    return -jnp.mean(right) + REGULARIZATION / 2 * squares


@partial(jax.jit, donate_argnums=0)
def epoch(state: tuple[Tree, Tree, Array], order: Array, images: Array, labels: Array) -> tuple[Any, Array]:
    """One epoch in the order given, int32 [550, 100]: the new state and the losses."""

    def step(state: tuple[Tree, Tree, Array], chosen: Any) -> tuple[tuple[Tree, Tree, Array], Array]:
        layers, shadows, count = state
        x,y = chosen if UPFRONT else (images[chosen], labels[chosen])
        value, gradients = jax.value_and_grad(loss)(layers, x, y)
        rate = LEARNING_RATE * LEARNING_RATE_DECAY ** (count / EPOCH)
        layers = jax.tree.map(lambda w, g: w - rate * g, layers, gradients)
        count += 1
        decay = jnp.minimum(EMA_DECAY, (1 + count) / (10 + count))
        shadows = jax.tree.map(lambda s, w: s - (1 - decay) * (s - w), shadows, layers)
        return (layers, shadows, count), value

    if UPFRONT:
        return jax.lax.scan(step, state, (images[order], labels[order]))
    return jax.lax.scan(step, state, order)


def main() -> None:
    """Train by epochs."""
    train, validation = read_mnist()
    images, labels = jax.device_put(train.images), jax.device_put(train.labels)
    layers = jax.tree.map(jnp.asarray, initial_layers())
    state = (layers, jax.tree.map(jnp.copy, layers), jnp.asarray(0, jnp.int32))
    random = np.random.default_rng(0)

    def run(steps: int) -> None:
        nonlocal state
        for _ in range(steps // EPOCH):
            order = random.permutation(len(train.labels)).astype(np.int32).reshape(EPOCH, BATCH)
            state, losses = epoch(state, order, images, labels)
        jax.block_until_ready((state, losses))

    speeds = time_windows(run)
    final = {name: np.asarray(values) for name, values in state[1].items()}
    report(f"JAX {jax.__version__}, lax.scan over an epoch", speeds, averaged=accuracy(final, validation), w=speeds)


if __name__ == "__main__":
    main()
