"""The network: dense layers as pure functions of the weights.

A set of weights is a mapping from variable name to float32 tensor: `layer1/weights` [inputs, units],
`layer1/biases` [units], `layer2/weights`, … Raw or averaged is a matter of which mapping is passed.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from shadowboard.layout import CLASSES, PIXELS
from shadowboard.quiet_tensorflow import tf

Weights = Mapping[str, Any]

INITIAL_STDDEV = 0.1

_ACTIVATIONS = {"relu": tf.nn.relu, "tanh": tf.math.tanh, "sigmoid": tf.math.sigmoid, "none": tf.identity}


def init(hidden: Sequence[int], seed: int) -> dict[str, Any]:
    """Fresh weights of 784 → hidden… → 10, by `seed`: truncated normal of stddev 0.1, biases 0."""
    weights: dict[str, Any] = {}
    for i, (inputs, units) in enumerate(pairwise([PIXELS, *hidden, CLASSES]), start=1):
        weights[f"layer{i}/weights"] = tf.random.stateless_truncated_normal(
            [inputs, units], seed=[seed, i], stddev=INITIAL_STDDEV
        )
        weights[f"layer{i}/biases"] = tf.zeros([units])
    return weights


def logits(weights: Weights, images: Any, activation: str = "relu") -> Any:
    """Logits [N, 10] of images float32 [N, 784] in [0, 1]; no softmax inside."""
    layers = len(weights) // 2
    values = images
    for i in range(1, layers + 1):
        values = values @ weights[f"layer{i}/weights"] + weights[f"layer{i}/biases"]
        if i < layers:
            values = _ACTIVATIONS[activation](values)
    return values


def entropy(weights: Weights, images: Any, labels: Any, activation: str = "relu") -> Any:
    """Mean sparse softmax cross-entropy, in nats, of images float32 [N, 784] with labels int32 [N]."""
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits(weights, images, activation))
    )


def penalty(weights: Weights, regularization: float) -> Any:
    """regularization · Σ ½‖W‖² over the weights, not the biases."""
    return regularization / 2 * sum(_sum_of_squares(weights[name]) for name in regularized(weights))


def regularized(weights: Weights) -> list[str]:
    """The names of the variables that the penalty is on."""
    return [name for name in weights if name.endswith("/weights")]


def _sum_of_squares(values: Any) -> Any:
    """Σ v² of [rows, columns], in two stages.

    XLA adds up to a single number one element after the other, which for a large layer takes as long as a
    matrix product; the first stage, over blocks of rows, uses the processor's vectors.
    """
    blocks = max(b for b in range(1, 17) if values.shape[0] % b == 0)
    partial = tf.reduce_sum(tf.reshape(tf.square(values), [blocks, -1]), axis=0)
    return tf.reduce_sum(tf.nn.relu(partial))  # no partial sum is negative; but now the stages stay apart
